"""Find how a movie in memory moved, in the movie's own pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.motion.frames import Frames
from relionlab.engine.motion.local import align_patches
from relionlab.engine.motion.patches import Grid, cut_patches, empty_patches, fill, lay_out
from relionlab.engine.motion.power import grouped
from relionlab.engine.motion.spectra import EDGE, Spectra, empty_spectra, fading, fast_extent, low_frequencies
from relionlab.engine.motion.whole import WholeAlignment, align_whole
from relionlab.errors import InputError
from relionlab.exchange.motioncor2 import find_logs, fitted_model, read_patches, read_whole
from relionlab.io.motion import read_motion
from relionlab.jobs.motion.frames import Loaded
from relionlab.jobs.motion.task import MovieSettings, MovieTask

FINEST_SEARCH, FINEST = 8.0, 6.0
"""Å: the first search and the refinement look at no finer detail; a frame tells next to nothing of it."""
LIMIT_SEARCH, LIMIT = 0.2, 0.4
"""Cycles per px: neither do they look beyond these, near which a detector's own falloff and aliasing begin."""
UNKNOWN = 0.4
"""px of standard error from which on frames have no more in common than noise has by chance."""
LEAST_PATCH = 64
"""px that a patch must have along either side."""


@dataclass(frozen=True)
class Aligned:
    """How a movie moved, all in px of the movie as it is recorded.

    shifts    (frames, 2) global, of the frames that are used; the first one's zero
    model     (2, 6, 3) local motion, None for whole frames only
    patches   (n, 2) x and y of the patches' centres; measured (n, m, 2) what they say beside the global shifts
    times     (m,) frames after the first that the patches' frames lie at
    doubts    what the user should know of this movie
    """

    shifts: np.ndarray
    model: np.ndarray | None = None
    patches: np.ndarray | None = None
    measured: np.ndarray | None = None
    times: np.ndarray | None = None
    doubts: tuple[str, ...] = ()


def align(movie: Loaded, task: MovieTask, wanted: MovieSettings, *, log: list[str]) -> Aligned:
    """Align whole frames, then patches where there are several."""
    frames, scale = movie.frames, movie.scale
    pixel_size = task.pixel_size / scale
    finest = min(pixel_size / FINEST, LIMIT)
    b_factor = (default_b_factor(task.pixel_size) if wanted.b_factor is None else wanted.b_factor) * scale**2
    spectra = _spectra(frames, finest)
    whole = align_whole(
        spectra,
        b_factor=b_factor,
        search_limit=search_limit(pixel_size, b_factor, wanted.downsampling),
        iterations=wanted.iterations,
    )
    log += ["", "Global alignment:"]
    log += [f" Iteration {n}: RMSD = {change / scale:.4g} px" for n, change in enumerate(whole.changes, 1)]
    if whole.error > UNKNOWN:
        doubt = (
            "its frames have no more in common than noise has, so that their motion cannot be known; they were added up unmoved."
            " Look at the image, and leave the movie out if there is nothing to see"
        )
        log.append(f"Warning: {doubt}.")
        return Aligned(np.zeros_like(whole.shifts), doubts=(doubt,))
    if wanted.patches == (1, 1):
        return Aligned(whole.shifts / scale)
    return _with_patches(movie, whole, spectra, finest=finest, wanted=wanted, log=log)


def given(movie: Loaded, task: MovieTask, wanted: MovieSettings, *, directory: Path) -> Aligned:
    """Take the shifts of an earlier correction, by whichever program."""
    if not task.metadata.endswith(".star"):
        return _of_motioncor2(movie, task, directory=directory)
    motion = read_motion(directory / task.metadata)
    frames, start = len(movie.frames), wanted.first - 1
    shifts = motion.shifts[start : start + frames]
    if motion.size != movie.recorded:
        raise InputError(
            f"{task.metadata} is of a movie of (frames, y, x) = {motion.size}, {task.name} has {movie.recorded}. "
            "Give this movie's own motion, with the same EER grouping."
        )
    if len(shifts) < frames or not np.isfinite(shifts).all():
        raise InputError(
            f"{task.metadata} has shifts for {int(motion.used.sum())} frames from frame {motion.first_frame} on; frames "
            f"{start + 1} to {start + frames} are asked for. Choose frames that it has, or align the movie anew."
        )
    if motion.model is not None and start + 1 != motion.first_frame:
        raise InputError(
            f"{task.metadata}: its local motion begins with frame {motion.first_frame}; give --first_frame_sum "
            f"{motion.first_frame} to use it."
        )
    return Aligned(shifts, motion.model)


def _of_motioncor2(movie: Loaded, task: MovieTask, *, directory: Path) -> Aligned:
    """Take the shifts that MotionCor2's logs list."""
    beside = [name.name for name in (directory / task.name).parent.glob("*")]
    whole_log, patch_log = find_logs(directory / task.metadata, task.name, beside)
    shifts = read_whole(whole_log)
    if len(shifts) != len(movie.frames):
        raise InputError(
            f"{whole_log} lists {len(shifts)} frames; {len(movie.frames)} of {task.name} are used. Choose the same ones with"
            " --first_frame_sum and --last_frame_sum (of EER: the same --eer_grouping)."
        )
    if patch_log is None:
        return Aligned(shifts)
    patches = read_patches(patch_log, shifts)
    places = patches.places * np.array([movie.recorded[2], movie.recorded[1]]) / np.array(patches.size)
    return Aligned(shifts, fitted_model(patches), places, patches.shifts, np.arange(len(shifts), dtype=float))


def default_b_factor(pixel_size: float) -> float:
    """Return a B-factor in px² that suits a pixel size: 150 Å², between 10 and 500 px²."""
    return float(np.clip(150 / pixel_size**2, 10, 500))


def search_limit(pixel_size: float, b_factor: float, downsampling: float) -> float:
    """Return up to which frequency, in cycles per px, the first search looks.

    To where the B-factor has damped to 1 %, but to 8 Å and 0.2 cycles per px at most; or as the downsampling says.
    """
    if downsampling > 0:
        return min(0.5 / downsampling, LIMIT)
    damped = np.sqrt(2 * np.log(100) / b_factor) if b_factor > 0 else LIMIT_SEARCH
    return float(np.clip(damped, 0.02, min(pixel_size / FINEST_SEARCH, LIMIT_SEARCH)))


def _spectra(frames: Frames, finest: float) -> Spectra:
    extent = fast_extent(frames.shape)
    spectra = empty_spectra(len(frames), extent, finest)
    window = fading(extent[0], EDGE), fading(extent[1], EDGE)
    for n in range(len(frames)):
        low_frequencies(frames.image(n)[: extent[0], : extent[1]], window, spectra.values[n])
    return spectra


def _with_patches(
    movie: Loaded, whole: WholeAlignment, spectra: Spectra, *, finest: float, wanted: MovieSettings, log: list[str]
) -> Aligned:
    frames, scale = movie.frames, movie.scale
    across, down = wanted.patches
    grid = lay_out(spectra, across, down, field=frames.shape)
    extent = grid.extent_px
    if min(extent) < LEAST_PATCH:
        raise InputError(
            f"{across} × {down} patches of a frame of {frames.shape[1]} × {frames.shape[0]} px would have only "
            f"{extent[1]} × {extent[0]} px; expected {LEAST_PATCH} px at least. Take fewer patches."
        )
    groups = grouped(len(frames), wanted.group)
    times = np.array([np.mean(group) for group in groups])
    shifts, offsets, patches = _cut(spectra, grid, whole, groups=groups, finest=finest)
    found = align_patches(patches, grid, whole.worth, shifts=shifts, offsets=offsets, times=times)
    log += ["", f"Local alignments: {across} x {down} patches of {extent[1]} x {extent[0]} px"]
    log += [f" Iteration {n}: RMSD = {change / scale:.4g} px" for n, change in enumerate(found.changes, 1)]
    log.append(f" {int(found.used.sum())} of {len(found.used)} patches are used")
    log.append(f"Polynomial fit RMSD: X = {found.misfit[0] / scale:.4g} px Y = {found.misfit[1] / scale:.4g} px")
    refined = found.shifts - shifts  # of groups of frames: each frame keeps its place within its group
    everywhere = np.arange(len(frames))
    refined = np.stack([np.interp(everywhere, times, refined[:, axis]) for axis in range(2)], axis=1)
    total = whole.shifts + refined
    return Aligned((total - total[0]) / scale, found.model / scale, grid.centres / scale, found.measured / scale, times)


def _cut(
    frames: Spectra, grid: Grid, whole: WholeAlignment, *, groups: list[list[int]], finest: float
) -> tuple[np.ndarray, np.ndarray, list[Spectra]]:
    """Return shifts and offsets (groups, 2) in px, and the patches' spectra, frames of a group added up."""
    shifts = np.array([whole.shifts[group].mean(axis=0) for group in groups])
    sample = np.array([grid.sample[1], grid.sample[0]])
    places = np.rint(whole.shifts / sample).astype(int)
    offsets = np.array([places[group].mean(axis=0) for group in groups]) * sample
    patches = empty_patches(grid, len(groups), finest)
    for n, group in enumerate(groups):
        cut = cut_patches(frames.image(group[0]), grid, places[group[0]])
        for k in group[1:]:
            cut += cut_patches(frames.image(k), grid, places[k])
        fill(patches, n, cut, windows=grid.windows)
    return shifts, offsets, patches
