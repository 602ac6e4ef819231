"""Where and how relionlab computes: one table of settings, its defaults and where they come from.

A setting is looked up in this order: the keyword given to :func:`settings`, the environment variable
``RELIONLAB_<NAME>``, the default below. This module imports nothing heavy, so that the engine can use it alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace

from relionlab.errors import ParameterError


@dataclass(frozen=True)
class Settings:
    """Where and how to compute; frozen: :func:`settings` makes a changed copy."""

    device: str = (
        "auto"  # "cpu", "gpu", "auto"; no job computes on a GPU in this release: "gpu" makes some of them say so
    )
    executor: str = "auto"  # "inline", "local" (Dask on this machine), "slurm", "tcp://…"; "auto": local if workers > 1
    workers: int = 0  # number of workers; 0: one per core that this process may use
    worker_kind: str = "auto"  # "threads" or "processes"; "auto": threads up to 8 workers, processes beyond
    particles_per_shard: int = 256  # size of one unit of work; fixed, so that results do not depend on the workers
    memory_gigabytes: float = 0.0  # what a job may use on one machine; 0: what is free when it starts
    reconstruct_hook: str = ""  # "package.module:function" that regularises half-maps; see jobs/refinement/hook.py
    mtf_folder: str = ""  # folder of the user's own detector MTFs (NAME.star), known by name; see io/detectors
    preset_folder: str = ""  # where the user's named form values are kept; empty: the platform's folder for settings
    slurm_queue: str = ""  # partition for dask-jobqueue
    slurm_walltime: str = "24:00:00"  # time limit of one SLURM worker
    slurm_memory: str = "16GB"  # memory of one SLURM worker

    def cores(self) -> int:
        """Return the number of workers to start on this machine."""
        return self.workers or usable_cores()


def usable_cores() -> int:
    """Return how many cores this process may use: those it is bound to, where the system can tell, else all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def settings(**changes: object) -> Settings:
    """Return the defaults, changed by ``RELIONLAB_*`` environment variables and then by the keywords."""
    found: dict[str, object] = {}
    defaults = Settings()
    for field in fields(defaults):
        text = os.environ.get(f"RELIONLAB_{field.name.upper()}")
        if text is not None:
            found[field.name] = _value(f"RELIONLAB_{field.name.upper()}", text, type(getattr(defaults, field.name)))
    return replace(defaults, **{**found, **changes})  # type: ignore[arg-type]


def _value(name: str, text: str, kind: type) -> object:
    try:
        return kind(text)
    except ValueError:
        raise ParameterError(f"The environment variable {name} is {text!r}; expected a number.") from None
