"""A newcomer's way from micrographs: CTF, picks by size with the threshold dragged, extraction, class averages.

Decisions are counted as in ``test_newcomer_in_browser``. RELION's own, counted by hand from the window of RELION 3.1 for
the same way (Import, CtfFind, AutoPick by Laplacian of Gaussian with its threshold tried once more, Extract, Class2D):

 1. answer "y": start a new project here; 2. Import; 3. the micrographs' wildcard; 4. "Are these multi-frame movies?" No;
 5. pixel size; 6. Run!
 7. CTF estimation; 8. input: Browse, choose micrographs.star; 9. the tab CTFFIND-4; 10. the executable; 11. Run!
12. Auto-picking; 13. input: Browse, choose micrographs_ctf.star; 14. "OR: use Laplacian-of-Gaussian?" Yes;
15. the tab Laplacian; 16. min. diameter; 17. max. diameter; 18. Run!
19. Display: coords_suffix_autopick; 20. pick on one micrograph (to see them)
21. the tab Laplacian again; 22. "adjust default threshold"; 23. the tab autopicking; 24. Continue! after deleting the
    picks, or Run! as another job; 25. Display: again
26. Particle extraction; 27. micrographs: Browse; 28. coordinates: Browse; 29. the tab Extract; 30. particle box size;
31. "Rescale particles?" Yes; 32. rescaled size; 33. Run!
34. 2D classification; 35. input images: Browse; 36. the tab Optimisation; 37. number of classes; 38. mask diameter;
39. Run!; 40. Display: choose the model; 41. Display!
"""

from __future__ import annotations

from pathlib import Path

import pytest

from relionlab.io.particles import read_particles
from relionlab.project import Project
from relionlab.simulation.assembly import d2_assembly
from relionlab.simulation.exposures import exposures
from relionlab.simulation.micrographs import simulate_micrographs
from tests.browser.decisions import Decisions, open_home
from tests.browser.test_auto_picker_in_browser import drag_threshold

pytestmark = pytest.mark.full
RELION = 41
PARTICLES = 40
MICROGRAPHS = 3


@pytest.fixture(scope="module")
def made(lab_directory: Path):
    """Simulated micrographs in a folder that is no project yet."""
    folder = lab_directory / "newcomer_micrographs"
    conditions = exposures("micrographs", count=MICROGRAPHS, size=(1024, 1024), pixel_size=2.0, particles=PARTICLES)
    return simulate_micrographs(folder, [d2_assembly("full")], conditions, project=folder)


@pytest.fixture(scope="module")
def notebook(made, lab_directory: Path, open_cells):
    return open_home(lab_directory / "newcomer_micrographs", open_cells)


def test_from_micrographs_to_class_averages(notebook, made, lab_directory):
    page, decisions = notebook.page, Decisions(notebook.page)
    decisions.click("I have micrographs", page.locator('.rl-choices [data-key="micrographs"]'))
    page.locator(".rl-form:visible .rl-title").wait_for(timeout=60_000)
    notebook.picture("newcomer2_import")
    decisions.run()
    decisions.offered("Estimate CTFs")
    decisions.next_job("Pick by size", seconds=240)
    page.get_by_role("tab", name="New AutoPick").wait_for(timeout=60_000)
    largest = page.locator(".rl-field-log_diam_max input").locator("visible=true").first
    notebook.picture("newcomer2_autopick")
    decisions.type("Max. diameter", largest, f"{made.diameter:.0f}")
    decisions.click("Tune on micrographs", page.get_by_role("button", name="Tune on micrographs"))
    page.locator(".rl-auto:visible .rl-micrograph[data-ready]").nth(1).wait_for(timeout=120_000)
    project = Project.open(lab_directory / "newcomer_micrographs")
    page.locator(".rl-auto-merits .rl-live").first.wait_for(timeout=60_000)
    notebook.picture("newcomer2_tune")
    drag_threshold(notebook, 0.3)
    decisions.made.append("threshold dragged")
    notebook.picture("newcomer2_tuned")
    decisions.click("Use these for all", page.get_by_role("button", name="Use these for all micrographs"))
    decisions.offered("Extract particles", seconds=240)
    decisions.offered("2D classification", seconds=240)
    decisions.wait_for_averages()
    notebook.picture("newcomer2_averages")
    decisions.told("from micrographs to class averages", RELION)
    assert len(decisions.made) < RELION / 2
    extracted = next(job for job in project.jobs() if job.name.startswith("Extract/"))
    count = len(read_particles(extracted.path / "particles.star").particles)
    assert 0.5 * PARTICLES * MICROGRAPHS < count < 2 * PARTICLES * MICROGRAPHS


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
