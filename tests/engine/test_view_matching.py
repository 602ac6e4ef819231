"""Projections against class averages: the map's own match, another molecule's do not."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.fourier import shift
from relionlab.engine.maps.alterations import inverted_hand
from relionlab.engine.projection import project
from relionlab.engine.rotations import matrix_from_euler, random_euler
from relionlab.engine.sampling.grid import unit_vectors
from relionlab.engine.symmetry import point_group
from relionlab.engine.view_matching import even_views, match_views
from relionlab.errors import ImageError

N, PIXEL, DIAMETER = 40, 5.0, 150.0


def molecule(seed: int) -> np.ndarray:
    """A chain of fifty Gaussian balls within a sphere, without symmetry."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(50, 3)) * 12
    places = np.cumsum(steps, axis=0)
    places -= places.mean(axis=0)
    places *= 45 / np.sqrt((places**2).sum(axis=1).mean())
    grid = (np.arange(N) - N // 2) * PIXEL
    z, y, x = np.meshgrid(grid, grid, grid, indexing="ij")
    return sum(np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / (2 * 7.0**2)) for a, b, c in places).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def truth():
    return molecule(1)


def noisy_views(map_: np.ndarray, views: tuple[np.ndarray, np.ndarray], seed: int) -> np.ndarray:
    """Class averages: turned, slightly moved projections with a little noise."""
    rng = np.random.default_rng(seed)
    rotations = matrix_from_euler(*views, rng.uniform(-180, 180, len(views[0])))
    images = shift(project(map_, rotations), rng.uniform(-1.5, 1.5, (len(rotations), 2)))
    return (images + 0.1 * images.std() * rng.normal(size=images.shape)).astype(np.float32)


def test_views_of_the_truth_are_found_again(truth):
    views = even_views(12)
    averages = noisy_views(truth, views, seed=2)
    found = match_views(truth, averages, views, pixel_size=PIXEL, diameter=DIAMETER)
    assert (found.best == np.arange(12)).all()
    assert found.best_scores.min() > 0.95
    assert found.class_scores.min() > 0.95
    shown = (found.projections * found.averages[found.best]).sum(axis=(1, 2))  # the pictures lie on each other
    assert shown.min() > 0.93


def test_turn_and_shift_are_those_put_in(truth):
    rot, tilt = even_views(3)
    put_in = np.array([40.0, 125.0, 300.0])
    moved = np.array([[6.0, -3.0], [0.0, 5.0], [-8.0, 2.0]])
    averages = project(truth, matrix_from_euler(rot, tilt, put_in), shifts=moved, pixel_size=PIXEL)
    found = match_views(truth, averages, (rot, tilt), pixel_size=PIXEL, diameter=DIAMETER)
    own = np.arange(3)
    assert np.abs((found.psi[own, own] - put_in + 180) % 360 - 180).max() <= 5
    assert np.abs(found.shifts[own, own] - moved).max() < 2.5


def test_another_molecule_matches_clearly_less(truth):
    views = random_euler(np.random.default_rng(3), 40)[:2]
    averages = noisy_views(truth, views, seed=4)
    tested = even_views(50)
    right = match_views(truth, averages, tested, pixel_size=PIXEL, diameter=DIAMETER)
    wrong = match_views(molecule(7), averages, tested, pixel_size=PIXEL, diameter=DIAMETER)
    assert np.median(right.class_scores) > 0.9
    assert np.median(wrong.class_scores) < np.median(right.class_scores) - 0.1
    assert np.median(wrong.best_scores) < np.median(right.best_scores) - 0.1


def test_hand_is_not_seen(truth):
    """The mirrored map has the same projections."""
    views = even_views(40)
    averages = noisy_views(truth, random_euler(np.random.default_rng(5), 8)[:2], seed=6)
    scores = [
        np.median(match_views(map_, averages, views, pixel_size=PIXEL, diameter=DIAMETER).class_scores)
        for map_ in (truth, inverted_hand(truth))
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.04)


@pytest.mark.parametrize("symmetry", ["C1", "C3", "D2", "O"])
def test_views_are_spread_evenly_over_the_unit(symmetry):
    group = point_group(symmetry)
    rot, tilt = even_views(50, symmetry=symmetry)
    vectors = unit_vectors(rot, tilt)
    every = np.concatenate([vectors @ operation for operation in group.rotations])
    angles = np.degrees(np.arccos(np.clip(vectors @ every.T, -1, 1)))
    angles[angles < 0.1] = 180
    apart = np.degrees(np.sqrt(4 * np.pi / len(every)))  # of as many points on a square grid
    assert len(rot) == 50
    assert angles.min(axis=1).min() > 0.55 * apart


def test_other_boxes_are_refused(truth):
    with pytest.raises(ImageError, match="box of 20 px, the map one of 40 px"):
        match_views(truth, np.zeros((1, 20, 20)), even_views(2), pixel_size=PIXEL, diameter=DIAMETER)
