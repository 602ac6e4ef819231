"""The forms of InitialModel, Class3D and Refine3D: RELION's defaults, files, commands and results; findings in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.base import Job
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.job_star import read_job, read_job_file, write_job
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.jobs.refinement.initial_model import InitialModel
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.params import DIALECTS, Dialect, When

FILES = Path(__file__).parent / "files"
FORMS = {"initialmodel": InitialModel, "class3d": Class3D, "refine3d": Refine3D}
STARTED = {"fn_img": "data/particles.star", "fn_ref": "ref.mrc"}
SITE = {"skip_gridding", "min_dedicated", "qsubscript"}  # these the installation decides, or only RELION 3.1 has


def started(form: type[Job]) -> Job:
    return form(**{name: value for name, value in STARTED.items() if name in form.parameters()})


def options(path: Path) -> dict[str, str]:
    table = read_star(path)["joboptions_values"]
    return dict(zip(table["rlnJobOptionVariable"].tolist(), table["rlnJobOptionValue"].tolist(), strict=True))


# --- job.star ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "form"), FORMS.items())
def test_defaults_are_those_of_relions_form(name, form):
    (path,) = FILES.glob(f"relion31_{name}_job*.star")
    theirs, job = options(path), started(form)
    ours = job.job_options("3.1")
    assert set(ours) == set(theirs)
    differing = {key for key in ours if ours[key] != theirs[key]} - SITE
    assert not differing, {key: (ours[key], theirs[key]) for key in differing}
    assert read_job(path).changed(qsubscript="", extra=()) == job


def relion5_options(form: type[Job], **values: str) -> dict[str, str]:
    """What RELION 5's job.star of a form holds, by the variables that its projects have."""
    common = {
        "ctf_intact_first_peak": "No", "do_combine_thru_disc": "No", "do_ctf_correction": "Yes", "do_parallel_discio": "Yes",
        "do_preread_images": "No", "do_queue": "No", "fn_cont": "", "fn_img": "Select/job014/particles.star", "gpu_ids": "",
        "min_dedicated": "1", "nr_mpi": "1", "nr_pool": "3", "nr_threads": "1", "other_args": "", "particle_diameter": "200",
        "qsub": "qsub", "qsubscript": "", "queuename": "openmpi", "scratch_dir": "", "sym_name": "D2", "use_gpu": "No",
    }  # fmt: skip
    if form is InitialModel:
        own = {"do_run_C1": "Yes", "do_solvent": "Yes", "nr_classes": "1", "nr_iter": "100", "tau_fudge": "4"}
        return {**common, **own, **values}
    numbers = (
        "twist_initial",
        "twist_min",
        "twist_max",
        "twist_inistep",
        "rise_initial",
        "rise_min",
        "rise_max",
        "rise_inistep",
    )
    helix = {f"helical_{name}": "0" for name in numbers} | {
        "do_helix": "No", "do_apply_helical_symmetry": "Yes", "do_local_search_helical_symmetry": "No", "helical_nr_asu": "1",
        "helical_range_distance": "-1", "helical_tube_inner_diameter": "-1", "helical_tube_outer_diameter": "-1",
        "helical_z_percentage": "30", "keep_tilt_prior_fixed": "Yes", "range_psi": "10", "range_rot": "-1", "range_tilt": "15",
    }  # fmt: skip
    both = {
        "do_blush": "No", "do_pad1": "No", "do_zero_mask": "Yes", "fn_mask": "", "fn_ref": "m.mrc", "ini_high": "50",
        "offset_range": "5", "offset_step": "1", "ref_correct_greyscale": "Yes", "relax_sym": "", "sampling": "7.5 degrees",
        "trust_ref_size": "Yes",
    }  # fmt: skip
    if form is Refine3D:
        own = {"auto_faster": "No", "auto_local_sampling": "1.8 degrees", "do_solvent_fsc": "No"}
    else:
        own = {
            "allow_coarser": "No", "do_fast_subsets": "No", "do_local_ang_searches": "No", "dont_skip_align": "Yes",
            "highres_limit": "-1", "nr_classes": "4", "nr_iter": "25", "sigma_angles": "5", "tau_fudge": "4",
        }  # fmt: skip
    return {**common, **helix, **both, **own, **values}


def write_relion5(path: Path, label: str, values: dict[str, str]) -> None:
    head = Table({"rlnJobTypeLabel": label, "rlnJobIsContinue": 0, "rlnJobIsTomo": 0}, "job", loop=False)
    rows = {"rlnJobOptionVariable": list(values), "rlnJobOptionValue": list(values.values())}
    write_star(path, [head, Table(rows, "joboptions_values")], version=50001)


@pytest.mark.parametrize(("name", "form"), FORMS.items())
def test_relion_5s_job_files_round_trip(name, form, tmp_path):
    theirs = relion5_options(form)
    write_relion5(tmp_path / "job.star", f"relion.{name}", theirs)
    file = read_job_file(tmp_path / "job.star")
    assert (type(file.job), file.dialect, file.job.extra) == (form, "5", ())
    write_job(tmp_path / "again.star", file.job, dialect="5")
    assert options(tmp_path / "again.star") == dict(sorted(theirs.items()))


@pytest.mark.parametrize(
    "job",
    [
        InitialModel(fn_img="p.star", nr_iter=120, do_run_c1=True, sym_name="D2", tau_fudge=3),
        Class3D(**STARTED, trust_ref_size=True, nr_classes=3),
        Refine3D(**STARTED, trust_ref_size=True),
        Class2D(fn_img="p.star", do_em=False, do_grad=True, nr_iter_grad=150, do_center=True),
    ],
    ids=lambda job: type(job).__name__,
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_later_relions_know_survives_in_each_dialect(job: Job, dialect: Dialect, tmp_path):
    """A project of RELION 3.1 holds jobs that RELION 3.1 has no words for; it says that it ignores them."""
    if dialect == "4" and not isinstance(job, InitialModel | Class2D):
        job = job.changed(trust_ref_size=False)  # RELION 5's alone
    write_job(tmp_path / "job.star", job, dialect=dialect)
    assert read_job(tmp_path / "job.star") == job


def test_the_stages_of_relion_3_become_the_mini_batches_of_relion_4(tmp_path):
    job = InitialModel(fn_img="p.star", sgd_ini_iter=25, sgd_inbetween_iter=100, sgd_fin_iter=25)
    assert "nr_iter" not in job.job_options("3.1")
    write_job(tmp_path / "job.star", job, dialect="4")
    assert read_job(tmp_path / "job.star").iterations() == 150 == job.iterations()


def test_jobs_on_subtomograms_stay_relions(tmp_path):
    write_relion5(tmp_path / "job.star", "relion.class3d", {"in_tomograms": "t.star", "nr_classes": "9"})
    job = read_job(tmp_path / "job.star")
    assert isinstance(job, ForeignJob)
    assert job.value("nr_classes") == "9"


# --- commands ---------------------------------------------------------------------------------------------------


def parsed(job: Job, output: str) -> dict[str, Any]:
    """What the program understands of a job's first command, as far as it was told."""
    made = Refine.from_flags(job.commands(output)[0].arguments)
    return {name: getattr(made, name) for name in made.model_fields_set}


def read(line: str) -> dict[str, Any]:
    made = Refine.from_flags(line.split())
    return {name: getattr(made, name) for name in made.model_fields_set}


TUTORIAL = {
    "class3d": (
        Class3D(
            fn_img="Select/job014/particles.star", fn_ref="InitialModel/job015/run_it150_class001_symD2.mrc",
            ref_correct_greyscale=True, ctf_corrected_ref=True, ini_high=50, nr_classes=4, nr_pool=30, nr_threads=6,
            do_preread_images=True, skip_gridding=False,
        ),
        "Class3D/job016/",
        ("--o Class3D/job016/run --i Select/job014/particles.star --ref InitialModel/job015/run_it150_class001_symD2.mrc"
        " --ini_high 50 --dont_combine_weights_via_disc --preread_images --pool 30 --pad 2 --ctf --ctf_corrected_ref --iter 25"
        " --tau2_fudge 4 --particle_diameter 200 --K 4 --flatten_solvent --zero_mask --oversampling 1 --healpix_order 2"
        " --offset_range 5 --offset_step 2 --sym C1 --norm --scale --j 6"),
    ),
    "initial model of 3.1": (
        InitialModel(
            fn_img="Select/job014/particles.star", sgd_ini_iter=25, sgd_inbetween_iter=100, sgd_fin_iter=25, nr_pool=30,
            nr_threads=6, do_preread_images=True, skip_gridding=False,
        ),
        "InitialModel/job015/",
        ("--o InitialModel/job015/run --sgd_ini_iter 25 --sgd_inbetween_iter 100 --sgd_fin_iter 25 --sgd_write_iter 10"
        " --sgd_ini_resol 35 --sgd_fin_resol 15 --sgd_ini_subset 100 --sgd_fin_subset 500 --sgd --denovo_3dref"
        " --i Select/job014/particles.star --ctf --K 1 --sym C1 --flatten_solvent --zero_mask --dont_combine_weights_via_disc"
        " --preread_images --pool 30 --pad 2 --particle_diameter 200 --oversampling 1 --healpix_order 1 --offset_range 6"
        " --offset_step 4 --j 6"),
    ),
    "initial model of 4": (
        InitialModel(fn_img="p.star", nr_iter=200, sym_name="D2", do_run_c1=True, nr_pool=30, nr_threads=4, skip_gridding=False),
        "InitialModel/job015/",
        ("--o InitialModel/job015/run --iter 200 --grad --denovo_3dref --i p.star --ctf --K 1 --sym C1 --flatten_solvent"
        " --zero_mask --dont_combine_weights_via_disc --pool 30 --pad 1 --particle_diameter 200 --oversampling 1"
        " --healpix_order 1 --offset_range 6 --offset_step 2 --auto_sampling --tau2_fudge 4 --j 4"),
    ),
    "refine3d": (
        Refine3D(
            fn_img="./Select/job019/particles.star", fn_ref="./Class3D/job018/run_it025_class002.mrc", sym_name="D2",
            ref_correct_greyscale=True, ctf_corrected_ref=True, ini_high=50, nr_threads=6, do_preread_images=True,
            skip_gridding=False,
        ),
        "Refine3D/job020/",
        ("--o Refine3D/job020/run --auto_refine --split_random_halves --i ./Select/job019/particles.star"
        " --ref ./Class3D/job018/run_it025_class002.mrc --ini_high 50 --dont_combine_weights_via_disc --preread_images --pool 3"
        " --pad 2 --ctf --ctf_corrected_ref --particle_diameter 200 --flatten_solvent --zero_mask --oversampling 1"
        " --healpix_order 2 --auto_local_healpix_order 4 --offset_range 5 --offset_step 2 --sym D2 --low_resol_join_halves 40"
        " --norm --scale --j 6"),
    ),
    "class2d by VDAM": (
        Class2D(
            fn_img="Extract/job016/particles.star", do_em=False, do_grad=True, nr_classes=200, particle_diameter=180,
            highres_limit=12, do_center=True, nr_pool=30, nr_threads=4,
        ),
        "Class2D/job017/",
        ("--o Class2D/job017/run --grad --class_inactivity_threshold 0.1 --grad_write_iter 10 --iter 200"
        " --i Extract/job016/particles.star --dont_combine_weights_via_disc --pool 30 --pad 2 --ctf --tau2_fudge 2"
        " --particle_diameter 180 --K 200 --flatten_solvent --zero_mask --strict_highres_exp 12 --center_classes"
        " --oversampling 1 --psi_step 12 --offset_range 5 --offset_step 2 --norm --scale --j 4"),
    ),
}  # fmt: skip
"""Command lines that RELION's tutorials and the notes of its projects show, and the forms behind them."""


@pytest.mark.parametrize(("job", "output", "line"), TUTORIAL.values(), ids=TUTORIAL)
def test_forms_give_the_command_lines_of_relions_tutorials(job, output, line):
    assert not job.problems()
    assert parsed(job, output) == read(line)


def test_the_initial_model_is_turned_onto_its_axes_at_the_end():
    job = InitialModel(fn_img="p.star", nr_iter=200, sym_name="D2", do_run_c1=True)
    last = job.commands("InitialModel/job015/")[1]
    assert str(last) == (
        "relionlab align_symmetry --i InitialModel/job015/run_it200_model.star --o InitialModel/job015/initial_model.mrc"
        " --sym D2 --apply_sym --select_largest_class"
    )
    symmetric = job.changed(do_run_c1=False).commands("InitialModel/job015/")
    assert symmetric[0].arguments[symmetric[0].arguments.index("--sym") + 1] == "D2"
    assert "--sym C1" in str(symmetric[1])  # it has its axes already
    assert len(InitialModel(fn_img="p.star", sym_name="D2").commands("InitialModel/job015/")) == 1


def test_a_continued_job_says_only_what_may_change():
    job = Refine3D(
        **STARTED, fn_cont="Refine3D/job004/run_it008_optimiser.star", sym_name="D2", auto_local_sampling="0.9 degrees"
    )
    given = parsed(job, "Refine3D/job004/")
    assert given["fn_cont"] == job.fn_cont
    assert given["auto_local_healpix_order"] == 5
    assert not {"fn_img", "ref", "sym", "ini_high", "healpix_order", "offset_range", "auto_refine"} & set(given)
    assert not Refine.from_flags(job.commands("Refine3D/job004/")[0].arguments).problems()
    classes = Class3D(fn_cont="Class3D/job003/run_it010_optimiser.star", nr_iter=40, tau_fudge=8)
    told = parsed(classes, "Class3D/job003/")
    assert (told["nr_iter"], told["tau_fudge"], told["healpix_order"]) == (40, 8, 2)


def test_results_of_a_continued_job_have_its_iteration_in_their_names():
    job = Class3D(fn_cont="Class3D/job003/run_it010_optimiser.star", nr_iter=40, nr_classes=2)
    paths = [node.path for node in job.outputs("Class3D/job003/")]
    assert "Class3D/job003/run_ct10_it040_class002.mrc" in paths
    assert "Refine3D/job004/run_half1_class001_unfil.mrc" in [n.path for n in Refine3D().outputs("Refine3D/job004/")]


# --- findings ---------------------------------------------------------------------------------------------------

WRONG = {
    "no particles": (Class3D(fn_ref="m.mrc"), "Input images STAR file"),
    "no reference": (Refine3D(fn_img="p.star"), "Reference map"),
    "symmetry": (Class3D(**STARTED, sym_name="X7"), "'X7' is not a point group"),
    "symmetry of a model": (InitialModel(fn_img="p.star", sym_name="D"), "'D' is not a point group"),
    "relaxed without local searches": (Class3D(**STARTED, relax_sym="C2"), "tick Perform local angular searches"),
    "relaxed": (Refine3D(**STARTED, relax_sym="Q"), "'Q' is not a point group"),
    "solvent FSC": (Refine3D(**STARTED, do_solvent_fsc=True), "Reference mask (fn_mask) is empty"),
    "helix": (Class3D(**STARTED, do_helix=True), "run this job with RELION"),
    "blush": (Refine3D(**STARTED, do_blush=True), "RELION 5"),
    "stages": (InitialModel(fn_img="p.star", sgd_ini_iter=0, sgd_inbetween_iter=0, sgd_fin_iter=0), "no iterations"),
    "both algorithms": (Class2D(fn_img="p.star", do_grad=True), "both ticked"),
    "no algorithm": (Class2D(fn_img="p.star", do_em=False), "both off"),
}


@pytest.mark.parametrize(("job", "words"), WRONG.values(), ids=WRONG)
def test_forms_say_what_is_wrong(job, words):
    found = job.problems()
    assert any(words in problem for problem in found), found
    assert not started(type(job)).problems()


def test_fields_that_do_not_apply_are_neither_asked_nor_sent():
    still = Class3D(**STARTED, dont_skip_align=False)
    assert not any(
        still.applies(name) for name in ("sampling", "offset_range", "sigma_angles", "do_local_ang_searches")
    )
    assert not {"--offset_range", "--healpix_order", "--sigma_ang"} & set(
        still.commands("Class3D/job001/")[0].arguments
    )
    model = InitialModel(fn_img="p.star", nr_iter=100)
    assert not model.applies("sgd_ini_iter")
    assert model.changed(nr_iter=None).applies("sgd_ini_iter")
    assert When("nr_iter", "==", None) in model.parameters()["sampling"].when
