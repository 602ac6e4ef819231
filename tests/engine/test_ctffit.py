"""CTF estimation: spectra, fits to micrographs of known CTF, their quality, and how two estimates compare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.ctffit import Range, check_spectrum, describe_ctf, fit_ctf, power_spectrum
from relionlab.engine.ctffit.compare import disagreement
from relionlab.engine.ctffit.diagnostic import diagnostic_image
from relionlab.engine.ctffit.model import equal_phase_frequency, phases
from relionlab.errors import ComputeError, InputError
from relionlab.io.images import read_header, read_image
from relionlab.io.star import read_star
from tests.engine.ctf_micrographs import TITAN, Truth, micrograph

ASTIGMATIC = Truth(15400.0, 14700.0, 35.0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def astigmatic():
    """Spectrum and fit of one micrograph."""
    spectrum = power_spectrum(micrograph(ASTIGMATIC, rng(), size=1280), TITAN.pixel_size)
    return spectrum, fit_ctf(spectrum, TITAN)


def turned(angle: float, other: float) -> float:
    """Difference of two directions of astigmatism, which repeat after 180°."""
    return abs((angle - other + 90) % 180 - 90)


# --- spectra ----------------------------------------------------------------------------------------------------


def test_white_noise_has_a_flat_spectrum_of_the_right_size():
    spectrum = power_spectrum(rng().standard_normal((700, 900)).astype(np.float32), 2.0, size=256)
    assert spectrum.power.shape == (256, 256)
    assert spectrum.pixel_size == 2.0
    inner = spectrum.power[20:100, 20:100]
    assert inner.std() / inner.mean() < 0.35
    assert np.allclose(spectrum.power[1:, 1:], spectrum.power[1:, 1:][::-1, ::-1])  # Friedel's pairs


def test_fine_pixels_are_cut_to_larger_tiles_with_waves_at_their_place():
    pixel_size, period = 0.7, 9.0  # Å
    x = np.arange(1600) * pixel_size
    image = np.sin(2 * np.pi * x / period)[None] + 0.1 * rng().standard_normal((1500, 1600))
    spectrum = power_spectrum(image.astype(np.float32), pixel_size, size=512)
    assert spectrum.pixel_size == pytest.approx(1.33, abs=0.08)
    peak = np.abs(np.argmax(spectrum.power[256]) - 256)
    assert peak == pytest.approx(spectrum.radius(period), abs=1)


def test_dark_borders_and_hot_pixels_do_no_harm():
    image = micrograph(ASTIGMATIC, rng(), size=1024)
    framed = np.zeros((1024, 2200), dtype=np.float32)
    framed[:, :1024] = image
    framed[rng(1).integers(0, 1024, 30), rng(2).integers(0, 1024, 30)] = 1e5
    fit = fit_ctf(power_spectrum(framed[:, :1100], TITAN.pixel_size), TITAN)
    assert fit.defocus == pytest.approx(ASTIGMATIC.defocus, abs=60)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.full((600, 600), 3.0), "constant"),
        (np.where(np.eye(600) > 0, np.nan, 1.0), r"600 NaN or infinite pixels \(0\.167 %\), the first at x = 0, y = 0"),
        (np.ones((300, 900)), "larger than the micrograph of 900×300 px"),
    ],
)
def test_bad_micrographs_are_named(image, words):
    with pytest.raises((InputError, ComputeError), match=words):
        power_spectrum(image.astype(np.float32), 1.5)


def test_bad_spectra_are_named():
    for power, size, words in (
        (np.ones((512, 500)), 1.4, "square"),
        (np.ones((512, 512)), 0.0, "pixel size"),
        (np.ones((512, 512)), 1.4, "constant"),
        (np.full((512, 512), np.nan), 1.4, "NaN"),
    ):
        with pytest.raises((InputError, ComputeError), match=words):
            check_spectrum(power, size)


# --- fits -------------------------------------------------------------------------------------------------------


def test_defocus_astigmatism_and_angle_are_found(astigmatic):
    _, fit = astigmatic
    assert fit.defocus == pytest.approx(ASTIGMATIC.defocus, abs=40)
    assert fit.astigmatism == pytest.approx(700, abs=90)
    assert turned(fit.defocus_angle, ASTIGMATIC.defocus_angle) < 4
    assert 0.1 < fit.figure_of_merit < 0.6
    assert 3.0 < fit.max_resolution < 5.5
    assert 0 < fit.defocus_error < 40


def test_result_does_not_depend_on_scale_or_on_amplitudes_for_power(astigmatic):
    spectrum, fit = astigmatic
    scaled = fit_ctf(replace(spectrum, power=spectrum.power * 1e-6), TITAN)
    assert scaled.defocus == pytest.approx(fit.defocus, abs=0.5)
    rooted = fit_ctf(replace(spectrum, power=np.sqrt(spectrum.power)), TITAN)
    assert rooted.defocus == pytest.approx(fit.defocus, abs=15)


def test_transposing_a_micrograph_mirrors_the_angle():
    image = micrograph(ASTIGMATIC, rng(3), size=1024)
    fit = fit_ctf(power_spectrum(image.T.copy(), TITAN.pixel_size), TITAN)
    assert turned(fit.defocus_angle, 90 - ASTIGMATIC.defocus_angle) < 5


def test_phase_shift_is_found():
    truth = Truth(12200.0, 12000.0, 10.0, phase_shift=70.0)
    image = micrograph(truth, rng(4), size=1024)
    searched = Range(phases=tuple(np.linspace(0, 180, 19)))
    fit = fit_ctf(power_spectrum(image, TITAN.pixel_size), TITAN, searched)
    assert fit.phase_shift == pytest.approx(70, abs=8)
    assert fit.defocus == pytest.approx(truth.defocus, abs=120)


def test_strong_ice_rings_and_oval_backgrounds_do_not_pull():
    image = micrograph(ASTIGMATIC, rng(5), size=1024, ice_ring=5.0, ellipticity=0.1)
    fit = fit_ctf(power_spectrum(image, TITAN.pixel_size, finest=3.3), TITAN, Range(finest=3.3))
    assert fit.defocus == pytest.approx(ASTIGMATIC.defocus, abs=60)
    assert turned(fit.defocus_angle, ASTIGMATIC.defocus_angle) < 6


def test_large_astigmatism_is_found_in_spite_of_the_expectation():
    truth = Truth(22000.0, 18500.0, -60.0)
    fit = fit_ctf(power_spectrum(micrograph(truth, rng(6), size=1024), TITAN.pixel_size), TITAN)
    assert fit.astigmatism == pytest.approx(3500, abs=150)
    assert fit.defocus == pytest.approx(truth.defocus, abs=80)


def test_noise_without_rings_is_no_good_fit():
    fit = fit_ctf(power_spectrum(rng(7).standard_normal((1024, 1024)).astype(np.float32), 1.5), TITAN)
    assert fit.figure_of_merit < 0.05
    assert fit.max_resolution > 8


def test_a_wrong_ctf_is_worth_less_than_the_fit(astigmatic):
    spectrum, fit = astigmatic
    wrong = describe_ctf(spectrum, TITAN, Range(), defocus_u=17000, defocus_v=16500, defocus_angle=0)
    same = describe_ctf(
        spectrum, TITAN, Range(), defocus_u=fit.defocus_u, defocus_v=fit.defocus_v, defocus_angle=fit.defocus_angle
    )
    assert wrong.figure_of_merit < 0.1 < same.figure_of_merit
    assert wrong.max_resolution > 2 * same.max_resolution
    assert same.figure_of_merit == pytest.approx(fit.figure_of_merit, abs=1e-9)


def test_the_picture_shows_both_halves_alike(astigmatic):
    spectrum, fit = astigmatic
    image = diagnostic_image(fit, replace(TITAN, pixel_size=spectrum.pixel_size), finest=5.0)
    assert image.shape == (512, 512)
    assert np.isfinite(image).all()
    left, right = image[256:300, 180:246], image[212:256, 266:332][::-1, ::-1]  # Friedel's pairs of pixels
    assert np.corrcoef(left[1:, 1:].ravel(), right[:-1, :-1].ravel())[0, 1] > 0.5


@pytest.mark.parametrize(
    ("searched", "words"),
    [
        (Range(coarsest=5, finest=30), "not coarser"),
        (Range(finest=2.0), "ends at 3 Å"),
        (Range(lowest=30000, highest=20000), "cannot be searched"),
        (Range(step=0), "cannot be searched"),
        (Range(coarsest=5.2, finest=5.0), "has 6 frequencies"),
    ],
)
def test_impossible_ranges_are_named(astigmatic, searched, words):
    with pytest.raises(InputError, match=words):
        fit_ctf(astigmatic[0], TITAN, searched)


def test_impossible_optics_are_named(astigmatic):
    for optics, words in (
        (replace(TITAN, voltage_kv=0.0), "voltage"),
        (replace(TITAN, amplitude_contrast=2.0), "contrast"),
    ):
        with pytest.raises(InputError, match=words):
            fit_ctf(astigmatic[0], optics)


def test_real_power_spectra_agree_with_the_tutorial(shared_data):
    """EMPIAR-10204's sums of power spectra against the values of the RELION 3.1 tutorial (CTFFIND 4.1.13)."""
    from relionlab.engine.ctf import Optics

    theirs = read_star(shared_data / "relion31_tutorial_meta/CtfFind/job003/micrographs_ctf.star")["micrographs"]
    optics = Optics(200.0, 1.4, 0.1, 0.885)
    differences = []
    for name, u, v in zip(
        *(theirs[k].tolist() for k in ("rlnMicrographName", "rlnDefocusU", "rlnDefocusV")), strict=True
    ):
        path = shared_data / "empiar10204_betagal_relion5" / name.replace(".mrc", "_PS.mrc")
        if path.exists():
            fit = fit_ctf(check_spectrum(read_image(path), read_header(path).pixel_size), optics)
            differences.append(fit.defocus - (u + v) / 2)
    assert len(differences) == 10
    assert np.abs(differences).max() < 60


# --- formulae ---------------------------------------------------------------------------------------------------


def test_equal_phase_frequencies_have_equal_phases():
    frequency = np.linspace(0.03, 0.3, 50)
    equal = equal_phase_frequency(frequency, np.full(50, 15000.0), mean=14500.0, optics=TITAN)
    one = phases(frequency, np.array([15000.0]), optics=TITAN)[0]
    other = np.array([phases(np.array([k]), np.array([14500.0]), optics=TITAN)[0, 0] for k in equal])
    assert np.allclose(one, other, atol=1e-6)


def test_disagreement_is_90_degrees_at_its_resolution():
    first, second = np.array([[15000.0, 15000.0, 0.0, 0.0]]), np.array([[15500.0, 15300.0, 20.0, 0.0]])
    found = disagreement(first, second, wavelength=TITAN.wavelength)
    assert found.defocus[0] == pytest.approx(400)
    assert found.astigmatism[0] == pytest.approx(200)
    k = np.array([1 / found.resolution[0]])
    apart = phases(k, np.array([15500.0]), optics=TITAN) - phases(k, np.array([15000.0]), optics=TITAN)
    assert np.rad2deg(apart[0, 0]) == pytest.approx(90)


def test_estimates_that_agree_never_disagree():
    same = np.array([[15000.0, 14000.0, 30.0, 0.0]])
    turned_names = np.array([[15000.0, 14000.0, -150.0, 180.0]])
    assert disagreement(same, same, wavelength=0.02).resolution[0] == 0
    assert disagreement(same, turned_names, wavelength=0.02).resolution[0] == pytest.approx(0, abs=1e-3)
    with pytest.raises(InputError, match="cannot be compared"):
        disagreement(same, same[:, :3], wavelength=0.02)
