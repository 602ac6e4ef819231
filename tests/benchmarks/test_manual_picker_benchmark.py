"""How fast picking by hand answers in a real browser: a click, and the next micrograph of 4k; printed, not judged."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.io.images import write_image
from tests.browser.conftest import lab, lab_directory, open_cells, open_notebook  # noqa: F401 - fixtures

SIDE, PICKS = 4096, 1000
CELL = f"""import numpy as np
from relionlab.widgets.picking.manual_picker import ManualPicker
picker = ManualPicker('micrographs', pixel_size=1.0)
for name in picker.picking.names:
    for x, y in np.random.default_rng(0).uniform(100, {SIDE - 100}, ({PICKS}, 2)):
        picker.picking.add(name, x, y, stroke='benchmark')
picker.show(picker.name)
picker"""
CLICKS = """async () => {
  const target = document.querySelector('.rl-mg-figure'), box = document.querySelector('.rl-mg-marks').getBoundingClientRect();
  const said = document.querySelector('.rl-mg-said'), found = [];
  for (let i = 0; i < 40; i++) {
    const at = {clientX: box.left + 20 + (i % 8) * 60 + Math.random() * 20, clientY: box.top + 20 + Math.floor(i / 8) * 100,
      bubbles: true, cancelable: true, pointerId: 1, button: 0};
    await new Promise(requestAnimationFrame);
    const start = performance.now(), before = said.textContent;
    target.dispatchEvent(new PointerEvent('pointerdown', at));
    target.dispatchEvent(new PointerEvent('pointerup', at));
    const added = said.textContent !== before;
    await new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)));
    if (added) found.push(performance.now() - start);
    await new Promise(done => setTimeout(done, 125));
  }
  return found;
}"""
STEPS = """async () => {
  const root = document.querySelector('.rl-micrograph'), found = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now(), before = root.getAttribute('aria-label');
    root.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
    while (root.getAttribute('aria-label') === before && performance.now() - start < 20000) await new Promise(r => setTimeout(r, 4));
    await new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)));
    found.push(performance.now() - start);
    await new Promise(done => setTimeout(done, 1000));
  }
  return found;
}"""


@pytest.mark.full
@pytest.mark.browser
def test_answers_of_the_manual_picker(lab_directory, open_cells, capsys):  # noqa: F811 - fixtures
    folder = lab_directory / "micrographs"
    folder.mkdir()
    for number in range(6):
        image = np.random.default_rng(number).normal(size=(SIDE, SIDE)).astype(np.float32)
        write_image(folder / f"mic{number}.mrc", image, pixel_size=1.0)
    notebook = open_cells("picking_benchmark", CELL)
    notebook.page.locator(".rl-micrograph[data-ready]").wait_for(timeout=60_000)
    notebook.page.wait_for_timeout(2000)
    clicks, steps = (np.array(notebook.page.evaluate(code)) for code in (CLICKS, STEPS))
    with capsys.disabled():
        print(
            f"\nclick -> pick painted, {PICKS} picks there already: median {np.median(clicks):.0f} ms, most {clicks.max():.0f} ms"
        )
        print(f"next micrograph of {SIDE} px: median {np.median(steps):.0f} ms, most {steps.max():.0f} ms")
    assert len(clicks) > 5  # those that met a pick choose it instead
    assert notebook.wrong == []
