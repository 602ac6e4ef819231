"""Turn and shift a map by interpolation in its padded transform."""

from __future__ import annotations

import numpy as np

from relionlab.engine.kernels.volumes import gather_turned
from relionlab.engine.volume.lattice import Lattice
from relionlab.engine.volume.slicer import volume_of
from relionlab.engine.volume.solving import to_map


def moved(map_: np.ndarray, rotation: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the map (n, n, n) turned about a centre that comes to the origin: out(R (x - centre)) = map(x).

    rotation  (3, 3) R, acts on x, y, z
    centre    (3,) x, y, z from the origin in px
    """
    n = map_.shape[-1]
    fine = Lattice(n, n // 2)
    volume = volume_of(map_.astype(np.float32), fine)
    flat = Lattice(n, n // 2, padding=1)
    line = np.arange(-flat.reach, flat.reach + 1)
    z, y, x = np.meshgrid(line, line, np.arange(flat.reach + 1), indexing="ij")
    inside = x**2 + y**2 + z**2 <= flat.radius**2
    points = np.stack([x[inside], y[inside], z[inside]], axis=1).astype(np.float64)
    # the transform of out at k is that of the map at Rᵀ k, and a shift is a phase there
    found = gather_turned(volume, rotation.T[None] * fine.padding, points)[0]
    values = found.view(np.complex64)[..., 0] * np.exp(2j * np.pi / n * (points @ rotation @ centre))
    spectrum = np.zeros(x.shape, np.complex64)
    spectrum[inside] = values
    return ungridded(spectrum, flat)


def ungridded(spectrum: np.ndarray, lattice: Lattice) -> np.ndarray:
    """Return the map of an unpadded spectrum: nothing was gridded onto it, so nothing is to be corrected."""
    line = lattice.kernel_transform().astype(np.float32)
    map_ = to_map(spectrum, lattice)
    return np.asarray(map_ * (line[:, None, None] * line[:, None] * line), np.float32)
