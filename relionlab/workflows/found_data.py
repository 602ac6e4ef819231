"""What a folder holds that a project can begin with: movies, micrographs, particles; and the Import job for each.

Only names and the head of one file of each kind are read, so that a folder of thousands of movies answers at once.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from relionlab.errors import RelionlabError
from relionlab.io.movies import EER_ENDINGS, TIFF_ENDINGS, open_movie
from relionlab.jobs.importing.job import Import
from relionlab.project.pipeline_file import PIPELINE_FILE
from relionlab.workflows.headline import rows_in

Kind = Literal["movies", "micrographs", "particles"]
PARTICLES = "Particles STAR file (.star)"

_DEEPEST = 2  # folders below the project
_MOST_FOLDERS = 200
_IMAGES = (*TIFF_ENDINGS, *EER_ENDINGS, ".mrc", ".mrcs")
_HEAD_BYTES = 20_000
_NOT_DATA = ("Trash", "truth")


@dataclass(frozen=True)
class FoundData:
    """Images or particles that lie in the folder.

    kind        what they are
    pattern     "Movies/*.tiff", or the particles' STAR file; relative to the folder
    count       files, or particles
    pixel_size  Å, if the files say so
    frames      of the first movie
    """

    kind: Kind
    pattern: str
    count: int
    pixel_size: float | None = None
    frames: int = 1

    def __str__(self) -> str:
        what = {"movies": f"movies of {self.frames} frames", "micrographs": "micrographs", "particles": "particles"}
        size = f", {self.pixel_size:.4g} Å" if self.pixel_size else ""
        return f"{self.pattern}: {self.count:,} {what[self.kind]}{size}"

    def job(self) -> Import:
        """Return the Import job that takes them, with what the files tell; voltage and Cs have to be checked."""
        if self.kind == "particles":
            return Import(do_raw=False, do_other=True, fn_in_other=self.pattern, node_type=PARTICLES)
        known = {"angpix": round(self.pixel_size, 4)} if self.pixel_size else {}
        return Import(fn_in_raw=self.pattern, is_multiframe=self.kind == "movies", **known)


def found_data(folder: Path) -> list[FoundData]:
    """Return what lies in a folder and up to two folders below it, most files first; job directories are left out."""
    found = []
    for place, names in _folders(folder):
        by_ending: dict[str, list[str]] = defaultdict(list)
        for name in names:
            by_ending[Path(name).suffix.lower()].append(name)
        for ending, files in by_ending.items():
            with suppress(RelionlabError, OSError):
                if ending in _IMAGES:
                    found += _images(folder, place, sorted(files))
                elif ending == ".star":
                    found += _particles(folder, place, sorted(files))
    return sorted(found, key=lambda data: -data.count)


def import_job(kind: Kind, folder: Path) -> Import:
    """Return the Import job to begin with: of what was found of this kind, else with the form's own values."""
    found = next((data for data in found_data(folder) if data.kind == kind), None)
    if found is not None:
        return found.job()
    if kind == "particles":
        return Import(do_raw=False, do_other=True, fn_in_other="particles.star", node_type=PARTICLES)
    pattern = "Movies/*.tiff" if kind == "movies" else "Micrographs/*.mrc"
    return Import(fn_in_raw=pattern, is_multiframe=kind == "movies")


def relion_projects(folder: Path) -> list[Path]:
    """Return the RELION projects in a folder and up to two folders below it."""
    return [place for place, names in _folders(folder) if PIPELINE_FILE in names and not place.name.startswith("job")]


def _folders(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield folders, linked ones too, and the names of their files; hidden ones and those of jobs are passed over."""
    waiting, seen = [(folder, 0)], 0
    while waiting and seen < _MOST_FOLDERS:
        place, depth = waiting.pop(0)
        seen += 1
        names: list[str] = []
        with suppress(OSError):
            for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
                if entry.name.startswith("."):
                    continue
                if not entry.is_dir():
                    names.append(entry.name)
                elif depth < _DEEPEST and entry.name not in _NOT_DATA and not _is_job(entry):
                    waiting.append((Path(entry.path), depth + 1))
        yield place, names


def _is_job(entry: os.DirEntry[str]) -> bool:
    """Say whether a folder is a job's, or the alias of one."""
    place = Path(entry.path).resolve() if entry.is_symlink() else Path(entry.path)
    return place.name.startswith("job")


def _images(folder: Path, place: Path, files: list[str]) -> list[FoundData]:
    ending = Path(files[0]).suffix
    pattern = (place.relative_to(folder) / f"*{ending}").as_posix()
    alike = [name for name in files if name.endswith(ending)]
    with open_movie(place / alike[0]) as movie:
        frames, shape, size = movie.frames, movie.shape, movie.pixel_size
        volume = frames == shape[0] == shape[1]  # a map, not a movie
    # A single image beside others of its kind: gain references, masks and maps come alone.
    if volume or min(shape) < 256 or (len(alike) == 1 and "gain" in alike[0].lower()):
        return []
    kind: Kind = "movies" if frames > 1 else "micrographs"
    return [FoundData(kind, pattern, len(alike), size, frames)]


def _particles(folder: Path, place: Path, files: list[str]) -> list[FoundData]:
    found: list[FoundData] = []
    for name in files:
        path = place / name
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
        is_particles = b"_rlnImageName" in head and (
            b"_rlnDefocusU" in head or b"_rlnCoordinateX" in head or b"data_particles" in head
        )
        if is_particles and name != "truth.star":
            found.append(FoundData("particles", path.relative_to(folder).as_posix(), rows_in(path)))
    return found
