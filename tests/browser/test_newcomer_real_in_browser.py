"""The newcomer's way once more on real particles: Class2D from its form, averages arrive, classes are clicked, a Select job."""

from __future__ import annotations

from pathlib import Path

import pytest

from relionlab.io.particles import read_particles
from relionlab.project import Project
from tests.browser.decisions import Decisions, open_home

pytestmark = pytest.mark.full
COUNT, ITERATIONS = 2374, 3


@pytest.fixture(scope="module")
def folder(lab_directory: Path, shared_data: Path) -> Path:
    """A folder with the real particles in it, linked, that is no project yet."""
    star = shared_data / "betagal/particles.star"
    images = shared_data / "empiar10204_betagal_relion5/Extract/job009/Movies"
    if not star.exists() or not images.is_dir():
        pytest.skip(f"the real particles of beta-galactosidase are not there ({star}, {images})")
    made = lab_directory / "newcomer_real"
    place = made / "Extract/job009/Movies"  # the images' names begin with it
    place.parent.mkdir(parents=True)
    place.symlink_to(images)
    (made / "particles.star").symlink_to(star)
    return made


@pytest.fixture(scope="module")
def notebook(folder: Path, open_cells):
    return open_home(folder, open_cells)


def test_real_particles_become_averages_and_a_selection(notebook, folder):
    page, decisions = notebook.page, Decisions(notebook.page)
    decisions.import_particles()
    decisions.next_job("2D classification")
    page.get_by_role("tab", name="New Class2D").wait_for(timeout=60_000)
    page.get_by_role("tab", name="Optimisation").click()
    iterations = page.locator(".rl-field-nr_iter input").locator("visible=true").first
    decisions.type("iterations", iterations, str(ITERATIONS))
    notebook.picture("newcomer3_class2d")
    decisions.run()
    decisions.wait_for_averages()
    notebook.picture("newcomer3_averages")
    for place in (0, 1):
        decisions.click("a good class", page.locator(".rl-monitor:visible .rl-class").nth(place))
    chosen = decisions.save_selection(COUNT)
    project = Project.open(folder)
    notebook.until(lambda: project.job("Select/job003").state == "finished", seconds=120)
    notebook.picture("newcomer3_selected")
    decisions.told("from real particles to a selection", 24)
    kept = read_particles(folder / "Select/job003/particles.star").particles
    assert len(kept) == chosen
    assert len(decisions.made) <= 8


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
