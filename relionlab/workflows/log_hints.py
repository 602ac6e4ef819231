"""Lines of a job's log: how grave each is, and what to do about those that are known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Severity = Literal["plain", "warning", "error"]


@dataclass(frozen=True)
class LogLine:
    """One line of a log.

    text      as it was written
    severity  "plain", "warning" or "error"
    hint      what to do, "" where nothing is known
    """

    text: str
    severity: Severity = "plain"
    hint: str = ""


_ERROR = re.compile(
    r"(?i)\b(error|exception|fatal|aborted|segmentation fault|killed|traceback)\b|MPI_ABORT|No space left"
)
_WARNING = re.compile(r"(?i)\bwarning\b|^\s*\+?\s*WARN")
_HINTS: tuple[tuple[str, str], ...] = (
    (r"No space left|disk quota", "The disk is full: delete or clean jobs (their Trash too), then continue this one."),
    (
        r"(?i)cannot allocate memory|bad_alloc|MemoryError|out of memory|not enough memory",
        "Not enough memory: fewer threads or processes, a smaller box, or 'skip padding'.",
    ),
    (
        r"(?i)cuda|out of memory on the device",
        "The GPU failed: is it used by another program? Fewer processes per GPU, or run on CPUs.",
    ),
    (
        r"(?i)\bkilled\b|signal 9|oom",
        "The system ended it, for want of memory as a rule: use less of it, and continue the job.",
    ),
    (
        r"(?i)segmentation fault|signal 11",
        "The program crashed. If it does again, run it with one thread, and look at the file named before.",
    ),
    (
        r"(?i)could not find|does not exist|cannot (?:open|read)|not found",
        "A file is missing: was it moved, or are names relative to another folder than the project?",
    ),
    (r"(?i)permission denied|read-only", "The folder may not be written: ask its owner, or work in a copy."),
    (
        r"(?i)pixel size",
        "Pixel sizes differ: state them right in Import, or rescale the reference ('Resize reference').",
    ),
    (
        r"(?i)greyscale|grey-scale|grayscale",
        "Say that the reference is not on absolute grey scale, if it did not come from this program.",
    ),
    (
        r"(?i)particles in (?:this )?group|few particles in group",
        "Groups with few particles: Select with 'Regroup the particles'.",
    ),
    (
        r"(?i)mask.*(?:larger|diameter|box)",
        "Check the mask's diameter against the box: a little more than the particle, less than the box.",
    ),
    (
        r"(?i)normali[sz]",
        "The images are not normalised: extract them with 'Normalize particles', or run image_handler --norm.",
    ),
    (r"(?i)may be chance|rings fit no further", "Look at their Thon rings, and leave such micrographs out by Select."),
    (
        r"(?i)was left out|were left out",
        "The file is damaged or missing: mend it and continue the job, or go on without it.",
    ),
    (
        r"(?i)--gain|gain",
        "Look at the sum of some movies: the detector's pattern must vanish. See gain rotation and flip.",
    ),
    (r"(?i)b-?factor.*doubtful", "See the Guinier plot: give a B-factor of your own, or a wider range for the fit."),
)


def read_line(text: str, *, from_errors: bool = False) -> LogLine:
    """Return a line with its severity and what to do.

    from_errors  whether it stood in run.err: then it is a warning at least
    """
    severity: Severity = "plain"
    if from_errors and text.strip():
        severity = "warning"
    if _WARNING.search(text):
        severity = "warning"
    elif _ERROR.search(text) and (from_errors or re.search(r"(?i)^\s*(?:\w*error|fatal|traceback)\b|MPI_ABORT", text)):
        severity = "error"
    if severity == "plain":
        return LogLine(text)
    hint = next((told for pattern, told in _HINTS if re.search(pattern, text)), "")
    return LogLine(text, severity, hint)
