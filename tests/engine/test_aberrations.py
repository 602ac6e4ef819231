"""Aberrations: polynomials and their symmetry."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.aberrations import beam_tilt, zernike
from relionlab.engine.ctf import Optics, ctf_images


def test_polynomials_are_zernikes() -> None:
    x, y = np.array([0.3, -0.1]), np.array([0.2, 0.4])
    square = x**2 + y**2
    odd = [y, x, 3 * x**2 * y - y**3, 3 * square * y - 2 * y, 3 * square * x - 2 * x, x**3 - 3 * x * y**2]
    even = [np.ones(2), 2 * x * y, 2 * square - 1, x**2 - y**2]
    for number, expected in enumerate(odd):
        found = zernike(np.eye(6)[number], x, y, odd=True)
        np.testing.assert_allclose(found, expected, atol=1e-12)
        np.testing.assert_allclose(zernike(np.eye(6)[number], -x, -y, odd=True), -expected, atol=1e-12)
    for number, expected in enumerate(even):
        np.testing.assert_allclose(zernike(np.eye(4)[number], x, y, odd=False), expected, atol=1e-12)


def test_a_tilt_turns_phases_with_the_third_power() -> None:
    optics = Optics(voltage_kv=300, spherical_aberration_mm=2.7, amplitude_contrast=0.1, pixel_size=1.0)
    near, far = (beam_tilt((1.0, 0.0), k, 0.0, optics=optics) for k in (0.1, 0.2))
    assert far == pytest.approx(8 * near)
    # 1 mrad at 5 Å: 2 pi · 2.7e7 Å · (0.0197 Å)² · 1e-3 · 0.008 / Å³
    assert far == pytest.approx(2 * np.pi * 2.7e7 * 0.019687**2 * 1e-3 * 0.008, rel=1e-3)


def test_a_magnification_stretches_the_ctf() -> None:
    optics = Optics(voltage_kv=300, spherical_aberration_mm=0.0, amplitude_contrast=0.1, pixel_size=2.0)
    options = {"optics": optics, "defocus_v": 8000.0, "defocus_angle": 0.0}
    plain = ctf_images(32, defocus_u=np.array([8000.0]), **options)
    stretched = ctf_images(32, defocus_u=np.array([8000.0]), magnification=np.diag([0.5, 1.0]), **options)
    np.testing.assert_allclose(stretched[0, 0, ::2], plain[0, 0, : len(stretched[0, 0, ::2])], atol=1e-5)
    moved = ctf_images(32, defocus_u=np.array([8000.0]), symmetric_phase=np.full((32, 17), np.pi), **options)
    np.testing.assert_allclose(moved, -plain, atol=1e-5)
