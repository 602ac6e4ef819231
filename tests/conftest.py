"""Fixtures that every test may use."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

# Matplotlib draws without a screen, and test workers do not fight for the cores.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent
LONGEST = (
    "workflows/test_movie_course.py",
    "test_templates.py",
    "test_rules.py",
    "browser/test_class2d_notebook.py",
    "relion/test_files3d_handover.py",
    "relion/test_refine3d_handover.py",
    "project/test_class2d_survives.py",
    "project/test_micrographs_survive.py",
    "jobs/test_refine3d_interrupted.py",
    "jobs/test_refine3d_bad_input.py",
    "jobs/test_refine_interrupted.py",
)
"""The files that take longest, the longest first: begun last, one would keep a single worker busy while the others idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    place = {REPOSITORY / "tests" / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the repository; the test is skipped where they are absent."""
    path = Path(os.environ.get("RELIONLAB_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip("the shared real data are not here (../shared/data, or RELIONLAB_SHARED_DATA)")
    return path


@pytest.fixture(scope="session")
def relion() -> Path:
    """The directory of RELION's programs; the test is skipped where RELION is not installed."""
    program = shutil.which("relion_refine")
    if program is None:
        pytest.skip("RELION is not installed (apt-get install relion)")
    return Path(program).parent


@pytest.fixture
def project_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory which is also the working directory."""
    directory = tmp_path / "project"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def project(project_directory: Path):
    """An empty project in a directory of its own."""
    from relionlab.project import Project

    return Project.create(project_directory)
