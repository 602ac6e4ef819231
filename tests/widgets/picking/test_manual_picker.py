"""The manual picker without a page: what its methods do, and what is said."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.io.coordinates import FOM, X, Y, write_coordinates
from relionlab.io.images import write_image
from relionlab.io.table import Table
from relionlab.widgets.picking.colour_controls import PLAIN
from relionlab.widgets.picking.manual_picker import ManualPicker
from relionlab.widgets.picking.pick_layers import Edit
from relionlab.workflows.hand_picking import SELECTION


@pytest.fixture
def picker(tmp_path):
    rng = np.random.default_rng(1)
    for number in range(3):
        write_image(tmp_path / f"mic{number}.mrc", rng.normal(size=(64, 80)).astype(np.float32), pixel_size=4.0)
    (tmp_path / "mic3.mrc").write_bytes(b"no image")
    (tmp_path / "ManualPick").mkdir()
    table = Table({X: [10.0, 20.0], Y: [30.0, 40.0], FOM: [0.25, 0.75]})
    write_coordinates(tmp_path / "ManualPick/mic1_manualpick.star", table)
    made = ManualPicker(tmp_path, pixels=200)
    yield made
    made.picking.close()


def test_steps_through_the_list(picker):
    assert picker.name == "mic0.mrc"
    picker.previous()
    assert picker.name == "mic0.mrc"
    picker.next()
    assert (picker.name, picker.list.shown) == ("mic1.mrc", 1)
    assert picker.view.layers["picks"].x.tolist() == [10, 20]
    assert "2 of 4" in picker._told.value
    assert "2 picks" in picker._told.value
    picker.list.order = [3, 2, 1, 0]  # sorted another way in the page
    picker.next()
    assert picker.name == "mic0.mrc"


def test_a_broken_micrograph_is_said_and_does_not_stop(picker):
    picker.show("mic3.mrc")
    assert "mic3.mrc cannot be shown" in picker._message.value
    assert "greys" not in picker.view.image
    picker.previous()
    assert picker.name == "mic2.mrc"
    assert picker._message.value == ""


def test_edits_of_the_page_reach_the_files(picker):
    for x in (1, 2, 3):
        picker._edited(Edit("add", x, 5, "picks", micrograph="mic0.mrc", stroke=f"p/{x}"))
    picker._edited(Edit("move", 2, 5, "picks", to_x=8, to_y=9, micrograph="mic0.mrc", stroke="p/4"))
    picker._edited(Edit("remove", 1, 5, "picks", micrograph="mic0.mrc", stroke="p/5"))
    assert picker.list.counts[0] == 2
    picker.undo()
    assert picker.view.layers["picks"].x.tolist() == [1, 8, 3]
    picker.redo()
    picker.clear()
    assert picker.list.counts[0] == 0
    picker.undo()
    picker.save()
    assert "saved in ManualPick" in picker._total.value
    assert picker.picking.coordinate_path("mic0.mrc").exists()


def test_dropped_micrographs_are_not_counted(picker):
    picker.show("mic1.mrc")
    picker.keep("mic1.mrc", kept=False)
    assert picker.list.kept == [True, False, True, True]
    assert "dropped" in picker._told.value
    assert "<b>0 picks</b> on 0 of 3 micrographs, 1 dropped" in picker._total.value
    picker.save()
    assert "mic1.mrc" not in (picker.picking.directory / "ManualPick" / SELECTION).read_text()
    picker._ticked(picker.picking.keep, [1])
    assert "<b>2 picks</b>" in picker._total.value


def test_circles_are_coloured_by_a_column(picker):
    picker.show("mic1.mrc")
    assert picker.view.layers["picks"].values is None
    picker.colours.choose(FOM, low=0.0, high=1.0)
    assert picker.view.layers["picks"].values.tolist() == [0.25, 0.75]
    assert (picker.view.colours["low"], picker.view.colours["high"], picker.view.colours["bar"]) == (0, 1, True)
    picker.colours.choose(PLAIN)
    assert picker.view.layers["picks"].values is None


def test_circles_are_coloured_by_a_list_of_particles(picker):
    rows = {
        "rlnMicrographName": ["MotionCorr/job002/mic1.mrc"] * 2,
        X: [20.4, 10.0],
        Y: [40.0, 30.0],
        "rlnZScore": [2.0, 1.0],
    }
    optics = "\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnImagePixelSize #2\n1 4.0\n"
    lines = "\n".join(" ".join(map(str, row)) for row in zip(*rows.values(), strict=True))
    heads = "\n".join(f"_{label}" for label in rows)
    place = picker.picking.directory / "run_data.star"
    place.write_text(f"{optics}\ndata_particles\n\nloop_\n{heads}\n{lines}\n")
    picker.show("mic1.mrc")
    picker.colours.star.value = "run_data.star"
    picker.colours.choose("rlnZScore")
    assert picker.view.layers["picks"].values.tolist() == [1.0, 2.0]
    picker.colours.star.value = "missing.star"
    assert "rl-problem" in picker.colours.message.value


def test_contrast_is_remembered(picker):
    picker.picture.set(diameter=222.0, low_pass=40.0, inverted=True)
    assert picker.view.diameter == 222.0
    assert picker.view.look.low_pass == 40.0
    assert picker.view.inverted
    picker.save()
    again = ManualPicker(picker.picking.directory, pixels=200)
    assert again.picture.value == picker.picture.value
    again.picking.close()


def test_the_spectrum_takes_the_place_of_the_list(picker):
    picker.show_ctf()
    assert picker._side.children == (picker.ctf,)
    picker.show_list()
    assert picker._side.children == (picker.list,)
    assert not picker.ctf.is_open


def test_a_spectrum_that_cannot_be_made_is_said(picker):
    thread = picker.ctf.show(picker.picking.path("mic3.mrc"), None, picker.picking.micrographs, row=3)
    thread.join(20)
    assert "There is no power spectrum" in picker.ctf.value


def test_commands_of_the_page(picker):
    picker._commanded("next", {})
    assert picker.name == "mic1.mrc"
    picker._commanded("keep", {})
    assert not picker.picking.is_kept("mic1.mrc")
    picker._commanded("invert", {})
    assert picker.view.inverted
    picker.go_to("mic2.mrc", 10, 10)
    assert picker.name == "mic2.mrc"
