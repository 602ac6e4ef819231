"""Sections of the tutorial's page on movies: picks, particles and classes of each round."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from relionlab.display.course_report import ClassSheet, Figure, Section
from relionlab.display.particles import image_sheet, particle_montage
from relionlab.display.picks import merit_histogram, micrograph_with_picks
from relionlab.display.picture import Picture
from relionlab.display.report_charts import SIZE, course_pictures
from relionlab.display.results import read_class_averages, read_course
from relionlab.display.words import many, verb
from relionlab.io.images import read_stack
from relionlab.io.particles import read_particles
from relionlab.simulation.scores.classes import FEWEST, ClassTruth
from relionlab.simulation.scores.picks import PickTruth
from relionlab.workflows.stages import warnings_of
from relionlab.workflows.tutorial.movie_course import Course, Round, count_of, particles_of, pixel_size_of
from relionlab.workflows.tutorial.movie_truth import PickedSet, RoundTruth, picked_set
from relionlab.workflows.tutorial.page_parts import kept_classes

_MONTAGE = 40
_SMOOTH = 20.0  # Å: what shows particles in noise
_TEMPLATES_IN_A_ROW = 5
_BLOB_SCALE = "In standard deviations of the scores over the micrograph."
_TEMPLATE_SCALE = (
    "Here 0 is what noise reaches and 1 a typical particle: another scale than that of the picking by size."
)


def picks_section(
    course: Course, part: Round, truth: RoundTruth | None, *, first: bool, before: PickTruth | None = None
) -> Section:
    """Return the picks of a round on micrographs, their figures of merit, and how many are right.

    before  what the picks of the round before were, where that is known
    """
    found = picked_set(part.picked, course.estimated)
    counts = np.array([len(picks) for picks in found.picks])
    chosen = _shown(counts, most=first)
    figures = [_micrograph(course, found, row, None if truth is None else truth.picks) for row in chosen]
    job = part.picked.job
    right = None if truth is None else truth.picks.matched >= 0
    threshold = None if first else float(getattr(job, "threshold_autopick", 0.0))
    scale = _BLOB_SCALE if first else _TEMPLATE_SCALE
    figures.insert(0, Figure(merit_histogram(found.picks, threshold=threshold, right=right, scale=scale, size=SIZE)))
    if not first:
        figures.insert(1, Figure(_templates(course), "image", half=True))
    how = (
        f"The first search knows the particle's size alone: blobs of {course.sizes.blobs[0]:g} to {course.sizes.blobs[1]:g} Å."
        if first
        else "The second search looks for the selected class averages, turned in steps of "
        f"{getattr(job, 'psi_sampling_autopick', 5):g}°: it knows what these show of the particle."
    )
    words = [how]
    if truth is not None and before is not None and truth.picks.f1 < before.f1:
        words.append(_why_worse(course, before, truth.picks))
    words.append(
        f"{many(int(counts.sum()), 'pick')} in {many(len(counts), 'micrograph')}{_which(len(chosen), len(counts))}"
    )
    if truth is not None:
        words.append("Crossed out: picks on no particle; dashed: particles that were missed.")
    return Section(
        "picks1" if first else "picks2",
        "Picking by size" if first else "Picking by class averages",
        " ".join(words),
        () if truth is None else pick_measures(truth.picks),
        tuple(figures),
        warnings=warnings_of(part.picked),
    )


def pick_measures(truth: PickTruth) -> tuple[tuple[str, str], ...]:
    """Return how good picks are, in large figures."""
    away = np.nanmedian(truth.distance) if truth.right else np.nan
    off = f"; the picks are {away:.0f} Å off the centre (median)" if np.isfinite(away) else ""
    return (
        (f"{100 * truth.precision:.0f} %", ("of the picks are on a particle (precision);"
         f" {truth.junk:,} {verb(truth.junk, 'is', 'are')} on none.")),
        (f"{100 * truth.recall:.0f} %", f"of the {many(truth.particles, 'particle')} were found (recall)."),
        (f"{truth.f1:.2f}", f"F1 of the two{off}."),
    )  # fmt: skip


def particles_section(part: Round, *, first: bool) -> Section:
    """Return particles as they were cut out, and smoothed."""
    count, pixel_size = count_of(part.extracted), pixel_size_of(part.extracted)
    drawn = particle_montage(particles_of(part.extracted), count=_MONTAGE, low_pass=_SMOOTH)
    job = part.extracted.job
    box = getattr(job, "rescale" if getattr(job, "do_rescale", False) else "extract_size", 0)
    return Section(
        "particles1" if first else "particles2",
        "Particles" if first else "Particles of the second round",
        f"{many(count, 'box', 'boxes')} of {box} px at {pixel_size:.2f} Å, cut out where the picks are, contrast inverted and"
        " normalised."
        + (" They are coarse in the first round: it goes quickly, and templates need no more." if first else ""),
        figures=(Figure(drawn, "image"),),
        warnings=warnings_of(part.extracted),
    )


def classes_section(part: Round, truth: RoundTruth | None, *, first: bool) -> Section:
    """Return the class averages of a round, which were kept, and what they hold."""
    averages = read_class_averages(part.classified.path)
    kept = kept_classes(part.selected)
    sheet = ClassSheet(averages, kept, None if truth is None or first else truth.classes)
    charts = () if first else course_pictures(read_course(part.classified.path))
    share = "all" if len(kept) == len(averages) else f"{len(kept)}"
    rank = verb(len(kept), "ranks high enough and was", "rank high enough and were")
    what = (
        f"{verb(len(kept), 'It becomes a template', 'These become the templates')} of the next search."
        if first
        else f"{verb(len(kept), 'It goes', 'These go')} on to 3D."
    )
    return Section(
        "classes1" if first else "classes2",
        "First class averages, and which were selected" if first else "Class averages of the second round",
        f"{many(count_of(part.extracted), 'particle')} in {many(len(averages), 'class', 'classes')}, {share} of which {rank}"
        f" kept, with {many(count_of(part.selected), 'particle')}. {what}",
        () if truth is None else class_measures(truth),
        tuple(Figure(chart) for chart in charts),
        sheet,
        warnings_of(part.classified, part.selected),
    )


def class_measures(truth: RoundTruth) -> tuple[tuple[str, str], ...]:
    """Return what classification and selection did to the picks on no particle; what is not known is left out."""
    lost, spread = truth.extracted.right - truth.kept.right, truth.classes.mean_spread
    measures = [
        (f"{truth.extracted.junk:,} → {truth.kept.junk:,}", "boxes without a particle, before and after the selection."),
        (f"{100 * truth.kept.precision:.0f} %", ("of what was kept are particles"
         f"; {lost:,} of {many(truth.extracted.right, 'particle')} {verb(lost, 'was', 'were')} left out with the junk.")),
    ]  # fmt: skip
    if np.isfinite(spread):
        random = truth.classes.random_spread
        told = f"; at random {random:.1f}°." if np.isfinite(random) else "."
        measures.append((degrees(spread), f"typical angle between the true views within a class{told}"))
    return tuple(measures)


def degrees(angle: float) -> str:
    """Return an angle as text; words where it is not known."""
    return f"{angle:.1f}°" if np.isfinite(angle) else "too few particles"


def spread_told(classes: ClassTruth) -> str:
    """Return how to read the spread of the true views in the classes."""
    if not np.isfinite(classes.mean_spread):
        return f"a class needs {FEWEST} to tell"
    at_random = f"at random {classes.random_spread:.1f}°; " if np.isfinite(classes.random_spread) else ""
    return f"{at_random}few classes must each cover a part of the sphere"


def _why_worse(course: Course, before: PickTruth, now: PickTruth) -> str:
    """Return a sentence on a second search that is worse than the first one, with the reason."""
    count, particles = len(_template_images(course)), count_of(course.first.selected)
    seen = (
        f"{many(particles, 'particle')} made {many(count, 'template')}, and views that {verb(count, 'it does', 'these do')} not"
        " show are missed"
        if now.recall - before.recall <= now.precision - before.precision
        else f"{many(particles, 'particle')} made {many(count, 'template')}, whose own noise is found again in the micrographs'"
    )
    return f"Here it does worse than the first one (F1 {now.f1:.2f}, before {before.f1:.2f}): {seen}."


def _shown(counts: np.ndarray, *, most: bool) -> list[int]:
    """Return the rows of a typical micrograph, of that with the fewest picks and, if asked for, of that with the most."""
    order = np.argsort(counts, kind="stable")
    places = (len(order) // 2, 0, len(order) - 1) if most else (len(order) // 2, 0)
    return list(dict.fromkeys(int(order[place]) for place in places))


def _which(shown: int, there: int) -> str:
    """Return which of the micrographs are shown, as the end of a sentence."""
    if shown == there:
        return "." if there == 1 else f"; {'both' if there == 2 else 'all'} are shown."
    others = " and one with the fewest" if shown == 2 else ", one with the fewest and one with the most"
    return f"; shown are a typical one{others}."


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
    bad, lost = int(wrong.sum()), len(missed)
    caption = (
        f"{many(len(picks), 'pick')}, yellow where the figure of merit is high; {bad:,} {verb(bad, 'is', 'are')} on no particle,"
        f" {many(lost, 'particle')} {verb(lost, 'was', 'were')} missed."
    )
    return Figure(Picture(made.description, made.title, caption), "image", half=True)


def _templates(course: Course) -> Picture:
    """Draw the class averages that were looked for."""
    images = _template_images(course)
    size = pixel_size_of(course.first.extracted)
    drawn = image_sheet(images, pixel_size=size, columns=min(_TEMPLATES_IN_A_ROW, len(images)), pixels=100)
    return Picture(drawn.description, "Templates", f"{drawn.caption} Low-passed to 20 Å for the search.")


def _template_images(course: Course) -> np.ndarray:
    return read_stack(course.first.selected.path / "class_averages.mrcs")
