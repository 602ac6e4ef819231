"""Any STAR file as table and plot: what is shown, chosen and saved."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display.column_statistics import column_statistics
from relionlab.display.density import Extent
from relionlab.errors import ParameterError
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.widgets import StarView
from tests.linked_project import make_project

DATA = "Class2D/job003/run_it003_data.star"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("star") / "project").directory


@pytest.fixture
def view(folder):
    return StarView(folder / DATA)


def test_the_longest_table_comes_first_and_all_are_there(view):
    assert view.table.name == "particles"
    view.show_table("optics")
    assert len(view.choice) == 1
    assert view._bodies["table"].count == 1


def test_rows_are_sent_as_texts_of_the_shown_order(view):
    grid = view._bodies["table"]
    sent = []
    grid.send = lambda content, buffers=None: sent.append(content)
    view.sort("rlnDefocusU", descending=True)
    grid._heard(None, {"kind": "want", "id": 4, "epoch": grid.epoch, "from": 0, "to": 2}, [])
    (rows,) = [content["rows"] for content in sent if content["kind"] == "rows"]
    assert [cells[0] for cells in rows] == ["21", "22"]
    assert rows[0][1 + view.table.labels.index("rlnDefocusU")] == "15000"
    grid._heard(None, {"kind": "sort", "name": "rlnDefocusU"}, [])
    assert view.choice.descending is False
    assert grid.sorted == {"name": "rlnDefocusU", "descending": False}


def test_columns_are_found_by_their_meaning(view):
    view.find("focus")
    assert [column["name"] for column in view._bodies["table"].columns][:2] == ["rlnDefocusU", "rlnDefocusV"]
    assert view._bodies["table"].columns[0]["heading"] == "DefocusU (Å)"
    view.find("nothing of the kind")
    assert "No column has" in view.message.value


def test_what_is_chosen_is_saved_with_the_other_tables(view, tmp_path):
    view.select_where("ClassNumber == 2 and DefocusU > 14000")
    view.sort("rlnCoordinateX")
    place = view.save(tmp_path / "good.star")
    written = read_star(place)
    assert "optics" in written
    assert set(written["particles"]["rlnClassNumber"]) == {2}
    assert (np.diff(written["particles"]["rlnCoordinateX"]) >= 0).all()
    assert len(written["particles"]) == view.choice.count


def test_the_shown_file_is_not_overwritten(view, folder):
    before = (folder / DATA).read_bytes()
    with pytest.raises(ParameterError, match="give another name"):
        view.save(folder / DATA)
    assert (folder / DATA).read_bytes() == before


def test_a_box_in_the_plot_chooses_rows(view):
    view.plot("rlnCoordinateX", "rlnCoordinateY")
    plot = view._bodies["plot"]
    x, y = view.table["rlnCoordinateX"], view.table["rlnCoordinateY"]
    plot.select_box(Extent(50, 150, 0, 120))
    assert view.choice.rows.tolist() == np.flatnonzero((x >= 50) & (x <= 150) & (y <= 120)).tolist()
    points = plot.figure.select_one({"name": "chosen points"}).data
    assert len(points["x"]) == view.choice.count
    view.plot("rlnClassNumber")
    plot.select_box(Extent(1.5, 2.5, 0, 1))
    assert set(view.table["rlnClassNumber"][view.choice.rows]) == {2}


def test_many_points_are_drawn_as_a_density():
    rng = np.random.default_rng(1)
    view = StarView(Table({"rlnCoordinateX": rng.normal(size=50_000), "rlnCoordinateY": rng.normal(size=50_000)}))
    view.plot("rlnCoordinateX", "rlnCoordinateY")
    figure = view._bodies["plot"].figure
    assert len(figure.select_one({"name": "points"}).data["x"]) == 0
    assert figure.select_one({"name": "density"}).data["image"][0].max() == 255
    view._bodies["plot"]._zoomed(type("event", (), {"shown": (0.0, 0.3, 0.0, 0.3)})())
    seen = len(figure.select_one({"name": "points"}).data["x"])
    x, y = view.table["rlnCoordinateX"], view.table["rlnCoordinateY"]
    assert seen == ((x >= 0) & (x <= 0.3) & (y >= 0) & (y <= 0.3)).sum()


def test_a_gallery_of_a_sorted_table_says_its_order(view):
    view.sort("rlnDefocusU", descending=True)
    view.filter("ClassNumber == 2")
    view.show("gallery")
    bar = view._bodies["gallery"].bar
    assert (bar.order.value, bar.down.value, bar.condition.value) == ("rlnDefocusU", True, "ClassNumber == 2")


def test_table_and_gallery_share_order_and_choice(view):
    view.show("gallery")
    view.select_where("ClassNumber == 1")
    assert view._bodies["gallery"].selected.tolist() == list(range(0, 60, 3))


def test_wrong_conditions_are_said_and_change_nothing(view):
    with pytest.raises(ParameterError, match="Did you mean"):
        view.filter("Defocus > 3")
    assert len(view.choice.shown) == 60


def test_statistics_are_those_of_numpy(view):
    told = column_statistics(view.table, "rlnCoordinateX")
    x = view.table["rlnCoordinateX"]
    assert (told.count, told.lowest, told.highest) == (60, x.min(), x.max())
    assert told.mean == pytest.approx(x.mean())
    assert told.median == np.median(x)
    assert "px" in str(told)
    assert str(column_statistics(view.table, "rlnMicrographName")) == "3 different texts in 60 rows"
