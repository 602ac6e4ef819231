"""The program ``redo``: put a job's results for some micrographs aside, so that continuing the job does these anew."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from relionlab.errors import InputError, RelionlabError
from relionlab.io.job_names import as_folder, root_below_job
from relionlab.io.star import read_star
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.params import Parameter

_BY_HAND = "_edits.star"
_LABELS = ("rlnMicrographName", "rlnMicrographMovieName")


class Redo(Program):
    """Put the results of chosen micrographs aside (into Trash/), so that the job, continued, makes them again.

    For any job that works micrograph by micrograph: MotionCorr, CtfFind, AutoPick, Extract. Corrections of picks by hand
    (_edits.star) are no results and stay.
    """

    name: ClassVar[str] = "redo"
    title: ClassVar[str] = "Redo these"

    job: Annotated[
        str, Parameter(label="Job", help='Its directory, as "CtfFind/job003/".', tab="I/O", flag="--job", required=True)
    ] = ""
    micrographs: Annotated[
        str,
        Parameter(
            label="Micrographs",
            help="Names, with commas between them; folders and endings may be left out.",
            tab="I/O",
            flag="--micrographs",
        ),
    ] = ""
    i: Annotated[
        str,
        Parameter(
            label="Or a list",
            help="STAR file of the micrographs or movies to do again.",
            tab="I/O",
            flag="--i",
            pattern="*.star",
        ),
    ] = ""

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if bool(self.micrographs) == bool(self.i):
            found.append("Say which micrographs: either names (--micrographs) or a list (--i).")
        return found

    def run(self, context: Context) -> None:
        """Move the files, and say which."""
        self.check()
        names = [name.strip() for name in self.micrographs.split(",") if name.strip()] or listed(context.path(self.i))
        moved = redo_micrographs(context.directory, self.job, names)
        for file in moved:
            context.say(f" {file} -> Trash/")
        place = as_folder(self.job)
        is_project = context.path("default_pipeline.star").exists()
        how = (
            f"relionlab run {place} --continue" if is_project else f"its program with --o {place} --only_do_unfinished"
        )
        context.say(f" {len(moved)} files of {len(names)} micrographs are put aside. To make them again: {how}")


def redo_micrographs(project: str | os.PathLike[str], job: str, names: Sequence[str]) -> list[str]:
    """Move all files of these micrographs out of a job's directory into Trash/; return them, relative to the project.

    names  of micrographs or movies; folder and ending may be left out
    Files belong to a micrograph if they start with its name, followed by "." or "_"; a name that begins another's
    ("mic1" and "mic1_2") takes only its own. Raises InputError if a micrograph has no file in the job.
    """
    directory = Path(project)
    folder = directory / job
    if not folder.is_dir():
        raise InputError(f"{job} is no directory in {directory}: give a job's, as CtfFind/job003/.")
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(_BY_HAND)]
    known = _known_roots(folder)
    chosen: list[Path] = []
    for name in names:
        root = _full_root(root_below_job(name), known)
        own = [path for path in files if _belongs(path.relative_to(folder).as_posix(), root, known)]
        if not own:
            raise InputError(
                f"{job} has no files of {name}: check the name (expected one as {next(iter(known), 'in its lists')})."
            )
        chosen += own
    moved = []
    for path in dict.fromkeys(chosen):
        place = directory / "Trash" / path.relative_to(directory)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
        moved.append(path.relative_to(directory).as_posix())
    return sorted(moved)


def listed(path: str | os.PathLike[str]) -> list[str]:
    """Return the names in a STAR file of micrographs or movies."""
    for table in read_star(path).values():
        for label in reversed(_LABELS):
            if label in table:
                return list(dict.fromkeys(str(name) for name in table[label].tolist()))
    raise InputError(f"{path} lists no micrographs: it has neither {' nor '.join(_LABELS)}.")


def _known_roots(folder: Path) -> dict[str, None]:
    """Return the roots of all micrographs that the job's own lists name."""
    roots: dict[str, None] = {}
    for star in sorted(folder.glob("*.star")):
        try:
            tables: Iterable = read_star(star).values()
        except RelionlabError:
            continue
        for table in tables:
            for label in _LABELS:
                if label in table:
                    roots |= dict.fromkeys(root_below_job(str(name)) for name in table[label].tolist())
    return roots


def _full_root(root: str, known: dict[str, None]) -> str:
    """Return the root with its folder, where only the name was given."""
    if root in known:
        return root
    own = [other for other in known if other.rpartition("/")[2] == root.rpartition("/")[2]]
    return own[0] if len(own) == 1 else root


def _belongs(file: str, root: str, known: dict[str, None]) -> bool:
    candidates = [
        other for other in {root, *known} if file.startswith(other) and file[len(other) : len(other) + 1] in (".", "_")
    ]
    if "/" not in root and not candidates:
        base = file.rpartition("/")[2]
        return base.startswith(root) and base[len(root) : len(root) + 1] in (".", "_")
    return bool(candidates) and max(candidates, key=len) == root
