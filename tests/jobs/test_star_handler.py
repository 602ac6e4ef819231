"""star_handler's operations, without RELION beside (tests/relion compares them)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relionlab.errors import ParameterError, StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.star.handler import StarHandler
from relionlab.jobs.star.histogram import histogram_lines, make_histogram
from relionlab.jobs.star.list_file import StarList, read_list
from relionlab.jobs.star.operations import combine, remove_duplicates, split_sizes
from tests.jobs.small_files import optics, particle_rows


def handle(context, *arguments: str) -> None:
    StarHandler.from_flags(["--i", "particles.star", *arguments]).run(context)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one operation per call; got none"),
        (["--combine", "--split"], "one operation per call; got --combine, --split"),
        (["--compare", "b.star"], "--compare needs --label1"),
        (["--add_column", "rlnAnglePsi"], "--add_column needs either"),
        (["--select_by_str", "rlnMicrographName"], "--select_by_str needs"),
    ],
)
def test_what_is_asked_for_must_be_clear(context, particles, arguments, said):
    with pytest.raises(ParameterError, match=said):
        handle(context, *arguments)


def test_missing_columns_are_said(context, particles):
    with pytest.raises(StarError, match=r"rlnNothing"):
        handle(context, "--select", "rlnNothing")
    with pytest.raises(StarError, match=r"rlnNothing"):
        handle(context, "--remove_column", "rlnNothing")
    with pytest.raises(StarError, match=r"holds text"):
        handle(context, "--select", "rlnMicrographName")
    with pytest.raises(StarError, match=r"cannot be multiplied"):
        handle(context, "--operate", "rlnMicrographName", "--multiply_by", "2")
    with pytest.raises(StarError, match=r"no table data_other"):
        handle(context, "--i_tablename", "other", "--select", "rlnDefocusU")


def test_optics_columns_can_be_changed_too(here, context, particles):
    handle(context, "--operate", "rlnVoltage", "--set_to", "200", "--o", "o.star")
    assert read_star(here / "o.star")["optics"].value("rlnVoltage") == 200


def test_tables_without_optics_stay_without(here, context):
    write_star(here / "particles.star", [Table({"rlnCoordinateX": [1.0, 2.0], "rlnCoordinateY": [3.0, 4.0]})])
    handle(context, "--operate", "rlnCoordinateX", "--multiply_by", "2", "--o", "o.star")
    assert read_star(here / "o.star")[""]["rlnCoordinateX"].tolist() == [2, 4]


def test_equal_names_of_different_optics_are_refused(here):
    for name, voltage in (("a.star", 300.0), ("b.star", 200.0)):
        write_star(here / name, [optics(rlnVoltage=[voltage]), particle_rows(3)])
    with pytest.raises(StarError, match=r"different optics need different names"):
        combine([read_list(here / "a.star"), read_list(here / "b.star")], print)


def test_columns_of_one_file_only_are_left_out(here):
    said: list[str] = []
    one = StarList(particle_rows(3), optics())
    two = StarList(particle_rows(3).without("rlnDefocusU"), optics("second"))
    joined = combine([one, two], said.append)
    assert "rlnDefocusU" not in joined.rows
    assert "rlnDefocusU" in said[0]
    assert joined.rows["rlnOpticsGroup"].tolist() == [1, 1, 1, 2, 2, 2]


def test_repeated_entries_are_warned_of(here, context, particles, capsys):
    StarHandler.from_flags(
        ["--i", "particles.star particles.star", "--combine", "--check_duplicates", "rlnImageName", "--o", "o.star"]
    ).run(context)
    assert "Total number of duplicate rlnImageName entries: 40" in capsys.readouterr().err


def test_duplicates_are_those_with_a_later_neighbour():
    rows = Table(
        {
            "rlnCoordinateX": [0.0, 5.0, 100.0, 0.0],
            "rlnCoordinateY": [0.0, 0.0, 0.0, 0.0],
            "rlnMicrographName": ["a", "a", "a", "b"],
            "rlnOriginXAngst": [0.0, 0.0, 190.0, 0.0],
        },
        name="particles",
    )
    kept, removed = remove_duplicates(StarList(rows), distance_px=7, angstrom_to_px=0.5)
    assert removed.rows["rlnCoordinateX"].tolist() == [0, 5]  # 0 is near 5, 5 is near 100 - 190/2
    assert kept.rows["rlnMicrographName"].tolist() == ["a", "b"]


@given(st.integers(1, 200), st.integers(-1, 20), st.integers(-1, 50))
def test_split_sizes_fit(count, parts, size):
    if parts < 1 and size < 1:
        with pytest.raises(ParameterError):
            split_sizes(count, parts=parts, size=size)
        return
    sizes = split_sizes(count, parts=parts, size=size)
    assert sum(sizes) == count or (parts > 0 and size > 0 and sum(sizes) == min(count, parts * size))
    assert parts < 1 or len(sizes) == parts
    assert size < 1 or max(sizes) <= size


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.integers(-1, 30))
def test_histograms_count_everything(values, bins):
    found = make_histogram(np.array(values), bins=bins)
    assert found.counts.sum() == len(values)
    assert bins < 1 or len(found.counts) == bins + 2
    assert len(histogram_lines(np.array(values), found)) == 4 + len(found.counts)


def test_histogram_as_text():
    values = np.array([1.0, 2.0, 2.0, 3.0])
    found = make_histogram(values, bins=2)
    assert histogram_lines(values, found)[4:] == ["[-INF, 1): 0", "[1, 2): 1", "[2, 3): 2", "[3, +INF]: 1"]
    assert histogram_lines(values, found, percent=True, cumulative=True)[-2:] == ["[2, 3): 75 %", "[3, +INF]: 100 %"]


def test_one_table_alone(here, context, particles):
    """RELION 3.1.3's --ignore_optics finds no column at all; ours does what its help promises."""
    handle(context, "--ignore_optics", "--i_tablename", "particles", "--select", "rlnDefocusU", "--o", "o.star")
    assert list(read_star(here / "o.star")) == ["particles"]
