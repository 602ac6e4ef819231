"""Values kept under a name: the user's, the project's, and those that RELION's interface saves."""

from __future__ import annotations

import subprocess

import pytest

from relionlab.errors import ParameterError
from relionlab.jobs import Class2D, Import, PostProcess, Refine3D
from relionlab.jobs.job_star import write_job
from relionlab.project.presets import kept, presets, relion_file, save_preset


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """The user's presets lie in a folder of the test."""
    monkeypatch.setenv("RELIONLAB_PRESET_FOLDER", str(tmp_path / "presets"))
    return tmp_path / "presets"


def test_preset_keeps_values_and_leaves_inputs(project):
    save_preset(Class2D(fn_img="mine.star", nr_classes=50, fn_cont="x_optimiser.star"), "many classes")
    [preset] = presets(Class2D, project)
    assert (preset.name, preset.owner) == ("many classes", "user")
    loaded = preset.job(Class2D(fn_img="other.star", particle_diameter=99))
    assert loaded == Class2D(fn_img="other.star", nr_classes=50)
    assert "fn_cont" not in kept(Class2D)


def test_presets_belong_to_their_job_type_and_owner(project, own_folder):
    save_preset(Class2D(nr_classes=5), "few", project=project)
    save_preset(Import(angpix=0.9), "our microscope")
    assert [(one.name, one.owner) for one in presets(Class2D, project)] == [("few", "project")]
    assert [(one.name, one.owner) for one in presets(Import, project)] == [("our microscope", "user")]
    assert presets(Class2D) == []
    assert (project.directory / ".relionlab/presets/Class2D/few.json").exists()


def test_preset_of_the_same_name_is_replaced_and_can_be_deleted(project):
    save_preset(Class2D(nr_classes=5), "mine")
    save_preset(Class2D(nr_classes=6), "mine")
    [preset] = presets(Class2D)
    assert preset.job(Class2D()).nr_classes == 6
    preset.delete()
    assert presets(Class2D) == []


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 80])
def test_names_that_cannot_be_files_are_refused(name):
    with pytest.raises(ParameterError, match="cannot name a preset"):
        save_preset(Class2D(), name)


def test_damaged_preset_is_said(own_folder):
    save_preset(Class2D(), "mine").path.write_text("{")
    with pytest.raises(ParameterError, match=r"mine\.json"):
        presets(Class2D)[0].job(Class2D())


def test_a_job_of_another_type_in_its_place_is_said(own_folder):
    first, second = save_preset(Class2D(), "mine"), save_preset(PostProcess(), "mine")
    first.path.write_text(second.path.read_text())
    with pytest.raises(ParameterError, match="holds no values of Class2D"):
        presets(Class2D)[0].job(Class2D())


def test_settings_that_relion_saved_are_offered(project):
    write_job(project.directory / ".gui_auto3djob.star", Refine3D(fn_img="relions.star", ini_high=30.0))
    [preset] = presets(Refine3D, project)
    assert preset.owner == "RELION"
    loaded = preset.job(Refine3D(fn_img="mine.star"))
    assert (loaded.fn_img, loaded.ini_high) == ("mine.star", 30.0)
    with pytest.raises(ParameterError, match="RELION's own"):
        preset.delete()


@pytest.mark.relion
@pytest.mark.parametrize(
    "job",
    [
        Class2D(fn_img="p.star"),
        Refine3D(fn_img="p.star", fn_ref="m.mrc"),
        PostProcess(fn_in="run_half1_class001_unfil.mrc", fn_mask="m.mrc"),
    ],
)
def test_relion_itself_saves_settings_under_these_names(project, relion, job, tmp_path):
    """RELION's pipeliner leaves the settings of a job that it adds where its interface finds them."""
    write_job(tmp_path / "job.star", job)
    command = [relion / "relion_pipeliner", "--addJobFromStar", tmp_path / "job.star"]
    subprocess.run(command, cwd=project.directory, capture_output=True, timeout=60)
    assert (project.directory / relion_file(type(job))).exists()
    assert [one.owner for one in presets(type(job), project)] == ["RELION"]
