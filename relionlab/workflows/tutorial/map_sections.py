"""Sections of the tutorial's page on movies, from the initial model to the local resolution."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.course_report import Figure, Kind, Section
from relionlab.display.fsc_course import fsc_course
from relionlab.display.guinier import guinier
from relionlab.display.local_resolution import local_resolution_pictures, local_resolution_spread
from relionlab.display.maps import ortho_slices
from relionlab.display.picture import Picture
from relionlab.display.postprocess import mask_pictures
from relionlab.display.reference_maps import reference_maps
from relionlab.display.refinement3d import refinement_pictures
from relionlab.display.spectra import fsc
from relionlab.display.truth_fsc import pose_errors, truth_fsc
from relionlab.display.verdict import verdict_picture
from relionlab.display.view_pairs import view_pairs
from relionlab.display.words import many, verb
from relionlab.io.images import read_map
from relionlab.io.star import read_star
from relionlab.jobs.refinement.outcome import outcome_of
from relionlab.jobs.refinement.rounds import Round, rounds
from relionlab.simulation.scores.classes import ClassTruth
from relionlab.simulation.scores.maps import MapTruth
from relionlab.workflows.model_views import model_views_of
from relionlab.workflows.stages import warnings_of
from relionlab.workflows.tutorial.map_jobs import coarse, model_of
from relionlab.workflows.tutorial.map_truth import MapsTruth
from relionlab.workflows.tutorial.map_words import area
from relionlab.workflows.tutorial.maps import MapPart, half_map_curve, sharpening_of
from relionlab.workflows.tutorial.movie_course import Course, count_of

_VIEWS = 30
_TOLD_APART = 0.05  # by which one hand must be more like the truth than the other
_CHARTS = ("Fourier shell correlation", "Signal-to-noise")
_HALVES = ("Verdict", "Viewing", "Completeness")
_FIRST = ("Verdict", "Viewing")


def map_sections(course: Course, part: MapPart, truth: MapsTruth | None) -> tuple[Section, ...]:
    """Return all sections on maps, in order."""
    return (
        initial_section(course, part, truth),
        classes3d_section(part, truth),
        refinement_section(course, part, truth),
        sharpening_section(part, truth),
        local_section(part),
    )


def initial_section(course: Course, part: MapPart, truth: MapsTruth | None) -> Section:
    """Return how the initial model came to be, and whether its projections look like the class averages."""
    test = model_views_of(part.initial, course.second.classified.path, views=_VIEWS)
    job, at_once = part.initial.job, not getattr(part.initial.job, "do_run_c1", False)
    how = (
        f"{part.symmetry} was imposed from the beginning."
        if at_once
        else f"It was made without symmetry; then the axes of {part.symmetry} were found in it and the symmetry imposed."
    )
    figures = [
        Figure(_slices(part, model_of(part.initial), "The initial model"), "image"),
        *(Figure(reference_maps(one), "image") for one in _course_of_rounds(part.initial.path)),
        Figure(view_pairs(test, symmetric=test.symmetric is not None, most=_VIEWS), "image"),
        Figure(fsc_course(part.initial.path)),
    ]
    measures = [
        (f"{np.median(test.matches.class_scores):.2f}", ("typical likeness of a class average and the model's most similar"
         " projection; 1 is the same picture, 0.5 and less another one.")),
    ]  # fmt: skip
    if truth is not None:
        measures.append(map_measure(truth.initial))
        measures.append(hand_measure(truth.initial))
    return Section(
        "initial",
        "Initial model",
        f"A map made of nothing but {many(count_of(course.second.selected), 'particle')}, in"
        f" {many(int(getattr(job, 'nr_iter', 0) or 0), 'gradient step')}. {how if part.symmetry != 'C1' else ''} Whether to"
        " believe it, the class averages say: each view of a right model looks like one of them.",
        tuple(measures),
        tuple(figures),
        warnings=warnings_of(part.initial),
    )


def classes3d_section(part: MapPart, truth: MapsTruth | None) -> Section:
    """Return the 3D classes, which went on, and what they hold."""
    choice = part.choice
    shown = [f"Class {k + 1}: {100 * choice.shares[k]:.0f} %" + _quality(part, k) for k in range(len(choice.shares))]
    if choice.tells:
        came = (
            f"{verb(len(choice.kept), 'Class', 'Classes')} {', '.join(map(str, choice.kept))}"
            f" {verb(len(choice.kept), 'goes', 'go')} on, with {many(count_of(part.selected), 'particle')}"  # type: ignore[arg-type]
            ": the finest and most symmetric."
        )
    else:
        came = "They are too much alike to leave one out: all particles go on."
    measures = () if truth is None else class3d_measures(truth.classes)
    return Section(
        "classes3d",
        "3D classes",
        f"The particles are sorted into {many(len(choice.shares), 'map')}, which begin alike and part by themselves. No symmetry is"
        f" imposed, so that they may differ in it. {'. '.join(shown)}. {came}",
        measures,
        _figures(refinement_pictures(part.classified.path), without=("Completeness", "Particles")),
        warnings=warnings_of(part.classified, *(() if part.selected is None else (part.selected,))),
    )


def _quality(part: MapPart, k: int) -> str:
    choice = part.choice
    told = f" of the particles, {choice.resolutions[k]:.1f} Å" if np.isfinite(choice.resolutions[k]) else ""
    symmetric = choice.symmetries[k]
    return told + (f", likeness to itself under {part.symmetry} {symmetric:.2f}" if np.isfinite(symmetric) else "")


def class3d_measures(classes: ClassTruth) -> tuple[tuple[str, str], ...]:
    """Return what the 3D classes hold, in large figures."""
    rows = [
        ", ".join(f"{count:,} {kind}" for kind, count in zip(classes.kinds, row, strict=True) if count)
        for row in classes.contents
    ]
    held = "; ".join(f"class {number}: {row or 'none'}" for number, row in zip(classes.numbers, rows, strict=True))
    return ((f"{100 * classes.purity:.0f} %", ("of the particles are in a class in which most are of their kind; in a single"
             f" class it would be {100 * classes.majority:.0f} %. Held: {held}.")),)  # fmt: skip


def refinement_section(course: Course, part: MapPart, truth: MapsTruth | None) -> Section:
    """Return the refinement: what it came to, iteration by iteration, and how far map and poses are from the truth."""
    run = outcome_of(part.refined.path, postprocess=part.sharpened.path / "postprocess.star")
    drawn = _figures(refinement_pictures(part.refined.path), without=("Verdict",))
    figures = [Figure(verdict_picture(run), "drawing", half=True), *drawn]
    measures = [(f"{run.resolution_angstrom:.1f} Å", "resolution of the half-maps without a mask (FSC 0.143).")]
    if truth is not None:
        measures += [
            map_measure(truth.refined),
            (f"{truth.poses.median:.1f}°", ("typical error of a particle's pose; poses without meaning would be"
             f" {truth.poses.random:.0f}° off.")),
        ]  # fmt: skip
        figures[2:2] = [
            Figure(truth_fsc({
                "initial model": (truth.initial.frequency, truth.initial.correlation),
                "refined": (truth.refined.frequency, truth.refined.correlation),
            }, halves=half_map_curve(part.sharpened))),
            Figure(pose_errors(truth.poses.angles, random=truth.poses.random)),
        ]  # fmt: skip
    return Section(
        "refinement",
        "3D refinement",
        f"Two halves of {many(run.particles, 'particle')}, refined apart from the initial model filtered to"
        f" {coarse(course.sizes):g} Å, with {part.symmetry} imposed; the search becomes finer as far as their agreement allows.",
        tuple(measures),
        tuple(figures),
        warnings=warnings_of(part.refined),
    )


def sharpening_section(part: MapPart, truth: MapsTruth | None) -> Section:
    """Return mask, correlations within it, and the sharpened map."""
    star = part.sharpened.path / "postprocess.star"
    resolution, b_factor = sharpening_of(part.sharpened)
    mask, _ = read_map(part.masked.path / "mask.mrc")
    threshold = float(getattr(part.masked.job, "inimask_threshold", 0.0))
    measures = [
        (f"{resolution:.1f} Å", "resolution within the mask, corrected for what the mask adds to the correlation."),
        b_factor_measure(b_factor, truth),
    ]
    if truth is not None:
        measures.append(map_measure(truth.sharpened))
    return Section(
        "sharpening",
        "Mask and sharpened map",
        f"The mask begins at a density of {threshold:.3g}, the lowest that noise does not reach in the map filtered to 15 Å (half"
        f" of the half-maps' difference is noise), and fills {100 * float(mask.mean()):.0f} % of the box. Within it the half-maps"
        " agree better, as there is less solvent; how much of that the mask itself feigns, maps with random phases tell.",
        tuple(measures),
        (
            *(Figure(drawn, "image") for drawn in mask_pictures(part.masked.path)),
            Figure(fsc(star)),
            *((Figure(guinier(star)),) if "guinier" in read_star(star) else ()),
            Figure(_slices(part, f"{part.sharpened.name}/postprocess_masked.mrc", "The sharpened map"), "image"),
        ),
        warnings=warnings_of(part.masked, part.sharpened),
    )


def local_section(part: MapPart) -> Section:
    """Return how good each part of the map is."""
    histogram, slices = local_resolution_pictures(part.local.path)
    low, median, high = local_resolution_spread(part.local.path)
    alike = (
        ""
        if part.symmetry == "C1"
        else f" {part.symmetry} was imposed, so what one subunit suffered is spread evenly over all of them."
    )
    return Section(
        "localresolution",
        "Local resolution",
        "The half-maps' correlation in a small ball, moved over the map: a molecule is not equally well resolved everywhere, and"
        f" what moves, or is missing in some particles, is blurred.{alike}",
        (
            (f"{median:.2f} Å", "in the middle: half of the voxels within the mask are finer."),
            (f"{low:.2f} to {high:.2f} Å", "without the finest and the coarsest 5 % of the voxels."),
        ),
        (Figure(slices, "image"), Figure(histogram)),
        warnings=warnings_of(part.local),
    )


def map_measure(truth: MapTruth) -> tuple[str, str]:
    """Return how far a map is like the true molecule, as a large figure."""
    limit = " as far as the pixels reach" if truth.finest else ""
    return f"{truth.resolution:.1f} Å", f"down to here it is like the true molecule (correlation above 0.5){limit}."


def hand_measure(truth: MapTruth) -> tuple[str, str]:
    """Return which hand a map has, as a large figure."""
    placed = truth.placed
    if placed.score - placed.other < _TOLD_APART:
        return "no hand", (f"it is as like the true molecule ({placed.score:.2f}) as its mirror image ({placed.other:.2f}): too"
                           " coarse, or not that molecule.")  # fmt: skip
    hand = "the other hand" if placed.mirrored else "the true hand"
    return hand, (f"likeness {placed.score:.2f}, in the opposite one {placed.other:.2f}. Projections cannot tell hands apart:"
                  " which one an initial model gets is chance, and all that follows keeps it. flip_hand mirrors map and poses.")  # fmt: skip


def b_factor_measure(b_factor: float, truth: MapsTruth | None) -> tuple[str, str]:
    """Return the B-factor (Å²) of the sharpening, and what the truth says of it, as a large figure."""
    asked = "" if truth is None or np.isnan(truth.b_factor) else f" The true molecule asks for {area(truth.b_factor)}."
    if not b_factor:
        return "no B-factor", ("the map was not sharpened: it does not reach far enough beyond 10 Å for its falloff to tell one."
                               f"{asked}")  # fmt: skip
    return area(b_factor), f"B-factor of the sharpening, from the slope of the Guinier plot.{asked}"


def _figures(pictures: list[Picture], *, without: tuple[str, ...] = ()) -> tuple[Figure, ...]:
    """Return pictures of a 3D run as figures of the page; ``without`` those whose titles begin so.

    Verdict and views, which stand beside each other, come first.
    """
    return tuple(
        Figure(picture, _kind(picture), half=picture.title.startswith(_HALVES))
        for picture in sorted(pictures, key=lambda picture: not picture.title.startswith(_FIRST))
        if not picture.title.startswith(without)
    )


def _kind(picture: Picture) -> Kind:
    if picture.title.startswith("Maps"):
        return "image"
    return "chart" if picture.title.startswith(_CHARTS) else "drawing"


def _course_of_rounds(directory: Path, most: int = 3) -> list[Round]:
    """Return a few iterations of a run, evenly spread, without the first (nothing) and the last."""
    every = [one for one in rounds(directory) if one.number > 0][:-1]
    chosen = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).astype(int)) if every else []
    return [every[k] for k in chosen]


def _slices(part: MapPart, name: str, title: str) -> Picture:
    drawn = ortho_slices(part.initial.project.directory / name)
    return Picture(drawn.description, title, drawn.caption)
