"""The CTF against a formula written per pixel, and its options."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.ctf import Optics, ctf, ctf_images

OPTICS = Optics(300, 2.7, 0.1, 1.5)


def reference(n: int, u: float, v: float, angle: float, phase_shift: float, bfactor: float) -> np.ndarray:
    volts = 300e3
    wavelength = 12.2643247 / np.sqrt(volts * (1 + volts * 0.978466e-6))
    out = np.zeros((n, n // 2 + 1))
    for row in range(n):
        for column in range(n // 2 + 1):
            fy, fx = (row if row <= n // 2 else row - n) / (n * 1.5), column / (n * 1.5)
            k2, theta = fx**2 + fy**2, np.arctan2(fy, fx) - np.radians(angle)
            z = (u + v) / 2 + (u - v) / 2 * np.cos(2 * theta)
            chi = np.pi * wavelength * z * k2 - np.pi / 2 * 2.7e7 * wavelength**3 * k2**2
            out[row, column] = np.sin(chi + np.radians(phase_shift) + np.arcsin(0.1)) * np.exp(-bfactor * k2 / 4)
    return out


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 2e-4)])
def test_ctf_is_the_formula(dtype: type, tolerance: float) -> None:
    parameters = [(12000.0, 11000.0, 30.0, 0.0, 0.0), (25000.0, 26500.0, 130.0, 90.0, 80.0)]
    u, v, angle, phase, bfactor = np.array(parameters).T
    images = ctf_images(
        24,
        optics=OPTICS,
        defocus_u=u,
        defocus_v=v,
        defocus_angle=angle,
        phase_shift=phase,
        bfactor=bfactor,
        dtype=dtype,
    )
    assert images.dtype == dtype
    np.testing.assert_allclose(images, [reference(24, *p) for p in parameters], atol=tolerance)


def test_underfocus_gives_positive_contrast_at_low_frequency() -> None:
    assert ctf(0.0, 0.0, optics=OPTICS, defocus_u=1e4, defocus_v=1e4, defocus_angle=0) == pytest.approx(0.1)
    assert ctf(0.02, 0.0, optics=OPTICS, defocus_u=1e4, defocus_v=1e4, defocus_angle=0) > 0.1


def test_options() -> None:
    given = {"optics": OPTICS, "defocus_u": 2e4, "defocus_v": 2e4, "defocus_angle": 0.0}
    plain = ctf_images(32, **given)
    np.testing.assert_array_equal(ctf_images(32, **given, phase_flipped=True), np.abs(plain))
    np.testing.assert_array_equal(np.unique(ctf_images(32, **given, only_flip_phases=True)), [-1, 1])
    np.testing.assert_allclose(ctf_images(32, **given, scale=0.5), plain / 2)
    intact = ctf_images(32, **given, intact_first_peak=True)
    assert intact[0, 0, :2].tolist() == [1, 1]
    assert intact[0, 0, 16] == plain[0, 0, 16]
