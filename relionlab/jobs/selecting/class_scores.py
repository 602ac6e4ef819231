"""A rule that ranks class averages from what can be measured; no network, no weights that nobody can explain.

Four quantities, each between 0 and 1, and their geometric mean is the score:

* occupancy   p / (p + 1/K): half for a class of average size
* resolution  the best class's estimated resolution over this one's, at most 1
* accuracy    the best class's accuracy of rotations over this one's, at most 1; 0 where RELION could not estimate it (999)
* image       s / (s + 30), s being the power of the average within 0.6 of the mask's radius over the variance in its
              rim (0.85 to 1): neighbours, broken edges and noise raise the rim, an isolated particle leaves it flat

The best class is looked for among those whose image is at least half good: edges of carbon and contamination align better
than any particle, and would put all particles down.

The constants were set on one run of RELION 5 (50 classes of real β-galactosidase), where classes above 0.5 were those
that hold mostly good particles. A quantity that a model does not have (accuracy after an aligned run) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.io.table import Table

_IMAGE_HALF = 30.0
_PARTICLE = 0.5  # least quality of the image of a class that others are compared with
_FLOOR = 1e-3  # keeps one bad quantity from hiding the order of the others


@dataclass(frozen=True)
class ClassScores:
    """The scores of all classes, in the order of the model, and what they are made of; each (classes,), 0 to 1."""

    score: np.ndarray
    occupancy: np.ndarray
    resolution: np.ndarray
    accuracy: np.ndarray
    image: np.ndarray

    def table(self, classes: Table) -> Table:
        """Return the table that is written beside the selection."""
        return Table(
            {
                "rlnReferenceImage": classes["rlnReferenceImage"],
                "rlnClassNumber": np.arange(1, len(classes) + 1),
                "rlnPredictedClassScore": self.score,
                "rlnlabScoreOccupancy": _text(self.occupancy),
                "rlnlabScoreResolution": _text(self.resolution),
                "rlnlabScoreAccuracy": _text(self.accuracy),
                "rlnlabScoreImage": _text(self.image),
                "rlnClassDistribution": classes["rlnClassDistribution"],
                "rlnEstimatedResolution": _finite(classes["rlnEstimatedResolution"]),
            },
            name="class_scores",
        )


def score_classes(classes: Table, images: np.ndarray | None, *, mask_radius_px: float) -> ClassScores:
    """Score all classes of a model.

    classes         the model's table ``model_classes``
    images          (classes, y, x) averages or (classes, z, y, x) maps; ``None`` where there are none to see
    mask_radius_px  radius of the particle mask
    """
    distribution = classes["rlnClassDistribution"]
    occupancy = distribution / (distribution + 1 / len(distribution))
    unknown = np.full(len(distribution), np.nan)
    image = unknown if images is None else image_quality(images, mask_radius_px=mask_radius_px)
    particles = image >= _PARTICLE if np.any(image >= _PARTICLE) else np.ones(len(distribution), bool)
    resolution = _relative(classes["rlnEstimatedResolution"], particles)
    accuracy = _relative(classes["rlnAccuracyRotations"], particles) if "rlnAccuracyRotations" in classes else unknown
    if not np.any(accuracy > 0):
        accuracy = unknown
    parts = np.stack([occupancy, resolution, accuracy, image])
    logs = np.log(np.maximum(parts[~np.isnan(parts).all(axis=1)], _FLOOR))
    score = np.where(distribution > 0, np.exp(logs.mean(axis=0)), 0.0)
    return ClassScores(score, *(np.nan_to_num(part) for part in (occupancy, resolution, accuracy, image)))


def image_quality(images: np.ndarray, *, mask_radius_px: float) -> np.ndarray:
    """Return (classes,) how much an average stands out of the rim of its mask, from 0 to 1."""
    size = images.shape[-1]
    axes = np.meshgrid(*[np.arange(size) - size // 2] * (images.ndim - 1), indexing="ij")
    radius: np.ndarray = np.sqrt(np.sum([axis.astype(np.float64) ** 2 for axis in axes], axis=0)) / min(
        mask_radius_px, size / 2 - 1
    )
    core, rim = radius < 0.6, (radius > 0.85) & (radius < 1)
    quality = np.zeros(len(images))
    for number in range(len(images)):
        image: np.ndarray = images[number].astype(np.float64)
        edge: np.ndarray = image[rim]
        power = float(np.mean((image[core] - edge.mean()) ** 2))
        if power > 0 and np.isfinite(power):
            ratio = power / max(float(edge.var()), 1e-12 * power)
            quality[number] = ratio / (ratio + _IMAGE_HALF)
    return quality


def choose(
    score: np.ndarray, counts: np.ndarray, *, threshold: float, min_classes: int = -1, min_particles: int = -1
) -> np.ndarray:
    """Return (classes,) which are kept: those at or above the threshold, then the best until both minima are met."""
    kept = (score >= threshold) & (counts > 0)
    for number in np.argsort(-score, kind="stable"):
        enough = kept.sum() >= min_classes and counts[kept].sum() >= min_particles
        if enough:
            break
        kept[number] |= counts[number] > 0
    return kept


def _relative(values: np.ndarray, particles: np.ndarray) -> np.ndarray:
    """Return the smallest value of the classes that show particles, over each value, at most 1; 0 for 999 and infinity."""
    usable = np.isfinite(values) & (values > 0) & (values < 999)
    if not usable.any():
        return np.zeros(len(values))
    best = values[usable & particles].min() if (usable & particles).any() else values[usable].min()
    return np.where(usable, np.minimum(best / np.where(usable, values, 1), 1), 0.0)


def _finite(values: np.ndarray) -> np.ndarray:
    """Return the values with RELION's 999 for what could not be estimated; RELION cannot read infinity."""
    return np.where(np.isfinite(values), values, 999.0)


def _text(values: np.ndarray) -> list[str]:
    return [f"{value:.4f}" for value in values]
