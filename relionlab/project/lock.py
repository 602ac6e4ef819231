"""The lock on a project's pipeline: RELION's own, so that both programs wait for each other.

RELION makes the directory ``.relion_lock`` (making a directory succeeds for one process only) with the file
``lock_default_pipeline.star`` in it, changes the pipeline, and removes both. It only asks whether the directory is
there; into the file we write, after RELION's line about what is being done, who we are. A program that crashes in between
leaves the directory behind: then everybody waits for nobody, until somebody breaks the lock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import LockedError
from relionlab.project.process_record import ProcessRecord

LOCK_DIRECTORY = ".relion_lock"
LOCK_FILE = "lock_default_pipeline.star"
WAIT_SECONDS = 60.0
"""How long to wait for the lock before giving up; RELION's own changes take milliseconds."""

_PAUSE_SECONDS = 0.02
_PIPELINE_PROGRAMS = ("relion_pipelin", "relion_schedul", "relion_gui", "relion\n")  # the kernel keeps 15 letters


@dataclass(frozen=True)
class LockHolder:
    """Who holds a project's lock.

    purpose  what the holder wrote that it does, as "runJob: Class2D/job003/"
    since    when the lock was made, in seconds since 1970
    process  the holding process; ``None`` for RELION, which does not say
    """

    purpose: str
    since: float
    process: ProcessRecord | None

    def stale(self, directory: Path) -> bool | None:
        """Say whether nobody holds the lock any more; ``None`` if that cannot be known from this machine."""
        if self.process is not None:
            alive = self.process.alive()
            return None if alive is None else not alive
        return None if _relion_runs_in(directory) else self.since < time.time() - 5

    def __str__(self) -> str:
        who = str(self.process) if self.process else "RELION, or a relionlab that died while it took the lock"
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"{who}, since {when}" + (f" ({self.purpose})" if self.purpose else "")


def lock_holder(directory: Path) -> LockHolder | None:
    """Return who holds the lock of the project in ``directory``, ``None`` if it is free."""
    lock = directory / LOCK_DIRECTORY
    try:
        since = lock.stat().st_mtime
    except OSError:
        return None
    try:
        lines = (lock / LOCK_FILE).read_text().splitlines()
    except OSError:
        lines = []
    process = ProcessRecord.from_json(lines[1]) if len(lines) > 1 else None
    return LockHolder(lines[0].strip() if lines else "", since, process)


@contextmanager
def locked(directory: Path, purpose: str, *, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of the project in ``directory``.

    purpose  what it is held for, in a line for whoever waits
    wait     seconds to wait for another holder

    Raises LockedError if the lock cannot be had in this time, saying who holds it and, if nobody does, how to break it.
    """
    lock = directory / LOCK_DIRECTORY
    _take(lock, wait)
    try:
        (lock / LOCK_FILE).write_text(f"{purpose}\n{ProcessRecord.of(os.getpid()).to_json()}\n")
        yield
    finally:
        _release(lock)


def break_lock(directory: Path, *, force: bool = False) -> LockHolder | None:
    """Remove a lock that nobody holds any more, and return who had held it (``None``: there was no lock).

    force  remove it also if its holder may be alive: on another machine, or RELION's own, which does not say who it is

    Raises LockedError if the holder is alive, or may be and ``force`` is not given.
    """
    holder = lock_holder(directory)
    if holder is None:
        return None
    stale = holder.stale(directory)
    if stale is False and holder.process is not None:
        raise LockedError(f"{directory / LOCK_DIRECTORY} is held by {holder}, which is running: wait for it or end it.")
    if not stale and not force:
        raise LockedError(
            f"{directory / LOCK_DIRECTORY} is held by {holder}. Whether that program still runs cannot be seen from "
            "here: look for it, and if it is gone, break the lock with force=True."
        )
    # Renamed first: of two who break it at the same time, one succeeds.
    aside = directory / f"{LOCK_DIRECTORY}.broken.{os.getpid()}"
    with suppress(FileNotFoundError):
        (directory / LOCK_DIRECTORY).rename(aside)
        if lock_holder_of(aside) != (holder.purpose, holder.process):  # somebody else broke it and took it since
            aside.rename(directory / LOCK_DIRECTORY)
            raise LockedError(f"{directory / LOCK_DIRECTORY} was taken anew while it was being broken: try again.")
        _release(aside)
    return holder


def lock_holder_of(lock: Path) -> tuple[str, ProcessRecord | None]:
    """Return what is written in a lock directory: purpose and process."""
    try:
        lines = (lock / LOCK_FILE).read_text().splitlines()
    except OSError:
        return "", None
    return (lines[0].strip() if lines else ""), (ProcessRecord.from_json(lines[1]) if len(lines) > 1 else None)


def _take(lock: Path, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            lock.mkdir(mode=0o700)
            return
        except FileExistsError:
            holder = lock_holder(lock.parent)
            # Our own dead process: certain at once, so nobody need wait for it.
            dead = holder is not None and holder.process is not None and holder.process.alive() is False
            if dead or time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)
        except OSError as error:
            raise LockedError(
                f"{lock} cannot be made ({error.strerror}): the project folder must exist and be writable for you."
            ) from error
    raise LockedError(_refusal(lock, holder, wait))


def _refusal(lock: Path, holder: LockHolder | None, wait: float) -> str:
    found = f"The project's lock {lock} is held by {holder or 'somebody'}"
    if holder is not None and holder.stale(lock.parent):
        return (
            f"{found}; that program is gone. Break the lock: Project.open({str(lock.parent)!r}, break_stale_lock=True)."
        )
    return (
        f"{found}, and was not given back within {wait:g} s. Wait and try again; if that program is gone, break the lock: "
        f"break_lock({str(lock.parent)!r}, force=True)."
    )


def _release(lock: Path) -> None:
    with suppress(FileNotFoundError):
        for entry in lock.iterdir():
            entry.unlink()
        lock.rmdir()


def _relion_runs_in(directory: Path) -> bool:
    """Say whether a program of RELION that may change the pipeline runs in this directory on this machine."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_relion = (entry / "comm").read_text().startswith(_PIPELINE_PROGRAMS)
            if is_relion and (entry / "cwd").resolve() == directory.resolve():
                return True
    return False
