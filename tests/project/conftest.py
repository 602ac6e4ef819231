"""A job that pretends, known to the registry, and started in processes that know it too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import pretend

from relionlab.project import JobDirectory


@pytest.fixture
def pretending() -> Iterator[type[pretend.Pretend]]:
    """The pretending job's class."""
    before = pretend.register()
    yield pretend.Pretend
    pretend.unregister(before)


@pytest.fixture
def start(pretending) -> Iterator[Callable[..., JobDirectory]]:
    """Start a job in a process that knows the pretending job; whatever still runs at the end is stopped."""
    started: list[JobDirectory] = []

    def begin(job: JobDirectory, **more) -> JobDirectory:
        started.append(job)
        return job.start(command=(sys.executable, pretend.__file__, f"{job.name}/"), **more)

    yield begin
    for job in started:
        if job.state == "running":
            job.abort(kill=True)
        assert job.wait(60) != "running"
