"""A small Class2D job directory, made without running anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table

K, BOX, COUNT = 6, 24, 60


def write_iteration(directory: Path, iteration: int) -> None:
    """Write one iteration's files, as relion_refine names them."""
    rng = np.random.default_rng(iteration)
    root = f"run_it{iteration:03d}"
    y, x = np.mgrid[:BOX, :BOX] - BOX // 2
    images = np.stack([np.exp(-(x**2 + (1 + k) * y**2) / 30.0) for k in range(K)]).astype(np.float32)
    images[K - 1] = 0  # an empty class
    write_stack(directory / f"{root}_classes.mrcs", images, pixel_size=4.0)
    share = np.array([0.4, 0.25, 0.15, 0.12, 0.08, 0.0])
    classes = Table(
        {
            "rlnReferenceImage": [f"{k + 1:06d}@Class2D/job001/{root}_classes.mrcs" for k in range(K)],
            "rlnClassDistribution": share,
            "rlnAccuracyRotations": [2.0, 3.0, 999.0, 999.0, 999.0, 999.0],
            "rlnAccuracyTranslationsAngst": [1.0, 1.5, 999.0, 999.0, 999.0, 999.0],
            "rlnEstimatedResolution": [12.0, 14.0, 20.0, 24.0, 30.0, np.inf],
        },
        "model_classes",
    )
    general = Table(
        {
            "rlnReferenceDimensionality": [2],
            "rlnPixelSize": [4.0],
            "rlnCurrentResolution": [30.0 - 5 * iteration],
            "rlnLogLikelihood": [1e5 + iteration],
            "rlnAveragePmax": [0.2 + 0.2 * iteration],
        },
        "model_general",
        loop=False,
    )
    shells = np.arange(BOX // 2 + 1)
    spectra = [
        Table(
            {
                "rlnSpectralIndex": shells,
                "rlnResolution": shells / (BOX * 4.0),
                "rlnSsnrMap": 1000.0 * np.exp(-shells * (1 + 0.1 * k)),
            },
            f"model_class_{k + 1}",
        )
        for k in range(K)
    ]
    write_star(directory / f"{root}_model.star", [general, classes, *spectra])
    changes = [999.0] * 3 if iteration == 0 else [10.0 / iteration, 3.0 / iteration, 0.5 / iteration]
    labels = ("rlnChangesOptimalOrientations", "rlnChangesOptimalOffsets", "rlnChangesOptimalClasses")
    values = {label: [value] for label, value in zip(labels, changes, strict=True)}
    write_star(directory / f"{root}_optimiser.star", [Table(values, "optimiser_general", loop=False)])
    numbers = np.repeat(np.arange(1, K), [24, 15, 9, 7, 5])
    optics = Table(
        {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["opticsGroup1"], "rlnImagePixelSize": [4.0]}, "optics"
    )
    particles = Table(
        {
            "rlnImageName": [f"{i % K + 1:06d}@Class2D/job001/{root}_classes.mrcs" for i in range(COUNT)],
            "rlnOpticsGroup": np.ones(COUNT, dtype=np.int64),
            "rlnClassNumber": numbers,
            "rlnDefocusU": rng.uniform(1e4, 2e4, COUNT),
            "rlnDefocusV": rng.uniform(1e4, 2e4, COUNT),
            "rlnOriginXAngst": rng.normal(size=COUNT),
            "rlnOriginYAngst": rng.normal(size=COUNT),
            "rlnMaxValueProbDistribution": rng.uniform(size=COUNT),
        },
        "particles",
    )
    write_star(directory / f"{root}_data.star", [optics, particles])


@pytest.fixture
def class2d_directory(tmp_path: Path) -> Path:
    """The directory of a Class2D job with iterations 0, 1 and 2."""
    directory = tmp_path / "Class2D" / "job001"
    directory.mkdir(parents=True)
    for iteration in range(3):
        write_iteration(directory, iteration)
    return directory
