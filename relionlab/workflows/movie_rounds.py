"""Sections of the tutorial's page on movies: picks, particles and classes of each round."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from relionlab.display.course_charts import merits_chart
from relionlab.display.course_report import ClassSheet, Figure, Section
from relionlab.display.particles import image_sheet, particle_montage
from relionlab.display.picks import micrograph_with_picks
from relionlab.display.picture import Picture
from relionlab.display.report_charts import course_pictures
from relionlab.display.results import read_class_averages, read_course
from relionlab.io.images import read_stack
from relionlab.io.particles import read_particles
from relionlab.project import JobDirectory
from relionlab.workflows.movie_course import Course, Round, count_of, particles_of, pixel_size_of
from relionlab.workflows.movie_truth import PickedSet, RoundTruth, picked_set
from relionlab.workflows.truth_picks import PickTruth
from relionlab.workflows.tutorial_page import kept_classes

_MONTAGE = 40
_SMOOTH = 20.0  # Å: what shows particles in noise


def picks_section(course: Course, part: Round, truth: RoundTruth | None, *, first: bool) -> Section:
    """Return the picks of a round on micrographs, their figures of merit, and how many are right."""
    found = picked_set(part.picked, course.estimated)
    counts = np.array([len(picks) for picks in found.picks])
    order = np.argsort(counts, kind="stable")
    places = (len(order) // 2, 0, len(order) - 1) if first else (len(order) // 2, 0)
    chosen = list(dict.fromkeys(int(order[place]) for place in places))
    figures = [_micrograph(course, found, row, None if truth is None else truth.picks) for row in chosen]
    job = part.picked.job
    right = None if truth is None else truth.picks.matched >= 0
    threshold = None if first else float(getattr(job, "threshold_autopick", 0.0))
    figures.insert(0, Figure(merits_chart(found.fom, right, threshold=threshold)))
    if not first:
        figures.insert(1, Figure(_templates(course), "image", half=True))
    how = (
        f"The first search knows the particle's size alone: blobs of {course.sizes.blobs[0]:g} to {course.sizes.blobs[1]:g} Å."
        if first
        else "The second search looks for the selected class averages, turned in steps of "
        f"{getattr(job, 'psi_sampling_autopick', 5):g}°: it knows what a particle looks like."
    )
    told = f" {counts.sum():,} picks in {len(counts)} micrographs; shown are a typical one, and those with the fewest{' and the most' if first else ''}."
    return Section(
        "picks1" if first else "picks2",
        "Picking by size" if first else "Picking by class averages",
        how
        + told
        + ("" if truth is None else " Crossed out: picks on no particle; dashed: particles that were missed."),
        () if truth is None else pick_measures(truth.picks),
        tuple(figures),
    )


def pick_measures(truth: PickTruth) -> tuple[tuple[str, str], ...]:
    """Return how good picks are, in large figures."""
    return (
        (f"{100 * truth.precision:.0f} %", f"of the picks are on a particle (precision); {truth.junk:,} are on none."),
        (f"{100 * truth.recall:.0f} %", f"of the {truth.particles:,} particles were found (recall)."),
        (
            f"{truth.f1:.2f}",
            f"F1 of the two; the picks are {np.nanmedian(truth.distance):.0f} Å off the centre (median).",
        ),
    )


def particles_section(part: Round, *, first: bool) -> Section:
    """Return particles as they were cut out, and smoothed."""
    count, pixel_size = count_of(part.extracted), pixel_size_of(part.extracted)
    drawn = particle_montage(particles_of(part.extracted), count=_MONTAGE, low_pass=_SMOOTH)
    job = part.extracted.job
    box = getattr(job, "rescale" if getattr(job, "do_rescale", False) else "extract_size", 0)
    return Section(
        "particles1" if first else "particles2",
        "Particles" if first else "Particles of the second round",
        f"{count:,} boxes of {box} px at {pixel_size:.2f} Å, cut out where the picks are, contrast inverted and normalised."
        + (" They are coarse in the first round: it goes quickly, and templates need no more." if first else ""),
        figures=(Figure(drawn, "image"),),
    )


def classes_section(part: Round, truth: RoundTruth | None, *, first: bool) -> Section:
    """Return the class averages of a round, which were kept, and what they hold."""
    averages = read_class_averages(part.classified.path)
    kept = kept_classes(part.selected)
    sheet = ClassSheet(averages, kept, None if truth is None or first else truth.classes)
    charts = () if first else course_pictures(read_course(part.classified.path))
    what = "These become the templates of the next search." if first else "These go on to 3D."
    return Section(
        "classes1" if first else "classes2",
        "First class averages, and which were selected" if first else "Class averages of the second round",
        f"{count_of(part.extracted):,} particles in {len(averages)} classes, {len(kept)} of which rank high enough and were kept,"
        f" with {count_of(part.selected):,} particles. {what}",
        () if truth is None else class_measures(truth),
        tuple(Figure(chart) for chart in charts),
        sheet,
    )


def class_measures(truth: RoundTruth) -> tuple[tuple[str, str], ...]:
    """Return what classification and selection did to the picks on no particle."""
    lost = truth.extracted.right - truth.kept.right
    return (
        (f"{truth.extracted.junk:,} → {truth.kept.junk:,}", "boxes without a particle, before and after the selection."),
        (f"{100 * truth.kept.precision:.1f} %", ("of what was kept are particles"
         f"; {lost:,} of {truth.extracted.right:,} particles were left out with the junk.")),
        (degrees(truth.classes.mean_spread), ("typical angle between the true views within a class; at random"
         f" {truth.classes.random_spread:.1f}°.")),
    )  # fmt: skip


def degrees(angle: float) -> str:
    """Return an angle as text; a dash where it is not known."""
    return f"{angle:.1f}°" if np.isfinite(angle) else "–"


def _micrograph(course: Course, found: PickedSet, row: int, truth: PickTruth | None) -> Figure:
    project, sizes = course.imported.project.directory, course.sizes
    picks, name = found.picks[row], found.names[row]
    draw = partial(micrograph_with_picks, project / name, picks, pixel_size=sizes.pixel_size, diameter=sizes.diameter)
    if truth is None or course.data.truth is None:
        return Figure(draw(), "image", half=True)
    known = read_particles(project / course.data.truth / "particles.star")
    here = [Path(other).stem == Path(name).stem for other in known.particles["rlnMicrographName"].tolist()]
    missed = np.setdiff1d(np.flatnonzero(here), truth.matched)
    scale = known.pixel_size / sizes.pixel_size
    centres = scale * np.stack([known.particles.numbers(f"rlnCoordinate{axis}")[missed] for axis in "XY"], axis=1)
    wrong = truth.matched[found.micrograph == row] < 0
    at = np.stack([picks.x, picks.y], axis=1)[wrong]
    made = draw(wrong=at, missed=centres)
    caption = (
        f"{len(picks)} picks, yellow where the figure of merit is high; {int(wrong.sum())} are on no particle, {len(missed)}"
        " particles were missed."
    )
    return Figure(Picture(made.description, made.title, caption), "image", half=True)


def _templates(course: Course) -> Picture:
    """Draw the class averages that were looked for."""
    selected: JobDirectory = course.first.selected
    images = read_stack(selected.path / "class_averages.mrcs")
    drawn = image_sheet(
        images, pixel_size=pixel_size_of(course.first.extracted), columns=min(5, len(images)), pixels=100
    )
    return Picture(drawn.description, "Templates", f"{drawn.caption} Low-passed to 20 Å for the search.")
