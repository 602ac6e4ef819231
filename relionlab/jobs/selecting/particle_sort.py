"""The program ``particle_sort``: how unlike the others each particle is, as a column of quality."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np

from relionlab.engine.fourier import irfft2_centred, resize, rfft2_centred
from relionlab.engine.image_checks import check_shape
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.sorting import FEATURES, features, turned, z_scores
from relionlab.errors import ImageError, InputError, ParameterError, StarError
from relionlab.io.image_names import format_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import open_image, read_map
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.looking import quickly_read, spread
from relionlab.jobs.particles.ctfs import ctf_of_rows
from relionlab.jobs.particles.optics import CTF_LABELS
from relionlab.params import flagged

_AT_ONCE = 256


_flag = partial(flagged, tab="I/O")


class ParticleSort(Program):
    """Score particles by their difference from the aligned reference: rlnParticleSelectZScore, high for odd ones.

    Works after template picking (class and angle of the pick), 2D classification and 3D refinement. Rows keep their order;
    sort or select by the column. Writes the features beside the list.
    """

    name: ClassVar[str] = "particle_sort"
    title: ClassVar[str] = "Particle sorting"

    i: Annotated[
        str, _flag("Particles", "--i", "Particles with angles and class numbers.", required=True, pattern="*.star")
    ] = ""
    o: Annotated[str, _flag("Output", "--o", "List to write, with the scores.", required=True)] = "particles_sort.star"
    ref: Annotated[
        str,
        _flag(
            "References",
            "--ref",
            "A stack of class averages, a list of references (class_averages.star), a map, or empty: those of the classification"
            " that the particles' file belongs to.",
        ),
    ] = ""
    angpix_ref: Annotated[
        float | None,
        _flag(
            "Reference pixel size",
            "--angpix_ref",
            "-1: as their header says.",
            unit="Å",
            bounds=(0.01, 100),
            none_as="-1",
        ),
    ] = None
    particle_diameter: Annotated[
        float | None,
        _flag(
            "Particle diameter",
            "--particle_diameter",
            "What lies outside is background; -1: 75 % of the box.",
            unit="Å",
            bounds=(1, None),
            none_as="-1",
        ),
    ] = None
    ctf: Annotated[bool, _flag("CTF", "--ctf", "Filter the references by each particle's CTF.", tab="CTF")] = False
    ctf_intact_first_peak: Annotated[
        bool,
        _flag(
            "Ignore CTF until first peak", "--ctf_intact_first_peak", "Take 1 up to the CTF's first maximum.", tab="CTF"
        ),
    ] = False
    invert: Annotated[
        bool, _flag("Invert", "--invert", "References are black on white, particles white on black, or vice versa.")
    ] = False

    def look(self, context: Context) -> None:
        """Look at the list, an image, and the references."""
        if quickly_read(context, self.i):
            particles, reader = self._particles(context)
            places = np.array(spread(range(len(reader))))
            images = reader.read(places)
            bad = len(images) - int(np.isfinite(images).all(axis=(1, 2)).sum())
            self._tell_of_bad(context, bad, len(places))
            self._references(context, particles, reader)

    def run(self, context: Context) -> None:
        """Score all particles, and write the list."""
        self.check()
        particles, reader = self._particles(context)
        aligned = self._references(context, particles, reader)
        pixel_size = particles.pixel_size
        n = reader.shape[-1]
        radius = 0.375 * n if self.particle_diameter is None else self.particle_diameter / 2 / pixel_size
        values, bad = [], 0
        for start in range(0, len(particles), _AT_ONCE):
            context.stop_if_asked()
            rows = np.arange(start, min(start + _AT_ONCE, len(particles)))
            images = reader.read(rows)
            bad += len(images) - int(np.isfinite(images).all(axis=(1, 2)).sum())
            values.append(features(images, aligned.images(rows), mask_radius=min(radius, n / 2 - 1)))
            context.progress(rows[-1] + 1, len(particles), "particles")
        self._tell_of_bad(context, bad, len(particles))
        scores = z_scores(np.concatenate(values), aligned.classes)
        write_particles(context.path(self.o), particles.with_columns(rlnParticleSelectZScore=scores))
        table = {"rlnImageName": particles.particles["rlnImageName"], "rlnParticleSelectZScore": scores}
        measured = {
            f"relionlab_{name}": np.concatenate(values)[:, column].astype(str) for column, name in enumerate(FEATURES)
        }
        write_star(
            context.path(str(Path(self.o).with_suffix("")) + "_features.star"),
            [Table({**table, **measured}, "features")],
        )
        odd = int((scores > 2 * np.median(scores)).sum())
        context.say(
            f" Z-scores: median {np.median(scores):.2f}, largest {scores.max():.2f}; {odd} above twice the median"
        )
        context.say(f" Written {self.o} with {len(particles)} particles")

    def _tell_of_bad(self, context: Context, bad: int, among: int) -> None:
        """Warn of images that hold no numbers; ImageError if none of those that were looked at does."""
        if bad == among:
            raise ImageError(
                f"All {among} images of {self.i} that were looked at hold NaN or infinite pixels: extract them again."
            )
        if bad:
            context.warn(
                f"warning: {bad} of {among} images of {self.i} hold NaN or infinite pixels: they get the worst score."
            )

    def _particles(self, context: Context) -> tuple[Particles, ImageReader]:
        """Return the list and what reads its images; raises an InputError where something is missing."""
        particles = read_particles(context.path(self.i), directory=context.directory)
        if not len(particles):
            raise InputError(f"{self.i} lists no particles.")
        lacking = [label for label in CTF_LABELS if self.ctf and label not in particles]
        if lacking:
            raise StarError(f"{self.i} has no CTF ({', '.join(lacking)}): leave out --ctf, or extract with a CTF.")
        size = particles.pixel_size
        if not (np.isfinite(size) and size > 0):
            raise StarError(
                f"{self.i}: rlnImagePixelSize is {size:g} Å in the optics table; expected a positive number. Correct it."
            )
        reader = ImageReader(particles.particles["rlnImageName"], context.directory)
        if reader.shape[-1] != reader.shape[-2]:
            raise ImageError(f"{reader.files[0]}: {check_shape(reader.shape)[0].message}")
        return particles, reader

    def _references(self, context: Context, particles: Particles, reader: ImageReader) -> AlignedReferences:
        table = particles.particles
        for label in ("rlnAnglePsi",):
            if label not in table:
                raise StarError(
                    f"{self.i} has no column {label}: sort after template picking, classification or refinement."
                )
        names = self._names(context)
        sign = -1 if self.invert else 1
        first = open_image(context.path(names[0].rpartition("@")[2]))
        is_map = "@" not in names[0] and first.frames > 1
        size = self.angpix_ref or first.header.pixel_size or particles.pixel_size
        if is_map:
            maps = [_resized_map(read_map(context.path(name))[0], size, particles, reader) for name in names]
            sources: list[Any] = [Projector.of_map(sign * one) for one in maps]
        else:
            stack = ImageReader(names, context.directory).read()
            sources = [sign * _resized(one, size, particles, reader) for one in stack]
        bad = [number for number, one in enumerate([] if is_map else stack, 1) if not np.isfinite(one).all()]
        if bad:
            raise ImageError(
                f"Reference {bad[0]} ({names[bad[0] - 1]}) holds NaN or infinite pixels. Make it again, or leave it out."
            )
        numbers = table["rlnClassNumber"] if "rlnClassNumber" in table else np.ones(len(table), np.int64)
        if len(sources) == 1:
            numbers = np.ones(len(table), np.int64)
        if numbers.min() < 1 or numbers.max() > len(sources):
            raise InputError(
                f"{self.i} has class numbers {numbers.min()} to {numbers.max()}, but there are {len(sources)} references: give those"
                " that the particles were picked or classified with (particles of LoG picking have none: classify first)."
            )
        return AlignedReferences(particles, sources, numbers, self.ctf, self.ctf_intact_first_peak)

    def _names(self, context: Context) -> list[str]:
        """Return the images' names of the references."""
        source = self.ref
        if not source:
            source = self.i.replace("_data.star", "_model.star")
            if source == self.i or not context.path(source).exists():
                raise ParameterError(f"{self.i} belongs to no classification whose model lies beside it: give --ref.")
        if not source.endswith(".star"):
            count = open_image(context.path(source)).frames
            is_stack = source.lower().endswith((".mrcs", ".stk", ".st", ".img", ".hed"))
            return [format_image_name(index, source) for index in range(count)] if is_stack or count == 1 else [source]
        for table in read_star(context.path(source)).values():
            for label in ("rlnReferenceImage", "rlnImageName"):
                if label in table:
                    return [str(name) for name in table[label].tolist()]
        raise StarError(f"{source} lists no references: it has neither rlnReferenceImage nor rlnImageName.")


@dataclass(frozen=True, eq=False)
class AlignedReferences:
    """The reference of each particle, as the particle should show it.

    sources  class averages (n, n), or projectors of maps
    classes  (N,) number of each particle's reference, from 1
    """

    particles: Particles
    sources: list[Any]
    classes: np.ndarray
    ctf: bool
    intact_first_peak: bool

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return the references (M, n, n) of these particles, turned, moved and CTF-filtered."""
        table = self.particles.particles
        pixel_size = self.particles.pixel_size
        origins = np.stack([table.numbers(f"rlnOrigin{axis}Angst", 0.0)[rows] / pixel_size for axis in "XY"], axis=1)
        angles = [table.numbers(label, 0.0)[rows] for label in ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")]
        out = []
        for place, row in enumerate(rows.tolist()):
            source = self.sources[int(self.classes[row]) - 1]
            if isinstance(source, Projector):
                rotation = matrix_from_euler(*(angle[place : place + 1] for angle in angles))
                out.append(source.images(rotation, shifts_px=-origins[place : place + 1])[0])
            else:
                out.append(
                    turned(source, float(angles[2][place]), (float(origins[place, 0]), float(origins[place, 1])))
                )
        images = np.stack(out).astype(np.float32)
        if not self.ctf:
            return images
        values = ctf_of_rows(self.particles, rows, images.shape[-1])
        if self.intact_first_peak:
            values = _intact(values)
        return irfft2_centred(rfft2_centred(images) * values, images.shape[-1])


def _intact(values: np.ndarray) -> np.ndarray:
    """Return CTFs (N, n, n//2+1) with 1 up to the first maximum of their modulus along each direction."""
    from relionlab.engine.fourier import radial_average, radial_index

    n = values.shape[-2]
    profile = radial_average(np.abs(values), n)
    peaks = np.array([_first_maximum(line) for line in profile])
    result: np.ndarray = np.where(radial_index(n)[None] <= peaks[:, None, None], np.float32(1), values)
    return result


def _first_maximum(line: np.ndarray) -> int:
    falling = np.flatnonzero(np.diff(line) < 0)
    return int(falling[0]) if len(falling) else 0


def _resized(image: np.ndarray, pixel_size: float, particles: Particles, reader: ImageReader) -> np.ndarray:
    """Return a reference at the particles' pixel size, cut or padded to their box."""
    from relionlab.jobs.particles.stack import windowed

    size = 2 * round(image.shape[-1] * pixel_size / particles.pixel_size / 2)
    if size < 4:
        raise ImageError(f"a reference of {image.shape[-1]} px at {pixel_size:g} Å is too small for the particles.")
    result: np.ndarray = windowed(resize(image, size)[None], reader.shape[-1])[0]
    return result


def _resized_map(map_: np.ndarray, pixel_size: float, particles: Particles, reader: ImageReader) -> np.ndarray:
    from relionlab.engine.fourier import resize_map

    n = reader.shape[-1]
    size = 2 * round(map_.shape[-1] * pixel_size / particles.pixel_size / 2)
    moved = resize_map(map_, size)
    if size >= n:
        low = size // 2 - n // 2
        return moved[low : low + n, low : low + n, low : low + n]
    pad = n // 2 - size // 2
    return np.pad(moved, [(pad, n - size - pad)] * 3)
