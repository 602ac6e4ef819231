"""The page at the end of the tutorial on movies, put together from what lies in the job directories."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.course_report import CourseReport, write_course_report
from relionlab.display.report import Stage, duration
from relionlab.display.results import read_class_averages
from relionlab.display.words import many, verb
from relionlab.engine.ctf import Optics
from relionlab.project import JobDirectory
from relionlab.workflows.stages import Clock
from relionlab.workflows.tutorial.flags import command_of
from relionlab.workflows.tutorial.folder import PAGE
from relionlab.workflows.tutorial.map_sections import map_sections
from relionlab.workflows.tutorial.map_words import map_verdicts, maps_told
from relionlab.workflows.tutorial.maps import sharpening_of
from relionlab.workflows.tutorial.movie_course import Course, Round, count_of
from relionlab.workflows.tutorial.movie_plan import MoviePlan
from relionlab.workflows.tutorial.movie_rounds import (
    classes_section,
    degrees,
    particles_section,
    picks_section,
    spread_told,
)
from relionlab.workflows.tutorial.movie_sections import ctf_section, motion_section, movies_section
from relionlab.workflows.tutorial.movie_simulation import SIMULATED
from relionlab.workflows.tutorial.movie_truth import CourseTruth, RoundTruth, course_truth
from relionlab.workflows.tutorial.page_parts import finest_average, footer, kept_classes, stage_of


def write_movie_page(plan: MoviePlan, course: Course, *, clock: Clock) -> Path:
    """Write the page into the project's folder and return its path."""
    truth = course_truth(course)
    stages = steps(course, clock)
    sections = [movies_section(course), motion_section(course, truth), ctf_section(course, truth)]
    for part, first in ((course.first, True), (course.second, False)):
        known = None if truth is None else (truth.first if first else truth.second)
        before = truth.first.picks if truth is not None and not first else None
        sections += [
            picks_section(course, part, known, first=first, before=before),
            particles_section(part, first=first),
            classes_section(part, known, first=first),
        ]
    if course.maps is not None:
        sections += map_sections(course, course.maps, None if truth is None else truth.maps)
    report = CourseReport(
        title="From movies to class averages" if course.maps is None else "From movies to a map",
        summary=summary(course),
        facts=facts(course, seconds=sum(stage.seconds for stage in stages)),
        sections=tuple(sections),
        verdicts=() if truth is None else verdicts(truth, course),
        stages=stages,
        project=plan.directory,
        again="relionlab tutorial --dir mine --movies 'data/*.tif' \\\n  --gain gain.mrc --angpix 0.885 --dose 1.2 --diameter 180",
        footer=footer(command_of(plan)),
    )
    return write_course_report(report, plan.directory / PAGE)


def summary(course: Course) -> str:
    """Return what the page shows, in two sentences."""
    kind = "simulated movie" if course.data.truth else "movie"
    return (
        f"{many(movies_of(course), kind)}, aligned and added up, their CTFs estimated, and"
        f" {many(count_of(course.second.selected), 'particle')} found in them: first by their size, then by their own class"
        " averages. "
        + ("" if course.maps is None else "From these a map was made and refined. ")
        + "Every stage is shown"
        + (", with its error." if course.data.truth else ".")
    )


def facts(course: Course, *, seconds: float) -> tuple[tuple[str, str], ...]:
    """Return the figures in the page's head."""
    averages = read_class_averages(course.second.classified.path)
    kept = np.isin(averages.numbers, list(kept_classes(course.second.selected)))
    return (
        ("Movies", f"{movies_of(course):,}"),
        ("Pixel size", f"{course.sizes.pixel_size:.3g} Å"),
        ("Particles picked", f"{count_of(course.second.extracted):,}"),
        ("Particles kept", f"{count_of(course.second.selected):,}"),
        ("Classes kept", f"{kept.sum()} of {len(averages)}"),
        *finest_average(averages, kept),
        *((("Resolution of the map", f"{sharpening_of(course.maps.sharpened)[0]:.1f} Å"),) if course.maps else ()),
        ("Computing time", duration(seconds)),
    )


def verdicts(truth: CourseTruth, course: Course) -> tuple[tuple[str, str, str, str], ...]:
    """Return the error of every stage."""
    motion, ctf, finest = truth.motion, truth.ctf, 2 * course.sizes.pixel_size
    left = float(np.median(motion.everywhere))
    rows = [
        ("MotionCorr", "Motion, at any place and time", f"{left:.2f} px = {left * motion.pixel_size:.2f} Å",
         f"without correction {np.median(motion.unmoved):.1f} px; below half a pixel nothing is lost"),
        ("CtfFind", "Defocus", f"{np.median(np.abs(ctf.defocus)):.0f} Å",
         f"100 Å turn the CTF by {turned(100, finest, voltage=course.data.voltage):.0f}° at {finest:.3g} Å, the finest spacing"),
        ("CtfFind", "Astigmatism", f"{np.median(np.abs(ctf.astigmatism)):.0f} Å, {np.median(ctf.angle):.0f}°", "U − V, and its angle"),
    ]  # fmt: skip
    for number, part in ((1, truth.first), (2, truth.second)):
        rows += _round_verdicts(number, part)
    return (*rows, *(() if truth.maps is None or course.maps is None else map_verdicts(truth.maps, course.maps)))


def _round_verdicts(number: int, truth: RoundTruth) -> list[tuple[str, str, str, str]]:
    picks, classes = truth.picks, truth.classes
    how = "by size" if number == 1 else "by class averages"
    rows = [
        (f"AutoPick {number}", "Precision, recall, F1",
         f"{100 * picks.precision:.0f} %, {100 * picks.recall:.0f} %, {picks.f1:.2f}",
         f"{how}: {many(len(picks.matched), 'pick')}, {picks.junk:,} of them on no particle"),
        (f"Class2D {number}", "Spread of the views in a class", degrees(classes.mean_spread), spread_told(classes)),
    ]  # fmt: skip
    if np.isfinite(classes.junk_apart):
        rows.append((f"Class2D {number}", "Junk in classes of its own", f"{100 * classes.junk_apart:.0f} %",
                     f"of {many(truth.extracted.junk, 'box', 'boxes')} without a particle"))  # fmt: skip
    lost, right = truth.extracted.right - truth.kept.right, truth.extracted.right
    told = f"{lost:,} of {many(right, 'particle')} {verb(lost, 'was', 'were')} lost with the rest"
    rows.append((f"Select {number}", "Junk that remains", f"{truth.kept.junk:,} of {len(truth.kept.matched):,}", told))
    return rows


def steps(course: Course, clock: Clock) -> tuple[Stage, ...]:
    """Return what was done, in order, with the time of each step."""
    made = []
    if course.data.truth:
        seconds, commands = clock.seconds.get("Simulate", 0.0), (course.data.command,)
        made.append(Stage("Simulate", course.data.told, seconds, f"{SIMULATED}/", commands))
    told = (
        (course.imported, "Brings the movies into the project, and checks them.", "Import"),
        (course.corrected, "Aligns the frames and adds them up.", "MotionCorr"),
        (course.estimated, "Estimates the defocus of each micrograph.", "CtfFind"),
        *_told(course.first, 1),
        *_told(course.second, 2),
        *(() if course.maps is None else maps_told(course.maps)),
    )
    return (*made, *(stage_of(job, what, clock, name=name) for job, what, name in told))


def _told(part: Round, number: int) -> list[tuple[JobDirectory, str, str]]:
    what = (
        "Finds particles by their size." if number == 1 else "Finds particles by the selected class averages.",
        "Cuts them out, shrunk.",
        "Sorts them into classes and averages these.",
        "Keeps the classes that rank high enough.",
    )
    names = ("AutoPick", "Extract", "Class2D", "Select")
    return [(job, text, f"{name} {number}") for job, text, name in zip(part.jobs, what, names, strict=True)]


def movies_of(course: Course) -> int:
    """Return how many movies there are."""
    from relionlab.io.particles import read_particles

    listed = course.imported.project.directory / course.imported.output("movies")
    return len(read_particles(listed, kind="movies"))


def turned(defocus: float, resolution: float, *, voltage: float) -> float:
    """Return by how many degrees a defocus (Å) turns the CTF's phase at a resolution (Å) and a voltage (kV)."""
    wavelength = Optics(voltage, 0.0, 0.0, 1.0).wavelength
    return float(np.degrees(np.pi * wavelength * defocus / resolution**2))
