"""Where the boxes of a flowchart go: layers by the longest way from a source, few crossings, straight chains.

Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981): layers, then
orders within the layers by the mean place of the neighbours, then places. Edges over several layers bend in each.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_SWEEPS = 12
_STRAIGHTENINGS = 16
_APART = (0.16, 0.6, 1.0)
"""Least distance of the middles of two passing edges, of an edge and a box, of two boxes, in widths of a box."""


@dataclass(frozen=True)
class Layout:
    """Places in units of boxes: layer 0 lies at the top; ``place`` grows to the right.

    layer   box -> layer
    place   box -> place within the picture
    bends   (from, to) -> places of the edge in the layers between, top to bottom
    """

    layer: Mapping[str, int]
    place: Mapping[str, float]
    bends: Mapping[tuple[str, str], tuple[float, ...]]

    @property
    def width(self) -> float:
        """How many boxes wide the picture is."""
        return 1 + max((*self.place.values(), *(x for bend in self.bends.values() for x in bend)), default=0.0)

    @property
    def height(self) -> int:
        """How many layers there are."""
        return 1 + max(self.layer.values(), default=0)


def layout(boxes: Sequence[str], edges: Iterable[tuple[str, str]]) -> Layout:
    """Return places for boxes and edges (from, to); an edge that would close a circle is drawn, but moves nothing."""
    known = set(boxes)
    pairs = list(dict.fromkeys((a, b) for a, b in edges if a in known and b in known and a != b))
    layer = _layers(boxes, pairs)
    pairs = [(a, b) for a, b in pairs if layer[a] < layer[b]]
    chains = {pair: _chain(pair, layer) for pair in pairs}
    rows = _rows(boxes, layer, chains)
    up, down = _neighbours(chains)
    for sweep in range(_SWEEPS):
        _order(rows, up if sweep % 2 == 0 else down, downwards=sweep % 2 == 0)
    place = _places(rows, up, down)
    least = min(place.values(), default=0.0)
    place = {key: x - least for key, x in place.items()}
    bends = {pair: tuple(place[key] for key in chain[1:-1]) for pair, chain in chains.items()}
    return Layout(layer, {box: place[box] for box in boxes}, bends)


Key = str | tuple[str, str, int]  # a box, or where an edge passes a layer
Neighbours = Mapping[Key, list[Key]]


def _layers(boxes: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    sources: dict[str, list[str]] = {box: [] for box in boxes}
    for a, b in pairs:
        sources[b].append(a)
    layer: dict[str, int] = {}
    for box in boxes:  # a walk of its own instead of recursion: chains may be hundreds long
        waiting = [box]
        under: set[str] = set()
        while waiting:
            top = waiting[-1]
            if top in layer:
                waiting.pop()
                continue
            under.add(top)
            first = [s for s in sources[top] if s not in layer and s not in under]
            if first:
                waiting += first
                continue
            layer[top] = 1 + max((layer[s] for s in sources[top] if s in layer), default=-1)
            waiting.pop()
    return layer


def _chain(pair: tuple[str, str], layer: Mapping[str, int]) -> list[Key]:
    a, b = pair
    return [a, *((a, b, level) for level in range(layer[a] + 1, layer[b])), b]


def _rows(
    boxes: Sequence[str], layer: Mapping[str, int], chains: Mapping[tuple[str, str], list[Key]]
) -> list[list[Key]]:
    rows: list[list[Key]] = [[] for _ in range(1 + max(layer.values(), default=-1))]
    for box in boxes:
        rows[layer[box]].append(box)
    for chain in chains.values():
        for key in chain[1:-1]:
            rows[key[2]].append(key)  # type: ignore[index]
    return rows


def _neighbours(chains: Mapping[tuple[str, str], list[Key]]) -> tuple[dict[Key, list[Key]], dict[Key, list[Key]]]:
    up: dict[Key, list[Key]] = {}
    down: dict[Key, list[Key]] = {}
    for chain in chains.values():
        for above, below in itertools.pairwise(chain):
            up.setdefault(below, []).append(above)
            down.setdefault(above, []).append(below)
    return up, down


def _order(rows: list[list[Key]], near: Neighbours, *, downwards: bool) -> None:
    """Sort each row by the mean place of the neighbours in the row before; one without any keeps its place."""
    order = rows if downwards else rows[::-1]
    for before, row in itertools.pairwise(order):
        index = {key: place for place, key in enumerate(before)}
        mean = {
            key: sum(index[other] for other in near[key]) / len(near[key]) if near.get(key) else float(place)
            for place, key in enumerate(row)
        }
        row.sort(key=lambda key: mean[key])


def _places(rows: list[list[Key]], up: Neighbours, down: Neighbours) -> dict[Key, float]:
    """Pull each key to the middle of its neighbours, as far as the order and a distance of one box allow."""
    place: dict[Key, float] = {key: float(index) for row in rows for index, key in enumerate(row)}
    for turn in range(_STRAIGHTENINGS):
        for row in rows if turn % 2 == 0 else reversed(rows):
            near = (up, down) if turn % 2 == 0 else (down, up)
            wanted = [
                _middle([place[other] for other in near[0].get(key) or near[1].get(key, ())], place[key]) for key in row
            ]
            place |= zip(row, _apart(wanted, _offsets(row)), strict=True)
    return place


def _offsets(row: Sequence[Key]) -> list[float]:
    """Return how far each key lies from the first at least: a box needs its width, a passing edge little."""
    found = [0.0]
    for left, right in itertools.pairwise(row):
        found.append(found[-1] + _APART[isinstance(left, str) + isinstance(right, str)])
    return found[: len(row)]


def _middle(places: Sequence[float], otherwise: float) -> float:
    if not places:
        return otherwise
    ordered = sorted(places)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _apart(wanted: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """Return places in the same order, at least their offsets apart, nearest to the wanted ones (pool adjacent violators)."""
    groups: list[tuple[float, int]] = []  # mean of (wanted - offset), members
    for x, offset in zip(wanted, offsets, strict=True):
        groups.append((x - offset, 1))
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (a, m), (b, n) = groups[-2:]
            groups[-2:] = [((a * m + b * n) / (m + n), m + n)]
    shifts = [mean for mean, members in groups for _ in range(members)]
    return [shift + offset for shift, offset in zip(shifts, offsets, strict=True)]
