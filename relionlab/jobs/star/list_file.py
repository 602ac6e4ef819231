"""A STAR list with its optics: what star_handler, Select and Import's checks work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from relionlab.errors import StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table

MAIN_TABLES = ("particles", "micrographs", "movies", "images")
"""The tables that optics groups belong to, in the order in which RELION looks for them."""


@dataclass(frozen=True)
class StarList:
    """A list of particles, micrographs or movies.

    rows    the list itself; its name is that of the table
    optics  the optics groups; ``None`` for files without (coordinates, and RELION up to 3.0)
    others  further tables of the file, written back as they are
    source  where it came from, for messages
    """

    rows: Table
    optics: Table | None = None
    others: Mapping[str, Table] = field(default_factory=dict)
    source: str = ""

    def with_rows(self, rows: Table) -> StarList:
        """Return the same list with other rows."""
        return replace(self, rows=rows)

    def write(self, path: Path) -> None:
        """Write the optics, the list and the other tables."""
        optics = [self.optics] if self.optics is not None else []
        write_star(path, [*optics, self.rows, *self.others.values()])

    def per_row(self, label: str) -> np.ndarray:
        """Return an optics column spread over the rows, as the pixel size of each particle."""
        if self.optics is None:
            raise StarError(f"{self.source} has no optics groups, so {label} is not known. Import it first.")
        groups = {group: row for row, group in enumerate(self.optics["rlnOpticsGroup"].tolist())}
        try:
            return self.optics[label][[groups[group] for group in self.rows["rlnOpticsGroup"].tolist()]]
        except KeyError as missing:
            raise StarError(
                f"{self.source}: rows name optics group {missing}, which the table 'optics' lacks."
            ) from None


def read_list(path: Path, *, table: str = "", ignore_optics: bool = False) -> StarList:
    """Read a STAR list; raises StarError where the file has no table of this name, or none at all.

    Particle files of RELION up to 3.0, which have no optics groups, are upgraded.
    """
    tables = read_star(path)
    if not tables:
        raise StarError(f"{path} holds no table.")
    name = table or next((known for known in MAIN_TABLES if known in tables), "")
    if not name:
        name = next((known for known in tables if known != "optics"), "")
    if name not in tables:
        raise StarError(f"{path} has no table data_{name}; it has {', '.join('data_' + known for known in tables)}.")
    rows = tables[name]
    if ignore_optics:
        return StarList(rows, source=str(path))
    if "optics" not in tables and "rlnImageName" in rows and name in ("", "images", "particles"):
        from relionlab.io.particles import read_particles

        upgraded = read_particles(path)
        return StarList(upgraded.particles, upgraded.optics, source=str(path))
    others = {key: value for key, value in tables.items() if key not in (name, "optics")}
    return StarList(rows, tables.get("optics"), others, str(path))
