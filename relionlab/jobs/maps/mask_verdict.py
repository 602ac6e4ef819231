"""A mask in one line of words: whether it can be trusted, and which way to move it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from relionlab.jobs.maps.curves import Curves

Grade = Literal["good", "doubtful", "bad"]

_LEAKS = 0.05  # of the phase-randomised correlation at the resolution
_MUCH = 0.2  # of it: the resolution is then mostly the mask's own
_LEAST_DENSE = 0.15  # share of the mask that reaches the threshold
_FULL = 0.6  # of the box
_MOST_SPECKS = 3


@dataclass(frozen=True)
class Judged:
    """A verdict: its grade ("good", "doubtful" or "bad"), the line of words, and further remarks."""

    grade: Grade
    words: str
    remarks: tuple[str, ...] = ()


def judge_mask(
    curves: Curves,
    *,
    pixel_size: float,
    box: int,
    share: float,
    dense: float,
    pieces: int,
    specks: int,
    touches: bool,
    b_factor_doubt: str,
) -> Judged:
    """Return the verdict on a mask.

    share           of the box that it fills
    dense           share of the mask in which the map reaches the threshold
    pieces, specks  separate parts of the map above the threshold, large and small
    touches         the mask reaches the faces of the box
    b_factor_doubt  why the B-factor should not be believed, "" if there is no reason
    """
    if curves.shell == 0:
        return Judged(
            "bad", "The half-maps do not correlate at all: they are noise, or not two halves of one refinement."
        )
    faults = [*_faults_of_shape(share, dense, pieces, specks, touches), *_faults_of_curves(curves)]
    faults.sort(key=lambda fault: fault[0] != "bad")  # the worst first
    resolution = box * pixel_size / curves.shell
    end = ", the finest that these pixels show" if curves.shell == len(curves.true) - 1 else ""
    remarks = [f"{words[0].upper()}{words[1:]}" for _, words in faults[1:]]
    if b_factor_doubt:
        remarks.append(
            b_factor_doubt.replace(" (--adhoc_bfac)", "").replace(
                "a higher --autob_lowres", "another beginning of the line"
            )
        )
    told = f"{resolution:.2f} Å at FSC 0.143{end}"
    if not faults:
        return Judged("good", f"{told}: the mask adds nothing of its own, so this can be trusted.", tuple(remarks))
    grades: list[Grade] = [grade for grade, _ in faults]
    return Judged("bad" if "bad" in grades else "doubtful", f"{told}, but {faults[0][1]}", tuple(remarks))


def _faults_of_curves(curves: Curves) -> list[tuple[Grade, str]]:
    if curves.random is None or curves.masked is None:
        return []
    if curves.fell_back:
        return [
            (
                "bad",
                "this is without the mask, which makes it worse: it cuts into the map; lower the threshold or extend it.",
            )
        ]
    last = len(curves.true) - 1
    if curves.first_random >= last:
        return [("doubtful", "the half-maps agree as far as they go, so what the mask adds is not known.")]
    at = float(curves.random[curves.shell])
    beyond = curves.random[min(curves.first_random + 2, last) :]
    if at > _MUCH:
        return [
            (
                "bad",
                f"the mask is too tight: with random phases {at:.2f} of correlation are left there. Widen and soften it.",
            )
        ]
    if at > _LEAKS:
        return [
            (
                "doubtful",
                f"the mask is rather tight: {at:.2f} of correlation are left with random phases. Soften its edge.",
            )
        ]
    if float(np.max(beyond, initial=0.0)) > 0.5:
        return [("doubtful", "the mask correlates much at low resolution (red curve): a softer edge is safer.")]
    return []


def _faults_of_shape(share: float, dense: float, pieces: int, specks: int, touches: bool) -> list[tuple[Grade, str]]:  # noqa: FBT001
    found: list[tuple[Grade, str]] = []
    if share > _FULL and dense >= _LEAST_DENSE:
        found.append(
            ("bad", f"the mask fills {100 * share:.0f} % of the box: the threshold lies in the solvent. Raise it.")
        )
    elif share > _FULL:
        found.append(("bad", f"the mask is too loose: it fills {100 * share:.0f} % of the box. Extend it less."))
    elif specks > _MOST_SPECKS:
        found.append(
            ("doubtful", f"{specks} specks of noise are in the mask: raise the threshold, or filter the map more.")
        )
    elif touches:
        found.append(
            ("doubtful", "the mask touches the box: raise the threshold or extend it less, else take a larger box.")
        )
    elif dense < _LEAST_DENSE:
        found.append(("doubtful", f"the mask is too loose: density fills {100 * dense:.0f} % of it. Extend it less."))
    if pieces > 1 and not found:
        found.append(
            ("doubtful", f"the mask begins as {pieces} separate pieces: lower the threshold if they are one particle.")
        )
    return found
