"""One column of a large STAR table, without reading the others: a tenth of the time of the whole table."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from relionlab.errors import StarError
from relionlab.io.compression import read_bytes
from relionlab.io.star import read_star

_LOOP = re.compile(rb"data_(\S*)[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*loop_[^\n]*\n((?:_[^\n]*\n)+)")


def read_whole_numbers(path: str | os.PathLike[str], label: str) -> np.ndarray | None:
    """Return a column of whole numbers, (n,) int64, of the longest loop of a file that has it; ``None`` if none has.

    Raises StarError if the file cannot be read, or the column holds something else.
    """
    raw = read_bytes(Path(path), StarError)
    if b'"' in raw or b"'" in raw or b";" in raw or b"\r" in raw:  # texts with blanks: the careful reader
        return _carefully(path, label)
    found = [(_labels(match.group(2)), match.end()) for start in _blocks(raw) if (match := _LOOP.match(raw, start))]
    columns = [_column(raw, start, labels.index(label.encode())) for labels, start in found if label.encode() in labels]
    if not columns:
        return None
    longest = max(columns, key=len)
    try:
        return np.array(longest, dtype=np.int64)
    except ValueError:
        return _carefully(path, label)


def _blocks(raw: bytes) -> Iterator[int]:
    """Walk over the places where blocks begin."""
    if raw.startswith(b"data_"):
        yield 0
    place = raw.find(b"\ndata_")
    while place >= 0:
        yield place + 1
        place = raw.find(b"\ndata_", place + 1)


def _labels(lines: bytes) -> list[bytes]:
    return [line.split(None, 1)[0].removeprefix(b"_") for line in lines.splitlines()]


def _column(raw: bytes, start: int, place: int) -> list[bytes]:
    """Return the texts of one column of the rows that begin here; an empty line, or another block, ends them."""
    end = re.compile(rb"\n[ \t]*\n|\ndata_").search(raw, start)
    rows = raw[start : end.start() if end else len(raw)].split(b"\n")
    return [
        words[place] for row in rows if len(words := row.split(None, place + 1)) > place and not row.startswith(b"#")
    ]


def _carefully(path: str | os.PathLike[str], label: str) -> np.ndarray | None:
    tables = [table for table in read_star(path).values() if label in table]
    return np.asarray(max(tables, key=len)[label], dtype=np.int64) if tables else None
