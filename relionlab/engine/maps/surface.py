"""The surface at which a map has a density, as triangles: naive surface nets (Gibson 1998, MERL TR99-24)."""

from __future__ import annotations

import itertools

import numpy as np

_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))
_EDGES = [(a, b) for a, b in itertools.combinations(range(8), 2) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]


def surface_net(volume: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the surface of a map (z, y, x) at a density.

    Returns the vertices (V, 3) as x, y, z in px, float32, one in each cell that the surface passes, at the mean of its
    crossings with the cell's edges; and the triangles (T, 3) of their numbers, uint32, turned outwards.
    """
    values = np.asarray(volume, np.float32) - np.float32(level)
    inside = values > 0
    number, cells = _passed(inside)
    corners = np.stack([values[tuple((cells + corner).T)] for corner in _CORNERS], axis=1)
    total, count = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for a, b in _EDGES:
        crossed = (corners[:, a] > 0) != (corners[:, b] > 0)
        part = corners[crossed, a] / (corners[crossed, a] - corners[crossed, b])
        total[crossed] += _CORNERS[a] + part[:, None] * (_CORNERS[b] - _CORNERS[a])
        count[crossed] += 1
    vertices = cells + total / np.maximum(count, 1)[:, None]
    triangles = [_across(inside, number, axis) for axis in range(3)]
    return vertices[:, ::-1].astype(np.float32), np.concatenate(triangles).astype(np.uint32)


def _passed(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each cell's vertex (-1: none), and the cells (V, 3) that the surface passes."""
    shape = tuple(n - 1 for n in inside.shape)
    count = np.zeros(shape, np.uint8)
    for z, y, x in _CORNERS:
        count += inside[z : z + shape[0], y : y + shape[1], x : x + shape[2]]
    cells = np.argwhere((count > 0) & (count < 8))
    number = np.full(shape, -1, np.int64)
    number[tuple(cells.T)] = np.arange(len(cells))
    return number, cells


def _across(inside: np.ndarray, number: np.ndarray, axis: int) -> np.ndarray:
    """Return the triangles across the edges along an axis at whose ends the map is inside and outside."""
    low, high = (np.take(inside, range(k, inside.shape[axis] - 1 + k), axis) for k in (0, 1))
    at = np.argwhere(low != high)
    others = [other for other in range(3) if other != axis]
    within = np.all([(at[:, other] > 0) & (at[:, other] < inside.shape[other] - 1) for other in others], axis=0)
    at = at[within]
    around = []
    for steps in ((1, 1), (0, 1), (0, 0), (1, 0)):
        cell = at.copy()
        cell[:, others] -= steps
        around.append(number[tuple(cell.T)])
    a, b, c, d = around
    turned = low[tuple(at.T)] == (axis == 1)  # the order about y runs the other way round
    quads = np.where(turned[:, None], np.stack([a, b, c, d], 1), np.stack([a, d, c, b], 1))
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
