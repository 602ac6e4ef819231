"""The power spectrum of a micrograph: the mean over overlapping tiles, as one image with frequency 0 at its centre.

Welch (1967) IEEE Trans. Audio Electroacoust. 15, 70; tiles of cryo-EM micrographs: Zhang (2016) J. Struct. Biol. 193, 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft

from relionlab.engine.array import fft_namespace, like, namespace, to_host
from relionlab.engine.micrograph_checks import check_contrast, check_finite
from relionlab.errors import ComputeError, InputError

PIXEL_SIZE = 1.4
"""Pixel size in Å to which spectra of finer sampled micrographs are cut: rings out to 2.8 Å, drawn as wide as possible.
RELION's own sums of power spectra have it as well."""
_TILES_AT_ONCE = 8
_CLIP = 8.0  # standard deviations; hot pixels and gold beads beyond it are white noise in every frequency
_LOOKED_AT = 500_000  # pixels from which median and deviation are taken
_EMPTY, _EDGE = (
    1e-2,
    20.0,
)  # times the median variance; tiles with less lie outside of the exposed area, with more on an edge


@dataclass(frozen=True)
class Spectrum:
    """A power spectrum.

    power       (n, n) float32, frequency 0 at n//2, y down as in the micrograph; any scale, also amplitudes
    pixel_size  Å: one pixel of the spectrum is 1/(n·pixel_size) in 1/Å, its edge 1/(2·pixel_size)
    tiles       number of spectra that were averaged; 0: unknown
    """

    power: np.ndarray
    pixel_size: float
    tiles: int = 0

    @property
    def size(self) -> int:
        """Number of pixels along a side."""
        return len(self.power)

    def frequency(self, radius: Any) -> Any:
        """Return the spatial frequency in 1/Å at a radius in pixels."""
        return radius / (self.size * self.pixel_size)

    def radius(self, resolution: float) -> float:
        """Return the radius in pixels at which this resolution in Å lies."""
        return self.size * self.pixel_size / resolution


def power_spectrum(
    micrograph: Any, pixel_size: float, *, size: int = 512, finest: float = 2.8, coarsest: float = 30.0
) -> Spectrum:
    """Return the mean power spectrum of tiles that overlap by half.

    micrograph  (y, x) real numbers; on a GPU the work is done there
    pixel_size  Å
    size        pixels of the spectrum along a side, even
    finest      Å, the highest resolution that has to be in it; of micrographs with finer pixels larger tiles are
                cut and the frequencies beyond left away, so that rings are drawn over more pixels
    coarsest    Å; between the two each tile's power is made equal, so that no single one (an ice crystal, a foil's
                edge) drowns the others

    Raises InputError if the pixels are not finite, the image is constant or the tiles do not fit.
    """
    tile = _tile_size(micrograph.shape, pixel_size, size=size, finest=finest)
    effective = pixel_size * tile / size
    image = _prepared(micrograph)
    corners = _exposed(image, tile)
    xp = namespace(image)
    window = like(_window(tile), image)
    band = like(_half_annulus(size, size * effective / coarsest, size * effective / finest), image)
    total, powers = 0.0, []
    for start in range(0, len(corners), _TILES_AT_ONCE):
        tiles = xp.stack([image[y : y + tile, x : x + tile] for y, x in corners[start : start + _TILES_AT_ONCE]])
        halves = _half_powers(tiles, window, size)
        power = (halves * band).sum(axis=(1, 2))
        total = total + xp.tensordot(1 / power, halves, axes=1)
        powers += [float(value) for value in power]
    return Spectrum(_whole(to_host(total) * np.float32(np.median(powers) / len(powers)), size), effective, len(powers))


def check_spectrum(power: np.ndarray, pixel_size: float | None) -> Spectrum:
    """Return a power spectrum that was made elsewhere (RELION's MotionCorr), after a look at it.

    power       (n, n) as in Spectrum
    pixel_size  Å, as the file's header says
    """
    if power.ndim != 2 or power.shape[0] != power.shape[1] or power.shape[0] % 2:
        raise InputError(
            f"The power spectrum has {'×'.join(map(str, power.shape))} px; expected a square of an even number."
        )
    if not pixel_size or not np.isfinite(pixel_size) or pixel_size <= 0:
        raise InputError(
            f"The power spectrum's header gives the pixel size {pixel_size}; expected Å above 0. Make the spectra again, or"
            " estimate the CTF from the micrographs."
        )
    check_finite(power, what="power spectrum")
    check_contrast(float(power.min()), float(power.max()), what="power spectrum")
    return Spectrum(power.astype(np.float32), float(pixel_size))


def _tile_size(shape: tuple[int, ...], pixel_size: float, *, size: int, finest: float) -> int:
    smallest = min(shape)
    if size > smallest:
        raise InputError(
            f"The tiles of {size} px are larger than the micrograph of {shape[1]}×{shape[0]} px: give a smaller FFT box size"
            " (--Box)."
        )
    wanted = size * min(PIXEL_SIZE, 0.475 * finest) / pixel_size
    if wanted <= size:
        return size
    fast = scipy.fft.next_fast_len(int(np.ceil(wanted)), real=True)
    while fast % 2:
        fast = scipy.fft.next_fast_len(fast + 1, real=True)
    return min(fast, smallest - smallest % 2)


def _prepared(micrograph: Any) -> Any:
    """Return the micrograph as float32 around 0 and without extreme pixels."""
    xp = namespace(micrograph)
    check_finite(micrograph)
    image = micrograph.astype(np.float32, copy=False)
    check_contrast(float(image.min()), float(image.max()))
    some = to_host(image.ravel()[:: max(1, image.size // _LOOKED_AT)]).astype(np.float64)
    middle = float(np.median(some))
    deviation = 1.4826 * float(np.median(np.abs(some - middle))) or float(some.std())
    if not np.isfinite(deviation):
        raise InputError("The micrograph's pixels are too large for numbers of single precision: scale them.")
    low, high = middle - _CLIP * deviation, middle + _CLIP * deviation
    return (xp.clip(image, low, high) if deviation > 0 else image) - np.float32(middle)


def _starts(length: int, tile: int) -> list[int]:
    """Return where tiles begin so that they cover the length evenly and overlap by about half."""
    count = max(1, int(np.ceil(2 * length / tile)) - 1)
    return np.linspace(0, length - tile, count).round().astype(int).tolist() if count > 1 else [(length - tile) // 2]


def _exposed(image: Any, tile: int) -> list[tuple[int, int]]:
    """Return the upper left corners of the tiles, without those that lie where no electrons came."""
    corners = [(y, x) for y in _starts(image.shape[0], tile) for x in _starts(image.shape[1], tile)]
    variances = np.array([float(image[y : y + tile : 3, x : x + tile : 3].var()) for y, x in corners])
    if not variances.max() > 0:
        raise ComputeError(
            "Hardly a pixel of the micrograph differs from the others: it has no power spectrum. Leave it out."
        )
    usual = np.median(variances[variances > 0])
    kept = (variances > _EMPTY * usual) & (variances < _EDGE * usual)
    return [corner for corner, keep in zip(corners, kept.tolist(), strict=True) if keep]


def _window(tile: int) -> np.ndarray:
    edge = np.sin(np.pi * (np.arange(tile) + 0.5) / tile)
    return np.outer(edge, edge).astype(np.float32)


def _half_powers(tiles: Any, window: Any, size: int) -> Any:
    """Return |FFT|² of tiles (N, t, t), which are changed, at the frequencies of a box of ``size`` px: (N, size, size//2+1), x from 0."""
    xp, fft = namespace(tiles), fft_namespace(tiles)
    _level(tiles)
    tiles *= window
    spectra = fft.rfft2(tiles)[:, :, : size // 2 + 1]
    half = size // 2
    kept = spectra if spectra.shape[1] == size else xp.concatenate([spectra[:, :half], spectra[:, -half:]], axis=1)
    return kept.real**2 + kept.imag**2


def _level(tiles: Any) -> None:
    """Take the plane that lies through each of the tiles (N, t, t) out of it: uneven illumination would leak into all rings."""
    xp = namespace(tiles)
    axis = xp.linspace(-1, 1, tiles.shape[1], dtype=tiles.dtype)
    rows, columns = tiles.mean(axis=2), tiles.mean(axis=1)
    length = (axis**2).sum()
    down, across = (rows @ axis) / length, (columns @ axis) / length
    tiles -= (rows.mean(axis=1)[:, None] + down[:, None] * axis)[:, :, None]
    tiles -= (across[:, None] * axis)[:, None, :]


def _half_annulus(size: int, inner: float, outer: float) -> np.ndarray:
    y, x = scipy.fft.fftfreq(size, 1 / size)[:, None], np.arange(size // 2 + 1)
    radius = np.hypot(y, x)
    inside = (radius >= inner) & (radius <= outer) & (x > 0)
    if not inside.any():
        inside = (radius > 0) & (x > 0)
    return inside.astype(np.float32)


def _whole(half: np.ndarray, size: int) -> np.ndarray:
    """Return the (n, n) image, centre at n//2, of a half plane with x from 0 and y in FFT order."""
    rows = scipy.fft.fftshift(half, axes=0)
    whole = np.empty((size, size), dtype=np.float32)
    whole[:, size // 2 :] = rows[:, : size // 2]
    mirrored = rows[np.r_[0, size - 1 : 0 : -1]]  # -y, of the centred order
    whole[:, : size // 2] = mirrored[:, size // 2 : 0 : -1]
    return whole
