"""Cutting one micrograph's particles into a stack and a list of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.ctf import Optics, ctf_images
from relionlab.engine.extraction import coverage, cut_boxes, multiplied, whole_pixels
from relionlab.engine.micrograph_checks import check_pixels
from relionlab.errors import ImageError, InputError, RelionlabError
from relionlab.io.coordinates import X, Y
from relionlab.io.image_names import format_image_name
from relionlab.io.images import StackWriter, open_image, read_header, read_image
from relionlab.io.job_names import output_root
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.extraction.sources import Source
from relionlab.jobs.micrographs.listing import contradiction
from relionlab.jobs.particles.stack import Operations, windowed

_PIXELS_AT_ONCE = 2**20
"""Pixels of boxes worked on together: few enough to stay in a core's cache."""


@dataclass(frozen=True)
class CtfMultiplication:
    """What is multiplied into the boxes before they are windowed.

    box               px in which it is done
    only_flip_phases  the sign only
    intact_first_peak 1 up to the first maximum
    """

    box: int
    only_flip_phases: bool = False
    intact_first_peak: bool = False


@dataclass(frozen=True)
class Boxes:
    """How the images are made.

    size            px in the micrograph
    operations      what is done to them afterwards; decides the final size
    ctf             None: not multiplied
    half_precision  written as float16
    whole           coordinates are written as the whole pixels at which the boxes are cut
    """

    size: int
    operations: Operations
    ctf: CtfMultiplication | None = None
    half_precision: bool = False
    whole: bool = False

    @property
    def at_once(self) -> int:
        """Number of boxes that are worked on together."""
        return max(_PIXELS_AT_ONCE // (self.ctf.box if self.ctf else self.size) ** 2, 1)

    @property
    def final(self) -> int:
        """Size of the written images in px."""
        return self.operations.window or self.operations.scale or self.size

    def pixel_size(self, of_micrograph: float) -> float:
        """Return the pixel size of the written images in Å."""
        return of_micrograph * (self.size / (self.operations.scale or self.size))


@dataclass(frozen=True)
class Extracted:
    """One micrograph's result: its rows, what is worth a warning, and what is only to be told."""

    rows: Table
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cutter:
    """Cuts one micrograph's particles; see Work in per_micrograph.

    directory   the project
    output      where the stacks go, relative to it
    source      what is cut where
    """

    directory: Path
    output: str
    source: Source
    boxes: Boxes

    def __call__(self, index: int) -> Extracted:
        """Write the stack and then the list of one micrograph."""
        rows = self.source.rows(index)
        pixels, stated = self._read(index)
        usable = self._usable(rows, pixels)
        rows, warnings = usable.rows, (*stated, *usable.warnings)
        stack = self.stack(index)
        star = self.directory / self.listing(index)
        star.unlink(missing_ok=True)  # it says "done", and must not stand beside another stack
        if not len(rows):
            return Extracted(rows, (*warnings, "no particles on it"))
        name = self.source.micrographs.particles["rlnMicrographName"][index]
        images = [format_image_name(number, stack) for number in range(len(rows))]
        rows = rows.with_columns(rlnImageName=images, rlnMicrographName=[name] * len(rows))
        if self.boxes.whole:
            cut = whole_pixels(_centres(rows))
            rows = rows.with_columns({X: cut[:, 0].astype(np.float64), Y: cut[:, 1].astype(np.float64)})
        rows = self.source.finished_rows(rows, index)
        self._write_stack(index, pixels, rows)
        write_star(star, [rows.renamed("images")])
        return Extracted(rows, warnings, usable.notes)

    def finished(self, index: int) -> Extracted | None:
        """Return what an earlier run left, if it is whole and of these sizes."""
        stack, star = self.directory / self.stack(index), self.directory / self.listing(index)
        if not (stack.exists() and star.exists()):
            return None
        try:
            header, rows = read_header(stack), read_star(star).get("images")
        except (RelionlabError, OSError):
            return None
        fits = header.shape[-1] == self.boxes.final and abs((header.pixel_size or 0) - self._pixel_size(index)) < 1e-3
        return Extracted(rows) if rows is not None and fits and header.count == len(rows) else None

    def stack(self, index: int) -> str:
        """Return the name of a micrograph's stack, relative to the project."""
        return f"{self._root(index)}.mrcs"

    def listing(self, index: int) -> str:
        """Return the name of a micrograph's list of particles, relative to the project."""
        return f"{self._root(index)}_extract.star"

    # --- steps ---------------------------------------------------------------------------------------------------

    def _root(self, index: int) -> str:
        return output_root(self.output, str(self.source.micrographs.particles["rlnMicrographName"][index]))

    def _micrograph_pixel_size(self, index: int) -> float:
        return float(self.source.micrographs.row_pixel_sizes[index])

    def _pixel_size(self, index: int) -> float:
        return self.boxes.pixel_size(self._micrograph_pixel_size(index))

    def _read(self, index: int) -> tuple[np.ndarray, list[str]]:
        place = self.directory / str(self.source.micrographs.particles["rlnMicrographName"][index])
        pixels = read_image(place)
        if self.boxes.size > min(pixels.shape):
            height, width = pixels.shape
            raise ImageError(
                f"the box of {self.boxes.size} px is larger than the micrograph ({width} × {height} px). Take a smaller box."
            )
        check_pixels(pixels, least=1e-6)  # boxes with bad pixels are left out one by one
        text = contradiction(open_image(place).header, self._micrograph_pixel_size(index))
        return pixels, [text] if text else []

    def _usable(self, rows: Table, pixels: np.ndarray) -> Extracted:
        """Leave out what cannot be cut, and say how much and why."""
        centres = _centres(rows)
        known = np.isfinite(centres).all(axis=1)
        covered = np.zeros(len(rows))
        covered[known] = coverage(centres[known], self.boxes.size, (pixels.shape[0], pixels.shape[1]))
        kept = covered > 0
        broken = np.zeros(len(rows), bool)
        if not np.isfinite(pixels.sum(dtype=np.float64)):
            finite = np.isfinite(pixels)
            inside = np.flatnonzero(kept)
            broken[inside] = [
                not cut_boxes(finite, centres[row : row + 1], self.boxes.size).all() for row in inside.tolist()
            ]
        warnings = [
            f"{count} particle(s) {what}"
            for count, what in (
                (int((~known).sum()), "have no numbers as coordinates and are left out"),
                (int((known & ~kept).sum()), "lie completely outside the micrograph and are left out"),
                (int(broken.sum()), "have NaN or infinite pixels in their boxes and are left out"),
            )
            if count
        ]
        beyond = int((kept & ~broken & (covered < 1)).sum())
        notes = (
            (f"{beyond} particle(s) reach beyond its edge, where the pixels of the rim are repeated",) if beyond else ()
        )
        return Extracted(rows.rows(kept & ~broken), tuple(warnings), notes)

    def _write_stack(self, index: int, pixels: np.ndarray, rows: Table) -> None:
        target, centres = self.directory / self.stack(index), _centres(rows)
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(f".writing_*{target.name}"):  # half a stack of a run that was killed
            left.unlink(missing_ok=True)
        size = self.boxes.final
        with StackWriter(
            target, len(rows), size, self._pixel_size(index), half_precision=self.boxes.half_precision
        ) as stack:
            for start in range(0, len(rows), self.boxes.at_once):
                chosen = slice(start, start + self.boxes.at_once)
                stack.append(self._images(pixels, centres[chosen], rows.rows(chosen), number=(index, start)))

    def _images(self, pixels: np.ndarray, centres: np.ndarray, rows: Table, *, number: tuple[int, int]) -> np.ndarray:
        multiply, operations = self.boxes.ctf, self.boxes.operations
        images = cut_boxes(pixels, centres, multiply.box if multiply else self.boxes.size)
        images[~np.isfinite(images)] = 0  # only beyond the box itself, where the CTF is multiplied in a larger one
        if multiply:
            images = windowed(multiplied(images, self._ctf(rows, number[0], multiply)), self.boxes.size)
        # Grey values of counts are large beside their deviations: transforms in single precision want them small.
        mean = images.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(np.float32)
        seeded = number[0] * 1_000_003 + number[1]
        images = operations.apply(images - mean, first=seeded)
        if operations.background_radius is None:
            images = images + (-mean if operations.invert else mean)
        return images

    def _ctf(self, rows: Table, index: int, multiply: CtfMultiplication) -> np.ndarray:
        optics, group = self.source.micrographs.optics, self.source.micrographs.group_rows[index]
        if "rlnDefocusU" not in rows:
            raise InputError("its CTF is not known (no rlnDefocusU), so it cannot be multiplied. Estimate it first.")
        result: np.ndarray = ctf_images(
            multiply.box,
            optics=Optics(
                float(optics["rlnVoltage"][group]),
                float(optics["rlnSphericalAberration"][group]),
                float(optics["rlnAmplitudeContrast"][group]),
                self._micrograph_pixel_size(index),
            ),
            defocus_u=rows["rlnDefocusU"],
            defocus_v=rows["rlnDefocusV"],
            defocus_angle=rows["rlnDefocusAngle"],
            phase_shift=rows.get("rlnPhaseShift", 0.0),
            only_flip_phases=multiply.only_flip_phases,
            intact_first_peak=multiply.intact_first_peak,
        )
        return result


def _centres(rows: Table) -> np.ndarray:
    return np.stack([rows[X], rows[Y]], axis=1).astype(np.float64)
