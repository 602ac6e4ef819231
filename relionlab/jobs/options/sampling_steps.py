"""The angular steps that RELION's forms offer, and the HEALPix orders that they stand for."""

from __future__ import annotations

from typing import Literal, get_args

SamplingStep = Literal[
    "30 degrees",
    "15 degrees",
    "7.5 degrees",
    "3.7 degrees",
    "1.8 degrees",
    "0.9 degrees",
    "0.5 degrees",
    "0.2 degrees",
    "0.1 degrees",
]
"""Steps of a search that is made finer once, as refinements do."""


def healpix_order(step: str) -> int:
    """Return the HEALPix order of the coarse pass whose fine pass has this step.

    >>> healpix_order("7.5 degrees")
    2
    """
    return get_args(SamplingStep).index(step)
