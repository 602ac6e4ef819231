"""From particle images to what an E-step compares: masked, on the polar grid, whitened, times the CTF.

The polar grid is the object's: an image with an anisotropic magnification is sampled where the object's frequencies lie in
its transform, and aberrations are taken back. Without them that costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.ctf import ctf
from relionlab.engine.fourier import irfft2_centred, radial_average, radial_index, resize, rfft2_centred
from relionlab.engine.likelihood.model import SharedModel
from relionlab.engine.likelihood.particles import Imaging, OpticsGroup, Particles
from relionlab.engine.masks import soft_circle
from relionlab.engine.polar import PolarGrid, PolarSampler


@dataclass(frozen=True)
class Seen:
    """A batch of n particles on the polar grid, rings k = 1 … radius, on the half circle.

    signal   (n, k, angles / 2) complex64: s CTF X / (2 sigma2)
    weight   (n, k, angles / 2) float32: s² CTF² / (2 sigma2)
    power    (n, box / 2 + 1) |X|² of the masked images, mean per shell: rings inside the grid, pixels beyond
    sigma2   (n, k) noise variance on the rings
    origin   (n,) complex: x + i y of the offset that was applied to the object, in px of the references; with an anisotropic
             magnification images are moved by ``group.aberrations.offset_of_image(origin)``
    """

    signal: np.ndarray
    weight: np.ndarray
    power: np.ndarray
    sigma2: np.ndarray
    origin: np.ndarray


class Observer:
    """Prepares the particles of one optics group for an E-step.

    grid    polar grid of the references (in their pixel size)
    whole   apply the origins in whole px: for searches whose offsets reach over more than a pixel; otherwise the rest is
            applied as a phase, so that offsets count from the origins themselves
    """

    def __init__(
        self, grid: PolarGrid, group: OpticsGroup, model: SharedModel, imaging: Imaging, *, whole: bool
    ) -> None:
        self.group, self.model, self.imaging, self.grid, self.whole = group, model, imaging, grid, whole
        pixel_size = group.optics.pixel_size
        scale = group.box * pixel_size / (model.box * model.pixel_size)
        x, y = grid.frequencies()
        in_image = group.aberrations.of_image(x, y)
        self.sampler = PolarSampler(
            grid, group.box, scale=scale, samples=None if group.aberrations.matrix is None else in_image
        )
        self.mask = soft_circle(group.box, imaging.diameter / 2 / pixel_size, imaging.edge)
        # transforms are divided by the number of px: a particle in a box of another extent would seem weaker by this
        self.amplitude = np.float32(scale**2)
        extent = model.box * model.pixel_size
        # of the object: the CTF and the aberrations are functions of them; and of the image: origins are measured there
        self.frequency_x, self.frequency_y = ((axis / extent).astype(np.float32)[None] for axis in (x, y))
        self._image_x, self._image_y = ((axis / extent).astype(np.float32)[None] for axis in in_image)
        turned = group.aberrations.antisymmetric_phase(x / extent, y / extent, optics=group.optics)
        self._turn_back = None if turned is None else np.exp(-1j * turned).astype(np.complex64)
        taken = group.aberrations.symmetric_phase(x / extent, y / extent)
        self._symmetric_phase = None if taken is None else taken.astype(np.float32)
        # beyond the images' own Nyquist frequency nothing is known; whole rings, so that weights stay smooth around them
        outermost = grid.rings[:, None] * (scale * group.aberrations.stretch)
        self._seen = (outermost < group.box / 2).astype(np.float32)
        shells = np.arange(model.box // 2 + 1) * scale
        self.shells = np.clip(np.rint(shells).astype(int), 0, group.box // 2)

    def look(self, particles: Particles, images: np.ndarray, *, identifiers: np.ndarray) -> Seen:
        """Return these particles on the polar grid.

        images       (n, box, box) float32 as read
        identifiers  (n,) the particles' numbers: seeds of the noise that fills the outside
        """
        sigma2 = self.model.sigma2[particles.group]
        masked, origin, rest = self.prepared(particles, images, identifiers=identifiers)
        samples = self.sampler.sample(masked)
        if rest is not None:
            samples *= self._phases(rest)
        if self._turn_back is not None:
            samples *= self._turn_back
        power = self._power(masked, samples)
        transfer = transfer_of(
            particles,
            (self.frequency_x, self.frequency_y),
            self.group,
            imaging=self.imaging,
            symmetric_phase=self._symmetric_phase,
        )
        scale = self.model.scale[particles.group].astype(np.float32)[:, None, None]
        rings = sigma2[:, 1 : self.grid.radius + 1]
        factor = transfer * (scale * self._seen * (0.5 / rings).astype(np.float32)[:, :, None])
        return Seen(samples * factor, factor * transfer * scale, power, rings, origin)

    def prepared(
        self, particles: Particles, images: np.ndarray, *, identifiers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return images moved by whole px, corrected and masked; the origins applied (see Seen); and the rest.

        The rest (n, 2) is by how many px of the images a phase still has to move them; ``None`` where origins are whole.
        """
        shifted, origin, rest = self._shifted(particles, images)
        return self._masked(shifted, self.model.sigma2[particles.group], identifiers), origin, rest

    def masked_images(self, particles: Particles, images: np.ndarray) -> np.ndarray:
        """Return the images as the E-step masks and scales them, with the outside empty."""
        return self._inside(self._shifted(particles, images)[0])

    def in_reference_box(self, images: np.ndarray) -> np.ndarray:
        """Return masked images in the references' box and pixel size, by cropping or padding their transforms."""
        box, pixel_size = self.group.box, self.group.optics.pixel_size
        fitting = round(box * pixel_size / self.model.pixel_size / 2) * 2
        rescaled = resize(images / self.amplitude, fitting)
        result = np.zeros((len(images), self.model.box, self.model.box), images.dtype)
        common = min(fitting, self.model.box)
        to, of = self.model.box // 2 - common // 2, fitting // 2 - common // 2
        result[:, to : to + common, to : to + common] = rescaled[:, of : of + common, of : of + common]
        return result

    def _shifted(self, particles: Particles, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Move the images by their origins in whole px, so that nothing is interpolated; return what is left over.

        Norm and extent are corrected on the way. The rest is applied as a phase unless origins are to be whole.
        """
        wanted = particles.origin / self.group.optics.pixel_size
        whole = np.rint(wanted).astype(int)
        correction = (self.model.mean_norm / particles.norm).astype(np.float32) * self.amplitude
        result = np.zeros_like(images)
        box = self.group.box
        for n, (x, y) in enumerate(np.clip(whole, -box, box)):
            to_y, from_y = slice(max(y, 0), box + min(y, 0)), slice(max(-y, 0), box + min(-y, 0))
            to_x, from_x = slice(max(x, 0), box + min(x, 0)), slice(max(-x, 0), box + min(-x, 0))
            result[n, to_y, to_x] = images[n, from_y, from_x] * correction[n]
        applied = whole if self.whole else wanted
        rest = None if self.whole else wanted - whole
        pixels = self.group.optics.pixel_size / self.model.pixel_size  # offsets count in px of the references
        moved = self.group.aberrations.offset_of_object((applied[:, 0] + 1j * applied[:, 1]) * pixels)
        return result, moved, rest

    def _masked(self, images: np.ndarray, sigma2: np.ndarray, identifiers: np.ndarray) -> np.ndarray:
        """Keep the inside of the mask; the outside becomes zero, or noise with the group's spectrum."""
        inside = self._inside(images)
        if self.imaging.zero_mask:
            return inside
        return inside + (1 - self.mask) * self._noise(sigma2, identifiers)

    def _inside(self, images: np.ndarray) -> np.ndarray:
        outside = 1 - self.mask
        background = (images * outside).sum(axis=(1, 2)) / max(float(outside.sum()), 1e-6)
        return (images - background[:, None, None]) * self.mask

    def _noise(self, sigma2: np.ndarray, identifiers: np.ndarray) -> np.ndarray:
        box = self.group.box
        shells = np.rint(radial_index(box) / self.sampler.scale).astype(int)  # those of the references
        spectrum = np.sqrt(2 * sigma2[:, np.minimum(shells, self.model.box // 2)])
        white = np.stack(
            [
                np.random.default_rng([self.imaging.seed, int(i)]).standard_normal((box, box), np.float32)
                for i in identifiers
            ]
        )
        return irfft2_centred((rfft2_centred(white) * (box * spectrum)).astype(np.complex64), box)

    def _phases(self, offsets: np.ndarray) -> np.ndarray:
        """Return the phases that move images by offsets in px of the images."""
        pixel_size = self.group.optics.pixel_size
        x, y = (offsets[:, axis, None, None] * pixel_size for axis in (0, 1))
        return np.exp(-2j * np.pi * (self._image_x * x + self._image_y * y)).astype(np.complex64)

    def _power(self, masked: np.ndarray, samples: np.ndarray) -> np.ndarray:
        pixels = radial_average(np.abs(rfft2_centred(masked)) ** 2, self.group.box)[:, self.shells]
        pixels[:, 1 : self.grid.radius + 1] = np.mean(samples.real**2 + samples.imag**2, axis=-1)
        return pixels


def transfer_of(
    particles: Particles,
    frequencies: tuple[np.ndarray, np.ndarray],
    group: OpticsGroup,
    *,
    imaging: Imaging,
    symmetric_phase: np.ndarray | None,
) -> np.ndarray:
    """Return the CTF of particles of one optics group, (n, a, b) float32.

    frequencies      x and y in 1/Å, each (1, a, b) float32
    symmetric_phase  (a, b) of the aberrations
    """
    x, y = frequencies
    if not imaging.use_ctf:
        return np.ones((len(particles), *x.shape[1:]), np.float32)
    per_image = {
        name: getattr(particles, field).astype(np.float32)[:, None, None]
        for name, field in (
            ("defocus_u", "defocus_u"),
            ("defocus_v", "defocus_v"),
            ("defocus_angle", "defocus_angle"),
            ("phase_shift", "phase_shift"),
            ("bfactor", "bfactor"),
            ("scale", "ctf_scale"),
        )
    }
    return ctf(
        x,
        y,
        optics=group.optics,
        phase_flipped=imaging.phase_flipped,
        only_flip_phases=imaging.only_flip_phases,
        intact_first_peak=imaging.intact_first_peak,
        symmetric_phase=symmetric_phase,
        **per_image,
    ).astype(np.float32, copy=False)
