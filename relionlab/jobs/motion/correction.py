"""Correct one movie: read it, mend it, align it, add it up, and write what RELION writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from relionlab.engine.motion.dose import frame_doses
from relionlab.engine.motion.model import field_at, path_lengths
from relionlab.engine.motion.power import PowerSpectrum, grouped
from relionlab.engine.motion.summing import DoseWeighting, move_frame, sum_frames
from relionlab.errors import InputError
from relionlab.io.atomic import atomic_write
from relionlab.io.images import StackWriter, open_image
from relionlab.io.motion import Motion, read_motion, write_motion
from relionlab.jobs.motion.alignment import Aligned, align, given
from relionlab.jobs.motion.frames import Loaded, load
from relionlab.jobs.motion.records import agree, made_so, record_in, recorded
from relionlab.jobs.motion.task import MovieSettings, MovieTask, binned_shape, is_eer, output_pixel_size


@dataclass(frozen=True)
class Corrected:
    """What the list of micrographs says of one.

    travelled   px of the movie: length of the specimen's path in all, early and late
    pixel_size  Å, of the corrected micrograph
    doubts      what the user should know of it
    """

    travelled: tuple[float, float, float]
    pixel_size: float
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class CorrectMovie:
    """The work on each movie, for :func:`relionlab.jobs.micrographs.each.for_each_micrograph`.

    directory  the project
    """

    directory: Path
    tasks: tuple[MovieTask, ...]
    settings: MovieSettings = field(default_factory=MovieSettings)

    def __call__(self, index: int) -> Corrected:
        """Correct movie ``index`` and write its files, the motion's STAR file last."""
        task, wanted = self.tasks[index], self.settings
        (self.directory / f"{task.root}.star").unlink(missing_ok=True)  # it says "done"
        with _log(self.directory / f"{task.root}.log", task) as log:
            log += [recorded(task, wanted), ""]
            movie = load(self.directory, task, wanted, log=log)
            found = (
                given(movie, task, wanted, directory=self.directory)
                if task.metadata
                else align(movie, task, wanted, log=log)
            )
            self._write_sums(task, movie, found, log)
            motion = self._motion(task, movie, found)
        write_motion(self.directory / f"{task.root}.star", motion)
        return replace(self._summary(task, motion), doubts=found.doubts)

    def finished(self, index: int) -> Corrected | None:
        """Return what an earlier run, ours or RELION's, made of a movie; None if it has to be corrected.

        So it has if a file is missing or not whole, or if it was made with other settings.
        """
        task, wanted = self.tasks[index], self.settings
        needed = [".mrc", ".star"]
        needed += ["_noDW.mrc"] if wanted.save_plain and wanted.dose_weighting else []
        needed += ["_PS.mrc"] if wanted.frames_per_spectrum else []
        needed += ["_movie.mrcs"] if wanted.save_aligned else []
        if not all((self.directory / f"{task.root}{ending}").is_file() for ending in needed):
            return None
        try:
            motion = read_motion(self.directory / f"{task.root}.star")
            for ending in needed:
                if ending != ".star":
                    open_image(self.directory / f"{task.root}{ending}")  # raises where it is shorter than it says
            record = record_in(self.directory / f"{task.root}.log")
            same = agree(motion, task, wanted) if record is None else made_so(record, task, wanted)
        except (InputError, OSError, ValueError):
            return None
        return self._summary(task, motion) if same else None

    def _summary(self, task: MovieTask, motion: Motion) -> Corrected:
        """Return the path lengths, those up to the early dose apart."""
        dose = motion.dose_per_frame if motion.dose_per_frame > 0 else 1.0
        early_frames = (self.settings.early_dose - motion.pre_exposure) / dose - (motion.first_frame - 1)
        size = output_pixel_size(task, self.settings, motion.size[1:])
        return Corrected(path_lengths(motion.shifts[motion.used], early_frames), size)

    def _motion(self, task: MovieTask, movie: Loaded, found: Aligned) -> Motion:
        wanted = self.settings
        shifts = np.full((movie.recorded[0], 2), np.nan)
        shifts[wanted.first - 1 : wanted.first - 1 + len(found.shifts)] = found.shifts
        eer = is_eer(task.name)
        return Motion(
            movie=task.name,
            size=movie.recorded,
            shifts=shifts,
            pixel_size=task.pixel_size,
            model=found.model,
            gain=wanted.gain,
            defects=wanted.defects,
            hot_pixels=movie.hot,
            patches=found.patches,
            patch_frames=np.zeros(0, int) if found.times is None else np.rint(found.times).astype(int) + wanted.first,
            patch_shifts=np.zeros((0, 0, 2)) if found.measured is None else found.measured,
            first_frame=wanted.first,
            binning=wanted.binning,
            dose_per_frame=wanted.dose_per_frame,
            pre_exposure=wanted.pre_exposure,
            voltage=task.voltage,
            eer_grouping=wanted.eer_grouping if eer else None,
            eer_upsampling=wanted.eer_upsampling if eer else None,
        )

    # --- the images ----------------------------------------------------------------------------------------------

    def _write_sums(self, task: MovieTask, movie: Loaded, found: Aligned, log: list[str]) -> None:
        wanted, frames, scale = self.settings, movie.frames, movie.scale
        pixel_size = task.pixel_size / scale
        output = binned_shape(movie.recorded[1:], wanted.binning)
        final = output_pixel_size(task, wanted, movie.recorded[1:])
        groups = grouped(len(frames), wanted.frames_per_spectrum) if wanted.frames_per_spectrum else []
        spectrum = PowerSpectrum(frames.shape, pixel_size, wanted.spectrum_size)
        sums = sum_frames(
            frames.image,
            found.shifts * scale,
            None if found.model is None else found.model * scale,
            dose=self._dose(task, len(frames), pixel_size) if wanted.dose_weighting else None,
            plain=wanted.save_plain or not wanted.dose_weighting,
            output=output,
            groups=groups,
            on_group=spectrum.add,
        )
        if groups:
            self._write(task, "_PS.mrc", spectrum.image(), spectrum.pixel_size)
            log.append(f"The pixel size for CTF estimation: {spectrum.pixel_size:.6g}")
        if wanted.save_aligned:
            self._write_aligned(task, movie, found, output=output, pixel_size=final)
        written = sums.plain if sums.weighted is None else sums.weighted
        if sums.weighted is not None and sums.plain is not None:
            self._write(task, "_noDW.mrc", sums.plain, final)
        if written is not None:
            self._write(task, ".mrc", written, final)
        kind = "aligned and dose-weighted" if wanted.dose_weighting else "aligned"
        log.append(f"Written {kind} sum to {task.root}.mrc")

    def _dose(self, task: MovieTask, frames: int, pixel_size: float) -> DoseWeighting:
        wanted = self.settings
        before = wanted.pre_exposure + wanted.dose_per_frame * (wanted.first - 1)
        doses = frame_doses(frames, dose_per_frame=wanted.dose_per_frame, pre_exposure=before)
        return DoseWeighting(doses, task.voltage, pixel_size)

    def _write(self, task: MovieTask, ending: str, image: np.ndarray, pixel_size: float) -> None:
        place, half = self.directory / f"{task.root}{ending}", self.settings.half_precision
        shape = (image.shape[0], image.shape[1])
        with StackWriter(place, 1, shape, pixel_size, half_precision=half) as stack:
            stack.append(image)

    def _write_aligned(
        self, task: MovieTask, movie: Loaded, found: Aligned, *, output: tuple[int, int], pixel_size: float
    ) -> None:
        frames, scale = movie.frames, movie.scale
        place, half = self.directory / f"{task.root}_movie.mrcs", self.settings.half_precision
        with StackWriter(place, len(frames), output, pixel_size, half_precision=half) as stack:
            for n in range(len(frames)):
                local = None if found.model is None else field_at(found.model * scale, n)
                stack.append(move_frame(frames.image(n), found.shifts[n] * scale, local, output=output))


@contextmanager
def _log(path: Path, task: MovieTask) -> Iterator[list[str]]:
    """Give a list of lines that is written at the end; after an error its message is the last line."""
    lines = [f"Working on {task.name}", ""]
    try:
        yield lines
    except Exception as error:
        lines.append(f"ERROR: {error}")
        raise
    finally:
        with atomic_write(path) as place:
            place.write_text("\n".join(lines) + "\n")
