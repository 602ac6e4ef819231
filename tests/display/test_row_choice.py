"""Order and choice of rows: what gallery, table and plot share."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display.row_choice import RowChoice
from relionlab.errors import ParameterError
from relionlab.io.table import Table


@pytest.fixture
def choice():
    values = {
        "rlnDefocusU": [3.0, np.nan, 1.0, 2.0],
        "rlnMicrographName": ["d", "a", "c", "b"],
        "rlnClassNumber": [1, 1, 2, 2],
    }
    return RowChoice(Table(values))


def test_sorting_puts_rows_without_a_number_last(choice):
    choice.sort("DefocusU")
    assert choice.shown.tolist() == [2, 3, 0, 1]
    choice.sort("rlnDefocusU", descending=True)
    assert choice.shown.tolist() == [0, 3, 2, 1]
    choice.sort("rlnMicrographName")
    assert choice.shown.tolist() == [1, 3, 2, 0]
    choice.sort("rlnClassNumber", descending=True)
    assert choice.shown.tolist() == [2, 3, 0, 1]  # equal ones stay in the order of the file
    choice.sort(None, descending=True)
    assert choice.shown.tolist() == [3, 2, 1, 0]


def test_above_and_below_mean_the_order_of_the_screen(choice):
    choice.sort("rlnDefocusU")
    choice.select_above(3)
    assert choice.rows.tolist() == [2, 3]
    choice.clear()
    choice.look_at(0)
    choice.select_below()
    assert choice.rows.tolist() == [0, 1]
    choice.invert()
    assert choice.rows.tolist() == [2, 3]


def test_a_filter_hides_but_does_not_unchoose(choice):
    choice.select([0, 2])
    choice.filter("ClassNumber == 2")
    assert choice.shown.tolist() == [2, 3]
    choice.invert()  # of what is shown
    assert choice.rows.tolist() == [0, 3]
    choice.select_all()
    assert choice.rows.tolist() == [0, 2, 3]
    choice.filter("")
    assert len(choice.shown) == 4


def test_places_are_those_of_the_screen(choice):
    choice.sort("rlnDefocusU")
    choice.set_places(np.array([0, 1]), on=True)
    assert choice.rows.tolist() == [2, 3]
    choice.set_places(np.array([1]), on=False)
    assert choice.rows.tolist() == [2]
    assert choice.place(1) == 3


def test_listeners_hear_what_changed_once(choice):
    heard = []
    choice.on_change(heard.append)
    choice.select([1])
    choice.select([1])
    choice.sort("rlnDefocusU")
    choice.look_at(2)
    choice.look_at(2)
    assert heard == ["chosen", "shown", "current"]


def test_what_cannot_be_done_is_said(choice):
    with pytest.raises(ParameterError, match="Click one first"):
        choice.select_above()
    with pytest.raises(ParameterError, match="no row 10"):
        choice.select([9])
    choice.select_where("ClassNumber == 1")
    assert choice.rows.tolist() == [0, 1]


def test_the_steps_of_a_choice_are_remembered_in_words(choice):
    choice.sort("DefocusU", descending=True)
    choice.select_above(3)
    choice.set_places(np.array([2]), on=True)
    choice.invert()
    assert choice.steps == [
        "chose 4 and all above it in the order of rlnDefocusU, descending",
        "chose 3",
        "inverted in the order of rlnDefocusU, descending",
    ]
    choice.select_where("ClassNumber == 2")
    assert choice.steps == ["chose those with ClassNumber == 2"]
    choice.clear()
    choice.set_places(np.array([0]), on=True)
    assert choice.steps == ["chose 1"]
