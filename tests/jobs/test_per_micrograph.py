"""Work micrograph by micrograph."""

from __future__ import annotations

from pathlib import Path

import pytest

from relionlab.errors import AbortedError, ComputeError, ImageError, InputError
from relionlab.jobs.context import PlainContext
from relionlab.jobs.per_micrograph import for_each_micrograph
from relionlab.settings import settings

NAMES = [f"mic{n}.mrc" for n in range(5)]


class Listening(PlainContext):
    """A context that keeps what is said, and stops after so many reports."""

    def __init__(self, directory: Path, stop_after: int = 99, **more: object) -> None:
        super().__init__(directory, settings(executor="inline", **more), quiet=True)
        self.said, self.warned, self.reports, self.stop_after = [], [], [], stop_after

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def progress(self, done: float, total: float, what: str) -> None:
        self.reports.append((done, total, what))

    def stop_if_asked(self) -> None:
        if len(self.reports) >= self.stop_after:
            raise AbortedError("asked")


def squared(index: int) -> int:
    return index * index


def faulty(index: int) -> int:
    if index % 2:
        raise ImageError(f"mic{index}.mrc is truncated")
    return index


def test_results_come_in_the_order_of_the_micrographs(tmp_path: Path):
    context = Listening(tmp_path)
    assert for_each_micrograph(context, NAMES, squared).results == {0: 0, 1: 1, 2: 4, 3: 9, 4: 16}
    assert context.reports[-1] == (5, 5, "micrographs")


def test_faulty_files_are_named_and_the_others_go_on(tmp_path: Path):
    context = Listening(tmp_path)
    done = for_each_micrograph(context, NAMES, faulty)
    assert list(done.results) == [0, 2, 4]
    assert list(done.failed) == [1, 3]
    assert any("mic1.mrc" in line and "truncated" in line for line in context.warned)
    assert "2 of 5" in context.warned[-1]


def test_nothing_but_faulty_files_is_an_error(tmp_path: Path):
    with pytest.raises(ComputeError, match=r"None of the 1 micrographs.*truncated"):
        for_each_micrograph(Listening(tmp_path), ["mic1.mrc"], lambda _: faulty(1))


def test_finished_ones_are_not_worked_on_again(tmp_path: Path):
    worked = []
    context = Listening(tmp_path)
    done = for_each_micrograph(
        context, NAMES, lambda n: worked.append(n) or -n, finished=lambda n: n * 10 if n in (1, 2) else None
    )
    assert worked == [0, 3, 4]
    assert done.results == {0: 0, 1: 10, 2: 20, 3: -3, 4: -4}
    assert "2 of 5" in context.said[0]


def test_asked_to_stop_it_stops(tmp_path: Path):
    worked = []
    with pytest.raises(AbortedError):
        for_each_micrograph(Listening(tmp_path, stop_after=2), NAMES, worked.append)
    assert len(worked) == 2


def test_an_empty_list_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no movies"):
        for_each_micrograph(Listening(tmp_path), [], squared, what="movies")


def test_memory_limits_the_workers(tmp_path: Path):
    context = Listening(tmp_path, memory_gigabytes=1.0)
    with pytest.raises(ComputeError, match=r"2.0 GB, and 1.0 GB are free"):
        for_each_micrograph(context, NAMES, squared, bytes_each=2 << 30)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_any_number_of_workers_gives_the_same(tmp_path: Path, kind: str):
    context = PlainContext(tmp_path, settings(executor="local", workers=2, worker_kind=kind), quiet=True)
    done = for_each_micrograph(context, NAMES, faulty)
    assert done.results == {0: 0, 2: 2, 4: 4}
    assert list(done.failed) == [1, 3]
