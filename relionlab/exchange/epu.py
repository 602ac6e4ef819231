"""Optics groups from the names and notes of EPU (Thermo Fisher, formerly FEI) and SerialEM.

EPU calls a movie ``FoilHole_<hole>_Data_<area>_<acquisition>_<date>_<time>…``. ``area`` is one of the places of the
acquisition template around the hole's centre; with aberration-free image shift each has its own beam shift and so its
own beam tilt: one optics group per area. SerialEM's multi-shot names hold the hole as ``X+1Y-1-2``. The beam shift
itself stands in EPU's .xml beside the movie; the rule "epu-beamshift" groups movies by it (:func:`groups_of_shifts`).

Sources: EPU's file names and MicroscopeImage XML as they occur in EMPIAR depositions; SerialEM manual, multiple records.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from relionlab.errors import InputError
from relionlab.io.job_names import without_job

_EPU = re.compile(r"FoilHole_(?P<hole>\d+)_Data_(?P<area>\d+)_(?P<acquisition>\d+)_(?P<date>\d{8})_(?P<time>\d+)")
_SERIALEM = re.compile(r"X(?P<x>[+-]\d+)Y(?P<y>[+-]\d+)-(?P<shot>\d+)")
RULES = ("epu", "epu-hole", "epu-date", "serialem", "serialem-shot")
"""What in its name a movie can be grouped by, besides a regular expression."""
BY_SHIFT = "epu-beamshift"
"""The rule that looks into EPU's .xml files."""


def group_of_name(name: str, rule: str) -> str:
    """Return the name of a movie's optics group by its file name.

    rule  "epu": place in the acquisition template; "epu-hole": foil hole; "epu-date": day; "serialem": hole of the
          multi-shot pattern; "serialem-shot": hole and shot; else a regular expression, whose groups are joined by "_"
    Raises InputError if the name does not follow the rule.
    """
    base = PurePosixPath(name).name
    if rule in RULES:
        pattern = _EPU if rule.startswith("epu") else _SERIALEM
        found = pattern.search(base)
        if not found:
            example = "FoilHole_1_Data_2_3_20200101_0001" if rule.startswith("epu") else "name_X+1Y-1-2"
            raise InputError(f"{base} does not follow the names of {rule} (as {example}): choose another rule.")
        parts = {
            "epu": f"area{found.groupdict().get('area')}",
            "epu-hole": f"hole{found.groupdict().get('hole')}",
            "epu-date": f"date{found.groupdict().get('date')}",
            "serialem": f"X{found.groupdict().get('x')}Y{found.groupdict().get('y')}",
            "serialem-shot": f"X{found.groupdict().get('x')}Y{found.groupdict().get('y')}-{found.groupdict().get('shot')}",
        }
        return parts[rule]
    try:
        pattern = re.compile(rule)
    except re.error as error:
        raise InputError(
            f"the rule {rule!r} is neither one of {', '.join((*RULES, BY_SHIFT))} nor a regular expression: {error}."
        ) from None
    found = pattern.search(base)
    if not found:
        raise InputError(f"{base} does not match {rule!r}, so its optics group is not known.")
    return "_".join(part for part in found.groups() if part) if found.groups() else found.group(0)


def read_beam_shift(path: str | os.PathLike[str]) -> tuple[float, float]:
    """Return the beam shift, x and y in EPU's units, of a movie's .xml file; InputError if it has none."""
    place = Path(path)
    try:
        root = ET.parse(place).getroot()
    except (OSError, ET.ParseError) as error:
        raise InputError(f"{place} is no XML file of EPU: {error}.") from None
    for element in root.iter():
        if _local(element.tag) == "BeamShift":
            values = {_local(child.tag): child.text for child in element}
            try:
                return float(values.get("_x") or ""), float(values.get("_y") or "")
            except ValueError:
                break
    raise InputError(
        f"{place} states no BeamShift with _x and _y: expected the .xml that EPU writes beside each movie."
    )


def groups_of_shifts(shifts: np.ndarray, *, distance: float | None = None) -> np.ndarray:
    """Return the number, from 1, of each movie's group: movies whose beam shifts (N, 2) lie together.

    distance  in the shifts' units: closer ones belong together (single linkage); None: the widest gap between the
              distances of nearest neighbours tells
    Groups are numbered in the order of their first movie.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(shifts) < 2:
        return np.ones(len(shifts), dtype=np.int64)
    tree = linkage(np.asarray(shifts, dtype=np.float64), "single")
    cut = _widest_gap(tree[:, 2]) if distance is None else distance
    labels = fcluster(tree, cut, "distance")
    _, firsts, inverse = np.unique(labels, return_index=True, return_inverse=True)
    place = np.empty(len(firsts), dtype=np.int64)
    place[np.argsort(firsts)] = np.arange(1, len(firsts) + 1)
    return place[inverse]


def group_names(names: Iterable[str], rule: str, *, directory: str | os.PathLike[str] = ".") -> list[str]:
    """Return the optics group's name of each movie; see :func:`group_of_name`.

    rule       also "epu-beamshift": movies whose beam shifts lie together, "shift1", "shift2" … in the order of the movies
    directory  from which the names start; needed for that rule, to find EPU's .xml files (:func:`xml_of`)
    """
    names = list(names)
    if rule != BY_SHIFT:
        return [group_of_name(name, rule) for name in names]
    places = {name: xml_of(name, directory) for name in dict.fromkeys(names)}
    shifts = np.array([read_beam_shift(place) for place in places.values()]).reshape(-1, 2)
    groups = dict(zip(places, groups_of_shifts(shifts).tolist(), strict=True))
    return [f"shift{groups[name]}" for name in names]


def xml_of(name: str, directory: str | os.PathLike[str] = ".") -> Path:
    """Return EPU's .xml file of a movie, or of a micrograph made of it; InputError if there is none.

    It lies beside the movie and is named like it up to the time: ``FoilHole_…_Data_…_20200101_0001.xml`` beside
    ``…_0001_Fractions.tiff`` or ``…_0001_EER.eer``. Of a micrograph the place below its job is that of the movie.
    """
    base = PurePosixPath(name).name
    found = _EPU.search(base)
    stem = base[: found.end()] if found else base.partition(".")[0]
    folders = dict.fromkeys((str(PurePosixPath(name).parent), str(PurePosixPath(without_job(name)).parent)))
    for folder in folders:
        place = Path(directory) / folder / f"{stem}.xml"
        if place.is_file():
            return place
    raise InputError(
        f"{name} has no {stem}.xml in {' or '.join(folders)}: the rule {BY_SHIFT} needs the .xml that EPU writes beside each"
        " movie. Copy it there, or choose another rule."
    )


def _widest_gap(joins: Sequence[float] | np.ndarray) -> float:
    """Return the distance at the widest ratio between successive joins, above which groups stay apart."""
    ordered = np.sort(np.asarray(joins, dtype=np.float64))
    floor = max(ordered[-1] * 1e-6, np.finfo(float).tiny)
    ratios = np.maximum(ordered[1:], floor) / np.maximum(ordered[:-1], floor)
    if not len(ratios) or ratios.max() < 3:  # no gap: one group
        return float(ordered[-1] * 1.01)
    place = int(ratios.argmax())
    return float(np.sqrt(max(ordered[place], floor) * ordered[place + 1]))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
