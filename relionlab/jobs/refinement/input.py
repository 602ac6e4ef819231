"""What a classification or refinement reads and checks before it starts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relionlab.engine.image_checks import check_shape, check_values
from relionlab.engine.likelihood.particles import Loader, OpticsGroup
from relionlab.engine.likelihood.particles import Particles as Poses
from relionlab.errors import ImageError, NodeError
from relionlab.io.image_names import parse_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import read_header
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.jobs.context import Context
from relionlab.jobs.particles.aberrations import aberrations_of
from relionlab.jobs.particles.optics import optics_of, particles_of_stack
from relionlab.jobs.refinement.checks import check_mask, check_table, judge_images, read_references
from relionlab.jobs.refinement.program import Refine

_FEW = 10  # particles per group below which a noise spectrum is poorly known
_CHECKED_AT_ONCE = 512
_FLOAT16 = 12  # MRC mode


@dataclass(frozen=True)
class Dataset:
    """The particles of a classification or refinement, checked.

    table        their rows, without those that were set aside
    poses        what the engine knows of them
    optics       their optics groups
    group_names  names of the noise groups
    load         reads images
    pixel_size, box  of the class averages: those of the first optics group
    references   (class, box, box) averages to start from; ``None``: random ones
    """

    table: Particles
    poses: Poses
    optics: tuple[OpticsGroup, ...]
    group_names: list[str]
    load: Loader
    pixel_size: float
    box: int
    references: np.ndarray | None = None


def read_dataset(
    table: Particles, options: Refine, context: Context, *, root: str, references_2d: bool = True, copies: bool = False
) -> Dataset:
    """Return the particles, or raise an InputError that says what is wrong with them.

    references_2d  what --ref names are class averages, to be read as well; a 3D run reads its maps itself
    copies         an image may be there in several poses

    Particles with NaN or infinite pixels are set aside into ``<root>_set_aside.star``, by name.
    """
    check_table(table, options, source=options.fn_img or options.fn_cont, copies=copies)
    readers = _readers(table, context)
    boxes = boxes_of(table, readers)
    optics = tuple(
        OpticsGroup(optics_of(table, row), boxes[row], aberrations_of(table, row)) for row in range(len(table.optics))
    )
    first = int(table.group_rows.min())
    box, pixel_size = optics[first].box, optics[first].optics.pixel_size
    check_mask(options, box=box, pixel_size=pixel_size)
    references = None
    if references_2d and options.ref and not options.fn_cont:
        references = read_references(options, context, box=box, pixel_size=pixel_size)
    table = _without_bad(table, readers, context, root)
    readers = _readers(table, context)
    names, group = _groups(table)
    _warn_of_small_groups(group, names, context)
    judge_images(table, options, context)
    return Dataset(
        table=table,
        poses=replace(poses_of(table, group), prior=priors_of(table, options)),
        optics=optics,
        group_names=names,
        load=Images(readers, table.group_rows, preread=options.do_preread_images),
        pixel_size=pixel_size,
        box=box,
        references=references,
    )


def read_table(name: str, context: Context) -> Particles:
    """Return the particles of a STAR file; a bare stack becomes particles without CTF in one group."""
    path = context.path(name)
    if not path.is_file():
        raise NodeError(f"{name} is not there (looked in {context.directory}): give a particles STAR file.")
    if path.suffix == ".star":
        return read_particles(path)
    header = read_header(path)
    table = particles_of_stack(name, header)
    context.warn(f"{name} is a bare stack: no CTF is corrected, and all {header.count} images form one noise group.")
    return table


class Images:
    """Reads images by particle number; one reader per optics group, since boxes may differ."""

    def __init__(self, readers: dict[int, ImageReader], rows: np.ndarray, *, preread: bool) -> None:
        self._readers, self._rows = readers, rows
        self._place = np.zeros(len(rows), np.int64)
        for row in readers:
            members = np.flatnonzero(rows == row)
            self._place[members] = np.arange(len(members))
        self._held = {row: reader.read() for row, reader in readers.items()} if preread else {}

    def __getstate__(self) -> dict[str, object]:
        # a worker of its own process reads what it needs: all images would travel to each of them in each pass
        return {**self.__dict__, "_held": {}}

    def __call__(self, indices: np.ndarray) -> np.ndarray:
        """Return the images of these particles, all of one optics group, as (n, box, box) float32."""
        row = int(self._rows[indices[0]])
        places = self._place[indices]
        return self._held[row][places] if row in self._held else self._readers[row].read(places)


def poses_of(table: Particles, group: np.ndarray) -> Poses:
    """Return what the engine needs of each particle; what the file does not say is zero, or one for factors."""
    count = len(table)

    def column(label: str, default: float = 0.0) -> np.ndarray:
        return np.array(table.column(label), float) if label in table else np.full(count, default)

    origin = np.stack([column("rlnOriginXAngst"), column("rlnOriginYAngst")], axis=1)
    classes = column("rlnClassNumber", 1).astype(np.int64) - 1
    norm = column("rlnNormCorrection", 1.0)
    return Poses(
        group=group,
        optics_group=table.group_rows,
        defocus_u=column("rlnDefocusU"),
        defocus_v=column("rlnDefocusV") if "rlnDefocusV" in table else column("rlnDefocusU"),
        defocus_angle=column("rlnDefocusAngle"),
        phase_shift=column("rlnPhaseShift"),
        bfactor=column("rlnCtfBfactor"),
        ctf_scale=column("rlnCtfScalefactor", 1.0),
        rot=column("rlnAngleRot"),
        tilt=column("rlnAngleTilt"),
        psi=column("rlnAnglePsi"),
        origin=origin,
        class_index=np.maximum(classes, 0),
        half=column("rlnRandomSubset").astype(np.int64),
        norm=np.where(norm > 0, norm, 1.0),
        log_likelihood=column("rlnLogLikeliContribution"),
        best_weight=column("rlnMaxValueProbDistribution"),
        significant=column("rlnNrOfSignificantSamples").astype(np.int64),
    )


def priors_of(table: Particles, options: Refine) -> np.ndarray | None:
    """Return rot, tilt and psi (n, 3) around which local searches that are asked for look instead of the last ones.

    They are the columns rlnAngleRotPrior, rlnAngleTiltPrior and rlnAnglePsiPrior, as filaments have them; NaN where there is none.
    """
    labels = [f"rlnAngle{angle}Prior" for angle in ("Rot", "Tilt", "Psi")]
    if options.local_sigmas() is None or not any(label in table for label in labels):
        return None
    unknown = np.full(len(table), np.nan)
    return np.stack([np.array(table.column(label), float) if label in table else unknown for label in labels], axis=1)


def _readers(table: Particles, context: Context) -> dict[int, ImageReader]:
    names, rows = table.particles["rlnImageName"], table.group_rows
    return {int(row): ImageReader(names[rows == row], context.directory) for row in np.unique(rows)}


def boxes_of(table: Particles, readers: dict[int, ImageReader]) -> dict[int, int]:
    """Return the box in px of each optics group; raise ImageError where stacks contradict the list.

    readers  row of the optics table -> reads images of its particles
    """
    boxes = {}
    for row, reader in readers.items():
        shape = reader.shape
        for finding in check_shape(shape):
            raise ImageError(f"{reader.files[0]}: {finding.message}")
        boxes[row] = shape[-1]
        stated = int(table.optics["rlnImageSize"][row]) if "rlnImageSize" in table.optics else shape[-1]
        if stated != shape[-1]:
            raise ImageError(
                f"{reader.files[0]} has images of {shape[-1]} px, the optics table says rlnImageSize {stated}: the STAR"
                " file belongs to other images. Extract the particles again, or correct rlnImageSize."
            )
        stated_size, header = float(table.pixel_sizes[row]), reader.pixel_size
        # a header of exactly 1 Å is what programs write that do not know
        if header and abs(header - 1) > 1e-3 and abs(header / stated_size - 1) > 0.02:
            raise ImageError(
                f"{reader.files[0]} has pixel size {header:.4g} Å in its header, the optics table says {stated_size:.4g} Å:"
                " correct rlnImagePixelSize (or rlnDetectorPixelSize and rlnMagnification), or the header."
            )
    for row in range(len(table.optics)):
        boxes.setdefault(row, next(iter(boxes.values())))
    return boxes


def _without_bad(table: Particles, readers: dict[int, ImageReader], context: Context, root: str) -> Particles:
    """Look at every image once; set those aside that hold no numbers, or nothing at all."""
    bad = np.zeros(len(table), bool)
    for row, reader in readers.items():
        members = np.flatnonzero(table.group_rows == row)
        for start in range(0, len(members), _CHECKED_AT_ONCE):
            places = np.arange(start, min(start + _CHECKED_AT_ONCE, len(members)))
            for finding in check_values(reader.read(places)):
                bad[members[start + finding.particles]] = True
            context.stop_if_asked()
    if not bad.any():
        return table
    names = table.particles["rlnImageName"][bad]
    if bad.all():
        raise ImageError(
            f"All {len(table)} particles hold NaN, infinite or constant pixels, as {names[0]}; expected numbers: extract them"
            f" again.{_half_precision(names, context)}"
        )
    aside = f"{root}_set_aside.star"
    write_particles(context.path(aside), table.rows(bad))
    context.warn(
        f"{bad.sum()} of {len(table)} particles hold NaN, infinite or constant pixels and are set aside in {aside}: "
        + ", ".join(names[:10])
        + (" …" if len(names) > 10 else "")
        + _half_precision(names, context)
    )
    return table.rows(~bad)


def _half_precision(names: np.ndarray, context: Context) -> str:
    """Return what may have spoilt images of float16, or nothing where none is of that kind."""
    files = dict.fromkeys(parse_image_name(name)[1] for name in names)
    half = next((file for file in files if read_header(context.path(file)).mode == _FLOAT16), None)
    if half is None:
        return ""
    return (
        f" {half} is of half precision (MRC mode 12), which ends at 65504: larger grey values become infinite. Normalise"
        " before they are written, or write float32."
    )


def _groups(table: Particles) -> tuple[list[str], np.ndarray]:
    """Return the names of the noise groups and each particle's group: by group name, else by micrograph."""
    for label in ("rlnGroupName", "rlnMicrographName", "rlnGroupNumber"):
        if label in table.particles:
            values = [str(value) for value in table.particles[label]]
            names = list(dict.fromkeys(values))
            number = {name: position for position, name in enumerate(names)}
            return names, np.array([number[value] for value in values])
    return ["group_1"], np.zeros(len(table), np.int64)


def _warn_of_small_groups(group: np.ndarray, names: list[str], context: Context) -> None:
    members = np.bincount(group, minlength=len(names))
    small = np.flatnonzero(members < _FEW)
    if len(small):
        context.warn(
            f"{len(small)} of {len(names)} noise groups have fewer than {_FEW} particles (as {names[small[0]]}):"
            " regroup them (Select, Regroup the particles) for better noise estimates."
        )
