"""Where the references of AutoPick come from: a stack, a STAR file of class averages, a map, a Gaussian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.picking import directions, estimate_diameter, gaussian_blob
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import matrix_from_euler
from relionlab.errors import ImageError, InputError, ParameterError, StarError
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import open_image, read_map, read_stack
from relionlab.io.star import read_star
from relionlab.jobs.context import Context
from relionlab.jobs.looking import quickly_read

GAUSS = "gauss"
"""What ``--ref`` says for picking with a Gaussian blob."""
_SMALLEST = 8  # px of a reference's box
_TOLERANCE = 0.01  # by which two pixel sizes may differ, relative


@dataclass(frozen=True)
class References:
    """References before they are turned.

    images      (n, y, x)
    pixel_size  Å
    diameter    of the mask, Å
    origin      what they are, for the log
    """

    images: np.ndarray
    pixel_size: float
    diameter: float
    origin: str

    @property
    def box(self) -> float:
        """Side of the box in Å."""
        return float(self.images.shape[-1] * self.pixel_size)


@dataclass(frozen=True, kw_only=True)
class ReferenceOptions:
    """What the command line says of them; lengths in Å, ``None`` where it says nothing."""

    ref: str
    angpix_ref: float | None
    micrograph_pixel: float
    particle_diameter: float | None
    healpix_order: int
    symmetry: str


def read_references(context: Context, options: ReferenceOptions) -> References:
    """Read the references and check them before any micrograph is looked at.

    Raises ImageError, StarError or InputError that names the file and the reference.
    """
    if options.ref == GAUSS:
        return _gaussian(options)
    images, told, origin = _read(context, options)
    pixel_size = _pixel_size(context, options, told)
    _check(images, options.ref)
    box = images.shape[-1] * pixel_size
    diameter = options.particle_diameter
    if diameter is None:
        diameter = min(estimate_diameter(images, pixel_size), box)
        context.say(f" Mask diameter, from the references' own extent: {diameter:.0f} Å (--particle_diameter sets it)")
    _check_diameter(options, images.shape[-1], pixel_size)
    return References(images, pixel_size, diameter, origin)


def _check_diameter(options: ReferenceOptions, box: int, pixel_size: float) -> None:
    """Raise ParameterError if the particle is larger than the references' box, in px."""
    if (options.particle_diameter or 0) > box * pixel_size * (1 + _TOLERANCE):
        raise ParameterError(
            f"--particle_diameter is {options.particle_diameter:g} Å, but the references' box is only {box * pixel_size:.0f} Å"
            f" ({box} px of {pixel_size:g} Å): give a smaller diameter, or correct --angpix_ref."
        )


def look_at_references(context: Context, options: ReferenceOptions) -> References | None:
    """Raise what :func:`read_references` would; a map is not projected for it, a large one not read (then: ``None``)."""
    if not (options.ref.endswith(".mrc") and context.path(options.ref).is_file()):
        return read_references(context, options)
    if not quickly_read(context, options.ref):
        return None
    if open_image(context.path(options.ref)).frames == 1:
        return read_references(context, options)
    volume, told = _cube(context.path(options.ref), options)
    directions(options.healpix_order, options.symmetry)
    size = _pixel_size(context, options, told)
    _check_diameter(options, volume.shape[-1], size)
    return References(volume, size, options.particle_diameter or volume.shape[-1] * size, "a map")


def _pixel_size(context: Context, options: ReferenceOptions, told: float | None) -> float:
    """Return the references' pixel size in Å: --angpix_ref, or what their file tells, or the micrographs'; says which."""
    known = told is not None and abs(told - 1) > 1e-3  # 1 Å is what programs write that do not know
    if options.angpix_ref:
        if told is not None and known and abs(told / options.angpix_ref - 1) > _TOLERANCE:
            context.warn(
                f"warning: {options.ref} says that its pixel size is {told:.4g} Å, but --angpix_ref is {options.angpix_ref:.4g} Å,"
                " which is used. Leave out --angpix_ref to use the file's."
            )
        return options.angpix_ref
    if told is not None and known:
        if abs(told / options.micrograph_pixel - 1) > _TOLERANCE:
            context.say(
                f" The references' pixel size is {told:.4g} Å, as {options.ref} says; that of the micrographs is"
                f" {options.micrograph_pixel:.4g} Å (RELION would take this one: give it --angpix_ref {told:.4g})"
            )
        return told
    if told == options.micrograph_pixel:
        return told
    context.warn(
        f"warning: {options.ref} does not say its pixel size: that of the micrographs, {options.micrograph_pixel:.4g} Å, is"
        " taken. Give --angpix_ref if they differ."
    )
    return options.micrograph_pixel


def _gaussian(options: ReferenceOptions) -> References:
    if options.particle_diameter is None:
        raise ParameterError("--ref gauss needs --particle_diameter: a blob has no size of its own.")
    pixel_size = options.particle_diameter / 64
    blob = gaussian_blob(options.particle_diameter, pixel_size)[None]
    return References(blob, pixel_size, options.particle_diameter, "a Gaussian blob")


def _read(context: Context, options: ReferenceOptions) -> tuple[np.ndarray, float | None, str]:
    path = context.path(options.ref)
    if not path.exists():
        raise InputError(
            f"{options.ref}, given with --ref, does not exist: give a stack, a STAR file, a map, or 'gauss'."
        )
    if path.suffix == ".star":
        return *_listed(context, options.ref), "the class averages of a STAR file"
    image = open_image(path)
    if path.suffix == ".mrc" and image.frames > 1:
        return *_projected(path, options, context.say), "projections of a map"
    return read_stack(path), image.header.pixel_size, "the images of a stack"


def _listed(context: Context, name: str) -> tuple[np.ndarray, float | None]:
    tables = read_star(context.path(name))
    written = next((float(table["rlnPixelSize"][0]) for table in tables.values() if "rlnPixelSize" in table), None)
    for label in ("rlnReferenceImage", "rlnImageName"):
        table = next((table for table in tables.values() if label in table), None)
        if table is not None and len(table):
            if "rlnCoordinateX" in table:
                raise StarError(f"{name} lists particles; expected class averages: give Select's class_averages.star.")
            reader = ImageReader(table[label].tolist(), context.directory)
            return reader.read(), written or reader.pixel_size
    raise StarError(
        f"{name} lists no references: expected a column rlnReferenceImage. Give Select's class_averages.star."
    )


def _projected(path: Path, options: ReferenceOptions, say: Callable[[str], None]) -> tuple[np.ndarray, float | None]:
    volume, pixel_size = _cube(path, options)
    angles = directions(options.healpix_order, options.symmetry)
    say(
        f" Projecting a 3D reference with {options.symmetry.upper()} symmetry, about {60 / 2**options.healpix_order:g} degrees apart:"
        f" {len(angles)} directions"
    )
    turns = matrix_from_euler(angles[:, 0], angles[:, 1], 0.0)
    return Projector.of_map(volume).images(turns), pixel_size


def _cube(path: Path, options: ReferenceOptions) -> tuple[np.ndarray, float | None]:
    volume, pixel_size = read_map(path)
    if len(set(volume.shape)) != 1:
        raise ImageError(f"{options.ref} is {'×'.join(map(str, volume.shape))} px; expected a cubic map.")
    if np.ptp(volume) == 0:
        raise ImageError(f"{options.ref} is empty: all its voxels are {volume.flat[0]:g}; expected a density.")
    return volume, pixel_size


def _check(images: np.ndarray, name: str) -> None:
    count, rows, columns = images.shape
    if rows != columns or rows < _SMALLEST:
        raise ImageError(f"{name} has references of {columns}×{rows} px; expected squares of at least {_SMALLEST} px.")
    for number in range(count):
        if not np.isfinite(images[number]).all():
            raise ImageError(f"{name}: reference {number + 1} of {count} holds NaN or infinite values. Leave it out.")
        if np.ptp(images[number]) == 0:
            raise ImageError(
                f"{name}: reference {number + 1} of {count} is empty (all {images[number].flat[0]:g}). Select the classes that"
                " hold something, and give class_averages.star."
            )
