"""How unlike the others a particle is: statistics of its difference from the aligned, CTF-filtered reference.

For each particle the reference is turned and moved to where the particle was found, filtered by the particle's CTF and
scaled to it by least squares; what is left over should be noise. RELION 2's particle_sort has the same idea (Scheres
(2010) Methods Enzymol. 482, 295, on outliers in picked particles); the features below are our own:

    correlation   1 - correlation coefficient of particle and reference inside the mask
    residual      standard deviation of the difference inside the mask, over that of the background outside
    skewness      of the difference inside the mask: contamination and carbon are one-sided
    kurtosis      excess of the difference inside the mask: ice crystals and hot pixels have heavy tails
    unevenness    standard deviation of the means of the difference in four quadrants and the centre: neighbours, edges
    low_pass      standard deviation of the difference after smoothing over 1/16 of the box: blobs that are no particle

Each is turned into a Z-score by median and median absolute deviation over all particles (of a class), and the mean of
the absolute values is the particle's score: about 0.8 for ordinary ones; above 1.5 or so look at them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from relionlab.engine.masks import radius_grid

FEATURES = ("correlation", "residual", "skewness", "kurtosis", "unevenness", "low_pass")
"""Names of the features, in their order."""
_CLIP = 20.0  # a feature may not count more than this many deviations, or one broken image would be all there is


def turned(image: np.ndarray, psi: float, origin_px: tuple[float, float]) -> np.ndarray:
    """Return a reference (n, n) turned and moved to where a particle shows it.

    psi        rlnAnglePsi in degrees
    origin_px  rlnOriginX and Y in px: the particle lies at minus this from the box's centre
    Cubic splines; zeros come in at the edges.
    """
    angle, half = np.radians(psi), image.shape[-1] // 2
    cosine, sine = np.cos(angle), np.sin(angle)
    # pixel (y, x) of the particle shows the reference at A^T ((x, y) + origin), A = Rz(psi)
    matrix = np.array([[cosine, sine], [-sine, cosine]])
    shift = matrix @ (np.array([origin_px[1], origin_px[0]]) - half) + half
    return np.asarray(ndimage.affine_transform(image, matrix, shift, order=3, mode="constant"), dtype=image.dtype)


def features(particles: np.ndarray, references: np.ndarray, *, mask_radius: float) -> np.ndarray:
    """Return the features (N, 6) of particles (N, n, n) beside their references, aligned and CTF-filtered (N, n, n).

    mask_radius  of the particle in px; outside is background
    """
    n = particles.shape[-1]
    radius = radius_grid(n)
    inside = radius <= mask_radius
    outside = radius > mask_radius
    if not outside.any():
        outside = radius > n // 2 - 1
    image = particles.reshape(len(particles), -1).astype(np.float64)
    reference = references.reshape(len(references), -1).astype(np.float64)
    within, without = inside.ravel(), outside.ravel()
    x = image[:, within] - image[:, within].mean(axis=1, keepdims=True)
    r = reference[:, within] - reference[:, within].mean(axis=1, keepdims=True)
    power = np.maximum((r**2).sum(axis=1), 1e-30)
    correlation = (x * r).sum(axis=1) / np.sqrt(power * np.maximum((x**2).sum(axis=1), 1e-30))
    scale = (x * r).sum(axis=1) / power
    difference = image - scale[:, None] * reference
    rest = difference[:, within]
    rest = rest - rest.mean(axis=1, keepdims=True)
    deviation = np.maximum(rest.std(axis=1), 1e-30)
    background = np.maximum(difference[:, without].std(axis=1), 1e-30)
    standard = rest / deviation[:, None]
    return np.stack(
        [
            1 - correlation,
            deviation / background,
            np.abs((standard**3).mean(axis=1)),
            (standard**4).mean(axis=1) - 3,
            _unevenness(difference, within, n, mask_radius),
            _low_pass(difference, within, n),
        ],
        axis=1,
    )


def z_scores(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return each particle's mean absolute Z-score (N,) over its features (N, F), compared within its group (N,).

    Groups of fewer than 20 particles are compared with all.
    """
    scores = np.zeros(len(values))
    names, counts = np.unique(groups, return_counts=True)
    small = np.isin(groups, names[counts < 20])
    for name in names[counts >= 20]:
        members = groups == name
        scores[members] = _scored(values[members], values[members])
    if small.any():
        scores[small] = _scored(values[small], values)
    return scores


def _scored(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    among = among[
        np.isfinite(among).all(axis=1)
    ]  # an image that is no numbers is like none, and tells nothing of others
    if not len(among):
        return np.full(len(values), _CLIP)
    centre = np.median(among, axis=0)
    spread = 1.4826 * np.median(np.abs(among - centre), axis=0)
    flat = spread <= 1e-12 * np.maximum(np.abs(centre), 1)
    z = np.where(flat, 0.0, (values - centre) / np.where(flat, 1.0, spread))
    result: np.ndarray = np.minimum(np.abs(np.nan_to_num(z, nan=_CLIP, posinf=_CLIP, neginf=_CLIP)), _CLIP).mean(axis=1)
    return result


def _unevenness(difference: np.ndarray, within: np.ndarray, n: int, radius: float) -> np.ndarray:
    y, x = np.mgrid[:n, :n] - n // 2
    centre = np.hypot(x, y) <= radius / 2
    quarters = [(y >= 0) & (x >= 0), (y >= 0) & (x < 0), (y < 0) & (x >= 0), (y < 0) & (x < 0)]
    parts: list[Any] = [(part & ~centre).ravel() & within for part in quarters] + [centre.ravel() & within]
    means = np.stack([difference[:, part].mean(axis=1) for part in parts if part.any()], axis=1)
    return means.std(axis=1)


def _low_pass(difference: np.ndarray, within: np.ndarray, n: int) -> np.ndarray:
    smooth = ndimage.gaussian_filter(difference.reshape(-1, n, n), (0, n / 16, n / 16), mode="nearest")
    return smooth.reshape(len(difference), -1)[:, within].std(axis=1)
