"""Every option of a 2D classification has its effect: search, masks, CTF, corrections."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.ctf import Optics, ctf_images
from relionlab.engine.fourier import irfft2_centred, radial_index, rfft2_centred
from relionlab.io.images import read_stack, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from tests.jobs.class2d_runs import (
    BOX,
    DIAMETER,
    PIXEL_SIZE,
    STACK,
    STAR,
    arguments,
    correlation,
    refine,
    result,
    run,
    simulate,
    spectrum,
    turned,
    usual_result,
)

# --- seeds, workers --------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_result_and_another_one_another(there):
    assert run(iterations=2).same_as(usual_result(2))
    assert not run("--random_seed", "2", iterations=2).same_as(usual_result(2))


def test_a_seed_is_drawn_and_written_down(there):
    flags = arguments("--iter", "1", root="Class2D/b/run")
    at = flags.index("--random_seed")
    refine(there, flags[:at] + flags[at + 2 :])
    seed = result(there, 1, "Class2D/b/run").table("optimiser", "optimiser_general").value("rlnRandomSeed")
    drawn = result(there, 1, "Class2D/b/run")
    refine(there, arguments("--iter", "1", "--random_seed", str(seed), root="Class2D/c/run"))
    assert drawn.same_as(result(there, 1, "Class2D/c/run"))


def test_the_number_of_workers_changes_nothing(there):
    refine(there, arguments("--iter", "2", root="Class2D/b/run"), executor="local", workers=2, particles_per_shard=40)
    refine(there, arguments("--iter", "2", root="Class2D/c/run"), executor="inline", particles_per_shard=40)
    assert result(there, 2, "Class2D/b/run").same_as(result(there, 2, "Class2D/c/run"))


# --- poses -----------------------------------------------------------------------------------------------------------


def test_skip_align_keeps_angles_and_origins(there):
    before = "Class2D/a/run_it004_data.star"
    skipped = run("--skip_align", star=before, iterations=2)
    for label in ("rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst"):
        assert np.array_equal(skipped.column(label), read_particles(before).column(label))
    assert len(np.unique(skipped.column("rlnClassNumber"))) > 1
    assert skipped.table("optimiser", "optimiser_general").value("rlnDoSkipAlign") == 1


def test_skip_rotate_keeps_angles_and_searches_origins(there):
    before = "Class2D/a/run_it004_data.star"
    kept = run("--skip_rotate", star=before, iterations=2)
    assert turned(kept.column("rlnAnglePsi"), read_particles(before).column("rlnAnglePsi")).max() < 1e-6
    assert kept.column("rlnOriginXAngst").std() > 0.5 * PIXEL_SIZE


def test_without_perturbation_angles_lie_on_the_grid(there):
    still = run("--perturb", "0", iterations=1)
    assert np.abs((still.column("rlnAnglePsi") / 12 + 0.5) % 1 - 0.5).max() < 1e-5  # 24° oversampled once
    assert np.abs((usual_result(1).column("rlnAnglePsi") / 12 + 0.5) % 1 - 0.5).min() > 1e-3


def test_origins_stay_within_the_range(there):
    near = run("--offset_range", "1", "--perturb", "0", iterations=1)
    length = np.hypot(near.column("rlnOriginXAngst"), near.column("rlnOriginYAngst"))
    far = usual_result(1)
    assert length.max() <= 1 * PIXEL_SIZE + 1e-3
    assert np.hypot(far.column("rlnOriginXAngst"), far.column("rlnOriginYAngst")).max() > 1.5 * PIXEL_SIZE


def test_particles_may_be_expected_where_they_were(there):
    def moved(*flags: str) -> float:
        found = run("--perturb", "0", *flags, iterations=1)  # from the middle of the images
        return float(np.hypot(found.column("rlnOriginXAngst"), found.column("rlnOriginYAngst")).mean())

    assert moved("--local_offsets", "--offset", "10") < 0.75 * moved("--offset", "10")
    assert moved("--local_offsets", "--offset", "0.1") > 0  # RELION's fine offsets about a coarse one weigh the same


# --- masks, resolution -----------------------------------------------------------------------------------------------


def test_without_zero_mask_the_outside_is_filled_with_noise(there):
    filled, zero = run(without=("--zero_mask",), iterations=2), usual_result(2)
    outer = slice(BOX // 4, BOX // 2)
    ratio = (
        filled.table("model", "model_group_1")["rlnSigma2Noise"][outer]
        / zero.table("model", "model_group_1")["rlnSigma2Noise"][outer]
    ).mean()
    area = np.pi * (DIAMETER / 2 / PIXEL_SIZE + 2.5) ** 2 / BOX**2
    assert ratio == pytest.approx(1 / area, rel=0.15)
    assert run(without=("--zero_mask",), iterations=2).same_as(filled), "the noise must not change from run to run"


def test_class_averages_end_at_the_mask_also_unasked(there):
    """They are made of masked images: what their sums hold beyond would be taken for signal, shell after shell."""
    open_, masked = run(without=("--flatten_solvent",), iterations=2), usual_result(2)
    line = np.arange(BOX) - BOX // 2
    outside = np.hypot(*np.meshgrid(line, line)) > DIAMETER / 2 / PIXEL_SIZE + 5
    assert np.all(masked.classes[:, outside] == 0)
    assert np.array_equal(open_.classes, masked.classes)


def test_the_mask_may_follow_from_the_box(there):
    flags = arguments("--iter", "1", root="Class2D/b/run")
    at = flags.index("--particle_diameter")
    refine(there, flags[:at] + flags[at + 2 :])
    optimiser = result(there, 1, "Class2D/b/run").table("optimiser", "optimiser_general")
    assert 0 < optimiser.value("rlnParticleDiameter") < BOX * PIXEL_SIZE


def test_the_resolution_limit_hides_detail_from_the_comparison(there):
    limited = run("--strict_highres_exp", "70")
    assert limited.column("rlnMaxValueProbDistribution").mean() < (
        0.6 * usual_result().column("rlnMaxValueProbDistribution").mean()
    )
    assert limited.table("optimiser", "optimiser_general").value("rlnHighresLimitExpectation") == 70


def test_the_lowest_resolution_is_left_out_of_the_comparison(there):
    limited = run("--strict_lowres_exp", "90", iterations=2)
    assert not np.array_equal(limited.column("rlnAnglePsi"), usual_result(2).column("rlnAnglePsi"))
    assert limited.table("optimiser", "optimiser_general").value("rlnLowresLimitExpectation") == 90


def test_shells_ahead(there):
    narrow, wide = run("--incr_size", "3", iterations=2), usual_result(2)
    size = [one.table("model", "model_general").value("rlnCurrentImageSize") for one in (narrow, wide)]
    assert size[0] < size[1]


def test_the_adaptive_fraction_decides_how_many_poses_count(there):
    few = run("--adaptive_fraction", "0.6", iterations=1)
    assert few.column("rlnNrOfSignificantSamples").mean() < (
        0.6 * usual_result(1).column("rlnNrOfSignificantSamples").mean()
    )


def test_regularisation_smooths(there):
    smooth, rough = run("--tau2_fudge", "0.2", iterations=3), run("--tau2_fudge", "8", iterations=3)
    high = slice(BOX // 4, BOX // 2)
    assert spectrum(smooth.classes)[:, high].sum() < 0.5 * spectrum(rough.classes)[:, high].sum()


# --- CTF -------------------------------------------------------------------------------------------------------------


def test_without_ctf_no_defocus_is_needed_and_low_frequencies_stay_weak(there):
    table = read_particles(STAR)
    labels = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
    write_particles("data/stain.star", Particles(table.optics, table.particles.without(*labels)))
    plain = run(without=("--ctf",), star="data/stain.star")
    assert "rlnDefocusU" not in plain.particles
    low = slice(1, 4)
    assert spectrum(plain.classes)[:, low].sum() < 0.5 * spectrum(usual_result().classes)[:, low].sum()


def test_the_intact_first_peak_takes_low_frequencies_as_they_are(there):
    intact = run("--ctf_intact_first_peak")
    first = slice(1, 3)
    assert spectrum(intact.classes)[:, first].sum() < 0.6 * spectrum(usual_result().classes)[:, first].sum()
    assert intact.table("optimiser", "optimiser_general").value("rlnDoIgnoreCtfUntilFirstPeak") == 1


def flip_phases(star: str, stack: str) -> None:
    """Write the particles with the sign of their CTF corrected."""
    table, images = read_particles(STAR), read_stack(STACK)
    columns = {name: table.column(f"rln{label}") for name, label in CTF_COLUMNS.items()}
    modelled = ctf_images(BOX, optics=Optics(300.0, 2.7, 0.1, PIXEL_SIZE), **columns)
    flipped = irfft2_centred(rfft2_centred(images) * np.sign(modelled), BOX)
    write_stack(stack, flipped.astype(np.float32), pixel_size=PIXEL_SIZE)
    names = [name.replace(STACK, stack) for name in table.particles["rlnImageName"]]
    write_particles(star, table.with_columns(rlnImageName=names))


CTF_COLUMNS = {"defocus_u": "DefocusU", "defocus_v": "DefocusV", "defocus_angle": "DefocusAngle"}


def test_phase_flipped_images_with_the_modulus_of_the_ctf_are_the_same_problem(here):
    # 12 µm: the CTF turns its sign at 50 Å, and again
    simulate(here, defocus=(115000.0, 125000.0), snr=2.0)
    flip_phases("data/flipped.star", "data/flipped.mrcs")
    plain, flipped, untold = (
        run(),
        run("--ctf_phase_flipped", star="data/flipped.star"),
        run(star="data/flipped.star"),
    )
    same = flipped.column("rlnClassNumber") == plain.column("rlnClassNumber")
    assert same.mean() > 0.8
    beyond = radial_index(BOX) >= 6
    detail = [irfft2_centred(rfft2_centred(one.classes) * beyond, BOX) for one in (plain, flipped, untold)]
    assert correlation(detail[0], detail[1]) > 0.6
    assert correlation(detail[0], detail[2]) < 0.3
    assert flipped.table("optimiser", "optimiser_general").value("rlnCtfDataArePhaseFlipped") == 1


def test_only_flipping_phases_leaves_amplitudes_uncorrected(there):
    flipped = run("--only_flip_phases")
    low = slice(1, 4)
    assert spectrum(flipped.classes)[:, low].sum() < 0.6 * spectrum(usual_result().classes)[:, low].sum()


# --- norm, scale, noise ----------------------------------------------------------------------------------------------


def test_norms_are_corrected_on_demand(there):
    images = read_stack(STACK)
    images[::2] *= 1.15
    write_stack(STACK, images, pixel_size=PIXEL_SIZE)
    on, off = run(), run(without=("--norm",))
    norm = on.column("rlnNormCorrection")
    assert norm[::2].mean() / norm[1::2].mean() == pytest.approx(1.15, abs=0.04)
    assert np.all(off.column("rlnNormCorrection") == 1)
    assert off.table("optimiser", "optimiser_general").value("rlnDoCorrectNorm") == 0
    assert np.all(run("--no_norm", iterations=2).column("rlnNormCorrection") == 1)


def test_scales_are_corrected_on_demand(there):
    images = read_stack(STACK)
    noise = np.random.default_rng(1).normal(size=images.shape)
    second = read_particles(STAR).particles["rlnMicrographName"] == "mic002.mrc"
    images[second] = 0.7 * images[second] + np.sqrt(1 - 0.7**2) * noise[second]
    write_stack(STACK, images.astype(np.float32), pixel_size=PIXEL_SIZE)
    on, off = run(iterations=6), run(without=("--scale",), iterations=2)
    scale = on.table("model", "model_groups")["rlnGroupScaleCorrection"]
    assert 0.5 < scale[1] / scale[0] < 0.9
    assert np.all(off.table("model", "model_groups")["rlnGroupScaleCorrection"] == 1)
    assert off.table("optimiser", "optimiser_general").value("rlnDoCorrectScale") == 0
    none = run("--no_scale", iterations=2).table("model", "model_groups")
    assert np.all(none["rlnGroupScaleCorrection"] == 1)


def test_noise_and_spread_of_offsets_are_kept_on_demand(there):
    kept = run("--fix_sigma_noise", "--fix_sigma_offset", "--offset", "7", iterations=2)
    assert kept.table("model", "model_general").value("rlnSigmaOffsetsAngst") == 7
    first = result(there, 0, "Class2D/b1/run").table("model", "model_group_1")["rlnSigma2Noise"]
    assert np.array_equal(kept.table("model", "model_group_1")["rlnSigma2Noise"], first)
    assert usual_result(2).table("model", "model_general").value("rlnSigmaOffsetsAngst") != 10
