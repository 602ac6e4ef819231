"""From a list of movies to a list of corrected micrographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relionlab.errors import InputError, RelionlabError, StarError
from relionlab.io.gain import equal_turns, read_defects
from relionlab.io.job_names import as_folder, output_root
from relionlab.io.particles import Particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.context import Context
from relionlab.jobs.looking import spread, tell_of_faults
from relionlab.jobs.micrographs.each import for_each_micrograph
from relionlab.jobs.micrographs.listing import ORIGINAL_PIXEL_SIZE, look_at_images, names_of, read_micrographs
from relionlab.jobs.motion.correction import Corrected, CorrectMovie
from relionlab.jobs.motion.doubts import doubts_before, fitting_gain
from relionlab.jobs.motion.frames import bytes_needed, chosen_frames, gain_of, opened
from relionlab.jobs.motion.task import MovieSettings, MovieTask

if TYPE_CHECKING:
    from relionlab.jobs.motion.program import RunMotionCorr

_OLD_COLUMNS = (
    "rlnCtfPowerSpectrum", "rlnMicrographNameNoDW", "rlnMicrographName", "rlnMicrographMetadata", "rlnOpticsGroup",
    "rlnAccumMotionTotal", "rlnAccumMotionEarly", "rlnAccumMotionLate",
)  # fmt: skip

_OPENED = 3  # movies whose frames, gain and defects a look compares with what is asked for


def correct_all(context: Context, flags: RunMotionCorr) -> None:
    """Correct the movies of a list and write corrected_micrographs.star; see the program's flags."""
    movies = read_movies(context, flags)
    _check_shared_files(context, flags)
    tasks, wanted = tasks_of(movies, flags), settings_of(flags)
    if flags.find_gain:
        wanted = with_fitting_gain(context, tasks, wanted)
    work = CorrectMovie(Path(context.directory), tasks, wanted)
    names = [task.name for task in work.tasks]
    choice = flags.choice()
    left, kept = choice.divided(names, work.finished)
    if left:
        context.say(f" Correcting beam-induced motion of {len(left)} of {len(names)} movies")
        for doubt in doubts_before(work.directory, [work.tasks[index] for index in left], work.settings):
            context.warn(f"warning: {doubt}")
    done = for_each_micrograph(
        context,
        names,
        work,
        finished=kept.get,
        choice=choice,
        bytes_each=bytes_needed(work.directory, [work.tasks[index] for index in left], work.settings),
        threads=flags.j,
        what="movies",
    )
    tell_of_doubts(context, names, {index: made.doubts for index, made in done.results.items()})
    path = write_list(context, flags, movies, work=work, made=done.results)
    context.say(f" Done! Written: {path}")


def look_at_movies(context: Context, flags: RunMotionCorr) -> None:
    """Raise or warn of what can be known of movies, gain and settings before any movie is corrected."""
    movies = read_movies(context, flags)
    _check_shared_files(context, flags)
    look_at_images(context, movies)
    every, wanted = tasks_of(movies, flags), settings_of(flags)
    tasks, looked_at = every[:1], spread(every, _OPENED)
    tell_of_faults(
        context, _faults(Path(context.directory), looked_at, wanted), looked_at=len(looked_at), what="movies"
    )
    unread = replace(wanted, gain="")  # with a gain, frames would be read, which takes too long for a look
    for doubt in doubts_before(Path(context.directory), tasks, unread):
        context.warn(doubt)


def _faults(directory: Path, tasks: Sequence[MovieTask], wanted: MovieSettings) -> Iterator[tuple[str, RelionlabError]]:
    """Yield the movies whose frames, gain or defects are not what is asked for, with what is wrong."""
    for task in tasks:
        try:
            movie = opened(directory, task, wanted)
        except RelionlabError:
            continue  # said already
        with movie:
            try:
                chosen_frames(movie, wanted)
                gain_of(directory, movie, wanted)
                if wanted.defects:
                    read_defects(directory / wanted.defects, movie.shape)
            except RelionlabError as error:
                yield task.name, error


def with_fitting_gain(context: Context, tasks: Sequence[MovieTask], wanted: MovieSettings) -> MovieSettings:
    """Return the settings with the gain turned so that it takes the detector's pattern away, and say so.

    What was given stays where the first movies do not tell.
    """
    found = fitting_gain(Path(context.directory), tasks, wanted)
    given, fits = (wanted.gain_rotation, wanted.gain_flip), (wanted.gain_rotation, wanted.gain_flip)
    if found is not None and found.decided and not found.divides:
        fits = (found.rotation, found.flip)
    if equal_turns(given, fits):
        context.say(f" The gain stays as given (--gain_rot {given[0]} --gain_flip {given[1]})")
        return wanted
    context.say(
        f" The gain fits the movies with --gain_rot {fits[0]} --gain_flip {fits[1]}, not with --gain_rot {given[0]}"
        f" --gain_flip {given[1]}: it is turned so"
    )
    return replace(wanted, gain_rotation=fits[0], gain_flip=fits[1])


def read_movies(context: Context, flags: RunMotionCorr) -> Particles:
    """Return the movies with pixel size and voltage: of a list in any of RELION's dialects, or of a wildcard.

    Raises StarError if pixel size or voltage is neither in the list nor given.
    """
    given = {ORIGINAL_PIXEL_SIZE: flags.angpix, "rlnVoltage": flags.voltage}
    movies = read_micrographs(context, flags.i, kind="movies", optics=given, instead=given, sized=False)
    for label, flag in ((ORIGINAL_PIXEL_SIZE, "--angpix"), ("rlnVoltage", "--voltage")):
        if label not in movies.optics:
            raise StarError(f"{flags.i} does not say {label}: give it with {flag}, or import the movies again.")
        wrong = [value for value in movies.optics[label].tolist() if not (np.isfinite(value) and value > 0)]
        if wrong:
            raise InputError(
                f"{flags.i} has {label} {wrong[0]:g} in its table 'optics'; expected a number above 0: give it with {flag}."
            )
    return movies


def tell_of_doubts(context: Context, names: list[str], doubts: dict[int, tuple[str, ...]]) -> None:
    """Warn of what was found of movies, once for those of which the same was found."""
    found: dict[str, list[str]] = {}
    for index, texts in doubts.items():
        for text in texts:
            found.setdefault(text, []).append(names[index])
    for text, those in found.items():
        shown = ", ".join(those[:5]) + (f" … ({len(those)} in all)" if len(those) > 5 else "")
        context.warn(f"warning: {shown}: {text}.")


def tasks_of(movies: Particles, flags: RunMotionCorr) -> tuple[MovieTask, ...]:
    """Return what is to be made of each movie."""
    names = names_of(movies)
    sizes, voltages = movies.column("rlnMicrographOriginalPixelSize"), movies.column("rlnVoltage")
    roots = [output_root(flags.o, name) for name in names]
    metadata = [""] * len(names)
    if flags.apply_motion:
        if "rlnMicrographMetadata" not in movies.particles:
            raise StarError(
                f"--apply_motion: {flags.i} has no column rlnMicrographMetadata with each movie's motion STAR file."
            )
        metadata = movies.particles["rlnMicrographMetadata"].tolist()
    if flags.motioncor2_logs:
        metadata = [flags.motioncor2_logs] * len(names)
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
    _write_where_new(context.path(path), Particles(optics, table, "micrographs"))
    if flags.save_aligned:
        aligned = {"rlnMicrographMovieName": [f"{root}_movie.mrcs" for root in roots], **columns}
        moved = Particles(optics, Table(aligned, "movies"), "movies")
        write_particles(context.path(f"{as_folder(flags.o)}corrected_micrograph_movies.star"), moved)
    return path


def _write_where_new(path: Path, listed: Particles) -> None:
    """Write a list, but leave one that says the same as it is: what was made of it is not made again."""
    new = path.with_name(f".{path.name}")
    write_particles(new, listed)
    if path.is_file() and path.read_bytes() == new.read_bytes():
        new.unlink()
    else:
        new.replace(path)


def _pixel_sizes(movies: Particles, work: CorrectMovie, made: dict[int, Corrected]) -> np.ndarray:
    """Return the corrected micrographs' pixel size (Å) of each optics group."""
    sizes = movies.optics["rlnMicrographOriginalPixelSize"] * work.settings.binning
    for index, found in made.items():
        sizes[movies.group_rows[index]] = found.pixel_size
    return sizes


def _check_shared_files(context: Context, flags: RunMotionCorr) -> None:
    """Raise before the work begins if gain or defects are not there: no movie could be corrected."""
    for name, flag in ((flags.gainref, "--gainref"), (flags.defect_file, "--defect_file")):
        if name and not context.path(name).is_file():
            raise InputError(
                f"{flag} {name} does not exist. Check the name, and that it is relative to the project folder."
            )
    if flags.motioncor2_logs and not context.path(flags.motioncor2_logs).is_dir():
        raise InputError(
            f"--motioncor2_logs {flags.motioncor2_logs} is no directory. Give the one with MotionCor2's logs."
        )
