"""Sections of the tutorial's page on movies: the movies themselves, their motion, their CTFs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import scipy.fft
from scipy import ndimage

from relionlab.display.course_charts import defocus_errors_chart, fits_chart, motion_chart, motion_errors_chart
from relionlab.display.course_report import Figure, Section
from relionlab.display.motion import motion_track
from relionlab.display.particles import filtered, image_sheet
from relionlab.display.picture import Picture
from relionlab.display.thon import ctf_overview, ctf_profiles, read_ctf_list, thon_rings
from relionlab.display.words import many
from relionlab.errors import RelionlabError
from relionlab.io.gain import read_gain
from relionlab.io.images import read_image
from relionlab.io.motion import read_motion
from relionlab.io.movies import open_movie
from relionlab.io.particles import read_particles
from relionlab.io.table import Table
from relionlab.jobs.motion.records import gain_turns
from relionlab.workflows.stages import warnings_of
from relionlab.workflows.tutorial.movie_course import Course
from relionlab.workflows.tutorial.movie_truth import CourseTruth

_TILE = 360
_RINGS, _LARGE_RINGS = 344, 516  # px: three beside each other, or two, take the width of the page
_PART = 900.0  # Å, side of the cut that shows single particles
_SMOOTH = 12.0  # Å


def movies_section(course: Course) -> Section:
    """Return what the movies look like, before and after correction."""
    rows = _corrected(course)
    return Section(
        "movies",
        "Movies",
        course.data.told
        + " Every frame has few electrons per pixel, each pixel its own sensitivity, and the specimen moves"
        " while it is exposed.",
        figures=(Figure(before_and_after(course, str(rows["rlnMicrographName"][0])), "image"),),
        warnings=warnings_of(course.imported),
    )


def before_and_after(course: Course, micrograph: str) -> Picture:
    """Draw gain, a frame and the sum of a movie; and a cut of a frame, of the plain and of the aligned sum."""
    project, data = course.imported.project.directory, course.data
    rows = _corrected(course)
    metadata = str(rows["rlnMicrographMetadata"][rows["rlnMicrographName"].tolist().index(micrograph)])
    with open_movie(project / read_motion(project / metadata).movie) as movie:
        frame, total = movie.read(0), movie.read_sum()
    aligned = read_image(project / micrograph)
    gain = np.ones_like(frame)
    if data.gain:
        turns = gain_turns((project / micrograph).with_suffix(".log")) or (data.gain_rotation, data.gain_flip)
        gain = read_gain(project / data.gain, rotation=turns[0], flip=turns[1])
    frame, total = frame * gain, _mended(total * gain)
    whole, sizes = (gain, frame, aligned), (data.pixel_size, data.pixel_size, course.sizes.pixel_size)
    cuts = [_cut(image, size) for image, size in zip((frame, total, aligned), sizes, strict=True)]
    smooth = [filtered(cut[None], _SMOOTH, pixel_size=size)[0] for cut, size in zip(cuts, sizes, strict=True)]
    texts = ["gain reference" if data.gain else "no gain reference", "one frame", "the sum, corrected"]
    texts += ["one frame, magnified", "plain sum of all frames", "aligned and weighted by dose"]
    tiles = [_square(image) for image in (*whole, *smooth)]
    side = min(cuts[0].shape) * data.pixel_size
    widths = {0: min(frame.shape) * data.pixel_size, 3: side}
    drawn = image_sheet(np.stack(tiles), texts=texts, columns=3, pixels=_TILE, widths=widths)
    return Picture(
        drawn.description,
        f"From frames to a micrograph: {Path(micrograph).stem}",
        f"Above the whole field, below a part of {side:.0f} Å from its middle, smoothed to {_SMOOTH:g} Å. Each on its own grey scale.",
    )


def motion_section(course: Course, truth: CourseTruth | None) -> Section:
    """Return how the movies moved, and how well that was found."""
    rows, project = _corrected(course), course.imported.project.directory
    order = np.argsort(rows.numbers("rlnAccumMotionTotal"))
    chosen = dict.fromkeys((int(order[-1]), int(order[len(order) // 2])))
    tracks = [motion_track(project / str(rows["rlnMicrographMetadata"][row])) for row in chosen]
    figures = [Figure(track, "drawing") for track in tracks]
    measures: tuple[tuple[str, str], ...] = ()
    if truth is not None:
        motion = truth.motion
        left, before = float(np.median(motion.everywhere)), float(np.median(motion.unmoved))
        measures = (
            (f"{left:.2f} px = {left * motion.pixel_size:.2f} Å", ("error of the motion at any place of the field, the median"
             f" of {many(len(motion.names), 'movie')}; without correction it would be {before:.1f} px.")),
            (f"{np.median(motion.whole):.2f} px", "error of the movie's motion as a whole."),
        )  # fmt: skip
        figures.append(Figure(motion_errors_chart(motion.everywhere, motion.whole, motion.unmoved)))
    early = rows.numbers("rlnAccumMotionEarly") if "rlnAccumMotionEarly" in rows else None
    if early is not None and not early.any():  # the first frame alone has more than the dose of "early"
        early = None
    figures.append(Figure(motion_chart(rows.numbers("rlnAccumMotionTotal"), early)))
    job = course.corrected.job
    patches = f"in {getattr(job, 'patch_x', 1)} × {getattr(job, 'patch_y', 1)} patches"
    return Section(
        "motion",
        "Motion correction",
        f"The frames of each movie were aligned as a whole and {patches}, and added up"
        + (", each spatial frequency weighted by what the dose left of it." if course.data.dose else ".")
        + (" Shown are the movie that moved most and a typical one." if len(chosen) > 1 else ""),
        measures,
        tuple(figures),
        warnings=warnings_of(course.corrected),
    )


def ctf_section(course: Course, truth: CourseTruth | None) -> Section:
    """Return the fits of the CTF, and how far they are off."""
    listed = read_ctf_list(course.estimated.path)
    rings = partial(thon_rings, pixels=_RINGS if len(listed.micrographs) > 2 else _LARGE_RINGS)
    figures = []
    for made, kind in ((rings, "image"), (ctf_profiles, "drawing"), (ctf_overview, "drawing")):
        try:
            figures.append(Figure(made(listed), kind))  # type: ignore[arg-type]
        except RelionlabError:  # a user may have deleted the pictures of the fits
            continue
    measures: tuple[tuple[str, str], ...] = ()
    if truth is not None:
        ctf = truth.ctf
        measures = (
            (f"{np.median(np.abs(ctf.defocus)):.0f} Å", f"error of the defocus, the median; the largest is {np.abs(ctf.defocus).max():.0f} Å."),
            (f"{np.median(np.abs(ctf.astigmatism)):.0f} Å", f"error of the astigmatism; of its angle {np.median(ctf.angle):.0f}°."),
        )  # fmt: skip
        figures.insert(0, Figure(defocus_errors_chart(ctf.true, ctf.defocus, ctf.astigmatism)))
    figures.insert(
        1 if truth is not None else 0, Figure(fits_chart(listed.defocus, listed.numbers("rlnCtfMaxResolution")))
    )
    return Section(
        "ctf",
        "CTF estimation",
        "The rings in the power spectrum of each micrograph tell how far it was out of focus, along which axis more and along"
        " which less.",
        measures,
        tuple(figures),
        warnings=warnings_of(course.estimated),
    )


def _corrected(course: Course) -> Table:
    project = course.imported.project.directory
    return read_particles(project / course.corrected.output("corrected_micrographs"), kind="micrographs").particles


def _mended(image: np.ndarray) -> np.ndarray:
    """Return an image whose dead and hot pixels have its median: they would be all that is seen of it."""
    middle = np.median(image)
    spread = 1.4826 * np.median(np.abs(image - middle))
    return np.where(np.abs(image - middle) > 8 * max(spread, 1e-6), middle, image)


def _cut(image: np.ndarray, pixel_size: float) -> np.ndarray:
    side = min(int(_PART / pixel_size), *image.shape)
    y, x = ((length - side) // 2 for length in image.shape)
    return image[y : y + side, x : x + side]


def _square(image: np.ndarray) -> np.ndarray:
    """Return the largest square in the middle, brought to the tile's size by cropping its transform."""
    side = min(image.shape)
    y, x = ((length - side) // 2 for length in image.shape)
    square = image[y : y + side, x : x + side].astype(np.float32)
    if side <= _TILE:
        return np.asarray(ndimage.zoom(square, _TILE / side, order=1))[:_TILE, :_TILE]
    transform = scipy.fft.fftshift(scipy.fft.fft2(square - square.mean()))
    edge = (side - _TILE) // 2
    small = transform[edge : edge + _TILE, edge : edge + _TILE]
    return np.asarray(scipy.fft.ifft2(scipy.fft.ifftshift(small)).real, dtype=np.float32)
