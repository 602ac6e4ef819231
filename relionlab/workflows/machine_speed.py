"""How fast this machine computes, beside the reference core in whose seconds the work of jobs is declared.

Measured once, in less than a second, by what jobs spend their time with: transforms, products of matrices, and passes
through memory. Kept in the user's cache folder, one entry for each machine and number of cores.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft

from relionlab.io.atomic import atomic_write
from relionlab.settings import usable_cores

_SPEED_FILE = "speed.json"
_SIDE, _IMAGES, _ORDER, _LONG = 256, 24, 384, 2_000_000
_REFERENCE = {"transform": 0.0046, "product": 0.0011, "memory": 0.00083}
"""Seconds that the reference core takes for each."""
_TIMES = 15


def cache_folder() -> Path:
    """Return the folder in which what was measured is kept: ``relionlab`` in the user's cache folder (XDG_CACHE_HOME)."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "relionlab"


def core_speed() -> float:
    """Return the speed of one core of this machine, 1 for the reference core; measured when it is first asked for."""
    return _known(str(cache_folder()))


def measured_speed() -> float:
    """Measure it now: the geometric mean over three kinds of work, each at its best of several times."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((_IMAGES, _SIDE, _SIDE)).astype(np.float32)
    square = rng.standard_normal((_ORDER, _ORDER)).astype(np.float32)
    line = rng.standard_normal(_LONG).astype(np.float32)
    kinds: dict[str, Callable[[], Any]] = {
        "transform": lambda: scipy.fft.rfft2(images, workers=1),
        "product": lambda: square @ square,
        "memory": lambda: np.add(line, line * line),
    }
    with _one_thread():
        ratios = [_REFERENCE[name] / _best(work) for name, work in kinds.items()]
    return float(np.exp(np.mean(np.log(ratios))))


def read_json(name: str) -> dict[str, Any]:
    """Return what a file of the cache folder holds; empty where there is none, or it is damaged."""
    try:
        found = json.loads((cache_folder() / name).read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def write_json(name: str, content: dict[str, Any]) -> None:
    """Write a file of the cache folder; where that may not be written, nothing is kept."""
    with suppress(OSError):
        cache_folder().mkdir(parents=True, exist_ok=True)
        with atomic_write(cache_folder() / name) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n")


def machine_name() -> str:
    """Return by what name this machine is remembered: its own, and how many cores this process may use."""
    return f"{socket.gethostname()}, {usable_cores()} cores"


@lru_cache(maxsize=4)
def _known(_folder: str) -> float:
    kept = read_json(_SPEED_FILE)
    found = kept.get(machine_name())
    if isinstance(found, int | float) and 0.01 < found < 100:
        return float(found)
    speed = measured_speed()
    write_json(_SPEED_FILE, {**kept, machine_name(): round(speed, 3)})
    return speed


def _best(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _one_thread() -> Any:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)
