"""Three small micrographs with particles of different contrast, the truth, and a reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.io.images import write_image, write_map, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table

PIXEL, SIDE, STEP = 4.0, 512, 64


def particle() -> np.ndarray:
    y, x = np.mgrid[:40, :40] - 20
    return np.exp(-((np.hypot(x, y) / 10) ** 4)).astype(np.float32)


def simulated(folder: Path) -> None:
    """Three micrographs with particles of different contrast, a reference, and the truth."""
    rng = np.random.default_rng(3)
    (folder / "Micrographs").mkdir(parents=True)
    (folder / "Known/truth").mkdir(parents=True)
    names, x, y, of = [f"Micrographs/mic{number}.mrc" for number in range(3)], [], [], []
    for name in names:
        image = rng.normal(size=(SIDE, SIDE))
        for row in range(STEP // 2, SIDE, STEP):
            for column in range(STEP // 2, SIDE, STEP):
                image[row - 20 : row + 20, column - 20 : column + 20] -= rng.uniform(0.4, 1.6) * particle()
                x, y, of = [*x, float(column)], [*y, float(row)], [*of, name]
        write_image(folder / name, image.astype(np.float32), pixel_size=PIXEL)
    optics = {"rlnOpticsGroup": [1], "rlnMicrographPixelSize": [PIXEL], "rlnMicrographOriginalPixelSize": [PIXEL]}
    optics |= {"rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1]}
    rows = Table({"rlnMicrographName": names, "rlnOpticsGroup": [1] * 3}, name="micrographs")
    write_star(folder / "mics.star", [Table(optics, name="optics"), rows])
    known = {"rlnCoordinateX": x, "rlnCoordinateY": y, "rlnMicrographName": of, "rlnOpticsGroup": [1] * len(x)}
    sizes = Table(
        {"rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [PIXEL], "rlnImagePixelSize": [PIXEL]}, name="optics"
    )
    write_star(folder / "Known/truth/particles.star", [sizes, Table(known, name="particles")])
    write_stack(folder / "refs.mrcs", particle()[None], pixel_size=PIXEL)
    write_map(folder / "map.mrc", ball(), pixel_size=PIXEL)


def ball() -> np.ndarray:
    z, y, x = np.mgrid[:40, :40, :40] - 20
    return (np.sqrt(x**2 + y**2 + z**2) < 9).astype(np.float32)
