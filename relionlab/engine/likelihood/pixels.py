"""Particle images on the Fourier pixels of the references, for comparisons in known poses.

Half as many points as the polar grid has; and nothing here depends on what changes between iterations, but the norm
corrections, which are factors: so it can be kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from relionlab.engine.fourier import radial_average, rfft2_centred
from relionlab.engine.likelihood.images import Observer, transfer_of
from relionlab.engine.likelihood.model import SharedModel
from relionlab.engine.likelihood.particles import Imaging, OpticsGroup, Particles
from relionlab.engine.polar import PointSampler, PolarGrid


@dataclass(frozen=True)
class Pixels:
    """The pixels of half a Fourier plane with a rounded radius of 1 … k, ring after ring; none has its mate among them.

    x, y   (P,) in Fourier pixels
    first  (k + 1,) where each ring begins, and the end
    """

    x: np.ndarray
    y: np.ndarray
    first: np.ndarray

    @staticmethod
    @lru_cache(maxsize=8)
    def up_to(radius: int) -> Pixels:
        """Return the pixels of the rings up to a radius; those up to a smaller one are their beginning."""
        y, x = (part.ravel() for part in np.mgrid[-radius - 1 : radius + 2, 0 : radius + 2])
        ring = np.floor(np.hypot(x, y) + 0.5).astype(np.int64)
        chosen = np.flatnonzero((ring >= 1) & (ring <= radius) & ((x > 0) | (y > 0)))
        order = chosen[np.lexsort((np.arctan2(y[chosen], x[chosen]), ring[chosen]))]
        first = np.searchsorted(ring[order], np.arange(1, radius + 2))
        return Pixels(x[order].astype(float), y[order].astype(float), first)

    @property
    def counts(self) -> np.ndarray:
        """(k,) pixels of each ring."""
        return np.diff(self.first)


@dataclass(frozen=True)
class Pictures:
    """A batch of n particles.

    signal    (n, P) complex64: transforms of the masked images in their own poses' origins
    transfer  (n, P) float32: CTF, zero where nothing is known
    power     (n, box / 2 + 1) |X|², mean per shell
    origin    (n,) complex: the offset of the object, in px of the references
    """

    signal: np.ndarray
    transfer: np.ndarray
    power: np.ndarray
    origin: np.ndarray

    @property
    def nbytes(self) -> int:
        """Memory that they take."""
        return self.signal.nbytes + self.transfer.nbytes + self.power.nbytes + self.origin.nbytes


class PixelObserver:
    """Prepares the particles of one optics group, with their origins applied exactly."""

    def __init__(self, pixels: Pixels, group: OpticsGroup, model: SharedModel, imaging: Imaging) -> None:
        self.pixels, self.group, self.imaging = pixels, group, imaging
        self._observer = Observer(PolarGrid(model.box, 1, model.box / 2), group, model, imaging, whole=False)
        self.shells = self._observer.shells
        x, y, extent = pixels.x, pixels.y, model.box * model.pixel_size
        in_image = group.aberrations.of_image(x, y)
        scale = group.box * group.optics.pixel_size / extent
        x_image, y_image = (scale * axis for axis in in_image)
        self._whole = np.allclose(x_image, np.rint(x_image)) and np.allclose(y_image, np.rint(y_image))
        self._x, self._y = x_image, y_image
        if self._whole:
            self._x, self._y = np.rint(x_image).astype(int), np.rint(y_image).astype(int)
        else:
            self._sampler = PointSampler(group.box, x_image, y_image)
        self._turns = -2j * np.pi / group.box * np.stack([x_image, y_image])
        turned = group.aberrations.antisymmetric_phase(x / extent, y / extent, optics=group.optics)
        self._turn_back = None if turned is None else np.exp(-1j * turned).astype(np.complex64)
        taken = group.aberrations.symmetric_phase(x / extent, y / extent)
        self._symmetric_phase = None if taken is None else taken.astype(np.float32)[None]
        self._frequencies = [(axis / extent).astype(np.float32)[None, None] for axis in (x, y)]
        ring = np.repeat(np.arange(1, len(pixels.first)), pixels.counts)
        self._seen = (ring * scale * group.aberrations.stretch < group.box / 2).astype(np.float32)

    def look(self, particles: Particles, images: np.ndarray, *, identifiers: np.ndarray) -> Pictures:
        """Return these particles; the arguments are those of :meth:`Observer.look`."""
        masked, origin, rest = self._observer.prepared(particles, images, identifiers=identifiers)
        planes = rfft2_centred(masked)
        power = radial_average(np.abs(planes) ** 2, self.group.box)[:, self.shells]
        signal = self._taken(planes) if self._whole else self._sampler.at_points(masked)
        assert rest is not None  # an observer of exact origins has it
        signal = signal * np.exp(rest @ self._turns).astype(np.complex64)
        if self._turn_back is not None:
            signal *= self._turn_back
        transfer = transfer_of(
            particles,
            (self._frequencies[0], self._frequencies[1]),
            self.group,
            imaging=self.imaging,
            symmetric_phase=self._symmetric_phase,
        )
        return Pictures(signal, transfer[:, 0] * self._seen, power, origin)

    def _taken(self, planes: np.ndarray) -> np.ndarray:
        """Return the transforms at whole pixels; beyond the images' own Nyquist frequency they repeat."""
        box = self.group.box
        x, y = self._x % box, self._y % box
        beyond = x > box // 2
        taken = planes[:, np.where(beyond, -y % box, y), np.where(beyond, box - x, x)].astype(np.complex64, copy=False)
        return np.where(beyond, taken.conj(), taken)
