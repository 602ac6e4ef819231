"""Work micrograph by micrograph."""

from __future__ import annotations

from pathlib import Path

import pytest

from relionlab.errors import AbortedError, ComputeError, ImageError, InputError, ParameterError
from relionlab.jobs.context import PlainContext
from relionlab.jobs.micrographs.each import EVERYTHING, Choice, for_each_micrograph
from relionlab.settings import settings
from tests.jobs.listening import Listening

NAMES = [f"mic{n}.mrc" for n in range(5)]


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


def earlier(index: int) -> str | None:
    return "kept" if index in (0, 3) else None


@pytest.mark.parametrize(
    ("choice", "worked", "kept"),
    [
        (EVERYTHING, [0, 1, 2, 3, 4], []),
        (Choice(only_unfinished=True), [1, 2, 4], [0, 3]),
        (Choice(at_most=2), [0, 1], []),
        (Choice(only_unfinished=True, at_most=0), [], [0, 3]),
        (Choice(redo="mic3"), [1, 2, 3, 4], [0]),
        (Choice(redo="*0.mrc, mic2.mrc", only_unfinished=True, at_most=1), [0], [3]),
    ],
)
def test_only_the_chosen_ones_are_worked_on(tmp_path: Path, choice: Choice, worked: list[int], kept: list[int]):
    done = for_each_micrograph(Listening(tmp_path), NAMES, lambda n: n, finished=earlier, choice=choice)
    assert [n for n, result in done.results.items() if result != "kept"] == worked
    assert [n for n, result in done.results.items() if result == "kept"] == kept


def test_a_choice_of_nothing_is_an_error(tmp_path: Path):
    with pytest.raises(ParameterError, match=r"--redo mic7 matches none of the 5 names; the first is mic0\.mrc"):
        for_each_micrograph(Listening(tmp_path), NAMES, squared, choice=Choice(redo="mic7"))


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


def test_the_jobs_end_is_no_fault_of_a_file(tmp_path: Path):
    """SIGTERM is raised wherever the work is; it must not leave that micrograph out."""

    def told_to_end(index: int) -> int:
        raise AbortedError("told to end")

    context = Listening(tmp_path)
    with pytest.raises(AbortedError):
        for_each_micrograph(context, NAMES, told_to_end)
    assert not context.warned
