"""The gain's orientation is found from frames alone; bad pixels are found and mended."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage

from relionlab.engine.gain import find_hot_pixels, find_orientation
from relionlab.errors import ComputeError, ImageError

RNG = np.random.default_rng(4)
SHAPE = (256, 256)


def frames_through(gain: np.ndarray, *, mean: float = 40.0, seed: int = 1) -> np.ndarray:
    """A sum of frames of a smooth specimen, seen by pixels of this gain."""
    rng = np.random.default_rng(seed)
    specimen = scipy.ndimage.gaussian_filter(rng.standard_normal(gain.shape), 6)
    light = mean * (1 + 0.1 * specimen / specimen.std())
    return rng.poisson(light / gain).astype(np.float32)


def some_gain(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return 1 / np.clip(1 + 0.05 * np.random.default_rng(2).standard_normal(shape), 0.5, None)


@pytest.mark.parametrize("divides", [False, True])
@pytest.mark.parametrize("flip", [0, 1])
@pytest.mark.parametrize("rotation", [0, 1, 2, 3])
def test_every_orientation_is_found(rotation: int, flip: int, divides: bool) -> None:
    written = some_gain()
    turned = np.rot90(written, -rotation)
    turned = turned[::-1] if flip else turned
    found = find_orientation(frames_through(1 / turned if divides else turned), written)
    assert (found.rotation, found.flip, found.divides, found.decided) == (rotation, flip, divides, True)
    assert len(found.scores) == 16
    best, flips, scores = found
    assert (best, flips) == (rotation, flip)
    assert scores[0].residual < found.without < scores[1].residual


def test_camera_that_is_not_square_leaves_half_of_them() -> None:
    written = some_gain((192, 256))
    found = find_orientation(frames_through(np.rot90(written, -1)), written)
    assert (found.rotation, found.flip) == (1, 0)
    assert {fit.rotation for fit in found.scores} == {1, 3}
    with pytest.raises(ImageError, match="fits in no orientation"):
        find_orientation(RNG.poisson(9, (64, 64)), written)


def test_another_cameras_gain_is_not_decided_on() -> None:
    other = 1 / (1 + 0.05 * np.random.default_rng(9).standard_normal(SHAPE))
    assert not find_orientation(frames_through(some_gain()), other).decided
    with pytest.raises(ComputeError, match="constant"):
        find_orientation(np.ones(SHAPE), other)


@pytest.mark.parametrize("mean", [0.5, 5.0, 80.0])
def test_hot_and_dead_pixels_are_found_and_nothing_else(mean: float) -> None:
    image = frames_through(np.ones((400, 600)), mean=mean)
    truth = np.zeros(image.shape, bool)
    for _ in range(30):
        y, x = RNG.integers(0, 400), RNG.integers(0, 600)
        truth[y, x] = True
        image[y, x] = 30 * mean + 20
    if mean > 20:
        truth[100:103, 50:300] = truth[200:204, 7:11] = truth[:, 599] = True
        image[100:103, 50:300] = image[200:204, 7:11] = image[:, 599] = 0
    image[5, 5], truth[5, 5] = np.nan, True
    np.testing.assert_array_equal(find_hot_pixels(image), truth)
