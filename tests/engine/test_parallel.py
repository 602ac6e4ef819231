"""The number and kind of workers changes nothing: not one bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.parallel import DaskExecutor, executor_for
from relionlab.engine.steps import InlineExecutor, shards
from relionlab.errors import ComputeError
from relionlab.settings import Settings
from tests.engine.classify2d_cases import case
from tests.engine.test_steps import SMALL, assert_same

LOCAL = replace(Settings(), executor="local", worker_kind="threads")


class CountingStep:
    """Adds numbers in an order that shows in the result; can be told to fail."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.fail_at, self.prepared = fail_at, False

    def prepare(self) -> None:
        self.prepared = True

    def process(self, indices: np.ndarray) -> list[int]:
        assert self.prepared
        if self.fail_at is not None and self.fail_at in indices:
            raise ComputeError("particle 7 cannot be computed")
        return [int(i) for i in indices]

    def merge(self, first: list[int], second: list[int]) -> list[int]:
        return first + second

    def conclude(self, total: list[int]) -> tuple[int, ...]:
        return tuple(total)


@pytest.fixture(scope="module")
def inline():
    made = case(**SMALL, perturbation=0.2)
    return InlineExecutor().run(made.step(), shards(48, 10))


def on_dask(settings: Settings):
    executor = executor_for(settings)
    assert isinstance(executor, DaskExecutor)
    try:
        return executor.run(case(**SMALL, perturbation=0.2).step(), shards(48, 10))
    finally:
        executor.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_threads_give_the_bits_of_inline(inline, workers: int):
    assert_same(inline, on_dask(replace(LOCAL, workers=workers)))


@pytest.mark.full
@pytest.mark.parametrize("workers", [1, 2])
def test_processes_give_the_bits_of_inline(inline, workers: int):
    assert_same(inline, on_dask(replace(LOCAL, workers=workers, worker_kind="processes")))


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_what_leads_processes_prepares_nothing(kind: str):
    """The tables of a large box are gigabytes, and minutes of one core in each pass."""
    step = CountingStep()
    executor = executor_for(replace(LOCAL, workers=2, worker_kind=kind))
    try:
        assert executor.run(step, shards(7, 2)) == tuple(range(7))
    finally:
        executor.close()
    assert step.prepared == (kind == "threads")


def test_results_are_merged_in_order_and_progress_is_told():
    executor, told = DaskExecutor(replace(LOCAL, workers=2)), []
    try:
        result = executor.run(CountingStep(), shards(23, 2), lambda done, total: told.append((done, total)))
        assert result == tuple(range(23))
        assert told == [(n, 12) for n in range(1, 13)]
        with pytest.raises(ComputeError, match="particle 7"):
            executor.run(CountingStep(fail_at=7), shards(23, 2))
        # the workers are still good for the next pass
        assert executor.run(CountingStep(), shards(5, 2)) == (0, 1, 2, 3, 4)
    finally:
        executor.close()


def test_one_worker_computes_in_this_process():
    assert isinstance(executor_for(replace(Settings(), executor="auto", workers=1)), InlineExecutor)
    assert isinstance(executor_for(replace(Settings(), executor="inline", workers=2)), InlineExecutor)


def test_an_executor_that_does_not_exist_is_named():
    with pytest.raises(ComputeError, match="elephant"):
        executor_for(replace(Settings(), executor="elephant://nowhere", workers=2))
