"""What can be said against the settings before hours are spent: a gain that lies wrongly, doses that cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from relionlab.engine.gain import GainOrientation, find_orientation, takes_pattern_away
from relionlab.errors import InputError
from relionlab.io.eer import EerMovie
from relionlab.io.gain import equal_turns, read_gain
from relionlab.io.movie import Movie
from relionlab.jobs.motion.frames import gain_of, opened
from relionlab.jobs.motion.task import MovieSettings, MovieTask, is_eer

ENOUGH_COUNTS, MOST_FRAMES = 30.0, 40
"""Counts per px of the sum by which the gain is looked at, and the frames that are read for it at most."""
MOST_MOVIES = 5
"""Movies that are asked how the gain lies."""
FEW_COUNTS = 20.0
"""Counts per px below which chance hides a gain's pattern, unless the pattern is strong."""
LEAST_DOSE, MOST_DOSE, WANTED_DOSE = 0.6, 2.5, 1.0
"""e/Å² of a frame by which patches are aligned. Below, it holds too little to align by; above, the specimen moves within it."""
MOST_IN_ALL = 200.0
"""e/Å² of a whole exposure beyond which the number must be wrong: few have more than 100."""
SUPER_RESOLUTION = 0.65
"""Å: pixels that are finer are half of a detector's, as a rule."""
DIFFERS = 0.2
"""Share by which a dose may differ from what the file says."""


def doubts_before(directory: Path, tasks: Sequence[MovieTask], wanted: MovieSettings) -> list[str]:
    """Return what speaks against the settings, by the first movie that opens."""
    for task in tasks:
        try:
            with opened(directory, task, wanted) as movie:
                found = [*_of_dose(movie, task, wanted), *_of_binning(task, wanted)]
                if wanted.gain:
                    found += _of_gain(directory, movie, task, wanted)
                return found
        except (InputError, OSError):
            continue  # its own turn will say why
    return []


def fitting_gain(directory: Path, tasks: Sequence[MovieTask], wanted: MovieSettings) -> GainOrientation | None:
    """Return how the gain is to be turned, by the first movies that open until one tells; None if none opens."""
    found = None
    for task in tasks[:MOST_MOVIES] if wanted.gain else ():
        try:
            with opened(directory, task, wanted) as movie:
                found = _orientation(directory, _electrons(movie), task, wanted)
        except (InputError, OSError):
            continue  # its own turn will say why
        if found.decided:
            break
    return found


def _of_dose(movie: Movie, task: MovieTask, wanted: MovieSettings) -> Iterator[str]:
    """Compare the dose of a frame with what frames need, and with what an EER file says of itself."""
    eer = movie if isinstance(movie, EerMovie) else None
    dose = wanted.dose_per_frame
    said = eer_dose(eer, task.pixel_size * (2 if wanted.eer_upsampling == 2 else 1)) if eer else None
    if eer and said:
        a_frame = said * eer.grouping / eer.raw_frames
        if wanted.dose_weighting and abs(dose / a_frame - 1) > DIFFERS:
            fits = max(round(WANTED_DOSE / said * eer.raw_frames), 1)
            yield (
                f"{task.name} says that it had {said:.3g} e/Å² over {eer.raw_frames} raw frames, so that {eer.grouping} of them"
                f" have {a_frame:.3g}; --dose_per_frame says {dose:g}. Give {a_frame:.3g}; or --eer_grouping {fits}, for"
                f" frames of {said * fits / eer.raw_frames:.3g} e/Å²"
            )
            dose = a_frame
    if eer and wanted.group > 1:
        yield (
            f"--group_frames {wanted.group} with EER movies: their raw frames are grouped already. Leave it at 1, and choose"
            " --eer_grouping for the dose of a frame"
        )
    if not wanted.dose_weighting:
        return  # the dose may be a default that nobody thought of
    in_all = dose * movie.frames
    if in_all > MOST_IN_ALL:
        yield (
            f"{movie.frames} frames of {dose:g} e/Å² (--dose_per_frame) are {in_all:.4g} e/Å² in all; exposures have 20 to 100."
            " Give the dose of one frame, per Å² and not per pixel, or all high frequencies are weighted away"
        )
    aligned = dose * wanted.group
    if wanted.patches != (1, 1) and 0 < aligned < LEAST_DOSE:
        number = max(round(WANTED_DOSE / dose), 1) * (eer.grouping if eer else 1)
        yield (
            f"frames of {aligned:.2g} e/Å² hold too little for patches to be aligned by: give"
            f" {'--eer_grouping' if eer else '--group_frames'} {number}, for about {WANTED_DOSE:g} e/Å²"
        )
    if aligned > MOST_DOSE and (eer or wanted.group > 1):
        yield (
            f"frames of {aligned:.2g} e/Å² are long: what moves within them is blurred. Make"
            f" {'--eer_grouping' if eer else '--group_frames'} smaller, for about {WANTED_DOSE:g} e/Å²"
        )


def eer_dose(movie: EerMovie, detector_pixel: float) -> float | None:
    """Return the dose in e/Å² that an EER file says it had, None if it does not; ``detector_pixel``: in Å."""
    return None if movie.total_dose is None else movie.total_dose / detector_pixel**2


def _of_binning(task: MovieTask, wanted: MovieSettings) -> Iterator[str]:
    if task.pixel_size < SUPER_RESOLUTION and wanted.binning == 1:
        yield (
            f"{task.name} has pixels of {task.pixel_size:g} Å. If these are super-resolution pixels, half of the detector's, give"
            " --bin_factor 2: they hold little signal, and everything takes four times as long"
        )


def _of_gain(directory: Path, movie: Movie, task: MovieTask, wanted: MovieSettings) -> Iterator[str]:
    """Compare the gain with the movie's fixed pattern; where it does not fit, find how it is to be turned."""
    total = _electrons(movie)
    gain = gain_of(directory, movie, wanted)
    if gain is None or takes_pattern_away(total, gain):
        return
    found = _orientation(directory, total, task, wanted)
    if found.decided and not found.divides:
        if equal_turns((found.rotation, found.flip), (wanted.gain_rotation, wanted.gain_flip)):
            return
        yield (
            f"{wanted.gain} does not fit {task.name} with --gain_rot {wanted.gain_rotation} --gain_flip {wanted.gain_flip}: it"
            " adds to the detector's pattern instead of taking it away. It fits with"
            f" --gain_rot {found.rotation} --gain_flip {found.flip}: give these, or --find_gain, or the pattern stays in the micrographs"
        )
    elif found.decided:
        yield (
            f"{wanted.gain} fits {task.name} only if frames are divided by it (with --gain_rot {found.rotation} --gain_flip"
            f" {found.flip}): it is the pixels' sensitivity. Give its inverse"
        )
    elif total.mean() > FEW_COUNTS:
        yield (
            f"{wanted.gain} takes no pattern of the detector from {task.name}, whichever way it is turned: the movie may be"
            " gain-corrected already (leave --gainref away), or the gain is of another session"
        )


def _electrons(movie: Movie) -> np.ndarray:
    """Return the sum of as many raw frames as the detector's pattern needs to show, (y, x) float32."""
    total = np.zeros(movie.shape, np.float32)
    for number in range(min(movie.frames, MOST_FRAMES)):
        total += movie.read_stored(number)
        if total[::8, ::8].mean() > ENOUGH_COUNTS:
            break
    return total


def _orientation(directory: Path, total: np.ndarray, task: MovieTask, wanted: MovieSettings) -> GainOrientation:
    file = read_gain(directory / wanted.gain, for_eer=is_eer(task.name), upsampling=wanted.eer_upsampling)
    return find_orientation(total, file)
