"""Our projections, with shifts and CTF, against relion_project."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile

from relionlab.engine import ctf, rotations
from relionlab.engine.fourier import irfft2_centred, shift_phases
from relionlab.engine.projection import Projector, project

pytestmark = pytest.mark.relion

N, PIXEL_SIZE, COUNT = 48, 2.5, 12
OPTICS = ctf.Optics(200.0, 1.4, 0.1, PIXEL_SIZE)


def blobs() -> np.ndarray:
    rng = np.random.default_rng(3)
    z, y, x = np.indices((N,) * 3) - N // 2
    map_ = np.zeros((N,) * 3)
    for cx, cy, cz in rng.normal(size=(40, 3)) * 6:
        map_ += np.exp(-((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) / (2 * 1.3**2))
    return map_.astype(np.float32)


@pytest.fixture(scope="module")
def particles(relion: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    directory = tmp_path_factory.mktemp("project")
    with mrcfile.new(directory / "map.mrc") as file:
        file.set_data(blobs())
        file.voxel_size = PIXEL_SIZE
    rng = np.random.default_rng(4)
    rot, tilt, psi = (np.round(angle, 3) for angle in rotations.random_euler(rng, COUNT))
    u = np.round(rng.uniform(8e3, 2e4, COUNT))
    table = pd.DataFrame(
        {
            "rlnImageName": [f"{i + 1:06d}@images.mrcs" for i in range(COUNT)],
            "rlnMicrographName": "mic.mrc",
            "rlnOpticsGroup": 1,
            "rlnAngleRot": rot,
            "rlnAngleTilt": tilt,
            "rlnAnglePsi": psi,
            "rlnOriginXAngst": np.round(rng.uniform(-10, 10, COUNT), 3),
            "rlnOriginYAngst": np.round(rng.uniform(-10, 10, COUNT), 3),
            "rlnDefocusU": u,
            "rlnDefocusV": u - np.round(rng.uniform(0, 900, COUNT)),
            "rlnDefocusAngle": np.round(rng.uniform(0, 180, COUNT), 3),
            "rlnPhaseShift": np.round(rng.uniform(0, 120, COUNT), 3),
        }
    )
    optics = pd.DataFrame(
        {
            "rlnOpticsGroup": [1],
            "rlnOpticsGroupName": ["one"],
            "rlnVoltage": [OPTICS.voltage_kv],
            "rlnSphericalAberration": [OPTICS.spherical_aberration_mm],
            "rlnAmplitudeContrast": [OPTICS.amplitude_contrast],
            "rlnImagePixelSize": [PIXEL_SIZE],
            "rlnImageSize": [N],
            "rlnImageDimensionality": [2],
        }
    )
    starfile.write({"optics": optics, "particles": table}, directory / "angles.star")
    return directory, table


def relion_project(relion: Path, directory: Path, *options: str) -> np.ndarray:
    command = [relion / "relion_project", "--i", "map.mrc", "--o", "out", "--ang", "angles.star", *options]
    subprocess.run(command, check=True, capture_output=True, cwd=directory)
    return mrcfile.read(directory / "out.mrcs")


def poses(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    matrices = rotations.matrix_from_euler(*(table[f"rlnAngle{a}"].to_numpy() for a in ("Rot", "Tilt", "Psi")))
    return matrices, -table[["rlnOriginXAngst", "rlnOriginYAngst"]].to_numpy()


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 3e-5), (np.float32, 3e-5)])
def test_shifted_projections_equal_relions(dtype: type, tolerance: float, relion: Path, particles) -> None:
    """Largest difference measured: 1.4e-5 of the images' deviation."""
    directory, table = particles
    expected = relion_project(relion, directory)
    matrices, shifts = poses(table)
    ours = project(blobs().astype(dtype), matrices, shifts=shifts, pixel_size=PIXEL_SIZE)
    assert ours.dtype == dtype
    assert np.abs(ours - expected).max() < tolerance * expected.std()


@pytest.mark.parametrize(
    ("flag", "option"),
    [
        (None, {}),
        ("--ctf_phase_flip", {"phase_flipped": True}),
        ("--ctf_intact_first_peak", {"intact_first_peak": True}),
    ],
)
def test_projections_with_ctf_equal_relions(flag: str | None, option: dict, relion: Path, particles) -> None:
    """Astigmatism, phase shift and origin included."""
    directory, table = particles
    expected = relion_project(relion, directory, "--ctf", *([flag] if flag else []))
    matrices, shifts = poses(table)
    transforms = Projector.of_map(blobs()).slices(matrices)
    transforms *= shift_phases(N, (shifts / PIXEL_SIZE).astype(np.float32))
    transforms *= ctf.ctf_images(
        N,
        optics=OPTICS,
        defocus_u=table["rlnDefocusU"].to_numpy(),
        defocus_v=table["rlnDefocusV"].to_numpy(),
        defocus_angle=table["rlnDefocusAngle"].to_numpy(),
        phase_shift=table["rlnPhaseShift"].to_numpy(),
        **option,
    )
    assert np.abs(irfft2_centred(transforms, N) - expected).max() < 3e-5 * expected.std()
