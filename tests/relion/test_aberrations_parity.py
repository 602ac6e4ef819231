"""Where aberrations, magnification and origins count: RELION restores images that have what we say they have.

The images are projections that our :class:`Aberrations` has spoilt. RELION's reconstruction of them equals the map only if
sign, order and frequency of each term are RELION's; so do its class averages, and ours.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.ctf import Optics, ctf
from relionlab.engine.fourier import frequencies, irfft2_centred, shift_phases
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import matrix_from_euler, random_euler
from relionlab.io.images import read_map, read_stack, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from relionlab.jobs.registry import program
from tests.engine.volume_cases import Blobs, shell_correlation

pytestmark = pytest.mark.relion
N, PIXEL, COUNT = 48, 5.0, 300
MICROSCOPE = Optics(300.0, 2.7, 0.1, PIXEL)
TILT = {"rlnBeamTiltX": 600.0, "rlnBeamTiltY": -400.0}
ODD = {"rlnOddZernike": "[3,-2,2000,0,0,-1500]"}
EVEN = {"rlnEvenZernike": "[0.3,30,-20,20]"}
STRETCH = {"rlnMagMat00": 1.06, "rlnMagMat01": 0.03, "rlnMagMat10": -0.03, "rlnMagMat11": 0.96}
MAGNIFIED = ((1.06, 0.03), (-0.03, 0.96))
KINDS = {
    "magnification": (STRETCH, Aberrations(magnification=MAGNIFIED)),
    "beam tilt, stretched": (STRETCH | TILT, Aberrations(tilt_mrad=(600.0, -400.0), magnification=MAGNIFIED)),
    "antisymmetric, stretched": (STRETCH | ODD, Aberrations(odd=(3, -2, 2000, 0, 0, -1500), magnification=MAGNIFIED)),
    "symmetric, stretched": (STRETCH | EVEN, Aberrations(even=(0.3, 30, -20, 20), magnification=MAGNIFIED)),
    "all": (
        STRETCH | TILT | ODD | EVEN,
        Aberrations((3, -2, 2000, 0, 0, -1500), (0.3, 30, -20, 20), (600.0, -400.0), MAGNIFIED),
    ),
    "coma stated twice": (TILT | {"rlnOddZernike": "[0,0,0,-100,50,0]"}, Aberrations(tilt_mrad=(600.0, -400.0))),
}


def with_relion(directory: Path, *arguments: str) -> None:
    done = subprocess.run(arguments, cwd=directory, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def ours(directory: Path, name: str, *arguments: str) -> None:
    program(name).from_flags(arguments).run(PlainContext(directory, quiet=True))


def true_map() -> np.ndarray:
    return Blobs(N, width=1.6).map() * 10


def spoilt(directory: Path, kind: str, *, one_view: bool = False, noise: float = 0.0) -> None:
    """Write s.star and s.mrcs: projections with the CTF and the aberrations of a kind, away from their origins."""
    columns, seen_with = KINDS[kind]
    rng = np.random.default_rng(0)
    rot, tilt, psi = random_euler(rng, COUNT)
    if one_view:
        rot, tilt = np.full(COUNT, 20.0), np.full(COUNT, 50.0)
    defocus, angle = rng.uniform(8000, 20000, COUNT), rng.uniform(0, 180, COUNT)
    origins = rng.normal(0, 20, (COUNT, 2))
    x, y = frequencies(N, PIXEL)
    in_object = seen_with.of_object(x, y)
    planes = matrix_from_euler(rot, tilt, psi)
    if seen_with.matrix is not None:
        planes[:, :2] = seen_with.matrix.T @ planes[:, :2]
    transforms = Projector.of_map(true_map()).slices(planes)
    phase = seen_with.antisymmetric_phase(*in_object, optics=MICROSCOPE)
    if phase is not None:
        transforms = transforms * np.exp(1j * phase)
    defocused = (value[:, None, None] for value in (defocus, defocus + 300, angle))
    names = ("defocus_u", "defocus_v", "defocus_angle")
    transforms = transforms * ctf(
        *in_object,
        optics=MICROSCOPE,
        symmetric_phase=seen_with.symmetric_phase(*in_object),
        **dict(zip(names, defocused, strict=True)),
    )
    transforms = transforms * shift_phases(N, -origins / PIXEL)
    images = irfft2_centred(transforms.astype(np.complex64), N)
    images = images + noise * images.std() * rng.standard_normal(images.shape)
    write_stack(directory / "s.mrcs", images.astype(np.float32), pixel_size=PIXEL)
    optics = {
        "rlnOpticsGroupName": ["opticsGroup1"], "rlnOpticsGroup": [1], "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1], "rlnImagePixelSize": [PIXEL], "rlnImageSize": [N],
        "rlnImageDimensionality": [2], **{label: [value] for label, value in columns.items()},
    }  # fmt: skip
    rows = {
        "rlnImageName": [f"{i + 1:06d}@s.mrcs" for i in range(COUNT)], "rlnOpticsGroup": np.ones(COUNT, int),
        "rlnDefocusU": defocus, "rlnDefocusV": defocus + 300, "rlnDefocusAngle": angle,
        "rlnAngleRot": rot, "rlnAngleTilt": tilt, "rlnAnglePsi": psi,
        "rlnOriginXAngst": origins[:, 0], "rlnOriginYAngst": origins[:, 1],
    }  # fmt: skip
    write_particles(directory / "s.star", Particles(Table(optics, "optics"), Table(rows, "particles")))


@pytest.mark.parametrize("kind", KINDS)
def test_relion_and_we_restore_the_map(kind: str, relion: Path, tmp_path: Path) -> None:
    spoilt(tmp_path, kind)
    with_relion(tmp_path, "relion_reconstruct", "--i", "s.star", "--o", "relion.mrc", "--ctf")
    ours(tmp_path, "reconstruct", "--i", "s.star", "--o", "ours.mrc", "--ctf")
    shells = slice(1, N * 3 // 8)
    for who in ("relion", "ours"):
        found = read_map(tmp_path / f"{who}.mrc")[0]
        assert shell_correlation(found, true_map())[shells].min() > 0.96, who
    if kind != "coma stated twice":
        table = read_particles(tmp_path / "s.star")
        write_particles(tmp_path / "s.star", Particles(table.optics.without(*KINDS[kind][0]), table.particles))
        ours(tmp_path, "reconstruct", "--i", "s.star", "--o", "plain.mrc", "--ctf")
        plain = read_map(tmp_path / "plain.mrc")[0]
        assert shell_correlation(plain, true_map())[shells].min() < 0.9


@pytest.mark.parametrize("kind", ["magnification", "all"])
def test_class_averages_are_relions(kind: str, relion: Path, tmp_path: Path) -> None:
    """Poses are kept, so the average is the truth in so far as the images are understood."""
    spoilt(tmp_path, kind, one_view=True, noise=1.0)
    truth = Projector.of_map(true_map()).images(matrix_from_euler(*np.array([[20.0], [50.0], [0.0]])))
    write_stack(tmp_path / "truth.mrcs", truth, pixel_size=PIXEL)
    flags = [
        *("--i", "s.star", "--ref", "truth.mrcs", "--norm", "--ctf", "--skip_align", "--iter", "1", "--K", "1"),
        *("--tau2_fudge", "4", "--particle_diameter", "220", "--zero_mask", "--dont_check_norm", "--random_seed", "1"),
    ]
    with_relion(tmp_path, "relion_refine", "--o", "./relion", *flags)
    ours(tmp_path, "refine", "--o", "ours", *flags)
    mine, theirs = (read_stack(tmp_path / f"{who}_it001_classes.mrcs")[0] for who in ("ours", "relion"))
    truth = truth[0]
    assert np.corrcoef(mine.ravel(), theirs.ravel())[0, 1] > 0.995
    assert np.corrcoef(mine.ravel(), truth.ravel())[0, 1] > np.corrcoef(theirs.ravel(), truth.ravel())[0, 1] - 0.002
