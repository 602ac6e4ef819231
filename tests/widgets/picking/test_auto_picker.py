"""The automatic picker without a browser: what it shows is what Python says, whatever is moved, edited, or wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import JobStateError
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.project import Project
from relionlab.widgets.picking.auto_picker import AutoPicker
from relionlab.widgets.picking.map_fields import MapFields
from relionlab.widgets.picking.pick_layers import Edit
from tests.waiting import until
from tests.widgets.picking.simulated_picking import simulated

TEMPLATES = {"fn_refs_autopick": "refs.mrcs", "angpix_ref": 4, "particle_diameter": 150, "psi_sampling_autopick": 30}
BLOBS = {"do_log": True, "log_diam_min": 80, "log_diam_max": 110}
MAP = {
    "do_ref3d": True,
    "fn_ref3d_autopick": "map.mrc",
    "ref3d_sampling": "60 degrees",
    "particle_diameter": 150,
    "psi_sampling_autopick": 90,
}
MICS = [f"Micrographs/mic{number}.mrc" for number in range(3)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    simulated(tmp_path)
    monkeypatch.chdir(tmp_path)
    return Project.create(tmp_path)


def opened(project: Project, *, micrographs=2, **form) -> AutoPicker:
    values = {**TEMPLATES, "do_ctf_autopick": False, "mindist_autopick": 90.0, **form}
    picker = AutoPicker(AutoPick(fn_input_autopick="mics.star", **values), project=project, micrographs=micrographs)
    assert not picker.message.value, picker.message.value
    assert picker.wait(60)
    return picker


def drawn(picker: AutoPicker) -> dict[str, list[tuple[float, float]]]:
    """Automatic and added picks in the views."""
    views = picker.panels.views[: len(picker.shown)]
    layers = {view.name: (view.view.layers["auto"], view.view.layers["added"]) for view in views}
    return {
        name: sorted((x, y) for one in both for x, y in zip(one.x, one.y, strict=True)) for name, both in layers.items()
    }


def asked(picker: AutoPicker) -> dict[str, list[tuple[float, float]]]:
    return {name: sorted(zip(picks.x, picks.y, strict=True)) for name, picks in picker.picks.items()}


def settled(picker: AutoPicker) -> None:
    until(lambda: not picker._settling._waits)
    with picker._lock:
        pass


def shown(picker: AutoPicker, source: str, column: str) -> np.ndarray:
    return np.asarray(picker.panels.merits.figure.select_one({"name": source}).data[column])


@pytest.mark.parametrize("form", [{}, BLOBS, MAP], ids=["templates", "blobs", "map"])
def test_views_show_what_python_says(project, form):
    picker = opened(project, **form)
    low, high = picker.tuning.merits().span
    counts = []
    for share in (0.35, 0.5, 0.65):
        picker.set(**{picker.main: low + share * (high - low)})
        assert drawn(picker) == asked(picker)
        counts.append(sum(map(len, picker.picks.values())))
        assert shown(picker, "picked", "top").sum() == counts[-1]
        assert (shown(picker, "picked", "left") >= picker.thresholds[picker.main] - 1e-9).all()
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] > 0


def test_the_line_in_the_histogram_is_the_slider(project):
    picker = opened(project)
    picker.panels.merits._said(0.62)
    assert picker.thresholds["threshold_autopick"] == 0.62
    assert picker.panels.merits.figure.select_one({"name": "threshold"}).location == 0.62
    picker.set(mindist_autopick=None)
    assert picker.thresholds["mindist_autopick"] is None
    assert drawn(picker) == asked(picker)


def test_what_hands_did_outlives_thresholds_and_the_widget(project):
    picker = opened(project)
    name = picker.shown[0]
    x, y = (float(value[0]) for value in (picker.picks[name].x, picker.picks[name].y))
    picker.edited(Edit("add", 20.0, 30.0, "added", micrograph=name, stroke="1"))
    picker.edited(Edit("remove", x, y, "auto", micrograph=name, stroke="2"))
    picker.edited(Edit("move", 20.0, 30.0, "added", to_x=25.0, to_y=35.0, micrograph=name, stroke="3"))
    for threshold in (0.9, 0.1):
        picker.set(threshold_autopick=threshold)
        assert drawn(picker) == asked(picker)
        assert (25.0, 35.0) in asked(picker)[name]
        assert not any(np.hypot(a - x, b - y) < 5 for a, b in asked(picker)[name])
    again = AutoPicker(picker.job, micrographs=[name])
    assert again.wait(60)
    assert (25.0, 35.0) in asked(again)[name]
    for left in ((20.0, 30.0), (20.0, 30.0), None):
        picker.undo()
        added = [tuple(point) for point in picker.tuning.edits(name).added]
        assert added == ([left] if left else [])
    picker.redo()
    assert picker.tuning.edits(name).added.tolist() == [[20.0, 30.0]]
    assert drawn(picker) == asked(picker)


def test_best_threshold_and_what_is_missed(project):
    picker = opened(project)
    assert picker.known is not None
    assert "truth" in picker.known.label
    picker.use_best()
    _, _, f1 = picker.agreement.at(picker.thresholds["threshold_autopick"])
    assert f1 == pytest.approx(picker.agreement.f1.max())
    view = picker.panels.views[0]
    picker.set(threshold_autopick=50.0)
    assert len(view.view.layers["missed"]) == 64
    picker.compare_with(None)
    assert len(view.view.layers["missed"]) == 0
    with pytest.raises(JobStateError, match="choose what to compare with"):
        picker.use_best()


def test_all_can_be_counted_instead_of_estimated(project):
    picker = opened(project, micrographs=1)
    assert not picker.estimate.exact
    picker.count_all()
    assert picker.wait(60)
    assert picker.estimate.exact
    settled(picker)
    assert picker.estimate.total == sum(row["values"][1] for row in picker.panels.table.rows)
    assert "counted" in picker.panels._counts.value


def test_one_to_four_micrographs(project):
    picker = opened(project, micrographs=3)
    assert sorted(picker.shown) == MICS
    picker.show(MICS[2], MICS[0])
    assert list(drawn(picker)) == [MICS[2], MICS[0]]
    assert drawn(picker) == asked(picker)
    picker.panels._ticked([])
    assert "one to 4 are shown" in picker.message.value
    assert picker.shown == (MICS[2], MICS[0])


def test_a_view_leafs_and_opens_the_ctf(project):
    picker = opened(project, micrographs=[MICS[0]])
    view = picker.panels.views[0]
    picker.commanded(view, "next")
    assert picker.wait(60)
    assert picker.shown == (MICS[1],)
    picker.commanded(view, "previous")
    assert picker.shown == (MICS[0],)
    assert drawn(picker) == asked(picker)
    picker.commanded(view, "previous")
    assert picker.shown == (MICS[0],)
    picker.commanded(view, "ctf")
    until(lambda: "<img" in picker._drawer.children[-1].value)


def test_limits_tint_what_they_reject(project):
    picker = opened(project, micrographs=1)
    stddev = picker.tuning.maps.searched[picker.shown[0]].stddev
    picker.set(maxstddevnoise_autopick=float(np.median(stddev)))
    settled(picker)
    tint = picker.panels.views[0].view.tinted
    assert np.frombuffer(tint["greys"], np.uint8).reshape(tint["shape"]).mean() == pytest.approx(0.5, abs=0.1)
    picker.set(maxstddevnoise_autopick=None)
    settled(picker)
    assert picker.panels.views[0].view.tinted == {}


def test_new_maps_keep_thresholds_and_edits(project):
    picker = opened(project, micrographs=1)
    name = picker.shown[0]
    picker.set(threshold_autopick=0.4)
    picker.edited(Edit("add", 20.0, 30.0, "added", micrograph=name, stroke="1"))
    before = asked(picker)
    picker.compute_maps({"lowpass": 40.0})
    assert picker.wait(60)
    assert picker.tuning.form.lowpass == 40.0
    assert picker.thresholds["threshold_autopick"] == 0.4
    assert picker.shown == (name,)
    assert (20.0, 30.0) in asked(picker)[name]
    assert asked(picker) != before
    assert drawn(picker) == asked(picker)


def test_what_is_wrong_is_said_in_words(project):
    picker = AutoPicker(
        AutoPick(fn_input_autopick="mics.star", fn_refs_autopick="none.mrcs", do_ctf_autopick=False), project=project
    )
    assert "none.mrcs" in picker.message.value
    assert "rl-problem" in picker.message.value
    (project.directory / MICS[1]).write_bytes(b"no image")
    picker = AutoPicker(
        AutoPick(fn_input_autopick="mics.star", do_ctf_autopick=False, **TEMPLATES),
        project=project,
        micrographs=MICS[:2],
    )
    assert picker.wait(60)
    assert "mic1.mrc" in picker.message.value
    assert list(picker.picks) == MICS[:1]


def test_hand_picks_are_something_to_compare_with(project):
    picker = opened(project)
    file = project.directory / "mine.star"
    write_star(
        file,
        [
            Table(
                {
                    "rlnCoordinateX": [32.0],
                    "rlnCoordinateY": [32.0],
                    "rlnMicrographName": [MICS[0]],
                    "rlnOpticsGroup": [1],
                },
                name="particles",
            )
        ],
    )
    picker.panels.known._choice.value = "mine.star"
    assert picker.known is not None
    assert picker.known.of(MICS[0]).tolist() == [[32.0, 32.0]]
    assert picker.known.of(MICS[1]) is None
    assert picker.agreement.particles == (MICS[0] in picker.shown)
    picker.panels.known._choice.value = "nowhere.star"
    assert "does not exist" in picker.panels.known.message.value


@pytest.mark.full
def test_the_job_is_written_and_followed(project):
    picker = opened(project)
    started = []
    picker.on_start(started.append)
    picker.set(threshold_autopick=0.3)
    expected = picker.picks
    assert picker.use_for_all().wait(120) == "finished"
    assert [job.name for job in started] == [picker.job.name]
    for name, picks in expected.items():
        written = pick_files.read_picks(picker.job.path / name.replace(".mrc", "_autopick.star"))
        assert np.allclose(written.x, picks.x, atol=1e-4)
        assert np.allclose(written.y, picks.y, atol=1e-4)


def test_what_needs_new_maps_is_a_form_of_its_own(project):
    picker = opened(project, micrographs=1, **BLOBS)
    fields = MapFields(picker.tuning.form, project, picker.compute_maps)
    assert {"log_diam_min", "log_diam_max"} <= set(fields._entries)
    assert "fn_refs_autopick" not in fields._entries
    assert fields.changes == {}
    fields._entries["log_diam_min"].value = "200"
    assert "exchange them" in fields.message.value
    fields._entries["log_diam_max"].value = "many"
    assert "rl-problem" in fields.message.value
    fields._entries["log_diam_max"].value = "240"
    assert fields.message.value == ""
    fields.compute()
    assert picker.wait(60)
    assert (picker.tuning.form.log_diam_min, picker.tuning.form.log_diam_max) == (200, 240)
    assert picker.tuning.directory.job.log_diam_min == 80  # written when it is used for all
