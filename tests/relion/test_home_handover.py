"""RELION goes on after the home page has been at work in its project."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from relionlab.jobs import Import
from relionlab.project import Project
from relionlab.widgets.home import Home

pytestmark = pytest.mark.relion


@pytest.fixture
def copied(shared_data: Path, tmp_path: Path) -> Path:
    """A project that RELION 3.1 made: its tutorial."""
    place = tmp_path / "tutorial"
    shutil.copytree(shared_data / "relion31_tutorial_meta", place)
    for path in (place, *place.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    return place


def test_relion_goes_on_in_its_project_after_the_home_page(copied: Path, relion: Path, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    home = Home(copied, period=1e6)
    try:
        home.open_page("graph:")
        home.open_job("Class2D/job008").actions._act(home.opened.job("Class2D/job008").alias, "first_look")
        home.open_job("PostProcess/job021").actions._act(home.opened.job("PostProcess/job021").delete)
        trash = home.open_page("trash:")
        trash.table.selected = ["PostProcess/job021"]
        assert trash.bring_back() == ["PostProcess/job021"]
        form = home.open_form(Import(fn_in_raw="Movies/*.tiff"))
        form.schedule()
    finally:
        home.close()

    def pipeliner(*arguments: str) -> str:
        command = [relion / "relion_pipeliner", *arguments]
        done = subprocess.run(command, cwd=copied, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pipeliner("--addJob", "Import", "--addJobOptions", "Raw input files: == Movies/*.tiff", "--setJobAlias", "theirs")
    pipeliner("--check_job_completion")
    jobs = {job.name: job for job in Project.open(copied).jobs()}
    assert {"PostProcess/job021", "LocalRes/job031"} <= set(jobs)
    assert jobs["Class2D/job008"].alias_name == "Class2D/first_look"
    assert [name for name in jobs if name.startswith("Import")] == ["Import/job001", "Import/job032", "Import/job033"]
    assert jobs["Import/job033"].alias_name == "Import/theirs"
    assert jobs["Import/job033"].job.fn_in_raw == jobs["Import/job032"].job.fn_in_raw == "Movies/*.tiff"
