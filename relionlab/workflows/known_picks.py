"""Particles of micrographs that are known from elsewhere: picked by hand or by another job, imported, or simulated.

sources = known_sources(project, micrographs)      # what there is, hand picks first
known = sources[0].of("MotionCorr/job002/Movies/a.mrc")   # (n, 2) px, or None
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from relionlab.errors import InputError, NodeError, RelionlabError
from relionlab.io.coordinate_files import CoordinateFiles, read_coordinate_files
from relionlab.io.coordinates import ENDINGS, X, Y, read_coordinates
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star
from relionlab.project import Project

_ORDER = ("ManualPick", "Import", "Select", "AutoPick")
"""Folders of jobs, those whose picks are most likely to be right first."""
_TRUTH = "*/truth/particles.star"
"""Where the simulation puts what it knows."""


@dataclass(frozen=True)
class KnownPicks:
    """One source of known particles.

    label  what it is, for a list to choose from
    read   micrograph -> (n, 2) px, ``None`` if the source does not know the micrograph
    """

    label: str
    read: Callable[[str], np.ndarray | None] = field(repr=False)

    def of(self, micrograph: str) -> np.ndarray | None:
        """Return the particles of a micrograph, (n, 2) in its px; ``None`` if nothing is known of it."""
        return self.read(micrograph)


def known_sources(
    project: Project, micrographs: Sequence[str], *, pixel_size: float, leave_out: str = ""
) -> list[KnownPicks]:
    """Return what knows at least one of these micrographs: the simulation's truth, other jobs' picks, files beside them.

    pixel_size  of the micrographs in Å
    leave_out   name of the job whose own picks are no truth
    """
    directory, found = project.directory, []
    for path in sorted(directory.glob(_TRUTH)):
        found += _tried(lambda path=path: _of_particles(path, "The simulation's truth", pixel_size))  # type: ignore[misc]
    nodes = [node for node in project.pipeline.nodes if "Coords" in node.kind or "coords_suffix" in node.path]
    nodes.sort(key=lambda node: (_rank(node.path), node.path))
    for node in nodes:
        if not leave_out or not node.path.startswith(f"{leave_out}/"):
            found += _tried(lambda node=node: known_picks(directory / node.path, project=directory))  # type: ignore[misc]
    found += _beside(directory, micrographs)
    return [source for source in found if any(source.of(name) is not None for name in micrographs)]


def known_picks(path: Path, *, project: Path, pixel_size: float | None = None) -> KnownPicks:
    """Read one source: a picking job's node, a list of particles with their micrographs, or coordinates of one micrograph.

    pixel_size  of the micrographs in Å, to which a particle list's coordinates are brought
    Raises InputError or StarError if the file is none of these.
    """
    label = str(path.relative_to(project)) if path.is_relative_to(project) else str(path)
    if not path.is_file():
        raise InputError(f"{label} does not exist; expected picks of a job, or a STAR file of coordinates.")
    if path.name.startswith("coords_suffix") or _is_list(path):
        files = read_coordinate_files(label, directory=project)
        return KnownPicks(_job_of(label), lambda name: _coordinates(files, name, project))
    tables = read_star(path).values() if path.suffix == ".star" else ()
    if any("rlnMicrographName" in table and X in table for table in tables):
        return _of_particles(path, label, pixel_size)
    table = read_coordinates(path)
    points = np.stack([table.numbers(X), table.numbers(Y)], axis=1)
    stem = path.stem
    return KnownPicks(label, lambda name: points if stem.startswith(Path(name).stem) else None)


def _of_particles(path: Path, label: str, pixel_size: float | None) -> KnownPicks:
    known = read_particles(path)
    table = known.particles
    factor = 1.0
    if pixel_size is not None and "rlnMicrographOriginalPixelSize" in known.optics:
        factor = float(known.optics.numbers("rlnMicrographOriginalPixelSize")[0]) / pixel_size
    points = factor * np.stack([table.numbers(X), table.numbers(Y)], axis=1)
    stems = np.array([Path(name).stem for name in table["rlnMicrographName"].tolist()])
    by_stem: Mapping[str, np.ndarray] = {stem: points[stems == stem] for stem in np.unique(stems).tolist()}
    return KnownPicks(label, lambda name: by_stem.get(Path(name).stem))


def _coordinates(files: CoordinateFiles, micrograph: str, project: Path) -> np.ndarray | None:
    place = files.path_of(micrograph, project=project)
    if place is None or not (project / place).is_file():
        return None
    table = read_coordinates(project / place)
    return np.stack([table.numbers(X), table.numbers(Y)], axis=1)


def _beside(directory: Path, micrographs: Sequence[str]) -> list[KnownPicks]:
    """Return coordinate files that lie beside the micrographs, one source for each ending of their names."""
    suffixes: dict[str, None] = {}
    for name in micrographs:
        place = directory / name
        for path in sorted(place.parent.glob(f"{place.stem}[_.]*")) if place.parent.is_dir() else ():
            if path.suffix in ENDINGS and path.suffix != ".txt" and _has_coordinates(path):
                suffixes.setdefault(path.name.removeprefix(place.stem))
    sources = []
    for suffix in suffixes:
        files = CoordinateFiles(suffix=suffix)
        sources.append(KnownPicks(f"*{suffix} beside the micrographs", _reader(files, directory)))
    return sources


def _reader(files: CoordinateFiles, directory: Path) -> Callable[[str], np.ndarray | None]:
    return lambda name: _coordinates(files, name, directory)


def _has_coordinates(path: Path) -> bool:
    try:
        # MotionCorr's own files hold coordinates of hot pixels, among other tables.
        return (path.suffix != ".star" or len(read_star(path)) == 1) and X in read_coordinates(path)
    except RelionlabError:
        return False


def _is_list(path: Path) -> bool:
    return path.suffix == ".star" and any("rlnMicrographCoordinates" in table for table in read_star(path).values())


def _job_of(label: str) -> str:
    return str(Path(label).parent) if Path(label).name.startswith("coords_suffix") else label


def _rank(path: str) -> int:
    folder = path.partition("/")[0]
    return _ORDER.index(folder) if folder in _ORDER else len(_ORDER)


def _tried(make: Callable[[], KnownPicks]) -> list[KnownPicks]:
    """Return the source in a list, or nothing if its files are gone or damaged: it is one offer among others."""
    try:
        return [make()]
    except (RelionlabError, NodeError, OSError):
        return []
