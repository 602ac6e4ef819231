"""A student tunes an AutoPick job on a few micrographs, corrects by hand, and picks from all."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.picking import Edits
from relionlab.errors import InputError, ParameterError
from relionlab.io.coordinates import X, Y, write_coordinates
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.star.redo import redo_micrographs
from relionlab.project import Project
from relionlab.workflows.known_picks import known_picks, known_sources
from relionlab.workflows.tuning import tune, tuning_job
from tests.jobs.listening import Listening
from tests.jobs.test_autopick import PLACES, folder, hits  # noqa: F401 - a fixture

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
    assert job.continue_with(threshold_autopick=0.3).wait(120) == "finished"
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


def test_the_files_hold_what_was_shown(folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    project = Project.create(folder)
    tuning = tune(project.add(AutoPick(threshold_autopick=9.0, do_write_fom_maps=True, **FORM)), chosen=0)
    assert tuning.micrographs == []
    for name in tuning.listed:
        tuning.maps.search(name, pictures=name.endswith("mic0.mrc"))
    tuning.edit(tuning.listed[1], Edits().add(25, 290).remove(60, 60, radius=10))
    settings = {"threshold_autopick": 0.27, "mindist_autopick": 95.0, "maxstddevnoise_autopick": 1.4}
    for _ in range(2):  # from new maps, then again from those that were kept
        shown = tuning.picks(**settings)
        assert sum(map(len, shown.values())) == tuning.estimate(**settings).total > 40
        program = tuning.maps.tuned(**{tuning.tunable[name]: value for name, value in settings.items()})
        program.run(Listening(folder))  # what pick_all starts in a process of its own
        for name, picks in shown.items():
            file = name.removeprefix("MotionCorr/job002/").replace(".mrc", "_autopick.star")
            written = pick_files.read_picks(tuning.directory.path / file)
            assert np.allclose(written.x, picks.x, atol=1e-5)
            assert np.allclose(written.y, picks.y, atol=1e-5)
            assert np.allclose(written.fom, picks.fom, atol=1e-5, equal_nan=True)
        settings["threshold_autopick"] = 0.45


def test_merits_tell_what_a_threshold_picks(folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    for form in (FORM, {"fn_input_autopick": "mics.star", "do_log": True, "log_diam_min": 90, "log_diam_max": 110}):
        tuning = tune(job_of(folder, form), chosen=2)
        threshold = "log_adjust_thr" if "do_log" in form else "threshold_autopick"
        assert threshold in tuning.tunable
        assert len({"log_adjust_thr", "threshold_autopick"} & set(tuning.tunable)) == 1
        for value in (-0.2, 0.3, 0.8):
            merits = tuning.merits(**{threshold: value})
            assert (
                merits.count(value)
                == int(merits.picked.sum())
                == sum(map(len, tuning.picks(**{threshold: value}).values()))
            )
        known = tuning.agreement(lambda _name: np.array(PLACES, dtype=float), **{threshold: 0.3})
        assert known.particles == 2 * len(PLACES)
        precision, recall, f1 = known.at(known.best)
        assert min(precision, recall, f1) > 0.9
        assert f1 >= known.at(0.3)[2]
        estimate = tuning.estimate(**{threshold: known.best})
        assert (estimate.searched, estimate.listed, estimate.exact) == (2, 3, False)
        assert abs(estimate.total - 3 * len(PLACES)) <= max(3 * estimate.spread, 3)


def job_of(folder, form):  # noqa: F811
    project = Project.open(folder) if (folder / "default_pipeline.star").exists() else Project.create(folder)
    return tuning_job(AutoPick(**form), project)


def test_a_form_gets_a_job_of_its_own_once(folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    project = Project.create(folder)
    job = tuning_job(AutoPick(**FORM), project)
    assert tuning_job(AutoPick(**FORM), project).name == job.name
    assert tuning_job(AutoPick(**{**FORM, "mindist_autopick": 80}), project).name != job.name


def test_limits_show_what_they_reject(folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    tuning = tune(job_of(folder, FORM), chosen=1)
    (name,) = tuning.micrographs
    stddev = tuning.maps.searched[name].stddev
    middle = float(np.median(stddev))
    rejected = tuning.rejected(name, maxstddevnoise_autopick=middle)
    assert rejected.shape == stddev.shape
    assert 0.3 < rejected.mean() < 0.7
    assert not tuning.rejected(name, maxstddevnoise_autopick=None).any()
    merits = tuning.merits(maxstddevnoise_autopick=middle)
    assert len(merits.rejected) > 0
    assert len(merits.values) < len(tuning.merits(maxstddevnoise_autopick=None).values)


@pytest.mark.full
def test_other_references_make_a_new_job_that_takes_the_edits(folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    job = job_of(folder, FORM)
    tuning = tune(job, chosen=1, lowpass=30)
    name = tuning.micrographs[0]
    tuning.edit(name, Edits().add(25, 290))
    assert tuning.pick_all(threshold_autopick=0.3).wait(120) == "finished"
    assert job.job.lowpass == 30
    other = tune(job, chosen=1, lowpass=40).pick_all(threshold_autopick=0.3)
    assert other.name != job.name
    assert other.wait(120) == "finished"
    assert tune(other, chosen=0).edits(name) == Edits().add(25, 290)


def test_known_particles_are_found(folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    job = job_of(folder, FORM)
    names = [f"MotionCorr/job002/Movies/mic{number}.mrc" for number in range(3)]
    assert known_sources(job.project, names, pixel_size=4.0) == []
    rows = Table({X: [10.0, 20.0], Y: [30.0, 40.0]})
    write_coordinates(folder / "MotionCorr/job002/Movies/mic1_manualpick.star", rows)
    particles = Table({X: [8.0], Y: [4.0], "rlnMicrographName": ["mic2.tif"], "rlnOpticsGroup": [1]}, name="particles")
    optics = Table(
        {"rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [2.0], "rlnImagePixelSize": [2.0]}, name="optics"
    )
    (folder / "Simulated/truth").mkdir(parents=True)
    write_star(folder / "Simulated/truth/particles.star", [optics, particles])
    truth, beside = known_sources(job.project, names, pixel_size=4.0)
    assert truth.of(names[2]).tolist() == [[4.0, 2.0]]
    assert truth.of(names[0]) is None
    assert beside.of(names[1]).tolist() == [[10.0, 30.0], [20.0, 40.0]]
    assert beside.label == "*_manualpick.star beside the micrographs"
    with pytest.raises(InputError, match=r"none\.star does not exist"):
        known_picks(folder / "none.star", project=folder)
