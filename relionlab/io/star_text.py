"""STAR text -> tables: the grammar of RELION's STAR files, of every dialect.

Why a reader of our own: the starfile library casts identifiers such as "01" to numbers, does not keep the text of
strings, and stops at some of RELION 3.1's own job.star files, whose help texts hold tabs and lone quotes.

The rules, as RELION 3.1.3 was seen to apply them: tokens are parted by blanks; a token that starts with a quote goes
on to the same quote followed by a blank or the end of the line; a token that starts with # starts a comment; a loop
ends at an empty line. Beyond RELION we read on after empty lines inside a loop, as other programs write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from relionlab.errors import StarError
from relionlab.io.labels import label as describe
from relionlab.io.table import Table

_SMALL_CHUNK = 1 << 12
_CHUNK = 1 << 20  # characters of a loop that are split at once: bounds the memory taken by single tokens
_TOKEN = re.compile(r"""(?:"(.*?)"|'(.*?)')(?=\s|$)|(\#)|(\S+)""", re.ASCII)
_NOT_PLAIN = re.compile(
    r"""(?:^|(?<=\s))["'#]""", re.ASCII
)  # a token that starts with a quote or #: not a case for str.split
_NO_ROW = re.compile(r"^[ \t\r\f\v]*(?:$|[#_]|data_|loop_)", re.MULTILINE)
_HEADING = re.compile(r"_|data_")
_LABEL = re.compile(r"_rln\w+")
# Job files of RELION 3.1 describe their form in this table; help texts with tabs or lone quotes break its rows.
_RAGGED_TABLES = ("joboptions_full_definition",)


def tokens(line: str) -> list[str]:
    """Split a line into its values; quotes are taken off, a comment is left out.

    Raises ValueError if a quote is not closed.
    """
    if line.isascii() and not _NOT_PLAIN.search(line):
        return line.split()  # otherwise not: it would also split at the blanks of Unicode
    found: list[str] = []
    for match in _TOKEN.finditer(line):
        double, single, comment, bare = match.groups()
        if comment:
            break
        if bare and bare[0] in "\"'":
            raise ValueError(f"the quote {bare[0]} before {bare[1:20]!r} is not closed")
        found.append(bare if bare is not None else (single if double is None else double))
    return found


def parse(text: str, source: str) -> list[Table]:
    """Return the tables of a STAR file in their order; ``source`` is the file's name, for messages."""
    return list(_Parser(text, source).tables())


class _Parser:
    """Walks once through the text; ``position`` is always at the start of a line."""

    def __init__(self, text: str, source: str) -> None:
        self.text, self.source, self.position, self.block = text, source, 0, ""

    def error(self, message: str, position: int) -> StarError:
        line = self.text.count("\n", 0, position) + 1
        return StarError(f"{self.source}, line {line}: {message}")

    def next_line(self) -> str | None:
        """Return the next line that is neither empty nor a comment, without blanks around it, and step behind it."""
        while self.position < len(self.text):
            line = self.peek()
            self.position = self.end_of_line() + 1
            if line and line[0] != "#":
                return line
        return None

    def end_of_line(self) -> int:
        end = self.text.find("\n", self.position)
        return len(self.text) if end < 0 else end

    def peek(self) -> str:
        return self.text[self.position : self.end_of_line()].strip()

    def tables(self) -> Iterator[Table]:
        pairs: dict[str, str] = {}
        empty_block = False
        while True:
            start = self.position
            line = self.next_line()
            word = line.split(None, 1)[0] if line else ""
            if pairs and not word.startswith("_"):
                yield self.pair_table(pairs, start)
                pairs, empty_block = {}, False
            if line is None or word.startswith("data_"):
                if empty_block:
                    yield Table({}, self.block, loop=False, source=self.source)
                if line is None:
                    return
                self.block, empty_block = word[5:], True
            elif word == "loop_":
                yield self.loop_table(line)
                empty_block = False
            elif word.startswith("_"):
                self.add_pair(pairs, line, start)
            else:
                raise self.error(
                    f"found {line[:60]!r}; expected data_NAME, loop_ or a _label. Is it a STAR file?", start
                )

    # --- lists of label/value pairs ---

    def add_pair(self, pairs: dict[str, str], line: str, start: int) -> None:
        label, _, rest = line.partition(" ") if "\t" not in line else re.sub(r"\s+", " ", line, count=1).partition(" ")
        try:
            values = tokens(rest)
        except ValueError as cause:
            raise self.error(f"{cause}.", start) from None
        pairs[label[1:]] = values[0] if len(values) == 1 else " ".join(values)

    def pair_table(self, pairs: dict[str, str], position: int) -> Table:
        columns = {}
        for label, value in pairs.items():
            try:
                columns[label] = _converter(label)([value])
            except ValueError:
                kind = describe(label).type
                raise self.error(
                    f"_{label} above this line is {value!r}; expected a value of type {kind}.", position
                ) from None
        return Table._of(columns, self.block, loop=False, source=self.source)

    # --- loops ---

    def loop_table(self, line: str) -> Table:
        labels = line.split()[1:]
        while self.position < len(self.text):
            ahead = self.peek()
            if ahead and ahead[0] not in "_#":
                break
            if ahead.startswith("_"):
                labels.append(ahead.split(None, 1)[0])
            self.position = self.end_of_line() + 1
        names = [label.removeprefix("_") for label in labels]
        if not names or len(set(names)) != len(names):
            twice = next((name for name in names if names.count(name) > 1), "")
            what = f"two columns of the same label, {twice}: remove one of them" if names else "a loop_ without labels"
            raise self.error(f"found {what}.", self.position)
        rows = _Columns(names, text_only=self.block in _RAGGED_TABLES)
        for start, piece, flat in self.row_pieces(len(names)):
            if flat is None or rows.add(flat) is not None:
                self.add_lines(rows, piece, start)
        return Table._of(rows.arrays(), self.block, loop=True, source=self.source)

    def row_pieces(self, width: int) -> Iterator[tuple[int, str, list[str] | None]]:
        """Cut the body of a loop into pieces of whole lines (start, text, values if plain) and step behind it."""
        size, after_gap = _CHUNK, False
        while self.position < len(self.text):
            start = self.position
            stop = self.text.find("\n", start + size) + 1 or len(self.text)
            piece = self.text[start:stop]
            flat = _plain_rows(piece, width)
            if flat is None and (match := _NO_ROW.search(piece)):
                size = _SMALL_CHUNK  # there may be many such lines: do not look at the same text again and again
                stop = start + match.start()
                if stop == start:
                    line = self.peek()
                    stop = min(self.end_of_line() + 1, len(self.text))
                    if not line or line[0] == "#":
                        self.position, after_gap = stop, True
                        continue
                    if after_gap or not self.is_row(line, width):
                        return
                piece = self.text[start:stop]
            size, after_gap, self.position = min(2 * size, _CHUNK), False, stop
            yield start, piece, flat

    @staticmethod
    def is_row(line: str, width: int) -> bool:
        """Whether a line inside a loop that looks like a header is a row, as "data_01.mrc 1" is."""
        if width == 1 or _LABEL.match(line):
            return False
        try:
            return len(tokens(line)) == width
        except ValueError:
            return False

    def add_lines(self, rows: _Columns, piece: str, start: int) -> None:
        """Add rows one by one: values with quotes, or to find the line that is wrong."""
        flat: list[str] = []
        at: list[int] = []
        for line in piece.split("\n"):
            if line.strip():
                flat += self.row(line, rows, start)
                at.append(start)
            start += len(line) + 1
        wrong = rows.add(flat)
        if wrong is not None:
            row, label = wrong
            value = flat[row * len(rows.names) + rows.names.index(label)]
            raise self.error(f"_{label} is {value!r}; expected a value of type {describe(label).type}.", at[row])

    def row(self, line: str, rows: _Columns, position: int) -> list[str]:
        width = len(rows.names)
        if rows.text_only:
            return _forced_row(line, width)
        try:
            values = tokens(line)
        except ValueError as cause:
            raise self.error(f"{cause}.", position) from None
        if len(values) != width:
            hint = (
                "The file seems to be cut off"
                if self.text.find("\n", position) < 0
                else "Put values that hold blanks in quotes"
            )
            raise self.error(
                f"found {len(values)} values; expected {width}, one for each label of the loop. {hint}.", position
            )
        return values


def _plain_rows(piece: str, width: int) -> list[str] | None:
    """Split a piece of a loop at once, the fast way; None if something in it may be no plain row of ``width`` values."""
    if not piece.isascii() or '"' in piece or "'" in piece or "#" in piece or "loop_" in piece:
        return None
    flat = piece.split()
    if len(flat) != width * (piece.count("\n") + (not piece.endswith("\n"))):
        return None
    return None if any(map(_HEADING.match, flat[::width])) else flat


def _forced_row(line: str, width: int) -> list[str]:
    """Make a damaged row fit: quotes only mean something where they are closed; what is too much goes to the last value."""
    try:
        values = tokens(line)
    except ValueError:
        values = line.split()
    if len(values) > width:
        values = [*values[: width - 1], " ".join(values[width - 1 :])]
    return values + [""] * (width - len(values))


class _Columns:
    """Grows typed columns from pieces of rows."""

    def __init__(self, names: list[str], *, text_only: bool) -> None:
        self.names, self.text_only = names, text_only
        self.converters = [_text if text_only else _converter(name) for name in names]
        self.pieces: list[list[np.ndarray]] = [[] for _ in names]

    def add(self, flat: list[str]) -> tuple[int, str] | None:
        """Add the values of whole rows; return row and label of the first value that does not fit, if any."""
        added = []
        for index, (name, convert) in enumerate(zip(self.names, self.converters, strict=True)):
            values = flat[index :: len(self.names)]
            try:
                added.append(convert(values))
            except ValueError:
                return _first_wrong(values, convert), name
        for pieces, piece in zip(self.pieces, added, strict=True):
            pieces.append(piece)
        return None

    def arrays(self) -> dict[str, np.ndarray]:
        joined = (
            np.concatenate(pieces) if pieces else convert([])
            for pieces, convert in zip(self.pieces, self.converters, strict=True)
        )
        return dict(zip(self.names, joined, strict=True))


def _first_wrong(values: list[str], convert: Callable[[list[str]], np.ndarray]) -> int:
    for row, value in enumerate(values):
        try:
            convert([value])
        except ValueError:
            return row
    return 0


def _converter(name: str) -> Callable[[list[str]], np.ndarray]:
    described = describe(name)
    if described.is_text:
        return _text
    return _floats if described.type == "float" else _whole


def _text(values: list[str]) -> np.ndarray:
    once: dict[str, str] = {}  # a micrograph's name is held once, not once per particle
    array = np.empty(len(values), dtype=object)
    array[:] = list(map(once.setdefault, values, values))
    return array


def _floats(values: list[str]) -> np.ndarray:
    return np.fromiter(map(float, values), dtype=np.float64, count=len(values))


def _whole(values: list[str]) -> np.ndarray:
    try:
        return np.fromiter(map(int, values), dtype=np.int64, count=len(values))
    except ValueError:  # other programs write 2.0 or 2.000000
        numbers = _floats(values)
    if not np.array_equal(numbers, np.rint(numbers)):
        raise ValueError("not whole")
    return numbers.astype(np.int64)
