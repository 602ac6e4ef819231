"""What later passes over the particles use again, kept in memory.

A cache is a value that a recipe makes for a run and hands to each pass. Threads of one process share it. In another process
it arrives empty, under the same name, and is found again there by the next pass: each process keeps what it was given to do.
Nothing depends on what is in it, since what is kept is compared with what it was made from.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Hashable
from weakref import WeakValueDictionary

import numpy as np

from relionlab.engine.likelihood.pixels import Pictures

_known: WeakValueDictionary[str, PictureCache] = WeakValueDictionary()
_arrived: list[PictureCache] = []  # the last one that came from another process: nothing else there would hold it


class PictureCache:
    """Blocks of particles as a pass in known poses sees them.

    most_bytes  when so much is kept, further blocks are made anew each time: a pass meets all blocks in turn, so
                dropping old ones for new ones would only make that happen to all
    """

    def __init__(self, most_bytes: int, *, name: str = "") -> None:
        self.most_bytes, self.name = most_bytes, name or uuid.uuid4().hex
        self._kept: dict[Hashable, tuple[np.ndarray, Pictures]] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        _known[self.name] = self

    def __reduce__(self) -> tuple[object, ...]:
        return _of_name, (self.name, self.most_bytes)

    @property
    def nbytes(self) -> int:
        """Memory that the kept blocks take."""
        return self._bytes

    def pictures(self, key: Hashable, made_from: np.ndarray, make: Callable[[], Pictures]) -> Pictures:
        """Return a block, as it was kept if that was made from the same.

        key        which block, and all that is the same for its particles
        made_from  numbers that the pictures depend on
        """
        with self._lock:
            found = self._kept.get(key)
        if found is not None and np.array_equal(found[0], made_from):
            return found[1]
        made = make()
        with self._lock:
            taken = made.nbytes - (self._kept[key][1].nbytes if key in self._kept else 0)
            if self._bytes + taken <= self.most_bytes:
                self._kept[key] = made_from, made
                self._bytes += taken
        return made


def _of_name(name: str, most_bytes: int) -> PictureCache:
    found = _known.get(name)
    if found is None:
        found = PictureCache(most_bytes, name=name)
        _arrived[:] = [found]
    return found
