"""The benchmark measures what it says."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.rotations import matrix_from_euler, random_rotations
from tests.benchmarks.class2d import SYMMETRIES, class_spread, measure


def cone(opening: float) -> np.ndarray:
    """Views at one angle around the z axis, and that axis itself."""
    around = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    tilt = np.radians(opening)
    ring = np.stack([np.sin(tilt) * np.cos(around), np.sin(tilt) * np.sin(around), np.full(60, np.cos(tilt))], axis=1)
    return np.concatenate([[[0.0, 0.0, 1.0]], ring])


def test_the_spread_is_the_angle_to_the_most_central_view():
    assert class_spread(cone(7.0), SYMMETRIES["C1"]) == pytest.approx(7.0)


def test_mirror_images_and_symmetry_mates_are_the_same_view():
    views = cone(7.0) * np.where(np.arange(61) % 2, 1, -1)[:, None]
    assert class_spread(views, SYMMETRIES["C1"]) == pytest.approx(7.0)
    aside = cone(7.0) @ matrix_from_euler(30.0, 50.0, 10.0)  # off the axes, where views are their own mates
    both = np.concatenate([aside, aside @ SYMMETRIES["D2"][1]])
    assert class_spread(both, SYMMETRIES["D2"]) == pytest.approx(7.0)
    assert class_spread(both, SYMMETRIES["C1"]) > 7.5


def test_random_views_spread_widely():
    views = random_rotations(np.random.default_rng(1), 300)[:, 2]
    assert 15 < class_spread(views, SYMMETRIES["D2"]) < class_spread(views, SYMMETRIES["C1"]) < 65


def test_a_process_and_its_children_are_counted(tmp_path: Path):
    code = "import numpy, time; x = numpy.ones(25_000_000); time.sleep(1)"
    family = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True); sum(range(10**7))"
    with (tmp_path / "log").open("wb") as log:
        wall, cpu, memory = measure([sys.executable, "-c", family], tmp_path, log.fileno())
    assert wall >= 1
    assert cpu > 0.05
    assert 200e6 < memory < 800e6
