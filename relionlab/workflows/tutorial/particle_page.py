"""The page at the end of the tutorial, put together from what lies in the job directories."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.report import Report, Stage, duration, write_report
from relionlab.display.results import ClassAverages, data_file, read_class_averages, read_course
from relionlab.display.words import many, verb
from relionlab.io.image_reader import ImageReader
from relionlab.io.particles import read_particles
from relionlab.project import JobDirectory
from relionlab.simulation.scores.classes import compare_with_truth
from relionlab.workflows.stages import Clock
from relionlab.workflows.tutorial.flags import command_of
from relionlab.workflows.tutorial.folder import PAGE
from relionlab.workflows.tutorial.page_parts import finest_average, footer, kept_classes, stage_of
from relionlab.workflows.tutorial.particle_data import ParticleData
from relionlab.workflows.tutorial.particle_plan import ParticlePlan

EXAMPLES = 11


def write_page(plan: ParticlePlan, data: ParticleData, *, jobs: tuple[JobDirectory, ...], clock: Clock) -> Path:
    """Write the page into the project's folder and return its path; ``jobs``: Import, Class2D, Select."""
    imported, classified, selected = jobs
    averages = read_class_averages(classified.path)
    course = read_course(classified.path)
    kept = kept_classes(selected)
    total = int(np.maximum(averages.counts, 0).sum())
    stages = (
        Stage("Simulate" if data.truth else "Particles", data.told, clock.seconds.get("Particles", 0.0), data.place),
        stage_of(imported, "Brings the particles into the project, and checks them.", clock, warned=True),
        stage_of(
            classified,
            f"Sorts {many(total, 'particle')} into {many(len(averages), 'class', 'classes')} in"
            f" {many(int(course.iterations[-1]), 'iteration')}.",
            clock,
            warned=True,
        ),
        stage_of(
            selected, f"Keeps the classes that rank high enough: {len(kept)} of {len(averages)}.", clock, warned=True
        ),
    )
    truth = None
    table = data_file(averages.model) if averages.model is not None else None
    if data.truth is not None and table is not None:
        truth = compare_with_truth(
            table,
            imported.project.directory / data.truth,
            symmetry=data.symmetry,
            names=dict(data.kinds),
            junk=data.junk,
        )
    report = Report(
        title="2D class averages",
        summary=summary(data, averages, kept),
        averages=averages,
        course=course,
        kept=kept,
        stages=stages,
        project=plan.directory,
        facts=facts(averages, kept, seconds=sum(stage.seconds for stage in stages)),
        examples=examples(imported),
        truth=truth,
        footer=footer(command_of(plan)),
    )
    return write_report(report, plan.directory / PAGE)


def facts(averages: ClassAverages, kept: frozenset[int], *, seconds: float) -> tuple[tuple[str, str], ...]:
    """Return the figures in the page's head."""
    chosen = np.isin(averages.numbers, list(kept))
    count, box = int(averages.counts.sum()), averages.images.shape[-1]
    return (
        ("Particles", f"{count:,}"),
        ("Box", f"{box} px, {box * averages.pixel_size:.0f} Å"),
        ("Pixel size", f"{averages.pixel_size:.3g} Å"),
        ("Classes kept", f"{chosen.sum()} of {len(averages)}"),
        ("Particles kept", f"{100 * averages.counts[chosen].sum() / max(count, 1):.0f} %"),
        *finest_average(averages, chosen),
        ("Computing time", duration(seconds)),
    )


def summary(data: ParticleData, averages: ClassAverages, kept: frozenset[int]) -> str:
    """Return what the page shows, in two sentences."""
    count = int(averages.counts.sum())
    filled = int((averages.counts > 0).sum())
    what = many(count, "simulated particle") if data.truth else f"{many(count, 'particle')} of {data.source}"
    chosen = (
        f"{len(kept)} of them {verb(len(kept), 'ranks', 'rank')} high enough to be kept; the rest hold few particles, or show no"
        " clear one."
        if len(kept) < filled
        else "All of them rank high enough to be kept."
    )
    return f"{what}, sorted by their view into {many(filled, 'class', 'classes')} and averaged. {chosen}"


def examples(imported: JobDirectory) -> np.ndarray:
    """Return a few particles (n, y, x), spread over the file."""
    project = imported.project.directory
    names = read_particles(imported.path / "particles.star", directory=project).particles["rlnImageName"]
    reader = ImageReader(names, project)
    return reader.read(np.linspace(0, len(names) - 1, min(EXAMPLES, len(names))).astype(int))
