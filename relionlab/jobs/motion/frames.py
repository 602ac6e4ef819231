"""Read a movie into memory: the frames that are used, with gain, without bad pixels, binned early where asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from relionlab.engine.gain import find_hot_pixels
from relionlab.engine.micrograph_checks import check_contrast, check_finite
from relionlab.engine.motion.frames import Frames
from relionlab.engine.motion.summing import crop_frame
from relionlab.errors import InputError
from relionlab.io.gain import check_gain, read_defects, read_gain
from relionlab.io.movie import Movie
from relionlab.io.movies import open_movie
from relionlab.jobs.motion.task import MovieSettings, MovieTask, binned_shape, is_eer

LEAST_FRAMES = 2
SEED = 1
"""Of the pixels that stand in for bad ones."""


@dataclass(frozen=True)
class Loaded:
    """A movie in memory.

    frames    those that are used
    hot       (n, 2) x and y of hot pixels, in the movie's pixels
    recorded  (frames, y, x) of the movie as it is recorded
    """

    frames: Frames
    hot: np.ndarray
    recorded: tuple[int, int, int]

    @property
    def scale(self) -> float:
        """Pixels of the movie that one pixel of the frames in memory takes, inverted: 0.5 with early binning by 2."""
        return self.frames.shape[1] / self.recorded[2]


def opened(directory: Path, task: MovieTask, wanted: MovieSettings) -> Movie:
    """Open a task's movie, EER with the frames grouped as is wanted."""
    return open_movie(directory / task.name, eer_grouping=wanted.eer_grouping, eer_upsampling=wanted.eer_upsampling)


def load(directory: Path, task: MovieTask, wanted: MovieSettings, *, log: list[str]) -> Loaded:
    """Read a movie; raises InputError or ImageError, naming the file, for whatever is wrong with it."""
    with opened(directory, task, wanted) as movie:
        chosen = chosen_frames(movie, wanted)
        log.append(f"Movie size: X = {movie.shape[1]} Y = {movie.shape[0]} N = {movie.frames}")
        log.append(f"Frames to be used: {chosen.start + 1} to {chosen.stop}")
        frames = Frames(gain_of(directory, movie, wanted))
        for number in chosen:
            frame = movie.read_stored(number)
            if frame.dtype.kind == "f":
                check_finite(frame, what=f"movie's frame {number + 1}")
            frames.append(frame)
        recorded = (movie.frames, *movie.shape)
    hot = _mend(directory, task, frames, wanted, log)
    target = binned_shape(recorded[1:], wanted.binning) if wanted.early_binning else recorded[1:]
    if target != recorded[1:]:
        binned = Frames()
        for n in range(len(frames)):
            binned.append(crop_frame(frames.image(n), target))
        frames = binned
        log.append(f"Image size after early binning: X = {target[1]} Y = {target[0]}")
    return Loaded(frames, hot, recorded)


def bytes_needed(directory: Path, tasks: Sequence[MovieTask], wanted: MovieSettings) -> int:
    """Return about how much memory the correction of a movie takes, by the first one that opens; 0 if none does."""
    for task in tasks:
        try:
            with opened(directory, task, wanted) as movie:
                pixels, frames = int(np.prod(movie.shape)), movie.frames
            break
        except (InputError, OSError):
            continue  # its own turn will say why
    else:
        return 0
    whole_images = 6 + 6 + 4  # weighted sums; transforms; frame, gain and what is under way
    return pixels * (2 * frames + 4 * whole_images) + int(0.7 * pixels * frames) * 2


def chosen_frames(movie: Movie, wanted: MovieSettings) -> range:
    """Return the numbers of the frames that are used, from 0; InputError if the movie has not those, or too few are left."""
    last = movie.frames if wanted.last <= 0 else wanted.last
    if wanted.first > movie.frames or last > movie.frames:
        raise InputError(
            f"{movie.path} has {movie.frames} frames, but frames {wanted.first} to {max(last, wanted.first)} are asked for: "
            "lower --first_frame_sum or --last_frame_sum (-1: all)."
        )
    if last - wanted.first + 1 < LEAST_FRAMES:
        raise InputError(
            f"{movie.path}: only {last - wanted.first + 1} frame of {movie.frames} is used, so there is nothing to align. "
            "Take more frames; single images are imported as micrographs."
        )
    return range(wanted.first - 1, last)


def gain_of(directory: Path, movie: Movie, wanted: MovieSettings) -> np.ndarray | None:
    """Return the gain, turned as is wanted, that a movie's frames are multiplied with; None if there is none."""
    if not wanted.gain:
        return None
    place = directory / wanted.gain
    gain = _gain_of(
        place,
        place.stat().st_mtime_ns if place.exists() else 0,
        (wanted.gain_rotation, wanted.gain_flip),
        is_eer(movie.path.name),
        wanted.eer_upsampling,
    )
    check_gain(gain, movie.shape, path=wanted.gain, movie=movie.path)
    return gain


@lru_cache(maxsize=2)
def _gain_of(path: Path, _changed: int, turned: tuple[int, int], for_eer: bool, upsampling: int) -> np.ndarray:  # noqa: FBT001
    return read_gain(path, rotation=turned[0], flip=turned[1], for_eer=for_eer, upsampling=upsampling)


def _mend(directory: Path, task: MovieTask, frames: Frames, wanted: MovieSettings, log: list[str]) -> np.ndarray:
    """Have dead, defective and hot pixels replaced; return the hot ones, (n, 2) x and y."""
    bad = np.zeros(frames.shape, bool) if frames.gain is None else frames.gain == 0
    if wanted.defects:
        bad |= read_defects(directory / wanted.defects, frames.shape)
    total = frames.total()
    check_contrast(float(total.min()), float(total.max()), what=f"sum of frames, {wanted.gain or 'no gain'} applied,")
    if bad.mean() > 0.5:
        raise InputError(
            f"{task.name}: {100 * bad.mean():.0f} % of its pixels are bad by {wanted.defects or wanted.gain}. In a defect map"
            " 1 means bad; a gain of 0 means a dead pixel. Check that file."
        )
    hot = np.zeros(frames.shape, bool)
    if wanted.find_hot_pixels:
        hot = find_hot_pixels(total) & ~bad
        log.append(f"In unaligned sum, Mean = {total.mean(dtype=float):.6g} Std = {total.std(dtype=float):.6g}")
        log.append(f"Detected {int(hot.sum())} hot pixels to be corrected.")
    bad |= hot
    if bad.any():
        frames.mark_bad(bad, seed=SEED)
        log.append(f"Replaced {int(bad.sum())} bad pixels in every frame.")
    return np.argwhere(hot)[:, ::-1]
