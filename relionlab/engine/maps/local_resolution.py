"""Local resolution: the correlation of the half-maps within a soft ball that is moved over the map.

At each point of a coarse grid the corrected correlation in the ball (:mod:`relionlab.engine.maps.fsc`) gives a resolution;
between the points frequencies are averaged with the balls' soft edges as weights (Kucukelbir et al. 2014 discuss the
idea; the ball, its edge and the averaging are those of RELION). The ball is small, so its correlations are taken in a
window about it: the window's transform has all there is to know, in fewer and wider spaced values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft

from relionlab.engine.maps.filters import falling_cosine, round_half_up
from relionlab.engine.maps.fsc import corrected, resolution_shell
from relionlab.engine.maps.windows import Shells

_FINER = 1.6  # window over the diameter of the ball: finer ones change less than another random seed does


@dataclass(frozen=True)
class Ball:
    """The soft ball that is moved over the map: radius, edge and step between its places, in whole px."""

    radius: int
    edge: int
    step: int

    @classmethod
    def of(cls, *, sampling: float, radius: float | None, edge: float | None, pixel_size: float) -> Ball:
        """Return the ball for lengths in Å; by default the radius is half of the sampling and the edge all of it."""
        given = (0.5 * sampling if radius is None else radius, sampling if edge is None else edge)
        in_pixels = [round_half_up(length / pixel_size) for length in given]
        return cls(in_pixels[0], in_pixels[1], max(round_half_up(sampling / pixel_size), 1))

    @property
    def reach(self) -> int:
        """Distance in px from which on the ball is 0."""
        return self.radius + self.edge

    def window(self, box: int) -> int:
        """Return the side in px of the window in which correlations are taken."""
        return min(box, scipy.fft.next_fast_len(int(2 * self.reach * _FINER), real=True))

    def points(self, box: int) -> np.ndarray:
        """Return where the ball is placed: (points, 3) whole z, y, x in px from the middle of the box."""
        half = box // 2
        farthest = half - self.radius
        line = np.arange(-half + self.step, box - half, self.step)
        grid = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
        return grid[(grid**2).sum(axis=1) < farthest**2]

    def profile(self, squares: np.ndarray) -> np.ndarray:
        """Return the ball's value (float32) at squared distances in px² from its middle."""
        return falling_cosine(np.sqrt(squares), self.radius, self.reach).astype(np.float32)


@dataclass(frozen=True)
class LocalCorrelations:
    """The corrected correlation and the resolution at each point.

    curves      (points, 4, shells)  corrected, unmasked (of the whole maps), masked, phase-randomised
    resolution  (points,)  Å
    """

    curves: np.ndarray
    resolution: np.ndarray


class CorrelationStep:
    """A pass over the points: the correlation within the ball at each (a :class:`relionlab.engine.steps.Step`).

    maps         (4, n, n, n) float32: the half-maps, and the half-maps with random phases
    points       (points, 3) as of :meth:`Ball.points`
    unmasked     (shells,) correlation of the whole maps
    first_shell  from which on the phases are random
    coarsest     Å; no resolution is worse than this
    """

    def __init__(
        self,
        maps: np.ndarray,
        ball: Ball,
        points: np.ndarray,
        *,
        unmasked: np.ndarray,
        first_shell: int,
        pixel_size: float,
        coarsest: float,
    ) -> None:
        self.maps, self.ball, self.points = maps, ball, points
        self.unmasked, self.first_shell, self.pixel_size, self.coarsest = unmasked, first_shell, pixel_size, coarsest
        self.box = maps.shape[-1]

    def prepare(self) -> None:
        """Make the tables of the window."""
        self._shells = Shells(self.ball.window(self.box), self.box)

    def process(self, indices: np.ndarray) -> list[tuple[np.ndarray, float]]:
        """Return curves and resolution of these points."""
        return [self._at(point) for point in self.points[indices]]

    def merge(self, first: list, second: list) -> list:
        """Return both, in order."""
        return first + second

    def conclude(self, total: list[tuple[np.ndarray, float]]) -> LocalCorrelations:
        """Return all curves and resolutions."""
        return LocalCorrelations(np.array([curve for curve, _ in total]), np.array([value for _, value in total]))

    def _at(self, point: np.ndarray) -> tuple[np.ndarray, float]:
        side, n = self._shells.side, self.box
        starts = np.clip(point + n // 2 - side // 2, 0, n - side)
        place = tuple(slice(start, start + side) for start in starts)
        squares = [(np.arange(start, start + side) - n // 2 - c) ** 2 for start, c in zip(starts, point, strict=True)]
        ball = self.ball.profile(squares[0][:, None, None] + squares[1][:, None] + squares[2])
        spectra = scipy.fft.rfftn(self.maps[(slice(None), *place)] * ball, axes=(1, 2, 3))
        masked, random = self._shells.correlation(spectra[0::2], spectra[1::2])
        curve = corrected(masked, random, first_shell=self.first_shell)
        shell = resolution_shell(curve)
        finest = n * self.pixel_size / shell if shell else np.inf
        return np.array([curve, self.unmasked, masked, random], np.float32), min(finest, self.coarsest)


def averaged_resolution(ball: Ball, points: np.ndarray, resolution: np.ndarray, *, box: int) -> np.ndarray:
    """Return the resolution map (box, box, box) in Å, float32; 0 where no ball comes.

    Frequencies are averaged, weighted by the balls.
    """
    weight, frequency = (np.zeros((box, box, box), np.float32) for _ in range(2))
    for where, value in placed(ball, points, box=box):
        weight[where.place] += where.ball
        frequency[where.place] += where.ball / np.float32(resolution[value])
    return np.where(weight > 0, weight / np.where(weight > 0, frequency, 1), 0).astype(np.float32)


@dataclass(frozen=True)
class _Placed:
    place: tuple[slice, ...]
    ball: np.ndarray


def placed(ball: Ball, points: np.ndarray, *, box: int) -> Any:
    """Yield where each ball lies in the box, cut off at its walls, with the number of its point."""
    reach = ball.reach
    axes = np.ogrid[tuple(slice(-reach, reach + 1) for _ in range(3))]
    whole = ball.profile(axes[0] ** 2 + axes[1] ** 2 + axes[2] ** 2)
    for number, point in enumerate(points):
        low = point + box // 2 - reach
        first, last = np.maximum(low, 0), np.minimum(low + 2 * reach + 1, box)
        place = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        part = tuple(slice(a, b) for a, b in zip(first - low, last - low, strict=True))
        yield _Placed(place, whole[part]), number
