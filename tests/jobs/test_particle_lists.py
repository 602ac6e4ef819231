"""Lists of particles: optics groups assigned anew, sets by identity, joined lists, bad micrographs left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import InputError, StarError
from relionlab.exchange.epu import group_of_name, groups_of_shifts, read_beam_shift
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.importing.program import ImportFiles
from relionlab.jobs.selecting.select import Select
from relionlab.jobs.star.handler import StarHandler
from relionlab.jobs.star.joinstar import JoinStar
from relionlab.jobs.star.list_file import StarList, read_list
from relionlab.jobs.star.optics_groups import OpticsGroups, assign_optics_groups
from relionlab.jobs.star.particle_sets import ParticleSets, match_particles
from relionlab.jobs.star.redo import Redo, redo_micrographs
from tests.io.eer_files import write_eer
from tests.jobs.small_files import optics, particle_rows

EPU = "FoilHole_24015511_Data_24016401_24016403_20200225_0001_Fractions.mrc"


def do(context, program, flags: str):
    program.from_flags(flags.split()).run(context)


# --- optics groups -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rule", "group"),
    [
        (EPU, "epu", "area24016401"),
        (f"Movies/{EPU}", "epu-hole", "hole24015511"),
        (EPU, "epu-date", "date20200225"),
        ("grid1_X+1Y-1-2_00012.tif", "serialem", "X+1Y-1"),
        ("grid1_X+1Y-1-2_00012.tif", "serialem-shot", "X+1Y-1-2"),
        ("s3_mic0004.tif", r"(s\d)_", "s3"),
    ],
)
def test_groups_of_file_names(name: str, rule: str, group: str):
    assert group_of_name(name, rule) == group


def test_names_that_follow_no_rule():
    with pytest.raises(InputError, match=r"mic1.mrc does not follow"):
        group_of_name("mic1.mrc", "epu")
    with pytest.raises(InputError, match="neither one of"):
        group_of_name("mic1.mrc", "(")


def test_beam_shifts_make_groups(tmp_path: Path):
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [0.02, 0.0], [0.0, 0.02]])
    truth = np.repeat([0, 1, 2, 1], 10)
    found = groups_of_shifts(centres[truth] + rng.normal(0, 2e-4, (40, 2)))
    assert len(set(found.tolist())) == 3
    assert all(len(set(found[truth == group].tolist())) == 1 for group in range(3))
    (tmp_path / "a.xml").write_text(
        '<MicroscopeImage xmlns="http://x" xmlns:a="http://y"><optics><BeamShift><a:_x>0.5</a:_x><a:_y>-0.25</a:_y></BeamShift></optics>'
        "</MicroscopeImage>"
    )
    assert read_beam_shift(tmp_path / "a.xml") == (0.5, -0.25)
    (tmp_path / "b.xml").write_text("<a/>")
    with pytest.raises(InputError, match="no BeamShift"):
        read_beam_shift(tmp_path / "b.xml")


def epu_movies(here: Path, count: int = 12) -> list[str]:
    """Movies with EPU's .xml beside them, in three beam shifts by turns."""
    from relionlab.io.images import write_stack

    rng, names = np.random.default_rng(2), []
    for number in range(count):
        stem = f"Movies/FoilHole_{100 + number}_Data_1_2_20200225_{number:04d}"
        x, y = np.array([[0.0, 0.0], [0.02, 0.0], [0.0, 0.02]])[number % 3] + rng.normal(0, 2e-4, 2)
        write_stack(here / f"{stem}_Fractions.mrcs", np.zeros((2, 16, 16), np.float32), pixel_size=1.5)
        (here / f"{stem}.xml").write_text(f"<M><BeamShift><_x>{x:.6f}</_x><_y>{y:.6f}</_y></BeamShift></M>")
        names.append(f"{stem}_Fractions.mrcs")
    return names


def test_beam_shifts_tell_the_groups_at_import_and_later(here: Path, context):
    (here / "Movies").mkdir()
    names = epu_movies(here)
    do(
        context,
        ImportFiles,
        "--i Movies/*.mrcs --do_movies --odir I/ --ofile m.star --angpix 1.5 --optics_group_rule epu-beamshift",
    )
    made = read_star(here / "I/m.star")
    assert made["optics"]["rlnOpticsGroupName"].tolist() == [f"opticsGroup1_shift{n}" for n in (1, 2, 3)]
    assert made["movies"]["rlnOpticsGroup"].tolist() == [number % 3 + 1 for number in range(len(names))]
    micrographs = [f"MotionCorr/job002/{name.removesuffix('s')}" for name in names]
    write_star(
        here / "mics.star",
        [optics(), Table({"rlnMicrographName": micrographs, "rlnOpticsGroup": [1] * len(names)}, name="micrographs")],
    )
    do(context, OpticsGroups, "--i mics.star --rule epu-beamshift --o out.star")
    assert read_list(here / "out.star").rows["rlnOpticsGroup"].tolist() == made["movies"]["rlnOpticsGroup"].tolist()
    (here / "Movies/FoilHole_103_Data_1_2_20200225_0003.xml").unlink()
    with pytest.raises(InputError, match=r"has no FoilHole_103_.*0003\.xml in .*Movies: the rule epu-beamshift"):
        do(context, OpticsGroups, "--i mics.star --rule epu-beamshift --o out.star")


def test_a_two_column_list_at_any_step(particles, context, here: Path):
    pairs = {
        "rlnMicrographMovieName": ["raw/mic0.tif", "raw/mic1_movie.mrcs", "raw/mic2.tif"],
        "rlnOpticsGroupName": ["a", "b", "a"],
    }
    write_star(here / "groups.star", [Table(pairs)])
    do(context, OpticsGroups, "--i particles.star --groups groups.star --o out.star")
    made = read_list(here / "out.star")
    assert made.optics["rlnOpticsGroupName"].tolist() == ["a", "b"]
    assert made.optics["rlnVoltage"].tolist() == [300.0, 300.0]
    expected = [2 if name == "mic1.mrc" else 1 for name in made.rows["rlnMicrographName"]]
    assert made.rows["rlnOpticsGroup"].tolist() == expected


def test_movies_that_are_not_listed(particles, context, here: Path):
    write_star(here / "groups.star", [Table({"rlnMicrographName": ["mic0.mrc"], "rlnOpticsGroup": [3]})])
    with pytest.raises(StarError, match=r"2 of 3 movies, as mic1.mrc"):
        do(context, OpticsGroups, "--i particles.star --groups groups.star --o out.star")


def test_different_optics_stay_apart():
    two = Table.concatenate([optics("old1"), optics("old2", rlnOpticsGroup=[2], rlnVoltage=[200.0])])
    rows = particle_rows(6).with_columns(rlnOpticsGroup=[1, 1, 1, 2, 2, 2])
    made = assign_optics_groups(StarList(rows, two), ["a", "a", "b", "a", "b", "b"])
    assert made.optics["rlnOpticsGroupName"].tolist() == ["a_old1", "b_old1", "a_old2", "b_old2"]
    assert made.optics["rlnVoltage"].tolist() == [300, 300, 200, 200]


# --- sets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "count"), [("union", 40), ("intersection", 20), ("difference", 10), ("symmetric_difference", 20)]
)
def test_sets_by_place(particles, context, here: Path, operation: str, count: int):
    whole = read_list(particles)
    first, second = whole.rows.rows(slice(0, 30)), whole.rows.rows(slice(10, 40))
    other_names = [f"MotionCorr/job007/{name}" for name in second["rlnMicrographName"].tolist()]
    second = second.with_columns(rlnMicrographName=other_names, rlnImageName=[f"{n + 1}@b.mrcs" for n in range(30)])
    whole.with_rows(first).write(here / "a.star")
    whole.with_rows(second).write(here / "b.star")
    do(context, ParticleSets, f"--i a.star --with b.star --operation {operation} --o out.star")
    assert len(read_list(here / "out.star").rows) == count


def test_identity_with_a_tolerance_is_one_to_one():
    rows = particle_rows(2).with_columns(
        rlnMicrographName=["m.mrc"] * 2, rlnCoordinateX=[100.0, 104.0], rlnCoordinateY=[50.0, 50.0],
        rlnOriginXAngst=[0.0, 0.0], rlnOriginYAngst=[0.0, 0.0],
    )  # fmt: skip
    moved = rows.with_columns(rlnCoordinateX=[110.0, 103.0], rlnOriginXAngst=[20.0, 0.0])
    ours, theirs = match_particles(StarList(rows, optics()), StarList(moved, optics()), tolerance=9.0)
    assert dict(zip(ours.tolist(), theirs.tolist(), strict=True)) == {0: 0, 1: 1}


def test_sets_need_places(particles, context, here: Path):
    data = read_list(particles)
    data.with_rows(data.rows.without("rlnCoordinateX")).write(here / "b.star")
    with pytest.raises(StarError, match="no column rlnCoordinateX"):
        do(context, ParticleSets, "--i particles.star --with b.star --o out.star")


# --- joined and cleaned lists ------------------------------------------------------------------------------------


def test_join_tells_duplicates_and_merges_groups(particles, context, here: Path, capsys):
    data = read_list(particles)
    named = data.rows.with_columns(rlnImageName=[f"{n + 1:06d}@b.mrcs" for n in range(len(data.rows))])
    other = named.with_columns(rlnImageName=[*data.rows["rlnImageName"][:2], *named["rlnImageName"][2:]])
    StarList(other, optics("session2", rlnVoltage=[200.0])).write(here / "b.star")
    job = JoinStar(do_part=True, fn_part1="particles.star", fn_part2="b.star")
    job.check()
    (command,) = job.commands("JoinStar/job005/")
    StarHandler.from_flags(command.arguments).run(context)
    joined = read_list(here / "JoinStar/job005/join_particles.star")
    assert joined.optics["rlnOpticsGroupName"].tolist() == ["opticsGroup1", "session2"]
    assert np.bincount(joined.rows["rlnOpticsGroup"]).tolist() == [0, 40, 40]
    assert "Total number of duplicate rlnImageName entries: 2" in capsys.readouterr().err
    assert "given twice" in " ".join(job.changed(fn_part2="particles.star").problems())
    assert "one kind" in " ".join(JoinStar().problems())


def test_bad_micrographs_are_left_out_by_rule(context, here: Path):
    rows = Table(
        {"rlnMicrographName": ["a.mrc", "b.mrc"], "rlnOpticsGroup": [1, 1], "rlnCtfMaxResolution": [4.0, 9.0]},
        "micrographs",
    )
    StarList(rows, optics()).write(here / "mics.star")
    job = Select(fn_mic="mics.star", do_select_values=True, select_label="rlnCtfMaxResolution", select_maxval=6)
    (command,) = job.commands("Select/job004/")
    StarHandler.from_flags(command.arguments).run(context)
    assert read_list(here / "Select/job004/micrographs.star").rows["rlnMicrographName"].tolist() == ["a.mrc"]


# --- redo --------------------------------------------------------------------------------------------------------


def test_only_the_chosen_micrographs_files_go(context, here: Path):
    folder = here / "Extract/job004"
    names = ["Movies/mic1", "Movies/mic1_2", "Movies/mic10"]
    for root in names:
        for ending in (".mrcs", "_extract.star"):
            (folder / f"{root}{ending}").parent.mkdir(parents=True, exist_ok=True)
            (folder / f"{root}{ending}").write_text("x")
    table = {"rlnMicrographName": [f"MotionCorr/job002/{root}.mrc" for root in names]}
    write_star(folder / "particles.star", [Table(table, "particles")])
    do(context, Redo, "--job Extract/job004/ --micrographs MotionCorr/job002/Movies/mic1.mrc")
    left = {path.name for path in (folder / "Movies").iterdir()}
    assert left == {"mic1_2.mrcs", "mic1_2_extract.star", "mic10.mrcs", "mic10_extract.star"}
    assert (here / "Trash/Extract/job004/Movies/mic1.mrcs").exists()
    assert redo_micrographs(here, "Extract/job004/", ["mic10"]) == [
        "Extract/job004/Movies/mic10.mrcs", "Extract/job004/Movies/mic10_extract.star",
    ]  # fmt: skip
    with pytest.raises(InputError, match="no files of mic7"):
        redo_micrographs(here, "Extract/job004/", ["mic7"])


def test_import_groups_by_name(context, here: Path):
    from relionlab.jobs.importing.program import ImportFiles

    for area in (1, 2):
        write_eer(here / f"FoilHole_5_Data_{area}_9_20200225_0001.eer", [np.array([[17, 0, 0]])], (32, 32))
    flags = (
        "--do_movies --i *.eer --odir Import/job001/ --ofile movies.star --optics_group_name s1 --optics_group_rule epu"
    )
    do(context, ImportFiles, flags)
    tables = read_star(here / "Import/job001/movies.star")
    assert tables["optics"]["rlnOpticsGroupName"].tolist() == ["s1_area1", "s1_area2"]
    assert tables["movies"]["rlnOpticsGroup"].tolist() == [1, 2]
