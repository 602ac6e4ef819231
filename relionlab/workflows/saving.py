"""A thread that saves what has changed a moment after it changed, and tries again where the disk does not let it."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from typing import Any

from relionlab.errors import InputError, RelionlabError

_MOMENT = 0.25
"""Seconds in which further changes of the same thing are waited for."""
_AGAIN = 3.0
"""Seconds after which what failed is tried again."""


class Saver:
    """Calls the functions that save things, one after the other, each at most once for the changes of a moment.

    listeners  are called, in the thread, after every attempt
    """

    def __init__(self) -> None:
        self.listeners: list[Callable[[], Any]] = []
        self._problems: dict[str, str] = {}
        self._waiting: dict[str, Callable[[], Any]] = {}
        self._now = ""
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        _all.add(self)

    @property
    def problem(self) -> str:
        """Why something could not be saved, in a sentence; "" if all could."""
        return next(iter(tuple(self._problems.values())), "")

    @property
    def busy(self) -> bool:
        """Whether anything waits to be saved, or is being saved."""
        with self._changed:
            return bool(self._waiting or self._now)

    def waits(self, what: str) -> bool:
        """Whether this thing waits to be saved, or is being saved."""
        with self._changed:
            return what in self._waiting or self._now == what

    def later(self, what: str, save: Callable[[], Any]) -> None:
        """Have ``save`` called in a moment; a later call for the same thing takes the place of an earlier one."""
        with self._changed:
            self._waiting[what] = save
            if self._thread is None or not self._thread.is_alive():
                self._closed = False
                self._thread = threading.Thread(target=self._run, name="relionlab-saving", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Save all that waits, now, and come back when it is done. Raises InputError if it cannot be saved."""
        while self.busy:
            failed = self._save_all()
            if failed:
                raise InputError(failed)
            with self._changed:
                if self._now:
                    self._changed.wait(0.05)

    def close(self) -> None:
        """Save all that waits, and end the thread."""
        self._closed = True
        with self._changed:
            self._changed.notify_all()
        self.flush()

    def _run(self) -> None:
        while not self._closed:
            with self._changed:
                self._changed.wait(_AGAIN if self.problem else _MOMENT)
                if not self._waiting:
                    self._thread = None
                    return
            self._save_all()

    def _save_all(self) -> str:
        """Try once to save each thing that waits; returns why one of them could not be, "" if all could."""
        failed = ""
        with self._changed:
            waiting = list(self._waiting)
        for what in waiting:
            with self._changed:
                if self._now or what not in self._waiting:
                    continue  # another thread is at it
                self._now, save = what, self._waiting.pop(what)
            try:
                save()
                self._problems.pop(what, None)
            except (OSError, RelionlabError) as error:
                failed = f"Not saved: {error}. It is tried again every {_AGAIN:g} s; nothing is lost while this page is open."
                self._problems[what] = failed
                with self._changed:
                    self._waiting.setdefault(what, save)
            finally:
                with self._changed:
                    self._now = ""
                    self._changed.notify_all()
            for listener in tuple(self.listeners):
                listener()
        return failed


_all: weakref.WeakSet[Saver] = weakref.WeakSet()


@atexit.register
def _save_what_waits() -> None:
    """Save what waits when Python ends: when a kernel is restarted or shut down."""
    for saver in list(_all):
        saver._closed = True
        saver._save_all()
