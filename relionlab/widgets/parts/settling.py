"""What may wait until the last of many quick changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Settling:
    """Calls ``act``, in a thread of its own, once nothing was :meth:`stirred` for ``delay`` seconds."""

    def __init__(self, act: Callable[[], None], *, delay: float = 0.15) -> None:
        self._act, self._delay = act, delay
        self._lock = threading.Lock()
        self._due = 0.0
        self._waits = False

    def stirred(self) -> None:
        """Wait anew."""
        with self._lock:
            self._due = time.monotonic() + self._delay
            if self._waits:
                return
            self._waits = True
        threading.Thread(target=self._wait, name="relionlab-settling", daemon=True).start()

    def _wait(self) -> None:
        while True:
            with self._lock:
                left = self._due - time.monotonic()
                if left <= 0:
                    self._waits = False
                    break
            time.sleep(left)
        self._act()
