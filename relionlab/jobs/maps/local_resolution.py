"""Local resolution: correlate at every place on all workers, then filter the map by what was found there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from relionlab.engine.maps import fsc, sharpening
from relionlab.engine.maps.local_filter import FilterStep
from relionlab.engine.maps.local_resolution import Ball, CorrelationStep, LocalCorrelations, averaged_resolution
from relionlab.engine.maps.random_phases import PhaseGenerator
from relionlab.engine.memory import CLUSTER, WORKER, available_memory
from relionlab.engine.parallel import executor_for, in_processes
from relionlab.engine.steps import Executor, shards
from relionlab.errors import ComputeError, ParameterError
from relionlab.io.atomic import atomic_write
from relionlab.io.images import write_map
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.maps.half_maps import HalfMaps, read_half_maps, read_mask
from relionlab.jobs.maps.postprocess_files import shell_columns
from relionlab.jobs.maps.transfer_file import read_transfer

if TYPE_CHECKING:
    from relionlab.jobs.context import Context
    from relionlab.jobs.maps.postprocess_program import Postprocess
    from relionlab.settings import Settings

_POINTS_AT_ONCE, _SHELLS_AT_ONCE = 32, 8
_ITSELF = 200 * 2**20  # bytes of the program, its libraries and kernels
_MADE, _KEPT, _STACKED = (
    15,
    10,
    4,
)  # maps: while random phases are drawn, while places are correlated, and of these in a stack
_WINDOWS, _FILTERED = 10, 6  # windows and maps that a worker holds


def estimate_local_resolution(options: Postprocess, context: Context) -> None:
    """Write the resolution map, the filtered map and the correlations at all places."""
    maps = read_half_maps(context, options.fn_in, other=options.i2, pixel_size=options.angpix)
    mask = read_mask(context, options.fn_mask, maps=maps, soft=False) if options.fn_mask else None
    ball = _ball(options, maps)
    points = ball.points(maps.box)
    if not len(points):
        raise ParameterError(
            f"A box of {maps.box * maps.pixel_size:.0f} Å has no room for balls of {options.locres_sampling:g} Å"
            " (--locres_sampling): take a finer sampling, or a larger box."
        )
    workers = _planned_workers(context, maps, ball=ball, wanted=options.j)
    executor = executor_for(replace(context.settings, workers=workers))
    try:
        found = _correlated(options, context, maps, ball=ball, points=points, executor=executor)
        volume = averaged_resolution(ball, points, found.resolution, box=maps.box)
        local_map = _filtered(options, context, maps, ball=ball, points=points, found=found, executor=executor)
    finally:
        executor.close()
    _write(options, context, maps, points=points, found=found, volume=volume, local_map=local_map)
    _tell(context, volume, mask)


def _ball(options: Postprocess, maps: HalfMaps) -> Ball:
    return Ball.of(
        sampling=options.locres_sampling,
        radius=options.locres_maskrad,
        edge=options.locres_edgwidth,
        pixel_size=maps.pixel_size,
    )


def _planned_workers(context: Context, maps: HalfMaps, *, ball: Ball, wanted: int) -> int:
    """Return how many workers fit into memory, and say what will be needed."""
    n, room = maps.box, available_memory()
    window, wanted = ball.window(n), wanted or context.settings.cores()
    fitting = [
        workers
        for workers in range(wanted, 0, -1)
        if bytes_needed(n, window, workers=workers, settings=context.settings) <= room
    ]
    if not fitting:
        least = bytes_needed(n, window, workers=1, settings=context.settings)
        raise ComputeError(
            f"A box of {n} px needs {least / 2**20:.0f} MB with one worker, and {room / 2**20:.0f} MB are free:"
            " cut the half-maps' box (image_handler --new_box)."
        )
    workers = fitting[0]
    need = bytes_needed(n, window, workers=workers, settings=context.settings)
    context.say(f" + Will need about {need / 2**20:.0f} MB on {workers} worker{'s' if workers > 1 else ''}.")
    return workers


def bytes_needed(box: int, window: int, *, workers: int, settings: Settings) -> int:
    """Return the bytes that a box and a ball's window, in px, take with so many workers.

    Half-maps, their transforms, and both with random phases are made and stacked; the stack stays while a worker holds
    windows with their transforms, or at the end a shell of the map with the sums.
    """
    map_ = box**3 * 4
    each, program = max(_WINDOWS * window**3 * 4, _FILTERED * map_), _ITSELF + (CLUSTER if workers > 1 else 0)
    if in_processes(replace(settings, workers=workers)):
        each += WORKER + _STACKED * map_
    return program + max(_MADE * map_, _KEPT * map_ + workers * each)


def _correlated(
    options: Postprocess, context: Context, maps: HalfMaps, *, ball: Ball, points: np.ndarray, executor: Executor
) -> LocalCorrelations:
    n, extent = maps.box, maps.box * maps.pixel_size
    first = int(extent / options.locres_randomize_at * (1 - 1e-9))
    if not 0 < first <= n // 2:
        raise ParameterError(
            f"--locres_randomize_at is {options.locres_randomize_at:g} Å: it must lie between {extent:.3g} Å, the box, and"
            f" {2 * maps.pixel_size:.3g} Å, the finest resolution."
        )
    spectra = (fsc.transform(maps.first), fsc.transform(maps.second))
    phases = PhaseGenerator(options.random_seed)
    noise = [sharpening.back(fsc.randomised(one, n, first_shell=first, phases=phases), n) for one in spectra]
    step = CorrelationStep(
        np.stack([maps.first, maps.second, *noise]).astype(np.float32),
        ball,
        points,
        unmasked=fsc.fourier_shell_correlation(spectra[0], spectra[1], n),
        first_shell=first,
        pixel_size=maps.pixel_size,
        coarsest=options.locres_minres,
    )
    context.say(f"== Correlating within a ball at {len(points)} places ...")
    return executor.run(step, shards(len(points), _POINTS_AT_ONCE), _progress(context, "parts of the places"))


def _filtered(
    options: Postprocess,
    context: Context,
    maps: HalfMaps,
    *,
    ball: Ball,
    points: np.ndarray,
    found: LocalCorrelations,
    executor: Executor,
) -> np.ndarray:
    """Return the locally filtered and sharpened map; as in RELION of the sum of the halves, not of their mean."""
    n, size = maps.box, maps.pixel_size
    filters = [sharpening.within_nyquist(n).astype(np.float32)]
    if options.adhoc_bfac:
        filters.append(sharpening.b_factor_weights(n, options.adhoc_bfac, pixel_size=size))
    if options.fn_mtf:
        detector = options.mtf_angpix or size
        transfer = read_transfer(context, options.fn_mtf)
        filters.append(sharpening.transfer_inverse(n, transfer, pixel_size=size, detector_pixel_size=detector))
    spectrum = sharpening.applied(fsc.transform(maps.first + maps.second), *filters)
    step = FilterStep(
        spectrum,
        ball,
        points,
        curves=found.curves[:, 0],
        last_shells=np.rint(n * size / found.resolution).astype(int),
        weighted=not options.do_skip_fsc_weighting,
    )
    context.say("== Filtering the map by the local resolution ...")
    return executor.run(step, shards(step.shells, _SHELLS_AT_ONCE), _progress(context, "parts of the shells"))


def _progress(context: Context, what: str) -> Callable[[int, int], None]:
    def on_shard(done: int, total: int) -> None:
        context.stop_if_asked()
        context.progress(done, total, what)

    return on_shard


def _write(
    options: Postprocess,
    context: Context,
    maps: HalfMaps,
    *,
    points: np.ndarray,
    found: LocalCorrelations,
    volume: np.ndarray,
    local_map: np.ndarray,
) -> None:
    root = context.path(options.o)
    root.parent.mkdir(parents=True, exist_ok=True)
    write_map(root.with_name(f"{root.name}_locres.mrc"), volume, pixel_size=maps.pixel_size)
    write_map(root.with_name(f"{root.name}_locres_filtered.mrc"), local_map, pixel_size=maps.pixel_size)
    labels = (
        "rlnFourierShellCorrelationCorrected",
        "rlnFourierShellCorrelationUnmaskedMaps",
        "rlnFourierShellCorrelationMaskedMaps",
        "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps",
    )
    shells = shell_columns(maps.box, maps.pixel_size)
    tables = [
        Table(shells | dict(zip(labels, curves, strict=True)), name="fsc_" + "_".join(f"{c:04d}" for c in point[::-1]))
        for point, curves in zip(points, found.curves, strict=True)
    ]
    write_star(root.with_name(f"{root.name}_locres_fscs.star"), tables)
    if options.fn_mask:  # the pictures take the histogram within it
        with atomic_write(root.with_name(f"{root.name}_locres_mask.txt")) as temporary:
            temporary.write_text(f"{options.fn_mask}\n")


def _tell(context: Context, volume: np.ndarray, mask: np.ndarray | None) -> None:
    inside = volume[(mask > 0.5) & (volume > 0)] if mask is not None else volume[volume > 0]
    low, middle, high = np.percentile(inside, [5, 50, 95])
    where = (
        "Within the mask" if mask is not None else "In the box, solvent included (give --mask for the particle alone),"
    )
    context.say(
        f" {where} half of the voxels are better than {middle:.2f} Å; 90 % lie between {low:.2f} and {high:.2f} Å."
    )
