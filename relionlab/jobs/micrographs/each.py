"""Work that is done micrograph by micrograph: side by side, going on past faulty files and after an interruption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any, Generic, TypeVar

import numpy as np

from relionlab.engine.parallel import executor_for
from relionlab.errors import AbortedError, ComputeError, InputError, ParameterError, RelionlabError
from relionlab.jobs.context import Context

Result = TypeVar("Result")
Work = Callable[[int], Result]
"""Does the work for the micrograph of this number, from 0, writes its files (write-then-rename, the one that says
"done" last) and returns what the summary needs. It may run in another thread or process, so it holds plain values."""


@dataclass(frozen=True)
class Choice:
    """Which micrographs are worked on in this run; by default all.

    only_unfinished  keep what an earlier run left
    redo             names, parts of names or wildcards, with commas between them: these are worked on although there is
                     a result, and only those of the others that have none
    at_most          work on no more than so many; None: on all
    """

    only_unfinished: bool = False
    redo: str = ""
    at_most: int | None = None

    def divided(
        self, names: Sequence[str], finished: Callable[[int], Result | None]
    ) -> tuple[list[int], dict[int, Result]]:
        """Return the numbers of the micrographs that are worked on, and what is kept of the others; see :meth:`again`."""
        again = self.again(names)
        kept: dict[int, Result] = {}
        if self.only_unfinished or again:
            found = ((index, finished(index)) for index in range(len(names)) if index not in again)
            kept = {index: result for index, result in found if result is not None}
        left = [index for index in range(len(names)) if index not in kept]
        return left[: self.at_most], kept

    def again(self, names: Sequence[str]) -> set[int]:
        """Return the numbers of the micrographs that ``redo`` means; raises ParameterError if it means none of them."""
        parts = [part.strip() for part in self.redo.split(",") if part.strip()]
        found = {index for index, name in enumerate(names) if any(fnmatch(name, p) or p in name for p in parts)}
        if parts and not found:
            raise ParameterError(
                f"--redo {self.redo} matches none of the {len(names)} names; the first is {names[0] if names else 'missing'}."
            )
        return found


EVERYTHING = Choice()
_UNFINISHED = Choice(only_unfinished=True)


@dataclass(frozen=True)
class Done(Generic[Result]):
    """What came of the micrographs.

    results  number of the micrograph -> what its work returned, in the order of the micrographs
    failed   number of the micrograph -> why there is no result
    """

    results: dict[int, Result]
    failed: dict[int, str]


@dataclass(frozen=True)
class _EachMicrograph(Generic[Result]):
    """A Step (engine/steps.py) whose sum is a list."""

    work: Work[Result]

    def prepare(self) -> None:
        """Do nothing."""

    def process(self, indices: np.ndarray) -> Done[Result]:
        """Work on these micrographs; an error of one is kept, so that the others go on."""
        done: Done[Result] = Done({}, {})
        for index in indices.tolist():
            try:
                done.results[index] = self.work(index)
            except AbortedError:  # the whole job's end, not this file's fault
                raise
            except (RelionlabError, OSError, MemoryError) as error:
                done.failed[index] = str(error) or type(error).__name__
        return done

    def merge(self, first: Done[Result], second: Done[Result]) -> Done[Result]:
        """Put two lists together."""
        return Done(first.results | second.results, first.failed | second.failed)

    def conclude(self, total: Done[Result]) -> Done[Result]:
        """Sort by number."""
        return Done(dict(sorted(total.results.items())), dict(sorted(total.failed.items())))


def for_each_micrograph(
    context: Context,
    names: Sequence[str],
    work: Work[Result],
    *,
    finished: Callable[[int], Result | None] = lambda _: None,
    choice: Choice = _UNFINISHED,
    bytes_each: int = 0,
    threads: int = 0,
    what: str = "micrographs",
) -> Done[Result]:
    """Work on every micrograph, on the context's workers, and say how far it is.

    names       of the micrographs (movies), for messages
    work        see Work
    finished    returns what an earlier run left for a micrograph, ``None`` if it has to be worked on
    choice      which are worked on, by default the unfinished ones; of those that are not, and have no result, nothing is
                returned
    bytes_each  memory that one worker needs; fewer workers start where it would not fit
    threads     workers wanted (``--j``); 0: as the settings say
    what        the micrographs' name in the progress

    A file that cannot be worked on is warned of by name, and the others go on. Raises InputError if there is no
    micrograph, ComputeError if none could be worked on, AbortedError if somebody asks to stop.
    """
    if not names:
        raise InputError(f"There are no {what} to work on: the input list is empty.")
    left, earlier = choice.divided(names, finished)
    if earlier:
        context.say(f" {len(earlier)} of {len(names)} {what} are done already; {len(left)} are worked on now")
    done: Done[Any] = Done({}, {})
    if left:
        executor = executor_for(replace(context.settings, workers=_workers(context, len(left), bytes_each, threads)))

        def report(count: int, _: int) -> None:
            context.progress(len(earlier) + count, len(names), what)
            context.stop_if_asked()

        try:
            done = executor.run(_EachMicrograph(work), [np.array([index]) for index in left], report)
        finally:
            executor.close()
    for index, reason in done.failed.items():
        context.warn(f"{names[index]} was left out: {reason}")
    if done.failed and not done.results and not earlier:
        raise ComputeError(f"None of the {len(names)} {what} could be worked on. The first: {done.failed[min(left)]}")
    if done.failed:
        context.warn(f"{len(done.failed)} of {len(names)} {what} were left out; mend them and continue the job.")
    return Done(dict(sorted((earlier | done.results).items())), done.failed)


def _workers(context: Context, count: int, bytes_each: int, threads: int) -> int:
    from relionlab.engine.memory import available_memory

    wanted = min(context.settings.workers or threads or context.settings.cores(), count)
    limit = int(context.settings.memory_gigabytes * 2**30) or int(0.9 * available_memory())
    fitting = limit // bytes_each if bytes_each else wanted
    if fitting < 1:
        raise ComputeError(
            f"One worker would need {bytes_each / 2**30:.1f} GB, and {limit / 2**30:.1f} GB are free. Close other"
            " programs, or work on a machine with more memory."
        )
    return max(min(wanted, fitting), 1)
