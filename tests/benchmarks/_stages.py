"""The command line of benchmarks that run stages of the work, each by our program and by RELION's."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn


def stage_parser(name: str, description: str | None, stages: Iterable[str]) -> argparse.ArgumentParser:
    """Return a parser of what all such benchmarks take."""
    names = list(stages)
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.benchmarks {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stages", nargs="+", choices=names, default=names)
    parser.add_argument("--relion", action="store_true", help="run RELION's programs (relion_…) beside ours")
    parser.add_argument("--project", type=Path, help="keep data and results here")
    parser.add_argument("--j", type=int, default=2, help="threads")
    return parser


def ended(main: Callable[[], int], *, needed: str) -> NoReturn:
    """Run a benchmark and exit, with a line in place of a traceback where a program is missing or fails.

    needed  RELION's program, without which there is nothing beside ours
    """
    if "--relion" in sys.argv and shutil.which(needed) is None:
        sys.exit(f"{needed} is not on the PATH.")
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd))} ended with {error.returncode}: its log is under Runs/.")
