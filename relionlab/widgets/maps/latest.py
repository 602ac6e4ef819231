"""A thread that does the newest of what was asked: what a slider passed on its way is left out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Latest:
    """Calls ``work(value, newer)`` for the value that was asked last; ``newer()`` says whether another one waits.

    The thread ends when there is nothing to do for ``idle`` seconds, and begins again when it is asked.
    """

    def __init__(self, work: Callable[[Any, Callable[[], bool]], None], *, idle: float = 5.0) -> None:
        self._work, self._idle = work, idle
        self._changed = threading.Condition()
        self._waiting: list[Any] = []
        self._busy = False
        self._thread: threading.Thread | None = None

    def ask(self, value: Any) -> None:
        """Have this done next, instead of whatever waits."""
        with self._changed:
            self._waiting[:] = [value]
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="relionlab-latest", daemon=True)
                self._thread.start()

    def wait(self, seconds: float = 120.0) -> bool:
        """Wait until nothing is left to do; returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def _newer(self) -> bool:
        return bool(self._waiting)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: bool(self._waiting), self._idle):
                    self._thread = None
                    return
                value = self._waiting.pop()
                self._busy = True
            try:
                self._work(value, self._newer)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
