"""What the coarse pass leaves for the fine one: views, in-plane angles and offsets that may hold a particle's weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TILE = 4
"""Coarse in-plane angles that the fine pass looks at together."""
_MOST = 0.3
"""Share of a view's tiles from which the whole circle is looked at: one transform instead of several."""
_CUT = 20.0  # exp(-20): far below single precision's share of a sum


@dataclass(frozen=True)
class Candidates:
    """For one particle.

    view    (E,) coarse view, class × directions + direction
    first   (E,) coarse in-plane angle at which its tile begins; zeros where the whole circle is looked at
    whole   the whole circle is looked at
    slots   (t,) coarse offsets
    prior   (E,) log prior of the view; ``None``: all alike
    psi_prior  (E, tile) log prior of the coarse in-plane angles; ``None``: all alike
    """

    view: np.ndarray
    first: np.ndarray
    whole: bool
    slots: np.ndarray
    prior: np.ndarray | None = None
    psi_prior: np.ndarray | None = None


def tile_of(n_psi: int) -> int:
    """Return how many coarse in-plane angles make a tile: a divisor of their number, at most TILE."""
    return next(size for size in range(TILE, 0, -1) if n_psi % size == 0)


def significant(tops: np.ndarray, fraction: float) -> tuple[np.ndarray, float]:
    """Return which entries make up a fraction of the weight, and the least of them.

    tops    (m,) log-likelihoods, each standing for its neighbourhood
    result  places, the best first; and the least log-likelihood of them
    """
    best = float(tops.max())
    near = np.flatnonzero(tops > best - _CUT)
    order = near[np.argsort(-tops[near], kind="stable")]
    weights = np.exp(tops[order].astype(np.float64) - best)
    total = np.cumsum(weights)
    count = min(int(np.searchsorted(total, fraction * total[-1])) + 1, len(order))
    chosen = order[:count]
    return chosen, float(tops[chosen[-1]])


def candidates(tops: np.ndarray, by_offset: np.ndarray, *, fraction: float, most: float) -> Candidates:
    """Return one particle's candidates of a search over all directions.

    tops       (V, n_psi) largest log-likelihood over offsets
    by_offset  (T,) largest log-likelihood over views and angles
    most       coarse poses that may be looked at
    """
    n_psi = tops.shape[1]
    chosen, least = significant(tops.ravel(), fraction)
    view, psi = np.divmod(chosen, n_psi)
    slots = np.flatnonzero(by_offset >= least)
    return tiled(view, psi, n_psi, slots=slots, most=most)


def tiled(
    view: np.ndarray, psi: np.ndarray, n_psi: int, *, slots: np.ndarray, most: float, circles: bool = True
) -> Candidates:
    """Return candidates of pairs of view and in-plane angle, by tiles or, where many tiles are wanted, by whole circles.

    view, psi  the best pairs first
    most       coarse poses that may be looked at: the best tiles
    """
    size = tile_of(n_psi)
    tiles = n_psi // size
    pairs, best = np.unique(view * tiles + psi // size, return_index=True)
    room = max(int(most / (size * len(slots))), 1)
    if len(pairs) > room:
        pairs = np.sort(pairs[np.argsort(best)[:room]])
    views = np.unique(pairs // tiles)
    if circles and _MOST * tiles * len(views) <= len(pairs) and tiles * len(views) <= room:
        return Candidates(views, np.zeros(len(views), np.int64), whole=True, slots=slots)
    return Candidates(pairs // tiles, pairs % tiles * size, whole=False, slots=slots)
