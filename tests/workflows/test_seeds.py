"""The recipe consensus → random seeds, with real Class3D jobs of particles that keep their true poses."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.class_agreement import adjusted_rand_index
from relionlab.errors import ParameterError
from relionlab.io.particles import read_particles
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.project import Project
from relionlab.simulation import Simulation, d2_assembly, simulate_particles
from relionlab.workflows.seeds import SeededClasses, SeededRun, classes_from_consensus, main


@pytest.fixture
def project(project_directory) -> Project:
    """A project with particles of two conformations and their poses."""
    simulation = Simulation(count=120, box=24, pixel_size=10.0, snr=2.0, fractions=(0.6, 0.4), seed=4)
    molecules = [d2_assembly(), d2_assembly("missing_subunit")]
    simulate_particles("data", molecules, simulation, project=".")
    return Project.create(project_directory)


JOB = Class3D(
    fn_img="data/truth.star",
    fn_ref="data/truth_class001.mrc",
    nr_classes=2,
    nr_iter=12,
    particle_diameter=215.0,
    dont_skip_align=False,
)


def test_classes_part_from_the_consensus_and_come_back_from_other_seeds(project):
    said: list[str] = []
    found = classes_from_consensus(project, JOB, seeds=(1, 2), say=said.append)
    assert [run.job.name for run in found.runs] == ["Class3D/job002", "Class3D/job003"]
    assert found.consensus == "Class3D/job001/run_it012_class001.mrc"
    truth = np.asarray(read_particles("data/truth.star").particles["rlnClassNumber"])
    assert adjusted_rand_index(found.best.classes, truth) > 0.8
    assert found.agreement[0, 1] == pytest.approx(adjusted_rand_index(*(run.classes for run in found.runs)))
    assert found.summary() == said[-1]
    command = (project.directory / "Class3D/job003/note.txt").read_text()
    assert "--random_seed 2" in command
    assert f"--ref {found.consensus}" in command


@pytest.mark.parametrize(("agreement", "words"), [(0.9, "in the data"), (0.5, "change sides"), (0.1, "other classes")])
def test_the_summary_says_whether_classes_come_back(project, agreement, words):
    class Named:
        name = "Class3D/job002"

    runs = tuple(SeededRun(seed, Named(), "", np.ones(3), -float(seed)) for seed in (1, 2))  # type: ignore[arg-type]
    found = SeededClasses("map.mrc", runs, np.array([[1, agreement], [agreement, 1]]))
    assert found.best.seed == 1
    assert words in found.summary()


def test_what_cannot_part_is_refused(project):
    with pytest.raises(ParameterError, match=r"--K\) is 1"):
        classes_from_consensus(project, JOB.changed(nr_classes=1))
    with pytest.raises(ParameterError, match="each once"):
        classes_from_consensus(project, JOB, seeds=(1, 1))
    with pytest.raises(ParameterError, match=r"1,x"):
        main(["--i", "a.star", "--ref", "b.mrc", "--seeds", "1,x"])
