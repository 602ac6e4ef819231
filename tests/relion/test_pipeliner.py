"""RELION's own pipeliner works on our projects, and cleans, aliases and finishes as we do."""

from __future__ import annotations

import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from relionlab.errors import LockedError
from relionlab.io.star import read_star
from relionlab.jobs.importing.job import Import
from relionlab.jobs.job_star import write_job
from relionlab.jobs.process_types import process_type
from relionlab.project import Project
from relionlab.project.lock import locked
from relionlab.project.pipeline import Process
from relionlab.project.pipeline_file import read_pipeline
from relionlab.project.running import run_job

pytestmark = pytest.mark.relion


@pytest.fixture
def pipeliner(relion, project):
    """Run RELION's pipeliner in the project."""

    def run(*arguments: str) -> str:
        command = [relion / "relion_pipeliner", *arguments]
        result = subprocess.run(command, cwd=project.directory, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run


@pytest.fixture
def movies(project) -> Project:
    for name in ("a", "b"):
        with mrcfile.new(project.directory / f"{name}.mrcs") as file:
            file.set_data(np.zeros((3, 8, 8), np.float32))
    return project


def ours() -> Import:
    return Import(fn_in_raw="*.mrcs", optics_group_name="one")


def test_relion_adds_a_job_to_our_project_and_we_to_its(movies, pipeliner):
    first = movies.add(ours(), alias="movies")
    pipeliner("--addJob", "Import", "--addJobOptions", "Raw input files: == *.mrcs", "--setJobAlias", "theirs")
    third = movies.add(ours())
    assert [job.name for job in movies.jobs()] == ["Import/job001", "Import/job002", "Import/job003"]
    assert [job.state for job in movies.jobs()] == ["scheduled"] * 3
    theirs = movies.job("Import/theirs")
    assert theirs.job.fn_in_raw == "*.mrcs"
    assert [node.kind for node in theirs.outputs] == [node.kind for node in first.outputs]
    assert third.process.number == 3
    # What stands around a job is the same: files, symbolic link, hidden entry.
    assert (movies.directory / "Import/theirs").readlink() == Path("../Import/job002")
    assert (movies.directory / "Import/movies").readlink() == Path("../Import/job001")
    assert sorted(path.name for path in theirs.path.iterdir()) == sorted(path.name for path in first.path.iterdir())
    parts = [read_pipeline(job.path / "job_pipeline.star") for job in (first, theirs)]
    assert parts[0].counter == parts[1].counter == 2
    assert parts[0].processes[0].state == parts[1].processes[0].state == "scheduled"


def test_relion_adds_a_job_from_our_job_star(movies, pipeliner, tmp_path):
    path = write_job(tmp_path / "our_job.star", ours())
    pipeliner("--addJobFromStar", str(path))
    assert movies.job("Import/job001").job == ours()


def test_relion_adds_and_runs_class2d_on_what_we_imported(movies, pipeliner):
    job = movies.add(ours())
    assert run_job(job.path) == "finished"
    pipeliner(
        "--addJob",
        "Class2D",
        "--addJobOptions",
        f"Input images STAR file: == {job.outputs[0].path};Number of classes: == 7",
    )
    added = movies.job("Class2D/job002")
    assert [node.path for node in added.inputs] == [job.outputs[0].path]
    assert movies.pipeline.users(job.name) == [added.name]
    assert {node.path.rpartition("_")[2] for node in added.outputs} == {"data.star", "model.star"}


def test_relion_runs_the_job_that_we_scheduled(movies, pipeliner):
    job = movies.add(ours())
    pipeliner("--RunJobs", f"{job.name}/", "--schedule", "test", "--sec_wait_after", "1")
    assert job.state == "finished"
    assert "relion_import" in job.notes()
    assert (job.path / "movies.star").exists()
    again = movies.add(ours())
    assert run_job(again.path) == "finished"
    # The notes of both programs have one form.
    assert [line[:30] for line in job.notes().splitlines()[1:3]] == [
        line[:30] for line in again.notes().splitlines()[1:3]
    ]
    assert read_star(job.path / "movies.star") == read_star(again.path / "movies.star")


def test_relion_sees_that_our_job_has_ended(movies, pipeliner):
    job = movies.add(ours())
    assert run_job(job.path) == "finished"
    movies.change("test", lambda pipeline: pipeline.with_state(job.name, "running"))
    assert job.state == "finished"
    pipeliner("--check_job_completion")
    assert movies.pipeline.process(job.name).state == "finished"


@pytest.mark.parametrize("state", ["failed", "aborted"])
def test_relion_sees_how_our_job_has_ended(movies, pipeliner, state):
    job = movies.add(ours())
    job.mark(state)
    movies.change("test", lambda pipeline: pipeline.with_state(job.name, "running"))
    pipeliner("--check_job_completion")
    assert movies.pipeline.process(job.name).state == state


def test_relions_pipeline_survives_our_rewriting_and_ours_relions(movies, pipeliner):
    movies.add(ours(), alias="movies")
    pipeliner("--addJob", "Import", "--addJobOptions", "Raw input files: == *.mrcs")
    theirs = movies.pipeline
    movies.change("nothing", lambda pipeline: pipeline)
    assert movies.pipeline == theirs
    pipeliner("--check_job_completion")
    assert movies.pipeline == theirs


def test_relion_waits_for_our_lock(movies, relion):
    command = [relion / "relion_pipeliner", "--addJob", "Import", "--addJobOptions", "Raw input files: == *.mrcs"]
    with locked(movies.directory, "test"):
        child = subprocess.Popen(command, cwd=movies.directory, stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(1.5)
        assert movies.jobs() == []
    assert child.wait(60) == 0
    assert [job.name for job in movies.jobs()] == ["Import/job001"]


def test_relion_and_we_add_jobs_at_the_same_time_and_lose_none(movies, relion):
    command = [relion / "relion_pipeliner", "--addJob", "Import", "--addJobOptions", "Raw input files: == *.mrcs"]

    def by_relion() -> bool:
        # RELION reads the pipeline before it takes the lock: overtaken meanwhile, it refuses, adds nothing, and may
        # leave the lock behind, for which it would then wait itself
        for _ in range(5):
            if subprocess.run(command, cwd=movies.directory, capture_output=True).returncode == 0:
                return True
            left = movies.lock_holder()
            time.sleep(1)
            if left is not None and left.process is None and movies.lock_holder() == left:
                movies.break_lock(force=True)
        return False

    with ThreadPoolExecutor(1) as pool:
        theirs = [pool.submit(by_relion) for _ in range(3)]
        for _ in range(5):
            movies.add(ours())
        assert all(added.result(120) for added in theirs)
    # RELION may leave a number out; none may be given twice
    assert len({job.process.number for job in movies.jobs()}) == len(movies.jobs()) == 8
    assert all((job.path / "job.star").exists() for job in movies.jobs())


def test_we_say_that_relion_crashed_with_the_lock(project, relion, monkeypatch):
    path = project.directory / "default_pipeline.star"
    path.unlink()  # RELION takes the lock, does not find the file, and ends without giving the lock back
    subprocess.run([relion / "relion_pipeliner", "--check_job_completion"], cwd=project.directory, capture_output=True)
    assert project.lock_holder() is not None
    with pytest.raises(LockedError, match="RELION, or a relionlab that died"):
        with locked(project.directory, "test", wait=0.1):
            pass
    assert project.break_lock(force=True) is not None
    assert project.lock_holder() is None


CLEANED = (1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 14, 15, 16, 18, 19, 20, 21)
FILES = [
    "run.out",
    "run.err",
    "note.txt",
    "job.star",
    "logfile.pdf",
    "gctf1.out",
    "gctf1.err",
    "postprocess.mrc",
    "postprocess_masked.mrc",
    "particles.star",
    "subtracted.mrcs",
    "particles_subtracted.mrcs",
    "analyse_component000_bin001.mrc",
    "run_unmasked_classes.mrcs",
    "M/a.mrc",
    "M/a.mrcs",
    "M/a.com",
    "M/a.err",
    "M/a.out",
    "M/a.log",
    "M/a.ctf",
    "M/a_extract.star",
    "M/a_autopick.star",
    "M/a_ref0_bestCCF.spi",
    "M/a_FCC_cc.mrc",
    "M/a_FCC_w0.mrc",
    "M/a_FCC_w1.mrc",
    "M/a_shiny.mrcs",
    "M/a_shiny.star",
    "M/a_tracks.eps",
    "M/deep/b.log",
    "M/a_wAcc_optics-group_1.mrc",
    "M/a_xyAcc_optics-group_1_real.mrc",
    "M/a_defocus_fit.star",
    "M/a_ctf-refine_fit.eps",
    "run_it000_data.star",
    "run_it001_data.star",
    "run_it001_model.star",
    "run_it010_data.star",
    "run_it010_classes.mrcs",
    "run_it024_data.star",
    "run_it024_class001_angdist.bild",
    "run_it025_data.star",
    "run_it025_model.star",
    "run_data.star",
    "run_half1_class001_unfil.mrc",
]


@pytest.mark.parametrize("harsh", [False, True])
@pytest.mark.parametrize("number", CLEANED)
@pytest.mark.parametrize("more", [(), ("run_ct25_it026_data.star", "run_ct25_it027_data.star")])
def test_we_clean_what_relion_cleans(project, pipeliner, number, harsh, more):
    kind = process_type(number)
    name = f"{kind.folder}/job001"
    project.change("test", lambda pipeline: pipeline.with_process(Process(name, kind.label, "finished")))
    for file in (*FILES, *more):
        path = project.directory / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    wanted = {
        path.relative_to(project.directory / name).as_posix()
        for path in project.job(name).clean(harsh=harsh, pretend=True)
    }
    pipeliner("--harsh_clean" if harsh else "--gentle_clean", "1")
    left = {path.relative_to(project.directory / name).as_posix() for path in (project.directory / name).rglob("*")}
    assert wanted == {*FILES, *more} - left


def test_relion_takes_up_what_we_brought_back_from_the_trash(movies, pipeliner):
    from relionlab.project.cleaning import undelete

    job = movies.add(ours(), alias="movies")
    run_job(job.path)
    job.delete()
    undelete(movies, job.name)
    pipeliner("--addJob", "Import", "--addJobOptions", "Raw input files: == *.mrcs")
    assert [entry.name for entry in movies.jobs()] == ["Import/job001", "Import/job002"]


def test_relion_works_in_a_project_converted_from_5(shared_data, tmp_path, relion):
    target = tmp_path / "five"
    shutil.copytree(
        shared_data / "empiar10204_betagal_relion5",
        target,
        ignore=shutil.ignore_patterns("*.mrcs", "*.mrc", "*_data.star"),
    )
    for place in [target, *target.rglob("*")]:
        place.chmod(0o755 if place.is_dir() else 0o644)
    command = [relion / "relion_pipeliner", "--addJob", "Import", "--addJobOptions", "Raw input files: == *.mrcs"]
    project = Project.open(target).convert("3.1")
    result = subprocess.run(command, cwd=target, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert project.jobs()[-1].name == "Import/job011"
    assert [job.state for job in project.jobs()] == ["finished"] * 8 + ["scheduled"]
