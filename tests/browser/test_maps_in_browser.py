"""Maps in a real browser: slices dragged, a surface turned and its level moved, the mask panel dragged, its numbers the programs'."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.browser.conftest import WEBGL
from tests.jobs.half_map_files import HALF, write_half_maps

CHROMIUM_FLAGS = WEBGL

CELLS = [
    """from relionlab.project import Project
from relionlab.widgets import MaskPanel, SliceView, SurfaceView
project = Project.open('maps')
slices = SliceView('maps/Refine3D/job001')
slices""",
    f"""panel = MaskPanel('maps/{HALF}', project=project)
panel""",
    """surface = SurfaceView('maps/Refine3D/job001')
surface""",
]
PROGRAMS = f"""
import json, numpy as np
from relionlab.io.images import read_map
from relionlab.io.star import read_star
from relionlab.jobs.context import PlainContext
from relionlab.jobs.maps.mask_program import CreateMask
from relionlab.jobs.maps.postprocess_program import Postprocess
context = PlainContext(project.directory, quiet=True)
CreateMask.from_flags(['--o', 'mask.mrc', *panel.mask_job.flags()]).run(context)
Postprocess(fn_in='{HALF}', fn_mask='mask.mrc', do_auto_bfac=True, autob_lowres=10.0, o='post').run(context)
general = read_star(project.directory / 'post.star')['general']
mask = read_map(project.directory / 'mask.mrc')[0]
print(json.dumps([general.value('rlnFinalResolution'), general.value('rlnBfactorUsedForSharpening'),
  100 * float(mask.mean()), bool(np.array_equal(mask, panel.tried.mask)), panel.mask_job.inimask_threshold]))
"""
ORANGE = """(root) => [...root.querySelectorAll('.rl-slice canvas')].slice(0, 3).map(canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] > 180 && data[i + 2] < 90) count++;
  return count;
})"""


@pytest.fixture(scope="module")
def notebook(lab_directory: Path, open_cells):
    """A notebook with slices, the mask panel and a surface of a made-up particle's half-maps."""
    from relionlab.project import Project

    folder = lab_directory / "maps"
    folder.mkdir()
    Project.create(folder)
    write_half_maps(folder)
    return open_cells("maps", *CELLS)


def drag(page, where, by: tuple[int, int], steps: int = 10) -> None:
    """Drag from the middle of an element."""
    where.scroll_into_view_if_needed()
    box = where.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1], steps=steps)
    page.mouse.up()


def test_slices_follow_the_hand_without_asking_python(notebook):
    page = notebook.page
    view = page.locator(".rl-slices").first
    pane = view.locator("canvas").first
    pane.wait_for()
    drag(page, pane, (60, -45))
    notebook.until(lambda: notebook.python("print(slices.position != (24, 24, 24))") == "True")
    labels, told = view.locator(".rl-slice-label"), "print([f'{n} = {k}' for n, k in zip('zyx', slices.position)])"
    notebook.until(lambda: str(labels.all_inner_texts()[:3]) == notebook.python(told))  # at rest they agree
    z, y, x = json.loads(notebook.python("print(list(slices.position))"))
    assert (z, y < 24, x > 24) == (24, True, True)
    pane.press("PageDown")
    notebook.until(lambda: notebook.python("print(slices.position[0])") == "25")
    notebook.until(lambda: "density" in view.locator(".rl-slice-readout").inner_text())
    print(f"three slices of 48³ drawn in {view.get_attribute('data-milliseconds')} ms")
    notebook.picture("slices")


def test_mask_panel_is_dragged_and_its_numbers_are_the_programs(notebook):
    page, panel = notebook.page, notebook.page.locator(".rl-mask-panel")
    panel.locator(".bk-Figure").nth(1).wait_for(timeout=60_000)
    notebook.until(lambda: sum(panel.evaluate(ORANGE)) > 0)
    before, outline = notebook.python("print(panel.tried.volume)"), panel.evaluate(ORANGE)
    drag(page, panel.locator(".rl-mask-inimask_threshold .noUi-handle"), (18, 0))
    drag(page, panel.locator(".rl-mask-width_mask_edge .noUi-handle"), (25, 0))
    notebook.python("settled = panel.settle()")
    notebook.until(lambda: panel.evaluate(ORANGE) != outline)
    assert float(notebook.python("print(panel.tried.volume)")) < float(before)
    resolution, b_factor, share, same, threshold = json.loads(notebook.python(PROGRAMS))
    assert same
    numbers = panel.locator(".rl-mask-numbers")
    notebook.until(lambda: f"{resolution:.2f} Å" in numbers.inner_text())
    assert f"{share:.1f} %" in numbers.inner_text()
    assert re.search(rf"B-factor\s+{b_factor:.0f} ", numbers.inner_text())
    assert f"{resolution:.2f} Å at FSC 0.143" in panel.locator(".rl-mask-verdict").inner_text()
    assert threshold > 0
    notebook.picture("mask_panel")
    panel.get_by_role("button", name="Use this mask").click()
    panel.get_by_text("is finished").wait_for(timeout=60_000)
    assert (
        notebook.python("print(panel.made[1].state, panel.made[0].job.flags() == panel.mask_job.flags())")
        == "finished True"
    )
    panel.get_by_role("button", name="Result").click()
    panel.locator(".rl-drawer .rl-slices").wait_for()


def test_surface_is_turned_and_its_level_moved(notebook):
    page, view = notebook.page, notebook.page.locator(".rl-surface")
    camera = "print(surface.scene.view._camera_orientation[:3])"
    notebook.until(lambda: "None" not in notebook.python(camera), 60)
    before, level = notebook.python(camera), float(notebook.python("print(surface.rows[0].level)"))
    drag(page, view.locator("canvas").first, (90, 40), steps=4)
    notebook.until(lambda: notebook.python(camera) != before)
    drag(page, view.locator(".rl-level .noUi-handle"), (30, 0))
    moved = "print(surface.scene.view._ngl_repr_dict['0']['0']['params']['isolevel'], surface.rows[0].level)"
    notebook.until(lambda: len(set(notebook.python(moved).split())) == 1)
    assert float(notebook.python(moved).split()[0]) > level
    notebook.picture("surface")


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
