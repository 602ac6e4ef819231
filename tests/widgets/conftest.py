"""Projects made by hand, and a place of their own for what the widgets remember."""

from __future__ import annotations

from pathlib import Path

import pytest

from relionlab.jobs import Class2D, Import
from relionlab.project import Project
from tests.particle_text import particle_text

PARTICLES = particle_text(["mic1", "mic1", "mic2"])


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the widgets remember things, instead of the user's own folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "relionlab"


@pytest.fixture
def begun(tmp_path: Path) -> Project:
    """Import (finished, three particles) -> two Class2D jobs: one scheduled, one that failed."""
    made = Project.create(tmp_path / "betagal")
    (made.directory / "particles.star").write_text(PARTICLES)
    node_type = "Particles STAR file (.star)"
    imported = made.add(Import(do_raw=False, do_other=True, fn_in_other="particles.star", node_type=node_type))
    (imported.path / "particles.star").write_text(PARTICLES)
    imported.mark("finished")
    made.add(Class2D(fn_img="Import/job001/particles.star", nr_classes=5), alias="five")
    failed = made.add(Class2D(fn_img="Import/job001/particles.star", nr_classes=9, tau_fudge=4))
    failed.mark("failed")
    return made
