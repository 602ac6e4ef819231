"""From class to particles to micrograph to CTF, and back, in a small project."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import NodeError
from relionlab.io.particles import read_particles, write_particles
from relionlab.workflows.links import (
    class_of_particle,
    ctf_of_micrograph,
    micrograph_of_particle,
    particles_of_class,
    particles_of_micrograph,
    project_of,
)
from tests.linked_project import MICROGRAPHS, NAMES, PER_MICROGRAPH, make_project

MODEL = "Class2D/job003/run_it003_model.star"
DATA = "Class2D/job003/run_it003_data.star"
PARTICLES = "Extract/job002/particles.star"
LIST = "CtfFind/job001/micrographs_ctf.star"


@pytest.fixture
def folder(tmp_path):
    return make_project(tmp_path / "linked").directory


def test_a_class_leads_to_its_particles(folder):
    found = particles_of_class(folder / MODEL, [2])
    assert found.star == folder / DATA
    assert found.rows.tolist() == list(range(1, MICROGRAPHS * PER_MICROGRAPH, 3))
    assert len(particles_of_class(folder / MODEL, [1, 3]).rows) == 40
    assert not len(particles_of_class(folder / MODEL, [4]).rows)


def test_a_particle_leads_to_its_micrograph(folder):
    rows = read_particles(folder / PARTICLES).particles
    for star in (PARTICLES, DATA):
        place = micrograph_of_particle(folder / star, 25)
        assert place.name == NAMES[1]
        assert place.micrograph == folder / NAMES[1]
        assert (place.x, place.y) == (rows["rlnCoordinateX"][25], rows["rlnCoordinateY"][25])


def test_a_list_without_coordinates_asks_the_one_it_was_made_from(folder):
    bare = read_particles(folder / DATA)
    kept = bare.particles.without("rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY")
    write_particles(folder / DATA, type(bare)(bare.optics, kept.rows(np.arange(10, 60))))
    place = micrograph_of_particle(folder / DATA, 15)  # the 26th of the first list
    assert place.name == NAMES[1]
    expected = read_particles(folder / PARTICLES).particles["rlnCoordinateX"][25]
    assert place.x == expected


def test_a_micrograph_leads_to_its_ctf_and_particles(folder):
    found = ctf_of_micrograph(NAMES[2], near=folder / DATA)
    assert (found.star, found.rows.tolist()) == (folder / LIST, [2])
    held = particles_of_micrograph(NAMES[2], near=folder / PARTICLES)
    assert (held.star, held.rows.tolist()) == (folder / PARTICLES, list(range(40, 60)))
    newest = particles_of_micrograph(NAMES[0], near=folder / LIST)
    assert (newest.star, len(newest.rows)) == (folder / DATA, PER_MICROGRAPH)


def test_another_jobs_name_for_a_micrograph_is_understood(folder):
    other = f"MotionCorr/job009/{NAMES[1]}"
    assert ctf_of_micrograph(other, near=folder / LIST).rows.tolist() == [1]


def test_a_particle_leads_to_its_class(folder):
    own = class_of_particle(folder / DATA, 4)
    assert (own.number, own.model) == (2, folder / MODEL)
    assert class_of_particle(folder / PARTICLES, 5) == class_of_particle(folder / DATA, 5)


def test_what_does_not_exist_is_said(folder):
    with pytest.raises(NodeError, match=r"CTF of nowhere\.mrc was not estimated"):
        ctf_of_micrograph("nowhere.mrc", near=folder / PARTICLES)
    with pytest.raises(NodeError, match=r"No particles of nowhere\.mrc"):
        particles_of_micrograph("nowhere.mrc", near=folder / PARTICLES)
    (folder / DATA).unlink()
    with pytest.raises(NodeError, match="not beside"):
        particles_of_class(folder / MODEL, [1])
    with pytest.raises(NodeError, match="not classified"):
        class_of_particle(folder / PARTICLES, 1)


def test_a_file_of_a_job_belongs_to_the_project_not_to_the_jobs_backup(folder):
    project = project_of(folder / DATA)
    assert project is not None
    assert project.directory == folder
    assert project_of(folder.parent) is None
