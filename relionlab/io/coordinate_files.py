"""Which coordinate file belongs to which micrograph: by place and ending, or by a list.

RELION 2 and 3 keep one line in ``coords_suffix_autopick.star``: its folder holds the files, named after the micrographs
with ``_autopick.star`` instead of ``.mrc``. RELION 4 and 5 keep a list, ``autopick.star`` with rlnMicrographName and
rlnMicrographCoordinates. Both, and files that lie beside the micrographs, are looked up here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from relionlab.errors import StarError
from relionlab.io.atomic import atomic_write
from relionlab.io.job_names import output_root, without_job
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table

BESIDE = "ASINPUT"
"""RELION's word for: where the micrographs are."""
_SUFFIX_FILE = "coords_suffix"
_OF_MOVIE = "_movie"


@dataclass(frozen=True)
class CoordinateFiles:
    """Where the coordinates of each micrograph are; names are relative to the project.

    directory  folder of the files (below it, the micrographs' names without their job); ASINPUT: beside the micrographs
    suffix     what follows the micrograph's name without its ending: "_autopick.star", ".box"
    listed     micrograph -> file, if there is a list instead
    source     what told all this, for messages
    micrographs  list of micrographs that RELION notes in coords_suffix files; "" if unknown
    """

    directory: str = BESIDE
    suffix: str = ""
    listed: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    micrographs: str = ""

    def path_of(self, micrograph: str, *, project: Path | None = None) -> str | None:
        """Return the name of a micrograph's file, whether or not it exists; None if a list does not name one.

        A list is asked for the full name first, then for the name below the job. If the ``project`` is given and a
        micrograph made of mic001_movie.mrcs (RELION 2's name for the movie of mic001.mrc) has no file of its own there,
        the file of mic001 is its own.
        """
        own = self._named(micrograph)
        place = PurePosixPath(micrograph)
        if project is None or not place.stem.endswith(_OF_MOVIE) or (own is not None and (project / own).is_file()):
            return own
        other = self._named(str(place.with_stem(place.stem.removesuffix(_OF_MOVIE))))
        return other if other is not None and (project / other).is_file() else own

    def _named(self, micrograph: str) -> str | None:
        if self.listed:
            return self.listed.get(micrograph) or self._below_jobs.get(without_job(micrograph))
        if self.directory == BESIDE:
            return str(PurePosixPath(micrograph).with_suffix("")) + self.suffix
        return output_root(self.directory, micrograph) + self.suffix

    @cached_property
    def _below_jobs(self) -> dict[str, str]:
        return {without_job(name): file for name, file in self.listed.items()}


def read_coordinate_files(path: str | os.PathLike[str], *, directory: str | os.PathLike[str] = ".") -> CoordinateFiles:
    """Read a node of coordinates: coords_suffix_*.star (or coords_suffix*.box …), or a list of RELION 4 and 5.

    path       relative to ``directory``, the project
    Raises StarError if it is neither, or does not exist.
    """
    name = os.fspath(path)
    place = Path(directory) / name
    base = PurePosixPath(name).name
    if not place.is_file():
        raise StarError(f"{name} does not exist; expected coords_suffix_*.star or a list of coordinate files.")
    is_star = place.suffix == ".star"
    text = place.read_text(encoding="utf-8", errors="replace")
    if base.startswith(_SUFFIX_FILE) and len(text.split()) <= 1:
        folder = str(PurePosixPath(name).parent)
        return CoordinateFiles(
            "./" if folder == "." else f"{folder}/", base[len(_SUFFIX_FILE) :], source=name, micrographs=text.strip()
        )
    tables = read_star(place) if is_star else {}
    for table in tables.values():
        if "rlnMicrographName" in table and "rlnMicrographCoordinates" in table:
            names, files = table["rlnMicrographName"].tolist(), table["rlnMicrographCoordinates"].tolist()
            return CoordinateFiles(listed=dict(zip(names, files, strict=True)), source=name)
    raise StarError(
        f"{name} tells no coordinate files: expected one line in a file named coords_suffix_….star, or a table with"
        " rlnMicrographName and rlnMicrographCoordinates. Choose the output of a picking job."
    )


def write_coords_suffix(path: str | os.PathLike[str], micrographs: str) -> None:
    """Write RELION 3.1's node of coordinates: one line that names the list of micrographs.

    path         ends in coords_suffix and the suffix: ".../coords_suffix_manualpick.star"
    micrographs  the list's name, relative to the project
    """
    if not Path(path).name.startswith(_SUFFIX_FILE):
        raise StarError(f"{path}: RELION 3.1 expects a name that starts with {_SUFFIX_FILE}.")
    with atomic_write(path) as temporary:
        temporary.write_text(f"{micrographs}\n", encoding="utf-8")


def write_coordinate_list(path: str | os.PathLike[str], files: Iterable[tuple[str, str]]) -> None:
    """Write RELION 4 and 5's node of coordinates: pairs of micrograph and its coordinate file."""
    pairs = list(files)
    columns = {"rlnMicrographName": [a for a, _ in pairs], "rlnMicrographCoordinates": [b for _, b in pairs]}
    write_star(path, [Table(columns, name="coordinate_files")])
