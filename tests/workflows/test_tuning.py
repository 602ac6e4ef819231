"""A student tunes an AutoPick job on a few micrographs, corrects by hand, and picks from all."""

from __future__ import annotations

import pytest

from relionlab.engine.picking import Edits
from relionlab.errors import InputError, ParameterError
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.star.redo import redo_micrographs
from relionlab.project import Project
from relionlab.workflows.tuning import tune
from tests.jobs.test_autopick import folder, hits  # noqa: F401 - a fixture

FORM = {
    "fn_input_autopick": "mics.star",
    "fn_refs_autopick": "refs.mrcs",
    "angpix_ref": 4,
    "particle_diameter": 150,
    "psi_sampling_autopick": 30,
    "do_ctf_autopick": False,
    "mindist_autopick": 90,
}


def test_thresholds_are_tried_on_a_job(folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    tuning = tune(Project.create(folder).add(AutoPick(threshold_autopick=9.0, **FORM)), chosen=1)
    (name,) = tuning.micrographs
    assert len(tuning.picks()[name]) == 0
    assert hits(tuning.picks(threshold_autopick=0.3)[name]) >= 15
    tuning.edit(name, Edits().add(25, 290))
    assert tuning.picks()[name].x.tolist() == [25]


@pytest.mark.full
def test_tuning_a_job_and_picking_from_all(folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    project = Project.create(folder)
    job = project.add(AutoPick(threshold_autopick=9.0, **FORM))
    tuning = tune(job, chosen=2)
    name = tuning.micrographs[0]
    assert len(tuning.micrographs) == 2
    assert len(tuning.picks()[name]) == 0
    assert hits(tuning.picks(threshold_autopick=0.3)[name]) >= 15
    tuning.edit(name, Edits().add(25, 290))
    assert tuning.edits(name) == Edits().add(25, 290)
    assert tuning.pick_all(threshold_autopick=0.3).wait(120) == "finished", job.log()
    assert job.job.threshold_autopick == 0.3
    file = job.path / "Movies/mic0_autopick.star"
    written = pick_files.read_picks(file)
    assert hits(written) >= 15
    assert (written.x[-1], written.y[-1]) == (25, 290)
    # the thresholds of a finished job, too; hand edits stay, also when its results are put aside
    assert tune(job, chosen=1).pick_all(threshold_autopick=9.0).wait(120) == "finished", job.log()
    assert pick_files.read_picks(file).x.tolist() == [25]
    assert not any("edits" in name for name in redo_micrographs(folder, job.name, ["mic0"]))
    assert job.continue_with(redo_micrographs="", threshold_autopick=0.3).wait(120) == "finished"
    assert 25 in pick_files.read_picks(file).x


def test_what_cannot_be_tuned_is_said(folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    job = Project.create(folder).add(AutoPick(**FORM))
    tuning = tune(job, chosen=["MotionCorr/job002/Movies/mic1.mrc"])
    with pytest.raises(ParameterError, match="lowpass cannot be tuned without new maps; what can: log_adjust_thr,"):
        tuning.picks(lowpass=30)
    with pytest.raises(ParameterError, match="mindist_autopick"):
        tuning.picks(mindist_autopick=-4)
    with pytest.raises(InputError, match=r"not in mics\.star"):
        tune(job, chosen=["mic9.mrc"])
    assert tuning.job(threshold_autopick=0.2).threshold_autopick == 0.2
