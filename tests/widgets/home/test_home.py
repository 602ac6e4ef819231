"""The home page: what it opens, remembers and survives, and that looking changes nothing."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import ipywidgets as w
import pytest

from relionlab.jobs import Class2D, Import
from relionlab.project import Project
from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.home import Home, pages
from relionlab.widgets.home.memory import recent_projects
from relionlab.widgets.pipeline.job_page import JobPage
from tests.waiting import until


@pytest.fixture
def opened():
    """Open home pages that look at nothing by themselves; all are closed at the end."""
    made: list[Home] = []

    def begin(folder) -> Home:
        made.append(Home(folder, period=1e6))
        return made[-1]

    yield begin
    for home in made:
        home.close()


def titles(home: Home) -> list[str]:
    return [title for _, title in home.tabs.bar.tabs]


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    stats = {path.relative_to(folder).as_posix(): path.lstat() for path in folder.rglob("*")}
    return {name: (stat.st_mtime_ns, stat.st_size) for name, stat in stats.items()}


def test_lists_the_jobs_newest_first_and_shows_the_last_one(begun: Project, opened):
    home = opened(begun)
    assert [row["name"] for row in home.list.rows] == ["Class2D/job003", "Class2D/job002", "Import/job001"]
    assert [row["state"] for row in home.list.rows] == ["failed", "scheduled", "finished"]
    assert home.list.rows[1]["title"] == "five"
    assert titles(home) == ["Class2D job003"]
    until(lambda: home.list.rows[2]["number"] == "3 particles")


def test_looking_writes_nothing_into_the_folder(begun: Project, opened):
    before = snapshot(begun.directory)
    home = opened(begun.directory)
    for key in ("job:Import/job001", "graph:", "compare:Class2D/job002,Class2D/job003", "sweep:", "trash:"):
        home.open_page(key)
        assert not home.tabs.tabs[key].failed
    home.open_form(Class2D)
    home.hide("Import/job001")
    home._look()
    home.close()
    assert snapshot(begun.directory) == before


def test_empty_folder_offers_five_ways_to_begin(tmp_path: Path, opened):
    (tmp_path / "new").mkdir()
    home = opened(tmp_path / "new")
    assert titles(home) == ["Start here"]
    start = home.tabs.widget("start:")
    assert [choice["key"] for choice in start.choices.choices] == [
        "movies",
        "micrographs",
        "particles",
        "practice",
        "open",
    ]
    assert list((tmp_path / "new").iterdir()) == []


def test_particles_lead_to_their_import_form_in_one_step(tmp_path: Path, begun: Project, opened):
    folder = tmp_path / "new"
    folder.mkdir()
    shutil.copy(begun.directory / "particles.star", folder / "mine.star")
    home = opened(folder)
    home.tabs.widget("start:").choose("particles")
    assert titles(home) == ["New Import"]
    form = home.tabs.widget(home.tabs.current)
    assert isinstance(form, JobForm)
    assert form.job == Import(
        do_raw=False, do_other=True, fn_in_other="mine.star", node_type="Particles STAR file (.star)"
    )
    assert (folder / "default_pipeline.star").exists()


def test_form_becomes_the_page_of_its_job(begun: Project, opened):
    home = opened(begun)
    form = home.open_form(Class2D(fn_img="Import/job001/particles.star", nr_classes=3))
    form.schedule()
    assert titles(home) == ["Class2D job003", "Class2D job004"]
    assert home.tabs.current == "job:Class2D/job004"
    assert home.list.current == "Class2D/job004"
    assert home.list.rows[0]["name"] == "Class2D/job004"


def test_everything_open_comes_back_after_a_restart(begun: Project, opened):
    home = opened(begun)
    home.open_page("graph:Class2D/job002")
    form = home.open_form(Class2D(nr_classes=3))
    form.set(nr_classes=77)
    home.open_page("trash:")
    home.hide("Class2D/job002")
    home.open("Particles of class 3", lambda: w.HTML("gone with the kernel"))
    home.open_job("five")
    home.close()
    again = opened(begun)
    assert titles(again) == ["Class2D job003", "Branch of Class2D/job002", "New Class2D", "Trash", "Class2D five"]
    assert again.tabs.current == "job:Class2D/job002"
    assert again.list.hidden == ["Class2D/job002"]
    assert again.tabs.widget("trash:") is None  # made when it is shown
    assert again.open_page("form:1").job.nr_classes == 77
    assert recent_projects() == [begun.directory]


def test_same_title_opens_once(begun: Project, opened):
    home = opened(begun)
    first = home.open("One", lambda: w.HTML("one"))
    assert home.open("One", lambda: w.HTML("another")) is first
    home.tabs.close_tab("free:One")
    assert titles(home) == ["Class2D job003"]


def click(home: Home, name: str) -> None:
    home.list._heard(home.list, {"kind": "open", "key": name}, [])


def test_jobs_that_are_only_looked_at_share_one_tab(begun: Project, opened):
    home = opened(begun)
    home.open_page("graph:")
    assert titles(home) == ["Class2D job003", "Flowchart"]
    click(home, "Import/job001")
    assert titles(home) == ["Import job001", "Flowchart"]  # where the other one was
    home.tabs.widget("job:Import/job001")._on_job("Class2D/job002")  # a link to another job
    assert titles(home) == ["Class2D five", "Flowchart"]
    home.close()
    again = opened(begun)
    click(again, "Import/job001")
    assert titles(again) == ["Import job001", "Flowchart"]


def test_job_in_which_something_was_done_or_that_is_clicked_twice_keeps_its_tab(begun: Project, opened):
    home = opened(begun)
    home.tabs.bar._heard(home.tabs.bar, {"kind": "keep", "key": "job:Class2D/job003"}, [])  # what the page tells
    click(home, "Import/job001")
    click(home, "Import/job001")
    click(home, "Class2D/job002")
    assert titles(home) == ["Class2D job003", "Import job001", "Class2D five"]
    home.tabs.bar._heard(home.tabs.bar, {"kind": "show", "key": "job:Class2D/job002"}, [])
    assert home.tabs.bar.preview == ""


def test_new_alias_stands_on_the_tab(begun: Project, opened):
    home = opened(begun)
    begun.job("Class2D/job003").alias("better")
    home.refresh()
    assert titles(home) == ["Class2D better"]


def test_page_that_is_closed_takes_all_its_parts_along(begun: Project, opened):
    home = opened(begun)
    click(home, "Class2D/job002")
    page = home.tabs.widget("job:Class2D/job002")
    parts = [page, page.links, page.actions, *page.actions.children, page.actions.layout]
    assert all(part.comm is not None for part in parts)
    click(home, "Import/job001")
    assert all(part.comm is None for part in parts)


def test_two_comparisons_have_titles_that_differ(begun: Project, opened):
    home = opened(begun)
    home.open_page("compare:")
    home.open_page("compare:Class2D/job003").add("Class2D/job002")
    assert titles(home)[1:] == ["Compare", "Compare job003, job002"]


def test_page_that_fails_says_so_and_can_be_tried_again(begun: Project, opened):
    home = opened(begun)
    calls = []

    def make() -> w.Widget:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("one by nothing")
        return w.HTML("there")

    excuse = home.open("Odd", make)
    assert "one by nothing" in excuse.children[0].value
    excuse.children[1].click()
    assert home.tabs.widget("free:Odd").value == "there"
    assert isinstance(home.open_job("job003"), JobPage)


def test_jobs_ask_for_other_pages(begun: Project, opened):
    home = opened(begun)
    failed = begun.job("job003")
    assert home.want(failed, "clone").job.nr_classes == 9
    assert home.want(failed, "continue").directory.name == "Class2D/job003"
    assert home.want(failed, "sweep").job.nr_classes == 9
    for wanted in ("graph", "compare"):
        home.want(failed, wanted)
        assert not home.tabs.tabs[home.tabs.current].failed


def test_deleted_job_takes_its_page_along_and_comes_back(begun: Project, opened):
    home = opened(begun)
    page = home.open_job("job002")
    page.actions._act(begun.job("job002").delete)
    assert "job:Class2D/job002" not in home.tabs.tabs
    trash = home.open_page("trash:")
    trash.table.selected = ["Class2D/job002"]
    assert trash.bring_back() == ["Class2D/job002"]
    assert "Class2D/job002" in [row["name"] for row in home.list.rows]


def test_palette_finds_types_jobs_and_views(begun: Project, opened):
    home = opened(begun)
    home.open_palette()
    keys = [entry["key"] for entry in home.palette.entries]
    assert home.palette.shown
    assert {"new:relion.class2d", "job:Class2D/job002", "graph:"} <= set(keys)
    home._chosen("new:relion.class2d")
    assert titles(home)[-1] == "New Class2D"
    home._chosen("job:Class2D/job002")
    assert titles(home)[-1] == "Class2D five"


def test_stale_lock_is_said_and_broken_by_its_button(begun: Project, opened):
    (begun.directory / ".relion_lock").mkdir()
    gone = time.time() - 3600
    os.utime(begun.directory / ".relion_lock", (gone, gone))
    home = opened(begun)
    assert "lock behind when it died" in home.top._amiss.value
    home.top._cure.click()
    assert not (begun.directory / ".relion_lock").exists()
    home.refresh()
    assert home.top._warning.layout.display == "none"


def test_broken_pipeline_is_said_and_rebuilt(begun: Project, opened):
    (begun.directory / "default_pipeline.star").write_text("data_nonsense\n")
    home = opened(begun.directory)
    assert "Rebuild" in home.top._cure.description
    home.top._cure.click()
    assert [row["name"] for row in home.list.rows] == ["Class2D/job003", "Class2D/job002", "Import/job001"]


def test_pipeline_that_breaks_while_the_page_is_open_does_not_take_it_down(begun: Project, opened):
    home = opened(begun)
    whole = (begun.directory / "default_pipeline.star").read_text()
    (begun.directory / "default_pipeline.star").write_text("data_nonsense\n")
    home.refresh()
    assert home.top._warning.layout.display == ""
    (begun.directory / "default_pipeline.star").write_text(whole)
    home.refresh()
    assert home.top._warning.layout.display == "none"
    assert len(home.list.rows) == 3


@pytest.mark.parametrize(
    ("folder", "jobs", "dialect"),
    [
        ("relion31_tutorial_meta", 31, "RELION 3.1"),
        ("empiar10017_betagal_relion21", 28, "RELION 2"),
        ("empiar10204_betagal_relion5", 8, "RELION 5"),
    ],
)
def test_projects_of_relion_open_without_harm(shared_data: Path, opened, folder: str, jobs: int, dialect: str):
    place = shared_data / folder
    before = snapshot(place)
    home = opened(place)
    assert len(home.list.rows) == jobs
    assert dialect in home.top._told.value
    for row in home.list.rows:
        home.open_job(row["name"])
        assert not home.tabs.tabs[home.tabs.current].failed, row["name"]
        home.tabs.close_tab(home.tabs.current)
    assert len(home.open_page("graph:").graph.jobs) == jobs
    home._look()
    assert snapshot(place) == before


def test_pages_of_pictures_to_work_on_have_the_whole_width(begun: Project, opened):
    home = opened(begun)
    assert not home.side.folded
    home.tabs.add("view:tune:Class2D/job003", "Tune", lambda: w.HTML("a picker"))
    assert home.side.folded
    home.side.turn()  # by hand
    home.open_job("Import/job001")
    assert not home.side.folded
    home.side.turn()
    home.tabs.show("view:tune:Class2D/job003")
    assert not home.side.folded  # as it was chosen there
    home.open_job("Import/job001")
    assert home.side.folded


def test_of_a_long_list_it_is_said_how_long_it_takes(begun: Project, opened, monkeypatch):
    home = opened(begun)
    said: list[str] = []
    monkeypatch.setattr(home.message, "say", said.append)
    listed = next(begun.directory.glob("Import/job001/*.star"))
    home.open_file(listed)
    assert said == []
    home.tabs.close_tab(home.tabs.current)
    monkeypatch.setattr(pages, "_BYTES_PER_SECOND", 1)
    home.open_file(listed)
    assert said == [f"Reading {listed.name}: {listed.stat().st_size} bytes, about {listed.stat().st_size + 1} s …", ""]
