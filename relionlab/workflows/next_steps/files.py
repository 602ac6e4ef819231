"""Where the files of a project lie that the next job takes."""

from __future__ import annotations

from pathlib import Path

from relionlab.display.results import finished_models
from relionlab.jobs.refinement.rounds import rounds
from relionlab.project import JobDirectory

MICROGRAPHS, MOVIES = "MicrographGroupMetadata", "MicrographMovieGroupMetadata"
COORDINATES, PARTICLES = "MicrographCoordsGroup", "ParticleGroupMetadata"
MAP, HALF_MAP, MASK, CLASSES = "DensityMap", "DensityMap.mrc.halfmap", "Mask3D", "Image2DGroupMetadata"


def made(directory: JobDirectory, kind: str) -> str:
    """Return the first file of this kind that a job makes, relative to the project, "" if it makes none."""
    return next((node.path for node in directory.outputs if node.kind.startswith(kind)), "")


def newest(directory: JobDirectory, kind: str, *, folder: str = "") -> str:
    """Return the newest file of this kind in the project that is on the disk, "" if there is none.

    folder  of jobs of this type alone
    """
    pipeline = directory.project.pipeline
    for maker, path in reversed(pipeline.outputs):
        fits = pipeline.node(path).kind.startswith(kind) and (not folder or maker.startswith(f"{folder}/"))
        if fits and (directory.project.directory / path).exists():
            return path
    return ""


def newest_templates(directory: JobDirectory) -> str:
    """Return the newest chosen 2D class averages of the project, "" if there are none."""
    pipeline = directory.project.pipeline
    for maker, path in reversed(pipeline.outputs):
        chosen = maker.startswith("Select/") and pipeline.node(path).kind.startswith(CLASSES)
        if (
            chosen and place_of(directory, path).with_suffix(".mrcs").exists()
        ):  # of maps that were chosen there is no stack
            return path
    return ""


def place_of(directory: JobDirectory, name: str) -> Path:
    """Return the path of a project file."""
    return directory.project.directory / name


def model_of(directory: JobDirectory) -> str:
    """Return the model file of a 2D classification's last finished iteration, relative to the project."""
    return directory.project.relative(finished_models(directory.path)[-1])


def last_data(directory: JobDirectory) -> str:
    """Return the particles of a 3D run's last finished iteration, relative to the project, "" if there are none."""
    data = rounds(directory.path)[-1].beside("data")
    return "" if data is None else directory.project.relative(data)
