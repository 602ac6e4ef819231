"""Picking by hand in a real browser: no click is lost, and the file that RELION reads holds what the page shows."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.io.coordinates import FOM, X, Y, read_coordinates
from relionlab.io.images import write_image
from relionlab.io.particles import read_particles

CELLS = [
    """from relionlab.widgets.picking.manual_picker import ManualPicker
picker = ManualPicker('micrographs', pixel_size=2.0, pixels=420)
picker""",
    """ends = ManualPicker('filaments', pixel_size=2.0, pixels=420, filaments=True)
ends""",
]
SIDE, SHOWN = 1000, 420
"""Pixels of a micrograph, and of its picture on the screen."""
GRID = [(x, y) for y in range(60, 1000, 220) for x in range(60, 1000, 120)]
"""(x, y) in px of 40 places that are apart by more than a circle."""


@pytest.fixture(scope="module")
def notebook(lab_directory, open_cells):
    """A picker on three micrographs in a folder, no project."""
    folder = lab_directory / "micrographs"
    rng = np.random.default_rng(1)
    for place in (folder, lab_directory / "filaments"):
        place.mkdir()
    write_image(place / "mic0.mrc", rng.normal(size=(SIDE, SIDE)).astype(np.float32), pixel_size=2.0)
    for number in range(3):
        write_image(folder / f"mic{number}.mrc", rng.normal(size=(SIDE, SIDE)).astype(np.float32), pixel_size=2.0)
    opened = open_cells("picking", *CELLS, run=1)
    opened.page.locator(".rl-micrograph[data-ready]").wait_for(timeout=60_000)
    opened.page.locator(".rl-micrograph").scroll_into_view_if_needed()
    return opened


@pytest.fixture(scope="module")
def at(notebook):
    """A function from px of the micrograph to the screen, as long as nothing is zoomed."""
    box = notebook.page.locator(".rl-mg-marks").bounding_box()
    assert box["width"] == pytest.approx(SHOWN, abs=1)
    return lambda x, y: (box["x"] + x * SHOWN / SIDE, box["y"] + y * SHOWN / SIDE)


def count(notebook) -> int:
    return int(notebook.python("print(len(picker.picking.picks(picker.name)))"))


def in_file(folder, number: int = 0) -> np.ndarray:
    table = read_coordinates(folder / f"ManualPick/mic{number}_manualpick.star")
    return np.stack([table.numbers(X), table.numbers(Y)], axis=1)


def test_forty_fast_picks_are_all_there(notebook, at, lab_directory):
    assert len(GRID) == 40
    for place in GRID:
        notebook.page.mouse.click(*at(*place))
        notebook.page.wait_for_timeout(100)  # with the time of the click itself some eight a second
    notebook.until(lambda: count(notebook) == 40)
    assert notebook.page.locator(".rl-mg-said").inner_text() == "40 picks"
    notebook.python("picker.save()")
    found = in_file(lab_directory / "micrographs")
    assert found.shape == (40, 2)
    assert np.abs(found - np.array(GRID)).max() < 3  # one pixel of the screen is 2.4 px
    table = read_coordinates(lab_directory / "micrographs/ManualPick/mic0_manualpick.star")
    assert set(table.numbers(FOM)) == {-999.0}  # as RELION marks what was picked by hand
    notebook.picture("picker")


def test_clicks_without_a_pause_are_not_lost_either(notebook, at):
    for x, y in GRID[:8]:
        notebook.page.mouse.click(*at(x, y + 110))
    notebook.until(lambda: count(notebook) == 48)


def test_a_click_on_a_pick_adds_no_second_one(notebook, at):
    notebook.page.mouse.dblclick(*at(*GRID[3]))
    notebook.page.wait_for_timeout(200)
    assert count(notebook) == 48


def test_a_pick_is_moved(notebook, at):
    mouse = notebook.page.mouse
    mouse.move(*at(*GRID[39]))
    mouse.down()
    mouse.move(*at(GRID[39][0] + 30, GRID[39][1] + 50), steps=4)
    mouse.up()
    notebook.until(lambda: "True" in notebook.python("print(any(picker.picking.picks(picker.name).y > 960))"))
    assert count(notebook) == 48


def test_a_drag_beside_picks_moves_the_picture_only(notebook, at):
    notebook.page.mouse.move(*at(500, 500))
    notebook.page.mouse.wheel(0, -300)
    mouse = notebook.page.mouse
    mouse.down()
    mouse.move(*at(560, 560), steps=4)
    mouse.up()
    notebook.until(lambda: notebook.python("print(picker.view.detail.get('greys') is not None)") == "True")
    assert count(notebook) == 48
    notebook.picture("picker_zoomed")
    notebook.page.keyboard.press("0")
    notebook.until(lambda: notebook.python("print(picker.view.detail.get('greys') is not None)") == "False")


def test_delete_undo_and_redo(notebook, at):
    keyboard = notebook.page.keyboard
    notebook.page.mouse.move(*at(*GRID[0]))
    keyboard.press("Delete")
    notebook.until(lambda: count(notebook) == 47)
    notebook.page.mouse.move(*at(*GRID[1]))
    keyboard.press("Backspace")
    notebook.until(lambda: count(notebook) == 46)
    keyboard.press("Control+z")
    keyboard.press("Control+z")
    notebook.until(lambda: count(notebook) == 48)
    keyboard.press("Control+Shift+Z")
    notebook.until(lambda: count(notebook) == 47)
    keyboard.press("Control+z")
    notebook.until(lambda: count(notebook) == 48)
    assert notebook.page.locator(".rl-mg-said").inner_text() == "48 picks"


def test_the_middle_button_sweeps_picks_away_in_one_step(notebook, at, lab_directory):
    mouse = notebook.page.mouse
    mouse.move(*at(20, GRID[16][1]))
    mouse.down(button="middle")
    mouse.move(*at(980, GRID[16][1]), steps=10)
    mouse.up(button="middle")
    notebook.until(lambda: count(notebook) == 40)  # a row of eight is gone
    notebook.python("picker.save()")
    assert len(in_file(lab_directory / "micrographs")) == 40
    notebook.page.keyboard.press("Control+z")
    notebook.until(lambda: count(notebook) == 48)


def test_the_right_button_opens_a_menu(notebook, at):
    notebook.page.mouse.click(*at(*GRID[5]), button="right")
    notebook.picture("picker_menu")
    notebook.page.get_by_role("menuitem", name="Delete this pick").click()
    notebook.until(lambda: count(notebook) == 47)
    notebook.page.mouse.click(*at(*GRID[5]), button="right")
    notebook.page.get_by_role("menuitem", name="Pick here").click()
    notebook.until(lambda: count(notebook) == 48)


def test_picking_by_keyboard_alone(notebook, lab_directory):
    keyboard = notebook.page.keyboard
    keyboard.press("ArrowRight")
    notebook.until(lambda: notebook.python("print(picker.name)") == "mic1.mrc")
    notebook.until(lambda: notebook.page.locator(".rl-mg-said").inner_text() == "0 picks")
    keyboard.press("k")
    keyboard.press("Enter")
    for _ in range(4):
        keyboard.press("Shift+ArrowRight")
    keyboard.press("Enter")
    notebook.until(lambda: count(notebook) == 2)
    notebook.picture("picker_keyboard")
    keyboard.press("Delete")
    notebook.until(lambda: count(notebook) == 1)
    keyboard.press("Escape")
    keyboard.press(" ")
    notebook.until(lambda: notebook.python("print(picker.picking.is_kept('mic1.mrc'))") == "False")
    notebook.python("picker.save()")
    folder = lab_directory / "micrographs"
    np.testing.assert_allclose(in_file(folder, 1), [[500, 500]], atol=3)
    kept = read_particles(folder / "ManualPick/micrographs_selected.star", kind="micrographs")
    assert kept.column("rlnMicrographName").tolist() == ["mic0.mrc", "mic2.mrc"]


def test_the_list_leads_to_micrographs_and_sorts(notebook):
    notebook.page.locator(".rl-ml-head").get_by_role("button", name="picks").click()
    names = notebook.page.locator(".rl-ml-line .rl-ml-name").all_inner_texts()
    assert names == ["mic2.mrc", "mic1.mrc", "mic0.mrc"]
    notebook.page.locator(".rl-ml-line").nth(2).click()
    notebook.until(lambda: notebook.python("print(picker.name)") == "mic0.mrc")
    notebook.until(lambda: notebook.page.locator(".rl-mg-said").inner_text() == "48 picks")


def test_python_leads_to_a_place_and_marks_the_pick_there(notebook):
    x, y = GRID[20]
    notebook.python(f"picks = picker.picking.picks('mic0.mrc'); picker.go_to('mic0.mrc', {x}, {y})")
    notebook.until(lambda: notebook.python("print('greys' in picker.view.detail)") == "True")
    left, top, width, height = eval(notebook.python("print(picker.view.detail['place'])"))
    assert left < x < left + width
    assert top < y < top + height
    assert width < 600
    notebook.picture("picker_led")
    before = count(notebook)
    notebook.page.locator(".rl-micrograph").focus()
    notebook.page.mouse.move(5, 5)
    notebook.page.keyboard.press("Delete")  # of the pick that is marked
    notebook.until(lambda: count(notebook) == before - 1)
    notebook.page.keyboard.press("Control+z")
    notebook.until(lambda: count(notebook) == before)
    notebook.page.keyboard.press("0")


def test_contrast_and_filters_change_the_picture(notebook):
    shown = lambda: notebook.python("print(hash(bytes(picker.view.image['greys'])))")  # noqa: E731
    before = shown()
    slider = notebook.page.locator(".rl-picker").first.get_by_role("slider").nth(2)
    slider.focus()
    slider.press("End")
    notebook.until(lambda: notebook.python("print(picker.view.look.low_pass)") == "100.0")
    notebook.until(lambda: shown() != before)  # sliders are heard in another thread of the kernel


def test_two_clicks_make_a_filament_and_one_key_removes_it(notebook, lab_directory):
    notebook.run_cell(1)
    view = notebook.page.locator(".rl-micrograph").nth(1)
    notebook.page.locator(".rl-micrograph[data-ready]").nth(1).wait_for(timeout=60_000)
    view.scroll_into_view_if_needed()
    box = view.locator(".rl-mg-marks").bounding_box()
    there = lambda x, y: (box["x"] + x * SHOWN / SIDE, box["y"] + y * SHOWN / SIDE)  # noqa: E731
    for place in [(200, 200), (700, 400), (200, 700), (800, 800)]:
        notebook.page.mouse.click(*there(*place))
    notebook.until(lambda: '"filament":2' in (view.get_attribute("data-marks") or ""))
    notebook.page.get_by_text("2 filaments", exact=True).first.wait_for()
    notebook.picture("picker_filaments")
    notebook.page.mouse.move(*there(700, 400))
    notebook.page.keyboard.press("Delete")
    notebook.until(lambda: notebook.python("print(len(ends.picking.picks(ends.name)))") == "2")
    notebook.until(lambda: '"ring":2' in view.get_attribute("data-marks"))
    notebook.python("ends.save()")
    np.testing.assert_allclose(in_file(lab_directory / "filaments"), [(200, 700), (800, 800)], atol=3)


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
