"""The pictures of 3D runs: drawn by both backends, with axes and units, from files as RELION writes them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from bokeh.models import ColorBar, LinearAxis, LogAxis

from relionlab import display
from relionlab.display.convergence3d import convergence3d
from relionlab.display.fsc_course import fsc_course
from relionlab.display.orientations import (
    angular_distribution,
    completeness_words,
    orientation_completeness,
    write_directions_picture,
)
from relionlab.display.plots import plots_of
from relionlab.display.reference_maps import reference_maps
from relionlab.display.sphere import from_hammer, hammer
from relionlab.display.verdict import verdict_picture
from relionlab.engine.orientations import fourier_coverage
from relionlab.engine.rotations import random_euler
from relionlab.errors import NodeError, StarError
from relionlab.io.star import read_star, write_star

_SPEC = importlib.util.spec_from_file_location("runs3d", Path(__file__).with_name("runs3d.py"))
runs3d = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(runs3d)

KINDS = {"InitialModel": 1, "Class3D": 3, "Refine3D": 1}
PICTURES = {
    "maps": reference_maps,
    "fsc": fsc_course,
    "views": angular_distribution,
    "completeness": orientation_completeness,
    "convergence": convergence3d,
    "verdict": verdict_picture,
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that writes a run of a kind and returns its directory."""
    monkeypatch.chdir(tmp_path)
    return lambda kind, **how: runs3d.write_run(
        tmp_path / kind / "job001", kind=kind, **({"classes": KINDS[kind]} | how)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PICTURES)
def test_both_backends_draw_it(kind, name, run):
    picture = PICTURES[name](run(kind))
    assert picture.title
    assert picture.caption.endswith(".")
    assert display.to_bokeh(picture) is not None
    assert display.to_png(picture, dpi=50).startswith(b"\x89PNG")


def labels(picture) -> set[str]:
    model = display.to_bokeh(picture)
    return {axis.axis_label for kind in (LinearAxis, LogAxis) for axis in model.select({"type": kind})}


def test_axes_carry_units(run):
    directory = run("Refine3D")
    assert {"Spatial frequency (1/Å)", "Fourier shell correlation"} <= labels(fsc_course(directory))
    expected = {"Iteration", "Resolution (Å)", "Angle (°)", "Accuracy (Å)", "Mean change (°)", "Mean change (Å)"}
    assert expected <= labels(convergence3d(directory))
    bars = display.to_bokeh(angular_distribution(directory)).select({"type": ColorBar})
    assert [bar.title for bar in bars] == ["times as many as if even"]


def test_classes_have_rows_the_largest_first(run):
    picture = reference_maps(run("Class3D"))
    texts = list(picture.description.Labels.I.dimension_values("text"))
    assert [text for text in texts if text.startswith("class")] == [
        "class 3, 50 % · slice z",
        "class 2, 33 % · slice z",
        "class 1, 17 % · slice z",
    ]
    assert len(texts) == 18


def test_half_maps_have_rows_until_they_are_joined(run):
    directory = run("Refine3D")
    halves = reference_maps(directory / "run_it002_half1_model.star")
    texts = list(halves.description.Labels.I.dimension_values("text"))
    assert [text for text in texts if text.startswith("half")] == ["half 1 · slice z", "half 2 · slice z"]
    assert halves.title == "Maps after iteration 2"
    assert reference_maps(directory).title == "Maps at the end"


def test_curves_end_where_nothing_was_measured(run):
    """RELION writes zeros beyond what an iteration used: they are no correlation."""
    picture = fsc_course(run("Refine3D"))
    first = next(curve for curve in picture.description.Curve if "iteration 1" in curve.label)
    values = first.dimension_values(1)
    assert np.isfinite(values).sum() == 7
    assert "Å at 0.5" in picture.caption


def test_without_halves_signal_over_noise_is_shown(run):
    assert "Class 3, the largest; it is 1 at" in fsc_course(run("Class3D")).caption


def test_views_are_completed_by_symmetry_and_said_so(run):
    picture = angular_distribution(run("Refine3D"))
    assert "60 particles" in picture.caption
    assert "asymmetric unit of D2" in picture.caption
    values = picture.description.Image.I.dimension_values("value", flat=False)
    np.testing.assert_allclose(
        values, values[::-1, ::-1], equal_nan=True
    )  # tilt to 180 - tilt and rot to -rot: about x


def test_directions_are_written_for_chimerax(run, tmp_path):
    lines = write_directions_picture(run("Refine3D"), tmp_path / "a.bild").read_text().splitlines()
    cylinders = np.array([line.split()[1:] for line in lines if line.startswith(".cylinder")], float)
    assert sum(line.startswith(".color") for line in lines) == len(cylinders) > 10
    middle = runs3d.BOX * runs3d.PIXEL / 2
    assert np.allclose(np.linalg.norm(cylinders[:, :3] - middle, axis=1), middle, rtol=1e-4)  # they stand on the sphere
    assert np.linalg.norm(cylinders[:, 3:6] - cylinders[:, :3], axis=1).max() == pytest.approx(0.3 * middle, rel=1e-4)


def test_plots_of_a_refinement_are_named(run):
    names = [plot.name for plot in plots_of(run("Refine3D"))]
    assert names[:2] == ["Angular distribution", "Completeness of the orientations"]


def test_views_of_one_class(run):
    assert "20 particles of class 2" in angular_distribution(run("Class3D"), class_number=2).caption


def test_completeness_says_what_it_costs():
    rng = np.random.default_rng(1)
    even = completeness_words(fourier_coverage(*random_euler(rng, 20_000)[:2]))
    assert even.startswith("Sampling compensation factor 1.00")
    single = completeness_words(fourier_coverage(np.zeros(2000), np.zeros(2000)))
    assert single.startswith("93 % of Fourier space is not measured")


def test_map_of_the_sphere_is_equal_area_and_invertible():
    rng = np.random.default_rng(2)
    rot, tilt, _ = random_euler(rng, 40_000)
    x, y = hammer(rot, tilt)
    back_rot, back_tilt, inside = from_hammer(x, y)
    assert inside.all()
    np.testing.assert_allclose(back_tilt, tilt, atol=1e-6)
    np.testing.assert_allclose((back_rot - rot + 180) % 360, 180, atol=1e-4)
    counts, _, _ = np.histogram2d(x, y, bins=(8, 8), range=((-1, 1), (-0.5, 0.5)))  # well inside the ellipse
    assert np.abs(counts / counts.mean() - 1).max() < 5 / np.sqrt(counts.mean())


def test_outside_of_the_map_is_no_direction():
    assert not from_hammer(np.array([1.9]), np.array([0.9]))[2].any()


@pytest.mark.parametrize(("kind", "count"), [("InitialModel", 7), ("Class3D", 8), ("Refine3D", 7)])
def test_logfile_holds_all_pictures(kind, count, run):
    directory = run(kind)
    assert len(display.pictures(directory)) == count
    content = display.write_logfile(directory).read_bytes()
    assert len(re.findall(rb"/Type /Page\b", content)) == count


def test_pictures_of_a_run_that_has_just_begun(run):
    assert [picture.title for picture in display.pictures(run("Class3D", iterations=0))] == ["Maps after iteration 0"]


def test_pictures_after_the_first_iteration(run):
    """What a monitor asks for while half-maps are not yet joined."""
    directory = run("Refine3D", iterations=1)
    for path in directory.glob("run_[dms]*.star"):
        path.unlink()
    assert "Maps after iteration 1" in [picture.title for picture in display.pictures(directory)]


def test_show_knows_3d_runs(run):
    directory = run("Refine3D")
    assert display.show(directory).title == "Maps at the end"
    assert display.show(directory / "run_it001_half2_model.star").title == "Maps after iteration 1"


def test_monitor_gets_slices_and_the_course_of_half_maps(run):
    averages = display.read_class_averages(run("Refine3D") / "run_it003_half1_model.star")
    assert averages.images.shape == (1, runs3d.BOX, runs3d.BOX)
    assert averages.counts.tolist() == [runs3d.COUNT]
    assert display.class_averages(averages).title == "Central slices after iteration 3"
    assert display.read_course(averages.model.parent).iterations.tolist() == [0, 1, 2, 3]


def test_half_maps_have_the_resolution_of_the_run(run):
    directory = run("Refine3D")
    model = directory / "run_it003_half1_model.star"
    model.write_text(model.read_text().replace("_rlnCurrentResolution", "_rlnCurrentResolution 7.5 #"))
    assert display.read_class_averages(model).resolution.tolist() == [7.5]  # in its class: 10 Å, where FSC is 0.5
    assert display.read_class_averages(directory / "run_model.star").resolution.tolist() == [10.0]


def test_what_is_not_there_is_named(tmp_path, run):
    for picture in (reference_maps, fsc_course, convergence3d):
        with pytest.raises(NodeError, match=r"holds no"):
            picture(tmp_path)
    directory = run("Class3D")
    data = directory / "run_it003_data.star"
    tables = read_star(data)
    write_star(data, [tables["optics"], tables["particles"].without("rlnAngleRot")])
    with pytest.raises(StarError, match="no angles"):
        angular_distribution(directory)
