"""Single columns of a STAR file are those that reading it all gives."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from relionlab.errors import StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.star_columns import read_columns
from relionlab.io.table import Table


@pytest.fixture
def star(tmp_path):
    optics = Table({"rlnOpticsGroup": [1], "rlnImagePixelSize": [1.5]}, "optics")
    rng = np.random.default_rng(1)
    rows = Table(
        {
            "rlnImageName": [f"{k:06d}@a/b.mrcs" for k in range(50)],
            "rlnClassNumber": rng.integers(1, 9, 50),
            "rlnAngleRot": rng.normal(size=50),
            "rlnOpticsGroup": np.ones(50, int),
        },
        "particles",
    )
    write_star(tmp_path / "a.star", [optics, rows])
    return tmp_path / "a.star"


def test_columns_are_those_of_the_whole(star):
    whole, found = (
        read_star(star)["particles"],
        read_columns(star, "rlnClassNumber", "rlnAngleRot", "rlnImageName", "rlnNone"),
    )
    assert found.labels == ("rlnClassNumber", "rlnAngleRot", "rlnImageName")
    for label in found.labels:
        np.testing.assert_array_equal(found[label], whole[label])


def test_the_longest_table_counts(star):
    assert len(read_columns(star, "rlnOpticsGroup")) == 50
    assert read_columns(star, "rlnImagePixelSize")["rlnImagePixelSize"].tolist() == [1.5]


def test_quotes_blank_lines_and_other_line_ends_are_read(tmp_path):
    text = "data_\n\nloop_\n_rlnMicrographName #1\n_rlnDefocusU #2\n'a b.mrc' 1.5\n\n  c.mrc  2\n"
    for name, written in (("q.star", text), ("w.star", text.replace("'a b.mrc'", "ab.mrc").replace("\n", "\r\n"))):
        (tmp_path / name).write_bytes(written.encode())
        assert read_columns(tmp_path / name, "rlnDefocusU")["rlnDefocusU"].tolist() == [1.5, 2.0]


def test_compressed_files_are_read(star):
    packed = star.with_suffix(".star.gz")
    packed.write_bytes(gzip.compress(star.read_bytes()))
    assert len(read_columns(packed, "rlnClassNumber")) == 50


def test_what_is_missing_is_said(star):
    with pytest.raises(StarError, match="rlnCoordinateX"):
        read_columns(star, "rlnCoordinateX")
    with pytest.raises(StarError, match="does not exist"):
        read_columns(star.with_name("none.star"), "rlnAngleRot")
