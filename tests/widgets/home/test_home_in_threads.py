"""The home page when clicks, cells and the threads that watch jobs meet in it, and when it is shown more than once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as w
import pytest

from relionlab.jobs import Class2D
from relionlab.project import JobDirectory, Project
from relionlab.widgets.home import Home
from relionlab.widgets.home.tabs import Tabs
from relionlab.widgets.monitor.monitor import JobMonitor
from relionlab.widgets.pipeline.job_page import JobPage


class Meanwhile:
    """Does something in another thread; what has to wait for its turn goes on when the test does."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def __call__(self, act: Callable[[], Any]) -> None:
        self.threads.append(threading.Thread(target=act, daemon=True))
        self.threads[-1].start()
        self.threads[-1].join(0.3)

    def end(self) -> None:
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def meanwhile() -> Meanwhile:
    return Meanwhile()


@pytest.fixture
def opened() -> Iterator[Callable[..., Home]]:
    made: list[Home] = []

    def begin(folder: Any) -> Home:
        made.append(Home(folder, period=1e6))
        return made[-1]

    yield begin
    for home in made:
        home.close()


def shown(tabs: Tabs) -> list[w.Widget]:
    return [child for box in tabs._place.children[1:] for child in box.children]


def test_page_that_is_closed_while_it_is_made_leaves_nothing_behind(meanwhile: Meanwhile):
    tabs = Tabs()
    made = w.HTML("late")

    def make() -> w.Widget:
        meanwhile(lambda: tabs.close_tab("late"))
        return made

    tabs.add("late", "Late", make)
    meanwhile.end()
    assert tabs.tabs == {}
    assert shown(tabs) == []
    assert made.comm is None


def test_page_that_two_threads_open_is_made_once(meanwhile: Meanwhile):
    tabs = Tabs()
    made: list[w.Widget] = []

    def make() -> w.Widget:
        if not made:
            made.append(w.HTML("first"))
            meanwhile(lambda: tabs.add("one", "One", make))
        else:
            made.append(w.HTML("again"))
        return made[-1]

    tabs.add("one", "One", make)
    meanwhile.end()
    assert shown(tabs) == made[:1] == made


def test_job_that_is_opened_while_the_list_is_read_keeps_its_page(begun: Project, opened, meanwhile, monkeypatch):
    home = opened(begun)
    read = home.rows.read

    def read_slowly() -> list[Any]:
        rows = read()
        monkeypatch.setattr(home.rows, "read", read)
        meanwhile(lambda: home.open_job(begun.add(Class2D(fn_img="Import/job001/particles.star")).name))
        return rows

    monkeypatch.setattr(home.rows, "read", read_slowly)
    home.refresh()
    meanwhile.end()
    assert "job:Class2D/job004" in home.tabs.tabs
    home.refresh()
    assert "job:Class2D/job004" in home.tabs.tabs


def test_page_that_is_closed_while_it_looks_watches_no_more(begun: Project, meanwhile: Meanwhile, monkeypatch):
    page = JobPage(begun.job("Class2D/job003"))
    monitor = page._panels["Results"]
    assert isinstance(monitor, JobMonitor)

    def watches(_monitor: JobMonitor) -> bool:
        meanwhile(page.close)
        return False

    monkeypatch.setattr(JobDirectory, "state", "running")
    monkeypatch.setattr(JobMonitor, "watches", property(watches))
    page.refresh()
    meanwhile.end()
    assert monitor.directory is None


def tell(home: Home, kind: str, place: str) -> None:
    """Tell what a page of the browser tells."""
    home.tabs.bar._heard(home.tabs.bar, {"kind": kind, "key": place}, [])


def test_home_that_no_page_shows_any_more_goes_when_another_one_is_shown(begun: Project, opened):
    first = opened(begun)
    tell(first, "seen", "window 1")
    tell(first, "seen", "window 2")
    tell(first, "left", "window 1")
    second = opened(begun)
    tell(second, "seen", "window 1, loaded again")
    assert first.comm is not None  # the other window shows it
    tell(first, "left", "window 2")
    tell(second, "left", "window 1, loaded again")
    assert second.comm is not None  # the page may come back to it
    third = opened(begun)
    page = second.tabs.widget("job:Class2D/job003")
    tell(third, "seen", "window 1, loaded once more")
    assert first.comm is None
    assert [part.comm for part in (second, second.list, second.tabs.bar, page, page.actions)] == [None] * 5


def test_home_that_was_never_shown_stays(begun: Project, opened):
    first, second = opened(begun), opened(begun)
    tell(second, "seen", "window")
    assert first.comm is not None


def test_what_is_typed_is_there_when_the_page_is_loaded_again(begun: Project, opened):
    home = opened(begun)
    home.open_form(Class2D(nr_classes=3)).set(nr_classes=77)
    assert opened(begun).open_page("form:1").job.nr_classes == 77


def test_what_is_typed_outlives_a_kernel_that_dies(begun: Project, opened):
    home = opened(begun)
    home.open_form(Class2D(nr_classes=3)).set(nr_classes=77)
    home.open_page("continue:Class2D/job003").set(nr_iter=99)
    home._look()  # as its clock does
    from relionlab.widgets.home.memory import HomeMemory

    kept = HomeMemory.of(begun.directory)
    assert kept.tabs == list(home.tabs.tabs)
    assert "77" in kept.forms["form:1"]
    assert opened(begun).open_page("continue:Class2D/job003").job.nr_iter == 99


def test_tabs_are_there_again_after_a_look_at_another_project(begun: Project, opened, tmp_path):
    home = opened(begun)
    home.open_form(Class2D(nr_classes=3)).set(nr_classes=77)
    home.open_page("trash:")
    keys = list(home.tabs.tabs)
    (tmp_path / "other").mkdir()
    home.open_folder(tmp_path / "other")
    assert list(home.tabs.tabs) == ["start:"]
    home.open_folder(begun.directory)
    assert list(home.tabs.tabs) == keys
    assert home.open_page("form:1").job.nr_classes == 77
