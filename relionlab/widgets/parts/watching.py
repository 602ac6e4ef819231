"""A thread that looks at a directory again and again, so that the notebook's kernel stays free."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from relionlab.errors import RelionlabError

_MAY_LOOK = threading.Event()
_MAY_LOOK.set()


def look_after(load: Callable[[], object]) -> None:
    """Have the main thread call ``load`` once it has done what it is at, as showing a page; no watch begins to look before.

    For loading libraries. Before Python 3.15, threads that load modules at the same time may meet half-made ones (CPython issues
    83065, 91351); here, two that loaded libraries of pictures have left Python 3.11's lock of imports with a thread that was gone, and
    the next import waited for ever: in ZeroMQ's thread, so that the kernel never said a word again.
    Without a running event loop, as in a script, it is called at once.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        load()
        return
    _MAY_LOOK.clear()

    def first() -> None:
        try:
            load()
        finally:
            _MAY_LOOK.set()

    loop.call_soon(first)


class Watch:
    """Calls ``look`` every ``period`` seconds until it returns False or :meth:`stop` is called.

    A look that fails on what it reads, as a file that another program is just writing, is followed by the next one.
    """

    def __init__(self, look: Callable[[], bool], *, period: float = 1.0) -> None:
        self._look, self._period = look, period
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relionlab-watch", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still looks."""
        return self._thread.is_alive()

    def stop(self, *, wait: bool = True) -> None:
        """Stop looking; returns when the last look has ended, or without ``wait`` at once."""
        self._stop.set()
        if wait and self._thread is not threading.current_thread():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        _MAY_LOOK.wait()
        while not self._stop.is_set():
            try:
                if not self._look():
                    return
            except (RelionlabError, OSError):
                pass
            self._stop.wait(self._period)
