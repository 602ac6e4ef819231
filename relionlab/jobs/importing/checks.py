"""What Import looks at before it lets a file in; each finding says the file, what it is, what it should be, what to do.

Headers of image files are compared with the parameters where they say something: a pixel size of 0 or 1 Å is what
programs write that do not know it.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath

import numpy as np

from relionlab.errors import ImageError, NodeError, StarError
from relionlab.io.coordinates import read_coordinates
from relionlab.io.detectors import read_mtf
from relionlab.io.image_file import contradicts
from relionlab.io.image_names import parse_image_name
from relionlab.io.images import ImageHeader, read_header, read_map, read_stack
from relionlab.io.movies import EER_ENDINGS, TIFF_ENDINGS, open_movie
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.context import Context
from relionlab.jobs.importing.job import other_half
from relionlab.jobs.maps.half_maps import judge_halves, judged_mask
from relionlab.jobs.options.detector import provide_mtf
from relionlab.jobs.particles.findings import particle_findings, said_of

_MOVIES = (*TIFF_ENDINGS, *EER_ENDINGS)
_LISTS = (".star", ".txt", ".box", ".csv", ".json", ".pdf")
_MAPS = (".mrc", ".map", ".spi")
_WITH_HEADER = (".mrc", ".mrcs", ".map", ".st", ".spi", ".stk", ".xmp", ".img", ".hed", ".gz", ".bz2", ".zst")
_IS_MASK = re.compile(r"mask(?!ed)")  # postprocess_masked.mrc is a map
_PROBES = 50  # images of each file that are looked at for NaN
_TOLERANCE = 0.01  # by which two pixel sizes may differ, relative


def check_raw_images(context: Context, files: list[str], *, pixel_size: float | None, movies: bool) -> list[str]:
    """Return the images (or movies) that can be read; the others are warned of and left out.

    Root names must differ, and what the files say agree with each other and with the pixel size (None: not asked).
    Raises NodeError or ImageError where they do not, or where no image is left.
    """
    roots = Counter(str(PurePosixPath(name).with_suffix("")) for name in files)
    twice = [root for root, count in roots.items() if count > 1]
    if twice:
        raise NodeError(
            f"{twice[0]} is matched {roots[twice[0]]} times with different endings: results are named after the root,"
            " so each image needs a root of its own. Narrow the wildcard."
        )
    told: dict[str, tuple[tuple[int, ...], float | None, int] | None] = {}
    faults: list[str] = []
    for number, name in enumerate(files, 1):
        try:
            told[name] = _told(context, name)
        except ImageError as error:
            faults.append(str(error))
        context.progress(number, len(files), "files looked at")
        context.stop_if_asked()
    if not told:
        raise ImageError(f"none of the {len(files)} files can be read; the first: {faults[0]}")
    for fault in faults:
        context.warn(f"warning: left out: {fault}")
    said = {name: found for name, found in told.items() if found is not None}
    _check_frames(context, {name: frames for name, (_, _, frames) in said.items()}, movies=movies)
    sizes = Counter(shape[-2:] for shape, _, _ in said.values())
    if len(sizes) > 1:
        listed = ", ".join(f"{count} of {x} × {y}" for (y, x), count in sizes.most_common())
        context.warn(f"warning: the images differ in size ({listed} pixels); RELION expects one size per optics group.")
    for name, (_, own, _) in said.items():
        if pixel_size is not None and contradicts(own, pixel_size, tolerance=_TOLERANCE):
            raise ImageError(
                f"{context.path(name)} has pixel size {own:.6g} Å in its header, the parameter says"
                f" {pixel_size:.6g} Å: correct the pixel size, or add --ignore_headers if the header is wrong."
            )
    return list(told)


def _check_frames(context: Context, frames: dict[str, int], *, movies: bool) -> None:
    """Raise ImageError if all are movies where micrographs are meant; warn of the contrary.

    frames  file -> number of its frames
    """
    counts = set(frames.values())
    first = next(iter(frames), "")
    if not movies and counts and min(counts) > 1:
        raise ImageError(
            f"{first} has {frames[first]} frames, so it is a movie; expected micrographs of one image each. Import it as a movie"
            " (--do_movies; in the form: Multi-frame movies)."
        )
    if movies and counts == {1}:
        context.warn(
            f"warning: {first} has a single frame, as all of the files: they seem to be micrographs. Import them as such"
            " (--do_micrographs; in the form untick Multi-frame movies)."
        )


def _told(context: Context, name: str) -> tuple[tuple[int, ...], float | None, int] | None:
    """Return shape, pixel size (Å) and number of frames that an image or a movie says, None where its kind is not known."""
    if context.path(name).is_dir():
        raise ImageError(f"{name} is a folder; expected an image in it.")
    if name.lower().endswith(_LISTS):
        raise ImageError(f"{name} is a text file; expected an image.")
    if name.lower().endswith(_MOVIES):
        with open_movie(context.path(name)) as movie:
            movie.check_length()
            return movie.shape, movie.pixel_size, movie.frames
    if name.lower().endswith(_WITH_HEADER):
        header = read_header(context.path(name))
        sections = header.shape[0] if len(header.shape) == 3 else 1
        return header.shape, header.pixel_size, header.count * sections
    return None


def check_mtf(context: Context, name: str) -> None:
    """Have the detector's MTF in the project, and check that it is one; NodeError or StarError if not."""
    provide_mtf(context, name)
    read_mtf(context.path(name), name)


def check_coordinates(context: Context, files: list[str]) -> None:
    """Check that every file holds coordinates in a form that Extract reads; StarError or InputError if one does not."""
    counts = [len(read_coordinates(context.path(name))) for name in files]
    if not any(counts):
        context.warn(
            f"warning: {files[0]} holds no coordinates, and none of the other files does: nothing can be extracted."
        )


def check_particles(context: Context, name: str, *, ignore_headers: bool = False) -> None:
    """Check a particle STAR file: columns, numbers, optics, and the stacks that it names; say what the images tell.

    Raises StarError, NodeError or ImageError. RELION 1.x and 3.0 files without optics groups are let in; RELION
    and relionlab upgrade them when they are read.
    """
    from relionlab.io.particles import read_particles

    if not name.endswith(".star"):
        raise NodeError(
            f"{name} is no STAR file: list the images of a stack with `relionlab star datablock_stack` first, "
            "or prepare foreign images with `relionlab preprocess`."
        )
    data = read_particles(context.path(name))
    optics, particles = data.optics, data.particles
    if "rlnImageName" not in particles:
        raise StarError(f"{name} has no column rlnImageName, so it lists no particle images. {_columns(particles)}")
    if not len(particles):
        raise StarError(f"{name} lists no particles.")
    _check_numbers(name, particles)
    _check_numbers(name, optics, row_is="optics group")
    sizes = _pixel_sizes(name, optics)
    groups = dict(zip(optics["rlnOpticsGroup"].tolist(), range(len(optics)), strict=True))
    rows = [groups.get(group, -1) for group in particles["rlnOpticsGroup"].tolist()]
    if -1 in rows:
        missing = particles["rlnOpticsGroup"][rows.index(-1)]
        raise StarError(f"{name}: particles belong to optics group {missing}, which its table 'optics' does not have.")
    stacks: dict[str, tuple[int, int]] = {}  # file -> (highest index, optics row)
    for image, row in zip(particles["rlnImageName"].tolist(), rows, strict=True):
        index, file = parse_image_name(image)
        if index is None and file not in stacks and read_header(context.path(file)).count > 1:
            raise StarError(
                f"{name} names {image}, a stack, without the number of an image; expected as 000001@{file}."
            )
        stacks[file] = (max(index or 0, stacks.get(file, (0, 0))[0]), row)
    for file, (highest, row) in stacks.items():
        _check_stack(context, name, file, highest, optics, row, None if ignore_headers else float(sizes[row]))
    said_of(context, particle_findings(context, data))


def check_half_maps(context: Context, name: str) -> str:
    """Check a pair of half-maps, given one; return the other's name."""
    folder, base = str(PurePosixPath(name).parent), PurePosixPath(name).name
    partner = other_half(base)
    if not partner:
        raise NodeError(f"{name} is no half-map: its name must contain half1 or half2, so that its partner is found.")
    other = partner if folder == "." else f"{folder}/{partner}"
    if not context.path(other).exists():
        raise NodeError(f"{name} has no partner: expected {other} beside it.")
    (first, first_pixel), (second, second_pixel) = (_read_map(context, half) for half in (name, other))
    if first.shape != second.shape or abs(first_pixel - second_pixel) > _TOLERANCE * first_pixel:
        raise ImageError(
            f"{name} is {_size(first.shape)} at {first_pixel:.6g} Å and {other} {_size(second.shape)} at"
            f" {second_pixel:.6g} Å: the halves must agree. Give both as they came out of the refinement."
        )
    judge_halves(context, first, second, names=(name, other))
    return other


def check_other(context: Context, name: str) -> None:
    """Check a map, mask, reference stack or list by its ending; files of other kinds are only looked for."""
    if name.endswith(".star"):
        if not read_star(context.path(name)):
            raise StarError(f"{name} holds no table.")
    elif name.lower().endswith(_MAPS):
        volume, _ = _read_map(context, name)
        if _IS_MASK.search(PurePosixPath(name).name.lower()):
            judged_mask(context, volume, name, soft=False)
        elif np.ptp(volume) == 0:
            context.warn(f"warning: {name} is empty: all its voxels are {volume.flat[0]:g}; expected a density.")
    elif name.lower().endswith(_WITH_HEADER):
        _check_square_even(name, read_header(context.path(name)))
        _check_finite(context, name)


def _check_stack(
    context: Context, star: str, file: str, highest: int, optics: Table, row: int, pixel_size: float | None
) -> None:
    if not context.path(file).exists():
        raise NodeError(
            f"{star} names {file}, which does not exist below {context.directory}: image names start from the project"
            " folder. Link the stacks there, or run the import from the folder that the names start from."
        )
    header = read_header(context.path(file))
    if highest >= header.count:
        stack = (
            ""
            if len(header.shape) == 2
            else f": by its ending it is a map. Rename the stack to {PurePosixPath(file).stem}.mrcs"
        )
        raise ImageError(f"{star} names image {highest + 1} of {file}, which holds {header.count}{stack}.")
    _check_square_even(file, header)
    expected = int(optics["rlnImageSize"][row]) if "rlnImageSize" in optics else header.shape[-1]
    if expected != header.shape[-1]:
        raise ImageError(
            f"{star} says that images of {optics['rlnOpticsGroupName'][row]} are {expected} px wide; {file} has"
            f" {header.shape[-1]} px. Correct rlnImageSize in the table 'optics'."
        )
    if pixel_size is not None and header.contradicts(pixel_size, tolerance=_TOLERANCE):
        raise ImageError(
            f"{file} has pixel size {header.pixel_size:.6g} Å in its header, {star} says {pixel_size:.6g} Å: correct"
            " rlnImagePixelSize, or add --ignore_headers if the header is wrong."
        )
    _check_finite(context, file)


def _check_numbers(name: str, table: Table, *, row_is: str = "particle") -> None:
    for label in table.labels:
        column = table[label]
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise StarError(
                f"{name}, {row_is} {row + 1}, has {label} = {column[row]}; expected a number. Repair the file"
                + (
                    f", or remove these particles with `relionlab star_handler --select {label}`."
                    if row_is == "particle"
                    else "."
                )
            )


def _pixel_sizes(name: str, optics: Table) -> np.ndarray:
    if "rlnImagePixelSize" not in optics:
        raise StarError(
            f"{name} does not say the pixel size of its images: its table 'optics' has no rlnImagePixelSize."
            f" Add it with `relionlab star_handler`. {_columns(optics)}"
        )
    sizes = optics["rlnImagePixelSize"]
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise StarError(f"{name} has rlnImagePixelSize {sizes.tolist()}; expected Å per pixel, above zero.")
    return sizes


def _check_square_even(name: str, header: ImageHeader) -> None:
    height, width = header.shape[-2:]
    if height != width:
        raise ImageError(
            f"{name} has images of {width} × {height} pixels; expected squares. Use `relionlab preprocess`."
        )
    if width % 2:
        raise ImageError(
            f"{name} has images of {width} pixels; expected an even size."
            f" Use `relionlab preprocess --window {width - 1}`, or --window {width + 1} where there is room."
        )


def _check_finite(context: Context, name: str) -> None:
    count = read_header(context.path(name)).count
    probed = np.unique(np.linspace(0, count - 1, min(count, _PROBES)).astype(int))
    images = read_stack(context.path(name), indices=probed)
    bad = probed[~np.isfinite(images).all(axis=(1, 2))]
    if len(bad):
        raise ImageError(
            f"{name}, image {bad[0] + 1}, has values that are no numbers (NaN or infinity):"
            " make it again, or leave it out of the particles."
        )


def _read_map(context: Context, name: str) -> tuple[np.ndarray, float]:
    volume, pixel_size = read_map(context.path(name))
    if not np.isfinite(volume).all():
        raise ImageError(f"{name} has {int((~np.isfinite(volume)).sum())} values that are no numbers: make it again.")
    if len(set(volume.shape)) > 1:
        raise ImageError(f"{name} is {_size(volume.shape)}; expected a cube. Use relion_image_handler --new_box.")
    if volume.shape[0] % 2:
        raise ImageError(f"{name} is {_size(volume.shape)}; expected an even size. Use relion_image_handler --new_box.")
    if not pixel_size or not pixel_size > 0:
        raise ImageError(
            f"{name} has no pixel size in its header: set it with relion_image_handler --force_header_angpix."
        )
    return volume, pixel_size


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, reversed(shape))) + " pixels"


def _columns(table: Table) -> str:
    return f"It has {', '.join(table.labels)}."
