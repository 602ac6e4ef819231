"""Simulated micrographs and movies: they obey the truth that is written beside them, and their seed."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import scipy.stats

from relionlab.cli import main
from relionlab.engine.ctf import ctf, ctf_images
from relionlab.engine.damage import critical_dose, mean_amplitude, remaining_amplitude
from relionlab.engine.fourier import irfft2_centred, rfft2_centred
from relionlab.engine.gain import find_hot_pixels, find_orientation
from relionlab.engine.motion.frames import stand_ins
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import matrix_from_euler
from relionlab.errors import InputError
from relionlab.io.gain import oriented, read_defects, read_gain
from relionlab.io.images import read_image, read_map
from relionlab.io.movies import open_movie
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star
from relionlab.simulation import Exposures, SimulatedMovies, exposures, simulate_micrographs, simulate_movies
from relionlab.simulation.counting import GRID, count_frame, spline_divisor
from relionlab.simulation.exposures import meanings
from relionlab.simulation.motion import draw_motion
from relionlab.simulation.movies import motion_of

TINY = exposures("tiny", count=1, seed=3)


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> SimulatedMovies:
    """One movie with many defects, its gain turned."""
    directory = tmp_path_factory.mktemp("movies")
    conditions = replace(TINY, defects=30, hot_pixels=25, gain_rotation=1, gain_flip=2)
    return simulate_movies(directory / "Sim", None, conditions, project=directory, workers=1)


@pytest.fixture(scope="module")
def corrected(movies: SimulatedMovies) -> np.ndarray:
    """The frames, gain-corrected and mended, (frames, y, x)."""
    gain = read_gain(movies.gain, rotation=1, flip=2)
    with open_movie(movies.images[0]) as movie:
        frames = np.stack([movie.read(index) for index in range(movie.frames)]) * gain
    bad = find_hot_pixels(frames.sum(axis=0))
    near = stand_ins(bad, len(frames), np.random.default_rng(1))
    for frame, good in zip(frames, near.T, strict=True):
        frame[bad] = frame.ravel()[good]
    return frames


# --- what is written ---


def test_tables_tell_what_there_is(movies: SimulatedMovies) -> None:
    project = movies.star.parent.parent
    listed = read_particles(movies.star, kind="movies")
    assert [project / name for name in listed.particles["rlnMicrographMovieName"]] == list(movies.images)
    truth = read_particles(movies.micrographs, kind="micrographs").particles
    particles = read_particles(movies.particles).particles
    assert truth["rlnMicrographName"].tolist() == ["Sim/Movies/mov001.mrc"]
    assert truth.numbers("relionlabParticles")[0] == len(particles) > 15
    mean = (particles["rlnDefocusU"] + particles["rlnDefocusV"]).mean() / 2
    assert abs(truth.numbers("relionlabMeanParticleDefocus")[0] - mean) < 0.1
    assert np.ptp(particles["rlnDefocusU"]) > 50  # heights differ
    places = np.stack([particles["rlnCoordinateX"], particles["rlnCoordinateY"]], axis=1)
    near = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) + 1e9 * np.eye(len(places))
    assert near.min() >= movies.diameter / TINY.pixel_size - 0.01
    motion = read_star(movies.motions[0])
    assert list(motion) == ["general", "global_shift", "local_shift", "tracks"]
    assert len(motion["tracks"]) == TINY.frames * len(particles)


def test_gain_and_bad_pixels_are_found_from_the_frames(movies: SimulatedMovies) -> None:
    with open_movie(movies.images[0]) as movie:
        total = movie.read_sum()
    written = read_image(movies.gain)
    found = find_orientation(total, written)
    fitting = oriented(written, rotation=found.rotation, flip=found.flip)
    np.testing.assert_array_equal(fitting, oriented(written, rotation=1, flip=2))
    assert found.decided
    assert not found.divides
    bad, dead = find_hot_pixels(total * fitting), read_defects(movies.defects, total.shape)
    hot = read_star(movies.detector)["hot_pixels"]
    truth = dead.copy()
    truth[hot["rlnCoordinateY"].astype(int), hot["rlnCoordinateX"].astype(int)] = True
    assert (total[dead] == 0).all()
    np.testing.assert_array_equal(bad, truth)


def test_corrected_frames_count_the_electrons(corrected: np.ndarray) -> None:
    """Without the fixed pattern, frames have the noise of counts and neighbouring frames share none."""
    frame, other = corrected[2], corrected[3]
    full = TINY.dose_per_frame * TINY.pixel_size**2
    assert 0.75 * full < frame.mean() < full  # ice and the beam's falloff
    fine = [x - scipy.ndimage.uniform_filter(x, 3) for x in (frame, other)]
    assert abs(np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1]) < 0.02
    assert fine[0].var() / (8 / 9) == pytest.approx(frame.mean(), rel=0.1)


def test_particles_lie_where_the_truth_says_in_every_frame(movies: SimulatedMovies, corrected: np.ndarray) -> None:
    """Cut out along its track, a particle looks like its projection; a few pixels beside it does not."""
    rows = read_particles(movies.particles).particles
    track = read_star(movies.motions[0])["tracks"]
    moves = np.stack([track["rlnOriginXAngst"], track["rlnOriginYAngst"]], axis=1) / TINY.pixel_size
    moves = moves.reshape(TINY.frames, len(rows), 2)
    places = np.stack([rows["rlnCoordinateX"], rows["rlnCoordinateY"]], axis=1)
    map_, _ = read_map(movies.maps[0])
    n = len(map_)
    angles = (rows[f"rlnAngle{name}"] for name in ("Rot", "Tilt", "Psi"))
    spectra = rfft2_centred(Projector.of_map(map_).images(matrix_from_euler(*angles)))
    spectra *= ctf_images(
        n,
        optics=TINY.optics,
        defocus_u=rows["rlnDefocusU"],
        defocus_v=rows["rlnDefocusV"],
        defocus_angle=rows["rlnDefocusAngle"],
    )
    expected = irfft2_centred(spectra, n)

    def likeness(shift: int) -> float:
        values = []
        for image, place, moved in zip(expected, places, moves.transpose(1, 0, 2), strict=True):
            found = np.zeros((n, n))
            for frame, move in zip(corrected, moved, strict=True):
                x, y = (round(at) for at in place + move + np.array([shift, 0]))
                if n // 2 <= x < frame.shape[1] - n // 2 and n // 2 <= y < frame.shape[0] - n // 2:
                    found += frame[y - n // 2 : y - n // 2 + n, x - n // 2 : x - n // 2 + n]
            if found.any():
                values.append(np.corrcoef(found.ravel(), -image.ravel())[0, 1])
        return float(np.mean(values))

    assert likeness(0) > 0.12
    assert likeness(0) > 2 * max(likeness(4), likeness(-4))


def test_same_seed_same_bytes_whatever_the_workers(tmp_path: Path) -> None:
    small = replace(TINY, count=2, size=(256, 192), frames=3, dose=15.0, particles=3)
    one = simulate_movies(tmp_path / "one", None, small, workers=1)
    two = simulate_movies(tmp_path / "two", None, replace(small, form="mrc"), workers=2)
    for first, second in zip(one.images, two.images, strict=True):
        with open_movie(first) as tiff, open_movie(second) as mrc:
            assert (tiff.frames, tiff.shape, tiff.pixel_size) == (3, (192, 256), 3.0) == (mrc.frames, mrc.shape, 3.0)
            for index in range(3):
                np.testing.assert_array_equal(tiff.read(index), mrc.read(index))
    other = simulate_movies(tmp_path / "other", None, replace(small, seed=9, count=1))
    with open_movie(one.images[0]) as first, open_movie(other.images[0]) as second:
        assert not np.array_equal(first.read(0), second.read(0))


def test_micrographs_show_the_ctf_of_the_truth(tmp_path: Path) -> None:
    """The fine structure of the power spectrum follows CTF² at the true defocus, astigmatism and angle."""
    conditions = exposures("micrographs", count=1, size=(768, 768), particles=10, contamination=0.0, astigmatism=900.0)
    made = simulate_micrographs(tmp_path, None, replace(conditions, seed=4))
    truth = read_particles(made.micrographs, kind="micrographs").particles
    image = read_image(made.images[0])
    assert image.mean() == pytest.approx(40 * 1.5**2, rel=0.25)
    n = 384
    window = np.outer(np.hanning(n), np.hanning(n))
    power = sum(
        np.abs(scipy.fft.rfft2((part - part.mean()) * window)) ** 2
        for part in (image[y : y + n, x : x + n] for y in (0, 192, 384) for x in (0, 192, 384))
    )
    y, x = scipy.fft.fftfreq(n, 1.5)[:, None], scipy.fft.rfftfreq(n, 1.5)[None]
    radius = np.hypot(y, x)
    ring = np.round(radius * n * 1.5).astype(int)
    level = np.bincount(ring.ravel(), np.log(power).ravel()) / np.bincount(ring.ravel())
    inside = (radius > 0.04) & (radius < 0.22)

    def fit(u: float, v: float, angle: float) -> float:
        wave = ctf(x, y, optics=conditions.optics, defocus_u=u, defocus_v=v, defocus_angle=angle) ** 2
        smooth = np.convolve(level, np.ones(15) / 15, mode="same")[ring]
        return float(np.corrcoef(wave[inside], (np.log(power) - smooth)[inside])[0, 1])

    u, v, angle = (float(truth[f"rlnDefocus{name}"][0]) for name in ("U", "V", "Angle"))
    best = fit(u, v, angle)
    assert best > 0.05
    for worse in ((u + 400, v + 400, angle), (u - 400, v - 400, angle), (v, u, angle)):
        assert fit(*worse) < 0.9 * best


# --- the parts ---


def test_damage_is_grant_and_grigorieffs() -> None:
    np.testing.assert_allclose(critical_dose(np.array([1 / 3.0, 0.1])), [4.3395, 14.14], rtol=2e-3)
    assert critical_dose(0.2, 200.0) == pytest.approx(0.8 * critical_dose(0.2))
    assert critical_dose(0.2, 80.0) == critical_dose(0.2, 200.0)
    assert remaining_amplitude(np.array([0.0]), 40.0)[0] == pytest.approx(1.0, abs=1e-6)
    k, doses = np.array([0.05, 0.3]), np.linspace(0, 40, 4001)
    steps = np.mean([remaining_amplitude(k, dose) for dose in doses], axis=0)
    np.testing.assert_allclose(mean_amplitude(k, 40.0), steps, rtol=1e-3)


def test_motion_begins_at_zero_fast_and_smooth() -> None:
    course = exposures("course")
    for number in range(3):
        motion = motion_of(course, number)
        y, x = np.meshgrid(*(np.linspace(0, 2047, 12),) * 2, indexing="ij")
        points = np.stack([x.ravel(), y.ravel()], axis=1)
        moves, local = motion.displacements(points), motion.local(points)
        assert np.abs(moves[0]).max() == 0
        assert np.sqrt((local[-1] ** 2).sum(axis=1).mean()) == pytest.approx(2.0 / 1.5, rel=0.1)
        assert np.abs(local[-1].mean(axis=0)).max() < 0.2
        steps = np.hypot(*np.diff(moves, axis=0).mean(axis=1).T)
        assert steps[0] > 2 * np.median(steps)
        assert np.abs(moves).max() <= motion.reach()
        frame = 9
        arrived = points + moves[frame]
        np.testing.assert_allclose(arrived - motion.sources(frame, arrived), points, atol=1e-3)


def test_no_motion_when_none_is_asked_for() -> None:
    motion = draw_motion(
        np.random.default_rng(1), 5, shape=(64, 64), pixel_size=1.0, dose_per_frame=2.0, drift=0.0, local=0.0
    )
    assert not motion.displacements(np.zeros((1, 2))).any()


@pytest.mark.parametrize("mean", [0.4, 6.0, 35.0])
def test_counts_are_poisson_numbers(mean: float) -> None:
    counts = np.zeros((400, 416), np.uint16)
    moves = np.zeros((400 // GRID + 2, 416 // GRID + 2, 2), np.float32)
    count_frame(np.zeros((416, 432), np.float32), moves, np.full(counts.shape, mean, np.float32), seed=11, out=counts)
    found = np.bincount(counts.ravel(), minlength=100)[:100]
    expected = scipy.stats.poisson.pmf(np.arange(100), mean) * counts.size
    often = expected > 30
    assert (
        scipy.stats.chisquare(found[often], expected[often] * found[often].sum() / expected[often].sum()).pvalue > 1e-3
    )
    assert abs(np.corrcoef(counts[:-1].ravel(), counts[1:].ravel())[0, 1]) < 0.01


def test_displaced_images_are_interpolated_finely() -> None:
    """A wave of 5 px moved by (2.3, -1.6) px, against the wave itself; at 3 px splines are wrong by 8 %."""
    shape, edge = (128, 160), 16
    y, x = np.mgrid[: shape[0] + 2 * edge, : shape[1] + 2 * edge].astype(float)

    def wave(at_y: np.ndarray, at_x: np.ndarray) -> np.ndarray:
        return 0.5 * np.cos(2 * np.pi * (at_x * 36 / 192 + at_y * 15 / 160))

    spectrum = scipy.fft.rfft2(wave(y, x).astype(np.float32))
    for divisor in spline_divisor(y.shape):
        spectrum /= divisor
    moves = np.broadcast_to(np.float32([2.3, -1.6]), (shape[0] // GRID + 2, shape[1] // GRID + 2, 2))
    counts, bright = np.zeros(shape, np.uint16), np.float32(20000.0)
    count_frame(scipy.fft.irfft2(spectrum, s=y.shape), moves, np.full(shape, bright), seed=1, out=counts)
    expected = wave(y + 1.6, x - 2.3)[edge:-edge, edge:-edge]
    assert np.sqrt(np.mean((counts / bright - 1 - expected) ** 2)) < 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "count=0; expected a number above 0"),
        ({"size": (101, 512)}, "two even numbers of at least 128"),
        ({"defocus": (2e4, 1e4)}, "the lower one first"),
        ({"ice_gradient": 1.5}, "a share between 0 and 1"),
        ({"hot_pixels": -1}, "expected 0 or more"),
        ({"gain_rotation": 4}, "expected 0 to 3 and 0 to 2"),
        ({"fractions": (0.5, 0.5)}, r"for 1 conformation\(s\)"),
        ({"frames": 1}, "Use more frames"),
        ({"frames": 0}, "frames=0; expected a number above 0"),
        ({"seed": -1}, "seed=-1; expected 0 or more"),
        ({"particle_diameter": 0.0}, "particle_diameter=0; expected a number above 0"),
        ({"particle_diameter": 5000.0}, "diameter of 5000 Å, the field of 512 px only 1536 Å"),
    ],
)
def test_contradicting_numbers_are_refused(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate_movies(tmp_path, None, replace(TINY, **changes))


def test_maps_must_have_one_even_size(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 33×33×33 px; expected cubes of one even size"):
        simulate_movies(tmp_path, [np.ones((33, 33, 33))], TINY)
    with pytest.raises(InputError, match="There is no set 'huge'"):
        exposures("huge")
    assert isinstance(exposures("course"), Exposures)


def test_command_simulates_into_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    call = ["simulate", "Sim", "--project", ".", "--count", "1", "--size", "256", "256", "--frames", "2"]
    call += ["--pixel_size", "3", "--dose", "10", "--particles", "2", "--gain_rotation", "3"]
    assert main(call) == 0
    assert "1 movies of 2 frames" in capsys.readouterr().out
    assert (
        read_particles("Sim/movies.star", kind="movies").particles["rlnMicrographMovieName"][0]
        == "Sim/Movies/mov001.tiff"
    )
    assert main(call) == 1
    assert "Sim is not empty" in capsys.readouterr().err


def test_a_full_micrograph_takes_no_more_particles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    call = ["simulate", "Sim", "--count", "1", "--size", "256", "256", "--pixel_size", "3", "--particles", "100000"]
    assert main([*call, "--set", "micrographs"]) == 0
    assert "no room for 100000 particles on each" in capsys.readouterr().out
    assert 3 < len(read_particles("Sim/truth/particles.star").particles) < 50


def test_a_wide_berth_needs_no_large_maps(tmp_path: Path) -> None:
    """The distance that particles keep does not make the boxes of the molecules larger."""
    made = simulate_micrographs(tmp_path, None, replace(TINY, particle_diameter=700.0, particles=4))
    assert read_map(made.maps[0])[0].shape[0] < 120
    assert made.diameter == 700


def test_help_tells_every_field(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert set(meanings()) == {field.name for field in fields(Exposures)}
    for text in meanings().values():
        assert text in shown
    assert "--dose NUMBER electrons of the whole exposure in e/Å² (40)" in shown
    assert "number of micrographs or movies (tiny: 2, small: 4, course: 24, micrographs: 24)" in shown
