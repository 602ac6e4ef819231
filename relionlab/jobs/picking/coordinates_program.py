"""The program ``coordinates``: turn coordinate files into another program's format."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, ClassVar

from relionlab.errors import ParameterError
from relionlab.io.coordinates import ENDINGS, read_coordinates, write_coordinates
from relionlab.io.job_names import as_folder
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.finding import find_files
from relionlab.params import Parameter


class Coordinates(Program):
    """Turn coordinate files into another format: RELION's .star, EMAN's .box, ximdisp's .coords and .pik, xmipp's .pos, .txt.

    All are read before the first is written. Coordinates are the particles' centres; figures of merit go along into .star
    and .box.
    """

    name: ClassVar[str] = "coordinates"
    title: ClassVar[str] = "Coordinate formats"

    i: Annotated[
        str,
        Parameter(
            label="Coordinate files",
            help="File or wildcard, in quotes, in which * stands for the micrographs' names, as 'AutoPick/job006/Movies/*_autopick.star'.",
            tab="I/O",
            flag="--i",
            required=True,
        ),
    ] = ""
    to: Annotated[
        str,
        Parameter(
            label="New ending",
            help="What comes in place of what follows the * (of a single file: of its ending), as .box or _manualpick.star. The"
            " last part is the format: .star, .box, .pos, .pik, .coords or .txt.",
            tab="I/O",
            flag="--to",
            required=True,
        ),
    ] = ""
    odir: Annotated[
        str,
        Parameter(
            label="Output directory",
            help="Where the files go, all in one folder; empty: each beside what it was made of.",
            tab="I/O",
            flag="--odir",
        ),
    ] = ""
    box: Annotated[
        int | None,
        Parameter(
            label="Box size",
            help="Side of EMAN's squares around the particles, which .box files need.",
            tab="I/O",
            unit="px",
            flag="--box",
            bounds=(1, None),
            none_as="-1",
        ),
    ] = None

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        ending = _ending(self.to)
        if self.to and ending not in ENDINGS:
            found.append(f"{self.called('to')} is {self.to!r}; expected an ending of {', '.join(ENDINGS)}.")
        if ending == ".box" and self.box is None:
            found.append(f"{self.called('box')} is missing: EMAN's .box files hold squares, so say their side in px.")
        return found

    def run(self, context: Context) -> None:
        """Read all, write all."""
        self.check()
        files = find_files(context, self.i)
        targets = self._targets(files)
        tables = [read_coordinates(context.path(name)) for name in files]
        for target, table in zip(targets, tables, strict=True):
            context.path(target).parent.mkdir(parents=True, exist_ok=True)
            write_coordinates(context.path(target), table, box=self.box)
        context.say(
            f" {sum(map(len, tables))} particles of {len(files)} files: {targets[0]}{' …' if files[1:] else ''}"
        )

    def _targets(self, files: list[str]) -> list[str]:
        """Return the names to write; ParameterError if two would be one, or an input be overwritten."""
        tail = self.i.rpartition("*")[2] if "*" in self.i else PurePosixPath(self.i).suffix
        roots = [name[: len(name) - len(tail)] for name in files]
        if self.odir:
            roots = [as_folder(self.odir) + PurePosixPath(root).name for root in roots]
        targets = [root + self.to for root in roots]
        twice = next((name for name in targets if targets.count(name) > 1), None)
        if twice:
            raise ParameterError(
                f"coordinates: {twice} would be written twice: leave --odir out, or narrow the wildcard."
            )
        own = next((name for name in targets if name in files), None)
        if own:
            raise ParameterError(
                f"coordinates: {own} would be overwritten: give another --to, or a folder with --odir."
            )
        return targets


def _ending(text: str) -> str:
    return f".{text.rpartition('.')[2].lower()}" if "." in text else ""
