"""Reconstruction's programs: what they make, whatever the workers, and what they say of bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.maps.alterations import symmetrised
from relionlab.engine.masks import radius_grid
from relionlab.engine.projection import Projector, project
from relionlab.engine.rotations import euler_from_matrix, matrix_from_euler, random_euler
from relionlab.engine.symmetry import point_group
from relionlab.errors import ImageError, NodeError, ParameterError, StarError
from relionlab.io.images import read_map, read_stack, write_map, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from relionlab.jobs.reconstruction.flip_hand import group_after, mirrored_map, mirrored_poses
from relionlab.jobs.registry import program
from relionlab.settings import Settings
from tests.engine.volume_cases import Blobs, shell_correlation

N, PIXEL, COUNT = 24, 4.0, 120


def run(directory: Path, name: str, *flags: str, settings: Settings | None = None) -> PlainContext:
    context = PlainContext(directory, settings or Settings(executor="inline"), quiet=True)
    program(name).from_flags(flags).run(context)
    return context


def particles(directory: Path) -> Particles:
    return read_particles(directory / "particles.star")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A map, its projections in two optics groups of different pixel size, and their poses."""
    rng = np.random.default_rng(0)
    map_ = Blobs(N).map()
    angles = random_euler(rng, COUNT)
    images = Projector.of_map(map_, padding=3).images(matrix_from_euler(*angles))
    write_map(tmp_path / "map.mrc", map_, pixel_size=PIXEL)
    write_stack(tmp_path / "images.mrcs", images, pixel_size=PIXEL)
    optics = {
        "rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1], "rlnImagePixelSize": [PIXEL], "rlnImageSize": [N], "rlnImageDimensionality": [2],
    }  # fmt: skip
    rows = {
        "rlnImageName": [f"{i + 1:06d}@images.mrcs" for i in range(COUNT)], "rlnOpticsGroup": np.ones(COUNT, int),
        "rlnAngleRot": angles[0], "rlnAngleTilt": angles[1], "rlnAnglePsi": angles[2],
        "rlnRandomSubset": 1 + np.arange(COUNT) % 2,
    }  # fmt: skip
    write_particles(tmp_path / "particles.star", Particles(Table(optics, "optics"), Table(rows, "particles")))
    return tmp_path


def test_the_map_comes_back_and_its_header_is_right(data: Path) -> None:
    run(data, "reconstruct", "--i", "particles.star", "--o", "maps/out.mrc")
    map_, pixel_size = read_map(data / "maps" / "out.mrc")
    assert pixel_size == pytest.approx(PIXEL)
    assert shell_correlation(map_, read_map(data / "map.mrc")[0])[: N // 2 - 2].min() > 0.97


def test_results_do_not_depend_on_workers(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relionlab.jobs.reconstruction.reconstruct._INLINE_BELOW", 0)
    monkeypatch.setattr("relionlab.jobs.reconstruction.reconstruct._SAMPLES_PER_POINT", 0.1)
    made = []
    for workers in (1, 2):
        settings = Settings(workers=workers, particles_per_shard=40, memory_gigabytes=4)
        run(data, "reconstruct", "--i", "particles.star", "--o", f"{workers}.mrc", settings=settings)
        made.append(read_map(data / f"{workers}.mrc")[0])
    np.testing.assert_array_equal(made[0], made[1])


def test_optics_groups_of_two_pixel_sizes_go_into_one_map(data: Path) -> None:
    from relionlab.engine.fourier import resize

    table = particles(data)
    fine = resize(read_stack(data / "images.mrcs")[60:], 36)
    write_stack(data / "fine.mrcs", fine, pixel_size=PIXEL * N / 36)
    optics = {label: np.repeat(table.optics[label], 2) for label in table.optics.labels}
    optics |= {"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["a", "b"], "rlnImageSize": [N, 36]}
    optics |= {"rlnImagePixelSize": [PIXEL, PIXEL * N / 36]}
    names = table.particles["rlnImageName"].copy()
    names[60:] = [f"{i + 1:06d}@fine.mrcs" for i in range(60)]
    rows = table.particles.with_columns(rlnImageName=names, rlnOpticsGroup=1 + (np.arange(COUNT) >= 60))
    write_particles(data / "two.star", Particles(Table(optics, "optics"), rows))
    run(data, "reconstruct", "--i", "two.star", "--o", "two.mrc")
    run(data, "reconstruct", "--i", "particles.star", "--o", "one.mrc")
    one, two = (read_map(data / f"{name}.mrc")[0] for name in ("one", "two"))
    assert shell_correlation(one, two)[: N // 2 - 1].min() > 0.999
    assert np.sum(one * two) / np.sum(one**2) == pytest.approx(1, abs=0.01)


def test_images_that_hold_nan_are_named_and_left_out(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = read_stack(data / "images.mrcs")
    images[4, 3, 3] = np.nan
    write_stack(data / "images.mrcs", images, pixel_size=PIXEL)
    run(data, "reconstruct", "--i", "particles.star", "--o", "out.mrc")
    assert "000005@images.mrcs" in capsys.readouterr().err
    assert np.isfinite(read_map(data / "out.mrc")[0]).all()


@pytest.mark.parametrize(
    ("flags", "error", "said"),
    [
        (["--i", "lost.star"], NodeError, "lost.star is not there"),
        (["--ctf"], StarError, "no CTF columns"),
        (["--class", "2"], StarError, "rlnClassNumber"),
        (["--ewald"], ParameterError, "Ewald-sphere curvature is not corrected"),
        (["--refdim", "2"], ParameterError, "only 3D maps"),
        (["--nr_helical_asu", "3"], ParameterError, "helices"),
        (["--sym", "D0"], ParameterError, "not a point group"),
        (["--fom_weighting"], StarError, "rlnParticleFigureOfMerit"),
        (["--fsc", "particles.star"], StarError, "rlnFourierShellCorrelation"),
        (["--subtract", "small.mrc"], ImageError, "expected a cube of 24 px"),
    ],
)
def test_bad_input_is_told_in_words(data: Path, flags: list[str], error: type[Exception], said: str) -> None:
    write_map(data / "small.mrc", np.zeros((8, 8, 8)), pixel_size=PIXEL)
    given = flags if "--i" in flags else ["--i", "particles.star", *flags]
    with pytest.raises(error, match=said):
        run(data, "reconstruct", *given, "--o", "out.mrc")


def test_particles_without_angles_are_told(data: Path) -> None:
    table = particles(data)
    kept = [label for label in table.particles.labels if label != "rlnAngleTilt"]
    bare = Particles(table.optics, Table({label: table.particles[label] for label in kept}, "particles"))
    write_particles(data / "bare.star", bare)
    with pytest.raises(StarError, match="rlnAngleTilt"):
        run(data, "reconstruct", "--i", "bare.star")


def test_a_map_subtracted_from_its_own_images_leaves_nothing(data: Path) -> None:
    run(data, "reconstruct", "--i", "particles.star", "--o", "rest.mrc", "--subtract", "map.mrc")
    rest, whole = read_map(data / "rest.mrc")[0], read_map(data / "map.mrc")[0]
    assert rest.std() < 0.1 * whole.std()


def test_the_other_hand_gives_the_same_images(data: Path) -> None:
    map_, poses = read_map(data / "map.mrc")[0], matrix_from_euler(*random_euler(np.random.default_rng(3), 5))
    before = Projector.of_map(map_, padding=3).images(poses)
    after = Projector.of_map(mirrored_map(map_), padding=3).images(mirrored_poses(poses))
    np.testing.assert_allclose(after, before, atol=1e-3 * before.max())
    np.testing.assert_array_equal(mirrored_map(mirrored_map(map_)), map_)


@pytest.mark.parametrize("name", ["C1", "C3", "D2", "O", "I", "I3"])
def test_the_other_hand_keeps_images_and_group_exactly(name: str) -> None:
    """Of a map that ends before the rim, whose first section has no partner in an even box."""
    rng = np.random.default_rng(5)
    map_ = rng.normal(size=(N, N, N)) * (radius_grid(N, 3) < N // 2 - 1)
    poses, shifts = matrix_from_euler(*random_euler(rng, 8)), rng.normal(0, 2, (8, 2))
    other = matrix_from_euler(*euler_from_matrix(mirrored_poses(poses)))
    before, after = project(map_, poses, shifts=shifts), project(mirrored_map(map_), other, shifts=shifts)
    np.testing.assert_allclose(after, before, atol=1e-6 * before.max())
    group, mirrored = (point_group(one) for one in (name, group_after(name)))
    equivalent = mirrored.equivalent_poses(mirrored_poses(poses))
    expected = mirrored_poses(group.equivalent_poses(poses).reshape(-1, 3, 3)).reshape(equivalent.shape)
    apart = np.abs(equivalent[:, :, None] - expected[:, None]).max(axis=(3, 4)).min(axis=2)
    assert apart.max() < 1e-6


def test_maps_and_poses_change_hands_together(data: Path) -> None:
    run(data, "flip_hand", "--i", "map.mrc,particles.star", "--odir", "other")
    run(data, "reconstruct", "--i", "other/particles_flipped.star", "--o", "out.mrc")
    turned = read_map(data / "other" / "map_flipped.mrc")[0]
    assert shell_correlation(read_map(data / "out.mrc")[0], turned)[: N // 2 - 2].min() > 0.97
    with pytest.raises(ParameterError, match="written over"):
        run(data, "flip_hand", "--i", "map.mrc", "--suffix", "")


def test_images_keep_their_hand(data: Path) -> None:
    write_stack(data / "images.mrcs", np.zeros((3, N, N), np.float32), pixel_size=1.0)
    with pytest.raises(ImageError, match=r"images\.mrcs is 3 × .*expected a map.*\.star"):
        run(data, "flip_hand", "--i", "images.mrcs")


def test_projections_can_be_random_noisy_or_subtracted(data: Path) -> None:
    run(data, "project", "--i", "map.mrc", "--o", "random", "--nr_uniform", "7")
    assert read_stack(data / "random.mrcs").shape == (7, N, N)
    assert len(read_particles(data / "random.star")) == 7
    run(data, "project", "--i", "map.mrc", "--o", "left", "--ang", "particles.star", "--subtract_exp")
    assert read_stack(data / "left.mrcs").std() < 0.1 * read_stack(data / "images.mrcs").std()
    run(
        data,
        "project",
        "--i",
        "map.mrc",
        "--o",
        "noisy",
        "--ang",
        "particles.star",
        "--add_noise",
        "--white_noise",
        "2",
    )
    noise = read_stack(data / "noisy.mrcs") - read_stack(data / "images.mrcs")
    assert noise.std() == pytest.approx(2, rel=0.05)
    with pytest.raises(ParameterError, match="--white_noise"):
        run(data, "project", "--i", "map.mrc", "--add_noise")


def test_expansion_lists_every_copy_once(data: Path) -> None:
    run(data, "particle_symmetry_expand", "--i", "particles.star", "--o", "more.star", "--sym", "O")
    more = read_particles(data / "more.star")
    assert len(more) == 24 * COUNT
    np.testing.assert_array_equal(more.particles["rlnAngleRot"][::24], particles(data).particles["rlnAngleRot"])
    with pytest.raises(ParameterError, match="helices"):
        run(data, "particle_symmetry_expand", "--i", "particles.star", "--helix")


def test_a_map_without_symmetry_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(data, "align_symmetry", "--i", "map.mrc", "--o", "turned.mrc", "--sym", "D2", "--keep_centre")
    assert "hardly has the symmetry D2" in capsys.readouterr().err
    assert read_map(data / "turned.mrc")[0].shape == (N, N, N)


@pytest.fixture
def model(data: Path) -> Path:
    """A model of two classes: the smaller has D2 symmetry and the finer map, the larger has none."""
    assembly = symmetrised(Blobs(N).map(), point_group("D2").operations)
    write_map(data / "symmetric.mrc", assembly, pixel_size=PIXEL)
    classes = {
        "rlnReferenceImage": ["map.mrc", "symmetric.mrc"],
        "rlnClassDistribution": [0.7, 0.3],
        "rlnEstimatedResolution": [20.0, 12.0],
    }
    write_star(data / "run_it010_model.star", [Table(classes, "model_classes")])
    return data


def aligned(directory: Path, *flags: str, sym: str = "D2") -> np.ndarray:
    run(directory, "align_symmetry", "--i", "run_it010_model.star", "--o", "initial_model.mrc", "--sym", sym, *flags)
    return read_map(directory / "initial_model.mrc")[0]


def test_the_class_of_a_model_is_chosen(model: Path) -> None:
    first, second = (read_map(model / name)[0] for name in ("map.mrc", "symmetric.mrc"))
    np.testing.assert_array_equal(aligned(model, "--select_largest_class", sym="C1"), first)
    np.testing.assert_array_equal(aligned(model, "--select_highest_resol", sym="C1"), second)
    best = aligned(model, "--keep_centre")
    assert shell_correlation(best, symmetrised(best, point_group("D2").operations))[2:6].min() > 0.95
    with pytest.raises(ParameterError, match="does not tell which to take"):
        aligned(model, sym="C1")
    with pytest.raises(ParameterError, match="exclude each other"):
        aligned(model, "--select_largest_class", "--select_highest_resol")


def test_the_symmetry_is_imposed_on_demand(model: Path) -> None:
    def alike(map_: np.ndarray) -> float:
        return float(shell_correlation(map_, symmetrised(map_, point_group("D2").operations))[2:6].min())

    plain = aligned(model, "--select_largest_class")
    imposed = aligned(model, "--select_largest_class", "--apply_sym")
    assert alike(imposed) > 0.9 > alike(plain)


def test_models_without_maps_are_refused(model: Path) -> None:
    write_star(model / "run_it010_model.star", [Table({"rlnReferenceImage": ["1@classes.mrcs"]}, "model_classes")])
    with pytest.raises(StarError, match="2D classification"):
        aligned(model)
    write_star(model / "run_it010_model.star", [Table({"rlnReferenceImage": ["map.mrc", "map.mrc"]}, "model_classes")])
    with pytest.raises(StarError, match="rlnClassDistribution"):
        aligned(model, "--select_largest_class")
    write_star(model / "run_it010_model.star", [Table({"rlnX": [1.0]}, "others")])
    with pytest.raises(StarError, match="model_classes"):
        aligned(model)
    with pytest.raises(NodeError, match="is not there"):
        run(model, "align_symmetry", "--i", "missing_model.star", "--sym", "D2")
