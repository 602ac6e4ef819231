"""Job types and drop-in programs, a room for each stage: its form, its program's flags, and the recipe.

``from relionlab.jobs import MotionCorr, CtfFind, Class2D``: every job type is found here by its name.

At the top lies what declares them: ``registry`` says which there are, ``base`` what they are, ``job_star`` reads and
writes their parameters as RELION does. The stages do not know each other; what they share lies in ``micrographs``,
``particles``, ``star`` and ``options``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relionlab.jobs.base import Job


def __getattr__(name: str) -> type[Job]:
    from relionlab.jobs.registry import job_classes

    if name not in job_classes():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return job_classes()[name]


def __dir__() -> list[str]:
    from relionlab.jobs.registry import job_classes

    return [*globals(), *job_classes()]
