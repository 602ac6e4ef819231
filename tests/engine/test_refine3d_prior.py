"""The prior's variance of 3D classes, and the search for the smallest angle that is noticed."""

import numpy as np
import pytest

from relionlab.engine.classify2d.accuracy import LEAST_DIFFERENCE, UNKNOWN
from relionlab.engine.refine3d import accuracy
from relionlab.engine.refine3d.maximisation import prior_variance, signal_variance

BOX = 16


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    """Two maps, (2, n, n, n): the second has four times the power."""
    one = np.random.default_rng(1).normal(size=(BOX,) * 3).astype(np.float32)
    return np.stack([one, 2 * one])


def test_the_variance_is_that_of_slices_of_the_padded_map(maps):
    """Beside the definition: half the mean power of the slices of maps divided by sinc², on shells of half a pixel's width."""
    line = np.arange(BOX) - BOX // 2
    radius = np.sqrt(line[:, None, None] ** 2 + line[:, None] ** 2 + line**2)
    padded = np.zeros((2 * BOX,) * 3)
    padded[:BOX, :BOX, :BOX] = maps[0] / np.sinc(radius / (2 * BOX)) ** 2
    power = np.abs(np.fft.fftn(padded)) ** 2 / BOX**4
    line = np.fft.fftfreq(2 * BOX, 1 / (2 * BOX))
    shell = np.floor(np.sqrt(line[:, None, None] ** 2 + line[:, None] ** 2 + line**2) / 2 + 0.5)
    # the middle plane stands for itself in a half space, all others for their mates
    half = power[:, :, : BOX + 1], shell[:, :, : BOX + 1]
    expected = [half[0][half[1] == k].mean() / 2 for k in range(BOX // 2 + 1)]
    np.testing.assert_allclose(signal_variance(maps)[0], expected, rtol=1e-5)


def test_classes_share_one_prior_by_their_sizes(maps):
    """With one each, the larger class is ahead wherever signal begins to show, and starves the smaller."""
    own = signal_variance(maps)
    shared, apart = (prior_variance(maps, np.array([0.75, 0.25]), shared=each) for each in (True, False))
    assert np.array_equal(apart, own)
    np.testing.assert_allclose(own[1], 4 * own[0], rtol=1e-5)
    np.testing.assert_allclose(shared, np.tile(1.75 * own[0], (2, 1)), rtol=1e-5)


@pytest.mark.parametrize("turning", [0.01, 0.05, 0.3, 2.0, 7.7, 29.9, 31.0])
def test_the_first_noticed_angle_is_found_as_by_trying_all(turning):
    def difference(angle: float) -> float:
        return LEAST_DIFFERENCE * (angle / turning) ** 2

    tried = [angle for angle in accuracy._ANGLES if difference(angle) >= LEAST_DIFFERENCE]
    assert accuracy._noticed(difference) == (tried[0] if tried else UNKNOWN)
