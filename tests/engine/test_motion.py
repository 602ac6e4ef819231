"""Motion correction's mathematics, on movies of known motion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from relionlab.engine.kernels.warping import add_warped
from relionlab.engine.motion.dose import few_sums, frame_doses, weights
from relionlab.engine.motion.frames import Frames, compact, stand_ins
from relionlab.engine.motion.local import align_patches
from relionlab.engine.motion.model import field_basis, path_lengths, shifts_at, with_mean_in_global
from relionlab.engine.motion.patches import cut_patches, empty_patches, fill, lay_out
from relionlab.engine.motion.power import PowerSpectrum, grouped
from relionlab.engine.motion.spectra import EDGE, empty_spectra, fading, fast_extent, low_frequencies
from relionlab.engine.motion.summing import DoseWeighting, crop_frame, move_frame, spline_response, sum_frames
from relionlab.engine.motion.whole import align_whole
from tests.engine.motion_cases import Case, movie


def spectra_of(frames: np.ndarray, limit: float = 0.4):
    extent = fast_extent(frames.shape[1:])
    spectra = empty_spectra(len(frames), extent, limit)
    window = fading(extent[0], EDGE), fading(extent[1], EDGE)
    for n, frame in enumerate(frames):
        low_frequencies(frame[: extent[0], : extent[1]], window, spectra.values[n])
    return spectra


def rms(difference: np.ndarray) -> float:
    return float(np.sqrt((difference**2).sum(axis=-1).mean()))


@pytest.mark.parametrize("b_factor", [0.0, 20.0, 150.0, 600.0])
def test_whole_frames_are_aligned_whatever_the_b_factor(b_factor: float):
    case = movie(noise=3.0)
    found = align_whole(spectra_of(case.frames), b_factor=b_factor, search_limit=0.2)
    assert rms(found.shifts - case.shifts) < 0.1
    assert np.all(found.shifts[0] == 0)


def test_fast_drift_is_followed():
    case = movie(size=(256, 256), frames=12, drift=50.0, noise=2.0, seed=3)
    found = align_whole(spectra_of(case.frames), b_factor=100, search_limit=0.2)
    assert rms(found.shifts - case.shifts) < 0.1


def patch_alignment(case: Case, across: int, down: int):
    spectra = spectra_of(case.frames)
    whole = align_whole(spectra, b_factor=100, search_limit=0.2)
    grid = lay_out(spectra, across, down, field=case.frames.shape[1:])
    patches = empty_patches(grid, len(case.frames), 0.4)
    sample = np.array(grid.sample[::-1])
    offsets = np.rint(whole.shifts / sample).astype(int)
    for n in range(len(case.frames)):
        fill(patches, n, cut_patches(spectra.image(n), grid, offsets[n]), windows=grid.windows)
    times = np.arange(len(case.frames))
    return align_patches(patches, grid, whole.worth, shifts=whole.shifts, offsets=offsets * sample, times=times)


def everywhere(shifts: np.ndarray, model: np.ndarray) -> np.ndarray:
    at = np.stack(np.meshgrid(np.linspace(-0.4, 0.4, 5), np.linspace(-0.4, 0.4, 5)), axis=-1).reshape(-1, 2)
    found = shifts_at(shifts, model, at)
    return found - found[:1]


@pytest.mark.parametrize(("across", "down"), [(4, 4), (3, 2)])
def test_local_motion_is_found(across: int, down: int):
    case = movie(size=(384, 400), local=6.0, noise=2.0, seed=1)
    found = patch_alignment(case, across, down)
    truth = everywhere(case.shifts, case.model)
    assert rms(everywhere(found.shifts, found.model) - truth) < 0.25 * rms(
        everywhere(case.shifts, 0 * case.model) - truth
    )


def test_one_patch_that_contradicts_is_left_out():
    case = movie(size=(384, 400), local=3.0, noise=1.0, seed=2)
    spoiled = case.frames.copy()
    rng = np.random.default_rng(5)
    stuck = 8 * ndimage.gaussian_filter(rng.standard_normal((96, 100)), 2).astype(np.float32)
    spoiled[:, :96, :100] += stuck  # does not move with the specimen
    clean, found = (
        patch_alignment(Case(f, case.shifts, case.model, case.specimen), 4, 4) for f in (case.frames, spoiled)
    )
    assert clean.used.all()
    centre = np.array([[0.1, 0.1], [0.3, 0.3]])
    truth = shifts_at(case.shifts, case.model, centre)
    assert rms(shifts_at(found.shifts, found.model, centre) - truth) < 0.5


def test_a_line_of_patches_tells_no_second_direction():
    case = movie(size=(200, 384), local=1.0, seed=4)
    found = patch_alignment(case, 3, 1)
    assert np.all(found.model[:, [3, 4, 5]] == 0)
    assert np.any(found.model[:, 1])


def test_the_mean_motion_belongs_to_the_global_shifts():
    rng = np.random.default_rng(0)
    shifts, model = rng.normal(size=(6, 2)), rng.normal(size=(2, 6, 3))
    other_shifts, other_model = with_mean_in_global(shifts, model)
    at = rng.uniform(-0.5, 0.5, (7, 2))
    assert np.allclose(shifts_at(shifts, model, at), shifts_at(other_shifts, other_model, at))
    line = (np.arange(100) + 0.5) / 100 - 0.5
    u, v = np.meshgrid(line, line)
    assert np.abs(np.einsum("cbp,bn->cpn", other_model, field_basis(u.ravel(), v.ravel())).mean(axis=-1)).max() < 1e-3


def test_path_lengths_add_up():
    shifts = np.array([[0, 0], [3, 4], [3, 4], [6, 8]], float)
    assert path_lengths(shifts, 2) == (10.0, 5.0, 5.0)
    assert path_lengths(shifts, 0) == (10.0, 0.0, 10.0)
    assert path_lengths(shifts, -3) == (10.0, 0.0, 10.0)
    assert path_lengths(shifts, 1) == (10.0, 2.5, 7.5)  # the first step is over after two frames
    assert path_lengths(shifts, 1.9999999) == (10.0, 5.0, 5.0)


# --- sums -------------------------------------------------------------------------------------------------------


def test_a_frame_is_moved_as_a_quintic_spline():
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.standard_normal((120, 140)), 1.0).astype(np.float32)
    fields = np.array([[3.3, 0.8, 0.5, -0.6, 0.3, 0.2], [-2.7, -0.4, 0.3, 0.7, -0.2, 0.5]])
    sums = np.zeros((2, 120, 140), np.float32)
    add_warped(image[None], fields[:1], fields[1:], np.array([[1, 0.5]], np.float32), sums)
    y, x = np.mgrid[:120, :140].astype(float)
    shift = np.tensordot(fields, field_basis(x / 140 - 0.5, y / 120 - 0.5), 1)
    expected = ndimage.map_coordinates(image, [y - shift[1], x - shift[0]], order=5, prefilter=False, mode="grid-wrap")
    inner = slice(8, -8)
    assert np.abs(sums[0] - expected)[inner, inner].max() < 5e-3 * image.std()
    assert np.allclose(sums[1], 0.5 * sums[0])


@pytest.mark.parametrize("shift", [(0.0, 0.0), (-37.0, 53.0), (139.0, -119.0), (150.25, 3.5)])
def test_whole_and_wrapping_shifts(shift: tuple[float, float]):
    image = np.random.default_rng(1).standard_normal((120, 140)).astype(np.float32)
    smooth = ndimage.gaussian_filter(image, 2, mode="wrap")
    moved = move_frame(smooth, np.array(shift), None)
    expected = ndimage.fourier_shift(np.fft.fft2(smooth), (shift[1], shift[0]))
    assert np.abs(moved - np.fft.ifft2(expected).real).max() < 2e-3 * smooth.std()


def test_the_spline_is_taken_out_again():
    image = np.random.default_rng(2).standard_normal((64, 80)).astype(np.float32)
    assert np.allclose(move_frame(image, np.zeros(2), None), image, atol=1e-4)
    assert spline_response(np.array(0.0)) == 1


def test_sums_show_the_specimen():
    case = movie(size=(256, 256), local=4.0, noise=1.0)
    sums = sum_frames(case.frames.__getitem__, case.shifts, case.model)
    assert sums.weighted is None
    inner = slice(30, -30)
    found, true = sums.plain[inner, inner] / len(case.frames) - 10, case.specimen[inner, inner]
    assert np.corrcoef(found.ravel(), true.ravel())[0, 1] > 0.9
    assert abs((found - true).std() - 1 / np.sqrt(10)) < 0.05


def test_binning_keeps_grey_values():
    image = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal((120, 96)), 4, mode="wrap").astype(
        np.float32
    )
    small = crop_frame(image, (60, 48))
    assert small.shape == (60, 48)
    assert np.abs(small - image[::2, ::2]).max() < 0.02 * image.std()


def test_dose_weights_keep_the_noise_of_one_frame():
    doses = frame_doses(20, dose_per_frame=1.5, pre_exposure=2.0)
    assert doses[0] == 3.5
    k = np.linspace(0, 0.5, 200)
    table = weights(k, doses, 300.0)
    assert np.allclose((table**2).sum(axis=0), 1)
    assert np.allclose(table[:, 0], 1 / np.sqrt(20))
    assert table[-1, -1] < 0.05 < table[0, -1]
    first, second = few_sums(table)
    assert len(second) <= 6
    assert np.abs(first @ second - table).max() < 2e-4


def test_weighted_sum_is_that_of_filtered_frames():
    rng = np.random.default_rng(4)
    frames = rng.standard_normal((6, 96, 96)).astype(np.float32)
    dose = DoseWeighting(frame_doses(6, dose_per_frame=4.0), 300.0, 1.5)
    shifts = np.zeros((6, 2))
    found = sum_frames(frames.__getitem__, shifts, None, dose=dose, plain=True)
    k = np.hypot(np.fft.fftfreq(96)[:, None], np.fft.rfftfreq(96)) / 1.5
    expected = np.fft.irfft2((weights(k, dose.doses, 300.0) * np.fft.rfft2(frames)).sum(axis=0))
    assert np.abs(found.weighted - expected).max() < 0.01 * expected.std()
    assert np.allclose(found.plain, frames.sum(axis=0), atol=1e-3)


def test_power_spectra_of_groups():
    assert grouped(16, 3) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12, 13, 14, 15]]
    assert grouped(4, 9) == [[0, 1, 2, 3]]
    y, x = np.mgrid[:200, :240]
    wave = (5 + np.cos(2 * np.pi * (24 * x / 240 + 40 * y / 200))).astype(np.float32)
    spectrum = PowerSpectrum((200, 240), 2.0, 100)
    sum_frames(lambda _: wave, np.zeros((4, 2)), None, groups=grouped(4, 2), on_group=spectrum.add)
    image = spectrum.image()
    assert spectrum.pixel_size == 2.0
    assert np.unravel_index(image.argmax(), image.shape) == (50, 50)
    image[48:53, 48:53] = 0
    places = {tuple(place) for place in np.argwhere(image > 0.3 * image.max())}
    assert places == {(70, 60), (30, 40)}


def test_fine_pixels_are_binned_for_the_spectrum():
    spectrum = PowerSpectrum((400, 600), 0.7, 128)
    assert spectrum.pixel_size == pytest.approx(1.4)
    spectrum.add(np.ones((400, 600), np.float32))
    assert spectrum.image().shape == (128, 128)


def test_a_ring_stays_round_in_the_spectrum_of_any_shape():
    shape, pixel_size, ring = (513, 775), 0.7, 0.1
    y, x = np.fft.fftfreq(shape[0], pixel_size)[:, None], np.fft.rfftfreq(shape[1], pixel_size)
    height = np.exp(-0.5 * ((np.hypot(y, x) - ring) / 0.004) ** 2)
    spectrum = PowerSpectrum(shape, pixel_size, 256)
    spectrum.add(np.fft.irfft2(height, s=shape).astype(np.float32))
    image = spectrum.image()
    place = np.arange(256) - 128
    for line in (image[128], image[:, 128]):
        part = line * (place > 10)
        assert (part * place).sum() / part.sum() == pytest.approx(ring * 256 * spectrum.pixel_size, abs=0.03)


@pytest.mark.parametrize("shape", [(127, 131), (99, 200), (64, 63)])
def test_odd_frames_have_a_spectrum(shape: tuple[int, int]):
    spectrum = PowerSpectrum(shape, 2.0, 64)
    spectrum.add(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    assert np.isfinite(spectrum.image()).all()


# --- frames -----------------------------------------------------------------------------------------------------


def test_frames_take_little_memory_and_lose_nothing():
    counts = np.random.default_rng(0).poisson(3, (50, 60)).astype(np.float32)
    assert compact(counts).dtype == np.uint8
    assert compact(counts + 300).dtype == np.uint16
    assert compact(counts - 0.5).dtype == np.float16
    assert compact(counts * 1e5 + 0.5).dtype == np.float32
    gain = np.full((50, 60), 1.25, np.float32)
    frames = Frames(gain)
    frames.append(counts)
    assert np.array_equal(frames.image(0), counts * gain)


def test_bad_pixels_get_good_neighbours_that_change():
    counts = np.random.default_rng(1).poisson(50, (5, 64, 64)).astype(np.float32)
    counts[:, 20, 30] = 5000
    counts[:, 40:50, :20] = 0
    frames = Frames()
    for frame in counts:
        frames.append(frame)
    bad = np.zeros((64, 64), bool)
    bad[20, 30] = bad[40:50, :20] = True
    frames.mark_bad(bad)
    mended = np.array([frames.image(n) for n in range(5)])
    assert mended.min() > 20
    assert mended.max() < 100
    assert abs(mended[:, bad].std() - mended[:, ~bad].std()) < 2
    assert len(np.unique(mended[:, 20, 30])) > 1
    assert not bad.reshape(-1)[stand_ins(bad, 3, np.random.default_rng(0))].any()
