"""How long galleries and tables take on a large project; printed, for `pytest -m full -s`."""

from __future__ import annotations

import time
from contextlib import contextmanager

import numpy as np
import pytest

from relionlab.display.image_set import read_image_set
from relionlab.display.image_views import ImageLook
from relionlab.display.row_choice import RowChoice
from relionlab.io.images import StackWriter
from relionlab.io.particles import Particles, write_particles
from relionlab.io.table import Table
from relionlab.widgets import StarView

PARTICLES, BOX, ROWS = 100_000, 64, 1_000_000


@contextmanager
def timed(what: str):
    start = time.perf_counter()
    yield
    print(f"{what}: {1000 * (time.perf_counter() - start):.0f} ms")


@pytest.fixture(scope="module")
def particles(tmp_path_factory):
    """A list of 100,000 particles in one stack."""
    folder = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(1)
    batch = rng.normal(size=(1000, BOX, BOX)).astype(np.float32)
    with StackWriter(folder / "all.mrcs", PARTICLES, BOX, 3.0) as stack:
        for _ in range(PARTICLES // 1000):
            stack.append(batch)
    optics = {"rlnOpticsGroupName": ["one"], "rlnOpticsGroup": [1], "rlnImagePixelSize": [3.0], "rlnImageSize": [BOX]}
    rows = {
        "rlnImageName": [f"{number + 1:06d}@all.mrcs" for number in range(PARTICLES)],
        "rlnOpticsGroup": 1,
        **{label: rng.normal(size=PARTICLES) for label in ("rlnCoordinateX", "rlnCoordinateY", "rlnDefocusU")},
    }
    write_particles(folder / "particles.star", Particles(Table(optics, name="optics"), Table(rows, name="particles")))
    return folder / "particles.star"


@pytest.mark.full
def test_first_screen_of_many_particles(particles):
    with timed("100,000 particles read"):
        images = read_image_set(particles)
    choice = RowChoice(images.table)
    with timed("sorted"):
        choice.sort("rlnDefocusU")
    with timed("a screen of 60 thumbnails, low-passed"):
        drawn = images.thumbnails(choice.shown[:60], ImageLook(low_pass=20))
    assert drawn.shape == (60, BOX, BOX)
    with timed("average of 20,000"):
        images.mean_and_deviation(np.arange(20_000))


@pytest.mark.full
def test_table_of_a_million_rows():
    rng = np.random.default_rng(2)
    table = Table({label: rng.normal(size=ROWS) for label in ("rlnCoordinateX", "rlnCoordinateY", "rlnDefocusU")})
    with timed("a million rows opened"):
        view = StarView(table)
    with timed("sorted"):
        view.sort("rlnDefocusU", descending=True)
    with timed("filtered"):
        view.filter("DefocusU > 0 and CoordinateX < 1")
    with timed("a screen of rows"):
        view._bodies["table"].texts(np.arange(60))
    with timed("plotted as a density"):
        view.plot("rlnCoordinateX", "rlnCoordinateY")
    assert len(view.choice.shown) == ((table["rlnDefocusU"] > 0) & (table["rlnCoordinateX"] < 1)).sum()
