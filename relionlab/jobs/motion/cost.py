"""How much motion correction has to do."""

from __future__ import annotations

from relionlab.engine.memory import KERNELS
from relionlab.errors import InputError
from relionlab.jobs.motion.frames import bytes_needed
from relionlab.jobs.motion.job import MotionCorr
from relionlab.jobs.motion.listing import settings_of
from relionlab.jobs.motion.program import RunMotionCorr
from relionlab.jobs.motion.task import MovieTask
from relionlab.jobs.work import PROGRAM, Facts, Work

_PER_PIXEL = 7.5e-8  # seconds of a core for each pixel of each frame: read, aligned as a whole and in patches, summed
_ALONE = 5.5


def motion_correction(job: MotionCorr, facts: Facts) -> Work:
    """Every pixel of every frame is read, transformed, aligned and added."""
    movies = facts.movies(job.input_star_mics)
    frames = movies.frames
    if job.last_frame_sum > 0:
        frames = min(frames, job.last_frame_sum - job.first_frame_sum + 1)
    flags = RunMotionCorr.from_flags(job.commands("X/")[0].arguments)
    each = _memory(job, facts, flags)
    workers, doubt = facts.workers(movies.count, threads=flags.j, each=each)
    pixels = movies.pixels / max(job.bin_factor, 1.0) ** 2
    images = 1 + (job.do_dose_weighting and job.do_save_noDW) + bool(job.do_save_ps) * 0.1
    return Work(
        shared=movies.count * frames * movies.pixels * _PER_PIXEL,
        alone=_ALONE,
        workers=workers,
        memory=PROGRAM + KERNELS + workers * each,
        disk=int(movies.count * pixels * (2 if job.do_float16 else 4) * images),
        doubt=doubt,
        words=f"{movies.count:,} movies of {frames} frames",
    )


def _memory(job: MotionCorr, facts: Facts, flags: RunMotionCorr) -> int:
    from relionlab.io.star_head import star_heads

    heads = star_heads(facts.directory / job.input_star_mics)
    head = next(one for one in heads.values() if "rlnMicrographMovieName" in one.first)
    task = MovieTask(head.first["rlnMicrographMovieName"], "X/movie", 1.0, 300.0, "")
    try:
        return bytes_needed(facts.directory, [task], settings_of(flags))
    except InputError:
        return 0
