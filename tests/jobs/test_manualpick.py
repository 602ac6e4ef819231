"""ManualPick without a screen: the node of coordinates, the selection, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from relionlab.errors import InputError
from relionlab.io.particles import read_particles, write_particles
from relionlab.jobs.picking.manualpick import ManualPick
from relionlab.jobs.picking.manualpick_program import ManualPicking
from tests.jobs.listening import Listening
from tests.jobs.test_extraction import NAMES, mics, picks


def run(folder: Path) -> Listening:
    (command,) = ManualPick(fn_in="mics.star").commands("ManualPick/job006/")
    context = Listening(folder)
    ManualPicking.from_flags(command.arguments).run(context)
    return context


def chosen(folder: Path):
    return read_particles(folder / "ManualPick/job006/micrographs_selected.star", kind="micrographs")


def test_node_and_selection_are_made_and_kept(tmp_path: Path):
    mics(tmp_path, NAMES[:2])
    run(tmp_path)
    assert (tmp_path / "ManualPick/job006/coords_suffix_manualpick.star").read_text() == "mics.star\n"
    assert len(chosen(tmp_path)) == 2
    write_particles(tmp_path / "ManualPick/job006/micrographs_selected.star", chosen(tmp_path).rows([1]))
    mics(tmp_path, NAMES)  # a new micrograph came in; the one that was taken out stays out
    picks(tmp_path, NAMES[1]).replace(_place(tmp_path, "mic1"))
    context = run(tmp_path)
    assert chosen(tmp_path).particles["rlnMicrographName"].tolist() == NAMES[1:]
    assert any("4 particles are picked on 1 of 2" in line for line in context.said)


def test_picks_that_cannot_be_read_are_told(tmp_path: Path):
    mics(tmp_path)
    _place(tmp_path, "mic0").write_text("data_\nloop_\n_rlnImageName\nx\n")
    assert any("mic0" in line and "rlnCoordinateX" in line for line in run(tmp_path).warned)


def test_an_empty_list_is_refused(tmp_path: Path):
    mics(tmp_path, [])
    with pytest.raises(InputError, match="no micrographs"):
        run(tmp_path)


def _place(folder: Path, stem: str) -> Path:
    place = folder / f"ManualPick/job006/Movies/{stem}_manualpick.star"
    place.parent.mkdir(parents=True, exist_ok=True)
    return place
