"""Who made what from whom, when a job ran, and what would go with it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from relionlab.jobs.base import Node
from relionlab.project import Project
from relionlab.project.job_times import job_times
from relionlab.project.pipeline import Pipeline, Process
from relionlab.project.relatives import Relatives
from relionlab.project.removal import cleaning, deletion, forbid_harsh_cleaning, forbids_harsh_cleaning, spoken_bytes
from relionlab.project.trash import deleted_jobs, loose_files

KIND = "ParticleGroupMetadata.star.relion"


def chain() -> Pipeline:
    """A -> B -> C, with B and C also taking a file from outside."""
    a, b, outside = (Node(path, KIND) for path in ("A/job001/a.star", "B/job002/b.star", "outside.star"))
    return (
        Pipeline()
        .with_process(Process("A/job001", "relion.import", "finished"), outputs=[a])
        .with_process(Process("B/job002", "relion.class2d", "finished"), inputs=[a, outside], outputs=[b])
        .with_process(Process("C/job003", "relion.select", "scheduled"), inputs=[b, outside])
        .with_process(Process("D/job004", "relion.import", "finished"))
    )


def test_walks_one_step_each_way():
    relatives = Relatives.of(chain())
    assert [near.name for near in relatives.made_from("B/job002")] == ["A/job001", ""]
    assert [node.path for node in relatives.made_from("B/job002")[1].nodes] == ["outside.star"]
    assert [near.name for near in relatives.used_by("B/job002")] == ["C/job003"]
    assert relatives.used_by("C/job003") == ()


def test_branch_holds_all_that_led_to_a_job_and_all_that_came_of_it():
    relatives = Relatives.of(chain())
    assert relatives.history("B/job002") == {"A/job001", "B/job002", "C/job003"}
    assert relatives.history("D/job004") == {"D/job004"}


def test_times_come_from_note_and_marker(tmp_path: Path):
    began = time.mktime((2024, 8, 30, 12, 0, 0, 0, 0, -1))
    (tmp_path / "note.txt").write_text(f"\n ++++ Executing new job on {time.asctime(time.localtime(began))}\n")
    (tmp_path / "RELION_JOB_EXIT_SUCCESS").touch()
    os.utime(tmp_path / "RELION_JOB_EXIT_SUCCESS", (began + 90, began + 90))
    times = job_times(tmp_path)
    assert times.seconds == 90
    assert times.latest == began + 90
    assert job_times(tmp_path / "nowhere").latest is None


@pytest.fixture
def project(tmp_path: Path, pretending) -> Project:
    made = Project.create(tmp_path)
    for _ in range(2):
        job = made.add(pretending())
        for name in ("run_it001_data.star", "run_it002_data.star"):
            (job.path / name).write_text("data_\n")
        job.mark("finished")
    return made


def test_deleting_is_said_before_it_is_done(project: Project):
    job = project.jobs()[0]
    told = deletion(job)
    assert told.names == (job.name,)
    assert told.files == sum(1 for path in job.path.rglob("*") if path.is_file())
    assert job.name in str(told)
    before = {path.name for path in job.path.iterdir()}
    job.delete()
    assert [found.name for found in deleted_jobs(project)] == [job.name]
    assert loose_files(project) == 0
    project.undelete(job.name)
    assert {path.name for path in job.path.iterdir()} == before
    assert deleted_jobs(project) == []


def test_cleaning_names_what_goes_and_can_be_forbidden(project: Project):
    job = project.jobs()[0]
    assert cleaning(job).files == len(job.clean(pretend=True))
    forbid_harsh_cleaning(job)
    assert forbids_harsh_cleaning(job)
    forbid_harsh_cleaning(job, forbid=False)
    assert not forbids_harsh_cleaning(job)


@pytest.mark.parametrize(("size", "words"), [(12, "12 bytes"), (1500, "1.5 kB"), (2.4e7, "24 MB"), (3.2e12, "3.2 TB")])
def test_sizes_are_spoken(size: float, words: str):
    assert spoken_bytes(size) == words
