"""Work that must not hold up the one who types: done in a thread, and of several requests only the newest counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

SLOW_SECONDS = 0.3


class Newest:
    """Does work in a thread; what is asked while it works waits, and only the newest of it is done.

    slow  called when a piece of work takes long, to say so
    """

    def __init__(self, slow: Callable[[], None] | None = None) -> None:
        self._slow = slow
        self._lock = threading.Lock()
        self._waiting: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self._idle = threading.Event()
        self._idle.set()

    def ask(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Have ``work`` done and ``then`` called with its result, unless something newer is asked before."""
        with self._lock:
            self._waiting = (work, then)
            if not self._idle.is_set():
                return
            self._idle.clear()
        threading.Thread(target=self._run, name="relionlab-form", daemon=True).start()

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until everything that was asked is done; says whether it is."""
        return self._idle.wait(seconds)

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._waiting is None:
                    self._idle.set()
                    return
                (work, then), self._waiting = self._waiting, None
            late = threading.Timer(SLOW_SECONDS, self._slow or (lambda: None))
            late.daemon = True
            late.start()
            try:
                result = work()
            except BaseException:
                self._idle.set()
                raise
            finally:
                late.cancel()
            with self._lock:
                newer = self._waiting is not None
            if not newer:
                then(result)
