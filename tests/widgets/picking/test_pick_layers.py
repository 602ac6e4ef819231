"""Layers of picks: what an edit does to them."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.widgets.picking.micrograph_view import MicrographView, blended
from relionlab.widgets.picking.pick_layers import Edit, Layer, apply


def layers() -> dict[str, Layer]:
    automatic = Layer("auto", removed_to="removed", moved_to="added")
    automatic.put([1, 2, 3], [10, 20, 30], [0.1, 0.2, 0.3])
    return {"auto": automatic, "added": Layer("added"), "removed": Layer("removed", style="cross")}


def held(layer: Layer) -> list[tuple[float, float]]:
    return list(zip(layer.x.tolist(), layer.y.tolist(), strict=True))


def test_added_picks_have_no_value():
    found = layers()
    apply(found, Edit("add", 5, 6, "auto"))
    assert held(found["auto"])[-1] == (5, 6)
    assert np.isnan(found["auto"].values[-1])
    apply(found, Edit("add", 7, 8, "new"))
    assert held(found["new"]) == [(7, 8)]


def test_removed_automatic_picks_are_shown_as_removed():
    found = layers()
    apply(found, Edit("remove", 2, 20, "auto"))
    assert held(found["auto"]) == [(1, 10), (3, 30)]
    assert found["auto"].values.tolist() == [0.1, 0.3]
    assert held(found["removed"]) == [(2, 20)]
    apply(found, Edit("remove", 2, 20, "auto"))  # it is gone already
    assert held(found["removed"]) == [(2, 20)]
    apply(found, Edit("remove", 2, 20, "removed"))
    assert held(found["removed"]) == []


def test_moved_automatic_picks_become_added_ones():
    found = layers()
    apply(found, Edit("move", 1, 10, "auto", to_x=4, to_y=40))
    assert (held(found["removed"]), held(found["added"])) == ([(1, 10)], [(4, 40)])
    apply(found, Edit("move", 4, 40, "added", to_x=5, to_y=50))
    assert held(found["added"]) == [(5, 50)]


# --- the view, as the page speaks to it -----------------------------------------------------------------------------


@pytest.fixture
def view():
    made = MicrographView(pixels=200)
    made.show(np.random.default_rng(1).normal(size=(50, 80)), 4.0, name="one")
    return made


def told(sequence: int, kind: str = "add", **more) -> dict:
    return {"kind": kind, "layer": "picks", "x": 1.5, "y": 2.5, "stroke": "s", "sequence": sequence, **more}


def test_edits_come_in_order_and_once(view):
    heard = []
    view.on_edit(heard.append)
    serial = view.image["serial"]
    view._answer(view, {"kind": "edits", "page": "p", "serial": serial, "edits": [told(1), told(2, x=9)]}, [])
    view._answer(view, {"kind": "edits", "page": "p", "serial": serial, "edits": [told(2, x=9), told(3, x=11)]}, [])
    assert [edit.sequence for edit in heard] == [1, 2, 3]
    assert view.layers["picks"].x.tolist() == [1.5, 9, 11]
    assert {edit.micrograph for edit in heard} == {"one"}
    assert view.marks["heard"] == {"p": 3}


def test_edits_of_the_micrograph_before_are_told_with_its_name(view):
    heard = []
    view.on_edit(heard.append)
    before = view.image["serial"]
    view.show(np.random.default_rng(2).normal(size=(50, 80)), 4.0, name="two")
    view._answer(view, {"kind": "edits", "page": "p", "serial": before, "edits": [told(1)]}, [])
    assert heard[0].micrograph == "one"
    assert "picks" not in view.layers  # nothing is drawn on the one that is shown


def test_the_page_gets_sizes_picks_and_colours(view):
    view.picks([3, 4], [5, 6], [0.5, np.nan], layer="auto", colour="#112233")
    sent = {layer["name"]: layer for layer in view.marks["layers"]}["auto"]
    assert np.frombuffer(sent["x"]).tolist() == [3, 4]
    assert sent["colour"] == "#112233"
    assert view.image["size"] == [80, 50]
    assert len(view.image["greys"]) == 50 * 80
    before = view.image["greys"]
    view.contrast(1.0)
    assert view.image["greys"] != before
    view.filter(low_pass=40)
    assert view.look.low_pass == 40
    with pytest.raises(TypeError, match="a layer has no size"):
        view.layer("auto", size=3)


def test_a_zoomed_part_is_sent_when_the_page_asks(view):
    ask = {"kind": "looked", "serial": view.image["serial"], "x": 10, "y": 10, "width": 20, "height": 12, "screen": 200}
    view._answer(view, ask, [])
    x, _, width, _ = view.detail["place"]
    assert x <= 10
    assert x + width >= 30
    assert view.detail["shape"][1] / width >= 9
    view._answer(view, {**ask, "width": 0}, [])
    assert view.detail == {}


def test_colours_go_from_end_to_end():
    assert blended(["#000000", "#FF0000"], 3) == ["#000000", "#800000", "#FF0000"]
