"""Reading half-maps and their mask, and saying what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from relionlab.errors import ImageError, NodeError, ParameterError
from relionlab.io.images import read_header, read_map
from relionlab.jobs.context import Context
from relionlab.jobs.looking import quickly_read

_TOLERANCE = 0.01  # pixel sizes that differ by less are the same
_ROUNDING = 1e-3  # by which a mask may leave 0 to 1 unnoticed
_RINGING = 0.05  # as a mask does that was rescaled: its values are cut at 0 and 1
_SAME = 1e-4  # deviation of what two maps do not share, over that of one: below, one was made from the other
_OPPOSITE = -0.05  # correlation of two halves: noise alone is far nearer to 0
_LOUDER = 2.0  # halves of one refinement have deviations that differ by a few per cent


@dataclass(frozen=True)
class HalfMaps:
    """Two unfiltered half-maps.

    first, second  (n, n, n) float32
    names          of their files
    pixel_size     Å; the one that was given, else that of the header
    """

    first: np.ndarray
    second: np.ndarray
    names: tuple[str, str]
    pixel_size: float

    @property
    def box(self) -> int:
        """Side in px."""
        return self.first.shape[-1]


def partner(name: str) -> str:
    """Return the name of the other half-map: half1 for half2 or the other way round, in the file's name.

    Raises NodeError if the name holds neither.
    """
    place = PurePosixPath(name)
    for this, other in (("half1", "half2"), ("half2", "half1")):
        if this in place.name:
            before, _, after = place.name.rpartition(this)
            return str(place.with_name(before + other + after))
    raise NodeError(
        f"{name} has neither half1 nor half2 in its name, so that its partner is not known: give a file such as"
        " run_half1_class001_unfil.mrc, or name the second half-map too (--i2)."
    )


def read_half_maps(context: Context, name: str, *, other: str = "", pixel_size: float | None = None) -> HalfMaps:
    """Read a half-map and its partner; raises an InputError that names the file where they do not fit."""
    other = other or partner(name)
    if not context.path(other).exists():
        raise NodeError(f"{name} has no partner: expected {other} beside it, or give it with --i2.")
    (first, size), (second, second_size) = (read_cube(context, half) for half in (name, other))
    if first.shape != second.shape:
        raise ImageError(f"{name} has {len(first)} px along a side and {other} {len(second)}: the halves must agree.")
    if size and second_size and abs(size - second_size) > _TOLERANCE * size:
        raise ImageError(f"{name} has pixels of {size:g} Å and {other} of {second_size:g} Å: the halves must agree.")
    judge_halves(context, first, second, names=(name, other))
    used = pixel_size or size
    if not used:
        raise ParameterError(f"{name} does not say its pixel size: give it with --angpix.")
    if not pixel_size:
        context.say(f" + The pixel size of the header of {name}, {used:g} Å, is used (--angpix gives another).")
    elif size and abs(used - size) > 0.1 * size:
        context.warn(
            f"--angpix is {used:g} Å, but the header of {name} says {size:g} Å: a calibration changes a pixel size by a"
            " few per cent at most. Check it."
        )
    return HalfMaps(first, second, (name, other), used)


def judge_halves(context: Context, first: np.ndarray, second: np.ndarray, *, names: tuple[str, str]) -> None:
    """Raise ImageError if one of two halves (n, n, n) is empty or made from the other; warn of other signs and strengths."""
    centred, deviations = [], []
    for volume, name in zip((first, second), names, strict=True):
        if np.ptp(volume) == 0:
            raise ImageError(
                f"{name} is empty: all its voxels are {volume.flat[0]:g}; expected a density. Give another half-map."
            )
        centred.append((volume - volume.mean(dtype=np.float64)).ravel())
        deviations.append(float(volume.std(dtype=np.float64)))
    scale = float(np.vdot(centred[0], centred[1])) / len(centred[0]) / deviations[0] ** 2
    apart = float((centred[1] - np.float32(scale) * centred[0]).std(dtype=np.float64)) / deviations[1]
    if apart < _SAME:
        more = "" if np.array_equal(first, second) else ", but for a factor or a constant"
        raise ImageError(
            f"{names[0]} and {names[1]} are the same map{more}: the correlation needs two independent halves."
        )
    correlation = scale * deviations[0] / deviations[1]
    if correlation < _OPPOSITE:
        context.warn(
            f"warning: {names[0]} and {names[1]} are of opposite contrast: they correlate by {correlation:.2f}. Give two halves of"
            " one refinement."
        )
    louder = max(deviations) / min(deviations)
    if louder > _LOUDER:
        context.warn(
            f"warning: the grey values of {names[0]} and {names[1]} differ {louder:.3g} times in strength; halves of one refinement"
            " do by a few per cent. Give two of the same run, which were not scaled."
        )


def look_at_half_maps(
    context: Context,
    name: str,
    *,
    other: str = "",
    pixel_size: float | None = None,
    masks: Sequence[str] = (),
    soft: bool = True,
) -> None:
    """Raise what reading half-maps and masks would; of large ones as far as their heads tell.

    soft  as for :func:`read_mask`
    """
    other = other or (partner(name) if context.path(name).is_file() else "")
    if quickly_read(context, name, other, *masks):
        maps = read_half_maps(context, name, other=other, pixel_size=pixel_size)
        for mask in masks:
            read_mask(context, mask, maps=maps, soft=soft)
        return
    sizes = {each: read_header(context.path(each)).shape for each in (name, other, *masks) if each}
    for each, shape in sizes.items():
        if shape != sizes[name]:
            raise ImageError(f"{name} has {sizes[name][-1]} px along a side and {each} {shape[-1]}: they must agree.")


def read_cube(context: Context, name: str) -> tuple[np.ndarray, float | None]:
    """Return a cubic map and the pixel size of its header."""
    volume, size = read_map(context.path(name))
    if len(set(volume.shape)) != 1:
        shape = " × ".join(map(str, volume.shape))
        raise ImageError(f"{name} has {shape} voxels (z, y, x): expected a cube. Pad it with image_handler --new_box.")
    return volume, size


def read_mask(context: Context, name: str, *, maps: HalfMaps, soft: bool = True) -> np.ndarray:
    """Return a mask that fits the half-maps; raises ImageError if box, pixel size or values do not.

    soft  whether its edge matters: warn of one that is sharp
    """
    mask, size = read_cube(context, name)
    if mask.shape != maps.first.shape:
        raise ImageError(
            f"The mask {name} has {len(mask)} px along a side, the half-maps {maps.box}: make it from the map of the same"
            " refinement (MaskCreate)."
        )
    header = read_map(context.path(maps.names[0]))[1]
    if size and header and abs(size - header) > 0.05 * header and abs(size - maps.pixel_size) > 0.05 * maps.pixel_size:
        raise ImageError(
            f"The mask {name} has pixels of {size:g} Å, the half-maps of {header:g} Å: make it from the map of the same"
            " refinement, or set its header right with image_handler --force_header_angpix."
        )
    if mask.min() == mask.max() == 1:
        context.warn(f"warning: the mask {name} is 1 everywhere: nothing is masked. Make one with MaskCreate.")
        soft = False
    return judged_mask(context, mask, name, soft=soft)


def judged_mask(context: Context, mask: np.ndarray, name: str, *, soft: bool = True) -> np.ndarray:
    """Return a mask with its values cut at 0 and 1; raises ImageError if they lie elsewhere, or none is near 1.

    soft  warn of an edge that is sharp
    """
    low, high = float(mask.min()), float(mask.max())
    if low < -_RINGING or high > 1 + _RINGING:
        raise ImageError(
            f"The mask {name} has values from {low:.4g} to {high:.4g}: a mask lies between 0 (solvent) and 1 (particle)."
            " Make one with MaskCreate."
        )
    if high < 0.5:
        raise ImageError(
            f"The mask {name} is empty: its largest value is {high:.4g}. Lower its threshold in MaskCreate."
        )
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        context.warn(
            f"warning: the mask {name} has values from {low:.4g} to {high:.4g}, as after rescaling: they are cut at 0 and 1."
        )
    if soft and ((mask == 0) | (mask == 1)).all():
        context.warn(
            f"The mask {name} has no soft edge: its values are 0 and 1 alone. A sharp edge shows in the FSC; make the mask with"
            " MaskCreate, with a soft edge of at least 5 px."
        )
    return np.clip(mask, 0, 1)
