"""A small project in which everything belongs to something: micrographs, their CTFs, particles, classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.io.images import write_image, write_stack
from relionlab.io.particles import Particles, write_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.project import JobDirectory, Project
from relionlab.project.ending import conclude

MICROGRAPHS, PER_MICROGRAPH, CLASSES = 3, 20, 4
SIDE, BOX, PIXEL_SIZE = 256, 32, 3.0
NAMES = [f"Micrographs/mic{number:03d}.mrc" for number in range(1, MICROGRAPHS + 1)]


def make_project(folder: Path) -> Project:
    """Write it: CtfFind/job001, Extract/job002, Class2D/job003 with its third iteration; nothing is run."""
    project = Project.create(folder)
    rng = np.random.default_rng(7)
    for name in NAMES:
        write_image(folder / name, rng.normal(size=(SIDE, SIDE)), pixel_size=PIXEL_SIZE)
    write_star(folder / "micrographs.star", [Table({"rlnMicrographName": NAMES}, name="micrographs")])
    (folder / "picks.star").touch()
    estimated = project.add(CtfFind(input_star_mics="micrographs.star"))
    defocus = np.array([9000.0, 15000.0, 12000.0])
    rows = Table(
        {
            "rlnMicrographName": NAMES,
            "rlnOpticsGroup": 1,
            "rlnDefocusU": defocus,
            "rlnDefocusV": defocus - 100,
            "rlnDefocusAngle": 10.0,
            "rlnCtfMaxResolution": [4.0, 7.5, 5.0],
        },
        name="micrographs",
    )
    write_particles(estimated.path / "micrographs_ctf.star", Particles(_optics("Micrograph"), rows, "micrographs"))
    _end(estimated)
    extracted = project.add(Extract(star_mics="CtfFind/job001/micrographs_ctf.star", coords_suffix="picks.star"))
    particles = _particles(folder, rng, defocus)
    write_particles(extracted.path / "particles.star", particles)
    _end(extracted)
    _classify(project, particles, rng)
    return project


def _optics(kind: str) -> Table:
    columns = {
        "rlnOpticsGroupName": ["opticsGroup1"],
        "rlnOpticsGroup": [1],
        "rlnMicrographOriginalPixelSize": [PIXEL_SIZE],
        "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
        f"rln{kind}PixelSize": [PIXEL_SIZE],
    }
    more = {"rlnImageSize": [BOX], "rlnImageDimensionality": [2]} if kind == "Image" else {}
    return Table({**columns, **more}, name="optics")


def _particles(folder: Path, rng: np.random.Generator, defocus: np.ndarray) -> Particles:
    """Images of noise whose mean is their number in the list, so that a test knows which one it sees."""
    count = MICROGRAPHS * PER_MICROGRAPH
    names = []
    for number, name in enumerate(NAMES):
        stack = f"Extract/job002/Micrographs/{Path(name).stem}.mrcs"
        images = rng.normal(size=(PER_MICROGRAPH, BOX, BOX))
        images += np.arange(number * PER_MICROGRAPH, (number + 1) * PER_MICROGRAPH)[:, None, None]
        write_stack(folder / stack, images.astype(np.float32), pixel_size=PIXEL_SIZE)
        names += [f"{index + 1:06d}@{stack}" for index in range(PER_MICROGRAPH)]
    micrograph = np.repeat(np.arange(MICROGRAPHS), PER_MICROGRAPH)
    table = Table(
        {
            "rlnCoordinateX": rng.integers(20, SIDE - 20, count).astype(float),
            "rlnCoordinateY": rng.integers(20, SIDE - 20, count).astype(float),
            "rlnAutopickFigureOfMerit": rng.normal(size=count).round(4),
            "rlnImageName": names,
            "rlnMicrographName": [NAMES[number] for number in micrograph],
            "rlnOpticsGroup": 1,
            "rlnDefocusU": defocus[micrograph],
            "rlnDefocusV": defocus[micrograph] - 100,
            "rlnDefocusAngle": 10.0,
        },
        name="particles",
    )
    return Particles(_optics("Image"), table)


def _classify(project: Project, particles: Particles, rng: np.random.Generator) -> None:
    job = project.add(Class2D(fn_img="Extract/job002/particles.star", nr_classes=CLASSES, nr_iter=3))
    stem = f"{job.name}/run_it003"
    folder = project.directory
    classes = 1 + np.arange(len(particles)) % (CLASSES - 1)  # the last class is empty
    write_particles(folder / f"{stem}_data.star", particles.with_columns(rlnClassNumber=classes))
    averages = rng.normal(size=(CLASSES, BOX, BOX)).astype(np.float32)
    write_stack(folder / f"{stem}_classes.mrcs", averages, pixel_size=PIXEL_SIZE)
    general = {
        "rlnReferenceDimensionality": 2,
        "rlnOriginalImageSize": BOX,
        "rlnPixelSize": PIXEL_SIZE,
        "rlnNrClasses": CLASSES,
        "rlnCurrentResolution": 12.0,
    }
    share = np.bincount(classes, minlength=CLASSES + 1)[1:] / len(classes)
    table = Table(
        {
            "rlnReferenceImage": [f"{number + 1:06d}@{stem}_classes.mrcs" for number in range(CLASSES)],
            "rlnClassDistribution": share,
            "rlnAccuracyRotations": [2.0, 1.0, 3.0, 999.0],
            "rlnAccuracyTranslationsAngst": [2.0, 1.0, 3.0, 999.0],
            "rlnEstimatedResolution": [12.0, 16.0, 14.0, 999.0],
        },
        name="model_classes",
    )
    groups = Table(
        {"rlnGroupNumber": [1], "rlnGroupName": ["all"], "rlnGroupNrParticles": [60], "rlnGroupScaleCorrection": [1.0]},
        name="model_groups",
    )
    head = Table({key: [value] for key, value in general.items()}, name="model_general", loop=False)
    write_star(folder / f"{stem}_model.star", [head, table, groups])
    told = {"rlnParticleDiameter": 80.0, "rlnModelStarFile": f"{stem}_model.star"}
    told |= {"rlnExperimentalDataStarFile": f"{stem}_data.star"}
    optimiser = Table({key: [value] for key, value in told.items()}, name="optimiser_general", loop=False)
    write_star(folder / f"{stem}_optimiser.star", [optimiser])
    _end(job)


def _end(job: JobDirectory) -> None:
    for name in ("run.out", "run.err"):
        (job.path / name).touch()
    conclude(job, "finished")
