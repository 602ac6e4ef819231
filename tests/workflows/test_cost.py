"""What a job will cost: from the headers of its inputs alone, corrected by what finished jobs took, said in words."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine import memory
from relionlab.io.images import write_map, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.jobs.refinement.initial_model import InitialModel
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.registry import job_types
from relionlab.jobs.work import PROGRAM, Facts, work_of
from relionlab.project import Project
from relionlab.project.notes import note_commands
from relionlab.settings import settings
from relionlab.workflows import cost, job_times, machine_speed
from relionlab.workflows.cost import estimate, size_in_words, span_in_words
from relionlab.workflows.job_times import Taken, corrected_by, correction, seconds_taken
from tests.jobs.class2d_runs import DIAMETER, STAR, refine, simulate, usual_form

BOX, PIXEL_SIZE = 64, 3.5
PARTICLES, MAP, MICROGRAPHS = "particles.star", "map.mrc", "micrographs.star"
OPTICS = {
    "rlnOpticsGroupName": ["a"],
    "rlnOpticsGroup": [1],
    "rlnVoltage": [300.0],
    "rlnSphericalAberration": [2.7],
    "rlnAmplitudeContrast": [0.1],
}


def listed(directory: Path, count: int, name: str = PARTICLES) -> str:
    """Write a list of so many particles, of which only the first stack's header is ever looked at."""
    optics = Table({**OPTICS, "rlnImagePixelSize": [PIXEL_SIZE], "rlnImageSize": [BOX]}, name="optics")
    rows = Table(
        {"rlnImageName": [f"{n % 4 + 1:06d}@stack.mrcs" for n in range(count)], "rlnOpticsGroup": [1] * count},
        name="particles",
    )
    write_star(directory / name, [optics, rows])
    return name


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    directory = tmp_path_factory.mktemp("cost")
    made = Project.create(directory)
    write_stack(directory / "stack.mrcs", np.zeros((4, BOX, BOX), np.float32), pixel_size=PIXEL_SIZE)
    write_map(directory / MAP, np.zeros((BOX, BOX, BOX), np.float32), pixel_size=PIXEL_SIZE)
    listed(directory, 2000)
    listed(directory, 8000, "many.star")
    write_stack(directory / "mic.mrcs", np.zeros((1, 512, 512), np.float32), pixel_size=1.5)
    optics = Table({**OPTICS, "rlnMicrographPixelSize": [1.5]}, name="optics")
    rows = Table({"rlnMicrographName": ["1@mic.mrcs"] * 12, "rlnOpticsGroup": [1] * 12}, name="micrographs")
    write_star(directory / MICROGRAPHS, [optics, rows])
    return made


JOBS = {
    "class2d": Class2D(fn_img=PARTICLES, nr_classes=20, particle_diameter=180.0),
    "vdam": Class2D(fn_img=PARTICLES, nr_classes=20, particle_diameter=180.0, do_em=False, do_grad=True),
    "inimodel": InitialModel(fn_img=PARTICLES, particle_diameter=180.0, nr_iter=50),
    "class3d": Class3D(fn_img=PARTICLES, fn_ref=MAP, nr_classes=2, particle_diameter=180.0),
    "refine3d": Refine3D(fn_img=PARTICLES, fn_ref=MAP, particle_diameter=180.0, sym_name="D2"),
    "ctffind": CtfFind(input_star_mics=MICROGRAPHS),
    "mask": MaskCreate(fn_in=MAP),
}


@pytest.mark.parametrize("kind", JOBS)
def test_time_memory_and_disk_are_said(project, kind):
    found = estimate(JOBS[kind], project)
    assert found.seconds
    assert found.fastest < found.seconds < found.slowest
    assert found.bytes > 50 << 20
    assert found.disk > 0
    assert re.match(r"about [\d.]+(–[\d.]+)? (s|min|h|days) · [\d.]+ [GM]B of [\d.]+ GB free · writes ", found.words)


@pytest.mark.parametrize("kind", ["class2d", "vdam", "inimodel", "class3d", "refine3d"])
def test_more_particles_take_longer_and_more_disk(project, kind):
    facts = Facts(project.directory)
    few, many = (work_of(JOBS[kind].changed(fn_img=name), facts) for name in (PARTICLES, "many.star"))
    assert many.disk > few.disk
    if kind not in ("inimodel", "vdam"):  # batches are of one size
        assert 2 < many.shared / few.shared < 5
    assert many.seconds(1.0) > few.seconds(1.0)


def test_more_classes_and_iterations_take_longer(project):
    facts = Facts(project.directory)
    usual = work_of(JOBS["class2d"], facts)
    assert work_of(JOBS["class2d"].changed(nr_classes=60), facts).shared > 1.5 * usual.shared
    assert work_of(JOBS["class2d"].changed(nr_iter=50), facts).shared == pytest.approx(2 * usual.shared)


def test_an_auto_refinement_says_how_many_iterations(project):
    assert re.search(r"\d+–\d+ iterations, until it converges", estimate(JOBS["refine3d"], project).words)


@pytest.mark.parametrize("label", sorted(job_types()))
def test_every_job_type_that_computes_declares_its_work(project, label):
    """With nothing filled in, what is missing is said; hand work has no length."""
    words = estimate(job_types()[label](), project).words
    if label == "relion.manualpick":
        assert words == "Takes as long as you work in it."
    elif label in ("relion.import", "relion.joinstar"):
        assert words.startswith("about")
    else:
        assert words.startswith("Time and memory are not known: no input is chosen yet")


def test_an_auto_refinement_foresees_the_memory_of_finer_samplings(project):
    facts, few = Facts(project.directory), JOBS["refine3d"].changed(other_args="--auto_local_healpix_order 3")
    assert work_of(JOBS["refine3d"], facts).memory > 1.05 * work_of(few, facts).memory


def test_what_is_not_there_yet_is_said(project):
    found = estimate(Class2D(fn_img="Extract/job099/particles.star"), project)
    assert (found.seconds, found.bytes) == (None, None)
    assert "Extract/job099/particles.star is not there yet" in found.words


def test_too_little_memory_is_said(project, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 40 << 20)
    monkeypatch.setattr("relionlab.jobs.refinement.told_memory.available_memory", lambda: 40 << 20)
    monkeypatch.setattr(cost, "available_memory", lambda: 40 << 20)
    found = estimate(JOBS["class2d"].changed(nr_classes=200, offset_range=20.0, offset_step=0.5), project)
    assert found.warnings
    assert "are free" in found.warnings[0]


def test_too_little_disk_is_said(project, monkeypatch):
    usage = type("Usage", (), {"free": 1 << 20})()
    monkeypatch.setattr(cost.shutil, "disk_usage", lambda _place: usage)
    warnings = estimate(JOBS["class2d"], project).warnings
    assert any("on the project's disk" in text for text in warnings)


@pytest.mark.parametrize("kind", ["class2d", "refine3d"])
def test_memory_is_what_the_run_itself_says(tmp_path, kind):
    """The planners are the programs' own: without what the process holds otherwise, the bytes agree to a MB or two."""
    simulate(tmp_path)
    job = usual_form(iterations=1)
    if kind == "refine3d":
        job = Refine3D(
            fn_img=STAR, fn_ref="data/truth_class001.mrc", particle_diameter=DIAMETER, sampling="30 degrees",
            other_args="--random_seed 1 --auto_iter_max 1",
        )  # fmt: skip
    said = refine(tmp_path, list(job.commands("X/job001/")[0].arguments)).said
    line = next(line for line in said if line.startswith("Memory"))
    told = int(re.search(r"(?:at most|about) (\d+) MB", line).group(1))
    if "program" in line:
        told -= int(re.search(r"program (\d+) MB", line).group(1))
    found = work_of(job, Facts(tmp_path, settings(executor="inline", workers=1)))
    assert (found.memory - PROGRAM - memory.KERNELS) / 2**20 == pytest.approx(told, abs=2)


# --- corrected by what was --------------------------------------------------------------------------------------------


def finished(project: Project, job, seconds: float):
    """Put a job into the project that has ended after so many seconds."""
    directory = project.add(job)
    note_commands(directory.path, ["relionlab refine"])
    directory.mark("finished")
    end = time.time() + seconds
    os.utime(directory.path / "RELION_JOB_EXIT_SUCCESS", (end, end))
    return directory


@pytest.fixture
def with_history(tmp_path):
    directory = Project.create(tmp_path / "p").directory
    write_stack(directory / "stack.mrcs", np.zeros((4, BOX, BOX), np.float32), pixel_size=PIXEL_SIZE)
    listed(directory, 500)
    return Project.open(directory)


def test_finished_jobs_correct_the_next(with_history):
    job = Class2D(fn_img=PARTICLES, nr_classes=5, particle_diameter=180.0)
    before = estimate(job, with_history)
    assert "rough guess" in before.words
    for _ in range(3):
        done = finished(with_history, job, 6 * before.seconds)
    assert seconds_taken(done.path) == pytest.approx(6 * before.seconds, abs=2)
    after = estimate(job, with_history)
    assert 3.5 < after.seconds / before.seconds < 6.5
    assert "rough guess" not in after.words
    assert after.slowest / after.fastest < before.slowest / before.fastest


def test_other_projects_of_this_machine_count_too(with_history, tmp_path):
    job = Class2D(fn_img=PARTICLES, nr_classes=5, particle_diameter=180.0)
    alone = estimate(job, with_history).seconds
    for _ in range(3):
        finished(with_history, job, 6 * alone)
    correction("relion.class2d", with_history)
    other = Project.create(tmp_path / "q")
    assert 1.5 < correction("relion.class2d", other).factor < 6


def test_continued_and_foreign_jobs_do_not_count(with_history):
    job = Class2D(fn_img=PARTICLES, nr_classes=5, particle_diameter=180.0)
    twice = finished(with_history, job, 100)
    note_commands(twice.path, ["relionlab refine"])
    assert seconds_taken(twice.path) is None
    foreign = with_history.add(job)
    note_commands(foreign.path, ["`which relion_refine`"])
    foreign.mark("finished")
    assert seconds_taken(foreign.path) is None


def test_the_same_type_counts_most():
    slow = [Taken("relion.class2d", 100.0, 400.0, f"a{n}") for n in range(3)]
    usual = [Taken("relion.refine3d", 100.0, 100.0, f"b{n}") for n in range(3)]
    own, other = (corrected_by([*slow, *usual], [], label).factor for label in ("relion.class2d", "relion.refine3d"))
    assert own > 2 > 1.5 > other > 1
    assert corrected_by([], [], "relion.class2d").factor == 1


def test_a_damaged_cache_is_no_error(with_history):
    folder = machine_speed.cache_folder()
    folder.mkdir(parents=True)
    (folder / "speed.json").write_text("{broken")
    (folder / job_times._TIMES_FILE).write_text("[1, 2]")
    assert estimate(Class2D(fn_img=PARTICLES, particle_diameter=180.0), with_history).seconds


def test_speed_is_measured_once(monkeypatch):
    first = machine_speed.core_speed()
    assert 0.01 < first < 100
    monkeypatch.setattr(machine_speed, "measured_speed", lambda: pytest.fail("measured again"))
    machine_speed._known.cache_clear()
    assert machine_speed.core_speed() == pytest.approx(first, rel=1e-2)


@pytest.mark.parametrize(
    ("fastest", "slowest", "words"),
    [(3, 6, "about 3–6 s"), (170, 400, "about 3–7 min"), (3600, 9000, "about 1–2.5 h"), (9e3, 3e4, "about 2.5–8 h")],
)
def test_spans_are_said_as_one_says_them(fastest, slowest, words):
    assert span_in_words(fastest, slowest) == words


def test_sizes_are_said_as_one_says_them():
    assert [size_in_words(size) for size in (1000, 40 << 20, 820 << 20, 22 << 30)] == [
        "1 MB",
        "40 MB",
        "0.8 GB",
        "22 GB",
    ]
