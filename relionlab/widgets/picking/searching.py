"""Maps of micrographs are computed in a thread, one after the other, and how long that takes is said."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from relionlab.errors import RelionlabError


class Search(w.HBox):
    """A line that says which micrograph is searched, how many are left, and about how long they take.

    work  computes the maps of one micrograph by its name
    done  is called with the name when that has been done, and with what was wrong, or ""
    """

    def __init__(self, work: Callable[[str], Any], done: Callable[[str, str], None]) -> None:
        self._work, self._done = work, done
        self._queue: list[str] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._total = self._finished = 0
        self._seconds = 0.0
        self._bar = w.FloatProgress(min=0, max=1, layout=w.Layout(width="160px"))
        self._words = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self._stop = w.Button(
            description="Stop", icon="stop", tooltip="Search no more micrographs", layout=w.Layout(width="80px")
        )
        self._stop.on_click(lambda _button: self.stop())
        super().__init__([self._bar, self._words, self._stop], layout=w.Layout(display="none", align_items="center"))

    @property
    def busy(self) -> bool:
        """Whether anything is being searched."""
        return self._thread is not None and self._thread.is_alive()

    def ask(self, names: Sequence[str], *, first: bool = True) -> None:
        """Search these as well; ``first``: before those that wait already."""
        with self._lock:
            fresh = [name for name in names if name not in self._queue]
            if first:
                fresh = list(dict.fromkeys(names))
                self._queue = [*fresh, *(name for name in self._queue if name not in fresh)]
            else:
                self._queue += fresh
            if not self._queue or self.busy:
                return
            self._total = self._finished = 0
            self._thread = threading.Thread(target=self._run, name="relionlab-search", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Forget those that wait; the one that is searched is finished."""
        with self._lock:
            self._queue.clear()

    def wait(self, seconds: float = 600.0) -> bool:
        """Wait until nothing is searched any more; returns whether that came true."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return not self.busy

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._thread = None
                    break
                name = self._queue.pop(0)
                left = len(self._queue)
            self._say(name, left)
            start, wrong = time.perf_counter(), ""
            try:
                self._work(name)
            except (RelionlabError, OSError, MemoryError) as error:
                wrong = str(error) or type(error).__name__
            self._finished += 1
            self._seconds += (time.perf_counter() - start - self._seconds) / self._finished
            self._done(name, wrong)
        self.layout.display = "none"

    def _say(self, name: str, left: int) -> None:
        total = self._finished + 1 + left
        pace = f" · {self._seconds:.1f} s each, about {self._seconds * (left + 1):.0f} s left" if self._finished else ""
        short = html.escape(name.rpartition("/")[2])
        self._words.value = (
            f'<span class="rl-muted">Computing the maps of {short} ({self._finished + 1} of {total}){pace}</span>'
        )
        self._bar.value = self._finished / total
        self.layout.display = "flex"
