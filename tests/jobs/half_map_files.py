"""Half-maps of a made-up particle in a folder like a project: rods in a ball, with noise that grows with frequency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from relionlab.io.images import write_map

BOX, SIZE = 48, 2.0
FOLDER = "Refine3D/job001"
HALF, MAP = f"{FOLDER}/run_half1_class001_unfil.mrc", f"{FOLDER}/run_class001.mrc"


def write_half_maps(folder: Path, *, box: int = BOX, noise: float = 0.5) -> Path:
    """Write both half-maps and their map below ``folder``, and return it."""
    rng = np.random.default_rng(11)
    grid = np.stack(np.meshgrid(*[np.arange(box) - box // 2] * 3, indexing="ij"))
    ball = np.sqrt((grid**2).sum(axis=0)) < 0.22 * box
    rods = ndimage.gaussian_filter(rng.normal(size=(box,) * 3), 1.0)
    particle = ball * (1.0 + rods / rods.std() * 0.7)
    halves = [particle + noise * rng.normal(size=particle.shape) for _ in range(2)]
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for name, values in zip((HALF, HALF.replace("half1", "half2")), halves, strict=True):
        write_map(folder / name, values.astype(np.float32), pixel_size=SIZE)
    write_map(folder / MAP, ((halves[0] + halves[1]) / 2).astype(np.float32), pixel_size=SIZE)
    return folder
