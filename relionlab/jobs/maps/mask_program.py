"""The program ``mask_create``: a mask from a map, or a ball."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from relionlab.engine.maps import masks
from relionlab.engine.maps.filters import filtered, low_pass, radial
from relionlab.errors import ImageError, ParameterError
from relionlab.io.images import read_map, write_map
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.looking import quickly_read
from relionlab.jobs.maps.mask_options import Extend, LowPass, MaskOptions, SoftEdge, Threshold
from relionlab.params import Parameter, When

_DENOVO = (When("denovo"),)
_OVERSHOOT = 1.25  # by which filtering may raise a map's maximum
_MAKES_NO_SENSE = 0.95  # of the box: no particle fills so much


def smoothed(volume: np.ndarray, resolution: float, *, pixel_size: float) -> np.ndarray:
    """Return the map (z, y, x) low-pass filtered to a resolution (Å), as it is cut at the threshold; 0 or less: as it is."""
    if resolution <= 0:
        return volume
    return filtered(volume, radial(volume.shape, low_pass(resolution, side=volume.shape[-1], pixel_size=pixel_size)))


def _second(flag: str, words: str) -> Parameter:
    return Parameter(
        label=f"Second map ({flag.removeprefix('--')})",
        help=f"A voxel belongs to the particle where the input map reaches the threshold {words}. Not low-pass filtered.",
        tab="Mask", flag=flag, pattern="*.mrc", level="advanced",
    )  # fmt: skip


def _ball(label: str, flag: str, words: str) -> Parameter:
    return Parameter(label=label, help=words, tab="De novo", unit="px", flag=flag, when=_DENOVO)


class CreateMask(Program, MaskOptions):
    """Make a soft mask from a map, or a ball or a hollow ball."""

    name: ClassVar[str] = "mask_create"
    title: ClassVar[str] = "Mask creation"

    # where the program's default is not the form's
    inimask_threshold: Threshold = 0.01
    lowpass_filter: LowPass = -1.0
    extend_inimask: Extend = 0.0
    width_mask_edge: SoftEdge = 0.0

    o: Annotated[str, Parameter(label="Output mask", help="Name of the file of the mask.", tab="I/O", flag="--o")] = (
        "mask.mrc"
    )
    and_map: Annotated[str, _second("--and", "and this map does too")] = ""
    or_map: Annotated[str, _second("--or", "or this map does")] = ""
    and_not_map: Annotated[str, _second("--and_not", "and this map does not")] = ""
    or_not_map: Annotated[str, _second("--or_not", "or this map does not")] = ""
    invert: Annotated[bool, Parameter(label="Invert", help="Give 1 minus the mask.", tab="Mask", flag="--invert")] = (
        False
    )
    j: Annotated[
        int,
        Parameter(label="Threads", help="Kept for RELION.", tab="Running", flag="--j", level="developer", unused=True),
    ] = 1
    denovo: Annotated[
        bool, Parameter(label="De novo", help="Make a ball instead of masking a map.", tab="De novo", flag="--denovo")
    ] = False
    box_size: Annotated[int, _ball("Box size", "--box_size", "Side of the mask.")] = -1
    inner_radius: Annotated[float, _ball("Inner radius", "--inner_radius", "Nearer than this the mask is 0.")] = 0.0
    outer_radius: Annotated[float, _ball("Outer radius", "--outer_radius", "From here on the mask is 0.")] = 99999.0
    center_x: Annotated[float, _ball("Centre x", "--center_x", "From the middle of the box.")] = 0.0
    center_y: Annotated[float, _ball("Centre y", "--center_y", "From the middle of the box.")] = 0.0
    center_z: Annotated[float, _ball("Centre z", "--center_z", "From the middle of the box.")] = 0.0

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.denovo and self.box_size <= 0:
            found.append(f"--denovo needs a box: --box_size is {self.box_size}.")
        if not self.denovo and not self.fn_in:
            found.append("--i is empty: give a map, or --denovo with --box_size.")
        return found

    def look(self, context: Context) -> None:
        """Look at the map, and at its largest value."""
        if self.denovo or not quickly_read(context, self.fn_in):
            return
        volume, header = read_map(context.path(self.fn_in))
        pixel_size = self.angpix or header
        if not pixel_size:
            raise ParameterError(f"{self.fn_in} does not say its pixel size: give it with --angpix.")
        if np.ptp(volume) == 0:
            context.warn(f"{self.fn_in} is empty: all its values are {volume.flat[0]:g}. Give another map.")
        self._check_lengths(volume.shape[-1], pixel_size)
        share = float((volume >= self.inimask_threshold).mean())
        if share > _MAKES_NO_SENSE and not self.invert:
            context.warn(self._too_full(share))
        if volume.max() * (_OVERSHOOT if self.lowpass_filter > 0 else 1) < self.inimask_threshold:
            raise self._nothing_reaches(volume)

    def run(self, context: Context) -> None:
        """Make the mask and write it."""
        self.check()
        context.say(" Creating a mask ...")
        mask, pixel_size = self._denovo() if self.denovo else self._from_map(context)
        if self.invert:
            mask = 1 - mask
        self._tell_of_size(context, mask)
        context.path(self.o).parent.mkdir(parents=True, exist_ok=True)
        write_map(context.path(self.o), mask, pixel_size=pixel_size)
        context.say(f" Done creating mask! Written out: {self.o}")

    def _denovo(self) -> tuple[np.ndarray, float]:
        centre = (self.center_x, self.center_y, self.center_z)
        ball = masks.spherical_shell(
            self.box_size, self.inner_radius, self.outer_radius, width_px=self.width_mask_edge, centre=centre
        )
        return ball, self.angpix or 1.0

    def _from_map(self, context: Context) -> tuple[np.ndarray, float]:
        volume, header = read_map(context.path(self.fn_in))
        pixel_size = self.angpix or header
        if not pixel_size:
            raise ParameterError(f"{self.fn_in} does not say its pixel size: give it with --angpix.")
        self._check_lengths(volume.shape[-1], pixel_size)
        volume = smoothed(volume, self.lowpass_filter, pixel_size=pixel_size)
        inside = self._combined(context, volume >= self.inimask_threshold)
        if not inside.any():
            raise self._nothing_reaches(volume)
        inside = masks.extended(inside, self.extend_inimask)
        if not inside.any():
            raise ParameterError(
                f"Nothing is left of the mask that is shrunk by {-self.extend_inimask:g} px (--extend_inimask): shrink it by less."
            )
        mask = masks.soft_edged(inside, self.width_mask_edge)
        if self.do_helix:
            window = masks.central_part(len(mask), self.helical_z_percentage / 100, self.width_mask_edge)
            mask = mask * window[:, None, None]
        return mask, pixel_size

    def _check_lengths(self, box: int, pixel_size: float) -> None:
        """Raise ParameterError for a filter coarser than the whole map, or a rim that fills the box (px)."""
        if self.lowpass_filter > box * pixel_size:
            raise ParameterError(
                f"The low-pass filter (--lowpass) of {self.lowpass_filter:g} Å is coarser than the whole map, {box} px of"
                f" {pixel_size:g} Å: nothing would be left. Give 15 to 20 Å, or correct the pixel size."
            )
        rim = max(self.extend_inimask, 0) + self.width_mask_edge
        if rim >= box / 2:
            raise ParameterError(
                f"The mask would grow by {rim:g} px ({self.extend_inimask:g} px of --extend_inimask and {self.width_mask_edge:g} px"
                f" of --width_soft_edge), half of the box of {box} px or more: nothing would be left outside. Give less."
            )

    def _too_full(self, share: float) -> str:
        return (
            f"warning: the mask fills {100 * share:.0f} % of the box: the threshold (--ini_threshold)"
            f" {self.inimask_threshold:g} lies in the solvent, or the mask is extended too far. Raise it until no specks of"
            " solvent remain."
        )

    def _nothing_reaches(self, volume: np.ndarray) -> ParameterError:
        return ParameterError(
            f"Nothing in {self.fn_in} reaches the threshold (--ini_threshold) {self.inimask_threshold:g}: its largest"
            f" value{' after the low-pass filter' if self.lowpass_filter > 0 else ''} is {volume.max():.4g}. Lower it."
        )

    def _combined(self, context: Context, inside: np.ndarray) -> np.ndarray:
        for name, join, wanted in (
            (self.and_map, np.logical_and, True),
            (self.or_map, np.logical_or, True),
            (self.and_not_map, np.logical_and, False),
            (self.or_not_map, np.logical_or, False),
        ):
            if not name:
                continue
            other, _ = read_map(context.path(name))
            if other.shape != inside.shape:
                raise ImageError(f"{name} has the shape {other.shape}, {self.fn_in} {inside.shape}: they must agree.")
            inside = join(inside, (other >= self.inimask_threshold) == wanted)
        return inside

    def _tell_of_size(self, context: Context, mask: np.ndarray) -> None:
        share = float(mask.mean())
        context.say(f" + The mask fills {100 * share:.1f} % of the box.")
        if share > _MAKES_NO_SENSE and not self.invert and not self.denovo:
            context.warn(self._too_full(share))
