"""The program ``refine`` understands every flag of relion_refine's 3D runs, and says what contradicts itself."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from relionlab.errors import NodeError, ParameterError, StarError
from relionlab.io.images import write_map, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.reference import terminal_help
from relionlab.jobs.refinement import classification2d
from relionlab.jobs.refinement.gradient import GradientPlan
from relionlab.jobs.refinement.program import Refine
from tests.jobs.class2d_runs import Quiet

COMMON = "--dont_combine_weights_via_disc --preread_images --pool 30 --pad 2 --j 2 --random_seed 1"
LINES = {
    "initial model": "--o I/run --sgd_ini_iter 50 --sgd_inbetween_iter 200 --sgd_fin_iter 50 --sgd_write_iter 10 --sgd_ini_resol 35"
    " --sgd_fin_resol 15 --sgd_ini_subset 100 --sgd_fin_subset 500 --sgd --denovo_3dref --i p.star --ctf --K 1 --sym C1"
    " --flatten_solvent --zero_mask --particle_diameter 190 --oversampling 1 --healpix_order 1 --offset_range 6 --offset_step 2"
    " --dont_combine_weights_via_disc --preread_images --pool 3 --pad 1 --j 2 --random_seed 1",
    "3D classes": "--o C/run --i p.star --ref m.mrc --firstiter_cc --ini_high 50 --ctf --iter 25 --tau2_fudge 4"
    " --particle_diameter 190 --K 2 --flatten_solvent --zero_mask --oversampling 1 --healpix_order 2 --offset_range 5"
    f" --offset_step 2 --sym C1 --norm --scale {COMMON}",
    "3D classes, still": "--o C/run --i p.star --ref m.mrc --firstiter_cc --ini_high 50 --ctf --iter 25 --tau2_fudge 4"
    f" --particle_diameter 190 --K 2 --flatten_solvent --zero_mask --oversampling 1 --skip_align --sym C1 --norm --scale {COMMON}",
    "auto-refine": "--o R/run --auto_refine --split_random_halves --i p.star --ref m.mrc --firstiter_cc --ini_high 50 --ctf"
    " --particle_diameter 190 --flatten_solvent --zero_mask --oversampling 1 --healpix_order 2 --auto_local_healpix_order 4"
    f" --offset_range 5 --offset_step 2 --sym D2 --low_resol_join_halves 40 --norm --scale {COMMON}",
    "auto-refine, continued": "--continue R/run_it008_optimiser.star --o R/run --auto_local_healpix_order 4"
    " --dont_combine_weights_via_disc --preread_images --pool 30 --pad 2 --j 2",
}
"""What the tutorial's jobs give RELION."""


def read(line: str) -> Refine:
    return Refine.from_flags(line.split())


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_the_tutorials_lines_are_understood(line):
    made = read(line)
    assert not made.problems()
    assert Refine.from_flags(made.flags()) == made


def test_flags_mean_what_they_say():
    made = read(LINES["auto-refine"])
    assert (made.sym, made.healpix_order, made.auto_local_healpix_order, made.low_resol_join_halves) == ("D2", 2, 4, 40)
    assert (made.auto_refine, made.split_random_halves, made.firstiter_cc, made.ini_high, made.ref) == (
        *(True,) * 3,
        50,
        "m.mrc",
    )
    assert made.psi_step(2) == 15
    assert made.psi_step(4) == 3.75
    assert read(LINES["3D classes"] + " --psi_step 10").psi_step(2) == 10
    assert made.local_sigmas() is None
    assert read("--i p.star --o a --sigma_ang 1.7 --sigma_rot 3").local_sigmas() == (1.7, 1.7, 1.7)
    assert read("--i p.star --o a --sigma_tilt 5").local_sigmas() == (0, 5, 0)
    assert read("--i p.star --o a --sigma_ang -1").local_sigmas() is None
    nothing = read("--i p.star --o a --ref None --limit_tilt -91 --solvent_mask2 None")
    assert (nothing.ref, nothing.limit_tilt, nothing.solvent_mask2) == ("", None, "")


_FLAGS = """
    --i --o --iter --tau2_fudge --K --particle_diameter --zero_mask --flatten_solvent --solvent_mask --solvent_mask2
    --lowpass_mask --lowpass --tau --local_symmetry --split_random_halves --low_resol_join_halves --ref --denovo_3dref --offset
    --firstiter_cc --ini_high --oversampling --healpix_order --psi_step --limit_tilt --sym --relax_sym --offset_range
    --offset_step --helical_offset_step --perturb --auto_refine --auto_local_healpix_order --sigma_ang --sigma_rot --sigma_tilt
    --sigma_psi --skip_align --skip_rotate --bimodal_psi --helix --ignore_helical_symmetry --helical_nr_asu
    --helical_twist_initial --helical_twist_min --helical_twist_max --helical_twist_inistep --helical_rise_initial
    --helical_rise_min --helical_rise_max --helical_rise_inistep --helical_nstart --helical_z_percentage
    --helical_inner_diameter --helical_outer_diameter --helical_symmetry_search --helical_sigma_distance
    --helical_keep_tilt_prior_fixed --helical_exclude_resols --fourier_mask --ctf --pad_ctf --ctf_intact_first_peak
    --ctf_corrected_ref --ctf_phase_flipped --only_flip_phases --norm --scale --no_norm --no_scale --sgd --stochastic_em
    --sgd_ini_iter --sgd_fin_iter --sgd_inbetween_iter --sgd_ini_resol --sgd_fin_resol --sgd_ini_subset --sgd_fin_subset --mu
    --sgd_stepsize --sgd_sigma2fudge_initial --sgd_sigma2fudge_halflife --sgd_skip_anneal --sgd_write_iter --pool --j
    --dont_combine_weights_via_disc --onthefly_shifts --no_parallel_disc_io --preread_images --scratch_dir --keep_free_scratch
    --reuse_scratch --keep_scratch --fast_subsets --gpu --free_gpu_memory --pad --ref_angpix --NN --r_min_nn --verb
    --random_seed --coarse_size --adaptive_fraction --maskedge --fix_sigma_noise --fix_sigma_offset --incr_size
    --print_symmetry_ops --strict_highres_exp --strict_lowres_exp --dont_check_norm --always_cc --solvent_correct_fsc
    --skip_maximize --failsafe_threshold --external_reconstruct --auto_iter_max --auto_ignore_angles --auto_resol_angles
    --allow_coarser_sampling --trust_ref_size --maxsig --skip_gridding --continue
    --grad --grad_em_iters --grad_ini_frac --grad_fin_frac --grad_min_resol --grad_ini_resol --grad_fin_resol --grad_ini_subset
    --grad_fin_subset --grad_stepsize --grad_stepsize_scheme --grad_write_iter --no_init_blobs --class_inactivity_threshold
    --auto_sampling --center_classes --ctf_uncorrected_ref --dont_skip_gridding --blush --som --normalised_subtomo
    --skip_subtomo_multi --ctf3d_not_squared --subtomo_multi_thr --nr_parts_sigma2noise
"""
"""As `relion_refine --help` of 3.1.3 lists them, and what RELION 4 and 5 add."""


def test_every_flag_of_relion_is_known_and_explained():
    known = {flag for p in Refine.parameters().values() if p.flag for flag in (p.flag, *p.other_flags)}
    assert not set(_FLAGS.split()) - known
    page = terminal_help(Refine)
    assert "--grad_ini_resol, --sgd_ini_resol NUMBER" in page


# --- gradient ---------------------------------------------------------------------------------------------------


def test_both_relions_words_for_a_gradient_mean_the_same_run():
    stages = "--i p.star --o a --denovo_3dref"
    old = read(f"{stages} --sgd --sgd_ini_iter 60 --sgd_inbetween_iter 100 --sgd_fin_iter 40 --sgd_write_iter 5")
    new = read(
        f"{stages} --grad --iter 200 --grad_ini_resol 35 --grad_fin_resol 15 --grad_ini_subset 100 --grad_fin_subset 500"
        " --grad_write_iter 5"
    )
    assert old.gradient() == new.gradient()
    assert old.iterations() == new.iterations() == 200
    assert read(f"{stages} --stochastic_em").gradient() == read(f"{stages} --sgd").gradient()
    assert read("--i p.star --o a --iter 7").gradient() is None
    assert read("--i p.star --o a --iter 7").iterations() == 7


def test_the_stages_share_the_iterations():
    plan = read(
        "--i p.star --o a --grad --iter 101 --mu 0.8 --grad_em_iters 3 --class_inactivity_threshold 0.1"
    ).gradient()
    assert plan == GradientPlan(30, 51, 20, momentum=0.8, em_iterations=3, inactivity=0.1)
    assert plan.iterations == 101
    every = read("--i p.star --o a --sgd").gradient()
    assert (every.initial, every.inbetween, every.final, every.write_every) == (50, 200, 50, 1)
    for first, last, total in ((0.5, 0.5, 3), (0.0, 0.0, 1), (0.9, 0.1, 7)):
        line = f"--i p.star --o a --grad --iter {total} --grad_ini_frac {first} --grad_fin_frac {last}"
        assert read(line).iterations() == total


# --- contradictions ----------------------------------------------------------------------------------------------

BASE = "--i p.star --o a"
AUTO = f"{BASE} --auto_refine --split_random_halves --ref m.mrc"
WRONG = {
    "no input": ("--o a --ref m.mrc", "--i is empty"),
    "auto-refine without a map": (f"{BASE} --auto_refine --split_random_halves", "--ref is empty"),
    "auto-refine without halves": (f"{BASE} --auto_refine --ref m.mrc", "add --split_random_halves"),
    "halves without auto-refine": (f"{BASE} --split_random_halves --ref m.mrc", "is for --auto_refine"),
    "auto-refine of classes": (f"{AUTO} --K 3", "--K is 3"),
    "auto-refine of fixed poses": (f"{AUTO} --skip_align", "--skip_align keeps all poses"),
    "auto-refine by gradient": (f"{AUTO} --grad", "leave --grad"),
    "mask without flattening": (f"{BASE} --ref m.mrc --solvent_mask k.mrc", "--flatten_solvent only"),
    "second mask alone": (f"{BASE} --ref m.mrc --solvent_mask2 k.mrc", "without --solvent_mask"),
    "solvent FSC without mask": (f"{AUTO} --solvent_correct_fsc", "give the mask"),
    "symmetry": (f"{BASE} --ref m.mrc --sym Y2", "'Y2' is not a point group"),
    "relaxed symmetry": (f"{AUTO} --relax_sym Y2", "--relax_sym: 'Y2' is not a point group"),
    "relaxed without local searches": (f"{BASE} --ref m.mrc --relax_sym C2", "add --sigma_ang"),
    "relaxed and imposed": (f"{AUTO} --sym C2 --relax_sym C2", "cannot be relaxed"),
    "model from a map": (f"{BASE} --denovo_3dref --grad --ref m.mrc", "leave one of the two out"),
    "model without gradient": (f"{BASE} --denovo_3dref", "add --grad"),
    "model of fixed poses": (f"{BASE} --denovo_3dref --grad --skip_align", "leave --skip_align out"),
    "model by auto-refine": (f"{BASE} --denovo_3dref --auto_refine", "make the model first"),
    "continued model": (
        "--o a --continue x_optimiser.star --denovo_3dref --grad",
        "--denovo_3dref and --continue exclude",
    ),
    "continued with a map": ("--o a --continue x_optimiser.star --ref m.mrc", "--ref and --continue exclude"),
    "fractions": (f"{BASE} --grad --grad_ini_frac 0.7 --grad_fin_frac 0.6", "add up to 1.3"),
    "no stages": (f"{BASE} --sgd --sgd_ini_iter 0 --sgd_inbetween_iter 0 --sgd_fin_iter 0", "give some iterations"),
    "order": (f"{BASE} --ref m.mrc --healpix_order 12", "--healpix_order"),
    "tilt": (f"{BASE} --ref m.mrc --limit_tilt 120", "--limit_tilt"),
    "helix": (f"{BASE} --ref m.mrc --helix", "run helical jobs with RELION"),
    "bodies": (f"{BASE} --ref m.mrc --multibody_masks b.star", "run MultiBody with RELION"),
    "blush": (f"{BASE} --ref m.mrc --blush", "RELION 5"),
    "local symmetry": (f"{BASE} --ref m.mrc --local_symmetry s.txt", "particle_symmetry_expand"),
    "external": (f"{BASE} --ref m.mrc --external_reconstruct", "leave it out"),
}


@pytest.mark.parametrize(("line", "words"), WRONG.values(), ids=WRONG)
def test_contradictions_are_said(line, words):
    found = read(line).problems()
    assert any(words in problem for problem in found), found


# --- two or three dimensions -------------------------------------------------------------------------------------


@pytest.fixture
def runs(here: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was run: "2D" or "3D"."""
    made: list[str] = []
    three = SimpleNamespace(refine3d=lambda _options, _context: made.append("3D"))
    monkeypatch.setitem(sys.modules, "relionlab.jobs.refinement.refinement3d", three)
    monkeypatch.setattr(classification2d, "classify", lambda _options, _context: made.append("2D"))
    map_ = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    write_map(here / "m.mrc", map_, pixel_size=2)
    write_stack(here / "classes.mrcs", map_, pixel_size=2)
    for name, images in (("maps", ["m.mrc", "m.mrc"]), ("averages", ["000001@classes.mrcs", "000002@classes.mrcs"])):
        write_star(here / f"{name}.star", [Table({"rlnReferenceImage": images}, "model_classes")])
    write_star(here / "other.star", [Table({"rlnX": [1.0]}, "others")])
    return made


def run(line: str) -> Quiet:
    context = Quiet(Path.cwd())
    read(line).run(context)
    return context


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (BASE, "2D"),
        (f"{BASE} --ref classes.mrcs", "2D"),
        (f"{BASE} --ref averages.star", "2D"),
        (f"{BASE} --grad --iter 5", "2D"),
        (f"{BASE} --ref m.mrc --firstiter_cc", "3D"),
        (f"{BASE} --ref maps.star", "3D"),
        (f"{BASE} --denovo_3dref --grad", "3D"),
        (AUTO, "3D"),
    ],
)
def test_the_reference_decides_between_two_and_three_dimensions(runs, line, expected):
    run(line)
    assert runs == [expected]


def optimiser(name: str, *, sampling: int | None, model: int | None) -> str:
    """Write an optimiser with a sampling file and a model file, as far as there are such; return its name."""
    general = {"rlnOrientSamplingStarFile": f"R/{name}_sampling.star", "rlnModelStarFile": f"R/{name}_model.star"}
    write_star(f"{name}_optimiser.star", [Table(general, "optimiser_general", loop=False)])
    if sampling is not None:
        write_star(f"{name}_sampling.star", [Table({"rlnIs3DSampling": sampling}, "sampling_general", loop=False)])
    if model is not None:
        write_star(f"{name}_model.star", [Table({"rlnReferenceDimensionality": model}, "model_general", loop=False)])
    return f"{name}_optimiser.star"


@pytest.mark.parametrize(
    ("sampling", "model", "expected"), [(1, None, "3D"), (0, None, "2D"), (None, 3, "3D"), (None, 2, "2D")]
)
def test_a_continued_run_stays_what_it_was(runs, sampling, model, expected):
    run(f"--o a --continue {optimiser('x', sampling=sampling, model=model)}")
    assert runs == [expected]


def test_a_run_that_cannot_be_continued_is_said(runs):
    with pytest.raises(NodeError, match="not complete"):
        run(f"--o a --continue {optimiser('x', sampling=None, model=None)}")
    with pytest.raises(NodeError, match="is not there"):
        run("--o a --continue missing_optimiser.star")
    with pytest.raises(StarError, match="optimiser_general"):
        run("--o a --continue other.star")
    with pytest.raises(StarError, match="names no references"):
        run(f"{BASE} --ref other.star")
    with pytest.raises(NodeError, match="References"):
        run(f"{BASE} --ref missing.mrc")
    with pytest.raises(ParameterError, match="exclude each other"):
        run("--o a --i p.star --continue x_optimiser.star")
    assert not runs


def test_correlation_is_for_maps(runs):
    with pytest.raises(ParameterError, match="--firstiter_cc"):
        run(f"{BASE} --ref classes.mrcs --firstiter_cc")


def test_relion_3s_gradient_is_done_with_a_notice(runs):
    said = run(f"{BASE} --denovo_3dref --sgd --sgd_ini_iter 5 --sgd_inbetween_iter 7 --sgd_fin_iter 3").said
    assert any("--sgd is RELION 3.1's" in line and "5 + 7 + 3" in line for line in said)
    assert not any("RELION 3.1's" in line for line in run(f"{BASE} --denovo_3dref --grad").said)


def test_the_operations_of_a_group_are_printed(runs):
    said = "\n".join(run("--sym D2 --print_symmetry_ops").said)
    assert "Using symmetry group D2, with the following 4 transformation matrices" in said
    assert said.count("R(") == 4
    assert said.count("Euler angles") == 3
    assert not runs
