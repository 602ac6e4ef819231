"""The gallery: what is chosen, how many particles that is, and what is saved."""

from __future__ import annotations

import io
import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from relionlab.display.results import ClassAverages
from relionlab.errors import JobStateError, ParameterError
from relionlab.io.star import read_star, write_star
from relionlab.widgets import ClassGallery
from tests.linked_project import make_project


@pytest.fixture
def gallery():
    rng = np.random.default_rng(1)
    counts = np.array([5, 40, 10, 25, 0])
    return ClassGallery(ClassAverages.from_arrays(rng.normal(size=(5, 16, 16)), pixel_size=4.0, counts=counts))


def test_largest_class_is_shown_first(gallery):
    assert gallery.grid.order == [2, 4, 3, 1, 5]
    gallery.sort("number")
    assert gallery.grid.order == [1, 2, 3, 4, 5]
    gallery._sort.value = "finest resolution first"
    assert sorted(gallery.grid.order) == [1, 2, 3, 4, 5]


def test_click_in_the_page_is_counted(gallery):
    gallery.grid.selected = [4, 2]  # what the page sends
    assert gallery.selected == (2, 4)
    assert gallery.particles == 65
    assert "<b>2</b> of 5 classes" in gallery._count.value
    assert "<b>65</b> of 80 particles" in gallery._count.value


def test_buttons(gallery):
    press = {button.description: button.click for button in gallery.children[2].children if hasattr(button, "click")}
    press["All"]()
    assert gallery.selected == (1, 2, 3, 4, 5)
    press["Invert"]()
    assert gallery.selected == ()
    gallery.grid.last = 3
    press["All above"]()
    assert gallery.selected == (2, 3, 4)
    press["None"]()
    assert gallery.selected == ()


def test_good_classes_are_those_that_score_high(tmp_path, monkeypatch):
    from relionlab.workflows.outcomes import classes

    gallery = ClassGallery(make_project(tmp_path).job("Class2D/job003"))
    scores = SimpleNamespace(score=np.array([0.9, 0.1, 0.6, 0.0]))
    monkeypatch.setattr(classes, "scores_of", lambda averages, diameter: scores)
    press = {button.description: button.click for button in gallery.children[2].children if hasattr(button, "click")}
    press["Good"]()
    assert gallery.selected == (1, 3)


def test_particles_are_counted_again_when_their_list_changed(tmp_path):
    job = make_project(tmp_path).job("Class2D/job003")
    assert ClassGallery(job).averages.counts.tolist() == [20, 20, 20, 0]
    path = job.path / "run_it003_data.star"
    tables = read_star(path)
    tables["particles"] = tables["particles"].rows(np.arange(30))
    time = path.stat().st_mtime_ns
    write_star(path, list(tables.values()))
    os.utime(path, ns=(time + 10**9, time + 10**9))
    assert ClassGallery(job).averages.counts.tolist() == [10, 10, 10, 0]


def test_all_above_without_a_click_says_what_to_do(gallery):
    with pytest.raises(ParameterError, match="Click a class first"):
        gallery.select_above()


def test_unknown_class_is_refused(gallery):
    with pytest.raises(ParameterError, match="no class 9"):
        gallery.select([1, 9])


def test_largest_classes_that_hold_half(gallery):
    gallery.select_largest(share=0.6)
    assert gallery.selected == (2, 4)
    gallery.select_largest(share=0.3)
    assert gallery.selected == (2,)


def test_nothing_chosen_cannot_be_saved(gallery):
    assert gallery._save.disabled
    with pytest.raises(ParameterError, match="No class is chosen"):
        _ = gallery.job


def test_averages_without_a_job_cannot_be_saved(gallery):
    gallery.select_all()
    with pytest.raises(JobStateError, match="do not come from a job"):
        gallery.save()


def test_tip_keeps_best_fit_and_probability_apart(gallery):
    tip = gallery.grid.items[1]["tip"]
    assert "40 particles fit it best" in tip
    assert "by probability" in tip


def test_sprite_holds_every_class(gallery):
    sprite = Image.open(io.BytesIO(gallery.grid.sprite))
    assert sprite.size == (10 * 112, 112)  # of 16 px: finer would show no more
    pixels = np.asarray(sprite).reshape(112, 10, 112)
    assert all(np.ptp(pixels[:, place]) > 100 for place in range(5))
    assert not pixels[:, 5:].any()
