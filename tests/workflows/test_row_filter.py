"""Conditions on columns: what they choose, and what is said of those that cannot be understood."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import ParameterError
from relionlab.io.row_filter import column_named, matching
from relionlab.io.table import Table


@pytest.fixture
def table():
    return Table(
        {
            "rlnDefocusU": [8000.0, 12000.0, 20000.0, np.nan],
            "rlnClassNumber": [1, 2, 3, 2],
            "rlnMicrographName": ["a/mov001.mrc", "a/mov002.mrc", "b/mov012.mrc", "b/Mov003.mrc"],
            "someScore": ["0.5", "1.5", "2.5", "3.5"],
        }
    )


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("", [0, 1, 2, 3]),
        ("DefocusU > 10000", [1, 2]),
        ("rlnDefocusU > 10000 and ClassNumber < 3", [1]),
        ("defocusu < 9000 or classnumber == 3", [0, 2]),
        ("ClassNumber = 2", [1, 3]),
        ("not ClassNumber = 2", [0, 2]),
        ("9000 < DefocusU <= 20000", [1, 2]),
        ("ClassNumber in (1, 3)", [0, 2]),
        ("ClassNumber not in (1, 3)", [1, 3]),
        ("MicrographName contains mov01", [2]),
        ("MicrographName contains 'MOV003'", [3]),
        ("MicrographName == a/mov002.mrc", [1]),
        ('MicrographName != "a/mov002.mrc" and ClassNumber != 1', [2, 3]),
        ("someScore >= 1.5 and abs(DefocusU - 12000) < 1", [1]),
        ("someScore > mean(someScore)", [2, 3]),
        ("ClassNumber % 2 == 0", [1, 3]),
    ],
)
def test_rows_that_meet_a_condition(table, condition, rows):
    assert np.flatnonzero(matching(table, condition)).tolist() == rows


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("Defocus > 3", "Did you mean DefocusU"),
        ("DefocusU >", "cannot be understood"),
        ("DefocusU", "lacks a comparison"),
        ("DefocusU > 'many'", "text with a number"),
        ("__import__('os')", "cannot stand in a condition"),
        ("DefocusU.real > 3", "cannot stand in a condition"),
        ("[x for x in DefocusU]", "cannot stand in a condition"),
    ],
)
def test_what_cannot_be_understood_is_said(table, condition, said):
    with pytest.raises(ParameterError, match=said):
        matching(table, condition)


def test_columns_are_found_as_users_write_them(table):
    assert column_named(table, "_rlnDefocusU") == "rlnDefocusU"
    assert column_named(table, "defocusu") == "rlnDefocusU"
    assert column_named(table, "someScore") == "someScore"
