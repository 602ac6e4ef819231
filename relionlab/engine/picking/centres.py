"""Where the centres of blobs are: told by what the blobs of one micrograph look like on average, turned every way.

No fixed filter knows whether a particle is hollow, has lobes, or what its CTF makes of it; off-centre maxima follow. The
particles themselves tell: the rotational average of all picks is matched with the micrograph, the picks move to the maxima
nearby, and their average, now sharper, is matched again. This is reference-free alignment (Penczek, Radermacher & Frank
1992, Ultramicroscopy 40, 33) of shifts alone; at every radius the mean of the middle half of the picks is taken, as
contamination and neighbours are among them.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from relionlab.engine.picking.background import soft_disc
from relionlab.engine.picking.frame import Frame, image_of
from relionlab.engine.picking.peaks import Scores, at_centres
from relionlab.engine.picking.picks import Picks

_REACH = 0.75
"""Of the diameter: radius within which particles are averaged, to the outer end of the ring that a blob's disc is compared with."""
_ROUNDS = 4
_FEWEST = 5  # picks whose average says more than noise
_TRIMMED = 0.25  # of the picks at either end, at every radius


def centre_map(spectrum: np.ndarray, scores: Scores, picks: Picks, *, start: np.ndarray) -> np.ndarray | None:
    """Return a map (y, x) that is highest at the particles' centres; ``None`` where too few are picked to learn from.

    spectrum  as :func:`relionlab.engine.picking.frame.place` gives it
    scores    of blobs, with their diameters
    picks     taken from these
    start     (y, x) such a map to begin with
    """
    if len(picks) < _FEWEST or scores.diameter is None:
        return None
    frame, reach = scores.frame, _REACH * float(scores.diameter.min() + scores.diameter.max()) / 2
    image, centre = image_of(spectrum, frame), start
    for _ in range(_ROUNDS):
        profiles = _profiles(image, frame, at_centres(scores, picks, centre), reach)
        cut = int(_TRIMMED * len(profiles))
        profile = np.sort(profiles, axis=0)[cut : len(profiles) - cut].mean(axis=0)
        centre = image_of(spectrum * _turned_every_way(profile, frame, reach), frame)
    return centre


def _profiles(image: np.ndarray, frame: Frame, picks: Picks, reach: float) -> np.ndarray:
    """Return (picks, rings) means of rings, one map pixel wide, about each pick; the map is continued periodically."""
    pixel = sum(frame.pixels) / 2
    rings = int(np.ceil(reach / pixel)) + 1
    down, right = (np.arange(-n, n + 1) for n in (int(rings * pixel / side) + 1 for side in frame.pixels))
    means = np.empty((len(picks), rings))
    for index, (x, y) in enumerate(zip(picks.x / frame.steps[1], picks.y / frame.steps[0], strict=True)):
        rows, columns = down + round(y), right + round(x)
        radius = np.hypot((rows[:, None] - y) * frame.pixels[0], (columns[None] - x) * frame.pixels[1])
        ring = np.minimum(radius / pixel, rings).astype(int).ravel()
        values = image[np.ix_(rows % image.shape[0], columns % image.shape[1])].ravel()
        counts = np.bincount(ring, minlength=rings)[:rings]
        means[index] = np.bincount(ring, values, minlength=rings)[:rings] / np.maximum(counts, 1)
    return means


def _turned_every_way(profile: np.ndarray, frame: Frame, reach: float) -> np.ndarray:
    """Return the filter, real on the half plane, that matches a profile of rings, less its mean, with every place."""
    pixel = sum(frame.pixels) / 2
    image = np.interp(frame.radii / pixel - 0.5, np.arange(len(profile)), profile).astype(np.float32)
    within = soft_disc(frame, reach)
    return np.asarray(scipy.fft.rfft2(within * (image - np.average(image, weights=within))).real, dtype=np.float32)
