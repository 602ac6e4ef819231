"""A project with one finished job of every kind, from movies to local resolutions: files written, nothing run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from relionlab.io.images import write_image, write_map, write_stack
from relionlab.io.motion import Motion, write_motion
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs import (
    AutoPick,
    Class2D,
    Class3D,
    CtfFind,
    Extract,
    Import,
    InitialModel,
    LocalRes,
    MaskCreate,
    MotionCorr,
    PostProcess,
    Refine3D,
    Select,
)
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory, Project
from tests.display.conftest import write_iteration
from tests.display.runs3d import write_run

NAMES = ("a", "b", "c")
PIXEL, SIDE = 2.0, 64
MICROGRAPHS = [f"MotionCorr/job002/Movies/{name}.mrc" for name in NAMES]
PICKS = (9, 7, 0)
"""Picks per micrograph."""


def whole_project(project: Project) -> dict[str, JobDirectory]:
    """Fill an empty project; returns its jobs by folder, the Select of 3D classes as "Select3D"."""
    jobs: dict[str, JobDirectory] = {}

    def done(name: str, job: Job, write: Callable[[Path], None]) -> None:
        added = project.add(job)
        write(added.path)
        added.mark("finished")
        jobs[name] = added

    (project.directory / "Movies").mkdir()
    for name in NAMES:
        write_stack(project.directory / f"Movies/{name}.mrcs", np.ones((2, SIDE, SIDE), np.float32), pixel_size=PIXEL)
    done("Import", Import(fn_in_raw="Movies/*.mrcs", angpix=PIXEL), _movies)
    done("MotionCorr", MotionCorr(input_star_mics="Import/job001/movies.star"), _corrected)
    done("CtfFind", CtfFind(input_star_mics="MotionCorr/job002/corrected_micrographs.star"), _ctfs)
    micrographs = "CtfFind/job003/micrographs_ctf.star"
    blobs = AutoPick(fn_input_autopick=micrographs, do_log=True, log_diam_min=30.0, log_diam_max=40.0)
    done("AutoPick", blobs, _picks)
    extract = Extract(
        star_mics=micrographs,
        coords_suffix="AutoPick/job004/coords_suffix_autopick.star",
        extract_size=24,
        do_rescale=True,
        rescale=12,
    )
    done("Extract", extract, _particles)
    done(
        "Class2D",
        Class2D(fn_img="Extract/job005/particles.star", nr_classes=6, nr_iter=2, particle_diameter=60.0),
        _classes,
    )
    done("Select", Select(fn_model="Class2D/job006/run_it002_model.star", classes="1-3"), _chosen)
    particles = "Select/job007/particles.star"
    done(
        "InitialModel",
        InitialModel(fn_img=particles, nr_iter=3, particle_diameter=60.0, sym_name="D2", do_run_c1=True),
        _initial,
    )
    reference = "InitialModel/job008/initial_model.mrc"
    sort = Class3D(fn_img=particles, fn_ref=reference, nr_classes=2, nr_iter=3, particle_diameter=60.0)
    done("Class3D", sort, lambda path: _run(path, "Class3D", classes=2))
    done("Select3D", Select(fn_model="Class3D/job009/run_it003_model.star", classes="2"), _chosen)
    refine = Refine3D(fn_img="Select/job010/particles.star", fn_ref=reference, particle_diameter=60.0, sym_name="D2")
    done("Refine3D", refine, _refined)
    done("MaskCreate", MaskCreate(fn_in="Refine3D/job011/run_class001.mrc"), _mask)
    half, mask = "Refine3D/job011/run_half1_class001_unfil.mrc", "MaskCreate/job012/mask.mrc"
    done("PostProcess", PostProcess(fn_in=half, fn_mask=mask), _sharpened)
    done("LocalRes", LocalRes(fn_in=half, fn_mask=mask, angpix=None), _local)
    return jobs


def _optics(pixel: str, **more: list) -> Table:
    columns = {
        "rlnOpticsGroupName": ["opticsGroup1"],
        "rlnOpticsGroup": [1],
        "rlnMicrographOriginalPixelSize": [PIXEL],
        "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
        pixel: [PIXEL],
    }
    return Table(columns | more, "optics")


def _movies(path: Path) -> None:
    rows = Table(
        {"rlnMicrographMovieName": [f"Movies/{name}.mrcs" for name in NAMES], "rlnOpticsGroup": [1] * 3}, "movies"
    )
    write_star(path / "movies.star", [_optics("rlnMicrographOriginalPixelSize"), rows])


def _corrected(path: Path) -> None:
    (path / "Movies").mkdir()
    for place, name in enumerate(NAMES):
        write_image(
            path / f"Movies/{name}.mrc", np.random.default_rng(place).normal(size=(SIDE, SIDE)), pixel_size=PIXEL
        )
        shifts = np.cumsum(np.full((8, 2), 0.3 * (place + 1)), axis=0)
        write_motion(path / f"Movies/{name}.star", Motion(f"Movies/{name}.mrcs", (8, SIDE, SIDE), shifts, PIXEL))
    rows = Table(
        {
            "rlnMicrographName": MICROGRAPHS,
            "rlnMicrographMetadata": [name.replace(".mrc", ".star") for name in MICROGRAPHS],
            "rlnOpticsGroup": [1] * 3,
            "rlnAccumMotionTotal": [3.0, 6.0, 9.0],
            "rlnAccumMotionEarly": [1.0, 2.0, 3.0],
        },
        "micrographs",
    )
    write_star(path / "corrected_micrographs.star", [_optics("rlnMicrographPixelSize"), rows])


def _ctfs(path: Path) -> None:
    rows = Table(
        {
            "rlnMicrographName": MICROGRAPHS,
            "rlnOpticsGroup": [1] * 3,
            "rlnDefocusU": [15000.0, 12000.0, 9000.0],
            "rlnDefocusV": [14800.0, 11900.0, 8800.0],
            "rlnDefocusAngle": [0.0, 10.0, 20.0],
            "rlnCtfFigureOfMerit": [0.3, 0.2, 0.01],
            "rlnCtfMaxResolution": [4.0, 5.0, 15.0],
        },
        "micrographs",
    )
    write_star(path / "micrographs_ctf.star", [_optics("rlnMicrographPixelSize"), rows])


def _picks(path: Path) -> None:
    (path / "Movies").mkdir()
    (path / "coords_suffix_autopick.star").write_text("CtfFind/job003/micrographs_ctf.star\n")
    rng = np.random.default_rng(1)
    for name, count in zip(NAMES, PICKS, strict=True):
        columns = {"rlnCoordinateX": rng.uniform(0, SIDE, count), "rlnCoordinateY": rng.uniform(0, SIDE, count)}
        write_star(
            path / f"Movies/{name}_autopick.star",
            [Table(columns | {"rlnAutopickFigureOfMerit": rng.uniform(size=count)})],
        )
    summary = {
        "rlnMicrographName": MICROGRAPHS,
        "rlnAutopickFigureOfMerit": [0.5, 0.4, 0.0],
        "rlnGroupNrParticles": PICKS,
    }
    write_star(path / "summary.star", [Table(summary)])


def _particle_list(path: Path, count: int) -> None:
    rows = Table(
        {
            "rlnImageName": [f"{k + 1:06d}@Extract/job005/Movies/a.mrcs" for k in range(count)],
            "rlnMicrographName": [MICROGRAPHS[0]] * count,
            "rlnOpticsGroup": [1] * count,
            "rlnDefocusU": [15000.0 + k for k in range(count)],
            "rlnDefocusV": [14000.0] * count,
        },
        "particles",
    )
    write_star(path, [_optics("rlnImagePixelSize", rlnImageSize=[12], rlnImagePixelSize=[4.0]), rows])


def _particles(path: Path) -> None:
    (path / "Movies").mkdir()
    images = np.random.default_rng(2).normal(size=(16, 12, 12)).astype(np.float32)
    write_stack(path / "Movies/a.mrcs", images, pixel_size=4.0)
    _particle_list(path / "particles.star", 16)


def _classes(path: Path) -> None:
    for iteration in range(3):
        write_iteration(path, iteration)
        model = path / f"run_it{iteration:03d}_model.star"
        model.write_text(model.read_text().replace("Class2D/job001", "Class2D/job006"))


def _chosen(path: Path) -> None:
    _particle_list(path / "particles.star", 12)
    write_star(
        path / "class_averages.star",
        [Table({"rlnReferenceImage": [f"{k + 1:06d}@class_averages.mrcs" for k in range(3)]})],
    )
    if path.name == "job007":
        write_stack(path / "class_averages.mrcs", np.ones((3, 12, 12), np.float32), pixel_size=4.0)


def _initial(path: Path) -> None:
    _run(path, "InitialModel")
    write_map(path / "initial_model.mrc", _ball(), pixel_size=4.0)


def _run(path: Path, kind: str, classes: int = 1) -> None:
    beside = path.with_name("made")
    write_run(beside, kind=kind, classes=classes)
    for file in beside.iterdir():
        text = file.read_bytes().replace(f"{kind}/made".encode(), f"{kind}/{path.name}".encode())
        (path / file.name).write_bytes(text)
        file.unlink()
    beside.rmdir()


def _refined(path: Path) -> None:
    _run(path, "Refine3D")
    rng = np.random.default_rng(3)
    for half in (1, 2):
        noisy = _ball() + 0.02 * rng.normal(size=(24, 24, 24)).astype(np.float32)
        write_map(path / f"run_half{half}_class001_unfil.mrc", noisy, pixel_size=4.0)


def _ball(width: float = 4.0) -> np.ndarray:
    z, y, x = np.mgrid[:24, :24, :24] - 12
    return np.exp(-(x**2 + y**2 + z**2) / (2 * width**2)).astype(np.float32)


def _mask(path: Path) -> None:
    z, y, x = np.mgrid[:24, :24, :24] - 12
    radius = np.sqrt(x**2 + y**2 + z**2)
    write_map(path / "mask.mrc", np.clip((9 - radius) / 4, 0, 1).astype(np.float32), pixel_size=4.0)


def _sharpened(path: Path) -> None:
    shells = np.arange(13)
    curve = np.clip(1.2 - shells / 9, 0.05, 1)
    random = np.where(shells > 4, 0.0, curve)
    columns = {
        "rlnSpectralIndex": shells,
        "rlnResolution": shells / 96,
        "rlnAngstromResolution": np.append(999.0, 96 / shells[1:]),
        "rlnFourierShellCorrelationCorrected": curve,
        "rlnFourierShellCorrelationUnmaskedMaps": curve,
        "rlnFourierShellCorrelationMaskedMaps": curve,
        "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps": random,
    }
    general = {"rlnFinalResolution": [10.7], "rlnBfactorUsedForSharpening": [-120.0], "rlnRandomiseFrom": [24.0]}
    write_star(path / "postprocess.star", [Table(general, "general", loop=False), Table(columns, "fsc")])
    for name in ("postprocess.mrc", "postprocess_masked.mrc"):
        write_map(path / name, _ball(), pixel_size=4.0)


def _local(path: Path) -> None:
    write_map(path / "relion_locres.mrc", (8 + 4 * _ball()), pixel_size=4.0)
    write_map(path / "relion_locres_filtered.mrc", _ball(), pixel_size=4.0)
    (path / "relion_locres_mask.txt").write_text("MaskCreate/job012/mask.mrc\n")
