"""Extraction: cuts every micrograph's particles into a stack of its own, and lists them all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relionlab.engine.ctf import Optics, ctf_images
from relionlab.engine.extraction import coverage, cut_boxes, multiplied
from relionlab.errors import ImageError, InputError, ParameterError, RelionlabError
from relionlab.io.coordinate_files import CoordinateFiles, read_coordinate_files, root_below_job
from relionlab.io.coordinates import X, Y
from relionlab.io.image_names import format_image_name
from relionlab.io.images import StackWriter, open_image, read_header, read_image
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.context import Context
from relionlab.jobs.extraction_sources import PickedCoordinates, Reextraction, Source, match_micrographs
from relionlab.jobs.per_micrograph import for_each_micrograph
from relionlab.jobs.preprocess_stack import Operations, windowed

if TYPE_CHECKING:
    from relionlab.jobs.preprocess import Preprocess

_AT_ONCE = 64  # boxes worked on together


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
    """

    size: int
    operations: Operations
    ctf: CtfMultiplication | None = None
    half_precision: bool = False

    @property
    def final(self) -> int:
        """Size of the written images in px."""
        return self.operations.window or self.operations.scale or self.size

    def pixel_size(self, of_micrograph: float) -> float:
        """Return the pixel size of the written images in Å."""
        return of_micrograph * self.size / (self.operations.scale or self.size)


@dataclass(frozen=True)
class Extracted:
    """One micrograph's result: its rows, and what there is to say of them."""

    rows: Table
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
        rows, notes = self._usable(rows, pixels)
        notes = [*stated, *notes]
        stack = self.stack(index)
        star = self.directory / self.listing(index)
        if not len(rows):
            star.unlink(missing_ok=True)
            return Extracted(rows, (*notes, "no particles on it"))
        name = self.source.micrographs.particles["rlnMicrographName"][index]
        images = [format_image_name(number, stack) for number in range(len(rows))]
        rows = rows.with_columns(rlnImageName=images, rlnMicrographName=[name] * len(rows))
        rows = self.source.finished_rows(rows, index)
        self._write_stack(index, pixels, rows)
        write_star(star, [rows.renamed("images")])
        return Extracted(rows, tuple(notes))

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
        return self.output + root_below_job(str(self.source.micrographs.particles["rlnMicrographName"][index]))

    def _micrograph_pixel_size(self, index: int) -> float:
        micrographs = self.source.micrographs
        return float(micrographs.pixel_sizes[micrographs.group_rows[index]])

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
        if np.ptp(pixels) == 0:
            raise ImageError("the micrograph is empty: all pixels are the same. Make it again.")
        said, known = open_image(place).header.pixel_size, self._micrograph_pixel_size(index)
        if said and said != 1 and abs(said - known) > 0.01 * known:
            return pixels, [f"its header says {said:.4g} Å, the list {known:.4g} Å per pixel; the list's is taken"]
        return pixels, []

    def _usable(self, rows: Table, pixels: np.ndarray) -> tuple[Table, list[str]]:
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
        notes = [
            f"{count} particle(s) {what}"
            for count, what in (
                (int((~known).sum()), "have no numbers as coordinates and are left out"),
                (int((known & ~kept).sum()), "lie completely outside the micrograph and are left out"),
                (int(broken.sum()), "have NaN or infinite pixels in their boxes and are left out"),
                (
                    int((kept & ~broken & (covered < 1)).sum()),
                    "reach beyond its edge; there the pixels of the rim are repeated, as RELION does",
                ),
            )
            if count
        ]
        return rows.rows(kept & ~broken), notes

    def _write_stack(self, index: int, pixels: np.ndarray, rows: Table) -> None:
        target, centres = self.directory / self.stack(index), _centres(rows)
        target.parent.mkdir(parents=True, exist_ok=True)
        size = self.boxes.final
        with StackWriter(
            target, len(rows), size, self._pixel_size(index), half_precision=self.boxes.half_precision
        ) as stack:
            for start in range(0, len(rows), _AT_ONCE):
                chosen = slice(start, start + _AT_ONCE)
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
            phase_shift=rows["rlnPhaseShift"] if "rlnPhaseShift" in rows else 0.0,
            only_flip_phases=multiply.only_flip_phases,
            intact_first_peak=multiply.intact_first_peak,
        )
        return result


def extract(context: Context, flags: Preprocess, operations: Operations) -> None:
    """Cut out all particles, going past faulty micrographs, and write the list of all of them."""
    micrographs = _micrographs(context, flags)
    boxes = Boxes(int(flags.extract_size or 0), operations, _multiplication(flags), flags.float16)
    source = _source(context, flags, micrographs)
    cutter = Cutter(context.directory, _slashed(flags.part_dir), source, boxes)
    names = source.micrographs.particles["rlnMicrographName"].tolist()
    context.say(f" Extracting particles from {len(names)} micrographs ...")
    if (operations.scale or 0) > boxes.size:
        context.warn(
            f"warning: --scale {operations.scale} px is larger than the box of {boxes.size} px: the images become larger, and"
            " no information comes with it. Usually it is smaller."
        )
    done = for_each_micrograph(
        context,
        names,
        cutter,
        finished=cutter.finished if flags.only_do_unfinished else lambda _: None,
        bytes_each=_memory(context, names, boxes),
        threads=flags.j,
    )
    for index, result in done.results.items():
        for note in result.notes:
            context.warn(f"{names[index]}: {note}")
    star = flags.part_star or f"{_slashed(flags.part_dir)}particles.star"
    _write_list(context, star, cutter, [result.rows for result in done.results.values() if len(result.rows)])


# --- inputs ------------------------------------------------------------------------------------------------------


def _micrographs(context: Context, flags: Preprocess) -> Particles:
    """Read the list; names that would write to the same stack are told and left out."""
    found = read_particles(context.path(flags.i), kind="micrographs", directory=context.directory)
    if not len(found):
        raise InputError(f"{flags.i} lists no micrographs.")
    if flags.angpix is not None:
        sizes = np.full(len(found.optics), flags.angpix)
        found = Particles(found.optics.with_columns(rlnMicrographPixelSize=sizes), found.particles, "micrographs", found.others)
    sizes = np.unique(np.round(found.pixel_sizes[np.unique(found.group_rows)], 5))
    if len(sizes) > 1:
        context.warn(
            f"warning: the micrographs have different pixel sizes ({', '.join(f'{size:g}' for size in sizes)} Å), and so will"
            " the particles: 2D classification takes one of them only. Extract each with the box and scale that suit it."
        )
    roots = [root_below_job(str(name)) for name in found.particles["rlnMicrographName"].tolist()]
    repeated = [root for root, count in Counter(roots).items() if count > 1]
    if repeated:
        context.warn(
            f"warning: {flags.i} names {repeated[0]} {roots.count(repeated[0])} times"
            f"{f' (and {len(repeated) - 1} others more than once)' if len(repeated) > 1 else ''}: only the first is extracted,"
            " or its stack would be overwritten."
        )
        found = found.rows(np.sort(np.unique(np.array(roots, dtype=object).astype(str), return_index=True)[1]))
    return found


def _source(context: Context, flags: Preprocess, micrographs: Particles) -> Source:
    own = micrographs.pixel_sizes[micrographs.group_rows]
    scales = np.ones(len(micrographs)) if flags.coord_angpix is None else flags.coord_angpix / own
    if not flags.reextract_data_star:
        if flags.coord_list:
            files = read_coordinate_files(flags.coord_list, directory=context.directory)
        else:
            files = CoordinateFiles(flags.coord_dir, flags.coord_suffix)
        bias = (flags.extract_bias_x, flags.extract_bias_y)
        return PickedCoordinates(context.directory, micrographs, files, flags.minimum_pick_fom, scales, bias)
    particles = read_particles(context.path(flags.reextract_data_star), directory=context.directory)
    reference = flags.ref_angpix
    point = (flags.recenter_x, flags.recenter_y, flags.recenter_z)
    if any(point) and not flags.recenter:
        raise ParameterError("--recenter_x, _y and _z are given without --recenter: add it, or leave them out.")
    if any(point) and "rlnAnglePsi" not in particles.particles:
        raise ParameterError(
            f"{flags.reextract_data_star} has no angles, so a point of the reference cannot be found in the particles."
        )
    if flags.recenter and not any(label in particles.particles for label in ("rlnOriginXAngst", "rlnOriginYAngst")):
        context.warn(f"warning: {flags.reextract_data_star} has no refined origins: they are taken as 0.")
    reference = reference if reference is not None else (float(particles.pixel_size) if any(point) else 1.0)
    in_list = match_micrographs(particles, micrographs, context.warn)
    with_particles = np.array(sorted(in_list))
    return Reextraction(
        particles,
        micrographs.rows(with_particles),
        {new: in_list[old] for new, old in enumerate(with_particles.tolist())},
        scales[with_particles],
        recenter=flags.recenter,
        reset=flags.reset_offsets,
        point=(point[0] * reference, point[1] * reference, point[2] * reference),
        own_ctf=not flags.keep_ctfs_micrographs,
    )


def _multiplication(flags: Preprocess) -> CtfMultiplication | None:
    if not (flags.premultiply_ctf or flags.phase_flip):
        return None
    box = int(flags.premultiply_extract_size or flags.extract_size or 0)
    return CtfMultiplication(box, flags.phase_flip, flags.ctf_intact_first_peak)


def _memory(context: Context, names: list[str], boxes: Boxes) -> int:
    """Return what one worker needs, by the first micrograph that can be opened."""
    side = boxes.ctf.box if boxes.ctf else boxes.size
    for name in names:
        try:
            shape = read_header(context.path(name)).shape
        except (RelionlabError, OSError):
            continue
        return int(shape[-1]) * int(shape[-2]) * 9 + _AT_ONCE * side**2 * 40
    return 0


# --- the list of all ---------------------------------------------------------------------------------------------


def _write_list(context: Context, star: str, cutter: Cutter, tables: list[Table]) -> None:
    if not tables:
        raise InputError("No particles were extracted: none of the coordinates lies on its micrograph.")
    source, boxes = cutter.source, cutter.boxes
    common = [label for label in tables[0].labels if all(label in table for table in tables)]
    lost = sorted({label for table in tables for label in table.labels} - set(common))
    if lost:
        context.warn(f"warning: left out, because not all micrographs' particles have them: {', '.join(lost)}")
    rows = Table.concatenate([table.only(*common) for table in tables]).renamed("particles")
    pixel_sizes = np.array([boxes.pixel_size(float(size)) for size in source.micrographs.pixel_sizes])
    optics = source.optics(pixel_sizes)
    count = len(optics)
    more: dict[str, list[int]] = {"rlnImageSize": [boxes.final] * count, "rlnImageDimensionality": [2] * count}
    if boxes.ctf and not boxes.ctf.only_flip_phases:
        more["rlnCtfDataAreCtfPremultiplied"] = [1] * count
    particles = Particles(optics.with_columns(more), rows)
    for group, size in zip(optics["rlnOpticsGroup"].tolist(), optics["rlnImagePixelSize"].tolist(), strict=True):
        context.say(f" The pixel size of the extracted particles in optics group {group} is {size:g} Angstrom/pixel.")
    write_particles(context.path(star), particles)
    context.say(f" Written out STAR file with {len(rows)} particles in {star}")


def _centres(rows: Table) -> np.ndarray:
    return np.stack([rows[X], rows[Y]], axis=1).astype(np.float64)


def _slashed(folder: str) -> str:
    return folder if folder.endswith("/") else folder + "/"
