"""The parameters that post-processing and local resolution share."""

from __future__ import annotations

from typing import Annotated

from relionlab.io.detectors import detectors
from relionlab.jobs.options import detector
from relionlab.params import Parameter, When

_MTF = (When("fn_mtf", "!=", ""),)

HalfMap = Annotated[
    str,
    Parameter(
        label="One of the 2 unfiltered half-maps",
        help="The other is found by its name: half2 for half1, or the other way round.",
        tab="I/O", key="fn_in", flag="--i", pattern="*half1_*_unfil.mrc", node="DensityMap.mrc.halfmap", required=True,
    ),
]  # fmt: skip


def mask(words: str) -> Parameter:
    """Declare the mask; what it is for differs."""
    return Parameter(
        label="Solvent mask", help=f"Soft, 0 in the solvent and 1 in the particle. {words}", tab="I/O", key="fn_mask",
        flag="--mask", pattern="*.mrc", node="Mask3D.mrc",
    )  # fmt: skip


CalibratedPixelSize = Annotated[
    float | None,
    Parameter(
        label="Calibrated pixel size",
        help="The true pixel size, if it was found to differ from the nominal one, as by the fit of an atomic model. It"
        " goes into the results' headers and resolutions. Empty: that of the half-map's header.",
        tab="I/O", unit="Å", key="angpix", flag="--angpix", none_as="-1", bounds=(0.01, 100), suggested=(0.3, 5, 0.1),
    ),
]  # fmt: skip


def transfer_file(tab: str) -> Parameter:
    """Declare the detector's MTF, on the page where a form has it."""
    return Parameter(
        label="MTF of the detector (STAR file)",
        help=f"{detector.WORDS} Only if it was not corrected in the refinement (rlnMtfFileName of the optics groups);"
        " without one the MTF becomes a part of the B-factor.",
        tab=tab, key="fn_mtf", wizard="detector", flag="--mtf", pattern="*.star", names=detectors,
    )  # fmt: skip


OriginalPixelSize = Annotated[
    float | None,
    Parameter(
        label="Original detector pixel size",
        help="Physical pixel of the detector, at the specimen (not that of super-resolution): the MTF is measured in such pixels.",
        tab="Sharpen", unit="Å", key="mtf_angpix", flag="--mtf_angpix", none_as="-1", bounds=(0.01, 100), suggested=(0.3, 2, 0.1),
        when=_MTF,
    ),
]  # fmt: skip


def b_factor(tab: str, when: tuple[When, ...] = ()) -> Parameter:
    """Declare the B-factor that the user gives."""
    return Parameter(
        label="User-provided B-factor",
        help="Negative numbers sharpen. Too much of it shows noise as if it were detail.",
        tab=tab, unit="Å²", key="adhoc_bfac", flag="--adhoc_bfac", suggested=(-2000, 0, 50), when=when,
    )  # fmt: skip
