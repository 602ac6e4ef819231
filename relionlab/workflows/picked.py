"""What a job has picked: its micrographs, and the coordinate file of each.

picked = picked_by(project.job("AutoPick/job004"))
picked.coordinates(picked.names[0])
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from relionlab.errors import NodeError
from relionlab.io.coordinate_files import CoordinateFiles, read_coordinate_files
from relionlab.jobs.context import PlainContext
from relionlab.jobs.micrographs.listing import names_of, read_micrographs
from relionlab.project import JobDirectory, Project

_MICROGRAPHS, _PICKS = "MicrographGroupMetadata", "MicrographCoordsGroup"


@dataclass(frozen=True)
class Picked:
    """The picks of a job.

    project  in which names are looked up
    names    of the micrographs, as the STAR files have them
    files    where their coordinates are
    near     a file of the job, from which what belongs to a micrograph is found
    """

    project: Project
    names: tuple[str, ...]
    files: CoordinateFiles = field(repr=False)
    near: Path

    def coordinates(self, name: str) -> Path | None:
        """Return the coordinate file of a micrograph, ``None`` where nothing was picked."""
        found = self.files.path_of(name, project=self.project.directory)
        place = None if found is None else self.project.directory / found
        return place if place is not None and place.is_file() else None


def coordinates_node(job: JobDirectory) -> str | None:
    """Return the file that names a job's picks, relative to the project; ``None`` if the job makes none."""
    return next((node.path for node in job.outputs if node.kind.startswith(_PICKS)), None)


def micrographs_of_picks(job: JobDirectory, picks: str) -> str:
    """Return the list of micrographs that picks belong to: the job's own input, or what their file notes.

    picks  their file, relative to the project
    """
    for node in job.inputs:
        if node.kind.startswith(_MICROGRAPHS):
            return node.path
    noted = read_coordinate_files(picks, directory=job.project.directory).micrographs
    if noted.endswith(".star") and (job.project.directory / noted).is_file():
        return noted
    raise NodeError(
        f"{job.name} does not say which micrographs its picks are of: open the micrographs' job, with start_with={job.name!r}."
    )


def picked_by(job: JobDirectory) -> Picked:
    """Return what a job has picked; raises NodeError if it makes no picks."""
    picks = coordinates_node(job)
    if picks is None:
        raise NodeError(f"{job.name} makes no picks: expected AutoPick, ManualPick or imported coordinates.")
    directory = job.project.directory
    files = read_coordinate_files(picks, directory=directory)
    if files.listed:
        names = list(files.listed)
    else:
        listed = read_micrographs(PlainContext(directory, quiet=True), micrographs_of_picks(job, picks), sized=False)
        names = names_of(listed)
    if not names:
        raise NodeError(f"{picks} names no micrograph.")
    return Picked(job.project, tuple(names), files, directory / picks)
