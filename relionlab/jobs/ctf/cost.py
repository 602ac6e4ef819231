"""How much CTF estimation has to do."""

from __future__ import annotations

from relionlab.engine.memory import KERNELS
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.ctf.program import BYTES_PER_PIXEL
from relionlab.jobs.work import PROGRAM, Facts, Work

_PER_PIXEL = 6.5e-8  # seconds of a core: the micrograph is read and its tiles are transformed
_PER_FIT = 0.65  # the search over defocus and astigmatism
_ALONE = 4.0


def ctf_estimation(job: CtfFind, facts: Facts) -> Work:
    """Each micrograph's spectrum is made, and a CTF is fitted to it."""
    found = facts.micrographs(job.input_star_mics)
    each = found.pixels * BYTES_PER_PIXEL
    workers, doubt = facts.workers(found.count, threads=job.nr_mpi if job.nr_mpi > 1 else 0, each=each)
    spectrum = 0 if job.use_given_ps else found.pixels * _PER_PIXEL
    phases = 1 + (job.phase_max - job.phase_min) / max(job.phase_step, 1) if job.do_phaseshift else 1
    return Work(
        shared=found.count * (spectrum + _PER_FIT * (job.box / 512) ** 2 * phases),
        alone=_ALONE,
        workers=workers,
        memory=PROGRAM + KERNELS + workers * each,
        disk=found.count * (job.box**2 * 4 + 200_000),
        doubt=doubt,
        words=f"{found.count:,} micrographs",
    )
