"""Lists that are asked for again and again by pages of a project: read once, and again only when the file has changed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from relionlab.errors import NodeError, StarError
from relionlab.io.particles import Particles, read_particles
from relionlab.io.star import read_star
from relionlab.io.table import Table


def particle_list(star: str | Path) -> Particles:
    """Return a list of particles; read again only when the file has changed."""
    return _read_particles(*_stamp(star))


def rows_of(star: str | Path) -> Table:
    """Return the longest loop of any list, of micrographs as of particles; read again only when the file has changed."""
    return _read_rows(*_stamp(star))


def _stamp(star: str | Path) -> tuple[Path, int, int]:
    place = Path(star).absolute()
    if not place.exists():
        raise NodeError(f"{place} does not exist: expected a STAR file.")
    state = place.stat()
    return place, state.st_mtime_ns, state.st_size


@lru_cache(maxsize=4)
def _read_particles(place: Path, _time: int, _size: int) -> Particles:
    return read_particles(place)


@lru_cache(maxsize=8)
def _read_rows(place: Path, _time: int, _size: int) -> Table:
    tables = [table for table in read_star(place).values() if table.loop and table.name != "optics"]
    if not tables:
        raise StarError(f"{place} holds no table.")
    return max(tables, key=len)
