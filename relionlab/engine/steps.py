"""One pass over the particles: prepare, process a batch, merge two partial results, conclude.

A Step holds the model of this pass. The same Step runs inline, in threads or on a cluster (engine/parallel.py):
an executor cuts the particles into shards of a fixed size, and merges the partial results in the order of the
shards, so that the result does not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np


class Step(Protocol):
    """One pass over the particles."""

    def prepare(self) -> None:
        """Make what is needed once per worker (plans, tables)."""
        ...

    def process(self, indices: np.ndarray) -> Any:
        """Return the partial result of these particles (indices into the particle table)."""
        ...

    def merge(self, first: Any, second: Any) -> Any:
        """Return the sum of two partial results; associative, and may reuse ``first``."""
        ...

    def conclude(self, total: Any) -> Any:
        """Return the result of the pass; in a process that has prepared nothing, where workers are processes."""
        ...


class Executor(Protocol):
    """Runs a Step over shards of particles."""

    def run(self, step: Step, shards: Sequence[np.ndarray], on_shard: Callable[[int, int], None] | None = None) -> Any:
        """Return the concluded result; ``on_shard(done, total)`` is called as shards finish."""
        ...

    def close(self) -> None:
        """Give the workers back."""
        ...


def shards(count: int, size: int) -> list[np.ndarray]:
    """Cut ``count`` particles into index arrays of ``size`` (the last may be shorter)."""
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]


class InlineExecutor:
    """Runs everything in this process, shard after shard: for tests, debugging and small data.

    limits  makes a context in which the shards are computed: engine/parallel.py gives one that keeps BLAS to one
            thread, as in the workers
    """

    def __init__(self, limits: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self._limits = limits

    def run(self, step: Step, shards: Sequence[np.ndarray], on_shard: Callable[[int, int], None] | None = None) -> Any:
        """Return the concluded result of the pass."""
        step.prepare()
        total = None
        for number, shard in enumerate(shards):
            with self._limits():
                partial = step.process(shard)
            total = partial if total is None else step.merge(total, partial)
            if on_shard is not None:
                on_shard(number + 1, len(shards))
        return step.conclude(total)

    def close(self) -> None:
        """Do nothing: there are no workers."""
