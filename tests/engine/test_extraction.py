"""Boxes are cut where RELION cuts them."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.extraction import coverage, cut_boxes, multiplied, recentred, whole_pixels
from relionlab.engine.fourier import rfft2_centred
from relionlab.engine.rotations import matrix_from_euler

HEIGHT, WIDTH = 100, 120
RAMP = (1000 * np.arange(HEIGHT)[:, None] + np.arange(WIDTH)).astype(np.float32)


def test_fractions_are_cut_off_towards_zero():
    assert whole_pixels(np.array([[50.7, -3.7]])).tolist() == [[50, -3]]
    boxes = cut_boxes(RAMP, np.array([[50.7, 51.2]]), 16)
    assert boxes[0, 8, 8] == RAMP[51, 50]
    assert boxes[0, 0, 0] == RAMP[43, 42]


@pytest.mark.parametrize(
    ("centre", "corner", "last"),
    [((5, 50), 42000, 57012), ((115, 50), 42107, 57119), ((60, 97), 89052, 99067), ((-3.7, 50), 42000, 57004)],
)
def test_the_rim_is_repeated_beyond_the_edge(centre, corner: float, last: float):
    """The grey values are those of relion_preprocess 3.1.3 on the same micrograph."""
    box = cut_boxes(RAMP, np.array([centre]), 16)[0]
    assert (box[0, 0], box[-1, -1]) == (corner, last)


def test_coverage():
    centres = np.array([[60.0, 50], [0, 50], [0, 0], [-8, 50], [-9, 50], [130, 50], [500, 500]])
    expected = [1, 0.5, 0.25, 0, 0, 0, 0]
    np.testing.assert_allclose(coverage(centres, 16, (HEIGHT, WIDTH))[:3], expected[:3])
    assert (coverage(centres, 16, (HEIGHT, WIDTH)) > 0).tolist() == [True, True, True, False, False, False, False]


def test_odd_boxes_have_their_pixel_in_the_middle():
    assert cut_boxes(RAMP, np.array([[60.0, 50.0]]), 15)[0, 7, 7] == RAMP[50, 60]


def test_multiplication_is_of_the_transform():
    images = np.random.default_rng(0).normal(size=(3, 16, 16)).astype(np.float32)
    ctf = np.random.default_rng(1).uniform(size=(3, 16, 9)).astype(np.float32)
    ctf[:, 0, 0] = 0.5
    made = rfft2_centred(multiplied(images, ctf))
    np.testing.assert_allclose(made[:, 1:7, 1:8], (rfft2_centred(images) * ctf)[:, 1:7, 1:8], atol=1e-6)


def test_recentring_as_relion_rounds():
    """Coordinates and origins are those of relion_preprocess --recenter: halves are rounded away from zero."""
    centres = np.array([[50, 50], [50, 50], [50, 50], [40.6, 61.2]])
    origins = np.array([[1.5, 2.5], [1.65, 2.7], [-1.65, -2.7], [0.5, 0.5]])
    moved, left = recentred(centres, origins)
    np.testing.assert_allclose(moved, [[48, 47], [48, 47], [52, 53], [39.6, 60.2]])
    np.testing.assert_allclose(left, [[-0.5, -0.5], [-0.35, -0.3], [0.35, 0.3], [-0.5, -0.5]])


def test_recentring_on_a_point_of_the_reference():
    """As relion_preprocess --recenter --recenter_x 4: angles 10 i, 30, 20 i, and 2 Å per px."""
    steps = np.arange(2)
    rotations = matrix_from_euler(10.0 * steps, 30.0 + 0 * steps, 20.0 * steps)
    moved, left = recentred(
        np.array([[50.0, 50], [50.3, 50.3]]), np.zeros((2, 2)), rotations=rotations, point_px=np.array([4.0, 0, 0])
    )
    np.testing.assert_allclose(moved, [[53, 50], [53.3, 48.3]])
    np.testing.assert_allclose(left * 2, [[-0.92820, 0], [0.063655, -0.36101]], atol=1e-5)
