"""What run_motioncorr says against gains, doses and movies in which nothing can be aligned; and detectors' faults mended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from relionlab.io.gain import equal_turns, read_defects
from relionlab.io.images import read_stack, write_stack
from relionlab.io.motion import read_motion
from relionlab.io.star import read_star
from relionlab.jobs.motion.program import RunMotionCorr
from relionlab.simulation.exposures import exposures
from relionlab.simulation.movies import simulate_movies
from tests.engine.motion_cases import movie
from tests.io.eer_files import write_eer
from tests.jobs.listening import Listening
from tests.jobs.test_bad_movies import listed


def correct(folder: Path, *flags: str) -> Listening:
    context = Listening(folder)
    RunMotionCorr.from_flags(["--o", "MotionCorr/job002/", "--use_own", *flags]).run(context)
    return context


def simulated(folder: Path, **changes: object):
    plan = replace(exposures("tiny"), count=1, **changes)
    return simulate_movies(folder / "Sim", simulation=plan, project=folder, workers=1)


def test_a_movie_of_noise_is_told_and_left_unmoved(tmp_path: Path):
    rng = np.random.default_rng(0)
    for number, frames in enumerate((3, 8, 16)):
        noise = rng.poisson(3, (frames, 384, 384)).astype(np.float32)
        write_stack(tmp_path / f"Movies/noise{number}.mrcs", noise, pixel_size=1.5)
    listed(tmp_path, [f"Movies/noise{number}.mrcs" for number in range(3)])
    context = correct(tmp_path, "--i", "movies.star", "--patch_x", "2", "--patch_y", "2")
    (line,) = (line for line in context.warned if "motion cannot be known" in line)
    assert "Movies/noise0.mrcs, Movies/noise1.mrcs, Movies/noise2.mrcs:" in line
    assert np.all(read_motion(tmp_path / "MotionCorr/job002/Movies/noise1.star").shifts == 0)


def test_a_turned_gain_is_found(tmp_path: Path):
    made = simulated(tmp_path, gain_rotation=1, gain_flip=2, gain_deviation=0.08)
    name = Path(read_star(tmp_path / "Sim/movies.star")["movies"]["rlnMicrographMovieName"][0])
    flags = ["--i", "Sim/movies.star", "--gainref", str(made.gain.relative_to(tmp_path))]
    context = correct(tmp_path, *flags)
    (line,) = (line for line in context.warned if "--gain_rot" in line)
    words = line.partition("It fits with --gain_rot ")[2]
    assert equal_turns((int(words[0]), int(words.partition("--gain_flip ")[2][0])), (1, 2))
    assert not correct(tmp_path, *flags, "--gain_rot", "1", "--gain_flip", "2").warned
    right = read_stack(tmp_path / f"MotionCorr/job002/{name.with_suffix('.mrc')}")
    mended = correct(tmp_path, *flags, "--find_gain", "--only_do_unfinished")
    assert not mended.warned
    assert any("it is turned so" in line for line in mended.said)
    assert np.array_equal(read_stack(tmp_path / f"MotionCorr/job002/{name.with_suffix('.mrc')}"), right)
    flat = tmp_path / "flat.mrc"
    write_stack(flat, np.ones((1, *read_stack(made.gain).shape[1:])), pixel_size=1.5)
    assert any("takes no pattern" in line for line in correct(tmp_path, *flags[:2], "--gainref", "flat.mrc").warned)


def test_thirty_defects_and_hot_pixels_are_mended(tmp_path: Path):
    made = simulated(tmp_path, defects=30, hot_pixels=30, gain_deviation=0.05)
    name = read_star(tmp_path / "Sim/movies.star")["movies"]["rlnMicrographMovieName"][0]
    flags = ["--i", "Sim/movies.star", "--gainref", str(made.gain.relative_to(tmp_path))]
    correct(tmp_path, *flags, "--defect_file", str(made.defects.relative_to(tmp_path)))
    root = tmp_path / f"MotionCorr/job002/{Path(name).with_suffix('')}"
    motion, image = read_motion(f"{root}.star"), read_stack(f"{root}.mrc")[0]
    bad = read_defects(made.defects, image.shape)
    hot = read_star(tmp_path / "Sim/truth/detector.star")["hot_pixels"]
    truth = {
        (int(x), int(y))
        for x, y in zip(hot["rlnCoordinateX"], hot["rlnCoordinateY"], strict=True)
        if not bad[int(y), int(x)]
    }
    assert {(int(x), int(y)) for x, y in motion.hot_pixels} == truth  # none is missed, none is wrong
    inner = np.s_[20:-20, 20:-20]
    away = (image - np.median(image))[inner] / (1.4826 * np.median(np.abs(image - np.median(image))))
    assert np.abs(away).max() < 8  # nothing stands out of the corrected micrograph
    assert abs(float(away[bad[inner]].mean())) < 1.0
    correct(tmp_path, *flags)  # defects are found without their list too
    found = np.zeros_like(bad)
    x, y = read_motion(f"{root}.star").hot_pixels.T
    found[y, x] = True
    assert found[bad].all()
    assert set(zip(x[~bad[y, x]].tolist(), y[~bad[y, x]].tolist(), strict=True)) == truth


def test_an_eer_movie_with_a_gain_is_corrected(tmp_path: Path):
    case, rng, together = movie(size=(192, 224), frames=8, drift=8.0, noise=0.0), np.random.default_rng(0), 4
    sensitivity = rng.uniform(0.8, 1.2, case.frames.shape[1:])
    raw = []
    for frame in np.repeat(case.frames, together, axis=0):
        hit = np.flatnonzero(
            rng.random(frame.size) < (0.15 * (1 + 0.5 * (frame - 10)) * sensitivity).ravel().clip(0, 0.9)
        )
        raw.append(np.stack([hit, *rng.integers(0, 4, (2, len(hit)))], axis=1))
    (tmp_path / "Movies").mkdir()
    said = '<item name="totalDose" unit="e/pixel">36</item>'
    write_eer(tmp_path / "Movies/a.eer", raw, sensitivity.shape, xml=said)
    write_stack(tmp_path / "gain.mrc", sensitivity[None].astype(np.float32), pixel_size=1.5)
    listed(tmp_path, ["Movies/a.eer"])
    flags = [
        "--i",
        "movies.star",
        "--gainref",
        "gain.mrc",
        "--eer_grouping",
        "4",
        "--dose_weighting",
        "--dose_per_frame",
    ]
    assert not correct(tmp_path, *flags, "2").warned  # 36 e/px at 1.5 Å are 16 e/Å², in 8 frames
    motion = read_motion(tmp_path / "MotionCorr/job002/Movies/a.star")
    assert (motion.eer_grouping, motion.size) == (4, (8, 192, 224))
    assert np.sqrt(((motion.shifts - case.shifts) ** 2).sum(axis=1).mean()) < 0.3
    image = read_stack(tmp_path / "MotionCorr/job002/Movies/a.mrc")[0]
    pattern = image / ndimage.uniform_filter(image, 5)
    assert abs(np.corrcoef(pattern.ravel(), sensitivity.ravel())[0, 1]) < 0.05
    told = "\n".join(correct(tmp_path, *flags, "1", "--group_frames", "2").warned)
    assert "it had 16 e/Å² over 32 raw frames, so that 4 of them have 2; --dose_per_frame says 1" in told
    assert "--eer_grouping 2, for frames of 1 e/Å²" in told
    assert "--group_frames 2 with EER movies" in told


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--dose_weighting", "--dose_per_frame", "0.2", "--patch_x", "2", "--patch_y", "2"), "--group_frames 5"),
        (("--dose_weighting", "--dose_per_frame", "1", "--group_frames", "4"), "frames of 4 e/Å² are long"),
        (("--angpix", "0.5",), "--bin_factor 2"),
    ],
)  # fmt: skip
def test_doses_and_pixels_that_cannot_be_are_told(tmp_path: Path, flags: tuple[str, ...], words: str):
    rng = np.random.default_rng(0)
    write_stack(tmp_path / "Movies/a.mrcs", rng.poisson(3, (8, 256, 256)).astype(np.float32), pixel_size=1.5)
    listed(tmp_path, ["Movies/a.mrcs"])
    assert any(words in line for line in correct(tmp_path, "--i", "movies.star", *flags).warned)


def test_a_dose_that_no_exposure_has_is_told(tmp_path: Path):
    write_stack(tmp_path / "Movies/a.mrcs", np.random.default_rng(0).poisson(3, (6, 128, 128)), pixel_size=1.5)
    listed(tmp_path, ["Movies/a.mrcs"])
    flags = ["--i", "movies.star", "--dose_weighting", "--dose_per_frame"]
    assert any("240 e/Å² in all" in line for line in correct(tmp_path, *flags, "40").warned)
    assert not any("in all" in line for line in correct(tmp_path, *flags, "8").warned)
