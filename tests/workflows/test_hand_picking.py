"""Picking by hand without a screen: steps and their undoing, what can be begun with, and the files."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from relionlab.errors import InputError, NodeError
from relionlab.io.coordinates import FOM, X, Y, read_coordinates, write_coordinates
from relionlab.io.images import write_image
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.project import Project
from relionlab.workflows.hand_picking import HandPicking
from relionlab.workflows.hand_picking_sources import open_hand_picking
from relionlab.workflows.hand_picks import HandPicks


def places(picks: HandPicks) -> list[tuple[float, float]]:
    return list(zip(picks.x.tolist(), picks.y.tolist(), strict=True))


# --- steps --------------------------------------------------------------------------------------------------------


def test_every_step_can_be_undone_and_done_again():
    picks = HandPicks()
    picks.add(1, 2)
    picks.add(3, 4)
    picks.move((1, 2), (10, 20))
    picks.remove(3, 4)
    assert places(picks) == [(10, 20)]
    states = []
    while picks.can_undo:
        picks.undo()
        states.append(places(picks))
    assert states == [[(10, 20), (3, 4)], [(1, 2), (3, 4)], [(1, 2)], []]
    while picks.can_redo:
        picks.redo()
    assert places(picks) == [(10, 20)]
    picks.undo()
    picks.add(7, 7)
    assert not picks.can_redo  # another way was taken


def test_a_sweep_is_undone_at_once():
    picks = HandPicks()
    for x in range(6):
        picks.add(x, 0)
    for x in range(1, 5):
        picks.remove(x, 0, stroke="sweep 1")
    picks.remove(5, 0, stroke="sweep 2")
    picks.undo()
    assert places(picks) == [(0, 0), (5, 0)]
    picks.undo()
    assert len(picks) == 6


def test_steps_on_picks_that_are_gone_do_nothing():
    picks = HandPicks()
    picks.add(1, 1)
    assert not picks.remove(2, 2)
    assert not picks.move((2, 2), (3, 3))
    picks.undo()
    assert len(picks) == 0
    assert not picks.undo()


def test_columns_are_kept_and_new_picks_are_marked_as_relion_marks_them(tmp_path):
    table = Table({X: [5.0, 6.0], Y: [7.0, 8.0], FOM: [0.5, 0.25], "rlnImageName": ["a", "b"]})
    picks = HandPicks(table)
    picks.add(1, 2)
    picks.remove(5, 7)
    picks.write(tmp_path / "a.star")
    found = read_coordinates(tmp_path / "a.star")
    assert found[X].tolist() == [6.0, 1.0]
    assert found[FOM].tolist() == [0.25, -999.0]
    assert found["rlnImageName"].tolist() == ["b", "None"]
    assert np.isnan(picks.values(FOM)[1])
    assert picks.values("rlnImageName") is None


def test_ends_of_filaments_go_together_and_half_a_filament_is_not_written(tmp_path):
    picks = HandPicks(filaments=True)
    for x in range(5):
        picks.add(x, 0)
    picks.remove(3, 0)
    assert places(picks) == [(0, 0), (1, 0), (4, 0)]
    picks.write(tmp_path / "a.star")
    assert read_coordinates(tmp_path / "a.star")[X].tolist() == [0, 1]
    picks.undo()
    picks.remove(4, 0)  # it has no other end yet
    assert places(picks) == [(0, 0), (1, 0), (2, 0), (3, 0)]


# --- files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Three micrographs, and nothing else."""
    rng = np.random.default_rng(1)
    for name in ("mic2", "mic1", "mic10"):
        write_image(tmp_path / f"{name}.mrc", rng.normal(size=(64, 96)).astype(np.float32), pixel_size=3.0)
    return tmp_path


def test_a_folder_of_micrographs_is_enough(folder):
    picking = open_hand_picking(folder)
    assert picking.names == ["mic1.mrc", "mic10.mrc", "mic2.mrc"]
    picking.add("mic10.mrc", 12.5, 30.25)
    picking.drop("mic2.mrc")
    picking.close()
    found = read_coordinates(folder / "ManualPick/mic10_manualpick.star")
    assert (found[X].tolist(), found[Y].tolist()) == ([12.5], [30.25])
    kept = read_particles(folder / "ManualPick/micrographs_selected.star", kind="micrographs")
    assert kept.column("rlnMicrographName").tolist() == ["mic1.mrc", "mic10.mrc"]
    assert (folder / "ManualPick/coords_suffix_manualpick.star").exists()
    again = open_hand_picking(folder / "*.mrc")
    again.count_all().join(20)
    assert (again.total, again.kept) == (1, ["mic1.mrc", "mic10.mrc"])
    again.close()


def test_nothing_to_pick_from_is_said(tmp_path):
    with pytest.raises(NodeError, match="means no micrographs"):
        open_hand_picking(tmp_path)


def test_the_last_pick_that_goes_takes_the_file_with_it(folder):
    picking = open_hand_picking(folder)
    picking.add("mic1.mrc", 1, 1)
    picking.save()
    assert picking.coordinate_path("mic1.mrc").exists()
    picking.undo("mic1.mrc")
    picking.close()
    assert not picking.coordinate_path("mic1.mrc").exists()


def test_saving_happens_by_itself(folder):
    picking = open_hand_picking(folder)
    saved = threading.Event()
    picking.on_saved(lambda: saved.set() if picking.coordinate_path("mic1.mrc").exists() else None)
    picking.add("mic1.mrc", 1, 1)
    assert saved.wait(20)
    assert picking.problem == ""
    picking.close()


def test_what_cannot_be_saved_is_said_and_kept(folder):
    picking = open_hand_picking(folder)
    picking.save()
    place = picking.coordinate_path("mic1.mrc")
    place.mkdir()  # a folder in the way, as a disk that is full would be
    (place / "in the way").write_text("")
    picking.add("mic1.mrc", 4, 5)
    with pytest.raises(InputError, match="Not saved"):
        picking.save()
    assert picking.unsaved
    (place / "in the way").unlink()
    place.rmdir()
    picking.save()
    assert len(read_coordinates(place)) == 1
    assert picking.problem == ""
    picking.close()


def test_picks_that_another_program_wrote_are_read_again(folder):
    picking = open_hand_picking(folder)
    assert len(picking.picks("mic1.mrc")) == 0
    write_coordinates(picking.coordinate_path("mic1.mrc"), Table({X: [1.0, 2.0], Y: [3.0, 4.0]}))
    assert len(picking.picks("mic1.mrc")) == 2
    picking.close()


def test_settings_are_remembered(folder):
    picking = open_hand_picking(folder)
    assert picking.remembered() == {}
    picking.remember({"diameter": 180.0})
    picking.close()
    assert open_hand_picking(folder).remembered() == {"diameter": 180.0}


# --- projects -----------------------------------------------------------------------------------------------------


@pytest.fixture
def project(folder):
    """A project with a list of micrographs, and picks of another program."""
    made = Project.create(folder)
    optics = Table({"rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1], "rlnMicrographPixelSize": [3.0]}, name="optics")
    names = ["mic1.mrc", "mic2.mrc", "mic10.mrc"]
    rows = Table(
        {
            "rlnMicrographName": names,
            "rlnOpticsGroup": [1] * 3,
            "rlnDefocusU": [1e4, 2e4, 3e4],
            "rlnDefocusV": [1e4] * 3,
        }
    )
    write_particles(folder / "micrographs.star", Particles(optics, rows, "micrographs"))
    (folder / "picks").mkdir()
    write_coordinates(folder / "picks/mic1_autopick.star", Table({X: [9.0], Y: [8.0], FOM: [0.5]}))
    (folder / "picks/coords_suffix_autopick.star").write_text("micrographs.star\n")
    return made


def test_a_list_gets_a_job_which_is_gone_on_with(project):
    picking = open_hand_picking("micrographs.star", project=project)
    assert picking.folder == "ManualPick/job001/"
    assert picking.pixel_size("mic1.mrc") == 3.0
    assert picking.number("mic2.mrc", "rlnDefocusU") == 2e4
    assert np.isnan(picking.number("mic2.mrc", "rlnCtfMaxResolution"))
    picking.add("mic2.mrc", 1, 2)
    picking.drop("mic1.mrc")
    picking.close()
    assert picking.job.wait(60) == "finished"
    again = open_hand_picking("micrographs.star", project=project)
    assert again.folder == picking.folder
    assert again.kept == ["mic2.mrc", "mic10.mrc"]
    assert len(again.picks("mic2.mrc")) == 1
    assert open_hand_picking(again.job).folder == picking.folder
    again.close()


def test_a_list_in_a_project_knows_its_project(project):
    place = project.directory / "CtfFind/job009"
    place.mkdir(parents=True)
    (place / "default_pipeline.star").write_text("")  # as RELION leaves one in each job's directory
    (place / "job_pipeline.star").write_text("")
    (place / "micrographs_ctf.star").write_bytes((project.directory / "micrographs.star").read_bytes())
    picking = open_hand_picking(place / "micrographs_ctf.star")
    assert picking.directory == project.directory
    assert picking.folder == "ManualPick/job001/"
    picking.close()
    picking.job.wait(60)


def test_picks_are_copied_once_and_corrected(project):
    start = "picks/coords_suffix_autopick.star"
    picking = open_hand_picking("micrographs.star", project=project, start_with=start)
    assert places(picking.picks("mic1.mrc")) == [(9, 8)]
    picking.remove("mic1.mrc", 9, 8)
    picking.close()
    again = open_hand_picking("micrographs.star", project=project, start_with=start)
    assert again.folder == picking.folder
    assert len(again.picks("mic1.mrc")) == 0
    assert len(read_coordinates(project.directory / "picks/mic1_autopick.star")) == 1  # the original stays
    other = open_hand_picking("micrographs.star", project=project)
    assert other.folder != picking.folder  # without those picks it is another job
    for one in (again, other):
        one.close()
        one.job.wait(60)


def test_edits_from_several_threads_are_all_kept(folder):
    picking = open_hand_picking(folder)
    threads = [
        threading.Thread(target=lambda k=k: [picking.add("mic1.mrc", k, i) for i in range(50)]) for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    picking.close()
    assert len(HandPicks.read(picking.coordinate_path("mic1.mrc"))) == 200
    assert isinstance(picking, HandPicking)
