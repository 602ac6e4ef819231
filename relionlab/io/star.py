"""Reading and writing STAR files, the tables in which RELION keeps its metadata.

Every dialect is read (see :mod:`relionlab.io.star_text`); the one of RELION 3.1 is written.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

import numpy as np

from relionlab.errors import StarError
from relionlab.io.atomic import atomic_write
from relionlab.io.compression import read_bytes
from relionlab.io.star_text import parse
from relionlab.io.table import Table, join_names

_log = logging.getLogger(__name__)
_ROWS_AT_ONCE = 20_000


def read_star(path: str | os.PathLike[str]) -> dict[str, Table]:
    """Return the tables of a STAR file by name, in their order; .gz, .bz2 and .zst are read too.

    The name is that of the block without "data_", "" for an unnamed one. Where a name occurs again (unnamed blocks,
    several loops in one block) the key gets a number: "", "#2", "#3" …; the table's own ``name`` stays as it is.
    RELION 3.1's one-line ``coords_suffix_*.star`` files, which hold a path and no table, give no tables and a note.

    Raises StarError, naming file and line, if the file does not exist or is not a STAR file.
    """
    source = Path(path)
    text = read_bytes(source, StarError).decode("utf-8", errors="surrogateescape")
    if "\0" in text[:4096]:
        raise StarError(f"{source} holds binary data; expected a STAR file, which is text.")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if len(text.split(None, 2)) == 1 and not text.lstrip().startswith("data_"):
        _log.info("%s holds no table but one line: %s", source, text.strip())
        return {}
    tables: dict[str, Table] = {}
    for table in parse(text, str(source)):
        tables[_free_key(table.name, tables)] = table
    return tables


def read_table(path: str | os.PathLike[str], *names: str) -> Table:
    """Return the first table of a STAR file that has one of the names; without names, its only table.

    Raises StarError, saying which tables there are, if none fits.
    """
    tables = read_star(path)
    for name in names:
        if name in tables:
            return tables[name]
    if not names and len(tables) == 1:
        return next(iter(tables.values()))
    wanted = f"expected {join_names(names)}" if names else "expected one table"
    raise StarError(f"{path} has the tables {join_names(tables)}; {wanted}.")


def write_star(
    path: str | os.PathLike[str],
    tables: Iterable[Table] | Mapping[str, Table],
    comment: Iterable[str] | str = (),
    *,
    version: int | None = 30001,
) -> None:
    """Write tables into one STAR file of RELION 3.1's dialect (write-then-rename).

    tables   in the order of the file; of a mapping its values, under the tables' own names
    comment  lines for the head of the file, without "#"; relion_refine puts its command line there
    version  the number after "# version"; None writes no such line

    Numbers are written in the shortest form that reads back as the identical float64. RELION 3.1 reads "nan" and
    "inf" as 0; they are written all the same, with a warning. A table without rows is left out unless it is the last
    one, as RELION leaves it out: it would take the heading of the next table for a row. Raises StarError if a text cannot be written, because
    it holds a line break or both kinds of quote followed by a blank.
    """
    ordered = list(tables.values() if isinstance(tables, Mapping) else tables)
    heads = [comment] if isinstance(comment, str) else list(comment)
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as out,
    ):
        for line in heads:
            out.write(f"# {' '.join(line.splitlines())}\n")
        for table in _without_empty(ordered, str(path)):
            _write_table(out, table, version, str(path))


def _without_empty(tables: list[Table], path: str) -> list[Table]:
    """Leave out tables without rows, except at the end of the file."""
    kept = [table for table in tables[:-1] if len(table)] + tables[-1:]
    if len(kept) < len(tables):
        _log.debug(
            "%s: %s without rows are left out", path, join_names(table.name for table in tables if not len(table))
        )
    return kept


def _free_key(name: str, taken: Mapping[str, Table]) -> str:
    key, count = name, 1
    while key in taken:
        count += 1
        key = f"{name}#{count}"
    return key


def _write_table(out: TextIO, table: Table, version: int | None, path: str) -> None:
    out.write(f"\n# version {version}\n\ndata_{table.name}\n\n" if version is not None else f"\ndata_{table.name}\n\n")
    if table.loop:
        out.write("loop_ \n")
        out.writelines(f"_{label} #{number} \n" for number, label in enumerate(table.labels, 1))
        form = " ".join(["%12s"] * len(table.labels)) + " \n"
        for start in range(0, len(table), _ROWS_AT_ONCE):
            columns = [_texts(table, label, slice(start, start + _ROWS_AT_ONCE), path) for label in table.labels]
            out.write("".join([form % row for row in zip(*columns, strict=True)]))
    else:
        width = max(map(len, table.labels), default=0) + 4
        out.writelines(
            f"_{label:<{width}} {next(iter(_texts(table, label, slice(None), path)))} \n" for label in table.labels
        )
    out.write(" \n")


def _texts(table: Table, label: str, rows: slice, path: str) -> Iterable[str]:
    """Return values of a column as the file shows them."""
    column = table[label][rows]
    if column.dtype.kind == "f":
        if not np.all(np.isfinite(column)):
            _log.warning("%s: %s holds nan or inf, which RELION reads as 0", path, label)
        return map(repr, column.tolist())
    if column.dtype.kind == "i":
        return map(str, column.tolist())
    texts = column.tolist()
    if _all_plain("\n".join(texts), len(texts)):
        return texts
    return [text if _PLAIN(text) else _quoted(text, label, path) for text in texts]


# What needs no quotes: no blank inside, no quote or # or _ at its start, no name that starts a block.
_PLAIN = re.compile(r"(?!data_|loop_)[^\s\"'#_;][^\s]*\Z").match
_MAYBE_NOT_PLAIN = ('"', "'", "#", ";", "\n_", "data_", "loop_")


def _all_plain(joined: str, count: int) -> bool:
    """Whether none of the texts, joined by line breaks, needs quotes; one look at all of them, for speed."""
    if joined.startswith("_") or any(sign in joined for sign in _MAYBE_NOT_PLAIN):
        return False
    words = joined.split()
    return len(words) == count and "\n".join(words) == joined


def _quoted(text: str, label: str, path: str) -> str:
    """Put quotes around a text; the quote that does not close it too early."""
    if "\n" not in text and "\r" not in text:
        for quote in "\"'":
            if not re.search(rf"{quote}\s", text):
                return f"{quote}{text}{quote}"
    raise StarError(
        f"{path}: the value {text!r} of {label} cannot be written: no line breaks, nor both ' and \" followed by a blank."
    )
