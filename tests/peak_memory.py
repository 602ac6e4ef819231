"""Measures the largest memory of a program, or of what is done in this process."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

# A program counts what the process that started it held as its own: so a small one starts it.
_STARTER = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""


def run_measured(command: Sequence[object], directory: Any, **options: Any) -> tuple[str, int]:
    """Run a command in a directory; return what it wrote, and its peak resident memory in bytes."""
    record = directory / "peak"
    starter = [sys.executable, "-S", "-E", "-c", _STARTER, record]
    done = subprocess.run(
        [*map(str, starter), *map(str, command)],
        cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout, int(record.read_text()) * 1024


def traced(work: Callable[[], object]) -> int:
    """Return by how many bytes the arrays that are alive grow at the most while something is done."""
    work()  # what stays in caches
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
