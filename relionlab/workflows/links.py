"""From one thing to what belongs to it: class, its particles, their micrograph, its CTF, and back.

found = particles_of_class("Class2D/job010/run_it025_model.star", [3])
place = micrograph_of_particle(found.star, found.rows[0])
ctf = ctf_of_micrograph(place.name, near=found.star)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.errors import NodeError, RelionlabError, StarError
from relionlab.io.job_names import root_below_job
from relionlab.io.kept_lists import particle_list, rows_of
from relionlab.io.table import Table
from relionlab.project import Project
from relionlab.project.pipeline import Pipeline

MICROGRAPH, IMAGE, CLASS = "rlnMicrographName", "rlnImageName", "rlnClassNumber"
_PIPELINE = "default_pipeline.star"
_CLASSIFIED = re.compile(r"/(Class[23]D|InitialModel)/[^/]+/[^/]+$")
_DATA = re.compile(r"_data\.star(\.gz|\.bz2|\.zst)?$")


@dataclass(frozen=True, eq=False)
class FoundRows:
    """Rows of a list.

    star  the STAR file
    rows  numbers of its rows from 0, ascending
    """

    star: Path
    rows: np.ndarray


@dataclass(frozen=True)
class ParticlePlace:
    """Where a particle lies.

    name        the micrograph as the STAR files name it
    micrograph  its file
    x, y        centre of the particle in px of the micrograph, y down
    """

    name: str
    micrograph: Path
    x: float
    y: float


@dataclass(frozen=True)
class ParticleClass:
    """The class of a particle: its number, and the model file of the classification that found it; ``None`` if there is none."""

    number: int
    model: Path | None


# --- where a file belongs -----------------------------------------------------------------------------------------


def project_of(path: str | Path) -> Project | None:
    """Return the project in which a file lies, ``None`` if it lies in none."""
    place = Path(path).absolute()
    for folder in (place, *place.parents):
        if (folder / _PIPELINE).exists() and not re.search(r"/job\d{3,}$", folder.as_posix()):
            return Project.open(folder)
    return None


# --- from one to the other ----------------------------------------------------------------------------------------


def particles_of_class(model: str | Path, numbers: Iterable[int]) -> FoundRows:
    """Return the particles whose best class, in this iteration, is one of these (numbers from 1).

    model  a run_itNNN_model.star, or the run_itNNN_data.star beside it
    """
    star = data_of_model(Path(model))
    table = particle_list(star).particles
    if CLASS not in table:
        raise StarError(f"{star} has no column {CLASS}, so its particles belong to no class.")
    return FoundRows(star, np.flatnonzero(np.isin(table[CLASS], list(numbers))))


def data_of_model(model: Path) -> Path:
    """Return the particles' file of a model file's iteration; NodeError if it is missing."""
    if _DATA.search(model.name):
        return model
    name = re.sub(r"(_half[12])?_model\.star$", "_data.star", model.name)
    for candidate in (model.with_name(name), *(model.with_name(name + packed) for packed in (".gz", ".bz2", ".zst"))):
        if candidate.exists():
            return candidate
    raise NodeError(
        f"{name} is not beside {model}: the particles of this iteration were not kept; take the last iteration."
    )


def class_of_particle(star: str | Path, row: int) -> ParticleClass:
    """Return the class of a particle of a list, row from 0: of the list's own iteration, else of the newest
    classification in the project that used this image.

    Raises NodeError if it was never classified.
    """
    place = Path(star)
    table = particle_list(place).particles
    model = _model_of_data(place)
    number = int(table[CLASS][row]) if CLASS in table else 0
    if number > 0 and model is not None and _CLASSIFIED.search(place.absolute().as_posix()):
        return ParticleClass(number, model)
    image = str(table[IMAGE][row])
    for data in _classifications(place):
        rows = particle_list(data).particles
        found = np.flatnonzero(rows[IMAGE] == image) if IMAGE in rows and CLASS in rows else np.zeros(0, int)
        if found.size and int(rows[CLASS][found[0]]) > 0:
            return ParticleClass(int(rows[CLASS][found[0]]), _model_of_data(data))
    if number > 0:
        return ParticleClass(number, model)
    raise NodeError(f"{image} was not classified yet: run a 2D or 3D classification of {place.name} first.")


def micrograph_of_particle(star: str | Path, row: int) -> ParticlePlace:
    """Return the micrograph of a particle of a list, row from 0, and where in it the particle lies.

    Where the list itself has no micrograph or coordinates, the lists that it was made from are asked, through the
    pipeline. Raises NodeError if none tells.
    """
    place = Path(star)
    table = particle_list(place).particles
    image = str(table[IMAGE][row]) if IMAGE in table else ""
    if not _tells_place(table):
        place, table, row = _same_image(place, image)
    name = str(table[MICROGRAPH][row])
    project = project_of(place)
    file = (project.directory if project is not None else Path.cwd()) / name
    x, y = float(table["rlnCoordinateX"][row]), float(table["rlnCoordinateY"][row])
    return ParticlePlace(name, file, x, y)


def particles_of_micrograph(micrograph: str, *, near: str | Path) -> FoundRows:
    """Return the particles of a micrograph.

    micrograph  its name in the STAR files (a movie's name finds the particles of its micrograph too)
    near        a list of particles, or any file of the project: then the newest list that has the micrograph is taken

    Raises NodeError if there is none.
    """
    star = Path(near)
    for candidate in (star, *_particle_lists(star)):
        rows = _rows_of_micrograph(candidate, micrograph)
        if rows.size:
            return FoundRows(candidate, rows)
    raise NodeError(f"No particles of {micrograph} are in this project: pick and extract them first.")


def ctf_of_micrograph(micrograph: str, *, near: str | Path) -> FoundRows:
    """Return the row of a micrograph in the list of CTFs: the one that ``near`` was made from, else the newest.

    near  any file of the project
    Raises NodeError if no CTF of it is known.
    """
    for candidate in (Path(near), *_upstream(Path(near)), *_all_outputs(Path(near))):
        if "micrographs" not in candidate.name:
            continue
        table = _micrograph_table(candidate)
        if table is not None and "rlnDefocusU" in table:
            rows = _named(table[MICROGRAPH], micrograph)
            if rows.size:
                return FoundRows(candidate, rows[:1])
    raise NodeError(f"The CTF of {micrograph} was not estimated in this project: run CtfFind on it first.")


# --- inside -------------------------------------------------------------------------------------------------------


def _model_of_data(data: Path) -> Path | None:
    if not _DATA.search(data.name):
        return None
    for ending in ("_model.star", "_half1_model.star"):
        model = data.with_name(_DATA.sub(ending, data.name))
        if model.exists():
            return model
    return None


def _tells_place(table: Table) -> bool:
    return all(label in table for label in (MICROGRAPH, "rlnCoordinateX", "rlnCoordinateY"))


def _same_image(star: Path, image: str) -> tuple[Path, Table, int]:
    """Return the list upstream that knows where this image was cut out."""
    for candidate in _upstream(star):
        table = _particles_or_none(candidate)
        if table is None or not _tells_place(table) or IMAGE not in table:
            continue
        rows = np.flatnonzero(table[IMAGE] == image)
        if rows.size:
            return candidate, table, int(rows[0])
    raise NodeError(
        f"{star.name} does not say from which micrograph {image or 'its particles'} came, nor does a list that it was made from: "
        "particles that were imported as images only have no micrograph."
    )


def _particles_or_none(star: Path) -> Table | None:
    try:
        return particle_list(star).particles
    except RelionlabError:
        return None


def _micrograph_table(star: Path) -> Table | None:
    try:
        table = rows_of(star)
    except RelionlabError:
        return None
    return table if MICROGRAPH in table and "rlnCoordinateX" not in table else None


def _rows_of_micrograph(star: Path, micrograph: str) -> np.ndarray:
    table = _particles_or_none(star) if star.is_file() else None
    if table is None or MICROGRAPH not in table or IMAGE not in table:
        return np.zeros(0, dtype=np.int64)
    return _named(table[MICROGRAPH], micrograph)


def _named(names: np.ndarray, micrograph: str) -> np.ndarray:
    """Return the rows of this name; if there is none, of the same micrograph as another job calls it."""
    rows = np.flatnonzero(names == micrograph)
    if rows.size:
        return rows
    wanted = root_below_job(micrograph)
    same = {name for name in set(names.tolist()) if root_below_job(name) == wanted}
    return np.flatnonzero(np.isin(names, list(same))) if same else rows


def _upstream(star: Path) -> Iterator[Path]:
    """Walk over the STAR files that a file was made from, nearest first, by the project's pipeline."""
    project = project_of(star)
    if project is None:
        return
    pipeline = project.pipeline
    name = _job_of(pipeline, project.relative(star.absolute()))
    waiting, seen = [name] if name else [], set()
    while waiting:
        job = waiting.pop(0)
        if job in seen:
            continue
        seen.add(job)
        for node in pipeline.inputs_of(job):
            if node.path.endswith(".star"):
                yield project.directory / node.path
            maker = pipeline.maker(node.path)
            if maker:
                waiting.append(maker)


def _all_outputs(star: Path) -> Iterator[Path]:
    """Walk over all STAR files that the project's jobs have made, newest job first."""
    project = project_of(star)
    if project is None:
        return
    pipeline = project.pipeline
    for process in reversed(pipeline.processes):
        for node in pipeline.outputs_of(process.name):
            path = project.directory / node.path
            if node.path.endswith(".star") and path.exists():
                yield path


def _particle_lists(star: Path) -> Iterator[Path]:
    for path in _all_outputs(star):
        if _DATA.search(path.name) or path.name.startswith(("particles", "shiny")):
            yield path


def _classifications(star: Path) -> Iterator[Path]:
    return (path for path in _all_outputs(star) if _DATA.search(path.name) and _CLASSIFIED.search(path.as_posix()))


def _job_of(pipeline: Pipeline, path: str) -> str:
    """Return the job in whose directory a file lies, "" if in none."""
    return next((process.name for process in pipeline.processes if path.startswith(f"{process.name}/")), "")
