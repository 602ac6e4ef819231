"""Threads that look: none begins before the main thread has loaded what is large."""

from __future__ import annotations

import asyncio
import threading

import pytest

from relionlab.widgets.parts.watching import Watch, look_after
from tests.waiting import until


def test_no_watch_looks_before_the_main_thread_has_loaded():
    told: list[tuple[str, threading.Thread]] = []

    def note(what: str) -> bool:
        told.append((what, threading.current_thread()))
        return False

    async def cell() -> Watch:
        look_after(lambda: note("loaded"))
        watch = Watch(lambda: note("looked"))
        note("page is shown")  # the cell goes on to its end first
        await asyncio.sleep(0)
        return watch

    watch = asyncio.run(cell())
    until(lambda: not watch.alive)
    assert [what for what, _ in told] == ["page is shown", "loaded", "looked"]
    assert told[1][1] is threading.main_thread()
    assert told[2][1] is not threading.main_thread()


def test_watches_look_also_where_nothing_could_be_loaded():
    looked = threading.Event()

    def broken() -> None:
        raise ImportError("no such library")

    async def cell() -> list[str]:
        wrong: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(str(context["exception"])))
        look_after(broken)
        Watch(lambda: looked.set() or False)
        await asyncio.sleep(0)
        return wrong

    assert asyncio.run(cell()) == ["no such library"]
    until(looked.is_set)


def test_without_a_loop_it_is_loaded_at_once():
    loaded: list[bool] = []
    look_after(lambda: loaded.append(True))
    assert loaded == [True]
    with pytest.raises(ImportError):
        look_after(lambda: (_ for _ in ()).throw(ImportError("no such library")))
