"""The CTF of one micrograph: read, fit (or have CTFFIND 4.1 do it), write the files; and what an earlier run left."""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit import Fit, Range, Spectrum, check_spectrum, fit_ctf, power_spectrum
from relionlab.engine.ctffit.diagnostic import diagnostic_image
from relionlab.engine.ctffit.quality import normalised
from relionlab.errors import ComputeError, InputError, ParameterError
from relionlab.exchange.ctffind4 import Estimate, read_ctffind4, write_ctffind4
from relionlab.io.images import read_header, read_image, write_image
from relionlab.io.movies import open_movie

_SECONDS = 1800  # that an external program may take for a micrograph


@dataclass(frozen=True)
class Micrograph:
    """What is fitted, and where its results go.

    name    as the micrographs' table names it
    source  file that is read: the micrograph, the one without dose weighting, its power spectrum or its aligned movie
    root    path of the results without ending, relative to the project: "CtfFind/job003/Movies/mic001"
    optics  of the microscope, with the micrograph's pixel size
    """

    name: str
    source: str
    root: str
    optics: Optics


@dataclass(frozen=True)
class Settings:
    """How to fit; see the program's parameters of the same meaning.

    window  px, None for all of the micrograph
    kind    what ``source`` is: "micrograph", "spectrum" or "movie"
    frames  of a movie that are averaged before their spectrum is made
    external  CTFFIND 4.1's executable, "" for the fit of our own
    threads, slow  for the executable
    """

    searched: Range
    box: int
    window: int | None = None
    kind: str = "micrograph"
    frames: int = 1
    external: str = ""
    threads: int = 1
    slow: bool = False


@dataclass(frozen=True)
class CtfWork:
    """Estimates the CTF of the micrograph of a number; see per_micrograph.Work."""

    directory: Path
    micrographs: tuple[Micrograph, ...]
    settings: Settings

    def __call__(self, index: int) -> Estimate:
        """Fit, and write .ctf, .txt, _avrot.txt and, last, _ctffind4.log."""
        micrograph = self.micrographs[index]
        (self.directory / micrograph.root).parent.mkdir(parents=True, exist_ok=True)
        if self.settings.external:
            return self._by_ctffind(micrograph)
        spectrum, size = self._spectrum(micrograph)
        fit = fit_ctf(spectrum, micrograph.optics, self._searched(spectrum.pixel_size))
        return self._written(micrograph, fit, size)

    def finished(self, index: int) -> Estimate | None:
        """Return what an earlier run left, ``None`` if it is missing, broken, older than its input or made otherwise."""
        micrograph = self.micrographs[index]
        root = self.directory / micrograph.root
        log, table = Path(f"{root}_ctffind4.log"), Path(f"{root}.txt")
        try:
            if not log.exists() or "Summary of results" not in log.read_text(errors="replace"):
                return None
            if not Path(f"{root}.ctf").exists():
                return None
            source = self.directory / micrograph.source
            if source.exists() and source.stat().st_mtime > log.stat().st_mtime:
                return None
            found = read_ctffind4(table)[0]
        except (InputError, OSError):
            return None
        return found if self._fits(found, micrograph) else None

    def _searched(self, pixel_size: float) -> Range:
        """Return the ranges, the finest resolution no finer than the pixels allow."""
        searched = self.settings.searched
        return replace(searched, finest=max(searched.finest, finest_possible(pixel_size)))

    def _fits(self, found: Estimate, micrograph: Micrograph) -> bool:
        wanted, there = dict(self._described(micrograph)), dict(found.settings)
        if self.settings.kind == "spectrum":  # its pixel size stands in its own header
            wanted.pop("pixel_size")
        return all(
            math.isclose(there[name], value, rel_tol=1e-3, abs_tol=5e-3)
            for name, value in wanted.items()
            if name in there
        )

    def _described(self, micrograph: Micrograph) -> Iterator[tuple[str, float]]:
        searched, optics = self.settings.searched, micrograph.optics
        yield "pixel_size", optics.pixel_size
        yield "voltage_kv", optics.voltage_kv
        yield "spherical_aberration_mm", optics.spherical_aberration_mm
        yield "amplitude_contrast", optics.amplitude_contrast
        yield "box", self.settings.box
        yield "coarsest", searched.coarsest
        yield "finest", searched.finest
        yield "lowest", searched.lowest
        yield "highest", searched.highest
        yield "astigmatism", searched.astigmatism
        yield "first_phase", min(searched.phases)
        yield "last_phase", max(searched.phases)
        yield "window", self.settings.window or -1

    def _spectrum(self, micrograph: Micrograph) -> tuple[Spectrum, float]:
        """Return the power spectrum and the pixel size of what it was made of."""
        place = self.directory / micrograph.source
        if self.settings.kind == "spectrum":
            header = read_header(place)
            return check_spectrum(read_image(place), header.pixel_size), header.pixel_size or 0.0
        pixel_size = micrograph.optics.pixel_size
        searched = self._searched(pixel_size)
        made = [
            power_spectrum(
                self._cut(image), pixel_size, size=self.settings.box, finest=searched.finest, coarsest=searched.coarsest
            )
            for image in self._images(place)
        ]
        if len(made) == 1:
            return made[0], pixel_size
        mean = np.stack([one.power for one in made]).mean(axis=0, dtype=np.float64)
        return replace(
            made[0], power=np.asarray(mean, dtype=np.float32), tiles=sum(one.tiles for one in made)
        ), pixel_size

    def _images(self, place: Path) -> Iterator[np.ndarray]:
        """Yield the micrograph, or the sums of a movie's groups of frames, one at a time; left-over frames are left out."""
        if self.settings.kind == "micrograph":
            yield read_image(place)
            return
        with open_movie(place) as movie:
            together = min(max(self.settings.frames, 1), movie.frames)
            for first in range(0, movie.frames - together + 1, together):
                yield movie.read_sum(range(first, first + together))

    def _cut(self, image: np.ndarray) -> np.ndarray:
        window = self.settings.window
        if window is None:
            return image
        y, x = ((length - window) // 2 for length in image.shape)
        if min(y, x) < 0:
            raise ParameterError(
                f"The window of {window} px (--ctfWin) is larger than the micrograph of"
                f" {image.shape[1]}×{image.shape[0]} px: make it smaller, or -1 for all of it."
            )
        return image[y : y + window, x : x + window]

    def _written(self, micrograph: Micrograph, fit: Fit, pixel_size: float) -> Estimate:
        root = self.directory / micrograph.root
        settings = dict(self._described(micrograph)) | {"pixel_size": pixel_size}
        estimate = Estimate(
            fit.defocus_u, fit.defocus_v, fit.defocus_angle, fit.phase_shift, fit.figure_of_merit, fit.max_resolution,
            tuple(settings.items()), micrograph.source,
        )  # fmt: skip
        image = diagnostic_image(fit, micrograph.optics, finest=self.settings.searched.finest)
        write_image(f"{root}.ctf", image, pixel_size=fit.spectrum.pixel_size)
        profile = fit.profile
        rows = np.stack([profile.frequency, *normalised(profile), profile.model, profile.quality, profile.noise])
        told = (
            f"Pixel size for fitting          : {fit.spectrum.pixel_size:.4g} Angstroms\n"
            f"Spread by noise, if rings are right: {fit.defocus_error:.1f} Angstroms of defocus\n"
            f"Spectra averaged                : {fit.spectrum.tiles or 'not known'}"
        )
        write_ctffind4(root, estimate, rows, shown=micrograph.root, program="relionlab", aside=told)
        return read_ctffind4(f"{root}.txt")[0]  # the same digits as when a later run finds it done

    def _by_ctffind(self, micrograph: Micrograph) -> Estimate:
        """Have CTFFIND 4.1 answer the questions that it asks, in their order."""
        root = self.directory / micrograph.root
        answers = _answers(micrograph, self.settings)
        command = [self.settings.external]
        if self.settings.kind == "spectrum":
            command.append("--amplitude-spectrum-input")
        if self.settings.threads > 1:
            command += ["-j", str(self.settings.threads)]
        log = Path(f"{root}_ctffind4.log")
        try:
            ran = subprocess.run(
                command, check=False, input="\n".join(answers) + "\n", capture_output=True, text=True, cwd=self.directory,
                timeout=_SECONDS, env={**os.environ, "OMP_NUM_THREADS": str(self.settings.threads)},
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ComputeError(f"{self.settings.external} could not be run: {error}.") from None
        log.write_text(ran.stdout + ran.stderr)
        table = Path(f"{root}.txt")
        if ran.returncode != 0 or not table.exists():
            raise ComputeError(
                f"{self.settings.external} ended with status {ran.returncode} and wrote no {micrograph.root}.txt; its log is"
                f" {micrograph.root}_ctffind4.log. Mend it, or leave --ctffind_exe away to fit here."
            )
        return read_ctffind4(table)[0]


def finest_possible(pixel_size: float) -> float:
    """Return the finest resolution in Å to which images of this pixel size (Å) can be fitted: a little above two pixels."""
    return 2.06 * pixel_size


def _answers(micrograph: Micrograph, settings: Settings) -> list[str]:
    searched, optics = settings.searched, micrograph.optics
    pixel_size = optics.pixel_size
    answers = [micrograph.source]
    if settings.kind == "movie":
        answers += ["yes", str(settings.frames)]
    answers += [f"{micrograph.root}.ctf"]
    numbers = [
        pixel_size, optics.voltage_kv, optics.spherical_aberration_mm, optics.amplitude_contrast, settings.box,
        searched.coarsest, searched.finest, searched.lowest, searched.highest, searched.step,
    ]  # fmt: skip
    answers += [f"{number:g}" for number in numbers]
    answers += ["no", "yes" if settings.slow else "no"]  # known astigmatism; exhaustive search
    answers += ["yes", f"{searched.astigmatism:g}"] if searched.astigmatism > 0 else ["no"]
    if searched.phase_is_free:
        step = searched.phases[1] - searched.phases[0]
        answers += ["yes", *(f"{math.radians(v):g}" for v in (min(searched.phases), max(searched.phases), step))]
    else:
        answers += ["no"]
    return [*answers, "no"]  # expert options
