"""What a STAR file holds, found without reading its rows, is what reading it finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relionlab.errors import StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.star_head import sample_rows, star_heads
from relionlab.io.table import Table


def _agree(path) -> None:
    whole = read_star(path)
    heads = star_heads(path)
    assert {name: (head.labels, head.rows) for name, head in heads.items()} == {
        name: (table.labels, len(table)) for name, table in whole.items()
    }


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
    st.lists(st.sampled_from(["#1", "a b", "data_", "plain", "'"]), min_size=1),
)
def test_it_agrees_with_reading(tmp_path_factory, sizes, words):
    path = tmp_path_factory.mktemp("star") / "some.star"
    tables = [
        Table(
            {
                "rlnImageName": [
                    f"{row}@{words[row % len(words)].replace('#', '').replace(chr(39), '')}x" for row in range(size)
                ],
                "rlnDefocusU": np.arange(size) * 1.5,
            },
            name=f"t{number}",
        )
        for number, size in enumerate(sizes)
    ]
    write_star(path, tables)
    _agree(path)


@pytest.mark.parametrize(
    "text",
    [
        "data_\n\nloop_\n_rlnImageName #1\n_rlnDefocusU #2\n1@a.mrcs 1.0\n2@a.mrcs 2.0",
        (
            "\n# version 30001\n\ndata_optics\n\nloop_ \n_rlnOpticsGroup #1 \n 1 \n \n\n\n# version 30001\n\ndata_particles\n\nloop_ \n"
            "_rlnImageName #1 \n  1@a.mrcs \n  2@a.mrcs \n \n"
        ),
        "data_job\n\n_rlnJobType   12 \n_rlnJobIsContinue  0 \n\ndata_x\nloop_\n_rlnImageName\n1@a\n2@b\n3@c\n",
        "data_particles\r\n\r\nloop_\r\n_rlnImageName #1\r\n1@a.mrcs\r\n2@a.mrcs\r\n\r\n",
    ],
)
def test_other_programs_ways_of_writing(tmp_path, text):
    path = tmp_path / "other.star"
    path.write_bytes(text.encode())
    _agree(path)


def test_first_row_and_samples(tmp_path):
    path = tmp_path / "particles.star"
    write_star(path, [Table({"rlnImageName": [f"{n + 1:06d}@a.mrcs" for n in range(1000)]}, name="particles")])
    assert star_heads(path)["particles"].first == {"rlnImageName": "000001@a.mrcs"}
    rows = [int(row["rlnImageName"][:6]) for row in sample_rows(path, "particles", 10)]
    assert rows == list(range(1, 1000, 100))
    assert len(sample_rows(path, "particles", 5000)) == 1000
    assert sample_rows(path, "optics", 5) == []


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "particles.star"
    for count in (3, 5):
        write_star(path, [Table({"rlnImageName": [f"{n + 1}@a.mrcs" for n in range(count)]}, name="particles")])
        assert star_heads(path)["particles"].rows == count


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(StarError, match=r"none\.star cannot be read"):
        star_heads(tmp_path / "none.star")
