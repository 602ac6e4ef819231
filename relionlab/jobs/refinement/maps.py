"""The maps and masks that a 3D classification or refinement begins with: read, checked, brought to the particles' box.

RELION 3.1 to 5, told to trust another size (--trust_ref_size), take the particles to the reference instead, so that a coarse
or ill-labelled reference decides the pixel size of every later map (RELION's issues 627 and 1236); here particles decide.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from relionlab.engine.fourier import crop_rfft3, irfft3_centred, rfft3_centred
from relionlab.engine.maps.alterations import new_box, symmetrised
from relionlab.engine.masks import radius_grid
from relionlab.engine.symmetry import point_group
from relionlab.errors import ImageError, NodeError, ParameterError, StarError
from relionlab.io.image_file import contradicts
from relionlab.io.star import read_star
from relionlab.jobs.context import Context
from relionlab.jobs.maps.half_maps import judged_mask, read_cube

_LABELS = ("rlnReferenceImage", "rlnImageName")
_SAME_SIZE = 0.005  # relative: at the rim of a box of 200 px, half a px
_EXACT_ENOUGH = 2e-4  # of the pixel size after rescaling: at that rim 0.02 px
_MORE_BOX = 64  # px of padding tried to get there
_LOOKED_AT = 48  # px: symmetry shows in a coarse map
_SYMMETRIC = 0.5  # correlation of a map with its turned copies: 1 if it has the symmetry, about 0 if not


class MapOptions(Protocol):
    """What :func:`read_maps` is to know: fields of the program ``refine``."""

    @property
    def ref(self) -> str:
        """A map, or a STAR file that lists maps."""
        ...

    @property
    def nr_classes(self) -> int:
        """Number of classes."""
        ...

    @property
    def sym(self) -> str:
        """Point group of the refinement."""
        ...

    @property
    def particle_diameter(self) -> float | None:
        """Å; None: the box."""
        ...

    @property
    def trust_ref_size(self) -> bool:
        """Whether maps of another size are brought to the particles'."""
        ...

    @property
    def ref_angpix(self) -> float | None:
        """Å of the maps, in place of what their headers say."""
        ...


def read_maps(options: MapOptions, context: Context, *, box: int, pixel_size: float) -> np.ndarray:
    """Return the map of each class (class, box, box, box) float32; a single one serves all classes.

    box, pixel_size  of the particles, px and Å
    Raises NodeError, StarError, ImageError or ParameterError for what cannot be used; warns of inverted contrast and of a
    symmetry that a map does not have.
    """
    names = _named(options.ref, context)
    maps = np.stack([_one(name, options, context, box=box, pixel_size=pixel_size) for name in names])
    if len(maps) == 1:
        return np.repeat(maps, options.nr_classes, axis=0)
    if options.nr_classes not in (1, len(maps)):
        raise ParameterError(
            f"{options.ref} lists {len(maps)} maps, the number of classes (--K) is {options.nr_classes}; expected as many, or"
            f" a single map for all of them. Give --K {len(maps)}, or another list."
        )
    return maps


def read_mask(
    name: str, context: Context, *, box: int, pixel_size: float, resized: bool = False, flag: str = "--solvent_mask"
) -> np.ndarray:
    """Return a mask (box, box, box) float32 of values from 0 to 1.

    box, pixel_size  of the particles, px and Å
    resized          bring a mask of another size to theirs; otherwise it is refused
    flag             by which the user gave it
    """
    mask, size = _cube(name, context, kind=f"The mask ({flag})")
    mask = judged_mask(context, mask, name)
    mask = _fitted(mask, size, (name, "mask"), context, box=box, pixel_size=pixel_size, resized=resized)
    if mask.min() == mask.max():
        raise ImageError(
            f"The mask {name} ({flag}) is {mask.max():g} everywhere; expected 1 at the particle and 0 around it. Make one with"
            " MaskCreate, or leave it out."
        )
    return np.clip(mask, 0, 1)


# --- one map ----------------------------------------------------------------------------------------------------------


def _named(name: str, context: Context) -> list[str]:
    """Return the maps that a name stands for."""
    if not name.endswith(".star"):
        return [name]
    if not context.path(name).is_file():
        raise NodeError(f"The reference {name} (--ref) is not there (looked in {context.directory}): give a map.")
    for table in read_star(context.path(name)).values():
        for label in _LABELS:
            if label in table and len(table):
                return [str(value) for value in table[label]]
    raise StarError(
        f"{name} lists no maps; expected a table with rlnReferenceImage, as that of a run_itNNN_model.star. Give a map, or"
        " another list."
    )


def _one(name: str, options: MapOptions, context: Context, *, box: int, pixel_size: float) -> np.ndarray:
    map_, size = _cube(name, context, kind="The reference (--ref)")
    if np.ptp(map_) == 0:
        raise ImageError(
            f"The reference {name} is empty: all its voxels are {map_.flat[0]:g}; expected a density. Make the map again, or"
            " give another."
        )
    map_ = _fitted(
        map_,
        options.ref_angpix or size,
        (name, "reference"),
        context,
        box=box,
        pixel_size=pixel_size,
        resized=options.trust_ref_size,
    )
    diameter = min(options.particle_diameter or box * pixel_size, box * pixel_size) / pixel_size
    inside = radius_grid(box, 3) <= diameter / 2
    _judge_contrast(map_, inside, name, context)
    _judge_symmetry(map_, diameter, (name, options.sym), context)
    return map_


def _cube(name: str, context: Context, *, kind: str) -> tuple[np.ndarray, float | None]:
    if not context.path(name).is_file():
        raise NodeError(f"{kind} {name} is not there (looked in {context.directory}): expected a map. Give its file.")
    return read_cube(context, name)


def _fitted(
    map_: np.ndarray,
    size: float | None,
    named: tuple[str, str],
    context: Context,
    *,
    box: int,
    pixel_size: float,
    resized: bool,
) -> np.ndarray:
    """Return a map in the particles' box and pixel size; ImageError if it has others and is not to be resized."""
    name, kind = named
    other = contradicts(size, pixel_size, tolerance=_SAME_SIZE)
    if not other and len(map_) == box:
        return map_
    found = f"{len(map_)} px of {size or pixel_size:g} Å"
    if not resized:
        wrong_header = (
            "say its pixel size (--ref_angpix)" if kind == "reference" else "correct it (relionlab image_handler)"
        )
        raise ImageError(
            f"The {kind} {name} has {found}, the particles {box} px of {pixel_size:g} Å; expected the same. Let it be resized"
            f" (--trust_ref_size), or, where its header is wrong, {wrong_header}."
        )
    if other and size is not None:
        map_ = _rescaled(map_, size, pixel_size)
        if kind == "reference":  # a projection is a sum of voxels: it keeps its grey values
            map_ = map_ * np.float32(pixel_size / size)
    context.say(f" + The {kind} {name} of {found} is brought to the particles' {box} px of {pixel_size:g} Å.")
    return new_box(map_, box)


def _rescaled(map_: np.ndarray, size: float, wanted: float) -> np.ndarray:
    """Return a map of pixels of another size, in Å, by cropping or padding its transform.

    The sizes of both boxes are whole and even, so the map is padded until their ratio is right.
    """
    start = len(map_) + len(map_) % 2
    best, least = start, np.inf
    for side in range(start, start + _MORE_BOX, 2):
        error = abs(side * size / _even(side * size / wanted) / wanted - 1)
        if error < least:
            best, least = side, error
        if least < _EXACT_ENOUGH:
            break
    padded = new_box(map_, best)
    there = _even(best * size / wanted)
    return _resized3(padded, there).astype(np.float32)


def _even(value: float) -> int:
    return max(2 * round(value / 2), 2)


# --- what it looks like -----------------------------------------------------------------------------------------------


def _judge_contrast(map_: np.ndarray, inside: np.ndarray, name: str, context: Context) -> None:
    """Warn of density that is lower than what surrounds it."""
    if inside.all():
        return
    around = map_[~inside].mean(dtype=np.float64)
    if map_[inside].mean(dtype=np.float64) < around and around - map_.min() > map_.max() - around:
        context.warn(
            f"The reference {name} is lower inside than around: the particle seems to be dark. Expected: white on black, as"
            " the particles. Invert it (relionlab image_handler --multiply_constant -1), or check the particles' contrast."
        )


def _judge_symmetry(map_: np.ndarray, diameter: float, named: tuple[str, str], context: Context) -> None:
    """Warn of a map without the symmetry that it is to be refined with."""
    name, symmetry = named
    group = point_group(symmetry)
    side = min(_even(len(map_)), _LOOKED_AT)
    coarse = _resized3(map_, side) if len(map_) > side else map_.astype(np.float64)
    found = symmetry_correlation(coarse, group.operations, radius=diameter / 2 * side / len(map_))
    if found < _SYMMETRIC:
        context.warn(
            f"The reference {name} does not have the symmetry {group.name} about RELION's axes: it correlates with its turned"
            f" copies by {found:.2f}; expected nearly 1. Bring its axes there (relionlab align_symmetry --sym {group.name}),"
            " or refine in C1."
        )


def symmetry_correlation(map_: np.ndarray, operations: np.ndarray, *, radius: float) -> float:
    """Return the mean correlation of a map (n, n, n) with its copies turned by the operations (m, 3, 3), the first aside.

    Within a radius in px, and without what depends on the distance from the middle alone, which has every symmetry. A map that
    is nothing else, or a single operation, gives 1.
    """
    distance = radius_grid(len(map_), 3)
    inside = distance <= min(radius, len(map_) / 2 - 1)
    shells = np.rint(distance).astype(int)
    means = np.bincount(shells.ravel(), map_.ravel().astype(np.float64)) / np.bincount(shells.ravel())
    rest = np.where(inside, map_ - means[shells], 0.0)
    power = float((rest**2).sum())
    if len(operations) < 2 or power <= 1e-6 * float(((map_ * inside) ** 2).sum()):
        return 1.0
    mean = float((rest * symmetrised(rest, operations)).sum()) / power
    return (mean * len(operations) - 1) / (len(operations) - 1)


def _resized3(map_: np.ndarray, side: int) -> np.ndarray:
    """Return the map in as many px a side, its extent kept."""
    return np.asarray(irfft3_centred(crop_rfft3(rfft3_centred(map_), side), side))
