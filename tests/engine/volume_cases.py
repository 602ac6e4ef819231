"""Maps with known transforms: sums of Gaussians."""

from __future__ import annotations

import numpy as np


class Blobs:
    """Gaussians at random places inside a ball: a map whose transform is known at every frequency."""

    def __init__(self, n: int, *, seed: int = 0, count: int = 12, width: float = 1.3) -> None:
        rng = np.random.default_rng(seed)
        places = rng.normal(size=(count, 3))
        places /= np.linalg.norm(places, axis=1, keepdims=True)
        self.n, self.width = n, width
        self.places = places * 0.3 * n * rng.uniform(0.2, 1, (count, 1))
        self.heights = rng.uniform(0.5, 1.5, count)

    def map(self) -> np.ndarray:
        """Return the map (n, n, n), float32."""
        z, y, x = np.indices((self.n,) * 3) - self.n // 2
        out = np.zeros((self.n,) * 3)
        for (a, b, c), height in zip(self.places, self.heights, strict=True):
            out += height * np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / (2 * self.width**2))
        return out.astype(np.float32)

    def transform(self, frequencies: np.ndarray) -> np.ndarray:
        """Return the transform of projections, forward normalised by n², at frequencies (…, 3) in Fourier pixels."""
        total = np.zeros(frequencies.shape[:-1], complex)
        for place, height in zip(self.places, self.heights, strict=True):
            total += height * np.exp(-2j * np.pi / self.n * (frequencies @ place))
        square = np.sum(frequencies**2, axis=-1)
        gauss = (2 * np.pi) ** 1.5 * self.width**3 * np.exp(-2 * (np.pi * self.width / self.n) ** 2 * square)
        return total * gauss / self.n**2


def shell_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the Fourier shell correlation (n//2+1,) of two maps."""
    from relionlab.engine.fourier import hermitian_weights, radial_index, rfft3_centred

    n = first.shape[-1]
    a, b = (rfft3_centred(map_.astype(np.float64)) for map_ in (first, second))
    weights = np.broadcast_to(hermitian_weights(n), a.shape).ravel()

    def shells(values: np.ndarray) -> np.ndarray:
        return np.bincount(radial_index(n, 3).ravel(), values.ravel() * weights)[: n // 2 + 1]

    return shells((a * b.conj()).real) / np.sqrt(shells(np.abs(a) ** 2) * shells(np.abs(b) ** 2))
