"""The program ``optics_groups``: assign optics groups anew, at any step, from a list or from file names."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, ClassVar

import numpy as np

from relionlab.errors import InputError, StarError
from relionlab.io.image_names import parse_image_name
from relionlab.io.labels import label as describe
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.star.list_file import StarList, read_list
from relionlab.params import Parameter

_NAMES = ("rlnMicrographMovieName", "rlnMicrographName", "rlnImageName")


class OpticsGroups(Program):
    """Assign optics groups to movies, micrographs or particles, whatever group they had.

    Each new group takes the optics (voltage, pixel size, aberrations …) of the group that its members had.
    """

    name: ClassVar[str] = "optics_groups"
    title: ClassVar[str] = "Optics groups"

    i: Annotated[
        str,
        Parameter(
            label="Input",
            help="Movies, micrographs or particles.",
            tab="I/O",
            flag="--i",
            required=True,
            pattern="*.star",
        ),
    ] = ""
    o: Annotated[str, Parameter(label="Output", help="STAR file to write.", tab="I/O", flag="--o", required=True)] = ""
    groups: Annotated[
        str,
        Parameter(
            label="List of groups",
            help="STAR file of two columns: a movie's (or micrograph's) name, and its group's name or number. Folders and endings"
            " need not agree.",
            tab="I/O",
            flag="--groups",
            pattern="*.star",
        ),
    ] = ""
    rule: Annotated[
        str,
        Parameter(
            label="Rule for names",
            help="Instead of a list: epu (place in EPU's template), epu-hole, epu-date, serialem, serialem-shot, or a regular"
            " expression whose groups are the name; epu-beamshift: by the beam shift in EPU's .xml beside each movie.",
            tab="I/O",
            flag="--rule",
        ),
    ] = ""
    prefix: Annotated[
        str, Parameter(label="Prefix", help="Put before the groups' names.", tab="I/O", flag="--prefix")
    ] = ""

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if bool(self.groups) == bool(self.rule):
            found.append("Give either a list (--groups) or a rule for file names (--rule).")
        return found

    def run(self, context: Context) -> None:
        """Read, assign, write."""
        from relionlab.exchange.epu import group_names

        self.check()
        data = read_list(context.path(self.i))
        names = names_of_rows(data)
        if self.groups:
            chosen = listed_groups(context.path(self.groups), names)
        else:
            chosen = group_names(names, self.rule, directory=context.directory)
        made = assign_optics_groups(data, [self.prefix + group for group in chosen])
        made.write(context.path(self.o))
        if made.optics is not None:
            counts = np.unique(made.rows["rlnOpticsGroup"], return_counts=True)[1]
            for name, count in zip(made.optics["rlnOpticsGroupName"].tolist(), counts.tolist(), strict=True):
                context.say(f" {name}: {count} {made.rows.name or 'rows'}")
        context.say(f" Written: {self.o}")


def names_of_rows(data: StarList) -> list[str]:
    """Return the movie or micrograph of each row; StarError if there is no such column."""
    for label in _NAMES:
        if label in data.rows:
            return [parse_image_name(str(name))[1] for name in data.rows[label].tolist()]
    raise StarError(f"{data.source} has none of the columns {', '.join(_NAMES)}: its rows belong to no movie.")


def listed_groups(path: str | os.PathLike[str], names: Sequence[str]) -> list[str]:
    """Return the group of each movie from a two-column STAR file.

    Names are compared without folder and ending; a listed name may also be the beginning of a micrograph's, followed by
    "_", "-" or "." (programs add "_aligned", "_DW" …). Raises StarError for movies that are not listed.
    """
    known = _read_pairs(path)
    found: dict[str, str] = {}
    missing = []
    for name in dict.fromkeys(names):
        stem = _stem(name)
        group = known.get(stem)
        if group is None:
            begins = [other for other in known if stem.startswith(other) and stem[len(other)] in "_-."]
            group = known[max(begins, key=len)] if begins else None
        if group is None:
            missing.append(name)
        else:
            found[name] = group
    if missing:
        raise StarError(
            f"{path} lists no group for {len(missing)} of {len(set(names))} movies, as {missing[0]} (it has {', '.join(list(known)[:3])} …):"
            " add them, or give a rule for the names instead."
        )
    return [found[name] for name in names]


def assign_optics_groups(data: StarList, groups: Sequence[str]) -> StarList:
    """Return the list with new optics groups, named as given, one name per row.

    Groups are numbered in the order of their first row. Rows of one new name that had different optics are told apart by
    the old group's name behind the new one.
    """
    if data.optics is None:
        raise StarError(f"{data.source} has no optics groups yet (RELION 3.0 or older): import it first.")
    optics = data.optics
    numbers = {number: row for row, number in enumerate(optics["rlnOpticsGroup"].tolist())}
    old = np.array([numbers[number] for number in data.rows["rlnOpticsGroup"].tolist()], dtype=np.int64)
    same = _same_optics(optics)
    names = np.array([re.sub(r"\s+", "_", group) for group in groups], dtype=object)
    final = names.copy()
    for name in set(names.tolist()):
        members = names == name
        kinds = sorted(set(same[old[members]].tolist()))
        if len(kinds) > 1:
            for kind in kinds:
                final[members & (same[old] == kind)] = f"{name}_{optics['rlnOpticsGroupName'][kind]}"
    order = list(dict.fromkeys(final.tolist()))
    firsts = [int(np.flatnonzero(final == name)[0]) for name in order]
    made = optics.rows(old[firsts]).with_columns(rlnOpticsGroupName=order, rlnOpticsGroup=np.arange(1, len(order) + 1))
    place = {name: number for number, name in enumerate(order, 1)}
    rows = data.rows.with_columns(rlnOpticsGroup=[place[name] for name in final.tolist()])
    return StarList(rows, made, data.others, data.source)


def _same_optics(optics: Table) -> np.ndarray:
    """Return for each group the first one whose optics are the same but for name and number."""
    rest = optics.without("rlnOpticsGroup", "rlnOpticsGroupName")
    records = [tuple(rest[label][row] for label in rest.labels) for row in range(len(optics))]
    return np.array([records.index(record) for record in records], dtype=np.int64)


def _read_pairs(path: str | os.PathLike[str]) -> dict[str, str]:
    table = next((found for found in read_star(path).values() if len(found.labels) >= 2), None)
    if table is None:
        raise StarError(f"{path} has no table of two columns: expected a movie's name and its optics group.")
    texts = [label for label in table.labels if describe(label).is_text]
    name = next((label for label in _NAMES if label in table), texts[0] if texts else "")
    group = next((label for label in ("rlnOpticsGroupName", "rlnOpticsGroup") if label in table), "")
    group = group or next((label for label in table.labels if label != name), "")
    if not name or not group:
        raise StarError(
            f"{path} has the columns {', '.join(table.labels)}: expected a movie's name and its optics group."
        )
    pairs: dict[str, str] = {}
    for movie, value in zip(table[name].tolist(), table[group].tolist(), strict=True):
        text = f"opticsGroup{value}" if group == "rlnOpticsGroup" else str(value)
        stem = _stem(str(movie))
        if pairs.setdefault(stem, text) != text:
            raise InputError(f"{path} gives {movie} two optics groups, {pairs[stem]} and {text}: correct the list.")
    return pairs


def _stem(name: str) -> str:
    base = PurePosixPath(parse_image_name(name)[1]).name
    for ending in (".gz", ".bz2", ".zst"):
        base = base.removesuffix(ending)
    return (base.rpartition(".")[0] or base).removesuffix("_movie")  # RELION 2: mic001_movie.mrcs of mic001.mrc
