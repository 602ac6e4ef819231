"""The automatic picker in a real browser: the threshold is dragged, hands edit, and the job's files hold what was seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.widgets.picking.simulated_picking import SIDE, simulated

CELL = """import numpy as np
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.project import Project
from relionlab.widgets.picking.auto_picker import AutoPicker
project = Project.create('picking')
values = AutoPick(fn_input_autopick='mics.star', fn_refs_autopick='refs.mrcs', angpix_ref=4, particle_diameter=150,
                  psi_sampling_autopick=30, do_ctf_autopick=False, mindist_autopick=90)
picker = AutoPicker(values, project=project, micrographs=2)
picker"""
DRAWN = """() => [...document.querySelectorAll('.rl-micrograph')].map((v) => JSON.parse(v.dataset.marks).ring)"""
SQUARES = DRAWN.replace("ring", "square")
CROSSES = DRAWN.replace("ring", "cross")
LINE = """() => {
  const place = [...document.querySelectorAll('.rl-auto-merits .rl-live')][0];
  for (const doc of window.Bokeh.documents) {
    const span = doc.get_model_by_name('threshold');
    if (!span) continue;
    const view = window.Bokeh.index.get_by_id ? window.Bokeh.index.get_by_id(doc.roots()[0].id)
      : Object.values(window.Bokeh.index).find((v) => v.model === doc.roots()[0]);
    const box = view.canvas_view.el.getBoundingClientRect();
    return { x: box.left + view.frame.x_scale.compute(span.location), y: box.top + view.frame.bbox.top + 60,
             left: box.left + view.frame.bbox.left, right: box.left + view.frame.bbox.right, at: span.location };
  }
}"""


@pytest.fixture(scope="module")
def notebook(lab_directory: Path, open_cells):
    simulated(lab_directory / "picking")
    opened = open_cells("auto_picker", CELL, "again = AutoPicker(picker.job)\nagain", run=1)
    opened.page.locator(".rl-micrograph[data-ready]").first.wait_for(timeout=60_000)
    opened.until(
        lambda: told(opened, "sorted(map(len, picker.picks.values()))[0] if len(picker.picks) == 2 else 0") > 0, 60
    )
    opened.until(lambda: opened.page.evaluate(LINE) is not None)
    return opened


def told(notebook, expression: str):
    """What an expression is in the notebook's kernel."""
    asked = f"import json; print(json.dumps({expression}))"
    said = notebook.python(asked)
    assert "Traceback" not in said, f"{expression}: {said}"
    return json.loads(said)


def agrees(notebook) -> bool:
    """Whether page and Python have the same picks, micrograph by micrograph: automatic ones, added and removed."""
    # asked for once: sliders are heard in another thread of the kernel, and picks may change between two questions
    automatic = told(notebook, "(lambda now: [int(np.isfinite(now[n].fom).sum()) for n in picker.shown])(picker.picks)")
    added = told(notebook, "[len(picker.tuning.edits(n).added) for n in picker.shown]")
    removed = told(notebook, "[len(picker.tuning.edits(n).removed) for n in picker.shown]")
    page = notebook.page
    drawn = [page.evaluate(script)[: len(automatic)] for script in (DRAWN, SQUARES, CROSSES)]
    return drawn == [automatic, added, removed]


def drag_threshold(notebook, share: float) -> None:
    """Drag the line in the histogram to this share of its width, in small steps."""
    page = notebook.page
    page.locator(".rl-auto-merits .rl-live").first.scroll_into_view_if_needed()
    line = page.evaluate(LINE)
    page.mouse.move(line["x"], line["y"])
    page.mouse.down()
    goal = line["left"] + share * (line["right"] - line["left"])
    page.mouse.move(goal, line["y"], steps=12)
    page.mouse.up()


def test_dragged_threshold_is_the_same_in_python_and_picture(notebook):
    assert agrees(notebook)
    for share in (0.9, 0.45):
        before = told(notebook, "picker.thresholds['threshold_autopick']")
        drag_threshold(notebook, share)
        notebook.until(lambda before=before: told(notebook, "picker.thresholds['threshold_autopick']") != before)
        notebook.until(lambda: agrees(notebook))
        line = notebook.page.evaluate(LINE)
        assert told(notebook, "picker.thresholds['threshold_autopick']") == pytest.approx(line["at"], rel=1e-3)
    assert told(
        notebook, "picker.panels.sliders.values['threshold_autopick'] == picker.thresholds['threshold_autopick']"
    )


def test_best_threshold_is_one_button(notebook):
    page = notebook.page
    page.get_by_role("button", name="Threshold of best F1").click()
    notebook.until(
        lambda: told(notebook, "abs(picker.thresholds['threshold_autopick'] - picker.agreement.best) < 1e-3")
    )
    notebook.until(lambda: agrees(notebook))
    now = told(notebook, "picker.agreement.at(picker.thresholds['threshold_autopick'])[2]")
    assert now == pytest.approx(told(notebook, "float(picker.agreement.f1.max())"))
    assert now > 0.8


def test_hand_edits_outlive_the_slider_and_can_be_undone(notebook):
    page = notebook.page
    view = page.locator(".rl-micrograph").first
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    page.mouse.click(box["x"] + 14, box["y"] + 40)  # at the edge, where nothing is picked
    notebook.until(lambda: told(notebook, "len(picker.tuning.edits(picker.shown[0]).added)") == 1)
    x, y = told(notebook, "(lambda p: [float(p.x[0]), float(p.y[0])])(picker.picks[picker.shown[0]])")
    scale = told(notebook, "picker.panels.pixels") / SIDE
    frame = view.locator("canvas").first.bounding_box()
    page.mouse.move(frame["x"] + 4 + x * scale, frame["y"] + 4 + y * scale)
    page.keyboard.press("Delete")
    notebook.until(lambda: told(notebook, "len(picker.tuning.edits(picker.shown[0]).removed)") == 1)
    notebook.until(lambda: agrees(notebook))
    for share in (0.2, 0.55):
        drag_threshold(notebook, share)
        notebook.until(lambda: agrees(notebook))
        assert page.evaluate(SQUARES)[0] == page.evaluate(CROSSES)[0] == 1
    page.get_by_role("button", name="Undo").click()
    notebook.until(lambda: told(notebook, "len(picker.tuning.edits(picker.shown[0]).removed)") == 0)
    notebook.until(lambda: agrees(notebook))
    page.get_by_role("button", name="Redo").click()
    notebook.until(lambda: told(notebook, "len(picker.tuning.edits(picker.shown[0]).removed)") == 1)
    notebook.picture("auto_picker")


def test_sliders_repick_while_they_are_moved(notebook):
    page = notebook.page
    page.locator(".rl-threshold-mindist_autopick").get_by_role("slider").focus()
    before = told(notebook, "picker.thresholds['mindist_autopick']")
    assert before == 90
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    notebook.until(lambda: told(notebook, "picker.thresholds['mindist_autopick']") > before)
    notebook.until(lambda: agrees(notebook))


def test_the_jobs_files_are_what_was_seen(notebook):
    page = notebook.page
    seen = told(notebook, "{n: [p.x.tolist(), p.y.tolist()] for n, p in picker.picks.items()}")
    page.get_by_role("button", name="Use these for all micrographs").click()
    notebook.until(lambda: told(notebook, "picker.job.state") == "finished", 240)
    page.get_by_text("is finished. Total number of particles").wait_for(timeout=60_000)
    for name, (x, y) in seen.items():
        file = f"pick_files.read_picks(picker.job.path / '{name[:-4]}_autopick.star')"
        written = told(notebook, f"(lambda p: [p.x.tolist(), p.y.tolist()])({file})")
        assert np.allclose(written, [x, y], atol=1e-4)
    assert len(seen) == 2


def test_edits_are_there_after_a_restart(notebook):
    notebook.run_cell(1)
    notebook.until(lambda: told(notebook, "len(again.picks)") == 3, 60)
    assert told(notebook, "[len(again.tuning.edits(n)) for n in picker.shown]")[0] == 2
    assert told(notebook, "again.thresholds == picker.thresholds")


def test_how_quick_it_is(notebook):
    times = []
    for share in np.linspace(0.3, 0.7, 8):
        page = notebook.page
        times.append(
            page.evaluate(
                """async (share) => {
                  const view = document.querySelector('.rl-micrograph');
                  const number = document.querySelector('.rl-threshold-threshold_autopick input[type=number]');
                  const start = performance.now();
                  const drawn = new Promise((resolve) =>
                    new MutationObserver(() => resolve(performance.now() - start))
                      .observe(view, { attributes: true, attributeFilter: ['data-marks'] }));
                  number.value = String(share);
                  number.dispatchEvent(new Event('change', { bubbles: true }));
                  return await Promise.race([drawn, new Promise((r) => setTimeout(() => r(5000), 5000))]);
                }""",
                float(share),
            )
        )
        notebook.page.wait_for_timeout(200)
    print(f"threshold typed -> picks redrawn: median {np.median(times):.0f} ms, most {max(times):.0f} ms")
    assert max(times) < 5000  # each change was answered


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
