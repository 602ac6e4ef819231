"""Masks, correlations, Guinier lines, filters and local resolution of maps whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft

from relionlab.engine.maps import alterations, filters, fsc, guinier, masks, sharpening
from relionlab.engine.maps.local_filter import FilterStep
from relionlab.engine.maps.local_resolution import Ball, CorrelationStep, averaged_resolution
from relionlab.engine.maps.random_phases import PhaseGenerator
from relionlab.engine.steps import InlineExecutor, shards


def noisy(n: int, *, noise: float, seed: int = 0) -> list[np.ndarray]:
    """Two half-maps of a smooth object."""
    rng = np.random.default_rng(seed)
    smooth = filters.radial((n, n, n), lambda f: np.exp(-((f * 8) ** 2)))
    truth = filters.filtered(rng.normal(size=(n, n, n)).astype(np.float32), smooth)
    return [truth + noise * rng.normal(size=(n, n, n)).astype(np.float32) for _ in range(2)]


def test_the_random_phases_are_those_of_the_c_library() -> None:
    ctypes = pytest.importorskip("ctypes")
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        pytest.skip("not glibc")
    for seed in (1, 7, 2**31 - 1):
        library.srand(seed)
        expected = np.array([library.rand() for _ in range(500)]) / (2**31 - 1) * 2 * np.pi
        stream = PhaseGenerator(seed)
        found = np.concatenate([stream.draw(200), stream.draw(300)])
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (PhaseGenerator(-1).draw(5) != PhaseGenerator(-1).draw(5)).any()


def test_random_phases_keep_amplitudes_and_what_is_coarser() -> None:
    spectrum = fsc.transform(noisy(20, noise=0.1)[0])
    random = fsc.randomised(spectrum, 20, first_shell=5, phases=PhaseGenerator(0))
    np.testing.assert_allclose(abs(random), abs(spectrum), rtol=1e-4)
    shells = alterations.shell_of((20, 20, 20))
    assert (random[shells < 5] == spectrum[shells < 5]).all()
    curve = fsc.fourier_shell_correlation(spectrum, random, 20)
    assert curve[:4] == pytest.approx(1)
    assert np.abs(curve[6:]).max() < 0.3


def test_correction_takes_the_masks_share_away_beyond_two_shells() -> None:
    masked, random = np.array([1, 0.9, 0.8, 0.7, 0.6]), np.array([1, 0.9, 0.5, 0.3, 0.2])
    found = fsc.corrected(masked, random, first_shell=1)
    np.testing.assert_allclose(found, [1, 0.9, 0.8, 0.4 / 0.7, 0.5])
    assert fsc.resolution_shell(np.array([1, 0.5, 0.1, 0.5])) == 1
    assert fsc.resolution_shell(np.array([1, 0.5, 0.4])) == 2
    assert fsc.resolution_shell(np.array([1, 0.0, 0.4])) == 0
    assert fsc.randomising_shell(np.array([1, 0.9, 0.7]), 0.8) == 2


def test_guinier_line_gives_the_b_factor_that_was_put_in() -> None:
    squared = (np.arange(40) / 100) ** 2
    logs = guinier.log_amplitudes(np.exp(-5 - 120 / 4 * squared) * (squared < 0.1))
    line = guinier.fit_line(squared, logs, lowest=10)
    assert line.b_factor == pytest.approx(-120)
    assert (line.intercept, line.correlation) == (pytest.approx(-5), pytest.approx(1))
    assert (logs[squared >= 0.1] == guinier.NOTHING).all()
    assert guinier.fit_line(squared, logs, lowest=1) is None
    assert guinier.fit_line(squared, logs, lowest=10, highest=5).points < line.points


def test_masks_grow_shrink_and_fall_softly() -> None:
    ball = masks.spherical_shell(24, 0, 6) > 0.5
    assert masks.extended(ball, 2).sum() > ball.sum() > masks.extended(ball, -2).sum() > 0
    soft = masks.soft_edged(ball, 4)
    assert soft.dtype == np.float32
    assert (soft[ball] == 1).all()
    assert soft[12, 12, 12 + 5 + 2] == pytest.approx(0.5)
    assert soft[12, 12, 12 + 5 + 4] == 0
    window = masks.central_part(20, 0.5, 2)
    assert (window[5:16] == 1).all()
    assert window[4] == pytest.approx(0.5)
    hollow = masks.spherical_shell(32, 5, 9, width_px=2)
    assert hollow[16, 16, 16] == 0
    assert hollow[16, 16, 16 + 7] == 1


def test_filters_leave_what_they_should() -> None:
    response = filters.low_pass(10, side=100, pixel_size=1)
    np.testing.assert_allclose(response(np.array([0.08, 0.1, 0.12])), [1, 0.5, 0])
    assert filters.high_pass(10, side=100, pixel_size=1)(np.array([0.08])) == pytest.approx(0)
    weights = sharpening.fsc_weights(np.array([1, 0.5, -0.1, 0.6]))
    np.testing.assert_allclose(weights, [1, np.sqrt(2 / 3), 0, 0])
    transfer = sharpening.Transfer(np.array([0, 0.5]), np.array([1, 0.5]))
    inverse = sharpening.transfer_inverse(10, transfer, pixel_size=2, detector_pixel_size=1)
    assert inverse[0, 0, 5] == pytest.approx(1 / 0.75)  # Nyquist of the map is half of the detector's
    assert inverse[0, 1, 5] == 1  # a corner, beyond the map's Nyquist


def test_boxes_shifts_and_hands() -> None:
    image = np.zeros((9, 9, 9), np.float32)
    image[4, 5, 6] = 1
    assert alterations.new_box(image, 13)[6, 7, 8] == 1
    assert (alterations.new_box(alterations.new_box(image, 13), 9) == image).all()
    assert alterations.shifted(image, (1, 0, -2))[5, 5, 4] == 1
    assert alterations.shifted(image, (0, 0, 0.5))[4, 5, 6] == pytest.approx(0.5)
    np.testing.assert_allclose(alterations.centre_of_mass(image), [0, 1, 2])
    assert alterations.inverted_hand(image)[4, 5, 2] == 1


def test_local_resolution_tells_good_from_poor_and_workers_agree() -> None:
    n, size = 48, 2.0
    first, second = noisy(n, noise=0.02)
    poor = noisy(n, noise=0.6, seed=1)
    half = np.arange(n) < n // 2
    first, second = (np.where(half, good, bad) for good, bad in zip((first, second), poor, strict=True))
    spectra = [fsc.transform(half_map.astype(np.float32)) for half_map in (first, second)]
    phases = PhaseGenerator(0)
    noise = [sharpening.back(fsc.randomised(one, n, first_shell=4, phases=phases), n) for one in spectra]
    ball = Ball.of(sampling=12, radius=None, edge=None, pixel_size=size)
    assert (ball.radius, ball.edge, ball.step) == (3, 6, 6)
    points = ball.points(n)
    maps = np.stack([first, second, *noise]).astype(np.float32)
    step = CorrelationStep(
        maps, ball, points, unmasked=np.ones(n // 2 + 1), first_shell=4, pixel_size=size, coarsest=40
    )
    found = InlineExecutor().run(step, shards(len(points), 7))
    again = InlineExecutor().run(step, shards(len(points), 50))
    assert (found.resolution == again.resolution).all()
    volume = averaged_resolution(ball, points, found.resolution, box=n)
    assert np.median(volume[16:32, 16:32, 8:16]) < 0.7 * np.median(volume[16:32, 16:32, 32:40])
    cut = FilterStep(
        spectra[0],
        ball,
        points,
        curves=np.ones((len(points), n // 2 + 1)),
        last_shells=np.full(len(points), n // 2 + 1),
        weighted=True,
    )
    whole = InlineExecutor().run(cut, shards(cut.shells, 5))
    inside = filters.filtered(first.astype(np.float32), (alterations.shell_of((n,) * 3) <= n // 2).astype(np.float32))
    reached = volume > 0
    np.testing.assert_allclose(whole[reached], inside[reached], atol=2e-3)


def test_a_window_correlates_as_the_whole_box_does() -> None:
    n = 64
    maps = np.stack(noisy(n, noise=0.1) * 2).astype(np.float32)
    ball = Ball(4, 6, 8)
    step = CorrelationStep(
        maps, ball, np.array([[0, 3, -8]]), unmasked=np.ones(33), first_shell=60, pixel_size=1, coarsest=40
    )
    step.prepare()
    assert step._shells.side < n
    ((curves, _),) = step.process(np.array([0]))
    axes = np.ogrid[tuple(slice(-32, 32) for _ in range(3))]
    soft = ball.profile(axes[0] ** 2 + (axes[1] - 3) ** 2 + (axes[2] + 8) ** 2)
    exact = fsc.fourier_shell_correlation(fsc.transform(maps[0] * soft), fsc.transform(maps[1] * soft), n)
    assert np.abs(curves[2] - exact)[2:].mean() < 0.02


def test_power_is_that_of_white_noise() -> None:
    image = np.random.default_rng(0).normal(size=(64, 64))
    assert alterations.power_spectrum(image)[5:32].mean() == pytest.approx(1 / 64**2, rel=0.1)
    scaled = alterations.with_amplitudes_of(image, 3 * image)
    np.testing.assert_allclose(scaled, 3 * image, atol=1e-5)
    assert alterations.best_scale(2.5 * image, image) == pytest.approx(2.5)
    assert scipy.fft.rfftn(alterations.laplacian_of_gaussian(image, 8)).ravel()[0] == pytest.approx(0, abs=1e-9)
