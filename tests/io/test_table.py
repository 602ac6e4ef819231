"""Tables: types by label, immutability, messages."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from relionlab.errors import StarError
from relionlab.io.labels import label, labels
from relionlab.io.table import Table


def table() -> Table:
    return Table(
        {"rlnMicrographName": ["01", "002"], "rlnDefocusU": [1, 2.5], "rlnOpticsGroup": 1, "foreign": ["1", "x y"]},
        "micrographs",
    )


def test_types_come_from_the_labels() -> None:
    made = table()
    assert made["rlnMicrographName"].tolist() == ["01", "002"]
    assert made["rlnMicrographName"].dtype == object
    assert made["rlnDefocusU"].dtype == np.float64
    assert made["rlnOpticsGroup"].tolist() == [1, 1]
    assert made["rlnOpticsGroup"].dtype == np.int64
    assert Table({"rlnIsHelix": [True, False]})["rlnIsHelix"].tolist() == [1, 0]


def test_unknown_labels_are_text_with_numbers_on_request() -> None:
    made = Table({"foreign": [1.5, 2]})
    assert made["foreign"].tolist() == ["1.5", "2.0"]
    assert made.numbers("foreign").tolist() == [1.5, 2.0]
    with pytest.raises(StarError, match="foreign"):
        table().numbers("foreign")


def test_whole_numbers_may_be_written_as_floats_but_not_have_fractions() -> None:
    assert Table({"rlnClassNumber": ["2.000"]})["rlnClassNumber"].tolist() == [2]
    with pytest.raises(StarError, match="whole number"):
        Table({"rlnClassNumber": [1.5]})
    with pytest.raises(StarError, match="a number"):
        Table({"rlnDefocusU": ["far"]})


def test_a_table_does_not_change() -> None:
    made = table()
    with pytest.raises(ValueError, match="read-only"):
        made["rlnDefocusU"][0] = 3
    with pytest.raises(AttributeError, match="with_columns"):
        made.name = "other"  # type: ignore[misc]
    source = np.array([1.0, 2.0])
    kept = Table({"rlnDefocusU": source})
    source[0] = 9
    assert kept["rlnDefocusU"][0] == 1.0


def test_changes_make_a_new_table() -> None:
    made = table()
    assert made.with_columns(rlnDefocusV=3)["rlnDefocusV"].tolist() == [3.0, 3.0]
    assert made.with_columns({"rlnDefocusU": [5, 6]}).labels == made.labels
    assert made.without("rlnDefocusU", "absent").labels == ("rlnMicrographName", "rlnOpticsGroup", "foreign")
    assert made.rows([1, 0, 1])["rlnMicrographName"].tolist() == ["002", "01", "002"]
    assert len(made.rows(np.array([False, True]))) == 1
    assert len(made.rows([])) == 0
    assert made.rows(slice(1, None)).value("rlnDefocusU") == 2.5
    assert len(Table.concatenate([made, made])) == 4


def test_messages_say_what_is_there() -> None:
    with pytest.raises(StarError, match=r"'micrographs' has no column rlnVoltage. It has: rlnMicrographName, "):
        table()["rlnVoltage"]
    with pytest.raises(StarError, match="same length"):
        Table({"rlnDefocusU": [1, 2], "rlnDefocusV": [1]})
    with pytest.raises(StarError, match="only one of them has rlnDefocusU"):
        Table.concatenate([table(), table().without("rlnDefocusU")])
    with pytest.raises(StarError, match="2 rows"):
        table().value("rlnDefocusU")


def test_numbers_of_a_missing_column() -> None:
    assert table().numbers("rlnPhaseShift", 0.0).tolist() == [0.0, 0.0]
    assert table().numbers("rlnDefocusU", 0.0).tolist() == table()["rlnDefocusU"].tolist()
    with pytest.raises(StarError, match="rlnPhaseShift"):
        table().numbers("rlnPhaseShift")


def test_tables_travel_and_compare() -> None:
    assert pickle.loads(pickle.dumps(table())) == table()
    assert Table({"rlnDefocusU": [np.nan]}) == Table({"rlnDefocusU": [np.nan]})
    assert table() != table().rows([0])


def test_frames() -> None:
    frame = table().frame()
    assert frame["rlnMicrographName"].tolist() == ["01", "002"]
    assert frame.attrs["name"] == "micrographs"


def test_every_label_has_type_and_meaning() -> None:
    for known in labels().values():
        assert known.type in ("string", "int", "float", "bool", "vector"), known
        assert known.meaning, known
        assert known.name.startswith("rln")
    assert label("_rlnDefocusU").unit == "Å"
    assert label("rlnVoltage").unit == "kV"
    assert table().unit("rlnDefocusU") == "Å"


@pytest.mark.usefixtures("relion")
def test_labels_have_the_types_that_relion_prints() -> None:
    import re
    import subprocess

    printed = subprocess.run(
        ["relion_refine", "--print_metadata_labels"], capture_output=True, text=True, check=False
    ).stdout
    found = dict(re.findall(r"(rln\w+) \(([^)]+)\)", printed))
    assert len(found) > 400
    ours = {"double": "float", "vector<double>": "vector"}
    for name, kind in found.items():
        assert label(name).type == ours.get(kind, kind), name
