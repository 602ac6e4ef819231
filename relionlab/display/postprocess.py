"""The pictures of post-processing and of mask creation."""

from __future__ import annotations

from pathlib import Path

from relionlab.display.guinier import guinier
from relionlab.display.maps import ortho_slices
from relionlab.display.picture import Picture
from relionlab.display.spectra import fsc
from relionlab.io.star import read_star


def postprocess_pictures(directory: Path) -> list[Picture]:
    """Return the correlations, the Guinier plot and slices of the sharpened map of a PostProcess job."""
    star = directory / "postprocess.star"
    drawn = [fsc(star)]
    if "guinier" in read_star(star):
        drawn.append(guinier(star))
    for name, title in (("postprocess.mrc", "Sharpened map"), ("postprocess_masked.mrc", "Sharpened map, masked")):
        if (directory / name).exists():
            slices = ortho_slices(directory / name)
            drawn.append(Picture(slices.description, title, slices.caption))
    return drawn


def mask_pictures(directory: Path) -> list[Picture]:
    """Return slices of the mask of a MaskCreate job."""
    slices = ortho_slices(directory / "mask.mrc")
    return [Picture(slices.description, "Mask", f"{slices.caption} White is the particle, black the solvent.")]
