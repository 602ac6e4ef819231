"""Choices between 3D jobs that a user makes by eye, by rule: which classes go on, and where the particle ends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.display.results import find_file
from relionlab.engine.axes import COARSE_SHELLS, find_axes
from relionlab.engine.fourier import resize_map
from relionlab.engine.maps.filters import filtered, low_pass, radial
from relionlab.engine.masks import soft_sphere
from relionlab.engine.symmetry import point_group
from relionlab.io.images import read_map
from relionlab.io.star import read_star
from relionlab.jobs.refinement.rounds import column, last_round

_ENOUGH = 64  # px of box: a symmetry shows at low resolution
_COARSER = 1.5  # times the finest class's resolution: no longer the same particle seen as well


@dataclass(frozen=True)
class ClassChoice:
    """What a 3D classification came to.

    shares       (K,) share of the particles in each class, 0 to 1
    resolutions  (K,) Å, estimated
    symmetries   (K,) correlation of each class's map with itself under the group, -1 to 1; nan without a group
    kept         class numbers, from 1, that go on
    """

    shares: np.ndarray
    resolutions: np.ndarray
    symmetries: np.ndarray
    kept: tuple[int, ...]

    @property
    def tells(self) -> bool:
        """Whether some class is left out."""
        return len(self.kept) < int((self.shares > 0).sum())


def choose_classes(directory: Path, *, symmetry: str) -> ClassChoice:
    """Return which classes of a Class3D job go on: those that are as fine as the best one, and as symmetric.

    symmetry  that the particle is expected to have. A map that lacks one of the n subunits that the group makes alike has
              lost 1 / (n - 1) of its likeness to itself; half of that loss is borne.
    """
    model = last_round(directory).models[0]
    classes = read_star(model)["model_classes"]
    shares = np.nan_to_num(column(classes, "rlnClassDistribution"))
    resolutions = column(classes, "rlnEstimatedResolution")
    resolutions = np.where(np.isfinite(resolutions) & (resolutions > 0), resolutions, np.inf)
    filled = shares > 0
    group = point_group(symmetry)
    symmetries = np.full(len(shares), np.nan)
    good = filled & (resolutions <= _COARSER * resolutions[filled].min())
    if group.order > 1:
        for k in np.flatnonzero(filled):
            volume, _ = read_map(find_file(str(classes["rlnReferenceImage"][k]), model))
            small = resize_map(volume, min(len(volume), _ENOUGH))
            symmetries[k] = find_axes(small, group, shells=COARSE_SHELLS).score
        best = symmetries[good].max()
        good &= symmetries >= best - abs(best) / (2 * (group.order - 1))
    return ClassChoice(shares, resolutions, symmetries, tuple(int(k) + 1 for k in np.flatnonzero(good)))


def noise_threshold(first: Path, second: Path, *, resolution: float, diameter: float) -> float:
    """Return the lowest density that noise does not reach in a map filtered to a resolution (Å): where the particle begins.

    first, second  unfiltered half-maps: half of their difference is the noise of their mean
    diameter       Å, within which noise is looked at
    """
    (one, pixel_size), (other, _) = read_map(first), read_map(second)
    if not pixel_size:
        pixel_size = 1.0
    n = one.shape[-1]
    noise = filtered((one - other) / 2, radial(one.shape, low_pass(resolution, side=n, pixel_size=pixel_size)))
    inside = soft_sphere(n, min(diameter / 2 / pixel_size, n / 2 - 4), 1) > 0
    return float(np.abs(noise[inside]).max())
