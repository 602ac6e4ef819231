"""Micrographs that cannot be worked on are told from those that can."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.micrograph_checks import check_contrast, check_finite
from relionlab.errors import ImageError


def test_pixels_that_are_no_numbers_are_counted():
    image = np.ones((40, 50), np.float32)
    assert check_finite(image) == 1
    image[3, 7] = np.inf
    assert check_finite(image, least=0.99) == pytest.approx(1 - 1 / 2000)
    with pytest.raises(
        ImageError, match=r"micrograph holds 1 NaN or infinite pixels \(0\.05 %\), the first at x = 7, y = 3"
    ):
        check_finite(image)
    with pytest.raises(ImageError, match="spectrum holds 2000 NaN"):
        check_finite(np.full((40, 50), np.nan), least=1e-6, what="spectrum")


def test_sums_beyond_the_numbers_are_no_bad_pixels():
    assert check_finite(np.full((10, 10), 3e38, np.float32)) == 1


@pytest.mark.parametrize(("lowest", "highest"), [(0, 0), (7, 7), (1e6, 1e6 + 0.5), (-3, -3)])
def test_equal_pixels_are_constant(lowest: float, highest: float):
    with pytest.raises(ImageError, match="constant: all its pixels are"):
        check_contrast(lowest, highest)


def test_counts_on_a_high_background_are_an_image():
    check_contrast(30000, 30005)
    check_contrast(0, 1e-8)
