"""What picking by hand can begin with: a ManualPick job, a job or list of micrographs, a folder, picks to correct."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from relionlab.errors import NodeError, RelionlabError
from relionlab.io.atomic import atomic_write
from relionlab.io.coordinate_files import CoordinateFiles, read_coordinate_files, write_coords_suffix
from relionlab.io.coordinates import read_coordinates, write_coordinates
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from relionlab.jobs.micrographs.listing import names_of, read_micrographs
from relionlab.jobs.picking.manualpick import ManualPick
from relionlab.project import JobDirectory, Project
from relionlab.project.pipeline_file import JOB_PIPELINE_FILE, PIPELINE_FILE
from relionlab.workflows.hand_picking import PICKNAME, SELECTION, HandPicking
from relionlab.workflows.picked import coordinates_node, micrographs_of_picks

STARTED_WITH = ".started_with"
"""File in a ManualPick job's directory that names the picks that were copied into it."""
_ENDINGS = (".mrc", ".tif", ".tiff")
_NODE = "MicrographGroupMetadata"


def open_hand_picking(
    source: JobDirectory | str | Path,
    *,
    project: Project | None = None,
    start_with: JobDirectory | str | Path | None = None,
    pixel_size: float | None = None,
    filaments: bool = False,
) -> HandPicking:
    """Return the picks by hand of these micrographs, begun or gone on with.

    source      a ManualPick job; a job that makes micrographs (CtfFind, MotionCorr, Import, Select), which gets a ManualPick
                job; a job of picks (AutoPick), which are copied into one to be corrected; a list (.star), a folder or a
                wildcard of image files (.mrc, .tif)
    project     where a job is made; without one, and for folders, RELION's files are written below "ManualPick/" there
    start_with  picks to begin with: a job that makes some, or its file coords_suffix_….star
    pixel_size  Å, where neither the list nor the image files say it
    filaments   whether picks are the ends of filaments, two by two; a ManualPick job says it itself

    A ManualPick job of the same micrographs and the same picks is gone on with. Raises InputError if nothing can be picked.
    """
    if isinstance(source, JobDirectory):
        project = source.project
        if source.type.startswith("relion.manualpick"):
            return _of_job(source, pixel_size)
        if start_with is None and (picks := coordinates_node(source)) is not None:
            start_with = picks
            source = micrographs_of_picks(source, picks)
        else:
            source = _list_of(source)
    if isinstance(start_with, JobDirectory):
        project = project or start_with.project
        found = coordinates_node(start_with)
        if found is None:
            raise NodeError(
                f"{start_with.name} has made no picks: expected AutoPick, ManualPick or imported coordinates."
            )
        start_with = found
    name = str(source)
    if project is None and name.endswith(".star") and _is_project(_base(Path(name))):
        project = Project.open(_base(Path(name)))  # a list in a project gets a job there, as it would in RELION
        name = str(Path.cwd() / name)
    if project is not None and name.endswith(".star"):
        wanted = ManualPick(fn_in=project.relative(name), do_startend=filaments)
        job = _job_for(project, wanted, project.relative(start_with) if start_with else "")
        return _of_job(job, pixel_size, start_with=project.relative(start_with) if start_with else "")
    made = _without_job(Path(name), project, start_with=start_with, pixel_size=pixel_size)
    made.filaments = filaments
    return made


def copy_picks(picking: HandPicking, files: CoordinateFiles) -> int:
    """Copy picks that were made elsewhere into files of their own, where a micrograph has none; returns the number of files."""
    copied = 0
    for name in picking.names:
        own, other = picking.coordinate_path(name), files.path_of(name, project=picking.directory)
        if own.exists() or other is None or not (picking.directory / other).is_file():
            continue
        source = picking.directory / other
        if source.suffix == ".star":
            with atomic_write(own) as temporary:
                shutil.copyfile(source, temporary)
        else:
            write_coordinates(own, read_coordinates(source).renamed(""))
        copied += 1
    return copied


# --- jobs -----------------------------------------------------------------------------------------------------------


def _of_job(job: JobDirectory, pixel_size: float | None, *, start_with: str = "") -> HandPicking:
    listed = str(getattr(job.job, "fn_in", ""))
    directory = job.project.directory
    micrographs = read_micrographs(PlainContext(directory, quiet=True), listed, sized=False)
    more: dict[str, Any] = {"pixel_size": pixel_size, "dropped": _dropped(directory / job.name)}
    more["filaments"] = bool(getattr(job.job, "do_startend", False))
    made = HandPicking(directory, f"{job.name}/", micrographs, job=job, **more)
    if start_with and not (job.path / STARTED_WITH).exists():
        copy_picks(made, read_coordinate_files(start_with, directory=directory))
        (job.path / STARTED_WITH).write_text(f"{start_with}\n", encoding="utf-8")
    return made


def _job_for(project: Project, wanted: ManualPick, start_with: str) -> JobDirectory:
    """Return the newest ManualPick job of these micrographs and picks, else one that is made and started now."""
    asked = (wanted.fn_in, wanted.do_startend, start_with)
    for job in reversed(project.jobs()):
        if not job.type.startswith("relion.manualpick"):
            continue
        try:
            own = job.job
            same = isinstance(own, ManualPick) and (own.fn_in, own.do_startend, _begun_with(job)) == asked
        except RelionlabError:
            continue
        if same:
            return job.start() if job.state == "scheduled" else job
    return project.run(wanted)


def _begun_with(job: JobDirectory) -> str:
    place = job.path / STARTED_WITH
    return place.read_text(encoding="utf-8").strip() if place.exists() else ""


def _dropped(folder: Path) -> set[str]:
    """Return the micrographs that were shown before and are not among the kept ones."""
    seen, kept = folder / ".micrographs_seen.star", folder / SELECTION
    if not (seen.exists() and kept.exists()):
        return set()
    before, after = (names_of(read_particles(place, kind="micrographs")) for place in (seen, kept))
    return set(before) - set(after)


def _output(job: JobDirectory, kind: str) -> str | None:
    return next((node.path for node in job.outputs if node.kind.startswith(kind)), None)


def _list_of(job: JobDirectory) -> str:
    found = _output(job, _NODE)
    if found is None:
        raise NodeError(
            f"{job.name} has made no micrographs: expected Import, MotionCorr, CtfFind, Select or a job of picks."
        )
    return found


# --- without a job ----------------------------------------------------------------------------------------------------


def _without_job(
    source: Path, project: Project | None, *, start_with: str | Path | None, pixel_size: float | None
) -> HandPicking:
    base = project.directory if project is not None else _base(source)
    folder = "ManualPick/"
    place = source if source.is_absolute() else (base / source if project is not None else Path.cwd() / source)
    if place.suffix == ".star":
        listed = place.relative_to(base).as_posix() if place.is_relative_to(base) else str(place)
        micrographs = read_micrographs(PlainContext(base, quiet=True), listed, sized=False)
    else:
        listed = f"{folder}micrographs.star"
        micrographs = _listed(_images(place, base), pixel_size)
    made = HandPicking(base, folder, micrographs, pixel_size=pixel_size, dropped=_dropped(base / folder))
    write_coords_suffix(base / folder / f"coords_suffix_{PICKNAME}.star", listed)
    if place.suffix != ".star":
        write_particles(base / listed, micrographs)
    write_particles(base / folder / ".micrographs_seen.star", micrographs)
    made.keep()
    if start_with is not None and not (base / folder / STARTED_WITH).exists():
        copy_picks(made, read_coordinate_files(str(start_with), directory=base))
        (base / folder / STARTED_WITH).write_text(f"{start_with}\n", encoding="utf-8")
    return made


def _base(source: Path) -> Path:
    """Return the folder to which names are relative: the project that a list lies in, else its (the images') own folder."""
    place = Path.cwd() / source
    if place.suffix == ".star":
        return next((above for above in place.parents if _is_project(above)), place.parent)
    while any(mark in place.name for mark in "*?["):
        place = place.parent
    return place if place.is_dir() else place.parent


def _is_project(folder: Path) -> bool:
    """Whether a folder is a project; jobs' directories hold a pipeline file too, of their own job only."""
    is_job = any((folder / name).exists() for name in ("job.star", "run.job", JOB_PIPELINE_FILE))
    return (folder / PIPELINE_FILE).exists() and not is_job


def _images(place: Path, base: Path) -> list[str]:
    if place.is_dir():
        found: Iterable[Path] = (path for path in place.iterdir() if path.suffix.lower() in _ENDINGS)
    elif any(mark in str(place) for mark in "*?["):
        found = (path for path in _root(place).glob(str(place.relative_to(_root(place)))) if path.is_file())
    else:
        found = [place] if place.is_file() else []
    names = sorted(path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path) for path in found)
    if not names:
        raise NodeError(
            f"{place} means no micrographs: expected a folder or a wildcard of {', '.join(_ENDINGS)} files, or a list."
        )
    return names


def _root(place: Path) -> Path:
    return next(above for above in place.parents if not any(mark in str(above) for mark in "*?["))


def _listed(names: list[str], pixel_size: float | None) -> Particles:
    optics: dict[str, list[object]] = {"rlnOpticsGroupName": ["opticsGroup1"], "rlnOpticsGroup": [1]}
    if pixel_size:
        optics["rlnMicrographPixelSize"] = [pixel_size]
    rows = Table({"rlnMicrographName": names, "rlnOpticsGroup": [1] * len(names)}, name="micrographs")
    return Particles(Table(optics, name="optics"), rows, "micrographs")
