"""From a list of movies to a list of corrected micrographs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relionlab.errors import InputError, StarError
from relionlab.io.job_names import as_folder, output_root
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.context import Context
from relionlab.jobs.micrographs.each import Choice, for_each_micrograph
from relionlab.jobs.motion.correction import Corrected, CorrectMovie
from relionlab.jobs.motion.frames import bytes_needed
from relionlab.jobs.motion.task import MovieSettings, MovieTask

if TYPE_CHECKING:
    from relionlab.jobs.motion.program import RunMotionCorr

_OLD_COLUMNS = (
    "rlnCtfPowerSpectrum", "rlnMicrographNameNoDW", "rlnMicrographName", "rlnMicrographMetadata", "rlnOpticsGroup",
    "rlnAccumMotionTotal", "rlnAccumMotionEarly", "rlnAccumMotionLate",
)  # fmt: skip


def correct_all(context: Context, flags: RunMotionCorr) -> None:
    """Correct the movies of a list and write corrected_micrographs.star; see the program's flags."""
    movies = read_movies(context, flags)
    _check_shared_files(context, flags)
    listed = CorrectMovie(Path(context.directory), tasks_of(movies, flags), settings_of(flags))
    left, finished = _divided(listed, flags)
    rows = sorted({*left, *finished})
    work = CorrectMovie(listed.directory, tuple(listed.tasks[row] for row in rows), listed.settings)
    context.say(f" Correcting beam-induced motion of {len(left)} of {len(movies)} movies")
    done = for_each_micrograph(
        context,
        [task.name for task in work.tasks],
        work,
        finished=lambda index: finished.get(rows[index]),
        bytes_each=bytes_needed(work.directory, listed.tasks[min(left, default=0)], work.settings),
        threads=flags.j,
        what="movies",
    )
    path = write_list(context, flags, movies.rows(np.array(rows, int)), work=work, made=done.results)
    context.say(f" Done! Written: {path}")


def read_movies(context: Context, flags: RunMotionCorr) -> Particles:
    """Return the movies with pixel size and voltage: of a list in any of RELION's dialects, or of a wildcard.

    Raises StarError if pixel size or voltage is neither in the list nor given.
    """
    if flags.i.endswith(".star"):
        movies = read_particles(context.path(flags.i), kind="movies", directory=context.directory)
    else:
        found = sorted(path.relative_to(context.directory).as_posix() for path in Path(context.directory).glob(flags.i))
        if not found:
            raise InputError(f"--i {flags.i} matches no file. Give a STAR file, or put the wildcard in quotes.")
        optics = Table({"rlnOpticsGroupName": ["opticsGroup1"], "rlnOpticsGroup": [1]}, "optics")
        rows = Table({"rlnMicrographMovieName": found, "rlnOpticsGroup": np.ones(len(found), int)}, "movies")
        movies = Particles(optics, rows, "movies")
    if not len(movies):
        raise InputError(f"{flags.i} lists no movie.")
    optics = movies.optics
    for label, value, flag in (
        ("rlnMicrographOriginalPixelSize", flags.angpix, "--angpix"),
        ("rlnVoltage", flags.voltage, "--voltage"),
    ):
        if value is not None:
            optics = optics.with_columns({label: value})
        elif label not in optics:
            raise StarError(f"{flags.i} does not say {label}: give it with {flag}, or import the movies again.")
    names = movies.particles["rlnMicrographMovieName"].tolist()
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise StarError(f"{flags.i} lists {min(twice)} more than once. Remove the repeated rows.")
    return Particles(optics, movies.particles, "movies", movies.others)


def tasks_of(movies: Particles, flags: RunMotionCorr) -> tuple[MovieTask, ...]:
    """Return what is to be made of each movie; raises InputError if two would get the same files."""
    names = movies.particles["rlnMicrographMovieName"].tolist()
    sizes, voltages = movies.column("rlnMicrographOriginalPixelSize"), movies.column("rlnVoltage")
    roots = [output_root(flags.o, name) for name in names]
    if len(set(roots)) < len(roots):
        root = next(root for root in roots if roots.count(root) > 1)
        both = " and ".join(name for name, other in zip(names, roots, strict=True) if other == root)
        raise InputError(f"{both} would both be written to {root}.mrc: rename one of them, or import them separately.")
    metadata = [""] * len(names)
    if flags.apply_motion:
        if "rlnMicrographMetadata" not in movies.particles:
            raise StarError(
                f"--apply_motion: {flags.i} has no column rlnMicrographMetadata with each movie's motion STAR file."
            )
        metadata = movies.particles["rlnMicrographMetadata"].tolist()
    return tuple(
        MovieTask(name, root, float(size), float(voltage), earlier)
        for name, root, size, voltage, earlier in zip(names, roots, sizes, voltages, metadata, strict=True)
    )


def settings_of(flags: RunMotionCorr) -> MovieSettings:
    """Return the flags in the engine's words."""
    return MovieSettings(
        gain=flags.gainref,
        gain_rotation=flags.gain_rot,
        gain_flip=flags.gain_flip,
        defects=flags.defect_file,
        find_hot_pixels=not flags.skip_defect,
        first=flags.first_frame_sum,
        last=flags.last_frame_sum,
        eer_grouping=flags.eer_grouping,
        eer_upsampling=flags.eer_upsampling,
        b_factor=flags.bfactor,
        downsampling=flags.ccf_downsample,
        iterations=flags.max_iter,
        patches=(flags.patch_x, flags.patch_y),
        group=flags.group_frames,
        binning=flags.bin_factor,
        early_binning=not flags.no_early_binning,
        dose_weighting=flags.dose_weighting,
        dose_per_frame=flags.dose_per_frame,
        pre_exposure=flags.preexposure,
        save_plain=flags.save_nodw,
        save_aligned=flags.save_aligned,
        frames_per_spectrum=flags.grouping_for_ps,
        spectrum_size=flags.ps_size,
        half_precision=flags.float16,
        early_dose=flags.dose_motionstats_cutoff,
    )


def write_list(
    context: Context, flags: RunMotionCorr, movies: Particles, *, work: CorrectMovie, made: dict[int, Corrected]
) -> str:
    """Write corrected_micrographs.star of the movies that are done; the optics groups get the new pixel size."""
    rows = movies.rows(np.array(sorted(made), dtype=int))
    roots = [work.tasks[index].root for index in sorted(made)]
    columns: dict[str, object] = {}
    if flags.save_nodw and flags.dose_weighting:
        columns["rlnMicrographNameNoDW"] = [f"{root}_noDW.mrc" for root in roots]
    if flags.grouping_for_ps:
        columns["rlnCtfPowerSpectrum"] = [f"{root}_PS.mrc" for root in roots]
    columns["rlnMicrographName"] = [f"{root}.mrc" for root in roots]
    columns["rlnMicrographMetadata"] = [f"{root}.star" for root in roots]
    columns["rlnOpticsGroup"] = rows.particles["rlnOpticsGroup"]
    travelled = np.array([made[index].travelled for index in sorted(made)]).reshape(-1, 3)
    columns |= dict(zip(_OLD_COLUMNS[-3:], travelled.T, strict=True))
    kept = {
        label: rows.particles[label]
        for label in rows.particles
        if label not in (*_OLD_COLUMNS, "rlnMicrographMovieName")
    }
    optics = movies.optics.with_columns({"rlnMicrographPixelSize": _pixel_sizes(movies, work, made)})
    table = Table({**columns, **kept}, "micrographs")
    path = f"{as_folder(flags.o)}corrected_micrographs.star"
    write_particles(context.path(path), Particles(optics, table, "micrographs"))
    if flags.save_aligned:
        aligned = {"rlnMicrographMovieName": [f"{root}_movie.mrcs" for root in roots], **columns}
        moved = Particles(optics, Table(aligned, "movies"), "movies")
        write_particles(context.path(f"{as_folder(flags.o)}corrected_micrograph_movies.star"), moved)
    return path


def _pixel_sizes(movies: Particles, work: CorrectMovie, made: dict[int, Corrected]) -> np.ndarray:
    """Return the corrected micrographs' pixel size (Å) of each optics group."""
    sizes = movies.optics["rlnMicrographOriginalPixelSize"] * work.settings.binning
    for index, found in made.items():
        sizes[movies.group_rows[index]] = found.pixel_size
    return sizes


def _divided(work: CorrectMovie, flags: RunMotionCorr) -> tuple[list[int], dict[int, Corrected]]:
    """Return the numbers of the movies that are to be corrected now, and what is there of others."""
    again = Choice(redo=flags.redo).again([task.name for task in work.tasks])
    finished = {}
    if flags.only_do_unfinished or again:
        found = {n: work.finished(n) for n in range(len(work.tasks)) if n not in again}
        finished = {n: made for n, made in found.items() if made is not None}
    left = [
        n for n in range(len(work.tasks)) if n not in finished and (not again or n in again or flags.only_do_unfinished)
    ]
    return left[: flags.do_at_most], finished


def _check_shared_files(context: Context, flags: RunMotionCorr) -> None:
    """Raise before the work begins if gain or defects are not there: no movie could be corrected."""
    for name, flag in ((flags.gainref, "--gainref"), (flags.defect_file, "--defect_file")):
        if name and not context.path(name).is_file():
            raise InputError(
                f"{flag} {name} does not exist. Check the name, and that it is relative to the project folder."
            )
