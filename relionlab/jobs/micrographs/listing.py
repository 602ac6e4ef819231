"""The lists of micrographs that programs work on: read, freed of repetitions, compared with the files themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from relionlab.engine.micrograph_checks import check_finite, check_pixels
from relionlab.errors import ImageError, InputError, ParameterError, RelionlabError
from relionlab.io.image_file import ImageHeader
from relionlab.io.images import open_image, read_header, read_image
from relionlab.io.job_names import root_below_job
from relionlab.io.movies import MrcMovie, open_movie
from relionlab.io.particles import Kind, Particles, read_particles
from relionlab.io.table import Table
from relionlab.jobs.context import Context
from relionlab.jobs.finding import find_files
from relionlab.jobs.looking import spread, tell_of_faults

PIXEL_SIZE = "rlnMicrographPixelSize"
ORIGINAL_PIXEL_SIZE = "rlnMicrographOriginalPixelSize"
"""Of movies, before binning."""
_WILD = "*?["
_READ = 3  # micrographs of which a look reads the pixels
_NAMES = {"micrographs": "rlnMicrographName", "movies": "rlnMicrographMovieName"}
_SAME = 1e-3  # pixel sizes that differ by less, relative, are the same in other words


def read_micrographs(
    context: Context,
    source: str,
    *,
    optics: Mapping[str, float | None] = MappingProxyType({}),
    needed: Mapping[str, str] = MappingProxyType({}),
    pixel_size: float | None = None,
    instead: Mapping[str, float | None] = MappingProxyType({}),
    sized: bool = True,
    kind: Kind = "micrographs",
) -> Particles:
    """Read a STAR list of micrographs (movies), or make one of the image files that a name or a wildcard means.

    source  relative to the project
    optics  label -> value, for image files: a list has its own, and is believed; None: not given
    needed  label -> flag, of what image files cannot be worked on without; the pixel size may stand in their headers
    pixel_size  in Å, taken instead of a list's
    instead  label -> value, taken instead of what a list says too; None: not given
    sized   whether pixel sizes are needed
    kind    "micrographs" or "movies"

    Of names whose results would be the same files only the first is kept; that is warned of. Raises InputError (or one
    of its kinds) if there is no such list or no such image, or the list is empty.
    """
    given = {label: value for label, value in optics.items() if value is not None}
    if source.endswith(".star") and not any(mark in source for mark in _WILD):
        found = read_particles(context.path(source), kind=kind, directory=context.directory)
    else:
        found = _of_images(context, source, given=given, needed=needed, kind=kind)
    if not len(found):
        raise InputError(f"{source} lists no {kind}: expected one row for each. Choose another list.")
    for label, value in {PIXEL_SIZE: pixel_size, **instead}.items():
        if value is not None:
            found = replace(found, optics=found.optics.with_columns({label: [value] * len(found.optics)}))
    if sized:
        _check_pixel_sizes(found, source)
    return without_repetitions(context, found, source)


def names_of(micrographs: Particles) -> list[str]:
    """Return the micrographs' (movies') names."""
    return [str(name) for name in micrographs.particles[_NAMES[micrographs.kind]].tolist()]


def without_repetitions(context: Context, micrographs: Particles, source: str) -> Particles:
    """Return the rows whose results go to files of their own; a warning names those that are left out."""
    roots = [root_below_job(name) for name in names_of(micrographs)]
    repeated = [root for root, count in Counter(roots).items() if count > 1]
    if not repeated:
        return micrographs
    others = f" (and {len(repeated) - 1} others more than once)" if len(repeated) > 1 else ""
    context.warn(
        f"warning: {source} names {repeated[0]} {roots.count(repeated[0])} times{others}: only the first is worked on, or its"
        " results would be overwritten. Remove the other rows."
    )
    first = {root: index for index, root in reversed(list(enumerate(roots)))}
    return micrographs.rows(np.array(sorted(first.values())))


def first_shape(context: Context, names: Sequence[str], *, movies: bool = False) -> tuple[int, int] | None:
    """Return (y, x) in px of the first micrograph (movie) that can be opened, by which memory and time are reckoned."""
    for name in names:
        try:
            if not movies:
                return open_image(context.path(name)).frame_shape
            with open_movie(context.path(name)) as movie:
                return movie.shape
        except (RelionlabError, OSError):
            continue  # said when it is worked on
    return None


def look_at_images(context: Context, listed: Particles, *, finite: float = 1.0) -> tuple[int, int] | None:
    """Look at the heads of some images of a list: return (y, x) in px of the first that can be used.

    finite  share of a micrograph's pixels that must be numbers; those of a few are read

    Raises the first one's ImageError if none can be used; warns of those that cannot, and of other pixel sizes.
    """
    names = spread(names_of(listed))
    shape, faults, read = None, [], spread(names, _READ)
    for name in names:
        try:
            if listed.kind == "movies":
                with open_movie(context.path(name)) as movie:
                    movie.check_length()
                    found = movie.shape
                    if name in read and isinstance(movie, MrcMovie):  # of others, frames are whole numbers
                        check_finite(movie.read(0), what="movie's first frame")
            else:
                found = _micrograph_shape(context, name)
                if name in read:
                    _check_values(context.path(name), finite)
            shape = shape or found
        except RelionlabError as error:
            faults.append((name, error))
    tell_of_faults(context, faults, looked_at=len(names), what=listed.kind)
    if listed.kind == "micrographs" and PIXEL_SIZE in listed.optics:
        chosen = set(names)
        warn_of_pixel_sizes(context, listed.rows(np.array([name in chosen for name in names_of(listed)])))
    return shape


def _micrograph_shape(context: Context, name: str) -> tuple[int, int]:
    image = open_image(context.path(name))
    if image.frames != 1:
        raise ImageError(
            f"{name} holds {image.frames} images; expected one: a movie's frames have to be aligned and averaged first"
            " (MotionCorr)."
        )
    return image.frame_shape


def _check_values(path: Path, finite: float) -> None:
    told = path.stat()
    fault = _fault(path, finite, told.st_mtime_ns, told.st_size)
    if fault:
        raise ImageError(f"{path}: {fault}")


@lru_cache(maxsize=64)
def _fault(path: Path, finite: float, _changed: int, _size: int) -> str:
    """Return what is wrong with a micrograph's pixels, "" if nothing is; remembered, as a form asks at every key."""
    try:
        check_pixels(read_image(path), least=finite)
    except ImageError as error:
        return str(error)
    return ""


def contradiction(header: ImageHeader, listed: float) -> str:
    """Return in words that a header contradicts the list's pixel size (Å), "" if it does not."""
    if not header.contradicts(listed):
        return ""
    return f"its header says {header.pixel_size:.4g} Å, the list {listed:.4g} Å per pixel; the list's is taken"


def warn_of_pixel_sizes(context: Context, micrographs: Particles) -> None:
    """Warn where micrographs have another pixel size in their header than the list says; once for each optics group."""
    names, sizes, groups = names_of(micrographs), micrographs.row_pixel_sizes.tolist(), micrographs.group_rows.tolist()
    found: dict[int, list[str]] = {}
    for name, size, group in zip(names, sizes, groups, strict=True):
        try:
            text = contradiction(read_header(context.path(name)), float(size))
        except (RelionlabError, OSError):
            continue  # said when it is worked on
        if text:
            found.setdefault(group, []).append(f"{name}: {text}")
    for said in found.values():
        others = f" (so have {len(said) - 1} others of its optics group)" if len(said) > 1 else ""
        context.warn(
            f"warning: {said[0]}{others}. If that is wrong, sizes and filters are wrong as well: import the micrographs again."
        )


def _check_pixel_sizes(micrographs: Particles, source: str) -> None:
    sizes = micrographs.row_pixel_sizes
    wrong = np.flatnonzero(~(np.isfinite(sizes) & (sizes > 0)))
    if wrong.size:
        raise InputError(
            f"{source} has the pixel size {sizes[wrong[0]]:g} Å for {names_of(micrographs)[wrong[0]]} (optics group"
            f" {micrographs.particles['rlnOpticsGroup'][wrong[0]]}); expected a number above 0. Correct its table 'optics'."
        )


def _of_images(
    context: Context, source: str, *, given: dict[str, float], needed: Mapping[str, str], kind: Kind
) -> Particles:
    lacking = [label for label in needed if label not in given]
    names = find_files(context, source)
    if PIXEL_SIZE in lacking and (known := _pixel_size_in_header(context, names)):
        context.say(f" Pixel size {known:.4g} Å: of the first micrograph's header")
        given, lacking = {**given, PIXEL_SIZE: known}, [label for label in lacking if label != PIXEL_SIZE]
    if lacking:
        raise ParameterError(
            f"{source} means image files, which have no optics: give {', '.join(needed[label] for label in lacking)}, or a STAR"
            " list of them."
        )
    size = {ORIGINAL_PIXEL_SIZE: given[PIXEL_SIZE]} if PIXEL_SIZE in given else {}
    columns = {"rlnOpticsGroupName": ["opticsGroup1"], "rlnOpticsGroup": [1]}
    optics = Table({**columns, **{label: [value] for label, value in {**given, **size}.items()}}, name="optics")
    rows = Table({_NAMES[kind]: names, "rlnOpticsGroup": [1] * len(names)}, name=kind, source=source)
    return Particles(optics, rows, kind)


def _pixel_size_in_header(context: Context, names: Sequence[str]) -> float | None:
    """Return the pixel size in Å that the first micrograph that can be opened says; None if that is nothing or 1."""
    for name in names:
        try:
            said = open_image(context.path(name)).header.pixel_size
        except (RelionlabError, OSError):
            continue
        return said if said and abs(said - 1) > _SAME else None  # 1 is what programs write that do not know
    return None
