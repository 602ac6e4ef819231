"""One shift per frame: where each frame lies relative to the sum of the others.

Two starts are tried. One takes all frames as unmoved, correlates each with the sum of the others and repeats (Li et al.,
Nat. Methods 10 (2013) 584, and unblur: Grant & Grigorieff, eLife 4 (2015) e06980). The other begins with the middle
frame and adds neighbour after neighbour, each searched for around its neighbour's place; it follows fast drift, whose
unmoved sum would be blurred. The start whose sum has more power goes on. This first search uses the B-factor that is
given. Then the powers of specimen and noise are measured, frequency by frequency, and the shifts that make the movie
most likely under them are found by Newton steps; the B-factor has no part in them, so that an ill-chosen one costs no
precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.fft

from relionlab.engine.kernels.correlating import agreement, cross_spectrum
from relionlab.engine.motion.spectra import Spectra, Worth, bounded, ring_powers

CONVERGED = 0.5
"""px of change (root mean square) at which the first search ends: the Newton steps are well within the peak then."""
SAME_PLACE = 1.0
"""px: where both starts lead to the same places, the second is searched no further."""
REFINED = 0.01
"""px of change at which the Newton steps end."""
NEWTON_STEPS = 12
REACH = 0.25
"""Share of the field that a frame may have moved by."""
STEP_REACH = 0.08
"""Share of the field that a frame may have moved by since its neighbour."""


@dataclass(frozen=True)
class WholeAlignment:
    """Shifts of whole frames.

    shifts   (frames, 2) px, the first frame's zero
    worth    powers by frequency, measured on the aligned frames
    changes  px (root mean square) by which each iteration changed the shifts
    error    px: standard error of a shift along one axis, by what the frames have in common. Frames of pure noise have a
             little by chance: they say 0.5 px and more, movies of a specimen 0.01 to 0.1
    """

    shifts: np.ndarray
    worth: Worth
    changes: tuple[float, ...]
    error: float = 0.0


def align_whole(spectra: Spectra, *, b_factor: float, search_limit: float, iterations: int = 5) -> WholeAlignment:
    """Find the shift of every frame.

    b_factor      px²: the first search damps the products of two transforms by exp(-B k²/2), k in cycles per px
    search_limit  cycles per px beyond which the first search does not look
    iterations    of the first search, at most
    """
    frames = len(spectra.values)
    if frames == 1:
        zero = np.zeros((1, 2))
        return WholeAlignment(zero, ring_powers(spectra, zero), ())
    low = spectra.cut(search_limit)
    weight = first_weights(low, b_factor)
    found = [_search(low, weight, np.zeros((frames, 2)), iterations)]
    followed = follow(low, weight)
    if np.abs(followed - found[0][0]).max() > SAME_PLACE:
        found.append(_search(low, weight, followed, iterations))
    power = [float((weight * np.abs(low.total(shifts)) ** 2).sum()) for shifts, _ in found]
    shifts, changes = found[int(np.argmax(power))]
    shifts, worth, more, error = _newton(spectra, shifts)
    return WholeAlignment(shifts - shifts[0], worth, (*changes, *more), error)


def first_weights(spectra: Spectra, b_factor: float) -> np.ndarray:
    """Return the weights of the first search: exp(-B k²/2) over the frames' own power, so that no strong one rules."""
    power = ring_powers(spectra, np.zeros((len(spectra.values), 2)))
    at = np.minimum(spectra.radius / power.width, len(power.noise) - 1)
    total = np.interp(at, np.arange(len(power.noise)), power.noise + power.signal)
    return bounded(np.exp(-0.5 * b_factor * spectra.radius**2) / total, spectra)


def follow(spectra: Spectra, weight: np.ndarray) -> np.ndarray:
    """Return shifts found by going from the middle frame outwards, each frame against the sum of those before it."""
    frames = len(spectra.values)
    shifts = np.zeros((frames, 2))
    middle = frames // 2
    rest = spectra.values[middle].copy()
    correlate = correlator(spectra, weight)
    order = [n for step in range(1, frames) for n in (middle - step, middle + step) if 0 <= n < frames]
    for n in order:
        neighbour = shifts[n + 1] if n < middle else shifts[n - 1]
        shifts[n] = neighbour + correlate(n, neighbour, rest, STEP_REACH)
        rest += Spectra(spectra.values[n : n + 1], spectra.ky, spectra.kx, spectra.extent).total(shifts[n : n + 1])
    return shifts - shifts[0]


def correlator(spectra: Spectra, weight: np.ndarray) -> Callable[[int, np.ndarray, np.ndarray, float], np.ndarray]:
    """Return a function (frame, its shift, sum of others, reach) -> further shift (2,) in px, by a correlation map."""
    rows = len(spectra.ky)
    columns = 2 * (len(spectra.kx) - 1)
    product = np.empty((rows, len(spectra.kx)), np.complex64)
    scale = np.array([spectra.extent[1] / columns, spectra.extent[0] / rows])

    def correlate(frame: int, shift: np.ndarray, rest: np.ndarray, reach: float) -> np.ndarray:
        cross_spectrum(spectra.values[frame], shift, spectra.ky, spectra.kx, rest, weight, product)
        return peak(product, columns, reach) * scale

    return correlate


def peak(product: np.ndarray, columns: int, reach: float) -> np.ndarray:
    """Return the place (x, y) of the highest value of a map, in px of it around its first one, to a fraction of a px.

    product  half plane of the map's transform; only the part that is looked at is transformed back
    columns  of the map
    reach    share of the map's width to either side that is looked at
    """
    rows = len(product)
    y_reach, x_reach = (min(max(int(reach * n), 2), (n - 1) // 2) for n in (rows, columns))
    ys, xs = np.arange(-y_reach - 1, y_reach + 2), np.arange(-x_reach - 1, x_reach + 2)
    along_y = scipy.fft.ifft(product, axis=0)
    near = scipy.fft.irfft(along_y[ys], n=columns, axis=1)[:, xs]
    y, x = np.unravel_index(int(np.argmax(near[1:-1, 1:-1])), (len(ys) - 2, len(xs) - 2))
    inside = np.array([_vertex(near[y + 1, x : x + 3]), _vertex(near[y : y + 3, x + 1])])
    return np.array([x - x_reach, y - y_reach]) + inside


def _vertex(three: np.ndarray) -> float:
    """Return where the parabola through values at -1, 0 and 1 has its top."""
    left, middle, right = (float(value) for value in three)
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _search(
    spectra: Spectra, weight: np.ndarray, shifts: np.ndarray, iterations: int
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Correlate each frame with the sum of the others until nothing changes."""
    changes: list[float] = []
    correlate = correlator(spectra, weight)
    for _ in range(iterations):
        total = spectra.total(shifts)
        further = np.empty_like(shifts)
        for n, frame in enumerate(spectra.values):
            own = Spectra(frame[None], spectra.ky, spectra.kx, spectra.extent).total(shifts[n : n + 1])
            further[n] = correlate(n, shifts[n], total - own, REACH)
        further -= further.mean(axis=0)
        shifts = shifts + further
        changes.append(float(np.sqrt((further**2).sum(axis=1).mean())))
        if changes[-1] < CONVERGED:
            break
    return shifts - shifts[0], tuple(changes)


def _newton(spectra: Spectra, shifts: np.ndarray) -> tuple[np.ndarray, Worth, tuple[float, ...], float]:
    """Refine the shifts to the most likely ones, measuring the powers anew as the frames come to lie."""
    changes: list[float] = []
    worth = ring_powers(spectra, shifts)
    for step in range(NEWTON_STEPS):
        if step in (1, 3):
            worth = ring_powers(spectra, shifts)
        found = agreement(spectra.values, shifts, spectra.ky, spectra.kx, spectra.total(shifts), worth.weights(spectra))
        further = newton_step(found)
        further -= further.mean(axis=0)
        shifts = shifts + further
        changes.append(float(np.sqrt((further**2).sum(axis=1).mean())))
        if changes[-1] < REFINED and step > 0:
            break
    error = 1 / np.sqrt(max(float(found[:, 3:5].mean()), 1e-12))
    return shifts, worth, tuple(changes), float(error)


def newton_step(found: np.ndarray, longest: float = 1.0) -> np.ndarray:
    """Return the steps (n, 2) in px to the tops of parabolas, at most ``longest`` along each axis.

    found  (n, 5) of :func:`relionlab.engine.kernels.correlating.agreement`; where a curvature is not that of a top, the
           mean curvature of all stands in
    """
    slope, curvature = found[:, 1:3], found[:, 3:5]
    usual = np.maximum(curvature.mean(axis=0), 1e-12)
    return np.clip(slope / np.maximum(curvature, 0.3 * usual), -longest, longest)
