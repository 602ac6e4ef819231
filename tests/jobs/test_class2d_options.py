"""Every option of a 2D classification has its effect."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.ctf import Optics, ctf_images
from relionlab.engine.fourier import irfft2_centred, radial_average, radial_index, resize, rfft2_centred
from relionlab.errors import ParameterError, StarError
from relionlab.io.images import read_stack, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.class2d import Class2D
from relionlab.jobs.refine import Refine
from tests.jobs.class2d_runs import (
    BOX,
    COUNT,
    DIAMETER,
    PIXEL_SIZE,
    STACK,
    STAR,
    Result,
    arguments,
    refine,
    result,
    simulate,
)

FINISHED = 4
"""Iterations of the run that the others are compared with."""


@pytest.fixture(scope="session")
def usual(tmp_path_factory, simulated) -> Path:
    """A folder with the ordinary run."""
    directory = tmp_path_factory.mktemp("usual")
    shutil.copytree(simulated / "data", directory / "data")
    refine(directory, arguments("--iter", str(FINISHED)))
    return directory


@pytest.fixture
def there(tmp_path, usual, monkeypatch) -> Path:
    """A copy of it, as working directory."""
    shutil.copytree(usual, tmp_path / "there")
    monkeypatch.chdir(tmp_path / "there")
    return tmp_path / "there"


def run(*more: str, iterations: int = FINISHED, without: tuple[str, ...] = (), star: str = STAR) -> Result:
    """Run again with further flags, in a directory of its own: Class2D/b1, Class2D/b2 …"""
    root = f"Class2D/b{len(list(Path().glob('Class2D/b*'))) + 1}/run"
    refine(Path.cwd(), arguments("--iter", str(iterations), *more, root=root, without=without, star=star))
    return result(Path.cwd(), iterations, root)


def usual_result(iteration: int = FINISHED) -> Result:
    return result(Path.cwd(), iteration)


def spectrum(images: np.ndarray) -> np.ndarray:
    """Mean power of each image per shell."""
    return radial_average(np.abs(rfft2_centred(images)) ** 2, images.shape[-1])


def centre_of_mass(images: np.ndarray) -> np.ndarray:
    positive = np.maximum(images, 0)
    line = np.arange(images.shape[-1]) - images.shape[-1] // 2
    mass = positive.sum(axis=(1, 2))
    return np.stack([positive.sum(axis=1) @ line / mass, positive.sum(axis=2) @ line / mass], axis=1)


def turned(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.abs((first - second + 180) % 360 - 180)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


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


def test_class_averages_are_masked_on_demand(there):
    open_, masked = run(without=("--flatten_solvent",), iterations=2), usual_result(2)
    line = np.arange(BOX) - BOX // 2
    outside = np.hypot(*np.meshgrid(line, line)) > DIAMETER / 2 / PIXEL_SIZE + 5
    assert np.all(masked.classes[:, outside] == 0)
    edge = np.abs(np.hypot(*np.meshgrid(line, line)) - DIAMETER / 2 / PIXEL_SIZE) < 1.5
    assert np.abs(open_.classes[:, edge]).mean() > 2 * np.abs(masked.classes[:, edge]).mean()


def test_the_mask_may_follow_from_the_box(there):
    flags = arguments("--iter", "1", root="Class2D/b/run")
    at = flags.index("--particle_diameter")
    refine(there, flags[:at] + flags[at + 2 :])
    optimiser = result(there, 1, "Class2D/b/run").table("optimiser", "optimiser_general")
    assert 0 < optimiser.value("rlnParticleDiameter") < BOX * PIXEL_SIZE


def test_the_resolution_limit_hides_detail_from_the_comparison(there):
    limited = run("--strict_highres_exp", "120")
    assert limited.column("rlnMaxValueProbDistribution").mean() < (
        0.6 * usual_result().column("rlnMaxValueProbDistribution").mean()
    )
    assert limited.table("optimiser", "optimiser_general").value("rlnHighresLimitExpectation") == 120


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


# --- references ------------------------------------------------------------------------------------------------------


def test_classes_begin_from_the_references_given(there):
    given = usual_result().classes[[2, 0, 1]]
    write_stack("refs.mrcs", given, pixel_size=PIXEL_SIZE)
    flags = arguments("--ref", "refs.mrcs", "--iter", "2", root="Class2D/b/run")
    at = flags.index("--K")
    refine(there, flags[:at] + flags[at + 2 :])  # as many classes as references
    begun, after = result(there, 0, "Class2D/b/run"), result(there, 2, "Class2D/b/run")
    assert np.array_equal(begun.classes, given)
    assert all(correlation(after.classes[c], given[c]) > 0.8 for c in range(3))
    order = np.array([1, 2, 0])[usual_result().column("rlnClassNumber") - 1] + 1
    assert (after.column("rlnClassNumber") == order).mean() > 0.7


def test_references_may_be_named_in_a_model_file(there):
    begun = run("--ref", "Class2D/a/run_it004_model.star", iterations=1)
    assert np.array_equal(result(there, 0, "Class2D/b1/run").classes, usual_result().classes)
    assert begun.column("rlnMaxValueProbDistribution").mean() > (
        usual_result(1).column("rlnMaxValueProbDistribution").mean()
    )


def test_as_many_classes_as_references(there):
    write_stack("refs.mrcs", usual_result().classes[:2], pixel_size=PIXEL_SIZE)
    with pytest.raises(ParameterError, match=r"refs.mrcs has 2 references.*\(--K\) is 3.*Give --K 2"):
        run("--ref", "refs.mrcs")


@pytest.mark.parametrize("referred", [True, False])
def test_first_averages_are_filtered(there, referred):
    run(*(("--ref", "Class2D/a/run_it004_model.star") if referred else ()), "--ini_high", "85", iterations=1)
    power = spectrum(result(there, 0, "Class2D/b1/run").classes)
    assert power[:, 6:].sum() < 1e-6 * power[:, 1:4].sum()  # 85 Å are 3 shells of 256 Å
    assert power[:, 2].sum() > 0


def test_classes_are_centred_on_demand(there):
    write_stack("refs.mrcs", np.roll(usual_result().classes, (0, 3), (1, 2)), pixel_size=PIXEL_SIZE)
    off = run("--ref", "refs.mrcs", iterations=1)
    assert np.abs(centre_of_mass(off.classes)).max() > 1.5
    on = run("--ref", "refs.mrcs", "--center_classes", iterations=1)
    assert np.abs(centre_of_mass(on.classes)).max() < 0.6
    moved = np.abs(on.column("rlnOriginXAngst") - off.column("rlnOriginXAngst"))
    assert np.median(moved) > PIXEL_SIZE / 2  # the particles went along
    assert correlation(np.roll(on.classes, (0, 3), (1, 2)), off.classes) > 0.7


def test_one_class_is_enough(there):
    one = run("--K", "1", iterations=2)
    assert one.classes.shape == (1, BOX, BOX)
    assert np.all(one.column("rlnClassNumber") == 1)


# --- input -----------------------------------------------------------------------------------------------------------


def test_a_bare_stack_is_classified_without_ctf(there):
    flags = arguments("--iter", "2", root="Class2D/b/run", star=STACK, without=("--ctf",))
    told = refine(there, flags)
    assert any("bare stack" in warning and f"{COUNT} images" in warning for warning in told.warnings)
    bare = result(there, 2, "Class2D/b/run")
    assert list(bare.column("rlnImageName")) == list(usual_result().column("rlnImageName"))
    assert len(bare.table("model", "model_groups")) == 1
    assert bare.table("model", "model_general").value("rlnPixelSize") == PIXEL_SIZE
    with pytest.raises(StarError, match=r"rlnDefocusU.*without --ctf"):
        run(star=STACK)


def test_images_held_in_memory_are_the_same_images(there):
    assert run("--preread_images", iterations=1).same_as(usual_result(1))


def test_optics_groups_may_differ_in_pixel_size(there):
    """The second half of the particles in finer pixels: the same particles, and the same result."""
    table, images = read_particles(STAR), read_stack(STACK)
    half, box = COUNT // 2, 40
    write_stack("data/fine.mrcs", resize(images[half:], box).astype(np.float32), pixel_size=PIXEL_SIZE * BOX / box)
    optics = {label: np.repeat(table.optics[label], 2) for label in table.optics.labels}
    optics |= {"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["coarse", "fine"], "rlnImageSize": [BOX, box]}
    optics["rlnImagePixelSize"] = [PIXEL_SIZE, PIXEL_SIZE * BOX / box]
    names = [
        name if n < half else f"{n - half + 1:06d}@data/fine.mrcs"
        for n, name in enumerate(table.particles["rlnImageName"])
    ]
    rows = table.particles.with_columns(rlnImageName=names, rlnOpticsGroup=np.arange(COUNT) // half + 1)
    write_particles("data/two.star", Particles(Table(optics, "optics"), rows))

    both = run("--dont_check_norm", star="data/two.star")
    assert both.classes.shape == (3, BOX, BOX)
    assert both.table("model", "model_general").value("rlnPixelSize") == PIXEL_SIZE
    assert len(both.particles.optics) == 2
    one = usual_result()
    fine = np.arange(COUNT) >= half
    same = both.column("rlnClassNumber") == one.column("rlnClassNumber")
    assert same[fine].mean() > 0.85
    assert (turned(both.column("rlnAnglePsi"), one.column("rlnAnglePsi")) < 13)[same & fine].mean() > 0.85
    assert correlation(both.classes, one.classes) > 0.95
    far = np.hypot(*(both.column(f"rlnOrigin{axis}Angst") - one.column(f"rlnOrigin{axis}Angst") for axis in "XY"))
    assert np.median(far[same & fine]) < PIXEL_SIZE  # the step of the offsets


# --- continuing, and the form ----------------------------------------------------------------------------------------


def test_a_finished_run_is_continued_with_more_iterations_and_another_t(there):
    go_on = ["--continue", "Class2D/a/run_it004_optimiser.star", "--o", "Class2D/a/run", "--iter", "6"]
    refine(there, [*go_on, "--tau2_fudge", "8"])
    rough = result(there, 6, "Class2D/a/run_ct4")
    refine(there, [*go_on[:3], "Class2D/c/run", *go_on[4:]])
    kept = result(there, 6, "Class2D/c/run")
    assert rough.table("model", "model_general").value("rlnTau2FudgeFactor") == 8
    assert kept.table("model", "model_general").value("rlnTau2FudgeFactor") == 2
    high = slice(BOX // 4, BOX // 2)
    assert spectrum(rough.classes)[:, high].sum() > 1.2 * spectrum(kept.classes)[:, high].sum()
    assert kept.table("optimiser", "optimiser_general").value("rlnNumberOfIterations") == 6
    assert result(there, 4).same_as(usual_result())
    names = {path.name for path in Path("Class2D/a").glob("run_ct4*_optimiser.star")}
    assert names == {"run_ct4_it005_optimiser.star", "run_ct4_it006_optimiser.star"}


def test_the_form_says_the_same_as_the_command_line(there):
    form = Class2D(
        fn_img=STAR,
        nr_classes=3,
        nr_iter=2,
        particle_diameter=DIAMETER,
        psi_sampling=12.0,
        offset_range=3.0,
        offset_step=1.0,
        other_args="--random_seed 1",
    )
    (command,) = form.commands("Class2D/b/")
    refine(there, list(command.arguments))
    assert result(there, 2, "Class2D/b/run").same_as(usual_result(2))
    assert {node.path for node in form.outputs("Class2D/b/")} == {
        f"Class2D/b/run_it002_{file}.star" for file in ("data", "model", "optimiser")
    }


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"do_zero_mask": False}, "-zero_mask"),
        ({"do_center": True}, "+center_classes"),
        ({"do_ctf_correction": False}, "-ctf"),
        ({"ctf_intact_first_peak": True}, "+ctf_intact_first_peak"),
        ({"dont_skip_align": False}, "+skip_align -psi_step -offset_range -offset_step"),
        ({"highres_limit": 12.0}, "+strict_highres_exp"),
        ({"do_preread_images": True}, "+preread_images"),
        ({"use_gpu": True, "gpu_ids": "0:1"}, "+gpu"),
    ],
)
def test_each_form_field_reaches_the_program(changes, flags):
    form = Class2D(fn_img=STAR)
    before, after = (set(one.commands("b/")[0].arguments) for one in (form, form.changed(**changes)))
    for flag in flags.split():
        name = f"--{flag[1:]}"
        assert (name in after) == flag.startswith("+")
        assert (name in before) != flag.startswith("+")
    values = Refine.from_flags(form.changed(**changes).commands("b/")[0].arguments)
    for name, value in changes.items():
        if name != "use_gpu":
            assert getattr(values, name) == value
