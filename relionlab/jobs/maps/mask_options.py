"""The parameters of mask creation, which its form and its program share."""

from __future__ import annotations

from typing import Annotated

from relionlab.params import Declared, Parameter, When

_HELIX = (When("do_helix"),)

InputMap = Annotated[
    str,
    Parameter(
        label="Input 3D map",
        help="The map that is to be masked, best the one of the refinement itself.",
        tab="I/O", key="fn_in", flag="--i", pattern="*.mrc", node="DensityMap.mrc",
    ),
]  # fmt: skip
LowPass = Annotated[
    float,
    Parameter(
        label="Low-pass filter map",
        help="Smooths the map before it is cut at the threshold, so that the mask follows the particle's shape and not"
        " its details: 15 to 20 Å. -1: not at all.",
        tab="Mask", unit="Å", key="lowpass_filter", wizard="mask", flag="--lowpass", suggested=(10, 100, 5),
    ),
]  # fmt: skip
PixelSize = Annotated[
    float | None,
    Parameter(
        label="Pixel size",
        help="Of the input map; empty takes it from the map's header.",
        tab="Mask", unit="Å", key="angpix", flag="--angpix", none_as="-1", bounds=(0.01, 100), suggested=(0.3, 5, 0.1),
    ),
]  # fmt: skip
Threshold = Annotated[
    float,
    Parameter(
        label="Initial binarisation threshold",
        help="Density from which on a voxel belongs to the particle. Look at the low-pass filtered map: the lowest value"
        " at which no specks of solvent appear.",
        tab="Mask", key="inimask_threshold", flag="--ini_threshold", wizard="mask", suggested=(0, 0.5, 0.01),
    ),
]  # fmt: skip
Extend = Annotated[
    float,
    Parameter(
        label="Extend binary map this many pixels",
        help="Grows the binary mask in all directions; a negative number shrinks it.",
        tab="Mask", unit="px", key="extend_inimask", flag="--extend_inimask", wizard="mask", suggested=(0, 20, 1),
    ),
]  # fmt: skip
SoftEdge = Annotated[
    float,
    Parameter(
        label="Add a soft-edge of this many pixels",
        help="Width of the raised cosine from 1 to 0 outside of the mask. Sharp edges correlate: take 5 px or more.",
        tab="Mask", unit="px", key="width_mask_edge", flag="--width_soft_edge", wizard="mask", bounds=(0, None), suggested=(0, 20, 1),
    ),
]  # fmt: skip
Helix = Annotated[
    bool,
    Parameter(
        label="Mask a 3D helix?",
        help="Keep only the central part along z, where a helix is best; the soft edge ends it too.",
        tab="Helix", key="do_helix", flag="--helix",
    ),
]  # fmt: skip
CentralLength = Annotated[
    float,
    Parameter(
        label="Central Z length",
        help="Share of the box along z that is kept. The program's flag takes a fraction.",
        tab="Helix", unit="%", key="helical_z_percentage", flag="--z_percentage", flag_factor=0.01,
        bounds=(1, 100), suggested=(5, 80, 1), when=_HELIX,
    ),
]  # fmt: skip


class MaskOptions(Declared):
    """What form and program share. Defaults are the form's."""

    fn_in: InputMap = ""
    lowpass_filter: LowPass = 15.0
    angpix: PixelSize = None
    inimask_threshold: Threshold = 0.02
    extend_inimask: Extend = 3.0
    width_mask_edge: SoftEdge = 3.0
    do_helix: Helix = False
    helical_z_percentage: CentralLength = 30.0

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.do_helix and self.width_mask_edge <= 0:
            found.append("A helix's mask needs a soft edge: its ends would be cut off sharply. Give one of 5 px.")
        return found
