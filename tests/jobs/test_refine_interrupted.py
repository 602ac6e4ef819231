"""A classification that is killed goes on as if nothing had happened; particles without numbers are set aside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import read_stack, write_stack
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.project import JobDirectory, Project
from relionlab.project.process_record import ProcessRecord
from relionlab.project.progress import PROCESS_FILE
from tests.jobs.class2d_runs import COUNT, PIXEL_SIZE, STACK, STAR, arguments, refine, result, started, usual_form

LAST = 12
"""Iterations in all: enough that none is killed after its end."""


def wait_for(path: Path, process: subprocess.Popen[bytes] | None = None, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process is None or process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline, f"{path} does not come"
        time.sleep(0.01)


@pytest.mark.parametrize("centring", [(), ("--center_classes", "--perturb", "0.3")])
def test_a_run_that_was_killed_goes_on_to_the_same_result(tiny, centring):
    killed = started(tiny, "refine", *arguments("--iter", str(LAST), *centring, root="Class2D/killed/run"))
    wait_for(tiny / "Class2D/killed/run_it003_optimiser.star", killed)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    killed.stderr.close()
    assert not (tiny / f"Class2D/killed/run_it{LAST:03d}_optimiser.star").exists()
    for star in tiny.glob("Class2D/killed/*.star"):
        read_star(star)  # none was cut off

    go_on = ["--continue", "Class2D/killed/run_it003_optimiser.star", "--o", "Class2D/killed/run", "--iter", "5"]
    told = refine(tiny, go_on)
    assert any("iteration 3" in line for line in told.said)
    refine(tiny, arguments("--iter", "5", *centring))
    continued, uninterrupted = result(tiny, 5, "Class2D/killed/run_ct3"), result(tiny, 5)
    assert continued.same_as(uninterrupted)
    for file in ("model.star", "sampling.star"):
        theirs, ours = (read_star(f"{one.stem}_{file}") for one in (uninterrupted, continued))
        for name in theirs.keys() - {"model_classes"}:
            assert all(np.array_equal(theirs[name][label], ours[name][label]) for label in theirs[name].labels), name
    assert not result(tiny, 4, "Class2D/killed/run_ct3").same_as(continued)


@pytest.fixture
def undrawn(monkeypatch) -> None:
    """Let jobs run in processes of their own as ever, but without drawing pictures, which takes longer than the job."""
    launch = JobDirectory._launch
    code = "import sys; from relionlab.project.running import run_job; run_job(sys.argv[1])"
    monkeypatch.setattr(JobDirectory, "_launch", lambda job, run: launch(job, (sys.executable, "-c", code, run[-1])))
    monkeypatch.setenv("RELIONLAB_EXECUTOR", "inline")


def test_a_job_whose_process_was_killed_goes_on_to_the_same_result(tiny, undrawn):
    project = Project.create(tiny)
    form = usual_form(LAST)
    job = project.add(form).start()
    wait_for(job.path / "run_it003_optimiser.star")
    os.kill(ProcessRecord.read(job.path / PROCESS_FILE).pid, signal.SIGKILL)
    assert job.wait(60) == "failed"
    assert "ended without saying why" in job.message
    assert job.continue_with(nr_iter=LAST).wait(120) == "finished", job.warnings()
    assert "Continuing from iteration" in job.log()
    final = [node.path for node in job.outputs if node.path.endswith("_data.star")]
    assert len(final) == 1
    assert f"_it{LAST:03d}_data.star" in final[0]

    command = form.commands("Class2D/whole/")[0]
    refine(tiny, list(command.arguments))
    continued = result(tiny, LAST, final[0].removesuffix(f"_it{LAST:03d}_data.star"))
    assert continued.same_as(result(tiny, LAST, "Class2D/whole/run"))


def test_particles_without_numbers_are_named_and_set_aside(tiny):
    images = read_stack(STACK)
    bad = [3, 50, 149]
    images[3] = np.nan
    images[50, 10, 10] = np.inf
    images[149] = 7.0  # constant
    write_stack(STACK, images, pixel_size=PIXEL_SIZE)
    told = refine(tiny, arguments())
    warning = next(line for line in told.warnings if "set aside" in line)
    assert f"3 of {COUNT} particles" in warning
    assert "Class2D/a/run_set_aside.star" in warning
    for number in (4, 51, 150):
        assert f"{number:06d}@{STACK}" in warning
    aside = read_particles("Class2D/a/run_set_aside.star")
    everything = read_particles(STAR)
    assert list(aside.particles["rlnImageName"]) == list(everything.particles["rlnImageName"][bad])
    assert aside.particles.labels == everything.particles.labels
    classified = result(tiny, 2).particles
    assert len(classified) == COUNT - 3
    assert not set(classified.particles["rlnImageName"]) & set(aside.particles["rlnImageName"])

    # the others fare as if these had never been there
    write_particles("data/good.star", everything.rows(np.setdiff1d(np.arange(COUNT), bad)))
    refine(tiny, arguments(star="data/good.star", root="Class2D/b/run"))
    assert result(tiny, 2).same_as(result(tiny, 2, "Class2D/b/run"))
    assert not Path("Class2D/b/run_set_aside.star").exists()


def test_a_run_with_particles_set_aside_can_be_continued(tiny):
    images = read_stack(STACK)
    images[3] = np.nan
    write_stack(STACK, images, pixel_size=PIXEL_SIZE)
    refine(tiny, arguments("--iter", "3"))
    told = refine(tiny, ["--continue", "Class2D/a/run_it001_optimiser.star", "--o", "Class2D/b/run", "--iter", "3"])
    assert not any("set aside" in line for line in told.warnings)
    assert result(tiny, 3).same_as(result(tiny, 3, "Class2D/b/run"))
