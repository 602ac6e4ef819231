"""How much the jobs on maps have to do."""

from __future__ import annotations

from relionlab.engine.maps.local_resolution import Ball
from relionlab.jobs.maps.local_resolution import bytes_needed
from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.maps.postprocess_program import Postprocess
from relionlab.jobs.work import PROGRAM, Facts, Work

_MASK_PER_VOXEL = 8.0e-7  # seconds of a core: a filter, and two fields of distances
_POST_PER_VOXEL = 6.0e-7  # some ten transforms
_WINDOW_PER_VOXEL = 1.6e-7  # of the window, at each place: four transforms and their correlation
_FILTER_PER_VOXEL = 1.0e-7  # of the map, for each shell
_ALONE = 4.0


def mask(job: MaskCreate, facts: Facts) -> Work:
    """The map is filtered, and the distances of its voxels are measured twice."""
    box, _ = facts.map(job.fn_in)
    return Work(box**3 * _MASK_PER_VOXEL, _ALONE, 1, PROGRAM + 30 * box**3, 4 * box**3, words=f"a map of {box} px")


def postprocessing(job: PostProcess, facts: Facts) -> Work:
    """The half-maps are transformed, masked, phase-randomised and compared."""
    box, _ = facts.map(job.fn_in)
    memory = PROGRAM + 60 * box**3
    return Work(box**3 * _POST_PER_VOXEL, _ALONE, 1, memory, 8 * box**3, words=f"half-maps of {box} px")


def local_resolution(job: LocalRes, facts: Facts) -> Work:
    """Half-maps are correlated within a ball at many places, and the map is filtered shell by shell."""
    box, told = facts.map(job.fn_in)
    flags = Postprocess.from_flags(job.commands("X/")[0].arguments)
    pixel_size = job.angpix or told
    ball = Ball.of(
        sampling=flags.locres_sampling,
        radius=flags.locres_maskrad,
        edge=flags.locres_edgwidth,
        pixel_size=pixel_size,
    )
    window = ball.window(box)
    workers, doubt = facts.workers(
        10**6, threads=flags.j, each=bytes_needed(box, window, workers=1, settings=facts.settings)
    )
    places = len(ball.points(box))
    return Work(
        shared=places * ball.window(box) ** 3 * _WINDOW_PER_VOXEL + box // 2 * box**3 * _FILTER_PER_VOXEL,
        alone=_ALONE,
        workers=workers,
        memory=bytes_needed(box, window, workers=workers, settings=facts.settings),
        disk=8 * box**3,
        doubt=doubt,
        words=f"half-maps of {box} px, {places:,} places",
    )
