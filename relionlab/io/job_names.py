"""Names of files below a job: where a program puts what belongs to a micrograph, and where the next one looks for it.

RELION leaves the job that made a file out of the names of what is made of it: of "MotionCorr/job002/Movies/a.mrc"
CtfFind makes "CtfFind/job003/Movies/a.ctf", AutoPick "AutoPick/job004/Movies/a_autopick.star".
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from relionlab.io.compression import COMPRESSED

_JOB = re.compile(r"^(?:.*/)?\w+/job\d{3,}/")


def without_job(name: str) -> str:
    """Return a file's name below its job: "MotionCorr/job002/Movies/a.mrc" -> "Movies/a.mrc"; others stay as they are."""
    return _JOB.sub("", name)


def root_below_job(name: str) -> str:
    """Return the same without the ending: "MotionCorr/job002/Movies/a.mrc" -> "Movies/a".

    An ending of compression goes too ("a.mrc.gz" -> "a"), and what would lead out of a folder ("/", "..").
    """
    path = PurePosixPath(without_job(name))
    if path.suffix.lower() in COMPRESSED:
        path = path.with_suffix("")
    return "/".join(part for part in path.with_suffix("").parts if part not in ("/", "..", "."))


def output_root(folder: str, name: str) -> str:
    """Return how the names of a micrograph's (movie's) results begin: in the folder, its name without job and ending.

    ``output_root("AutoPick/job006", "MotionCorr/job002/Movies/a.mrc") == "AutoPick/job006/Movies/a"``
    """
    return as_folder(folder) + root_below_job(name)


def as_folder(name: str) -> str:
    """Return a folder's name with its slash at the end; none stands for the project's folder and stays none."""
    return name if not name or name.endswith("/") else f"{name}/"
