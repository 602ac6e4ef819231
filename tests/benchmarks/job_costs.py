"""What finished jobs took, beside what would have been foretold: from the work alone, and corrected by the jobs before.

python -m tests.benchmarks.job_costs PROJECT [PROJECT …]
"""

from __future__ import annotations

import math
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from relionlab.project import Project
from relionlab.workflows.job_times import Taken, corrected_by, taken_by


def main(folders: list[str]) -> None:
    """Print a line for each job, and the medians of each type."""
    alone: dict[str, list[float]] = defaultdict(list)
    corrected: dict[str, list[float]] = defaultdict(list)
    seen: set[tuple[str, float]] = set()
    for folder in folders:
        before: list[Taken] = []
        project = Project.open(folder)
        print(folder)
        for process in project.pipeline.processes:
            one = taken_by(project, process.name)
            if one is None or (process.name, one.actual) in seen:  # a copy of another project's
                continue
            seen.add((process.name, one.actual))
            factor = corrected_by(before, [], one.type).factor
            before.insert(0, one)
            alone[one.type].append(one.foretold / one.actual)
            corrected[one.type].append(factor * one.foretold / one.actual)
            told = f"{one.foretold:8.1f} s alone, {factor * one.foretold:8.1f} s corrected, {one.actual:8.1f} s actual"
            print(f"  {Path(one.job).parent.name}/{Path(one.job).name:8s} {told}, {corrected[one.type][-1]:5.2f}")
    for title, found in (("work alone", alone), ("corrected by the jobs before", corrected)):
        print(f"\n{title}: foretold / actual")
        for kind in found:
            print(f"  {kind:20s} {_summary(found[kind])}")
        print(f"  {'all':20s} {_summary([ratio for ratios in found.values() for ratio in ratios])}")


def _summary(ratios: list[float]) -> str:
    within = sum(abs(math.log2(ratio)) <= 1 for ratio in ratios)
    return f"median {statistics.median(ratios):5.2f}, {min(ratios):5.2f} to {max(ratios):5.2f}, within 2: {within} of {len(ratios)}"


if __name__ == "__main__":
    main(sys.argv[1:])
