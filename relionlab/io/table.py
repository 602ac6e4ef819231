"""A Table: rows with labelled, typed, unit-bearing columns; what a STAR block holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relionlab.errors import StarError
from relionlab.io.labels import label as describe

if TYPE_CHECKING:
    import pandas as pd


class Table:
    """An immutable table with typed columns.

    columns  label (without underscore) -> values, all of the same length; a single value stands for every row.
             Text labels become object arrays of str, whole-number and yes/no labels int64, others float64; the type
             comes from :mod:`relionlab.io.labels`. Columns with unknown labels are kept as text; see :meth:`numbers`.
    name     name of the STAR block without "data_"; "" for an unnamed one
    loop     False for a list of label/value pairs (one value per label)
    source   the file that the table came from, for messages

    ``table["rlnDefocusU"]`` is a read-only array; ``len(table)`` the number of rows; ``"rlnDefocusU" in table``.
    """

    __slots__ = ("_columns", "loop", "name", "source")
    _columns: dict[str, np.ndarray]
    loop: bool
    name: str
    source: str
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, columns: Mapping[str, Any], name: str = "", *, loop: bool = True, source: str = "") -> None:
        """See the class; raises StarError if a value does not fit its label or the lengths differ."""
        self._fill(_columns(columns, f"Table '{name}'" if name else "The table"), name, loop=loop, source=source)
        if not loop and len(self) != 1 and columns:
            raise StarError(f"Table '{name}' is a list of label/value pairs but got {len(self)} rows; expected one.")

    def _fill(self, columns: dict[str, np.ndarray], name: str, *, loop: bool, source: str) -> None:
        for column in columns.values():
            column.setflags(write=False)
        for attribute, value in (("_columns", columns), ("name", name), ("loop", loop), ("source", source)):
            object.__setattr__(self, attribute, value)

    @classmethod
    def _of(cls, columns: dict[str, np.ndarray], name: str, *, loop: bool, source: str) -> Table:
        """Make a table from arrays that already have their types."""
        table = cls.__new__(cls)
        table._fill(columns, name, loop=loop, source=source)
        return table

    def __setattr__(self, attribute: str, value: object) -> None:
        """Refuse: a table does not change."""
        raise AttributeError(
            f"A Table does not change: make a new one with with_columns() instead of setting {attribute}."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process."""
        return _rebuild, (self._columns, {"name": self.name, "loop": self.loop, "source": self.source})

    # --- what is in it ---

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of the file, without underscore."""
        return tuple(self._columns)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def __contains__(self, label: object) -> bool:
        """Whether there is a column of this label."""
        return label in self._columns

    def __iter__(self) -> Iterator[str]:
        """Walk over the labels."""
        return iter(self._columns)

    def __getitem__(self, label: str) -> np.ndarray:
        """Return one column, read-only; StarError names what is there if it is missing."""
        try:
            return self._columns[label]
        except KeyError:
            raise StarError(self._missing(label)) from None

    def get(self, label: str, default: Any = None) -> Any:
        """Return one column, or ``default`` if there is none."""
        return self._columns.get(label, default)

    def value(self, label: str) -> Any:
        """Return the only value of a column as a Python str, int or float.

        Raises StarError if there is no such column or not exactly one row.
        """
        column = self[label]
        if len(column) != 1:
            raise StarError(f"{self._where()} has {len(column)} rows of {label}; expected one value.")
        item = column[0]
        return item.item() if isinstance(item, np.generic) else item

    def numbers(self, label: str, default: float | None = None) -> np.ndarray:
        """Return one column as float64, also if its label is unknown and it is therefore kept as text.

        default  what each row has where there is no such column; None: StarError
        """
        if default is not None and label not in self:
            return np.full(len(self), float(default))
        column = self[label]
        try:
            return np.asarray(column, dtype=np.float64)
        except ValueError as cause:
            raise StarError(f"{self._where()}, column {label}: {cause}; expected numbers.") from None

    def unit(self, label: str) -> str:
        """Return the unit of a column: "Å", "°", "px", "kV", "mm", … or "" if it has none or is unknown."""
        self[label]
        return describe(label).unit

    # --- other tables from this one ---

    def with_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> Table:
        """Return a table with columns added at the end, or replaced where they are; one value stands for all rows."""
        changed = _columns({**(columns or {}), **more}, self._where(), rows=len(self) if self._columns else None)
        return Table._of({**self._columns, **changed}, self.name, loop=self.loop, source=self.source)

    def without(self, *labels: str) -> Table:
        """Return a table without these columns; those that are not there are passed over."""
        kept = {label: column for label, column in self._columns.items() if label not in labels}
        return Table._of(kept, self.name, loop=self.loop, source=self.source)

    def only(self, *labels: str) -> Table:
        """Return a table of these columns, in this order."""
        return Table._of({label: self[label] for label in labels}, self.name, loop=self.loop, source=self.source)

    def rows(self, chosen: np.ndarray | Sequence[int] | slice) -> Table:
        """Return a table of the chosen rows: a boolean mask, indices from 0 (in any order), or a slice."""
        index = chosen if isinstance(chosen, slice) else np.asarray(chosen)
        if isinstance(index, np.ndarray) and index.size == 0 and index.dtype != bool:
            index = index.astype(np.intp)
        kept = {label: column[index] for label, column in self._columns.items()}
        return Table._of(kept, self.name, loop=self.loop, source=self.source)

    def renamed(self, name: str) -> Table:
        """Return the same table under another name."""
        return Table._of(dict(self._columns), name, loop=self.loop, source=self.source)

    @staticmethod
    def concatenate(tables: Sequence[Table]) -> Table:
        """Put tables below each other; all must have the same columns, whose order is taken from the first."""
        first = tables[0]
        for other in tables[1:]:
            if set(other.labels) != set(first.labels):
                missing = ", ".join(sorted(set(other.labels) ^ set(first.labels)))
                raise StarError(
                    f"{first._where()} and {other._where()} cannot be joined: only one of them has {missing}. "
                    "Remove these columns, or add them to the other."
                )
        joined = {label: np.concatenate([table[label] for table in tables]) for label in first.labels}
        return Table._of(joined, first.name, loop=first.loop, source=first.source)

    def frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame; its name is kept in ``attrs["name"]``."""
        import pandas as pd

        frame = pd.DataFrame({label: column.copy() for label, column in self._columns.items()})
        frame.attrs["name"] = self.name
        return frame

    # --- comparison and messages ---

    def __eq__(self, other: object) -> bool:
        """Whether name, labels, their order and all values agree (NaN equals NaN)."""
        if not isinstance(other, Table):
            return NotImplemented
        same = self.name == other.name and self.loop == other.loop and self.labels == other.labels
        return same and all(_same(self[label], other[label]) for label in self.labels)

    def __repr__(self) -> str:
        """Return a line that says what the table holds."""
        return f"<Table '{self.name}': {len(self)} rows of {', '.join(self.labels) or 'no columns'}>"

    def _where(self) -> str:
        table = f"table '{self.name}'" if self.name else "the table"
        return f"{self.source}, {table}" if self.source else table[0].upper() + table[1:]

    def _missing(self, label: str) -> str:
        there = ", ".join(self.labels) or "no columns at all"
        return f"{self._where()} has no column {label}. It has: {there}."


def _rebuild(columns: dict[str, np.ndarray], about: dict[str, Any]) -> Table:
    return Table._of(columns, **about)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


def _columns(given: Mapping[str, Any], where: str, *, rows: int | None = None) -> dict[str, np.ndarray]:
    """Give each column its type, and all the same length."""
    arrays = {
        label.removeprefix("_"): typed_column(label.removeprefix("_"), values, where) for label, values in given.items()
    }
    lengths = {array.shape[0] for array in arrays.values() if array.ndim} | ({rows} if rows is not None else set())
    if len(lengths) > 1:
        counts = ", ".join(f"{label} {array.shape[0]}" for label, array in arrays.items() if array.ndim)
        raise StarError(
            f"{where}: columns must be of the same length; got {counts}"
            + (f" for {rows} rows." if rows is not None else ".")
        )
    length = lengths.pop() if lengths else 1
    return {
        label: array if array.ndim else np.full(length, array[()], dtype=array.dtype) for label, array in arrays.items()
    }


def typed_column(label: str, values: Any, where: str) -> np.ndarray:
    """Return a new array of the values in the type of their label; a single value gives an array of no dimension."""
    described = describe(label)
    array = np.asarray(values, dtype=object) if _is_text(values) else np.asarray(values)
    if array.ndim > 1:
        raise StarError(f"{where}, column {label}: got an array of shape {array.shape}; expected one value per row.")
    if described.is_text:
        return _as_text(array)
    try:
        if described.type == "float":
            return np.array(array, dtype=np.float64)
        return _as_whole(array)
    except (ValueError, TypeError, OverflowError) as cause:
        kind = "a number" if described.type == "float" else "a whole number"
        raise StarError(f"{where}, column {label}: {cause}; expected {kind}.") from None


def _is_text(values: Any) -> bool:
    """Whether to hinder NumPy from guessing: text of one length would become fixed-width."""
    return isinstance(values, str) or (
        isinstance(values, (list, tuple)) and bool(values) and isinstance(values[0], str)
    )


def _as_text(array: np.ndarray) -> np.ndarray:
    if array.ndim == 0:
        text = np.empty((), dtype=object)
        text[()] = to_text(array.item())
        return text
    text = np.empty(array.shape[0], dtype=object)
    text[:] = [item if type(item) is str else to_text(item) for item in array.tolist()]
    return text


def to_text(item: object) -> str:
    """Return one value as a STAR file writes it: numbers in the shortest form that reads back the same, yes/no as 1/0."""
    if isinstance(item, bool):
        return str(int(item))
    return "" if item is None else str(item)


def _as_whole(array: np.ndarray) -> np.ndarray:
    """Return int64; numbers such as 2.0, which other programs write, count as whole."""
    if array.dtype.kind in "biu":
        return array.astype(np.int64)
    if array.dtype.kind in "OU":
        try:
            return np.array([int(item) for item in array.reshape(-1)], dtype=np.int64).reshape(array.shape)
        except (ValueError, TypeError):
            pass
    numbers = np.array(array, dtype=np.float64)
    wrong = numbers != np.rint(numbers)
    if np.any(wrong):
        raise ValueError(f"found {numbers[wrong].flat[0]!r}")
    return numbers.astype(np.int64)


def join_names(names: Iterable[str]) -> str:
    """Return names for a message: "'optics', 'particles'"."""
    return ", ".join(f"'{name}'" for name in names) or "none"
