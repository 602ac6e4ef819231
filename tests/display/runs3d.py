"""Small directories of 3D runs, made without running anything: the files as RELION 3.1.3 names them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.engine.rotations import random_euler
from relionlab.io.images import write_map
from relionlab.io.star import write_star
from relionlab.io.table import Table

BOX, PIXEL, COUNT = 24, 4.0, 60
SHELLS = np.arange(BOX // 2 + 1)


def write_run(directory: Path, *, kind: str, iterations: int = 3, classes: int = 1) -> Path:
    """Write a run of a kind ("InitialModel", "Class3D", "Refine3D") with iterations 0 to ``iterations``; a refinement also
    the final, joined one.
    """
    directory.mkdir(parents=True)
    for number in range(iterations + 1):
        write_round(directory, f"run_it{number:03d}", number, kind=kind, classes=classes)
    if kind == "Refine3D":
        write_round(directory, "run", iterations, kind=kind, classes=classes, joined=True)
    return directory


def write_round(directory: Path, root: str, number: int, *, kind: str, classes: int = 1, joined: bool = False) -> None:
    """Write one iteration's files."""
    halves = ("_half1", "_half2") if kind == "Refine3D" and not joined else ("",)
    for half in halves:
        _write_model(directory, f"{root}{half}", number, kind=kind, classes=classes)
    rng = np.random.default_rng(number)
    rot, tilt, psi = random_euler(rng, COUNT)
    particles = Table(
        {
            "rlnImageName": [f"{i + 1:06d}@particles.mrcs" for i in range(COUNT)],
            "rlnOpticsGroup": np.ones(COUNT, np.int64),
            "rlnAngleRot": rot,
            "rlnAngleTilt": tilt,
            "rlnAnglePsi": psi,
            "rlnOriginXAngst": rng.normal(size=COUNT),
            "rlnOriginYAngst": rng.normal(size=COUNT),
            "rlnClassNumber": 1 + np.arange(COUNT) % classes,
            "rlnMaxValueProbDistribution": rng.uniform(size=COUNT),
        },
        "particles",
    )
    optics = Table({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["opticsGroup1"]}, "optics")
    write_star(directory / f"{root}_data.star", [optics, particles])
    sampling = {"rlnHealpixOrder": [2], "rlnSymmetryGroup": ["D2"], "rlnPsiStep": [15.0]}
    write_star(directory / f"{root}_sampling.star", [Table(sampling, "sampling_general", loop=False)])
    if joined:
        return
    changes = (999.0, 999.0, 1.0) if number == 0 else (10.0 / number, 3.0 / number, 0.3 / number)
    told = {
        "rlnParticleDiameter": [70.0],
        "rlnAdaptiveOversampleOrder": [1],
        "rlnDoAutoRefine": [int(kind == "Refine3D")],
        "rlnDoStochasticGradientDescent": [int(kind == "InitialModel")],
        "rlnAutoLocalSearchesHealpixOrder": [4],
        "rlnHasConverged": [0],
        "rlnChangesOptimalOrientations": [changes[0]],
        "rlnChangesOptimalOffsets": [changes[1]],
        "rlnChangesOptimalClasses": [changes[2]],
    }
    write_star(directory / f"{root}_optimiser.star", [Table(told, "optimiser_general", loop=False)])


def _write_model(directory: Path, root: str, number: int, *, kind: str, classes: int) -> None:
    z, y, x = np.mgrid[:BOX, :BOX, :BOX] - BOX // 2
    for k in range(classes):
        ball = np.exp(-(x**2 + (1 + k) * y**2 + 2 * z**2) / 30.0).astype(np.float32)
        write_map(directory / f"{root}_class{k + 1:03d}.mrc", ball, pixel_size=PIXEL)
    share = np.arange(1, classes + 1) / np.arange(1, classes + 1).sum()
    unknown = number == 0
    names = [f"{directory.parent.name}/{directory.name}/{root}_class{k + 1:03d}.mrc" for k in range(classes)]
    listed = Table(
        {
            "rlnReferenceImage": names,
            "rlnClassDistribution": share,
            "rlnAccuracyRotations": np.full(classes, 999.0 if unknown else 8.0 / number),
            "rlnAccuracyTranslationsAngst": np.full(classes, 999.0 if unknown else 4.0 / number),
            "rlnEstimatedResolution": np.full(classes, 40.0 / (number + 1)),
        },
        "model_classes",
    )
    general = {
        "rlnReferenceDimensionality": [3],
        "rlnOriginalImageSize": [BOX],
        "rlnPixelSize": [PIXEL],
        "rlnCurrentResolution": [40.0 / (number + 1)],
        "rlnLogLikelihood": [1e5 + number],
        "rlnAveragePmax": [0.2 * (number + 1)],
    }
    fsc = np.zeros(len(SHELLS))
    if kind == "Refine3D" and number:
        fsc = np.clip(1.15 - SHELLS / (2.5 + 2.5 * number), 0.01, 1)
        fsc[5 + 2 * number :] = 0  # not measured yet
    ratio = 1000.0 * np.exp(-SHELLS / (0.5 + 0.3 * number))
    spectra = [
        Table(
            {
                "rlnSpectralIndex": SHELLS,
                "rlnResolution": SHELLS / (BOX * PIXEL),
                "rlnSsnrMap": ratio / (k + 1),
                "rlnGoldStandardFsc": fsc,
            },
            f"model_class_{k + 1}",
        )
        for k in range(classes)
    ]
    write_star(directory / f"{root}_model.star", [Table(general, "model_general", loop=False), listed, *spectra])
