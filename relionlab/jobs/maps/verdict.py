"""Post-processing in one line of words."""

from __future__ import annotations

import numpy as np

from relionlab.engine.maps.guinier import Line, finest_needed
from relionlab.jobs.maps.curves import Curves

_LEAKS = 0.05  # of the phase-randomised correlation at the estimate: more says that the mask is too tight or sharp
_UNCERTAIN = (
    0.25  # standard error of a B-factor over it: beyond, the sharpening at the end of the line is anybody's guess
)


def verdict(curves: Curves, *, pixel_size: float, box: int) -> str:
    """Return what the resolution is, what limits it, and whether the mask can be trusted."""
    shell, last = curves.shell, len(curves.true) - 1
    if shell == 0:
        return "The half-maps do not correlate at all: they are noise, or not two halves of one refinement."
    resolution = box * pixel_size / shell
    said = [f"The resolution is {resolution:.2f} Å (FSC 0.143)"]
    if shell == last:
        said.append(f"limited by the pixel size of {pixel_size:.3g} Å: take smaller pixels to see how far the data go")
    if curves.random is None:
        said.append("without a mask: a soft mask takes the noise of the solvent away and may give a better one")
    elif curves.fell_back:
        said.append("read without the mask, which made it worse: the mask does not fit the map, or cuts it")
    elif curves.first_random >= last:
        said.append("what the mask adds to it is not known")
    else:
        at = float(curves.random[shell])
        beyond = curves.random[min(curves.first_random + 2, last) :]
        leak = float(np.max(beyond)) if beyond.size else 0.0
        said.append(
            f"the mask itself correlates by {at:.2f} there"
            + (
                ": it is too tight or too sharp, so make it wider and softer"
                if at > _LEAKS
                else ", so it can be trusted"
            )
        )
        if leak > 0.5 and at <= _LEAKS:
            said.append("though by much near the first random shells: a softer mask is safer")
    return "; ".join(said) + "."


def doubts_of_fit(line: Line | None, *, lowest: float, resolution: float) -> str:
    """Return why the automatic B-factor should not be believed, "" if there is no reason."""
    advice = "Give a B-factor of your own (--adhoc_bfac), or a higher --autob_lowres."
    if line is None:
        return f"There is no signal beyond {lowest:g} Å to fit a B-factor to: none is applied. {advice}"
    reasons = []
    if resolution > finest_needed(lowest):
        reasons.append(
            f"the line from {lowest:g} Å to the map's {resolution:.3g} Å is short (it should go beyond"
            f" {finest_needed(lowest):.3g} Å)"
        )
    if line.standard_error > _UNCERTAIN * abs(line.b_factor):
        reasons.append(f"the {line.points} shells leave it uncertain by ±{line.standard_error:.0f} Å²")
    if line.slope > 0:
        reasons.append("the amplitudes rise instead of falling")
    return f"The B-factor of {line.b_factor:.0f} Å² is doubtful: {'; '.join(reasons)}. {advice}" if reasons else ""
