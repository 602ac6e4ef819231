"""What a project has used already: the particle's diameter, the mask, the symmetry, found by walking back through the jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from relionlab.errors import RelionlabError
from relionlab.io.images import open_image
from relionlab.io.star_columns import read_columns
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory
from relionlab.workflows.sizes import BOX, MASK


def made_from(directory: JobDirectory) -> Iterator[tuple[JobDirectory, Job]]:
    """Yield a job and those that its inputs come from, the nearest first, each with its parameters."""
    pipeline = directory.project.pipeline
    waiting, seen = [directory.name], set()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        found = JobDirectory(directory.project, name)
        with suppress(RelionlabError, OSError):
            yield found, found.job
        makers = (pipeline.maker(node.path) for node in pipeline.inputs_of(name))
        waiting += [maker for maker in makers if maker is not None]


def last_value(directory: JobDirectory, *names: str) -> Any:
    """Return the first of these parameters that a job or one before it had set, ``None`` if none had."""
    found = (_set(job, names) for _, job in made_from(directory))
    return next((value for value in found if value is not None), None)


def newest_value(directory: JobDirectory, *names: str) -> Any:
    """Return the first of these parameters that the newest job of the project has that has one, ``None`` if none has."""
    for process in reversed(directory.project.pipeline.processes):
        with suppress(RelionlabError, OSError):
            value = _set(JobDirectory(directory.project, process.name).job, names)
            if value is not None:
                return value
    return None


def _set(job: Job, names: tuple[str, ...]) -> Any:
    """Return the first of these parameters that a job has and that is not its default."""
    for name in names:
        if name in job.parameters() and job.applies(name):
            value = getattr(job, name)
            if value and value != job.default(name):
                return value
    return None


def diameter_used(directory: JobDirectory) -> float:
    """Return the particle's longest side in Å as picking had it, or as the mask of a classification suggests; 0: nobody said."""
    for known in (last_value, newest_value):
        if found := known(directory, "log_diam_max", "diameter"):
            return float(found)
        if mask := known(directory, "particle_diameter"):
            return round(float(mask) / MASK, 1)
    return 0.0


def mask_used(directory: JobDirectory, *, box_angstrom: float = 0.0) -> float:
    """Return the diameter in Å of the mask: that used before, a little more than the particle, or what suits the box.

    box_angstrom  side of the box; the mask stays within it
    """
    found = last_value(directory, "particle_diameter") or newest_value(directory, "particle_diameter")
    mask = float(found) if found else MASK * diameter_used(directory)
    if not mask:
        mask = MASK / BOX * box_angstrom
    if box_angstrom > 0:
        mask = min(mask, 0.95 * box_angstrom)
    return float(round(mask)) or 200.0


def symmetry_used(directory: JobDirectory) -> str:
    """Return the point group that a job before had, "C1" if none had another."""
    return str(last_value(directory, "sym_name") or "C1")


def pixel_and_box(star: Path) -> tuple[float, float]:
    """Return pixel size (Å) and box (px) of a list of particles, from its optics or its first image; nan: not known."""
    with suppress(RelionlabError):
        group = read_columns(star, "rlnImagePixelSize", "rlnImageSize")
        if "rlnImageSize" in group:
            return float(group["rlnImagePixelSize"][0]), float(group["rlnImageSize"][0])
    with suppress(RelionlabError, IndexError, OSError):
        name = str(read_columns(star, "rlnImageName")["rlnImageName"][0]).partition("@")[2]
        image = next(base / name for base in star.absolute().parents if (base / name).exists())
        header = open_image(image).header
        return header.pixel_size or float("nan"), float(header.shape[-1])
    return float("nan"), float("nan")
