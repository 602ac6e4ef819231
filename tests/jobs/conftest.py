"""Small files that the tests of jobs work on."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import write_map, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from tests.jobs import class2d_runs
from tests.jobs.small_files import BOX, PARTICLES, PIXEL_SIZE, disc, optics, particle_rows


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def context(here: Path) -> PlainContext:
    """A quiet context in the empty folder."""
    return PlainContext(here, quiet=True)


@pytest.fixture
def particles(here: Path) -> Path:
    """particles.star and its stack of float32 noise; the last image is ten times stronger."""
    images = np.random.default_rng(2).normal(size=(PARTICLES, BOX, BOX)).astype(np.float32)
    images[-1] *= 10
    write_stack(here / "stack.mrcs", images, pixel_size=PIXEL_SIZE)
    write_star(here / "particles.star", [optics(), particle_rows()])
    return here / "particles.star"


@pytest.fixture
def classification(particles: Path) -> str:
    """Iteration 3 of a made-up classification: class 1 and 3 are discs, 2 is noise, 4 is empty."""
    folder = particles.parent / "Class2D/job002"
    folder.mkdir(parents=True)
    stem = "Class2D/job002/run_it003"
    noise = np.random.default_rng(3).normal(size=(BOX, BOX))
    averages = np.stack([disc(3), noise, disc(3.5), np.zeros((BOX, BOX))]).astype(np.float32)
    write_stack(folder / "run_it003_classes.mrcs", averages, pixel_size=PIXEL_SIZE)
    general = {
        "rlnReferenceDimensionality": 2,
        "rlnOriginalImageSize": BOX,
        "rlnPixelSize": PIXEL_SIZE,
        "rlnNrClasses": 4,
    }
    classes = {
        "rlnReferenceImage": [f"{number:06d}@{stem}_classes.mrcs" for number in range(1, 5)],
        "rlnClassDistribution": [0.4, 0.2, 0.4, 0.0],
        "rlnAccuracyRotations": [3.0, 12.0, 4.0, 999.0],
        "rlnAccuracyTranslationsAngst": [1.0, 4.0, 2.0, 999.0],
        "rlnEstimatedResolution": [10.0, 30.0, 12.0, float("inf")],
    }
    groups = {
        "rlnGroupNumber": [1, 2, 3],
        "rlnGroupName": ["mic0.mrc", "mic1.mrc", "mic2.mrc"],
        "rlnGroupNrParticles": [14, 13, 13],
        "rlnGroupScaleCorrection": [1.2, 0.8, 1.1],
    }
    write_star(
        folder / "run_it003_model.star",
        [
            Table(general, name="model_general", loop=False),
            Table(classes, name="model_classes"),
            Table(groups, name="model_groups"),
        ],
    )
    rows = particle_rows()
    numbers = np.where(rows["rlnClassNumber"] == 4, 1, rows["rlnClassNumber"])
    write_star(folder / "run_it003_data.star", [optics(), rows.with_columns(rlnClassNumber=numbers)])
    optimiser = {
        "rlnModelStarFile": f"{stem}_model.star",
        "rlnExperimentalDataStarFile": f"{stem}_data.star",
        "rlnParticleDiameter": 24.0,
    }
    write_star(folder / "run_it003_optimiser.star", [Table(optimiser, name="optimiser_general", loop=False)])
    return f"{stem}_model.star"


@pytest.fixture
def half_maps(here: Path) -> str:
    """A pair of half-maps; the name of the first."""
    rng = np.random.default_rng(4)
    for half in (1, 2):
        volume = rng.normal(size=(8, 8, 8)).astype(np.float32)
        write_map(here / f"run_half{half}_class001_unfil.mrc", volume, pixel_size=PIXEL_SIZE)
    return "run_half1_class001_unfil.mrc"


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny simulated particles, data/particles.star; not to be written to."""
    directory = tmp_path_factory.mktemp("simulated")
    class2d_runs.simulate(directory)
    return directory


@pytest.fixture
def tiny(here: Path, simulated: Path) -> Path:
    """A copy of the tiny particles in the working directory, to be spoilt at will."""
    shutil.copytree(simulated / "data", here / "data")
    return here


@pytest.fixture(scope="session")
def finished(tmp_path_factory, simulated) -> Path:
    """A folder with a run of two iterations; not to be written to."""
    directory = tmp_path_factory.mktemp("finished")
    (directory / "data").symlink_to(simulated / "data")
    class2d_runs.refine(directory, class2d_runs.arguments())
    return directory


@pytest.fixture(scope="session")
def usual(tmp_path_factory, simulated) -> Path:
    """A folder with the ordinary run."""
    directory = tmp_path_factory.mktemp("usual")
    shutil.copytree(simulated / "data", directory / "data")
    class2d_runs.refine(directory, class2d_runs.arguments("--iter", str(class2d_runs.FINISHED)))
    return directory


@pytest.fixture
def there(tmp_path, usual, monkeypatch) -> Path:
    """A copy of it, as working directory."""
    shutil.copytree(usual, tmp_path / "there")
    monkeypatch.chdir(tmp_path / "there")
    return tmp_path / "there"
