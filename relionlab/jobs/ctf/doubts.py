"""Which estimated CTFs may be chance, or lie at the end of what was searched: said once for all micrographs of a run."""

from __future__ import annotations

from collections.abc import Sequence

from relionlab.engine.ctffit.spectrum import PIXEL_SIZE
from relionlab.exchange.ctffind4 import Estimate

COARSE = 10.0
"""Resolution in Å to which rings have to fit; sound micrographs reach 3 to 6 Å."""
_CHANCE = 7.7
"""Figure of merit below which a fit may be chance, times the pixels from the centre to the maximum resolution: a correlation
over N pixels is a few 1/√N by chance. Fits to 90 images of noise (boxes of 128 to 1024 px, 3.5 to 10 Å) reached 6.3 at most
and 3.5 on average; sound micrographs have figures of merit of 0.1 to 0.3 in boxes of 512 px, where the limit is 0.05."""
_MOST = 0.2
_MERIT, _LIMIT = "rlnCtfFigureOfMerit", "rlnCtfMaxResolution"
_DEGREES = 5.0
_SHOWN = 5


def doubts(names: Sequence[str], found: Sequence[Estimate], *, step: float, phase_is_free: bool) -> list[str]:
    """Return warnings in words, none if there is nothing to doubt.

    names, found  of the micrographs
    step          of the defocus search in Å: so near to its ends a defocus is said to lie at them
    """
    said = []
    faint = [limit_of_chance(one) for one in found]
    chance = [
        one.figure_of_merit < least or one.max_resolution > COARSE for one, least in zip(found, faint, strict=True)
    ]
    if any(chance):
        said.append(
            f"warning: {sum(chance)} of {len(found)} CTFs may be chance: their figure of merit is below {min(faint):.2g} or their"
            f" rings fit no further than {COARSE:g} Å, as in noise: {_listed(names, chance)}. Look at them and leave such"
            f" micrographs out: Select by value, or star_handler --select {_MERIT} --minval {min(faint):.2g} and {_LIMIT} --maxval"
            f" {COARSE:g}{'' if phase_is_free else '; if a phase plate was used, add --do_phaseshift'}."
        )
    ends = [not doubtful and _at_an_end(one, step) for one, doubtful in zip(found, chance, strict=True)]
    if any(ends):
        said.append(
            f"warning: {sum(ends)} of {len(found)} defoci lie at an end of the searched range: {_listed(names, ends)}. The true"
            " ones may lie beyond it: widen the range (--dFMin, --dFMax) and redo these."
        )
    turned = [
        phase_is_free and not doubtful and _phase_at_an_end(one) for one, doubtful in zip(found, chance, strict=True)
    ]
    if any(turned):
        said.append(
            f"warning: {sum(turned)} of {len(found)} phase shifts lie within {_DEGREES:g}° of an end of the searched range:"
            f" {_listed(names, turned)}. Rings tell no phase shift from one 180° further, but the contrast turns over: 177° may be"
            " -3°. Move the range (--phase_min, --phase_max) so that the expected phase shift lies well inside."
        )
    return said


def limit_of_chance(estimate: Estimate) -> float:
    """Return the figure of merit that a fit to noise hardly reaches, for the box and resolution of this one."""
    known = dict(estimate.settings)
    reach = known.get("box", 512.0) * max(known.get("pixel_size", PIXEL_SIZE), PIXEL_SIZE) / known.get("finest", 5.0)
    return min(_CHANCE / max(reach, 1.0), _MOST)


def _at_an_end(estimate: Estimate, step: float) -> bool:
    known = dict(estimate.settings)
    defocus = 0.5 * (estimate.defocus_u + estimate.defocus_v)
    return defocus < known.get("lowest", 0.0) + step / 2 or defocus > known.get("highest", float("inf")) - step / 2


def _phase_at_an_end(estimate: Estimate) -> bool:
    known = dict(estimate.settings)
    first, last = known.get("first_phase", -float("inf")), known.get("last_phase", float("inf"))
    return not first + _DEGREES <= estimate.phase_shift <= last - _DEGREES


def _listed(names: Sequence[str], chosen: Sequence[bool]) -> str:
    meant = [name for name, is_meant in zip(names, chosen, strict=True) if is_meant]
    return ", ".join(meant[:_SHOWN]) + (" …" if len(meant) > _SHOWN else "")
