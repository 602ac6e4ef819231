"""Gallery, table, plot and links in a real browser, on a small project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.linked_project import make_project

CELLS = [
    "from relionlab.widgets import ImageGallery, ImageTools, StarView",
    "classes = ImageGallery('linked/Class2D/job003', height=300)\nclasses",
    "view = StarView('linked/Class2D/job003/run_it003_data.star')\nview",
    "tools = ImageTools('linked/Micrographs/mic001.mrc')\ntools",
]


@pytest.fixture(scope="module")
def notebook(lab_directory: Path, open_cells):
    """A notebook with a gallery of classes, a table and an image with its tools, all cells run."""
    make_project(lab_directory / "linked")
    opened = open_cells("gallery", *CELLS)
    opened.page.locator(".rl-image canvas").first.wait_for(timeout=60_000)
    assert opened.cell_errors() == []
    return opened


def bright(notebook, tile) -> int:
    """How many grey values a tile's picture has: 1 before it has come."""
    return tile.locator("canvas").evaluate(
        "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 == 0)).size"
    )


def test_thumbnails_arrive_and_a_click_is_heard(notebook):
    tiles = notebook.page.locator(".rl-image")
    assert tiles.count() == 4
    notebook.until(lambda: bright(notebook, tiles.nth(3)) > 50)
    tiles.nth(0).click()
    tiles.nth(2).click(modifiers=["Shift"])
    notebook.until(lambda: notebook.python("print(classes.selected.tolist())") == "[0, 1, 2]")
    assert notebook.page.locator(".rl-image.rl-chosen").count() == 3
    notebook.page.get_by_text("of 60 particles").first.wait_for(timeout=30_000)
    notebook.picture("gallery_classes")


def test_keys_choose_too(notebook):
    notebook.page.locator(".rl-images").first.focus()
    notebook.page.keyboard.press("Escape")
    notebook.until(lambda: notebook.python("print(classes.choice.count)") == "0")
    for key in ("Home", "ArrowRight", "Space", "i"):
        notebook.page.keyboard.press(key)
    notebook.until(lambda: notebook.python("print(classes.selected.tolist())") == "[0, 2, 3]")
    notebook.page.keyboard.press("Control+a")
    notebook.until(lambda: notebook.python("print(classes.choice.count)") == "4")


def test_the_right_button_has_relions_menu(notebook):
    notebook.page.locator(".rl-image").nth(1).click(button="right")
    menu = notebook.page.locator(".rl-menu")
    assert menu.get_by_role("menuitem").all_inner_texts()[:5] == [
        "Select all above",
        "Select all below",
        "Select all",
        "Select none",
        "Invert the selection",
    ]
    menu.get_by_text("Select none").click()
    notebook.until(lambda: notebook.python("print(classes.choice.count)") == "0")
    assert menu.count() == 0
    notebook.page.locator(".rl-image").nth(1).click(button="right")
    menu.get_by_text("Select all above").click()
    notebook.until(lambda: notebook.python("print(classes.selected.tolist())") == "[0, 1]")


def test_one_click_from_class_to_particles_to_micrograph_to_ctf(notebook):
    page = notebook.page
    page.locator(".rl-image").nth(1).click()
    page.locator(".rl-gallery").first.get_by_role("button", name="Particles", exact=True).first.click()
    drawer = page.locator(".rl-drawer").first
    drawer.get_by_text("Particles of class 2 (20 particles)").wait_for(timeout=30_000)
    particles = drawer.locator(".rl-image")
    notebook.until(lambda: particles.count() == 20 and bright(notebook, particles.first) > 50)
    notebook.picture("gallery_particles_of_class")
    particles.nth(8).click()
    drawer.get_by_role("button", name="Micrograph").first.click()
    drawer.get_by_text("Micrograph mic002.mrc and the particle").wait_for(timeout=60_000)
    notebook.picture("gallery_micrograph_of_particle")
    drawer.get_by_role("button", name="CTF").last.click()
    drawer.get_by_text("CTF of mic002.mrc").wait_for(timeout=60_000)
    drawer.get_by_role("button", name="Back").click()
    drawer.get_by_text("Micrograph mic002.mrc and the particle").wait_for(timeout=30_000)
    drawer.get_by_role("button", name="Close").click()
    drawer.get_by_text("Micrograph mic002.mrc").wait_for(state="detached", timeout=30_000)


def test_the_table_scrolls_sorts_and_chooses(notebook):
    page = notebook.page
    table = page.locator(".rl-table").first
    table.scroll_into_view_if_needed()
    rows = table.locator(".rl-table-row")
    notebook.until(lambda: rows.first.inner_text().startswith("1"))
    table.evaluate("element => { element.scrollTop = element.scrollHeight; }")
    notebook.until(lambda: "60" in [text.split("\n")[0] for text in rows.all_inner_texts()])
    table.get_by_role("columnheader", name="CoordinateX").click()
    notebook.until(lambda: notebook.python("print(view.choice.sorted_by)") == "rlnCoordinateX")
    lowest = notebook.python("print(view.table['rlnCoordinateX'].argmin() + 1)")
    notebook.until(lambda: rows.first.inner_text().split("\n")[0] == lowest)
    rows.first.click()
    notebook.until(lambda: notebook.python("print(view.choice.rows[0] + 1)") == lowest)
    notebook.picture("star_table")


def test_a_box_drawn_in_the_plot_chooses_rows(notebook):
    page = notebook.page
    notebook.python("view.choice.clear(); view.plot('rlnCoordinateX', 'rlnCoordinateY')")
    page.locator(".rl-live[data-ready]").first.wait_for(timeout=60_000)

    def drawn() -> bool:  # the figure may still move while the page is laid out: then once more
        box = page.locator(".rl-live").first.bounding_box()
        page.mouse.move(box["x"] + 150, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + 400, box["y"] + 200, steps=5)
        page.mouse.move(box["x"] + 700, box["y"] + 300, steps=5)
        page.mouse.up()
        return int(notebook.python("print(view.choice.count)")) > 5

    notebook.until(drawn, seconds=60)
    notebook.picture("star_plot")


def test_a_line_and_a_circle_are_drawn(notebook):
    page = notebook.page
    figure = page.locator(".rl-live").last
    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()

    def drag():
        page.mouse.move(box["x"] + 200, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + 240, box["y"] + 220, steps=4)
        page.mouse.move(box["x"] + 320, box["y"] + 240, steps=4)
        page.mouse.up()

    drag()
    notebook.until(lambda: notebook.python("print(tools.line is not None)") == "True")
    page.get_by_role("button", name="Circle").click()
    drag()
    notebook.until(lambda: int(notebook.python("print(tools.region.sum())")) > 1000)
    notebook.picture("image_tools")


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
