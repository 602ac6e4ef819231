"""``python -m tests.benchmarks NAME …``: which benchmarks there are, and one of them."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run the benchmark that is named, or list what there is."""
    names = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith(("_", "test_")))
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: python -m tests.benchmarks NAME …   with one of {', '.join(names)}; NAME --help tells more")
        return 0 if len(sys.argv) < 2 else 2
    sys.argv = sys.argv[1:]
    runpy.run_module(f"tests.benchmarks.{sys.argv[0]}", run_name="__main__", alter_sys=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
