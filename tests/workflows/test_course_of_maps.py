"""The second half of the tutorial on movies, in full: are its map and its poses those that were simulated?

Measured when written, of 172 particles that went on to the refinement: initial model 10.7 Å, refined 10.3 Å (0.5 of the truth; 10.1 Å
is the pixels' limit), poses 1.7° (a tenth of them beyond 3.7°), purity of the 3D classes 0.81 (0.68 unsorted), and shells of
which the half-maps promised more than 0.6 at most about 0.01 below that.
"""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display.local_resolution import local_resolution_spread
from relionlab.display.truth_fsc import promised
from relionlab.jobs.refinement.outcome import outcome_of
from relionlab.project import Project
from relionlab.workflows.stages import Clock
from relionlab.workflows.tutorial.command import main, parser, plan_of
from relionlab.workflows.tutorial.folder import CLOCK_FILE
from relionlab.workflows.tutorial.map_truth import MapsTruth
from relionlab.workflows.tutorial.maps import MapPart, half_map_curve, sharpening_of
from relionlab.workflows.tutorial.movie_course import Conductor, Course
from relionlab.workflows.tutorial.movie_plan import MoviePlan
from relionlab.workflows.tutorial.movie_truth import course_truth
from tests.workflows.test_stages import Silent

pytestmark = pytest.mark.full

NYQUIST = 10.0  # Å, of boxes shrunk to 5 Å
_Known = tuple[MapPart, MapsTruth]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> _Known:
    """The maps of six movies of some 45 particles each, and what they really are."""
    directory = tmp_path_factory.mktemp("course") / "t"
    arguments = ["--dir", str(directory), "--set", "small", "--count", "6", "--particle_angpix", "5", "--sym_at_once"]
    assert main(arguments) == 0
    plan = plan_of(vars(parser().parse_args(arguments)) | {"fresh": None})
    assert isinstance(plan, MoviePlan)
    project = Project.open(directory)
    clock = Clock.at(directory / CLOCK_FILE)
    course: Course = Conductor(plan, project, clock=clock, watcher=Silent()).course()
    truth = course_truth(course)
    assert course.maps is not None
    assert truth is not None
    assert truth.maps is not None
    return course.maps, truth.maps


def test_the_initial_model_is_the_molecule_in_one_hand(known: _Known):
    _, truth = known
    assert truth.initial.resolution < 16
    assert truth.initial.placed.score - truth.initial.placed.other > 0.3


def test_the_classes_part_the_whole_molecule_from_the_rest(known: _Known):
    part, truth = known
    assert truth.classes.purity > truth.classes.majority + 0.05
    assert part.choice.tells


def test_the_refined_map_is_the_molecule(known: _Known):
    part, truth = known
    assert outcome_of(part.refined.path).converged
    assert truth.refined.resolution < 12
    assert truth.refined.resolution <= truth.initial.resolution
    assert truth.refined.overall > 0.85


def test_the_poses_are_the_true_ones(known: _Known):
    _, truth = known
    assert truth.poses.median < 2.6
    assert np.mean(truth.poses.angles < 8) > 0.9


def test_the_half_maps_promise_what_the_truth_keeps(known: _Known):
    """Halves that had seen each other would promise more; a mask that correlates by itself, too."""
    part, truth = known
    frequency, halves = half_map_curve(part.sharpened)
    kept = np.interp(frequency, truth.refined.frequency, truth.refined.correlation)
    told = promised(halves) > 0.6
    assert told.sum() > 10
    assert np.all(kept[told] > promised(halves)[told] - 0.1)
    assert sharpening_of(part.sharpened)[0] > 0.75 * truth.sharpened.resolution


def test_sharpening_and_local_resolution_keep_to_the_map(known: _Known):
    part, truth = known
    assert truth.sharpened.resolution == pytest.approx(truth.refined.resolution, rel=0.1)
    low, median, high = local_resolution_spread(part.local.path)
    assert low >= NYQUIST - 0.1
    assert 0.8 * sharpening_of(part.sharpened)[0] < median < 1.6 * sharpening_of(part.sharpened)[0]
    assert high > low
