"""Runs a program and measures its largest memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
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
