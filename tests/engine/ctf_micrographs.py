"""Micrographs with known CTF for tests of its estimation: ice, blobs, shot noise, an ice ring, an uneven beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.ctf import Optics, ctf

TITAN = Optics(voltage_kv=300.0, spherical_aberration_mm=2.7, amplitude_contrast=0.1, pixel_size=1.5)


@dataclass(frozen=True)
class Truth:
    """A micrograph's CTF: Å, degrees."""

    defocus_u: float
    defocus_v: float
    defocus_angle: float
    phase_shift: float = 0.0

    @property
    def defocus(self) -> float:
        """Mean defocus in Å."""
        return 0.5 * (self.defocus_u + self.defocus_v)


def micrograph(
    truth: Truth,
    rng: np.random.Generator,
    *,
    size: int = 2048,
    optics: Optics = TITAN,
    signal: float = 0.25,
    bfactor: float = 80.0,
    ice_ring: float = 0.3,
    ellipticity: float = 0.02,
) -> np.ndarray:
    """Return a micrograph (size, size), float32.

    signal       power of the ice's scattering over that of the shot noise, at low frequency
    bfactor      Å², of the power's decay exp(-B k²/2)
    ice_ring     power added at 3.7 Å, through no CTF, over that of the shot noise
    ellipticity  by how much the background is drawn out along one direction
    """
    ky, kx = np.fft.fftfreq(size, optics.pixel_size)[:, None], np.fft.rfftfreq(size, optics.pixel_size)[None]
    square = kx**2 + ky**2
    contrast = ctf(
        kx, ky, optics=optics, defocus_u=truth.defocus_u, defocus_v=truth.defocus_v,
        defocus_angle=truth.defocus_angle, phase_shift=truth.phase_shift,
    )  # fmt: skip
    ice = np.fft.rfft2(rng.standard_normal((size, size))) * np.sqrt(signal * np.exp(-bfactor * square / 2))
    blobs = np.fft.rfft2(_blobs(rng, size)) * np.exp(-square * 60**2 / 2)
    oval = kx**2 * (1 + ellipticity) ** 2 + ky**2 * (1 - ellipticity) ** 2
    detector = 0.4 + 0.6 * np.exp(-((oval / 0.35**2) ** 1.0)) + 3 * np.exp(-np.sqrt(oval) / 0.01)
    ring = ice_ring * np.exp(-0.5 * ((np.sqrt(square) - 1 / 3.7) / 0.012) ** 2)
    noise = np.fft.rfft2(rng.standard_normal((size, size))) * np.sqrt(detector + ring)
    image = np.fft.irfft2((ice + blobs) * contrast + noise, s=(size, size))
    y, x = np.mgrid[:size, :size] / size - 0.5
    return (100 + 0.5 * image * (1 + 0.2 * x - 0.1 * y) + 10 * (x + y**2)).astype(np.float32)


def _blobs(rng: np.random.Generator, size: int) -> np.ndarray:
    image = np.zeros((size, size))
    count = size * size // 20000
    np.add.at(image, (rng.integers(0, size, count), rng.integers(0, size, count)), -300.0)
    return image
