"""How much joining lists has to do."""

from __future__ import annotations

from relionlab.jobs.star.joinstar import JoinStar
from relionlab.jobs.work import Facts, Work

_BYTES_PER_SECOND = 30e6


def joining(job: JoinStar, facts: Facts) -> Work:
    """Lists are read, compared and written."""
    sizes = [
        (facts.directory / node.path).stat().st_size for node in job.inputs() if (facts.directory / node.path).is_file()
    ]
    return Work(
        0.0, 1.0 + sum(sizes) / _BYTES_PER_SECOND, memory=(150 << 20) + 6 * sum(sizes), disk=sum(sizes), draws=False
    )
