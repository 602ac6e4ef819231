"""Particles, micrographs and movies: a table of rows and the optics groups that they belong to.

RELION 3.1 and later keep voltage, spherical aberration, amplitude contrast and pixel size in a table of optics groups
and shifts in Å; 1.x to 3.0 kept them with every particle and shifts in px. The older form is made the newer one as it
is read (:mod:`relionlab.io.upgrade`); what RELION 4 and 5 added is kept.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from relionlab.errors import StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table, join_names
from relionlab.io.upgrade import upgrade

_log = logging.getLogger(__name__)
Kind = Literal["particles", "micrographs", "movies"]

# Kind of table -> names of its block in the order of preference, the label that tells it, its pixel size in the optics
_BLOCKS: dict[str, tuple[str, ...]] = {
    "particles": ("particles", "images", ""),
    "micrographs": ("micrographs", ""),
    "movies": ("movies", "micrographs", ""),
}
_TELLING = {"particles": "rlnImageName", "micrographs": "rlnMicrographName", "movies": "rlnMicrographMovieName"}
_PIXEL_SIZES = {
    "particles": ("rlnImagePixelSize",),
    "micrographs": ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"),
    "movies": ("rlnMicrographOriginalPixelSize",),
}


@dataclass(frozen=True)
class Particles:
    """Rows and their optics groups; of micrographs or movies too, as ``kind`` says.

    optics     one row per optics group
    particles  one row per particle (micrograph, movie), with ``rlnOpticsGroup``
    kind       "particles", "micrographs" or "movies"
    others     further tables of the file (RELION 5 keeps a table "general"), written back as they are

    Raises StarError if a row's optics group is not among the groups.
    """

    optics: Table
    particles: Table
    kind: Kind = "particles"
    others: tuple[Table, ...] = ()

    def __post_init__(self) -> None:
        """Check that each row's group exists."""
        groups = self.optics["rlnOpticsGroup"]
        if len(np.unique(groups)) != len(groups):
            raise StarError(
                f"{self._source()}: table 'optics' gives a group number twice: {groups.tolist()}. Number them anew."
            )
        unknown = np.setdiff1d(self.particles["rlnOpticsGroup"], groups)
        if unknown.size:
            raise StarError(
                f"{self._source()}: {self.kind} belong to optics group {unknown[0]}, but table 'optics' has only "
                f"{', '.join(map(str, groups))}. Add a row for it, or correct rlnOpticsGroup."
            )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.particles)

    @cached_property
    def group_rows(self) -> np.ndarray:
        """For each row of ``particles`` the row of ``optics`` it belongs to, from 0."""
        groups = self.optics["rlnOpticsGroup"]
        order = np.argsort(groups)
        return order[np.searchsorted(groups[order], self.particles["rlnOpticsGroup"])]

    def column(self, label: str) -> np.ndarray:
        """Return one value per row, from the rows themselves or from their optics groups."""
        if label in self.particles or label not in self.optics:
            return self.particles[label]
        return self.optics[label][self.group_rows]

    def __contains__(self, label: object) -> bool:
        """Whether rows or optics groups have a column of this label."""
        return label in self.particles or label in self.optics

    @property
    def pixel_size(self) -> float:
        """Pixel size in Å; StarError if it is not given or differs between optics groups that have rows."""
        sizes = np.unique(self.pixel_sizes[np.unique(self.group_rows)] if len(self) else self.pixel_sizes)
        if len(sizes) != 1:
            raise StarError(
                f"{self._source()}: optics groups have different pixel sizes ({', '.join(map(str, sizes))} Å); expected one. "
                "Rescale the images to one pixel size, or select one group."
            )
        return float(sizes[0])

    @property
    def pixel_sizes(self) -> np.ndarray:
        """Pixel size of each optics group in Å."""
        for label in _PIXEL_SIZES[self.kind]:
            if label in self.optics:
                return self.optics[label]
        raise StarError(
            f"{self._source()}: no pixel size is given; expected {' or '.join(_PIXEL_SIZES[self.kind])} in table 'optics' "
            "(or rlnDetectorPixelSize and rlnMagnification in old files). Import the data again and state it."
        )

    @property
    def row_pixel_sizes(self) -> np.ndarray:
        """Pixel size of each row in Å."""
        return self.pixel_sizes[self.group_rows]

    def rows(self, chosen: Any) -> Particles:
        """Return the chosen rows (mask, indices or slice) with all optics groups."""
        return replace(self, particles=self.particles.rows(chosen))

    def with_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> Particles:
        """Return the same rows with columns added or replaced."""
        return replace(self, particles=self.particles.with_columns(columns, **more))

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables as they are written."""
        return (*self.others, self.optics.renamed("optics"), self.particles)

    def _source(self) -> str:
        return self.particles.source or f"The {self.kind}"


def read_particles(
    path: str | os.PathLike[str], *, kind: Kind = "particles", directory: str | os.PathLike[str] = "."
) -> Particles:
    """Read particles (micrographs, movies) of any dialect; files without optics groups get them, and a note is logged.

    directory  folder to which the image names are relative, the project folder; old files do not state the box size,
               so the first image of each group is looked at, where it is found there

    Raises StarError if the file has no such table.
    """
    tables = read_star(path)
    key = _main_key(tables, kind, path)
    optics = next((table for name, table in tables.items() if name == "optics"), None)
    rows = tables[key]
    if optics is None:
        optics, rows = upgrade(rows, kind=kind, directory=directory)
        _log.warning(
            "%s is of RELION 3.0 or older: made %d optics group(s) from its columns; shifts are in Å now",
            path,
            len(optics),
        )
    if "rlnOpticsGroup" not in rows:
        if len(optics) != 1:
            raise StarError(
                f"{path}: table '{rows.name}' has no column rlnOpticsGroup, but there are {len(optics)} groups."
            )
        rows = rows.with_columns(rlnOpticsGroup=int(optics["rlnOpticsGroup"][0]))
    others = tuple(table for name, table in tables.items() if name not in (key, "optics"))
    return Particles(optics, rows, kind, others)


def write_particles(path: str | os.PathLike[str], particles: Particles, comment: Iterable[str] | str = ()) -> None:
    """Write particles (micrographs, movies) in RELION 3.1's dialect; the table is called as ``particles.kind`` says."""
    main = particles.particles.renamed(particles.kind)
    write_star(path, [*particles.tables[:-1], main], comment)


def _main_key(tables: Mapping[str, Table], kind: Kind, path: str | os.PathLike[str]) -> str:
    """Return the key of the table that holds the rows."""
    telling = _TELLING[kind]
    named = [name for name in _BLOCKS[kind] if name in tables and telling in tables[name]]
    anywhere = [name for name, table in tables.items() if table.loop and telling in table and name != "optics"]
    named_only = [
        name for name in _BLOCKS[kind][:1] if name in tables and tables[name].loop
    ]  # coordinates without images
    found = named or anywhere or named_only
    if found:
        return found[0]
    raise StarError(f"{path} has the tables {join_names(tables)}, none of them with {telling}; expected {kind}.")
