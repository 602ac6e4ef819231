"""Symmetry, sampling, reconstruction and projection beside RELION's own, on the same input."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.fourier import radial_index, rfft3_centred
from relionlab.engine.rotations import angle_between, matrix_from_euler, random_euler
from relionlab.engine.sampling import healpix, sampling
from relionlab.engine.symmetry import point_group
from relionlab.io.images import read_map, read_stack, write_map
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from relionlab.jobs.refinement.sampling_file import read_sampling, sampling_tables
from relionlab.jobs.registry import program
from tests.engine.volume_cases import Blobs, shell_correlation

pytestmark = pytest.mark.relion
N, PIXEL = 48, 3.0
GROUPS = [
    "C1",
    "C2",
    "C7",
    "C12",
    "Ci",
    "Cs",
    "C1v",
    "C2v",
    "C3v",
    "C4v",
    "C2h",
    "C3h",
    "S2",
    "S4",
    "S6",
    "D1",
    "D2",
    "D3",
    "D7",
    "D2v",
    "D3v",
    "D2h",
    "D3h",
    "T",
    "Td",
    "Th",
    "O",
    "Oh",
    "I",
    "I1",
    "I2",
    "I3",
    "I4",
    "IH",
    "I1H",
    "I2H",
    "I3H",
    "I4H",
]


def run_relion(directory: Path, *arguments: str) -> str:
    done = subprocess.run(arguments, cwd=directory, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ours(directory: Path, name: str, *arguments: str) -> None:
    program(name).from_flags(arguments).run(PlainContext(directory, quiet=True))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, relion: Path) -> Path:
    """A map, and 300 noisy particles of it with CTF, made by relion_project."""
    directory = tmp_path_factory.mktemp("maps")
    write_map(directory / "map.mrc", Blobs(N, width=1.6).map() * 10, pixel_size=PIXEL)
    rng = np.random.default_rng(0)
    count = 300
    rot, tilt, psi = random_euler(rng, count)
    defocus = rng.uniform(8000, 20000, count)
    optics = {
        "rlnOpticsGroupName": ["opticsGroup1"], "rlnOpticsGroup": [1], "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1], "rlnImagePixelSize": [PIXEL], "rlnImageSize": [N],
        "rlnImageDimensionality": [2],
    }  # fmt: skip
    rows = {
        "rlnImageName": [f"{i + 1:06d}@none.mrcs" for i in range(count)], "rlnOpticsGroup": np.ones(count, int),
        "rlnDefocusU": defocus, "rlnDefocusV": defocus + 300, "rlnDefocusAngle": rng.uniform(0, 180, count),
        "rlnAngleRot": rot, "rlnAngleTilt": tilt, "rlnAnglePsi": psi, "rlnOriginXAngst": rng.normal(0, 6, count),
        "rlnOriginYAngst": rng.normal(0, 6, count), "rlnRandomSubset": 1 + np.arange(count) % 2,
    }  # fmt: skip
    write_particles(directory / "poses.star", Particles(Table(optics, "optics"), Table(rows, "particles")))
    ours(directory, "project", "--i", "map.mrc", "--o", "images", "--ang", "poses.star", "--ctf", "--add_noise",
         "--white_noise", "20")  # fmt: skip
    return directory


# --- symmetry and sampling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GROUPS)
def test_operations_are_relions(name: str, relion: Path) -> None:
    printed = subprocess.run(
        ["relion_refine", "--print_symmetry_ops", "--sym", name], capture_output=True, text=True, timeout=60
    ).stdout
    blocks = re.findall(r"^ R\(\d+\)=\s*\n((?:[^\n]*\n){3})", printed, re.MULTILINE)
    theirs = np.array([[[float(x) for x in line.split()] for line in block.splitlines()] for block in blocks])
    apart = np.abs(theirs[:, None] - point_group(name).operations[None]).max(axis=(2, 3))
    assert apart.shape[0] == apart.shape[1]
    assert apart.min(axis=0).max() < 2e-5
    assert apart.min(axis=1).max() < 2e-5


@pytest.mark.parametrize("name", ["C1", "C3", "D2", "D7", "T", "O", "I1", "I3"])
def test_directions_and_poses_are_on_relions_grid(name: str, data: Path, tmp_path: Path) -> None:
    few = read_particles(data / "images.star").rows(np.arange(3))
    few = few.with_columns(
        rlnMicrographName="one.mrc", rlnImageName=[f"{i + 1:06d}@{data}/images.mrcs" for i in range(3)]
    )
    write_particles(tmp_path / "few.star", few)
    (tmp_path / "out").mkdir()
    for order in (2, 3):
        run_relion(tmp_path, "relion_refine", "--i", "few.star", "--ref", str(data / "map.mrc"), "--ini_high", "40", "--iter",
               "1", "--healpix_order", str(order), "--sym", name, "--K", "1", "--o", "out/run", "--oversampling", "1",
               "--particle_diameter", "110", "--ctf", "--offset_range", "1", "--offset_step", "2")  # fmt: skip
        tables = read_star(tmp_path / "out" / "run_it001_sampling.star")
        grid = sampling(order, group=name)
        directions = tables["sampling_directions"]
        np.testing.assert_allclose(grid.rot, directions["rlnAngleRot"], atol=1e-4)
        np.testing.assert_allclose(grid.tilt, directions["rlnAngleTilt"], atol=1e-4)
        general = tables["sampling_general"]
        assert general.value("rlnPsiStep") == pytest.approx(grid.psi_step)
        used = read_sampling(tables).orientations
        written = sampling_tables(read_sampling(tables))
        assert set(written[0].labels) == set(general.labels)
        found = read_star(tmp_path / "out" / "run_it001_data.star")["particles"]
        poses = matrix_from_euler(*(found[f"rlnAngle{angle}"] for angle in ("Rot", "Tilt", "Psi")))
        fine = used.oversampled(
            np.repeat(np.arange(len(used)), used.n_psi), np.tile(np.arange(used.n_psi), len(used)), 1
        )
        for pose in poses:
            assert angle_between(fine, pose).min() < 0.01


# --- reconstruct ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "least"),
    [
        (["--ctf"], 0.998),
        (["--ctf", "--sym", "D2"], 0.998),
        (["--ctf", "--subset", "1", "--maxres", "9.5"], 0.96),
        ([], 0.998),
        (["--ctf", "--only_flip_phases"], 0.998),
        (["--ctf", "--ctf_intact_first_peak"], 0.998),
        (["--ctf", "--pad", "1"], 0.8),
        (["--ctf", "--angpix", "3.6"], 0.995),
    ],
    ids=str,
)
def test_reconstruction_is_relions(flags: list[str], least: float, data: Path, tmp_path: Path) -> None:
    for name in ("images.star", "images.mrcs"):
        (tmp_path / name).symlink_to(data / name)
    run_relion(tmp_path, "relion_reconstruct", "--i", "images.star", "--o", "relion.mrc", *flags)
    ours(tmp_path, "reconstruct", "--i", "images.star", "--o", "ours.mrc", *flags)
    (one, size), (two, their_size) = read_map(tmp_path / "ours.mrc"), read_map(tmp_path / "relion.mrc")
    assert size == pytest.approx(their_size)
    finest = int(N * PIXEL / 9.5) if "--maxres" in flags else N // 2
    # near Nyquist 300 particles leave gaps, which each program fills in its way
    assert shell_correlation(one, two)[1 : finest * 3 // 4].min() > least
    power = [np.abs(rfft3_centred(map_)[radial_index(N, 3) == 5]) ** 2 for map_ in (one, two)]
    # RELION leaves the transforms as they are; divided by the map's field instead of the images', grey values stay right
    field = (3.6 / PIXEL) ** 4 if "--angpix" in flags else 1
    assert field * power[0].sum() / power[1].sum() == pytest.approx(1, abs=0.05)
    if flags in (["--ctf"], ["--ctf", "--pad", "1"]):
        truth = read_map(data / "map.mrc")[0]
        good, theirs = shell_correlation(one, truth), shell_correlation(two, truth)
        assert (good[1 : N // 2 - 2] > theirs[1 : N // 2 - 2] - 0.01).all()


def test_an_fsc_damps_as_in_relion(data: Path, tmp_path: Path) -> None:
    for name in ("images.star", "images.mrcs"):
        (tmp_path / name).symlink_to(data / name)
    shells = np.arange(N // 2 + 1)
    fsc = np.clip(1.1 - shells / 18, 0.01, 0.98)
    columns = {"rlnSpectralIndex": shells, "rlnResolution": shells / (N * PIXEL)}
    columns |= {
        "rlnFourierShellCorrelationCorrected": fsc,
        "rlnFourierShellCorrelation": fsc,
        "rlnGoldStandardFsc": fsc,
    }
    write_star(tmp_path / "fsc.star", [Table(columns, "fsc")])
    run_relion(tmp_path, "relion_reconstruct", "--i", "images.star", "--o", "relion.mrc", "--ctf", "--fsc", "fsc.star")
    ours(tmp_path, "reconstruct", "--i", "images.star", "--o", "ours.mrc", "--ctf", "--fsc", "fsc.star")
    one, two = (np.abs(rfft3_centred(read_map(tmp_path / f"{who}.mrc")[0])) for who in ("ours", "relion"))
    for shell in (2, 6, 10, 14):
        inside = radial_index(N, 3) == shell
        assert np.linalg.norm(one[inside]) / np.linalg.norm(two[inside]) == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize(
    "columns",
    [
        {"rlnBeamTiltX": 2500.0, "rlnBeamTiltY": -1000.0},
        {"rlnOddZernike": "[3,-2,400,-900,500,300]"},
        {"rlnEvenZernike": "[0.3,60,-40,50,900,-500,2000,300,700]"},
        {"rlnMagMat00": 1.02, "rlnMagMat01": 0.01, "rlnMagMat10": -0.005, "rlnMagMat11": 0.97},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_aberrations_are_corrected_as_relion_does(columns: dict[str, object], data: Path, tmp_path: Path) -> None:
    """Of aberrations that the images do not have: the maps get worse, in the same way."""
    table = read_particles(data / "images.star")
    optics = table.optics.with_columns({label: [value] for label, value in columns.items()})
    write_particles(tmp_path / "images.star", Particles(optics, table.particles))
    (tmp_path / "images.mrcs").symlink_to(data / "images.mrcs")
    run_relion(tmp_path, "relion_reconstruct", "--i", "images.star", "--o", "relion.mrc", "--ctf")
    ours(tmp_path, "reconstruct", "--i", "images.star", "--o", "ours.mrc", "--ctf")
    one, two = (read_map(tmp_path / f"{name}.mrc")[0] for name in ("ours", "relion"))
    assert shell_correlation(one, two)[1 : N * 3 // 8].min() > 0.99
    if "rlnEvenZernike" not in columns:
        assert shell_correlation(one, read_map(data / "map.mrc")[0])[N // 4 : N * 3 // 8].max() < 0.95


# --- project, expand, hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [["--ctf"], [], ["--ctf", "--ctf_phase_flip"], ["--maxres", "12.5"]], ids=str)
def test_projections_are_relions(flags: list[str], data: Path, tmp_path: Path) -> None:
    for name in ("map.mrc", "poses.star"):
        (tmp_path / name).symlink_to(data / name)
    run_relion(tmp_path, "relion_project", "--i", "map.mrc", "--o", "relion", "--ang", "poses.star", *flags)
    ours(tmp_path, "project", "--i", "map.mrc", "--o", "ours", "--ang", "poses.star", *flags)
    one, two = read_stack(tmp_path / "ours.mrcs"), read_stack(tmp_path / "relion.mrcs")
    np.testing.assert_allclose(one, two, atol=0.04 * two.std())
    mine, theirs = (read_star(tmp_path / f"{name}.star")["particles"] for name in ("ours", "relion"))
    assert set(mine.labels) == set(theirs.labels)


def test_projections_with_aberrations_are_relions(data: Path, tmp_path: Path) -> None:
    (tmp_path / "map.mrc").symlink_to(data / "map.mrc")
    table = read_particles(data / "poses.star").rows(np.arange(20))
    columns = {"rlnMagMat00": 1.02, "rlnMagMat01": 0.01, "rlnMagMat10": -0.005, "rlnMagMat11": 0.97}
    columns |= {"rlnBeamTiltX": 2500.0, "rlnBeamTiltY": 100.0}
    optics = table.optics.with_columns({label: [value] for label, value in columns.items()})
    optics = optics.with_columns(rlnEvenZernike=["[0.3,60,-40,50]"])
    write_particles(tmp_path / "poses.star", Particles(optics, table.particles))
    run_relion(tmp_path, "relion_project", "--i", "map.mrc", "--o", "relion", "--ang", "poses.star", "--ctf")
    ours(tmp_path, "project", "--i", "map.mrc", "--o", "ours", "--ang", "poses.star", "--ctf")
    one, two = read_stack(tmp_path / "ours.mrcs"), read_stack(tmp_path / "relion.mrcs")
    np.testing.assert_allclose(one, two, atol=0.04 * two.std())


@pytest.mark.parametrize("name", ["D2", "T", "I3"])
def test_expanded_particles_are_relions(name: str, data: Path, tmp_path: Path) -> None:
    write_particles(tmp_path / "few.star", read_particles(data / "images.star").rows(np.arange(4)))
    run_relion(tmp_path, "relion_particle_symmetry_expand", "--i", "few.star", "--o", "relion.star", "--sym", name)
    ours(tmp_path, "particle_symmetry_expand", "--i", "few.star", "--o", "ours.star", "--sym", name)
    one, two = (read_star(tmp_path / f"{who}.star")["particles"] for who in ("ours", "relion"))
    order = point_group(name).order
    assert len(one) == len(two) == 4 * order
    assert one["rlnImageName"].tolist() == two["rlnImageName"].tolist()
    mine, theirs = (
        matrix_from_euler(*(t[f"rlnAngle{angle}"] for angle in ("Rot", "Tilt", "Psi"))).reshape(4, order, 3, 3)
        for t in (one, two)
    )
    assert angle_between(mine[:, :, None], theirs[:, None]).min(axis=2).max() < 0.01


def test_the_hand_is_changed_as_relion_does(tmp_path: Path, relion: Path) -> None:
    write_map(tmp_path / "map.mrc", Blobs(32).map(), pixel_size=2.0)
    subprocess.run(["relion_image_handler", "--i", "map.mrc", "--o", "relion.mrc", "--invert_hand"], cwd=tmp_path, check=True,
                   capture_output=True, timeout=60)  # fmt: skip
    ours(tmp_path, "flip_hand", "--i", "map.mrc")
    np.testing.assert_array_equal(read_map(tmp_path / "map_flipped.mrc")[0], read_map(tmp_path / "relion.mrc")[0])


def test_spacing_is_counted_as_relion_does() -> None:
    assert [healpix.spacing(order) for order in range(4)] == [60, 30, 15, 7.5]
