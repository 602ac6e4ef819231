"""star_handler, import and the small STAR scripts beside RELION's own, on the same files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.cli import main
from relionlab.io.images import write_map, write_stack
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from tests.jobs.small_files import BOX, PIXEL_SIZE, optics, particle_rows

pytestmark = pytest.mark.relion


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two overlapping lists of the same particles, with a stack, in the working directory."""
    monkeypatch.chdir(tmp_path)
    rows = particle_rows(60)
    write_star("p.star", [optics(), rows])
    write_star("q.star", [optics("second"), rows.rows(np.arange(20, 60))])
    images = np.random.default_rng(5).normal(size=(60, BOX, BOX)).astype(np.float32)
    images[7] *= 20
    images[9] += 30
    write_stack("stack.mrcs", images, pixel_size=PIXEL_SIZE)
    for folder in ("relion", "ours"):
        (tmp_path / folder).mkdir()
    return tmp_path


def both(program: str, arguments: list[str]) -> None:
    """Run RELION's program and ours; OUT stands for the folder of each."""
    theirs = [f"relion_{program}", *[word.replace("OUT", "relion") for word in arguments]]
    subprocess.run(theirs, capture_output=True, text=True, timeout=60, check=False)
    assert main([program, *[word.replace("OUT", "ours") for word in arguments]]) == 0


def assert_same(name: str) -> None:
    """Compare the two files: tables, labels and their order, and values to RELION's six digits."""
    theirs, ours = read_star(f"relion/{name}"), read_star(f"ours/{name}")
    assert list(theirs) == list(ours)
    for key, table in theirs.items():
        assert table.labels == ours[key].labels
        for label in table.labels:
            if table[label].dtype.kind == "f":
                np.testing.assert_allclose(ours[key][label], table[label], rtol=1e-6, atol=2e-5, err_msg=label)
            else:
                assert ours[key][label].tolist() == table[label].tolist(), label


CASES = {
    "select": "--i p.star --select rlnDefocusU --minval 9000 --maxval 12000",
    "select_include": "--i p.star --select_by_str rlnMicrographName --select_include mic1",
    "select_exclude": "--i p.star --select_by_str rlnMicrographName --select_exclude mic1",
    "combine": "--i|p.star q.star|--combine",
    "operate_two": "--i p.star --operate rlnDefocusU --operate2 rlnDefocusV --multiply_by 2 --add_to 5",
    "operate_text": "--i p.star --operate rlnMicrographName --set_to abc",
    "operate_whole": "--i p.star --operate rlnClassNumber --multiply_by 1.5",
    "center": "--i p.star --center --center_X 3 --center_Y -2 --center_Z 1",
    "remove_column": "--i p.star --remove_column rlnClassNumber",
    "add_column": "--i p.star --add_column rlnHelicalTubeID --add_column_value 4",
    "copy_column": "--i p.star --add_column rlnAngleRotPrior --copy_column_from rlnAngleRot",
    "duplicates": "--i p.star --remove_duplicates 400 --image_angpix 1.0",
    "duplicates_own_scale": "--i p.star --remove_duplicates 600",
    "discard": "--i p.star --discard_on_stats --discard_sigma 3",
}


@pytest.mark.parametrize("case", CASES)
def test_star_handler(here, relion, case):
    text = CASES[case]
    both("star_handler", [*(text.split("|") if "|" in text else text.split()), "--o", "OUT/x.star"])
    assert_same("x.star")
    if case.startswith("duplicates"):
        assert_same("x_removed.star")
        assert 0 < len(read_star("ours/x.star")["particles"]) < 60


@pytest.mark.parametrize(
    ("how", "parts"), [("--nr_split 3", 3), ("--size_split 25", 3), ("--nr_split 2 --size_split 25", 2)]
)
def test_split(here, relion, how, parts):
    both("star_handler", ["--i", "p.star", "--o", "OUT/x.star", "--split", *how.split()])
    for part in range(1, parts + 1):
        assert_same(f"x_split{part}.star")
    assert not (here / f"ours/x_split{parts + 1}.star").exists()


@pytest.mark.parametrize(
    "how",
    [
        "--label1 rlnImageName",
        "--label1 rlnClassNumber",
        "--label1 rlnCoordinateX --max_dist 10",
        "--label1 rlnCoordinateX --label2 rlnCoordinateY --max_dist 150",
    ],
)
def test_compare(here, relion, how):
    both("star_handler", ["--i", "p.star", "--o", "OUT/x.star", "--compare", "q.star", *how.split()])
    for suffix in ("both", "only1", "only2"):
        if "particles" in read_star(f"relion/x_{suffix}.star"):  # RELION leaves out an empty table
            assert_same(f"x_{suffix}.star")
        else:
            assert len(read_star(f"ours/x_{suffix}.star")["particles"]) == 0


@pytest.mark.parametrize(
    "how",
    [
        "--do_movies --i|Movies/*.mrcs|--ofile movies.star --optics_group_name og1 --angpix 1.5 --kV 200 --Cs 1.4",
        "--do_micrographs --i|Mics/*.mrc|--ofile mics.star --angpix 1.5 --optics_group_mtf mtf.star --beamtilt_x 0.3",
        "--do_particles --i p.star --ofile p.star --particles_optics_group_name renamed",
    ],
)
def test_import_lists(here, relion, how):
    for folder, suffix in (("Movies", ".mrcs"), ("Mics", ".mrc")):
        (here / folder).mkdir()
        for number in range(3):
            image = np.zeros((1, BOX, BOX), dtype=np.float32)
            write_stack(here / folder / f"m{number}{suffix}", image, pixel_size=1.5)
    write_star("mtf.star", [Table({"rlnResolutionInversePixel": [0.0, 0.5], "rlnMtfValue": [1.0, 0.3]})])
    words = [word for part in how.split("|") for word in ([part] if "*" in part else part.split())]
    both("import", [*words, "--odir", "OUT/"])
    assert_same(words[words.index("--ofile") + 1])


def test_import_files(here, relion):
    for half in (1, 2):
        volume = np.random.default_rng(half).normal(size=(8, 8, 8)).astype(np.float32)
        write_map(here / f"run_half{half}_class001_unfil.mrc", volume, pixel_size=PIXEL_SIZE)
    name = "run_half1_class001_unfil.mrc"
    both("import", ["--do_halfmaps", "--i", name, "--odir", "OUT/", "--ofile", name])
    (here / "ref.mrc").write_bytes((here / name).read_bytes())
    both("import", ["--do_other", "--i", "ref.mrc", "--odir", "OUT/", "--ofile", "ref.mrc"])
    (here / "Mics").mkdir()
    for number in range(2):
        (here / f"Mics/m{number}_pick.star").write_text("data_\n\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n3 4\n")
    both(
        "import",
        ["--do_coordinates", "--i", "Mics/*_pick.star", "--odir", "OUT/", "--ofile", "coords_suffix_pick.star"],
    )
    files = [
        sorted(str(p.relative_to(here / w)) for p in (here / w).rglob("*") if p.is_file()) for w in ("relion", "ours")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 6
    for file in files[0]:
        assert (here / "relion" / file).read_bytes() == (here / "ours" / file).read_bytes(), file


@pytest.mark.parametrize(
    "words",
    [
        ["loopheader", "rlnImageName", "rlnDefocusU"],
        ["datablock_stack", "12", "a.mrcs", "10000", "2"],
        ["datablock_singlefiles", "*.star", "10000"],
        ["printtable", "p.star", "data_particles"],
        ["printtable", "p.star", "data_particles", "rlnDefocusU", "rlnImageName"],
        ["printtable", "p.star", "data_optics"],
    ],
)
def test_small_commands(here, relion, capsys, words):
    name, *rest = words
    theirs = subprocess.run([f"relion_star_{name}", *rest], capture_output=True, text=True, timeout=60, check=False)
    capsys.readouterr()
    assert main([f"star_{name}", *rest]) == 0
    assert capsys.readouterr().out == theirs.stdout


def test_relion_reads_what_select_writes(here, relion):
    """RELION's own star_handler takes our selection as input, optics and all."""
    assert main(["class_selection", "--i", "p.star", "--o", "ours/chosen.star", "--classes", "1-10"]) == 0
    call = [
        "relion_star_handler",
        "--i",
        "ours/chosen.star",
        "--o",
        "relion/x.star",
        "--select",
        "rlnClassNumber",
        "--minval",
        "2",
    ]
    subprocess.run(call, capture_output=True, timeout=60, check=True)
    assert 0 < len(read_star("relion/x.star")["particles"]) < 10
