"""What the lessons' notebooks begin with, and how they compare with the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.display.picture import Picture
from relionlab.errors import ProjectError
from relionlab.io.images import read_map, write_map
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.project import JobDirectory
from relionlab.workflows.refine3d_lesson import MapLesson, refine3d_lesson


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> MapLesson:
    return refine3d_lesson(tmp_path_factory.mktemp("lesson") / "maps", count=100)


class Refined:
    """Stands for a Refine3D job whose map and poses are the true ones, turned by some degrees."""

    output = JobDirectory.output

    def __init__(self, lesson: MapLesson, *, off: float):
        self.project, self.outputs = lesson.project, []
        folder = lesson.project.directory / "Refine3D" / f"off{off:g}"
        folder.mkdir(parents=True)
        write_map(folder / "run_class001.mrc", *read_map(lesson.truth)[:1], pixel_size=read_map(lesson.truth)[1])
        tables = read_star(lesson.project.directory / lesson.data.truth)
        particles = tables["particles"]
        turned = {name: particles[name] for name in particles.labels}
        turned["rlnAngleRot"] = np.asarray(particles["rlnAngleRot"]) + off
        backwards = np.arange(len(particles))[::-1]
        write_star(folder / "run_data.star", [tables["optics"], Table(turned, "particles").rows(backwards)])
        for name in ("run_class001.mrc", "run_data.star"):
            self.outputs.append(type("Node", (), {"path": f"Refine3D/off{off:g}/{name}"}))


@pytest.mark.parametrize("off", [0.0, 20.0])
def test_poses_are_compared_image_by_image_without_junk(lesson: MapLesson, off: float):
    picture = lesson.poses_against_truth(Refined(lesson, off=off))
    assert isinstance(picture, Picture)
    median = float(picture.caption.split("median ")[1].split("°")[0])
    assert median == pytest.approx(off, abs=1.0)
    kinds = np.asarray(read_star(lesson.project.directory / lesson.data.truth)["particles"]["rlnClassNumber"])
    assert sum(picture.description.dimension_values("particles")) == np.sum(kinds != lesson.data.junk) < len(kinds)


def test_beginning_is_told_in_lines_that_fit_below_a_cell(lesson: MapLesson):
    told = repr(lesson).split("\nProject: ")[0].splitlines()
    assert len(told) > 1
    assert max(len(line) for line in told) <= 90
    assert " ".join(told) == lesson.data.told


def test_another_number_of_particles_wants_another_folder(lesson: MapLesson):
    with pytest.raises(ProjectError, match="in a notebook the lesson's first argument"):
        refine3d_lesson(Path(lesson.project.directory), count=101)
