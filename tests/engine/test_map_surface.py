"""Surfaces of maps as triangles, and distances to masks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from relionlab.engine.maps import masks
from relionlab.engine.maps.filters import falling_cosine
from relionlab.engine.maps.surface import surface_net


def ball(box: int, centre: tuple[float, float, float]) -> np.ndarray:
    """Minus the distance from a centre (z, y, x)."""
    grid = np.ogrid[:box, :box, :box]
    return -np.sqrt(sum((axis - middle) ** 2 for axis, middle in zip(grid, centre, strict=True))).astype(np.float32)


def test_surface_of_a_ball_is_a_sphere_turned_outwards():
    vertices, triangles = surface_net(ball(24, (12, 11, 10)), -7.0)
    radius = np.linalg.norm(vertices - [10, 11, 12], axis=1)
    assert np.abs(radius - 7).max() < 0.2
    corners = vertices[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outwards = (normals * (corners.mean(axis=1) - [10, 11, 12])).sum(axis=1)
    assert (outwards > 0).all()
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 7**3, rel=0.03)
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 2).all()  # closed


def test_surface_of_nothing_is_empty():
    vertices, triangles = surface_net(np.zeros((6, 6, 6), np.float32), 1.0)
    assert len(vertices) == len(triangles) == 0


@pytest.mark.parametrize("distance", [1, 2.5, 3, 6, 30, -1, -2, -2.5])
def test_extended_and_soft_masks_are_those_of_distances_over_the_whole_box(distance):
    inside = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(22, 25, 28)), 2) > 0.04
    far, near = ndimage.distance_transform_edt(~inside), ndimage.distance_transform_edt(inside)
    expected = inside | (far < distance) if distance > 0 else inside & (near >= -distance)
    assert np.array_equal(masks.extended(inside, distance), expected)
    if distance > 0:
        assert np.array_equal(masks.soft_edged(inside, distance), falling_cosine(far, 0.0, distance).astype(np.float32))
