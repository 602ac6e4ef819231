"""Tables and images that the tests of jobs are made of."""

from __future__ import annotations

import numpy as np

from relionlab.io.table import Table

BOX, PIXEL_SIZE, CLASSES, PARTICLES = 16, 2.0, 4, 40


def optics(name: str = "opticsGroup1", **more: object) -> Table:
    """An optics table of one group."""
    columns = {
        "rlnOpticsGroupName": [name],
        "rlnOpticsGroup": [1],
        "rlnMicrographOriginalPixelSize": [PIXEL_SIZE],
        "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
        "rlnImagePixelSize": [PIXEL_SIZE],
        "rlnImageSize": [BOX],
        "rlnImageDimensionality": [2],
    }
    return Table({**columns, **more}, name="optics")


def particle_rows(count: int = PARTICLES, stack: str = "stack.mrcs") -> Table:
    """Particles with everything that the operations look at."""
    rng = np.random.default_rng(1)
    return Table(
        {
            "rlnCoordinateX": rng.uniform(0, 2000, count),
            "rlnCoordinateY": rng.uniform(0, 2000, count),
            "rlnImageName": [f"{number:06d}@{stack}" for number in range(1, count + 1)],
            "rlnMicrographName": [f"mic{number % 3}.mrc" for number in range(count)],
            "rlnOpticsGroup": [1] * count,
            "rlnDefocusU": rng.uniform(8000, 15000, count),
            "rlnDefocusV": rng.uniform(8000, 15000, count),
            "rlnGroupNumber": [number % 3 + 1 for number in range(count)],
            "rlnAngleRot": rng.uniform(-180, 180, count),
            "rlnAngleTilt": rng.uniform(0, 180, count),
            "rlnAnglePsi": rng.uniform(-180, 180, count),
            "rlnOriginXAngst": rng.uniform(-5, 5, count),
            "rlnOriginYAngst": rng.uniform(-5, 5, count),
            "rlnClassNumber": [number % CLASSES + 1 for number in range(count)],
        },
        name="particles",
    )


def disc(radius: float) -> np.ndarray:
    """A round particle in an empty box."""
    y, x = np.mgrid[:BOX, :BOX] - BOX // 2
    return (np.hypot(x, y) < radius).astype(np.float32)
