"""The process behind a sweep: starts its jobs one after the other; ``python -m relionlab.workflows.one_by_one NAME``."""

from __future__ import annotations

import sys
from pathlib import Path

from relionlab.errors import RelionlabError
from relionlab.project import Project
from relionlab.workflows.sweep import Sweep, read_sweep


def run_sweep(sweep: Sweep) -> None:
    """Start each job that is scheduled, and wait for its end; one that fails does not keep the next from its turn."""
    for name in sweep.names:
        job = next((job for job in sweep.jobs if job.name == name), None)
        if sweep.stopped:
            return
        if job is None or job.state not in ("scheduled", "running"):
            continue
        try:
            if job.state == "scheduled":
                job.start()
            state = job.wait()
        except RelionlabError as error:
            print(f"{name}: {error}", flush=True)
            continue
        print(f"{name}: {state}", flush=True)


def main(name: str) -> int:
    """Run the sweep of this name in the project of this folder."""
    run_sweep(read_sweep(Project.open(Path.cwd()), name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
