"""RELION reads what the simulator writes, and turns movies, gains and EER events as we do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile

from relionlab.io.gain import read_defects, read_gain
from relionlab.io.images import read_image, write_image, write_stack
from relionlab.io.movies import open_movie
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.simulation import SimulatedMovies, exposures, simulate_movies
from tests.io.eer_files import write_eer

pytestmark = pytest.mark.relion


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> SimulatedMovies:
    """One movie that is not square, its gain turned."""
    conditions = exposures(
        "tiny", count=1, size=(448, 320), frames=4, dose=20.0, particles=6, gain_rotation=1, gain_flip=1, hot_pixels=10
    )
    return simulate_movies(tmp_path_factory.mktemp("movies"), None, conditions)


def motioncorr(relion: Path, directory: Path, star: Path, *options: str) -> Path:
    """Run RELION's motion correction and return the directory of its output."""
    command = [relion / "relion_run_motioncorr", "--i", star.name, "--o", "out/", "--use_own", *options]
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-500:] + result.stderr[-1500:]
    return directory / "out" / "Movies"


@pytest.mark.parametrize("compression", ["lzw", "deflate"])
@pytest.mark.parametrize(("rotation", "flip"), [(1, 1), (3, 2)])
def test_relions_sum_is_ours(relion: Path, tmp_path: Path, compression: str, rotation: int, flip: int) -> None:
    """Without alignment RELION's sum is that of our frames times our gain; (3, 2) turns the gain wrongly, but alike."""
    made = simulate_movies(
        tmp_path,
        None,
        exposures(
            "tiny", count=1, size=(320, 256), frames=4, dose=20.0, particles=3, gain_rotation=1, compression=compression
        ),
    )
    gain = ["--gainref", "gain.mrc", "--gain_rot", str(rotation), "--gain_flip", str(flip)]
    out = motioncorr(relion, tmp_path, made.star, *gain, "--skip_defect", "--max_iter", "0")
    with open_movie(made.images[0]) as movie:
        expected = movie.read_sum() * read_gain(made.gain, rotation=rotation, flip=flip)
    np.testing.assert_allclose(read_image(out / "mov001.mrc"), expected, rtol=1e-4, atol=1e-3)


def test_relion_aligns_simulated_movies(relion: Path, movies: SimulatedMovies) -> None:
    """Its shifts have the truth's sign and size; the defects that it marks lie where ours do."""
    gain = ["--gainref", "gain.mrc", "--gain_rot", "1", "--gain_flip", "1", "--defect_file", "defects.txt"]
    out = motioncorr(relion, movies.star.parent, movies.star, *gain, "--bfactor", "20")
    found, truth = read_star(out / "mov001.star"), read_star(movies.motions[0])
    for axis in "XY":
        label = f"rlnMicrographShift{axis}"
        moved = found["global_shift"][label] - found["global_shift"][label][0]
        np.testing.assert_allclose(moved, truth["global_shift"][label], atol=0.5)
    hot = {(x, y) for x, y in zip(*(truth_hot(movies)[f"rlnCoordinate{axis}"] for axis in "XY"), strict=True)}
    marked = {(x, y) for x, y in zip(*(found["hot_pixels"][f"rlnCoordinate{axis}"] for axis in "XY"), strict=True)}
    assert hot <= marked
    corrected = read_image(out / "mov001.mrc")
    dead = read_defects(movies.defects, corrected.shape)
    assert abs(corrected[dead].mean() / corrected[~dead].mean() - 1) < 0.1


def truth_hot(movies: SimulatedMovies):
    return read_star(movies.detector)["hot_pixels"]


def test_relion_reads_every_frame(relion: Path, movies: SimulatedMovies) -> None:
    command = [relion / "relion_image_handler", "--i", movies.images[0], "--stats"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    means = [float(text) for text in re.findall(r"avg= (\S+)", result.stdout)]
    with open_movie(movies.images[0]) as movie:
        assert f"= {movie.shape[1]} x {movie.shape[0]} x 1" in result.stdout
        np.testing.assert_allclose(means, [movie.read(index).mean() for index in range(len(means))], rtol=1e-4)
        assert means


def test_mrc_and_tiff_gains_and_defects_lie_alike(relion: Path, movies: SimulatedMovies, tmp_path: Path) -> None:
    """A gain in TIFF and a movie in MRC: RELION's sum is ours again."""
    with open_movie(movies.images[0]) as movie:
        frames = np.stack([movie.read(index) for index in range(movie.frames)])
    (tmp_path / "Movies").mkdir()
    write_stack(tmp_path / "Movies" / "mov001.mrcs", frames, pixel_size=3.0)
    gain = read_image(movies.gain)
    tifffile.imwrite(tmp_path / "gain.tif", gain[::-1].copy())
    given = read_particles(movies.star, kind="movies").with_columns(rlnMicrographMovieName="Movies/mov001.mrcs")
    write_particles(tmp_path / "movies.star", given)
    options = ["--gainref", "gain.tif", "--gain_rot", "1", "--gain_flip", "1", "--skip_defect", "--max_iter", "0"]
    out = motioncorr(relion, tmp_path, tmp_path / "movies.star", *options)
    expected = frames.sum(axis=0) * read_gain(tmp_path / "gain.tif", rotation=1, flip=1)
    np.testing.assert_allclose(read_image(out / "mov001.mrc"), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("compression", [65000, 65001])
@pytest.mark.parametrize("upsampling", [1, 2])
def test_eer_events_are_relions(relion: Path, tmp_path: Path, compression: int, upsampling: int) -> None:
    """RELION 3.1 reads EER of 4096² px only."""
    rng = np.random.default_rng(6)
    places = [np.unique(rng.integers(0, 4096**2, 300)) for _ in range(4)]
    frames = [np.column_stack([where, *rng.integers(0, 4, (2, len(where)))]) for where in places]
    write_eer(tmp_path / "m.eer", frames, (4096, 4096), compression=compression)
    command = [relion / "relion_convert_to_tiff", "--i", "m.eer", "--o", "out/", "--eer_grouping", "2"]
    command += ["--eer_upsampling", str(upsampling)]
    (tmp_path / "out").mkdir()
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    ours = open_movie(tmp_path / "m.eer", eer_grouping=2, eer_upsampling=upsampling)
    with ours, open_movie(tmp_path / "out" / "m.tif") as theirs:
        assert (ours.frames, ours.shape) == (theirs.frames, theirs.shape)
        np.testing.assert_array_equal(ours.read(1), theirs.read(1))


@pytest.mark.parametrize("ending", ["mrc", "tif", "gain"])
@pytest.mark.full
def test_gain_of_eer_divides_as_relions(relion: Path, tmp_path: Path, ending: str) -> None:
    """In MRC and TIFF a sensitivity by which RELION divides; EPU's .gain multiplies and is not turned."""
    rng = np.random.default_rng(6)
    sensitivity = rng.uniform(0.8, 1.2, (4096, 4096)).astype(np.float32)
    sensitivity[7, 9] = 0
    (tmp_path / "Movies").mkdir()
    if ending == "mrc":
        write_image(tmp_path / "g.mrc", sensitivity, pixel_size=1.0)
    else:
        tifffile.imwrite(tmp_path / f"g.{ending}", sensitivity)
    places = [np.sort(rng.choice(4096**2, 20000, replace=False)) for _ in range(6)]
    frames = [np.stack([place, 0 * place, 0 * place], axis=1) for place in places]
    write_eer(tmp_path / "Movies" / "m.eer", frames, (4096, 4096))
    from relionlab.io.particles import Particles
    from relionlab.io.table import Table

    optics = Table(
        {
            "rlnOpticsGroupName": ["opticsGroup1"],
            "rlnOpticsGroup": [1],
            "rlnMicrographOriginalPixelSize": [1.0],
            "rlnVoltage": [300.0],
            "rlnSphericalAberration": [2.7],
            "rlnAmplitudeContrast": [0.1],
        },
        name="optics",
    )
    rows = Table({"rlnMicrographMovieName": ["Movies/m.eer"], "rlnOpticsGroup": [1]}, name="movies")
    write_particles(tmp_path / "movies.star", Particles(optics, rows, "movies"))
    options = ["--gainref", f"g.{ending}", "--eer_grouping", "2", "--skip_defect", "--max_iter", "0"]
    out = motioncorr(relion, tmp_path, tmp_path / "movies.star", *options)
    with open_movie(tmp_path / "Movies" / "m.eer", eer_grouping=2) as movie:
        expected = movie.read_sum() * read_gain(tmp_path / f"g.{ending}", for_eer=True)
    np.testing.assert_allclose(read_image(out / "m.mrc"), expected, rtol=1e-3, atol=2e-3)
