"""A few columns of a large STAR table, read many times faster than the whole file: for what is looked at while it grows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from relionlab.errors import StarError
from relionlab.io.compression import read_bytes
from relionlab.io.labels import label as describe
from relionlab.io.star import read_star
from relionlab.io.table import Table

_HEAD = re.compile(rb"[ \t\r]*\n((?:[ \t]*(?:_\S+[^\n]*)?\n)+)")
_LABEL = re.compile(rb"(?m)^[ \t]*_(\S+)")
_ENDS = (b"\ndata_", b"\n#", b"\nloop_")


def read_columns(path: str | os.PathLike[str], *labels: str) -> Table:
    """Return these columns, those that are there, of the longest table of a STAR file that has the first one.

    Of 100,000 particles with 30 columns, two columns take a tenth of a second and not four. A file with quoted texts is
    read as a whole. Raises StarError if no table has the first column.
    """
    data = b"\n" + read_bytes(Path(path), StarError)
    data = data.replace(b"\r\n", b"\n") if b"\r" in data[:4096] else data
    found: Table | None = None
    for names, body in _loops(data):
        if labels[0] not in names:
            continue
        table = _columns(body, names, labels)
        if table is None:
            return _by_reading_all(path, labels)
        if found is None or len(table) > len(found):
            found = table
    return found if found is not None else _by_reading_all(path, labels)


def _loops(data: bytes) -> Iterator[tuple[list[str], bytes]]:
    """Yield labels and rows of each loop; found by plain searching, which is ten times as fast as one expression for it all."""
    start = data.find(b"\nloop_")
    while start >= 0:
        head = _HEAD.match(data, start + len(b"\nloop_"))
        if head is None:
            return
        ends = [place for place in (data.find(mark, head.end() - 1) for mark in _ENDS) if place >= 0]
        end = min(ends, default=len(data))
        yield [name.decode() for name in _LABEL.findall(head[1])], data[head.end() : end]
        start = data.find(b"\nloop_", end)


def _columns(body: bytes, names: list[str], labels: tuple[str, ...]) -> Table | None:
    """Return the columns of a table's rows, ``None`` if the rows are not plain words between blanks."""
    if b'"' in body or b"'" in body or b"\n;" in body:
        return None
    places = {label: names.index(label) for label in labels if label in names}
    last = max(places.values())
    rows = (line.split(None, last + 1) for line in body.split(b"\n"))  # not further than is needed
    words = [row for row in rows if row]
    if any(len(row) <= last for row in words):
        return None  # rows over several lines
    return Table({label: _values([row[place] for row in words], label) for label, place in places.items()})


def _values(words: list[bytes], label: str) -> np.ndarray:
    if describe(label).is_text:
        return np.array([word.decode("utf-8", errors="surrogateescape") for word in words], object)
    try:
        return np.array(words, "S").astype(np.float64) if words else np.zeros(0)
    except ValueError:
        raise StarError(
            f"Column {label} holds something that is no number: the file is damaged, or half written."
        ) from None


def _by_reading_all(path: str | os.PathLike[str], labels: tuple[str, ...]) -> Table:
    tables = [table for table in read_star(path).values() if labels[0] in table]
    if not tables:
        raise StarError(f"{path} has no table with {labels[0]}: expected a list of particles or micrographs.")
    longest = max(tables, key=len)
    return Table({label: longest[label] for label in labels if label in longest})
