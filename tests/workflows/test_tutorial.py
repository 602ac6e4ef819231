"""The tutorial: its command line, its data, and (in full) the whole of it."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import NodeError, ProjectError
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import read_stack
from relionlab.io.particles import read_particles
from relionlab.project import Project
from relionlab.simulation.assembly import kilodaltons
from relionlab.workflows.stages import Clock
from relionlab.workflows.tutorial.command import main, parser, plan_of
from relionlab.workflows.tutorial.flags import command_of
from relionlab.workflows.tutorial.folder import CLOCK_FILE, begin_anew, open_or_create
from relionlab.workflows.tutorial.movie_plan import MoviePlan
from relionlab.workflows.tutorial.particle_plan import ParticlePlan
from relionlab.workflows.tutorial.particle_simulation import RECORD, simulated_particles
from relionlab.workflows.tutorial.particle_source import own_particles
from tests.workflows.test_stages import Silent, particles_in


def planned(*arguments: str) -> ParticlePlan | MoviePlan:
    options = vars(parser().parse_args(arguments))
    options.pop("fresh")
    return plan_of(options)


def test_defaults_of_the_command_line_are_the_plans():
    assert planned() == MoviePlan()
    assert planned("--set", "particles") == ParticlePlan()


@pytest.mark.parametrize(
    "plan",
    [
        ParticlePlan(),
        ParticlePlan(directory=Path("my classes"), count=300, signal_to_noise=0.3, seed=7),
        ParticlePlan(particles=Path("my job/particles.star"), classes=20, iterations=12, diameter=180.5),
    ],
)
def test_page_tells_the_command_that_does_the_same_again(plan: ParticlePlan):
    words = shlex.split(command_of(plan))
    assert words[:2] == ["relionlab", "tutorial"]
    assert planned(*words[2:]) == plan


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--classes", "0", "--set", "particles"], "--classes is 0; it must be at least 1"),
        (["--count", "5", "--set", "particles"], "--count is 5; it must be at least 100"),
        (["--classes", "0"], "--classes is 0; it must be at least 1"),
        (["--angpix", "1.2", "--gain", "g.mrc"], "--gain, --angpix describe movies of your own"),
        (["--movies", "*.tif"], "--diameter is missing"),
        (["--movies", "*.tif", "--diameter", "-5"], "--diameter is -5 Å"),
        (["--movies", "*.tif", "--diameter", "90", "--gain", "none.mrc"], "--gain: none.mrc does not exist"),
        (["--movies", "*.tif", "--diameter", "90", "--gain_rot", "4"], "expected 0 to 3 and 0 to 2"),
        (["--movies", "*.tif", "--diameter", "90", "--count", "3"], "--count is for simulated movies"),
        (["--movies", "*.tif", "--particles", "p.star"], "give one of them"),
        (["--particles", "p.star", "--dose", "1"], "--dose cannot be said of particles"),
        (["--movies", "*.tif", "--diameter", "90", "--snr", "1"], "--snr cannot be said of movies"),
        (["--particles", "none.star"], "none.star does not exist"),
    ],
)
def test_impossible_wishes_are_said_before_anything_is_made(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([*arguments, "--dir", str(tmp_path / "new")]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_folders_of_others_are_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("three years of work")
    with pytest.raises(ProjectError, match="not empty"):
        open_or_create(tmp_path)
    with pytest.raises(ProjectError, match="remove it yourself"):
        begin_anew(tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_fresh_removes_only_a_tutorial(tmp_path: Path):
    project = open_or_create(tmp_path / "tutorial")
    (project.directory / CLOCK_FILE).write_text("{}")
    begin_anew(project.directory)
    assert not project.directory.exists()
    begin_anew(project.directory)  # nothing there: nothing to do


def test_own_particles_are_found_from_the_new_project(tmp_path: Path):
    source = particles_in(tmp_path / "old")
    project = Project.create(tmp_path / "new")
    data = own_particles(ParticlePlan(particles=source), project)
    table = read_particles(project.directory / data.particles, directory=project.directory)
    images = ImageReader(table.particles["rlnImageName"], project.directory).read()
    assert np.array_equal(images, read_stack(source.parent / "stack.mrcs"))
    assert data.diameter == pytest.approx(0.8 * 16 * 3.0, abs=1)
    assert data.has_ctf
    assert data.truth is None


def test_lost_stacks_are_named(tmp_path: Path):
    source = particles_in(tmp_path / "old")
    (source.parent / "stack.mrcs").unlink()
    with pytest.raises(NodeError, match=r"Particles/stack\.mrcs"):
        own_particles(ParticlePlan(particles=source), Project.create(tmp_path / "new"))


def test_particles_are_simulated_once_and_never_mixed(tmp_path: Path):
    project, plan, watcher = Project.create(tmp_path), ParticlePlan(count=100), Silent()
    clock = Clock.at(tmp_path / CLOCK_FILE)
    first = simulated_particles(plan, project, clock=clock, watcher=watcher)
    assert simulated_particles(plan, project, clock=clock, watcher=watcher) == first
    assert watcher.begun == ["Particles"]
    assert f"{kilodaltons():.0f} kDa" in first.told
    assert len(read_particles(tmp_path / first.particles, directory=tmp_path)) == 100
    with pytest.raises(ProjectError, match="other options"):
        simulated_particles(ParticlePlan(count=100, seed=2), project, clock=clock, watcher=watcher)
    (tmp_path / "Particles" / RECORD).unlink()  # interrupted before it was complete
    assert simulated_particles(plan, project, clock=clock, watcher=watcher) == first


def test_small_tutorial_from_beginning_to_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = [
        "--set",
        "particles",
        "--dir",
        str(tmp_path / "t"),
        "--count",
        "120",
        "--classes",
        "2",
        "--iterations",
        "2",
        "--snr",
        "1",
    ]
    assert main(arguments) == 0, capsys.readouterr().err
    page = (tmp_path / "t" / "index.html").read_text(encoding="utf-8")
    assert "Is it right?" in page
    assert [job.state for job in Project.open(tmp_path / "t").jobs()] == ["finished"] * 3
    assert "index.html" in capsys.readouterr().out
    assert main(arguments) == 0  # everything is there: only the page is written again
    assert len(Project.open(tmp_path / "t").jobs()) == 3


def test_small_tutorial_from_own_particles(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = particles_in(tmp_path / "old", count=120, box=32)
    arguments = ["--particles", str(source), "--dir", str(tmp_path / "t"), "--classes", "2", "--iterations", "2"]
    assert main(arguments) == 0, capsys.readouterr().err
    page = (tmp_path / "t" / "index.html").read_text(encoding="utf-8")
    assert "Is it right?" not in page
    assert "particles.star" in page
