"""From figure-of-merit maps to coordinates: threshold, distance, background. Milliseconds, so that a slider can call it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import ndimage

from relionlab.engine.picking.candidates import Candidates
from relionlab.engine.picking.frame import Frame
from relionlab.engine.picking.picks import Picks

_NEAR = 0.2
"""Diameters within which a peak's centre is looked for: neighbours that overlap are not mixed up so near."""
_TOGETHER = 2048  # peaks whose surroundings are looked at together, to bound the memory


@dataclass(frozen=True, eq=False)
class Scores:
    """Maps of one micrograph, from which picks are taken: all (y, x) on the frame's grid.

    fom        figure of merit; what it means stands with the function that made it
    reference  best reference, from 0
    psi        its in-plane angle in degrees
    average    mean of the background around the particle, in standard deviations of the micrograph
    stddev     standard deviation of that background, in the same unit
    diameter   Å, of the best blob; ``None`` where references have one size
    frame      the grid
    margin     Å from the edge within which nothing is picked
    centre     where it is given: highest at the particles' centres, which it tells better than ``fom``
    distance   Å, least distance of two picks where none is asked for
    """

    fom: np.ndarray
    reference: np.ndarray
    psi: np.ndarray
    average: np.ndarray
    stddev: np.ndarray
    frame: Frame
    margin: float
    diameter: np.ndarray | None = None
    centre: np.ndarray | None = None
    distance: float = 0.0

    @cached_property
    def candidates(self) -> Candidates:
        """All local maxima within the margin, best first; found once."""
        highest = ndimage.maximum_filter(self.fom, size=3) == self.fom
        rows, columns = np.nonzero(highest & self.frame.inside(self.margin) & np.isfinite(self.fom))
        order = np.argsort(-self.fom[rows, columns], kind="stable")
        rows, columns = rows[order], columns[order]
        return Candidates(
            picks=_refined(self, rows, columns),
            average=self.average[rows, columns],
            stddev=self.stddev[rows, columns],
            pixel_size=self.frame.pixel_size,
            diameter=None if self.diameter is None else self.diameter[rows, columns],
            smallest=0.0 if self.diameter is None else float(self.diameter.min()),
            distance=self.distance,
            mean=0.0 if self.diameter is None else float(self.diameter.mean()),
        )

    @property
    def centred(self) -> Candidates:
        """The candidates with their particles' centres: all that picking at any threshold needs of these maps."""
        if self.centre is None:
            return self.candidates
        moved = at_centres(self, self.candidates.picks, self.centre)
        return replace(self.candidates, centre_x=moved.x, centre_y=moved.y)


def peaks_from(
    scores: Scores,
    threshold: float,
    distance: float,
    *,
    max_stddev: float | None = None,
    min_average: float | None = None,
    upper: float | None = None,
    neighbour: float = 1.0,
) -> Picks:
    """Return the picks of one micrograph.

    threshold    least figure of merit
    distance     Å, least distance between two picks; the better one stays
    max_stddev   leave out picks on background with a larger standard deviation (carbon, ice crystals)
    min_average  leave out picks on background with a smaller mean (thick ice, contamination)
    upper        highest figure of merit: what is above is contamination, and nothing beside it is picked either
    neighbour    where blobs have diameters of their own: two are kept apart by this fraction of the mean of the
                 detected diameter and the smallest one, if that is more than ``distance``

    Positions are refined to a fraction of a map pixel by parabolas through the neighbours of each maximum; where there is
    a map of the centres, by its maximum within a fifth of the diameter.
    """
    candidates = scores.candidates
    kept = candidates.apart(
        distance, threshold=threshold, max_stddev=max_stddev, min_average=min_average, neighbour=neighbour
    )
    if upper is not None:
        kept = kept[candidates.picks.fom[kept] <= upper]
    picks = candidates.rows(kept)
    return picks if scores.centre is None else at_centres(scores, picks, scores.centre)


def at_centres(scores: Scores, picks: Picks, centre: np.ndarray) -> Picks:
    """Return picks moved to where the map of centres (y, x) is highest, within a fifth of their diameters."""
    if scores.diameter is None or not len(picks):
        return picks
    parts = [
        _at_centres(scores, picks.rows(slice(first, first + _TOGETHER)), centre)
        for first in range(0, len(picks), _TOGETHER)
    ]
    return replace(picks, x=np.concatenate([x for x, _ in parts]), y=np.concatenate([y for _, y in parts]))


def _at_centres(scores: Scores, picks: Picks, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (
        np.clip(np.rint(place / step).astype(np.int64), 0, size - 1)
        for place, step, size in zip((picks.y, picks.x), scores.frame.steps, centre.shape, strict=True)
    )
    return _tops(centre, scores.frame, *_uphill(scores, centre, rows, columns))


def _uphill(scores: Scores, centre: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the map of centres is highest within ``_NEAR`` diameters of each peak and within the margin."""
    assert scores.diameter is not None
    (py, px), allowed = scores.frame.pixels, scores.frame.inside(scores.margin)
    reach = _NEAR * scores.diameter[rows, columns].astype(np.float64)
    most = int(np.ceil(reach.max() / min(py, px)))
    line = np.arange(-most, most + 1)
    down, right = (offsets.ravel() for offsets in np.meshgrid(line, line, indexing="ij"))
    lowest, leftmost = np.array(centre.shape) - 1
    y, x = np.clip(rows[:, None] + down, 0, lowest), np.clip(columns[:, None] + right, 0, leftmost)
    near = (np.hypot(down * py, right * px) <= reach[:, None]) & allowed[y, x]
    best = np.where(near, centre[y, x], -np.inf).argmax(axis=1)
    each = np.arange(len(rows))
    return y[each, best], x[each, best]


def _refined(scores: Scores, rows: np.ndarray, columns: np.ndarray) -> Picks:
    x, y = _tops(scores.fom, scores.frame, rows, columns)
    return Picks(
        x=x,
        y=y,
        fom=scores.fom[rows, columns].astype(np.float64),
        reference=scores.reference[rows, columns].astype(np.int64),
        psi=scores.psi[rows, columns].astype(np.float64),
    )


def _tops(values: np.ndarray, frame: Frame, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y, in px of the micrograph, of the tops beside these pixels of a map."""
    inner_rows, inner_columns = np.clip(rows, 1, values.shape[0] - 2), np.clip(columns, 1, values.shape[1] - 2)
    centre = values[inner_rows, inner_columns]
    dy = _vertex(values[inner_rows - 1, inner_columns], centre, values[inner_rows + 1, inner_columns])
    dx = _vertex(values[inner_rows, inner_columns - 1], centre, values[inner_rows, inner_columns + 1])
    return (columns + dx) * frame.steps[1], (rows + dy) * frame.steps[0]


def _vertex(before: np.ndarray, at: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return where the parabola through three neighbouring values has its top, from the middle one: -0.5 to 0.5."""
    curvature = 2 * at.astype(np.float64) - before - after
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.where(curvature > 0, (after - before.astype(np.float64)) / (2 * curvature), 0.0)
    return np.clip(offset, -0.5, 0.5)
