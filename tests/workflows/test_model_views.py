"""An initial model against class averages: its own match it, another molecule's do not, a wrong symmetry spoils it."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab import display
from relionlab.display.results import ClassAverages
from relionlab.engine.fourier import resize
from relionlab.engine.maps.alterations import new_box, symmetrised
from relionlab.engine.projection import project
from relionlab.engine.rotations import random_rotations
from relionlab.engine.symmetry import point_group
from relionlab.errors import ImageError, InputError, NodeError
from relionlab.io.images import read_map, write_map
from relionlab.jobs import InitialModel
from relionlab.workflows.model_views import model_views, model_views_of, plots_beside_classes
from tests.display.runs3d import write_round
from tests.linked_project import make_project

N, PIXEL, DIAMETER = 32, 6.0, 150.0


def molecule(seed: int) -> np.ndarray:
    """Fifty Gaussian balls on a chain, with D2 symmetry."""
    rng = np.random.default_rng(seed)
    places = np.cumsum(rng.normal(size=(50, 3)) * 12, axis=0)
    places *= 40 / np.sqrt((places**2).sum(axis=1).mean())
    grid = (np.arange(N) - N // 2) * PIXEL
    z, y, x = np.meshgrid(grid, grid, grid, indexing="ij")
    alone = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / 162) for a, b, c in places).astype(np.float32)
    return symmetrised(alone, point_group("D2").operations)


@pytest.fixture(scope="module")
def truth():
    return molecule(1)


@pytest.fixture(scope="module")
def classes(truth):
    rng = np.random.default_rng(2)
    images = project(truth, random_rotations(rng, 12))
    images += 0.1 * images.std() * rng.normal(size=images.shape)
    return ClassAverages.from_arrays(images.astype(np.float32), pixel_size=PIXEL, counts=np.full(12, 50))


def test_truth_matches_and_its_symmetry_holds(truth, classes, tmp_path):
    write_map(tmp_path / "map.mrc", truth, pixel_size=PIXEL)
    test = model_views(tmp_path / "map.mrc", classes, symmetry="D2", diameter=DIAMETER, views=20)
    assert len(test.matches.rot) == 20
    assert np.median(test.matches.class_scores) > 0.9
    assert "D2 changes the latter by" in test.summary()
    assert "may be imposed" in test.summary()
    for symmetric in (False, True):
        picture = display.view_pairs(test, symmetric=symmetric)
        texts = list(picture.description.Labels.I.dimension_values("text"))
        assert len(texts) == 40
        scores = [float(text.split("score ")[1]) for text in texts[::2]]
        assert scores == sorted(scores, reverse=True)
        assert display.to_bokeh(picture) is not None
    table = display.view_table(test)
    assert len(table.description) == 20
    assert display.to_png(table, dpi=40).startswith(b"\x89PNG")


def test_another_molecule_and_another_symmetry_match_less(truth, classes):
    wrong = model_views(molecule(5), classes, diameter=DIAMETER, pixel_size=PIXEL, views=30)
    right = model_views(truth, classes, symmetry="C5", diameter=DIAMETER, pixel_size=PIXEL, views=30)
    assert np.median(wrong.matches.class_scores) < np.median(right.matches.class_scores) - 0.15
    assert "spoils it" in right.summary()


def test_class_averages_of_other_pixels_or_boxes_are_brought_to_the_map(truth, classes):
    first = classes.take(np.arange(4))
    larger = ClassAverages.from_arrays(resize(first.images, 48), pixel_size=4.0, counts=np.full(4, 50))
    wider = ClassAverages.from_arrays(
        np.stack([new_box(image, 40) for image in first.images]), pixel_size=PIXEL, counts=np.full(4, 50)
    )
    for given in (larger, wider):
        test = model_views(truth, given, diameter=DIAMETER, pixel_size=PIXEL)
        assert test.matches.class_scores.min() > 0.85
    other = ClassAverages.from_arrays(first.images, pixel_size=4.0, counts=np.full(4, 50))
    with pytest.raises(ImageError, match="neither pixel size nor width agree"):
        model_views(truth, other, pixel_size=PIXEL)


def test_small_classes_are_left_out_and_what_lacks_is_named(truth, classes):
    few = ClassAverages.from_arrays(classes.images, pixel_size=PIXEL, counts=np.array([1000] * 3 + [1] * 9))
    test = model_views(truth, few, diameter=DIAMETER, pixel_size=PIXEL, views=3)
    assert test.numbers.tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="No symmetry was imposed"):
        display.view_pairs(test, symmetric=True)
    with pytest.raises(ImageError, match="no pixel size"):
        model_views(truth, few)


def test_a_job_is_tested_by_the_class_averages_that_it_goes_back_to(tmp_path, monkeypatch):
    project = make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    classified = project.job("Class2D/job003")
    particles = next(node.path for node in classified.outputs if node.path.endswith("_data.star"))
    job = project.add(InitialModel(fn_img=particles, sym_name="D2", do_run_c1=True))
    write_round(job.path, "run_it003", 3, kind="InitialModel")
    raw, pixel_size = read_map(job.path / "run_it003_class001.mrc")
    write_map(job.path / "initial_model.mrc", raw[::-1].copy(), pixel_size=pixel_size)
    test = model_views_of(job, views=4)
    assert test.symmetry == "D2"
    assert test.numbers.tolist() == [1, 2, 3]  # the fourth is empty
    assert np.array_equal(
        test.matches.scores, model_views(raw, classified.path, views=4, pixel_size=pixel_size).matches.scores
    )
    assert not np.array_equal(test.symmetric.scores, test.matches.scores)
    (plot,) = plots_beside_classes(job.path)
    assert "Class2D/job003" in plot.wait
    with pytest.raises(NodeError, match="goes back to no Class2D job"):
        model_views_of(project.job("Extract/job002"))
