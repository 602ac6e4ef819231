"""Local mean and standard deviation of a micrograph, under a particle and around it.

Source: Roseman (2003) Ultramicroscopy 94, 225: both follow from two correlations, of the image and of its square.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from relionlab.engine.picking.frame import Frame, image_of

_AROUND = 1.4
"""Outer over inner radius of the ring around a particle: as many pixels as lie in the particle's disc."""
_TYPICAL = 1.3
"""Local standard deviations up to this many times the median are noise and particles; beyond, something is wrong."""


@dataclass(frozen=True)
class Background:
    """Local statistics, each (y, x) float32, in standard deviations of the micrograph.

    average  mean in the ring around each pixel
    stddev   standard deviation in that ring
    under    standard deviation in the disc of the particle's size about each pixel
    """

    average: np.ndarray
    stddev: np.ndarray
    under: np.ndarray

    def penalty(self, valid: np.ndarray) -> np.ndarray:
        """Return what to divide scores by, (y, x): 1 on ordinary background, more on ice crystals and carbon.

        valid  (y, x) bool, where the median is taken

        A score is evidence in units of the noise: where the local variance exceeds what is typical of the micrograph it
        counts as much less as the variance is larger. Roseman's plain division by the local standard deviation,
        everywhere, would add that deviation's own sampling noise to all scores, and take strong particles down.
        """
        typical = np.float32(_TYPICAL * max(float(np.median(self.under[valid])), 1e-6))
        return np.maximum((self.under / typical) ** 2, np.float32(1))


def background(spectrum: np.ndarray, frame: Frame, diameter: float) -> Background:
    """Return the local statistics of a micrograph given as its spectrum; ``diameter`` of the particle in Å."""
    image = image_of(spectrum, frame)
    square = scipy.fft.rfft2(image**2, norm="forward")
    disc = soft_disc(frame, diameter / 2)
    ring = soft_disc(frame, _AROUND * diameter / 2) - disc
    _, under = _moments(spectrum, square, disc, frame)
    average, stddev = _moments(spectrum, square, ring, frame)
    return Background(average, stddev, under)


def soft_disc(frame: Frame, radius: float) -> np.ndarray:
    """Return a disc about pixel (0, 0), with wrap-around: 1 within the radius in Å, with an edge one pixel wide."""
    pixel = sum(frame.pixels) / 2
    return np.clip((radius - frame.radii) / pixel + 0.5, 0, 1).astype(np.float32)


def _moments(
    spectrum: np.ndarray, square: np.ndarray, weight: np.ndarray, frame: Frame
) -> tuple[np.ndarray, np.ndarray]:
    kernel = scipy.fft.rfft2(weight / weight.sum(dtype=np.float64).astype(np.float32)).real  # even: no conjugate
    mean = image_of(spectrum * kernel, frame)
    variance = image_of(square * kernel, frame) - mean**2
    return mean, np.sqrt(np.maximum(variance, 0))
