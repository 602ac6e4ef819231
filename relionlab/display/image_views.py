"""How images are made ready for the eye: contrast, low-pass, power spectra, and the CTF's phases taken back.

Images come and go as (n, y, x); nothing of it changes a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.fft

from relionlab.engine.ctf import Optics, ctf_images
from relionlab.errors import InputError

View = Literal["image", "power", "flipped", "multiplied"]
VIEWS: dict[str, View] = {
    "Image": "image",
    "Power spectrum": "power",
    "CTF phases flipped": "flipped",
    "Multiplied by CTF": "multiplied",
}
"""What can be shown of an image, in words."""
_PERCENTILES = (0.5, 99.5)
_PROBED = 100_000  # pixels from which percentiles are taken
_TILE = 512  # px of the squares whose spectra are averaged for large images


@dataclass(frozen=True)
class ImageLook:
    """How images are shown.

    view      the image, its power spectrum, or (particles) with its CTF's phases flipped or multiplied by its CTF
    sigma     grey runs over so many standard deviations to either side of the mean, as RELION's sigma contrast;
              0: between the 0.5th and 99.5th percentile
    low_pass  Å, for the eye (Gaussian, 1/e at this resolution); 0: none
    inverted  black and white exchanged
    """

    view: View = "image"
    sigma: float = 0.0
    low_pass: float = 0.0
    inverted: bool = False


@dataclass(frozen=True)
class ImageCtf:
    """The CTF of n particles of one optics group: defocus U and V in Å, angle and phase shift in °, each (n,)."""

    optics: Optics
    defocus_u: np.ndarray
    defocus_v: np.ndarray
    defocus_angle: np.ndarray
    phase_shift: np.ndarray


def seen(images: np.ndarray, look: ImageLook, *, pixel_size: float, ctf: ImageCtf | None = None) -> np.ndarray:
    """Return images (n, y, x) as they are looked at, float32, before contrast.

    pixel_size  Å
    ctf         of these images, for the views that need it; InputError if it is missing then
    """
    if look.view in ("flipped", "multiplied"):
        images = corrected(images, ctf, only_flip=look.view == "flipped")
    if look.low_pass > 0:
        images = low_passed(images, look.low_pass, pixel_size=pixel_size)
    if look.view == "power":
        return power_spectra(images)
    return images


def corrected(images: np.ndarray, ctf: ImageCtf | None, *, only_flip: bool) -> np.ndarray:
    """Return square images (n, y, x) multiplied by their CTF, or by its sign only; protein stays bright."""
    if ctf is None:
        raise InputError("Of these images the CTF is not known: their table has no rlnDefocusU or no optics groups.")
    size = images.shape[-1]
    if images.shape[-2] != size:
        raise InputError(f"These images are {size} × {images.shape[-2]} px; the CTF is shown of square ones only.")
    transfer = ctf_images(
        size,
        optics=ctf.optics,
        defocus_u=ctf.defocus_u,
        defocus_v=ctf.defocus_v,
        defocus_angle=ctf.defocus_angle,
        phase_shift=ctf.phase_shift,
        only_flip_phases=only_flip,
    )
    return scipy.fft.irfft2(scipy.fft.rfft2(images) * transfer, images.shape[-2:]).astype(np.float32)


def low_passed(images: np.ndarray, resolution: float, *, pixel_size: float) -> np.ndarray:
    """Return images after a Gaussian low-pass filter that is 1/e at ``resolution``; both in Å."""
    y = scipy.fft.fftfreq(images.shape[-2], pixel_size)[:, None]
    x = scipy.fft.rfftfreq(images.shape[-1], pixel_size)[None, :]
    weight = np.exp(-(y**2 + x**2) * resolution**2).astype(np.float32)
    return scipy.fft.irfft2(scipy.fft.rfft2(images) * weight, images.shape[-2:]).astype(np.float32)


def power_spectra(images: np.ndarray) -> np.ndarray:
    """Return the logarithm of the power of images (n, y, x), zero frequency in the middle and taken out.

    Of images beyond 1024 px the mean over squares of 512 px, overlapping by half, in which Thon rings are seen.
    """
    if min(images.shape[-2:]) > 2 * _TILE:
        return np.stack([_averaged_power(image) for image in images])
    spectra = scipy.fft.fft2(images - images.mean(axis=(-2, -1), keepdims=True))
    power = scipy.fft.fftshift(np.abs(spectra) ** 2, axes=(-2, -1)).astype(np.float32)
    return _logarithm(power)


def _averaged_power(image: np.ndarray) -> np.ndarray:
    window = np.hanning(_TILE).astype(np.float32)
    window = window[:, None] * window[None, :]
    total = np.zeros((_TILE, _TILE // 2 + 1), dtype=np.float64)
    for top in range(0, image.shape[0] - _TILE + 1, _TILE // 2):
        strip = image[top : top + _TILE]
        lefts = range(0, image.shape[1] - _TILE + 1, _TILE // 2)
        tiles = np.stack([strip[:, left : left + _TILE] for left in lefts])
        tiles = (tiles - tiles.mean(axis=(-2, -1), keepdims=True)) * window
        total += (np.abs(scipy.fft.rfft2(tiles)) ** 2).sum(axis=0)
    whole = np.concatenate([total, np.roll(total[::-1, 1:-1][:, ::-1], 1, axis=0)], axis=1)
    return _logarithm(scipy.fft.fftshift(whole)[None].astype(np.float32))[0]


def _logarithm(power: np.ndarray) -> np.ndarray:
    """Return log10 of power (n, y, x), the zero frequency in the middle replaced by its neighbour."""
    middle_y, middle_x = power.shape[-2] // 2, power.shape[-1] // 2
    power[..., middle_y, middle_x] = power[..., middle_y, middle_x - 1]
    least = np.maximum(power.max(axis=(-2, -1), keepdims=True) * 1e-12, np.finfo(np.float32).tiny)
    return np.log10(np.maximum(power, least))


def binned(images: np.ndarray, pixels: int) -> tuple[np.ndarray, int]:
    """Return images (n, y, x) averaged over whole blocks so that they have about ``pixels``, never fewer unless they had
    fewer before, and the block's side.
    """
    factor = max(1, max(images.shape[-2:]) // max(pixels, 1))
    if factor == 1:
        return images, 1
    rows, columns = (size // factor for size in images.shape[-2:])
    cut = images[..., : rows * factor, : columns * factor]
    blocks = cut.reshape(*images.shape[:-2], rows, factor, columns, factor)
    return blocks.mean(axis=(-3, -1), dtype=np.float32), factor


def greys(images: np.ndarray, look: ImageLook, *, diameter: float = 1.0) -> np.ndarray:
    """Return images (n, y, x) as uint8, each on a grey scale of its own.

    diameter  of the circle inside which the scale is found, as a share of the box; 1 or more: the whole image
    """
    images = np.nan_to_num(np.asarray(images, dtype=np.float32))
    flat = images.reshape(len(images), -1)
    inside = flat if diameter >= 1 else flat[:, _circle(images.shape[-2:], diameter)]
    if look.sigma > 0:
        mean, deviation = inside.mean(axis=1), inside.std(axis=1)
        low, high = mean - look.sigma * deviation, mean + look.sigma * deviation
    else:
        some = inside[:, :: 1 + inside.shape[1] // _PROBED]
        low, high = np.percentile(some, _PERCENTILES, axis=1).astype(np.float32)
    width = high - low
    scaled = (flat - low[:, None]) / np.where(width > 0, width, 1)[:, None]
    scaled[width <= 0] = 0.5
    scaled = np.clip(scaled, 0, 1)
    if look.inverted:
        scaled = 1 - scaled
    return (scaled * 255).astype(np.uint8).reshape(images.shape)


def _circle(shape: tuple[int, ...], diameter: float) -> np.ndarray:
    y, x = np.ogrid[: shape[0], : shape[1]]
    inside = (y - shape[0] // 2) ** 2 + (x - shape[1] // 2) ** 2 <= (diameter * min(shape) / 2) ** 2
    return inside.ravel() if inside.any() else np.ones(shape[0] * shape[1], dtype=bool)
