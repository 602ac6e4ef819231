"""A newcomer's way in a real browser: from the home page of a folder with particles to class averages and a selection.

Decisions are clicks on a choice and values typed; each is counted and printed beside RELION's own.
RELION's, counted by hand from the window of RELION 3.1 and its single-particle tutorial, for a ``particles.star`` that
lies in the project folder:

 1. answer "y": start a new project here (asked in the terminal)
 2. Import in the list of job types
 3. "Import raw movies/micrographs?" No
 4. the tab "Others"
 5. "Import other node types?" Yes
 6. input file: typed, or chosen with Browse
 7. node type: "Particles STAR file"
 8. Run!
 9. "2D classification" in the list of job types
10. input images: Browse, choose the imported particles
11. the tab "Optimisation"
12. number of classes
13. mask diameter
14. the tab "Running"
15. number of threads or MPI processes
16. Run!
17. Display: choose the newest run_it…_model.star
18. in the window of the display: Display!   (the averages are seen)

and from there to a selection: the averages, seen, are clicked (as here), then the right button's menu, "Save selected
classes", after Subset selection was chosen in the list, the model chosen as its input, and Run! pressed:

19. "Subset selection" in the list of job types
20. "Select classes from model.star": Browse, choose it
21. Run!
22. Display! (sorted by size)
23. the classes are clicked, the menu of the right button
24. "Save selected classes"
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from relionlab.io.particles import read_particles
from relionlab.project import Project
from relionlab.simulation.conditions import Simulation
from relionlab.simulation.particles import simulate_particles
from tests.browser.decisions import Decisions, open_home

RELION_TO_AVERAGES, RELION_TO_SELECTION = 18, 24
COUNT = 300


@pytest.fixture(scope="module")
def folder(lab_directory: Path) -> Path:
    """A folder with simulated particles in it that is no project yet."""
    made = lab_directory / "newcomer"
    made.mkdir()
    conditions = Simulation(count=COUNT, box=48, pixel_size=5.0, snr=0.3)
    simulate_particles(made / "Particles", None, conditions, project=made)
    return made


@pytest.fixture(scope="module")
def notebook(folder: Path, open_cells):
    """The home page of that folder."""
    return open_home(folder, open_cells)


@pytest.fixture(scope="module")
def decisions(notebook) -> Decisions:
    return Decisions(notebook.page)


def test_class_averages_in_at_most_eight_decisions(notebook, decisions):
    page = notebook.page
    decisions.import_particles()
    decisions.next_job("2D classification")
    page.get_by_role("tab", name="New Class2D").wait_for(timeout=60_000)
    notebook.picture("newcomer_class2d")
    decisions.run()
    decisions.wait_for_averages()
    notebook.picture("newcomer_averages")
    decisions.told("from the home page to class averages", RELION_TO_AVERAGES)
    assert len(decisions.made) <= 8


def test_clicked_classes_become_a_selection_that_relion_reads(notebook, decisions, folder):
    page = notebook.page
    classes = page.locator(".rl-monitor .rl-class")
    for place in (0, 1):  # while it runs, or after: whichever comes first
        decisions.click("a good class", classes.nth(place))
    page.get_by_text(re.compile("2 of . classes")).wait_for(timeout=30_000)
    page.get_by_role("button", name="Save selection").wait_for(timeout=240_000)
    notebook.until(
        lambda: page.locator(".rl-monitor .rl-chosen").count() == 2
    )  # chosen by number: also after averages changed
    notebook.picture("newcomer_chosen")
    chosen = decisions.save_selection(COUNT)
    project = Project.open(folder)
    notebook.until(lambda: project.job("Select/job003").state == "finished", seconds=120)
    page.locator(".rl-monitor:visible .rl-grade").first.wait_for(timeout=60_000)
    notebook.picture("newcomer_selected")
    decisions.told("from the home page to a selection", RELION_TO_SELECTION)
    kept = folder / "Select/job003/particles.star"
    assert len(read_particles(kept).particles) == chosen
    _relion_reads(kept, folder, len(read_particles(kept).particles))


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()


def _relion_reads(star: Path, folder: Path, count: int) -> None:
    """Have RELION itself read a list of particles and write it again, where RELION is installed."""
    relion = shutil.which("relion_star_handler")
    if relion is None:
        return
    command = [relion, "--i", str(star.relative_to(folder)), "--o", "again.star", "--random_order"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    assert len(read_particles(folder / "again.star").particles) == count
