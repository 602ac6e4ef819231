"""Gctf's results: micrographs_all_gctf.star, and the log of one micrograph (mic_gctf.log).

In a log the line behind a heading "Defocus_U Defocus_V Angle [Phase_shift] CCC" ends in "Final Values"; degrees and Å.
Zhang (2016) J. Struct. Biol. 193, 1.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from relionlab.errors import InputError
from relionlab.exchange.ctffind4 import Estimate, ordered
from relionlab.io.star import read_star

_LIMIT = re.compile(r"Resolution limit estimated by EPA:?\s*([\d.]+)", re.IGNORECASE)
_VALIDATION = re.compile(r"VALIDATION_SCORE:?\s*([\d.]+)")


def read_gctf(path: str | os.PathLike[str]) -> list[Estimate]:
    """Read the estimates of Gctf's STAR file, or the one of its log.

    Raises InputError if there is none, StarError if a column is missing.
    """
    place = Path(path)
    if place.suffix == ".star":
        return _from_star(place)
    try:
        text = place.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{place} cannot be read ({error.strerror}): expected a log of Gctf.") from None
    return [_from_log(text, place)]


def _from_star(place: Path) -> list[Estimate]:
    tables = [table for table in read_star(place).values() if "rlnDefocusU" in table]
    if not tables:
        raise InputError(f"{place} has no table with rlnDefocusU; expected Gctf's micrographs_all_gctf.star.")
    table = tables[0]
    resolution = next((n for n in ("rlnCtfMaxResolution", "rlnFinalResolution") if n in table), None)
    names = table["rlnMicrographName"].tolist() if "rlnMicrographName" in table else [""] * len(table)

    def column(label: str | None, default: float) -> list[float]:
        return table.numbers(label).tolist() if label and label in table else [default] * len(table)

    rows = zip(
        column("rlnDefocusU", 0.0), column("rlnDefocusV", 0.0), column("rlnDefocusAngle", 0.0),
        column("rlnPhaseShift", 0.0), column("rlnCtfFigureOfMerit", 0.0), column(resolution, float("inf")), names,
        strict=True,
    )  # fmt: skip
    return [
        ordered((u, v, angle), phase_shift=phase, figure_of_merit=merit, max_resolution=limit, micrograph=name)
        for u, v, angle, phase, merit, limit, name in rows
    ]


def _from_log(text: str, place: Path) -> Estimate:
    heading: list[str] = []
    for line in text.splitlines():
        if "Defocus_U" in line:
            heading = line.split()
        if not line.rstrip().endswith("Final Values"):
            continue
        words = line.split()[:-2]
        if len(words) != len(heading) or not {"Defocus_V", "Angle", "CCC"} <= set(heading):
            break
        values = dict(zip(heading, map(float, words), strict=True))
        limit = _LIMIT.findall(text)
        return ordered(
            (values["Defocus_U"], values["Defocus_V"], values["Angle"]),
            phase_shift=values.get("Phase_shift", 0.0),
            figure_of_merit=values["CCC"],
            max_resolution=float(limit[-1]) if limit else float("inf"),
            settings=tuple(("validation", float(score)) for score in _VALIDATION.findall(text)[-1:]),
        )
    raise InputError(f"{place} has no line of Final Values below a heading Defocus_U …: expected a log of Gctf.")
