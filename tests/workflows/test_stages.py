"""Stages: done once, resumed, refused where something else was asked for. Real Import jobs, in processes of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import JobStateError, RelionlabError, RunError
from relionlab.io.images import write_stack
from relionlab.io.particles import Particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.importing.job import Import
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.project import Project
from relionlab.widgets import JobForm
from relionlab.workflows.stages import (
    MOST_WARNINGS,
    Clock,
    Terminal,
    done_before,
    finished,
    same_work,
    warnings_of,
)


class Silent:
    """A watcher that only remembers."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.warned: list[str] = []

    def begin(self, title: str) -> None:
        self.begun.append(title)

    def progress(self, done: float, total: float, what: str) -> None:
        pass

    def end(self, text: str) -> None:
        self.ended.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)


def particles_in(directory: Path, count: int = 30, box: int = 16) -> Path:
    """Write a small particle set into ``directory/Particles`` whose names hold from ``directory``."""
    place = directory / "Particles"
    place.mkdir(parents=True)
    images = np.random.default_rng(0).normal(size=(count, box, box)).astype(np.float32)
    write_stack(place / "stack.mrcs", images, pixel_size=3.0)
    optics = Table(
        {
            "rlnOpticsGroupName": ["opticsGroup1"],
            "rlnOpticsGroup": [1],
            "rlnVoltage": [300.0],
            "rlnSphericalAberration": [2.7],
            "rlnAmplitudeContrast": [0.1],
            "rlnImagePixelSize": [3.0],
            "rlnImageSize": [box],
            "rlnImageDimensionality": [2],
        },
        name="optics",
    )
    rows = Table(
        {
            "rlnImageName": [f"{i + 1:06d}@Particles/stack.mrcs" for i in range(count)],
            "rlnMicrographName": ["mic1.mrc"] * count,
            "rlnDefocusU": [15000.0] * count,
            "rlnDefocusV": [15000.0] * count,
            "rlnDefocusAngle": [0.0] * count,
            "rlnOpticsGroup": [1] * count,
        },
        name="particles",
    )
    write_particles(place / "particles.star", Particles(optics, rows))
    return place / "particles.star"


def importing(path: str = "Particles/particles.star", **more: object) -> Import:
    return Import(do_raw=False, do_other=True, fn_in_other=path, node_type="Particles STAR file (.star)", **more)


@pytest.fixture
def begun(tmp_path: Path) -> Project:
    particles_in(tmp_path)
    return Project.create(tmp_path)


def test_a_stage_is_done_once(begun: Project):
    clock, watcher = Clock.at(begun.directory / "times.json"), Silent()
    first = finished(begun, importing(), alias="tutorial", clock=clock, watcher=watcher)
    assert first.state == "finished"
    assert watcher.begun == ["Import"]
    assert Clock.at(clock.path).seconds["Import"] > 0
    again = finished(begun, importing(), alias="tutorial", clock=clock, watcher=watcher)
    assert again == first
    assert watcher.begun == ["Import"]
    assert len(begun.jobs()) == 1


def test_another_wish_is_refused_and_named(begun: Project):
    clock = Clock.at(begun.directory / "times.json")
    finished(begun, importing(), alias="tutorial", clock=clock, watcher=Silent())
    with pytest.raises(JobStateError, match=r"(?s)optics group.*--fresh"):
        finished(begun, importing(optics_group_particles="new"), alias="tutorial", clock=clock, watcher=Silent())


def test_what_was_done_before_is_found_by_its_values(begun: Project):
    job = importing()
    assert done_before(begun, job) is None
    done = finished(begun, importing(), alias="first", clock=Clock.at(begun.directory / "times.json"), watcher=Silent())
    begun.add(importing())  # not run yet
    assert done_before(begun, job) == done
    assert done_before(begun, importing(optics_group_particles="new")) is None
    assert done_before(begun, Class2D(fn_img="Import/job001/particles.star")) is None


def test_another_seed_is_other_work():
    first, second = (Class2D(fn_img="a.star", other_args=f"--random_seed {seed}") for seed in (1, 2))
    assert same_work(first, first.changed(nr_threads=9))
    assert not same_work(first, second)


def test_form_made_anew_finds_its_job(begun: Project):
    """As after a restart of the kernel: the cells run again, and nothing is computed twice."""
    JobForm(importing(), project=begun).ensure_started().wait()
    again = JobForm(importing(), project=begun)
    assert again.ensure_started().name == "Import/job001"
    assert again.directory is not None
    assert not again._launch.go_on.disabled
    assert len(begun.jobs()) == 1
    again.run().wait()  # asked for in so many words, it is
    assert len(begun.jobs()) == 2


def test_a_failure_tells_the_jobs_own_message(begun: Project):
    (begun.directory / "Particles" / "particles.star").write_text("data_particles\n\nloop_\n_rlnCoordinateX #1\n1.0\n")
    with pytest.raises(RunError, match=r"(?s)Import/job001 is failed: .*run\.out"):
        finished(begun, importing(), alias="tutorial", clock=Clock.at(begun.directory / "times.json"), watcher=Silent())


def test_what_failed_is_taken_up_again(begun: Project):
    stars = begun.directory / "Particles" / "particles.star"
    good, clock = stars.read_text(), Clock.at(begun.directory / "times.json")
    stars.write_text("data_particles\n\nloop_\n_rlnCoordinateX #1\n1.0\n")
    with pytest.raises(RelionlabError):
        finished(begun, importing(), alias="tutorial", clock=clock, watcher=Silent())
    stars.write_text(good)
    job = finished(begun, importing(), alias="tutorial", clock=clock, watcher=Silent())
    assert job.state == "finished"
    assert len(begun.jobs()) == 1


def test_warnings_are_told_once_and_ends_of_earlier_attempts_not(begun: Project):
    watcher, clock = Silent(), Clock.at(begun.directory / "times.json")
    job = finished(begun, importing(), alias="tutorial", clock=clock, watcher=watcher)
    assert watcher.warned == []
    said = [f"warning: 2 of {number} CTFs may be chance." for number in range(7)]
    ends = ["ERROR: no such file.", "Traceback (most recent call last):", '  File "a.py"', "ValueError: 3"]
    ends.append("The job was stopped because somebody asked for it.")
    (job.path / "run.err").write_text("\n".join([*ends, said[0], *said]) + "\n")
    told = warnings_of(job, job)
    assert told[:2] == ("2 of 0 CTFs may be chance.", "2 of 1 CTFs may be chance.")
    assert told[MOST_WARNINGS:] == (f"2 more in {job.name}/run.err.",)


def test_the_terminal_leaves_warnings_below_the_stage(capsys: pytest.CaptureFixture[str]):
    terminal = Terminal()
    terminal.begin("CtfFind")
    terminal.end("CtfFind/job003, 2 s")
    terminal.warn("2 of 2 CTFs [a, b] may be chance")
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == ["CtfFind      CtfFind/job003, 2 s", f"{'':13}warning: 2 of 2 CTFs [a, b] may be chance"]


def test_the_terminal_writes_plain_lines_in_a_notebook(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    shell = type(
        "ZMQInteractiveShell", (), {}
    )()  # what rich takes for a notebook, where each line would be a block of HTML
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)  # as a kernel's stream says
    terminal = Terminal()
    terminal.begin("Particles")
    terminal.end("2,000 simulated")
    assert capsys.readouterr().out == "Particles …\nParticles    2,000 simulated\n"


def test_a_damaged_clock_starts_anew(tmp_path: Path):
    (tmp_path / "times.json").write_text("{not json")
    assert Clock.at(tmp_path / "times.json").seconds == {}
