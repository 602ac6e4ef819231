"""What motion correction and CTF estimation came to."""

from __future__ import annotations

import numpy as np

from relionlab.errors import RelionlabError
from relionlab.io.star_columns import read_columns
from relionlab.jobs.ctf.doubts import COARSE
from relionlab.workflows.outcome import Grade, Number, Outcome, Shown
from relionlab.workflows.outcomes.place import Place

FAR = 3.0
"""Median absolute deviations, scaled to standard ones, beyond which a value is far from the others (Leys et al. 2013, J. Exp.
Soc. Psychol. 49, 764)."""
FINE = 6.0
"""Å: rings that fit so far are worth keeping; RELION's single-particle tutorial leaves coarser micrographs out."""
ASTIGMATIC = 1000.0
"""Å between defocus U and V; a well aligned column stays below (RELION asks for 100 Å as tolerated in its form)."""
_MANY = 0.1
"""Share of micrographs beyond which a fault is the session's and not single micrographs'."""


def far_off(values: np.ndarray) -> np.ndarray:
    """Return which values are far above the others: more than FAR scaled median absolute deviations."""
    known = values[np.isfinite(values)]
    if len(known) < 5:
        return np.zeros(len(values), bool)
    middle = np.median(known)
    spread = 1.4826 * np.median(np.abs(known - middle))
    return np.asarray(values > middle + FAR * max(spread, 0.05 * abs(middle)))


def corrected(place: Place) -> Outcome:
    """Judge a MotionCorr job: movies left out, and movies that moved far more than the others."""
    table = read_columns(
        place.file("corrected_micrographs.star"), "rlnMicrographName", "rlnAccumMotionTotal", "rlnAccumMotionEarly"
    )
    count = len(table)
    lost = max(_listed(place, "input_star_mics", "rlnMicrographMovieName") - count, 0)
    numbers = [Number("Micrographs", count), Number("Left out", lost)]
    pictures = [Shown("Motion of all movies", lambda: _motion_totals(place)), Shown("Tracks", lambda: _tracks(place))]
    if not count:
        return Outcome(
            "No micrograph", tuple(numbers), "bad", "No movie could be corrected.", "See the warnings in the log."
        )
    headline = f"{count:,} micrographs"
    if "rlnAccumMotionTotal" not in table:
        return Outcome(headline, tuple(numbers), "good", "All movies were corrected; how far they moved is not told.")
    total = table.numbers("rlnAccumMotionTotal")
    odd = int(far_off(total).sum())
    numbers += [
        Number("Total motion, median", float(np.median(total)), "px"),
        Number("Largest motion", float(total.max()), "px"),
        Number("Outliers", odd),
    ]
    return Outcome(headline, tuple(numbers), *_judged_motion(count, lost, odd), tuple(pictures))


def _judged_motion(count: int, lost: int, odd: int) -> tuple[Grade, str, str]:
    if lost > _MANY * (count + lost):
        return (
            "doubtful",
            f"{lost} of {count + lost} movies were left out.",
            "Mend them (the warnings say why) and continue the job.",
        )
    if odd > _MANY * count:
        return (
            "doubtful",
            f"{odd} of {count} movies moved far more than the others.",
            "Look at their tracks: smooth ones are real motion, jumps are failed alignments (fewer patches, larger B-factor).",
        )
    if lost or odd:
        told = [f"{lost} left out"] * bool(lost) + [f"{odd} moved far more than the others"] * bool(odd)
        return "good", f"Nearly all movies moved alike; {' and '.join(told)}.", "Look at those before you go on."
    return "good", "All movies were corrected, and they moved alike.", ""


def ctf_estimated(place: Place) -> Outcome:
    """Judge a CtfFind job: how far the rings fit, and how many micrographs are worth keeping."""
    table = read_columns(
        place.file("micrographs_ctf.star"),
        *("rlnMicrographName", "rlnDefocusU", "rlnDefocusV", "rlnCtfMaxResolution", "rlnCtfFigureOfMerit"),
    )
    count = len(table)
    if not count:
        return Outcome("No micrograph", (), "bad", "No CTF could be estimated.", "See the warnings in the log.")
    lost = max(_listed(place, "input_star_mics", "rlnMicrographName") - count, 0)
    first, second = table.numbers("rlnDefocusU"), table.numbers("rlnDefocusV")
    limit = table.numbers("rlnCtfMaxResolution", np.nan)
    fine, coarse = float(np.mean(limit <= FINE)), int((limit > COARSE).sum())
    astigmatic = int((np.abs(first - second) > ASTIGMATIC).sum())
    numbers = (
        Number("Micrographs", count),
        Number("Rings fit to, median", float(np.nanmedian(limit)) if np.isfinite(limit).any() else np.nan, "Å"),
        Number(f"Finer than {FINE:g} Å", 100 * fine, "%"),
        Number("Lowest defocus", float(np.min(first + second) / 2e4), "µm"),
        Number("Highest defocus", float(np.max(first + second) / 2e4), "µm"),
        Number("Astigmatism, median", float(np.median(np.abs(first - second))), "Å"),
    )
    headline = f"{count:,} CTFs, median fit {numbers[1]}"
    pictures = (
        Shown("All micrographs", lambda: _ctf("ctf_overview", place)),
        Shown("Thon rings", lambda: _ctf("thon_rings", place)),
        Shown("Profiles", lambda: _ctf("ctf_profiles", place)),
    )
    return Outcome(
        headline, numbers, *_judged_ctf(count, lost, fine=fine, coarse=coarse, astigmatic=astigmatic), pictures
    )


def _judged_ctf(count: int, lost: int, *, fine: float, coarse: int, astigmatic: int) -> tuple[Grade, str, str]:
    keep = f"Keep the good ones: Select by rlnCtfMaxResolution, largest value {FINE:g} Å."
    if coarse > 0.5 * count:
        return (
            "bad",
            f"{coarse} of {count} fits reach no further than {COARSE:g} Å: they may be chance.",
            "Check pixel size, voltage and spherical aberration, and the searched defocus range; a phase plate needs its own tick.",
        )
    if fine < 1 - 2 * _MANY:
        return "doubtful", f"Only {100 * fine:.0f} % of the fits reach {FINE:g} Å.", keep
    if astigmatic > _MANY * count:
        advice = "Correct the stigmation before the next session; the estimates themselves can be used."
        return (
            "doubtful",
            f"{astigmatic} of {count} micrographs have more than {ASTIGMATIC:g} Å of astigmatism.",
            advice,
        )
    if lost:
        return (
            "doubtful",
            f"{lost} micrographs were left out.",
            "See the warnings in the log, mend them and continue the job.",
        )
    if fine < 1:
        return "good", f"{100 * fine:.0f} % of the fits reach {FINE:g} Å or finer.", keep
    return "good", f"All fits reach {FINE:g} Å or finer.", ""


def _listed(place: Place, parameter: str, label: str) -> int:
    """Return how many rows the job's input has, 0 if that cannot be known."""
    source = place.input(place.value(parameter))
    try:
        return 0 if source is None else len(read_columns(source, label))
    except RelionlabError:
        return 0


def _motion_totals(place: Place) -> object:
    from relionlab.display.motion import motion_totals

    return motion_totals(place.path)


def _tracks(place: Place) -> object:
    from relionlab.display.motion import ON_A_SHEET, motion_pictures

    return motion_pictures(place.path, most=ON_A_SHEET)[-1]


def _ctf(name: str, place: Place) -> object:
    from relionlab.display import thon

    return getattr(thon, name)(place.path)
