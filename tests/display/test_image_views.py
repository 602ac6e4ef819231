"""Images made ready for the eye, against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display.density import Extent, density, shaded
from relionlab.display.image_views import ImageCtf, ImageLook, binned, corrected, greys, low_passed, power_spectra
from relionlab.engine.ctf import Optics, ctf_images
from relionlab.errors import InputError


def blobs(count: int = 3, size: int = 64) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size // 2
    return np.stack([np.exp(-(x**2 + (y - shift) ** 2) / 18.0) for shift in range(count)]).astype(np.float32)


def ctf_of(count: int, defocus: float) -> ImageCtf:
    same = np.full(count, defocus)
    return ImageCtf(Optics(300.0, 2.7, 0.1, 3.0), same, same, np.zeros(count), np.zeros(count))


def test_flipped_phases_bring_an_image_back_towards_what_it_was():
    images, ctf = blobs(), ctf_of(3, 12000.0)
    transfer = ctf_images(64, optics=ctf.optics, defocus_u=ctf.defocus_u, defocus_v=ctf.defocus_v, defocus_angle=0.0)
    seen = np.fft.irfft2(np.fft.rfft2(images) * transfer, (64, 64)).astype(np.float32)
    flipped = corrected(seen, ctf, only_flip=True)
    spectrum = np.fft.rfft2(flipped) * np.conj(np.fft.rfft2(images))
    assert (spectrum.real >= -1e-3 * np.abs(spectrum).max()).all()  # no shell is upside down any more
    multiplied = corrected(seen, ctf, only_flip=False)
    assert np.allclose(np.fft.rfft2(multiplied), np.fft.rfft2(images) * transfer**2, atol=1e-2)


def test_ctf_that_is_not_known_is_said():
    with pytest.raises(InputError, match="CTF is not known"):
        corrected(blobs(), None, only_flip=True)


def test_low_pass_takes_out_the_fine_and_keeps_the_mean():
    rng = np.random.default_rng(1)
    noise = rng.normal(1.0, 1.0, (2, 64, 64)).astype(np.float32)
    smooth = low_passed(noise, 30.0, pixel_size=3.0)
    assert smooth.mean() == pytest.approx(noise.mean(), abs=1e-4)
    assert smooth.std() < 0.3 * noise.std()


def test_power_of_a_wave_lies_at_its_frequency():
    x = np.arange(64)
    wave = np.broadcast_to(np.cos(2 * np.pi * 10 * x / 64), (1, 64, 64)).astype(np.float32)
    power = power_spectra(wave)[0]
    assert sorted(np.argwhere(power > power.max() - 0.1).tolist()) == [[32, 22], [32, 42]]


def test_power_of_large_images_is_averaged_and_symmetric():
    rng = np.random.default_rng(2)
    image = rng.normal(size=(1200, 1400)).astype(np.float32)
    image += np.cos(2 * np.pi * np.arange(1400) / 8).astype(np.float32)
    power = power_spectra(image[None])[0]
    assert power.shape == (512, 512)
    row, column = np.unravel_index(power.argmax(), power.shape)
    assert row == 256
    assert abs(column - 256) == 64
    turned = np.roll(power[::-1, ::-1], (1, 1), axis=(0, 1))
    assert np.allclose(power[1:, 1:], turned[1:, 1:], atol=1e-3)


def test_shrunk_images_keep_their_mean_and_never_grow():
    images = np.arange(2 * 60 * 60, dtype=np.float32).reshape(2, 60, 60)
    small, factor = binned(images, 20)
    assert (small.shape, factor) == ((2, 20, 20), 3)
    assert small.mean() == pytest.approx(images.mean())
    assert binned(images, 100)[1] == 1


def test_grey_scale_is_each_images_own():
    rng = np.random.default_rng(3)
    images = np.stack([rng.normal(0, 1, (32, 32)), rng.normal(500, 40, (32, 32)), np.full((32, 32), 7.0)])
    drawn = greys(images, ImageLook(sigma=3))
    assert drawn.dtype == np.uint8
    assert drawn[0].mean() == pytest.approx(127, abs=3)
    assert drawn[1].mean() == pytest.approx(127, abs=3)
    assert (drawn[2] == 127).all()
    opposite = greys(images, ImageLook(sigma=3, inverted=True))
    assert np.abs(opposite[0].astype(int) + drawn[0] - 255).max() <= 1
    assert (np.ptp(greys(images[:2], ImageLook()).reshape(2, -1), axis=1) == 255).all()


def test_density_counts_every_point_once():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 50_000))
    extent = Extent.around(x, y)
    counts = density(x, y, extent, shape=(30, 50))
    assert counts.sum() == 50_000
    assert counts[15, 25] > counts[0].max()
    assert density(x, y, Extent(0, 10, 0, 10)).sum() == ((x >= 0) & (y >= 0)).sum()
    drawn = shaded(counts)
    assert ((drawn > 0) == (counts > 0)).all()
    assert drawn.max() == 255
