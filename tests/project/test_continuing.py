"""What a continued job takes over from the one before."""

from __future__ import annotations

from pathlib import Path

import pytest

from relionlab.errors import ParameterError
from relionlab.jobs import CtfFind
from relionlab.project.continuing import continued_job


def test_what_was_wanted_once_is_forgotten_when_it_is_done(tmp_path: Path):
    job = CtfFind(input_star_mics="micrographs.star", redo_micrographs="mic7", nr_mpi=2)
    goes_on = {"directory": tmp_path / "CtfFind/job003", "project": tmp_path}
    interrupted, _ = continued_job(job, **goes_on, changes={})
    finished, _ = continued_job(job, **goes_on, changes={}, finished=True)
    other, _ = continued_job(job, **goes_on, changes={"redo_micrographs": "mic9"}, finished=True)
    assert [one.redo_micrographs for one in (interrupted, finished, other)] == ["mic7", "", "mic9"]
    assert finished.nr_mpi == 2


def test_only_what_may_change_changes(tmp_path: Path):
    job = CtfFind(input_star_mics="micrographs.star")
    with pytest.raises(ParameterError, match="redo_micrographs"):
        continued_job(job, tmp_path / "CtfFind/job003", project=tmp_path, changes={"resmax": 4.0})
