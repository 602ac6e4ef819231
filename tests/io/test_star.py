"""STAR files: every dialect in, RELION 3.1's out."""

from __future__ import annotations

import bz2
import gzip
import logging
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from relionlab.errors import StarError
from relionlab.io.star import read_star, read_table, write_star
from relionlab.io.star_text import parse, tokens
from relionlab.io.table import Table


def read(text: str) -> dict[str, Table]:
    return {table.name: table for table in parse(text, "x.star")}


LOOP = "data_{name}\n\nloop_ \n_rlnMicrographName #1 \n_rlnDefocusU #2 \n"


def test_unnamed_block_of_relion_1() -> None:
    found = read(LOOP.format(name="") + "01 1000.5\n02\t2e3\n\n")[""]
    assert found["rlnMicrographName"].tolist() == ["01", "02"]
    assert found["rlnDefocusU"].tolist() == [1000.5, 2000]
    assert found.loop


def test_pairs_with_comments_and_versions() -> None:
    found = read(
        "# version 30001\n\ndata_general\n\n_rlnVoltage\t300 # kV\n_rlnImageName   'a b'\n_rlnComment \"\"\n_rlnBodyStarFile None\n"
    )
    pairs = found["general"]
    assert not pairs.loop
    assert pairs.value("rlnVoltage") == 300
    assert pairs.value("rlnImageName") == "a b"
    assert pairs.value("rlnComment") == ""
    assert pairs.value("rlnBodyStarFile") == "None"


def test_several_tables_and_comments_behind_loops() -> None:
    text = LOOP.format(name="a") + "m 1\n# a remark\n\n# version 30001\n\n" + LOOP.format(name="b") + "n 2\n"
    found = read(text)
    assert found["a"]["rlnMicrographName"].tolist() == ["m"]
    assert found["b"]["rlnMicrographName"].tolist() == ["n"]


def test_empty_tables_stay() -> None:
    found = read("data_a\n\nloop_\n_rlnDefocusU #1\n\ndata_b\n\ndata_c\n\n_rlnVoltage 300\n")
    assert [len(found[name]) for name in "abc"] == [0, 0, 1]
    assert found["a"].labels == ("rlnDefocusU",)


def test_blank_lines_inside_a_loop_are_passed_over() -> None:
    assert len(read(LOOP.format(name="") + "a 1\n\n   \nb 2\n")[""]) == 2


def test_values_that_look_like_headings() -> None:
    found = read(LOOP.format(name="") + "data_01.mrc 1\nloop_2.mrc 2\n_x.mrc 3\nplain.mrc 4\n")[""]
    assert found["rlnMicrographName"].tolist() == ["data_01.mrc", "loop_2.mrc", "_x.mrc", "plain.mrc"]


def test_one_column_loops_end_at_the_next_block() -> None:
    found = read("data_a\nloop_\n_rlnMicrographName\nm1\nm2\ndata_b\n_rlnVoltage 200\n")
    assert found["a"]["rlnMicrographName"].tolist() == ["m1", "m2"]
    assert found["b"].value("rlnVoltage") == 200


def test_windows_line_ends(tmp_path: Path) -> None:
    (tmp_path / "x.star").write_bytes(b"data_mtf\r\nloop_\r\n_rlnMtfValue\r\n0.5\r\n0.25\r\n")
    assert read_table(tmp_path / "x.star")["rlnMtfValue"].tolist() == [0.5, 0.25]


def test_tokens_follow_relion() -> None:
    assert tokens("a 'b c' \"\" d#e # rest") == ["a", "b c", "", "d#e"]
    assert tokens('don\'t "b \'c" \'x "y\' ""c""') == ["don't", "b 'c", 'x "y', '"c"']
    with pytest.raises(ValueError, match="not closed"):
        tokens('a "b c')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a 1\nb\n", r"x.star, line 7: found 1 values; expected 2.*Put values"),
        ("a 1\nb", r"line 7: .*cut off"),
        ("a 1\nb far\n", r"line 7: _rlnDefocusU is 'far'; expected a value of type float"),
        ("a 1\n'b 2\n", r"line 7: the quote"),
    ],
)
def test_errors_name_file_and_line(body: str, message: str) -> None:
    with pytest.raises(StarError, match=message):
        read(LOOP.format(name="") + body)


def test_text_that_is_no_star_file(tmp_path: Path) -> None:
    (tmp_path / "x.star").write_text("Dear diary,\nnothing\n")
    with pytest.raises(StarError, match="line 1: found 'Dear diary,'"):
        read_star(tmp_path / "x.star")
    (tmp_path / "b.star").write_bytes(b"\x93\x00\x00\x01data_")
    with pytest.raises(StarError, match="binary"):
        read_star(tmp_path / "b.star")
    with pytest.raises(StarError, match="does not exist"):
        read_star(tmp_path / "none.star")
    with pytest.raises(StarError, match="folder"):
        read_star(tmp_path)


def test_repeated_names_get_a_number(tmp_path: Path) -> None:
    (tmp_path / "x.star").write_text("data_\n_rlnVoltage 300\nloop_\n_rlnDefocusU\n1\n2\n")
    found = read_star(tmp_path / "x.star")
    assert list(found) == ["", "#2"]
    assert [table.name for table in found.values()] == ["", ""]


def test_read_table_says_which_tables_there_are(tmp_path: Path) -> None:
    write_star(tmp_path / "x.star", [Table({"rlnDefocusU": [1]}, "a"), Table({"rlnDefocusU": [2]}, "b")])
    assert read_table(tmp_path / "x.star", "particles", "b")["rlnDefocusU"].tolist() == [2]
    with pytest.raises(StarError, match="has the tables 'a', 'b'; expected 'particles'"):
        read_table(tmp_path / "x.star", "particles")


@pytest.mark.parametrize(
    ("ending", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstandard.compress)]
)
def test_compressed_files(tmp_path: Path, ending: str, pack) -> None:
    packed = pack((LOOP.format(name="") + "a 1\n").encode())
    (tmp_path / f"x.star{ending}").write_bytes(packed)
    assert read_table(tmp_path / f"x.star{ending}")["rlnDefocusU"].tolist() == [1]
    (tmp_path / f"y.star{ending}").write_bytes(packed[: len(packed) - 12])
    with pytest.raises(StarError):
        read_star(tmp_path / f"y.star{ending}")


def test_many_rows_across_pieces(tmp_path: Path) -> None:
    count = 40_000  # more than one piece of the reader
    rng = np.random.default_rng(1)
    names = [f"{row:06d}@stack_{row % 7}.mrcs" for row in range(count)]
    names[12_345] = "with blank.mrcs"
    made = Table(
        {"rlnImageName": names, "rlnDefocusU": rng.normal(size=count), "rlnClassNumber": np.arange(count)}, "particles"
    )
    write_star(tmp_path / "x.star", [made])
    assert read_star(tmp_path / "x.star") == {"particles": made}


def test_tables_without_rows_are_written_only_at_the_end(tmp_path: Path) -> None:
    """RELION 3.1 takes the heading of the next table for a row of a table that has none."""
    empty, full = Table({"rlnDefocusU": []}, "empty"), Table({"rlnDefocusU": [1]}, "full")
    write_star(tmp_path / "x.star", [empty, full])
    assert list(read_star(tmp_path / "x.star")) == ["full"]
    write_star(tmp_path / "x.star", [full, empty])
    assert read_star(tmp_path / "x.star") == {"full": full, "empty": empty}


def test_text_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    for text in ("two\nlines", "both ' and \" "):
        with pytest.raises(StarError, match="cannot be written"):
            write_star(tmp_path / "x.star", [Table({"rlnImageName": [text]})])
    assert list(tmp_path.iterdir()) == []


def test_nan_is_written_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        write_star(tmp_path / "x.star", [Table({"rlnResolution": [np.inf, np.nan]}, "fsc")])
    assert "reads as 0" in caplog.text
    assert np.isnan(read_table(tmp_path / "x.star")["rlnResolution"][1])


def test_layout_is_that_of_relion_3(tmp_path: Path) -> None:
    tables = [
        Table({"rlnVoltage": 300.0}, "general", loop=False),
        Table({"rlnImageName": ["a b"], "rlnClassNumber": [1]}, "particles"),
    ]
    write_star(tmp_path / "x.star", tables, comment=["relionlab", "--o x"])
    lines = [line.split() for line in (tmp_path / "x.star").read_text().splitlines() if line.strip()]
    assert lines == [
        ["#", "relionlab"], ["#", "--o", "x"],
        ["#", "version", "30001"], ["data_general"], ["_rlnVoltage", "300.0"],
        ["#", "version", "30001"], ["data_particles"], ["loop_"], ["_rlnImageName", "#1"], ["_rlnClassNumber", "#2"], ['"a', 'b"', "1"],
    ]  # fmt: skip


_texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), include_characters=" \t"), max_size=12
)
_writable = _texts.filter(lambda text: not ("' " in text or "'\t" in text))
_floats = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_writable, _writable, _floats, st.integers(-(2**63), 2**63 - 1)), max_size=8), st.booleans())
def test_whatever_is_written_reads_back(tmp_path_factory: pytest.TempPathFactory, rows: list, loop: bool) -> None:
    path = tmp_path_factory.mktemp("star") / "x.star"
    rows = rows if loop else rows[:1] or [("", "a", 1e-300, 2)]
    labels = ("rlnImageName", "foreignLabel", "rlnDefocusU", "rlnClassNumber")
    made = Table({label: [row[place] for row in rows] for place, label in enumerate(labels)}, "particles", loop=loop)
    write_star(path, [made])
    assert read_star(path) == {"particles": made}


@pytest.mark.filterwarnings("ignore")
def test_every_shared_file_reads_and_round_trips(shared_data: Path, tmp_path: Path) -> None:
    paths = [path for path in sorted(shared_data.rglob("*")) if path.name.endswith((".star", ".star.gz"))]
    assert len(paths) > 300
    for path in paths:
        tables = read_star(path)
        assert tables or path.name.startswith("coords_suffix"), path
        for name in ("rlnMicrographName", "rlnImageName", "rlnTomoName", "rlnJobOptionValue", "rlnPipeLineNodeName"):
            for table in tables.values():
                assert name not in table or table[name].dtype == object
        write_star(tmp_path / "x.star", tables)
        kept = [table for table in tables.values() if len(table)] or list(tables.values())[-1:]
        assert [table for table in read_star(tmp_path / "x.star").values() if len(table)] == kept, path


def test_shared_job_files_keep_their_values(shared_data: Path) -> None:
    options = read_star(shared_data / "relion31_tutorial_meta/Class2D/job008/job.star")["joboptions_values"]
    values = dict(zip(options["rlnJobOptionVariable"], options["rlnJobOptionValue"], strict=True))
    assert values["fn_cont"] == ""
    assert values["gpu_ids"] == "0:1:2:3"
    assert values["nr_classes"] == "50"


def test_the_starfile_library_agrees(shared_data: Path) -> None:
    starfile = pytest.importorskip("starfile")
    path = shared_data / "betagal/particles.star"
    theirs, ours = starfile.read(path), read_star(path)
    for name in ("optics", "particles"):
        assert list(theirs[name].columns) == list(ours[name].labels)
        for label in ours[name]:
            if ours[name][label].dtype == np.float64:
                assert np.array_equal(theirs[name][label].to_numpy(dtype=float), ours[name][label])
