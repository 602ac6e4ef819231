"""Sorting: references lie where particles show them, and odd particles stand out."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.projection import Projector
from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.sorting import FEATURES, features, turned, z_scores

N = 32


def blobs(*places: tuple[float, float, float]) -> np.ndarray:
    y, x = np.mgrid[:N, :N] - N // 2
    return sum(weight * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 8.0) for a, b, weight in places).astype(np.float32)


REFERENCE = blobs((0, 0, 1), (6, 1, 0.8), (-2, 5, 0.6))


@pytest.mark.parametrize(("psi", "origin"), [(0, (0, 0)), (90, (0, 0)), (35, (2.5, -1.5)), (-120, (-3, 1))])
def test_a_turned_reference_is_the_projection_of_the_same_map(psi: float, origin: tuple[float, float]):
    z = np.exp(-((np.arange(N) - N // 2) ** 2) / 8.0)
    map_ = (z[:, None, None] * REFERENCE).astype(np.float32)
    image = Projector.of_map(map_).images(
        matrix_from_euler([0.0], [0.0], [float(psi)]), shifts_px=-np.array([origin], float)
    )[0]
    expected = turned(REFERENCE, psi, origin) * z.sum()
    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.998
    np.testing.assert_allclose(image, expected, atol=0.06 * expected.max())


def test_junk_stands_out():
    rng = np.random.default_rng(0)
    count, junk = 300, 30
    aligned = np.stack([turned(REFERENCE, psi, (0, 0)) for psi in rng.uniform(-180, 180, count)])
    particles = 2 * aligned + rng.normal(size=aligned.shape)
    empty = rng.normal(size=(junk // 3, N, N))
    bright = 2 * aligned[10:20] + rng.normal(size=(10, N, N)) + 6 * blobs((-5, -5, 1))
    hot = 2 * aligned[20:30] + rng.normal(size=(10, N, N))
    hot[:, 12, 20] += 25
    particles[:junk] = np.concatenate([empty, bright, hot])
    values = features(particles, aligned, mask_radius=12)
    assert values.shape == (count, len(FEATURES))
    scores = z_scores(values, np.ones(count))
    assert (np.argsort(-scores)[:junk] < junk).mean() > 0.9
    assert np.median(scores[junk:]) == pytest.approx(0.8, abs=0.2)


def test_scores_do_not_depend_on_grey_scale():
    rng = np.random.default_rng(1)
    particles, references = REFERENCE + rng.normal(size=(50, N, N)), np.repeat(REFERENCE[None], 50, axis=0)
    plain = z_scores(features(particles, references, mask_radius=10), np.ones(50))
    scaled = z_scores(features(7 * particles + 3, -4 * references, mask_radius=10), np.ones(50))
    assert np.corrcoef(plain, scaled)[0, 1] > 0.6  # the sign of the reference decides only the correlation feature
    same = z_scores(features(7 * particles + 3, 4 * references, mask_radius=10), np.ones(50))
    np.testing.assert_allclose(same, plain, rtol=1e-6)


def test_small_classes_are_compared_with_all_and_flat_features_do_not_count():
    values = np.random.default_rng(2).normal(size=(100, 3))
    values[:, 2] = 5.0
    groups = np.where(np.arange(100) < 5, 1, 2)
    scores = z_scores(values, groups)
    assert np.isfinite(scores).all()
    values[0] = [100, 0, 5]
    assert z_scores(values, groups).argmax() == 0
