"""How far one of RELION's own jobs is, as its log tells: they write no progress.json."""

from __future__ import annotations

import re
from collections.abc import Iterable

from relionlab.project.progress import Progress

_ITERATION = re.compile(r"(?:Expectation|Gradient optimisation) iteration (\d+)(?: of (\d+))?")
_AUTO = re.compile(r"Auto-refine: Iteration= ?(\d+)")
_BAR = re.compile(r"(\d+(?:\.\d+)?)/ *(\d+(?:\.\d+)?) (?:sec|min|hrs|days)\b")


def progress_in_log(lines: Iterable[str], pending: str = "", *, ended: bool = False) -> Progress | None:
    """Return the progress that the last lines of RELION's run.out tell, ``None`` if they tell none.

    lines    in their order
    pending  the line that is being written: RELION's bar "12/ 34 sec …~~(,_,">" tells the share that is done
    ended    whether the job has finished: what the log tells last is done, though a log need not end with a full bar

    Refinements say "Expectation iteration 5 of 25", whose bar is part of that iteration; other programs show a bar alone.
    """
    number = total = 0.0
    for line in lines:
        if found := _ITERATION.search(line):
            number, total = float(found[1]), float(found[2] or 0)
        elif found := _AUTO.search(line):
            number = float(found[1])
    bar = _BAR.search(pending)
    share = min(float(bar[1]) / float(bar[2]), 1.0) if bar and float(bar[2]) > 0 else 0.0
    share = 1.0 if ended else share
    if number and total:
        return Progress(number - 1 + share, total, "iterations")
    if bar and not number:
        return Progress(100 * share, 100.0, "%")
    return None
