"""What star_handler and Select do to lists: choose, split, join, change, compare; lists in, lists out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from relionlab.errors import ParameterError, StarError
from relionlab.io.labels import label as describe
from relionlab.io.table import Table
from relionlab.jobs.star.list_file import StarList


def select_values(data: StarList, label: str, *, low: float, high: float) -> StarList:
    """Keep the rows whose value lies between ``low`` and ``high``, both included."""
    values = numeric_column(data.rows, label)
    return data.with_rows(data.rows.rows((values >= low) & (values <= high)))


def select_text(data: StarList, label: str, *, include: str = "", exclude: str = "") -> StarList:
    """Keep the rows whose text contains ``include`` and does not contain ``exclude`` (empty: not asked)."""
    texts = data.rows[label].tolist()
    kept = [(not include or include in str(text)) and not (exclude and exclude in str(text)) for text in texts]
    return data.with_rows(data.rows.rows(np.array(kept, dtype=bool)))


def discard_on_statistics(data: StarList, statistics: np.ndarray, *, sigma: float) -> StarList:
    """Drop images whose mean or deviation lies more than ``sigma`` deviations away from that of all.

    statistics  (images, 2): mean and standard deviation of each image; those that are no numbers go as well
    """
    known = statistics[np.isfinite(statistics).all(axis=1)]
    centre, spread = known.mean(axis=0), known.std(axis=0)
    kept = (np.abs(statistics - centre) <= sigma * spread).all(axis=1)
    return data.with_rows(data.rows.rows(kept))


def split_sizes(count: int, *, parts: int = -1, size: int = -1) -> list[int]:
    """Return the sizes of the subsets, as RELION cuts: equal parts, or lines per part, or that many parts of a size.

    With both, rows that do not fit into ``parts`` × ``size`` are left out.
    """
    if parts < 1 and size < 1:
        raise ParameterError("to split, give the number of subsets (--nr_split), their size (--size_split), or both.")
    if size < 1:
        size = -(-count // parts)
    if parts < 1:
        parts = -(-count // size)
    return [max(0, min(size, count - part * size)) for part in range(parts)]


def split(data: StarList, sizes: Sequence[int], *, seed: int | None = None) -> list[StarList]:
    """Cut the rows into subsets of these sizes, in order, or in the random order of a seed."""
    order = np.arange(len(data.rows))
    if seed is not None:
        np.random.default_rng(seed).shuffle(order)
    ends = np.cumsum(sizes)
    return [data.with_rows(data.rows.rows(order[end - size : end])) for size, end in zip(sizes, ends, strict=True)]


def combine(lists: Sequence[StarList], say: Callable[[str], None]) -> StarList:
    """Join lists below each other; optics groups of different names stay apart and are renumbered.

    Columns that only some lists have are left out, and said.
    """
    first = lists[0]
    for other in lists[1:]:
        if other.rows.name != first.rows.name:
            raise StarError(
                f"{other.source} lists {other.rows.name}, {first.source} lists {first.rows.name}: only the same kind joins."
            )
    common = [label for label in first.rows.labels if all(label in data.rows for data in lists)]
    if "rlnGroupNumber" in common:  # counts within one file; RELION forms the groups anew, by micrograph
        common.remove("rlnGroupNumber")
    dropped = sorted({label for data in lists for label in data.rows.labels} - {*common, "rlnGroupNumber"})
    if dropped:
        say(f" WARNING: left out, because not all lists have them: {', '.join(dropped)}")
    if any(data.optics is None for data in lists):
        if any(data.optics is not None for data in lists):
            bare = next(data.source for data in lists if data.optics is None)
            raise StarError(f"{bare} has no optics groups but the others have: import it first.")
        return first.with_rows(Table.concatenate([data.rows.only(*common) for data in lists]))
    optics, numbers = _joined_optics([data.optics for data in lists if data.optics is not None], lists, say)
    rows = []
    for data, mapping in zip(lists, numbers, strict=True):
        data.per_row("rlnOpticsGroupName")  # says so where rows name a group that is not there
        groups = [mapping[group] for group in data.rows["rlnOpticsGroup"].tolist()]
        rows.append(data.rows.only(*common).with_columns(rlnOpticsGroup=groups))
    return StarList(Table.concatenate(rows), optics, source=first.source)


def duplicated(values: Sequence[object]) -> list[object]:
    """Return the values that occur again, once per repetition, in order."""
    seen: set[object] = set()
    again = []
    for value in values:
        if value in seen:
            again.append(value)
        seen.add(value)
    return again


def operate(
    data: StarList,
    labels: Sequence[str],
    *,
    set_to: str = "",
    multiply_by: float = 1.0,
    add_to: float = 0.0,
) -> StarList:
    """Set the values of some columns, or multiply and then add; also of columns of the optics table."""
    for label in labels:
        in_optics = label not in data.rows and data.optics is not None and label in data.optics
        table = data.optics if in_optics and data.optics is not None else data.rows
        changed = _operated(table, label, set_to, factor=multiply_by, offset=add_to)
        data = StarList(data.rows, changed, data.others, data.source) if in_optics else data.with_rows(changed)
    return data


def centre_on(data: StarList, point_px: np.ndarray, *, rotations: np.ndarray, pixel_sizes: np.ndarray) -> StarList:
    """Move the origins so that a point of the reference becomes the particles' centre.

    point_px     (3,) position x, y, z in the reference, from its centre, in reference pixels
    rotations    (rows, 3, 3) each particle's matrix
    pixel_sizes  (rows,) in Å
    """
    shift = rotations @ point_px
    changes = {}
    for axis, label in enumerate(("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")):
        if axis < 2 or label in data.rows:
            old = data.rows[label] if label in data.rows else np.zeros(len(data.rows))
            changes[label] = old - shift[:, axis] * pixel_sizes
    return data.with_rows(data.rows.with_columns(changes))


def remove_duplicates(data: StarList, *, distance_px: float, angstrom_to_px: float) -> tuple[StarList, StarList]:
    """Return (kept, removed): a particle goes if a later one of its micrograph lies within the distance, as in RELION.

    distance_px     in pixels of rlnCoordinateX/Y
    angstrom_to_px  by which origin offsets in Å are multiplied to become such pixels
    """
    places = places_of(data, angstrom_to_px=angstrom_to_px)
    label = next((name for name in ("rlnMicrographName", "rlnTomoName") if name in data.rows), None)
    micrographs = data.rows[label] if label else np.zeros(len(places))
    kept = np.ones(len(places), dtype=bool)
    _, group = np.unique(np.asarray(micrographs), return_inverse=True)
    order = np.argsort(group, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        _mark_close(places, members, kept, distance_px)
    return data.with_rows(data.rows.rows(kept)), data.with_rows(data.rows.rows(~kept))


def places_of(data: StarList, *, angstrom_to_px: float) -> np.ndarray:
    """Return where particles are (rows, 2 or 3) in px, their origins taken off; StarError where that is no number."""
    axes = ["X", "Y", "Z"] if "rlnCoordinateZ" in data.rows else ["X", "Y"]
    places = np.stack([data.rows[f"rlnCoordinate{axis}"].astype(np.float64) for axis in axes], axis=1)
    for column, axis in enumerate(axes):
        if (origin := f"rlnOrigin{axis}Angst") in data.rows:
            places[:, column] -= data.rows[origin] * angstrom_to_px
    bad = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if len(bad):
        raise StarError(
            f"{data.source}: coordinates or origins are no numbers for {len(bad)} of {len(places)} rows, the first of them row"
            f" {bad[0] + 1}. Leave them out (Select), or repair the columns."
        )
    return places


def compare(
    first: Table, second: Table, *, labels: Sequence[str], max_distance: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Match rows: return, for each row of ``first``, its first match in ``second`` (-1: none), and which of these
    are matched.

    Text must be equal; numbers of one to three labels may lie up to ``max_distance`` apart, as a distance in space.
    """
    if describe(labels[0]).is_text:
        places: dict[object, int] = {}
        for row, value in enumerate(second[labels[0]].tolist()):
            places.setdefault(value, row)
        matches = np.array([places.get(value, -1) for value in first[labels[0]].tolist()], dtype=np.int64)
    else:
        one = np.stack([numeric_column(first, label) for label in labels], axis=1)
        two = np.stack([numeric_column(second, label) for label in labels], axis=1)
        matches = np.full(len(one), -1)
        for row, point in enumerate(one):
            close = ((two - point) ** 2).sum(axis=1) <= max_distance**2
            if close.any():
                matches[row] = int(close.argmax())
    matched = np.zeros(len(second), dtype=bool)
    matched[matches[matches >= 0]] = True
    return matches, matched


def numeric_column(table: Table, label: str) -> np.ndarray:
    """Return a column as float64; raises StarError where it is missing or text."""
    column = table[label]
    if describe(label).is_text and column.dtype == object:
        try:
            return table.numbers(label)
        except StarError:
            raise StarError(
                f"{label} holds text ({column[0]!r} …): choose a column of numbers, or --select_by_str."
            ) from None
    return column.astype(np.float64)


def _operated(table: Table, label: str, set_to: str, *, factor: float, offset: float) -> Table:
    if set_to:
        return table.with_columns({label: [set_to] * len(table)})
    old = table[label]
    if old.dtype == object:
        raise StarError(f"{label} holds text, which cannot be multiplied or added to: use --set_to.")
    values = old * factor + offset
    return table.with_columns({label: np.trunc(values).astype(np.int64) if old.dtype.kind == "i" else values})


def _mark_close(places: np.ndarray, members: np.ndarray, kept: np.ndarray, distance: float) -> None:
    """Drop each of one micrograph's particles that has a later one, dropped or not, within the distance."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(places[members]).query_pairs(distance, output_type="ndarray")
    kept[members[pairs[:, 0]]] = False  # pairs are (earlier, later)


def _joined_optics(
    tables: Sequence[Table], lists: Sequence[StarList], say: Callable[[str], None]
) -> tuple[Table, list[dict[int, int]]]:
    """Return the joined optics table, and old -> new group number for each list."""
    joined: dict[str, dict[str, object]] = {}
    numbers: list[dict[int, int]] = []
    labels = list(dict.fromkeys(label for table in tables for label in table.labels))
    for position, (table, data) in enumerate(zip(tables, lists, strict=True)):
        mapping = {}
        for row in range(len(table)):
            record = {label: table[label][row] for label in table.labels if label != "rlnOpticsGroup"}
            name, old = str(record["rlnOpticsGroupName"]), int(table["rlnOpticsGroup"][row])
            if name not in joined:
                joined[name] = record
                if position:
                    say(f" + Adding new optics_group with name: {name}")
            else:
                _check_same_optics(joined[name], record, data.source)
            mapping[old] = list(joined).index(name) + 1
            if mapping[old] != old:
                say(f" + Renumbering group {name} from {old} to {mapping[old]}")
        numbers.append(mapping)
    shared = [label for label in labels if all(label in table for table in tables)]
    columns: dict[str, object] = {}
    for label in shared:
        if label == "rlnOpticsGroup":
            columns[label] = list(range(1, len(joined) + 1))
        else:
            columns[label] = [record[label] for record in joined.values()]
    return Table(columns, name="optics"), numbers


def same_value(one: object, other: object) -> bool:
    """Say whether two values of an optics table agree, numbers to the digits that RELION writes."""
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-5, atol=1e-6))
    return bool(one == other)


def _check_same_optics(known: dict[str, object], found: dict[str, object], source: str) -> None:
    for label in known.keys() & found.keys():
        if not same_value(known[label], found[label]):
            raise StarError(
                f"{source}: optics group {found['rlnOpticsGroupName']} has {label} {found[label]}, in an earlier file"
                f" {known[label]}: different optics need different names. Rename one with"
                " `relionlab star_handler --operate rlnOpticsGroupName --set_to NAME`."
            )
