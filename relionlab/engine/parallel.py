"""Runs Steps on Dask workers: threads or processes of this machine, a SLURM cluster, or a scheduler's address.

The only place that imports Dask. Each worker computes shard after shard with one BLAS thread (the workers fill the
cores), and the partial results are merged in the order of the shards, so the number of workers changes nothing in the
result.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from relionlab.engine.steps import Executor, InlineExecutor, Step
from relionlab.errors import ComputeError
from relionlab.settings import Settings

if TYPE_CHECKING:
    from distributed import Client
    from threadpoolctl import threadpool_limits

_THREADS_PAY_UP_TO = 8  # workers in one process: beyond, they wait for each other's Python


def executor_for(wanted: Settings) -> Executor:
    """Return the executor that the settings ask for; close it after use.

    "auto" computes inline with one worker, and otherwise on Dask workers of this machine. Raises ComputeError if the
    cluster cannot be reached.
    """
    if executes_inline(wanted):
        return InlineExecutor(_one_blas_thread)
    return DaskExecutor(wanted)


def in_processes(wanted: Settings) -> bool:
    """Say whether the workers of this machine that the settings ask for are processes of their own."""
    if executes_inline(wanted) or wanted.executor == "slurm" or "://" in wanted.executor:
        return False
    return wanted.worker_kind == "processes" or (wanted.worker_kind == "auto" and wanted.cores() > _THREADS_PAY_UP_TO)


def executes_inline(wanted: Settings) -> bool:
    """Say whether the settings ask for no workers beside this process."""
    return wanted.executor == "inline" or (wanted.executor == "auto" and wanted.cores() == 1)


class DaskExecutor:
    """Sends shards to Dask workers and merges their results in order."""

    def __init__(self, wanted: Settings) -> None:
        self._client = _client(wanted)
        # for as long as there are workers: threads that set and restored it by turns would undo each other's limit
        self._limit = _one_blas_thread()

    def run(self, step: Step, shards: Sequence[np.ndarray], on_shard: Callable[[int, int], None] | None = None) -> Any:
        """Return the concluded result of the pass.

        A worker that dies has its shards computed again by the others.
        """
        from distributed import CancelledError, as_completed

        remote = self._client.scatter(step, broadcast=True, hash=False, direct=False)
        futures = [self._client.submit(_process, remote, shard, pure=False) for shard in shards]
        waiting: dict[int, Any] = {}
        number = {future.key: position for position, future in enumerate(futures)}
        total, merged = None, 0
        done, coming = 0, as_completed(futures, with_results=True)
        try:
            for future, partial in coming:
                position = number[future.key]
                if isinstance(partial, CancelledError):  # it, or the step that it needs, was lost with its worker
                    remote = self._client.scatter(step, broadcast=True, hash=False, direct=False)
                    again = self._client.submit(_process, remote, shards[position], pure=False)
                    number[again.key] = position
                    futures.append(again)
                    coming.add(again)
                    continue
                done += 1
                waiting[position] = partial
                future.release()
                while merged in waiting:
                    following = waiting.pop(merged)
                    total = following if total is None else step.merge(total, following)
                    merged += 1
                if on_shard is not None:
                    on_shard(done, len(shards))
        except BaseException:
            self._client.cancel(futures, force=True)
            raise
        return step.conclude(total)

    def close(self) -> None:
        """Give the workers back."""
        cluster = self._client.cluster
        self._client.close()
        if cluster is not None:
            cluster.close()
        self._limit.restore_original_limits()


def _process(step: Step, shard: np.ndarray) -> Any:
    """Compute one shard in a worker."""
    _limit_this_process()
    step.prepare()
    return step.process(shard)


@cache
def _limit_this_process() -> None:
    _one_blas_thread()


def _one_blas_thread() -> threadpool_limits:
    """Let BLAS use one thread in this process, until the result restores the limits."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")


def _client(wanted: Settings) -> Client:
    from dask import config
    from distributed import Client, LocalCluster

    config.set({"distributed.comm.timeouts.connect": "60s", "distributed.worker.daemon": False})
    try:
        if "://" in wanted.executor:
            return Client(wanted.executor)
        if wanted.executor == "slurm":
            return Client(_slurm(wanted))
        workers, threads = wanted.cores(), not in_processes(wanted)
        cluster = LocalCluster(
            n_workers=1 if threads else workers,
            threads_per_worker=workers if threads else 1,
            processes=not threads,
            dashboard_address=":0",
            memory_limit=0,
            silence_logs=logging.ERROR,
        )
        return Client(cluster)
    except (OSError, TimeoutError, ValueError) as error:
        raise ComputeError(
            f"The Dask executor {wanted.executor!r} could not be started: {error}. Give 'inline', 'local', 'slurm' or"
            " a scheduler's address such as tcp://host:8786 (setting `executor`, or RELIONLAB_EXECUTOR)."
        ) from error


def _slurm(wanted: Settings) -> Any:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise ComputeError(
            "The executor 'slurm' needs the package dask-jobqueue: install relionlab[cluster], or set executor='local'."
        ) from None
    cluster = SLURMCluster(
        queue=wanted.slurm_queue or None,
        walltime=wanted.slurm_walltime,
        memory=wanted.slurm_memory,
        cores=1,
        processes=1,
    )
    cluster.scale(wanted.cores())
    return cluster
