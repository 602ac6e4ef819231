"""CTFFIND 4's results: the table with one line per micrograph, the profiles beside it, and the log.

    mic.txt             "#" lines, then: number, defocus 1, defocus 2 (Å), azimuth (°), phase shift (radians), score,
                        resolution of the fit (Å)
    mic_avrot.txt       "#" lines, then six rows: frequency, rotational average, average along the rings, CTF², quality
                        of the fit, 2σ of that quality for noise alone
    mic_ctffind4.log    what the program prints; RELION looks in it for "Summary of results" to know that it is done

Written so that RELION 3.1.3 (``relion_run_ctffind --only_make_star``, ``--only_do_unfinished``) takes them. Layout:
Rohou & Grigorieff (2015) J. Struct. Biol. 192, 216, and the files of CTFFIND 4.1.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.errors import InputError
from relionlab.io.atomic import atomic_write

_NUMBER = r"([-+]?[\d.]+(?:[eE][-+]?\d+)?|inf|nan)"
_HEADER = {
    "pixel_size": rf"Pixel size: {_NUMBER}",
    "voltage_kv": rf"acceleration voltage: {_NUMBER}",
    "spherical_aberration_mm": rf"spherical aberration: {_NUMBER}",
    "amplitude_contrast": rf"amplitude contrast: {_NUMBER}",
    "box": rf"Box size: {_NUMBER}",
    "coarsest": rf"min\. res\.: {_NUMBER}",
    "finest": rf"max\. res\.: {_NUMBER}",
    "lowest": rf"min\. def\.: {_NUMBER}",
    "highest": rf"max\. def\.?:? {_NUMBER}",
    "astigmatism": rf"expected astigmatism: {_NUMBER}",
    "first_phase": rf"phase shift from: {_NUMBER}",
    "last_phase": rf"phase shift to: {_NUMBER}",
    "window": rf"window: {_NUMBER}",
}

_OURS = {
    "astigmatism": "expected astigmatism",
    "first_phase": "phase shift from",
    "last_phase": "phase shift to",
    "window": "window",
}
"""What CTFFIND does not put into the head; a result without it is taken all the same."""


@dataclass(frozen=True)
class Estimate:
    """One micrograph's CTF as a program estimated it.

    defocus_u, defocus_v  Å, U the larger; positive is underfocus
    defocus_angle         degrees from x to the direction of U
    phase_shift           degrees
    figure_of_merit       the program's score
    max_resolution        Å to which rings fit
    settings              numbers from the head of the file: pixel_size, voltage_kv, box, coarsest, finest …
    micrograph            what the file calls the micrograph; "" if it does not
    """

    defocus_u: float
    defocus_v: float
    defocus_angle: float
    phase_shift: float
    figure_of_merit: float
    max_resolution: float
    settings: tuple[tuple[str, float], ...] = ()
    micrograph: str = ""


def read_ctffind4(path: str | os.PathLike[str]) -> list[Estimate]:
    """Read the estimates of a CTFFIND 4 table (mic.txt), or the one of a log (mic_ctffind4.log).

    Raises InputError if there is none.
    """
    place = Path(path)
    text = _text(place)
    if "Estimated defocus values" in text:
        return [_from_log(text, place)]
    head = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    found = {name: re.search(pattern, head) for name, pattern in _HEADER.items()}
    settings = tuple((name, float(match[1])) for name, match in found.items() if match)
    named = re.search(r"Input file: (.*?) ;", head)
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not rows:
        raise InputError(f"{place} holds no estimate: expected a line of seven numbers. Estimate the CTF again.")
    return [_from_row(row, place, settings=settings, micrograph=named[1] if named else "") for row in rows]


def read_avrot(path: str | os.PathLike[str]) -> np.ndarray:
    """Return the profiles of mic_avrot.txt: (6, R), the rows as the module says (of the first micrograph)."""
    rows = [line.split() for line in _text(Path(path)).splitlines() if line.strip() and not line.startswith("#")]
    try:
        if len(rows) >= 6:
            return np.array(rows[:6], dtype=np.float64)
    except ValueError:
        pass
    raise InputError(f"{path} has {len(rows)} rows; expected six of equal length, as CTFFIND 4 writes *_avrot.txt.")


def write_ctffind4(
    root: str | os.PathLike[str], estimate: Estimate, profiles: np.ndarray, *, shown: str, program: str, aside: str = ""
) -> None:
    """Write table, profiles and log of one micrograph; the log comes last, it says that all are there.

    root      path without ending: root.txt, root_avrot.txt and root_ctffind4.log are written
    profiles  (6, R) as in mic_avrot.txt
    shown     what RELION shall find root as: relative to the project
    program   name and version of what made the estimate
    aside     further text for the log
    """
    known = dict(estimate.settings)
    head = [
        f"# Output from {program}, in the format of CTFFind version 4.1",
        f"# Input file: {estimate.micrograph} ; Number of micrographs: 1",
        (
            f"# Pixel size: {known['pixel_size']:.6g} Angstroms ; acceleration voltage: {known['voltage_kv']:.6g} keV ; spherical"
            f" aberration: {known['spherical_aberration_mm']:.6g} mm ; amplitude contrast: {known['amplitude_contrast']:.6g}"
        ),
        f"# Box size: {known['box']:.0f} pixels ; min. res.: {known['coarsest']:.6g} Angstroms ; max. res.:"
        f" {known['finest']:.6g} Angstroms ; min. def.: {known['lowest']:.6g} um; max. def. {known['highest']:.6g} um"
        + "".join(f" ; {words}: {known[name]:.6g}" for name, words in _OURS.items() if name in known),
    ]
    table = [
        *head,
        (
            "# Columns: #1 - micrograph number; #2 - defocus 1 [Angstroms]; #3 - defocus 2; #4 - azimuth of astigmatism; #5 -"
            " additional phase shift [radians]; #6 - cross correlation; #7 - spacing (in Angstroms) up to which CTF rings were"
            " fit successfully"
        ),
        (
            f"1.000000 {estimate.defocus_u:.6f} {estimate.defocus_v:.6f} {estimate.defocus_angle:.6f}"
            f" {np.deg2rad(estimate.phase_shift):.6f} {estimate.figure_of_merit:.6f} {estimate.max_resolution:.6f}"
        ),
    ]
    drawn = [
        *head,
        (
            "# 6 lines per micrograph: #1 - spatial frequency (1/Angstroms); #2 - 1D rotational average of spectrum (assuming no"
            " astigmatism); #3 - 1D rotational average of spectrum; #4 - CTF fit; #5 - cross-correlation between spectrum and CTF"
            " fit; #6 - 2sigma of expected cross correlation of noise"
        ),
        *(" ".join(f"{value:.6g}" for value in row) for row in np.nan_to_num(profiles)),
    ]
    log = [
        f"{program} estimated the CTF of {estimate.micrograph}",
        "",
        f"Estimated defocus values        : {estimate.defocus_u:.2f} , {estimate.defocus_v:.2f} Angstroms",
        f"Estimated azimuth of astigmatism: {estimate.defocus_angle:.2f} degrees",
        f"Estimated phase shift           : {estimate.phase_shift:.2f} degrees",
        f"Score                           : {estimate.figure_of_merit:.5f}",
        f"Thon rings with good fit up to  : {estimate.max_resolution:.2f} Angstroms",
        *([aside] if aside else []),
        "",
        f"Summary of results                                : {shown}.txt",
        f"Detailed results, including 1D fit profiles       : {shown}_avrot.txt",
    ]
    for ending, lines in ((".txt", table), ("_avrot.txt", drawn), ("_ctffind4.log", log)):
        with atomic_write(f"{os.fspath(root)}{ending}") as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _from_row(row: list[str], place: Path, *, settings: tuple[tuple[str, float], ...], micrograph: str) -> Estimate:
    try:
        numbers = [float(word) for word in row]
    except ValueError:
        numbers = []
    if len(numbers) < 6 or not np.all(np.isfinite(numbers[1:5])):
        raise InputError(f"{place} has the line {' '.join(row)!r}; expected seven numbers, as CTFFIND 4 writes them.")
    resolution = numbers[6] if len(numbers) > 6 else float("inf")
    return ordered(
        (numbers[1], numbers[2], numbers[3]), phase_shift=float(np.rad2deg(numbers[4])), figure_of_merit=numbers[5],
        max_resolution=resolution, settings=settings, micrograph=micrograph,
    )  # fmt: skip


def _from_log(text: str, place: Path) -> Estimate:
    def value(label: str, default: float | None = None) -> float:
        found = re.search(rf"{label}\s*:\s*{_NUMBER}", text)
        if not found and default is None:
            raise InputError(f"{place} has no line {label!r}; expected the log of CTFFIND 4.")
        return float(found[1]) if found else float(default or 0.0)

    both = re.search(rf"Estimated defocus values\s*:\s*{_NUMBER}\s*,\s*{_NUMBER}", text)
    if not both:
        raise InputError(f"{place} names no two defocus values behind 'Estimated defocus values'.")
    return ordered(
        (float(both[1]), float(both[2]), value("Estimated azimuth of astigmatism")),
        phase_shift=value("Estimated phase shift", 0.0),
        figure_of_merit=value("Score"),
        max_resolution=value("Thon rings with good fit up to", float("inf")),
    )


def ordered(defoci: tuple[float, float, float], **more: object) -> Estimate:
    """Return an estimate whose U is the larger defocus: (first, second, angle of the first) may be given either way."""
    first, second, angle = defoci
    if second > first:
        first, second, angle = second, first, angle + 90
    return Estimate(first, second, (angle + 90) % 180 - 90, **more)  # type: ignore[arg-type]


def _text(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{place} cannot be read ({error.strerror}): expected a result of CTFFIND 4.") from None
