"""How fast pages answer in a real browser: picks while sliding, the mask panel, 200 classes, a wizard; printed, not judged."""

from __future__ import annotations

import nbformat
import numpy as np
import pytest

from relionlab.io.images import write_stack
from relionlab.io.particles import Particles, write_particles
from relionlab.io.table import Table
from tests.benchmarks.picking_sliders import simulate
from tests.browser.conftest import lab, lab_directory, open_notebook  # noqa: F401 - fixtures
from tests.jobs.half_map_files import HALF, write_half_maps

CLASSES = 200
CELLS = {
    "picks": """import numpy as np
from relionlab.display.results import ClassAverages
from relionlab.jobs import AutoPick, Class2D
from relionlab.project import Project
from relionlab.widgets import ClassGallery, JobForm, MaskPanel
from relionlab.widgets.forms.wizards import wizard_for
from relionlab.widgets.picking.auto_picker import AutoPicker
form = AutoPick(fn_input_autopick='mics.star', fn_refs_autopick='gauss', particle_diameter=120, do_ctf_autopick=False)
picker = AutoPicker(form, project=Project.create('four'), micrographs=4)
picker""",
    "mask": f"panel = MaskPanel('maps/{HALF}')\npanel",
    "classes": f"""images = np.random.default_rng(1).normal(size=({CLASSES}, 64, 64))
ClassGallery(ClassAverages.from_arrays(images, pixel_size=4.0, counts=np.arange({CLASSES})))""",
    "wizard": """large = JobForm(Class2D(fn_img='large/particles.star', particle_diameter=120), project=Project.create('.'))
wizard_for(Class2D, 'particle_diameter')(large)""",
}
"""Cells of one notebook; each ends with what is shown."""
SLIDE = """async ([where, values, watched, attribute]) => {
  const input = document.querySelector(where + ' input[type=range]'), found = [];
  const [low, high] = [Number(input.min), Number(input.max)];
  for (const share of values) {
    const left = new Set(document.querySelectorAll(watched)), start = performance.now();
    const drawn = new Promise((resolve) => {
      for (const element of left) {
        const watch = new MutationObserver(() => {
          watch.disconnect();
          left.delete(element);
          if (!left.size) requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start), 0));
        });
        watch.observe(element, attribute ? { attributes: true, attributeFilter: [attribute] } : { childList: true, subtree: true });
      }
    });
    input.value = low + share * (high - low);
    input.dispatchEvent(new Event('input', { bubbles: true }));
    found.push(await Promise.race([drawn, new Promise((r) => setTimeout(() => r(10000), 10000))]));
    await new Promise((r) => setTimeout(r, 600));
  }
  return found;
}"""
"""Moves a slider to shares of its range; milliseconds until all that is watched has changed and is painted."""
SHOWN = """async ([index, what, count]) => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  notebook.deselectAll(); notebook.activeCellIndex = index;
  const start = performance.now(), cell = notebook.widgets[index].node;
  app.commands.execute('notebook:run-cell');
  while (cell.querySelectorAll(what).length < count && performance.now() - start < 60000) await new Promise(requestAnimationFrame);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  return performance.now() - start;
}"""
"""Runs a cell; milliseconds until so many elements are in its output and painted."""


def _inputs(folder) -> None:
    (folder / "four").mkdir()
    simulate(folder / "four", count=4, size=4096, particles=1000)
    write_half_maps(folder / "maps", box=128)
    images = np.random.default_rng(1).standard_normal((500, 256, 256), dtype=np.float32)
    (folder / "large").mkdir()
    write_stack(folder / "large/stack.mrcs", images, pixel_size=1.0)
    optics = {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnImagePixelSize": [1.0], "rlnImageSize": [256]}
    rows = {"rlnImageName": [f"{n % 500 + 1:06d}@large/stack.mrcs" for n in range(100_000)], "rlnOpticsGroup": 1}
    write_particles(
        folder / "large/particles.star", Particles(Table(optics, name="optics"), Table(rows, name="particles"))
    )


@pytest.mark.full
@pytest.mark.browser
def test_pages(lab_directory, open_notebook, capsys):  # noqa: F811 - fixtures
    _inputs(lab_directory)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), lab_directory / "pages.ipynb")
    notebook = open_notebook("pages.ipynb")
    place = dict(zip(CELLS, range(len(CELLS)), strict=True))

    def told(what: str, times: list[float]) -> None:
        with capsys.disabled():
            print(f"{what}: median {np.median(times):.0f} ms, most {max(times):.0f} ms")

    notebook.run_cell(place["picks"])
    notebook.until(lambda: notebook.python("print(picker.wait(1))") == "True", 300)
    notebook.page.wait_for_timeout(3000)
    threshold = [
        ".rl-threshold-threshold_autopick",
        np.linspace(0.3, 0.55, 15).tolist(),
        ".rl-micrograph",
        "data-marks",
    ]
    told("threshold slid -> picks of four 4k micrographs painted", notebook.page.evaluate(SLIDE, threshold)[2:])
    told("mask panel at 128³ shown", [notebook.page.evaluate(SHOWN, [place["mask"], ".rl-mask-panel .bk-Figure", 2])])
    notebook.page.locator(".rl-mask-numbers").wait_for()
    notebook.page.wait_for_timeout(3000)
    numbers = ".rl-mask-panel .widget-html-content:has(.rl-mask-numbers)"
    threshold = [".rl-mask-inimask_threshold", np.linspace(0.4, 0.6, 12).tolist(), numbers, ""]
    told("mask slid -> curves, B-factor and numbers painted, 128³", notebook.page.evaluate(SLIDE, threshold)[2:])
    several = [notebook.page.evaluate(SHOWN, [place["classes"], ".rl-class", CLASSES]) for _ in range(5)]
    told(f"gallery of {CLASSES} classes", several)
    several = [notebook.page.evaluate(SHOWN, [place["wizard"], ".rl-wizard .bk-Figure", 1]) for _ in range(1)]
    told("wizard on 100,000 particles of 256 px, its picture", several)
    assert notebook.cell_errors() == []
    assert notebook.wrong == []
