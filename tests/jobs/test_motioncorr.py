"""The program run_motioncorr and the MotionCorr job, on tiny movies of known motion."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from relionlab.errors import ComputeError, InputError, ParameterError, StarError
from relionlab.io.images import read_stack, write_image, write_stack
from relionlab.io.job_names import output_root
from relionlab.io.motion import read_motion
from relionlab.io.particles import read_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.job_star import read_job
from relionlab.jobs.motion.alignment import default_b_factor, search_limit
from relionlab.jobs.motion.job import MotionCorr
from relionlab.jobs.motion.program import RunMotionCorr
from tests.engine.motion_cases import movie
from tests.jobs.listening import Listening

FRAMES = 6


@pytest.fixture(scope="module")
def case():
    return movie(size=(192, 224), frames=FRAMES, drift=8.0, noise=1.0)


@pytest.fixture
def project(tmp_path: Path, case) -> Path:
    """Two movies, a gain with a dead pixel, hot pixels, and their list."""
    gain = np.random.default_rng(0).uniform(0.8, 1.2, case.frames.shape[1:]).astype(np.float32)
    raw = 100 * case.frames / gain
    raw[:, 50, 60] = 1e5
    gain[7, 9] = 0
    for name in ("a", "b"):
        write_stack(tmp_path / f"Movies/{name}.mrcs", raw, pixel_size=1.5)
    write_image(tmp_path / "gain.mrc", gain, pixel_size=1.5)
    write_movies(tmp_path, ["a", "b"])
    return tmp_path


def write_movies(directory: Path, names: list[str], **optics: list[object]) -> None:
    columns = {
        "rlnOpticsGroupName": ["g"], "rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [1.5], "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    }  # fmt: skip
    rows = {"rlnMicrographMovieName": [f"Movies/{name}.mrcs" for name in names], "rlnOpticsGroup": [1] * len(names)}
    write_star(directory / "movies.star", [Table(columns | optics, "optics"), Table(rows, "movies")])


def correct(directory: Path, *flags: str) -> Listening:
    context = Listening(directory)
    given = ["--i", "movies.star", "--o", "MotionCorr/job002/", "--use_own", "--gainref", "gain.mrc", *flags]
    RunMotionCorr.from_flags(given).run(context)
    return context


def test_all_files_of_relion_are_written(project: Path, case):
    correct(
        project, "--dose_weighting", "--dose_per_frame", "2", "--save_noDW", "--grouping_for_ps", "2", "--patch_x", "2",
        "--patch_y", "2",
    )  # fmt: skip
    job = project / "MotionCorr/job002"
    names = {path.name for path in (job / "Movies").iterdir()}
    assert names == {f"{m}{end}" for m in "ab" for end in (".mrc", "_noDW.mrc", "_PS.mrc", ".star", ".log")}
    listed = read_particles(job / "corrected_micrographs.star", kind="micrographs")
    assert listed.particles.labels == (
        "rlnMicrographNameNoDW", "rlnCtfPowerSpectrum", "rlnMicrographName", "rlnMicrographMetadata", "rlnOpticsGroup",
        "rlnAccumMotionTotal", "rlnAccumMotionEarly", "rlnAccumMotionLate",
    )  # fmt: skip
    assert listed.particles["rlnMicrographName"].tolist()[0] == "MotionCorr/job002/Movies/a.mrc"
    assert listed.optics["rlnMicrographPixelSize"].tolist() == [1.5]
    motion = read_motion(job / "Movies/a.star")
    assert np.sqrt(((motion.shifts - case.shifts) ** 2).sum(1).mean()) < 0.3
    assert motion.hot_pixels.tolist() == [[60, 50]]
    assert motion.model is not None
    assert motion.patch_shifts.shape == (4, FRAMES, 2)
    image = read_stack(job / "Movies/a_noDW.mrc")[0]
    assert np.corrcoef(image[20:-20, 20:-20].ravel(), case.specimen[20:-20, 20:-20].ravel())[0, 1] > 0.9
    assert mrcfile.open(job / "Movies/a_PS.mrc").data.shape == (512, 512)


def test_frames_binning_and_aligned_stacks(project: Path, case):
    correct(
        project,
        "--first_frame_sum",
        "2",
        "--last_frame_sum",
        "5",
        "--bin_factor",
        "2",
        "--save_aligned",
        "--do_at_most",
        "1",
    )
    job = project / "MotionCorr/job002"
    motion = read_motion(job / "Movies/a.star")
    assert motion.used.tolist() == [False, True, True, True, True, False]
    assert motion.size == (FRAMES, 192, 224)
    truth = case.shifts[1:5] - case.shifts[1]
    assert np.sqrt(((motion.shifts[1:5] - truth) ** 2).sum(1).mean()) < 0.3
    assert read_stack(job / "Movies/a_movie.mrcs").shape == (4, 96, 112)
    assert read_stack(job / "Movies/a.mrc").shape == (1, 96, 112)
    listed = read_particles(job / "corrected_micrographs.star", kind="micrographs")
    assert len(listed) == 1
    assert listed.optics["rlnMicrographPixelSize"].tolist() == [3.0]
    moved = read_particles(job / "corrected_micrograph_movies.star", kind="movies")
    assert moved.particles["rlnMicrographMovieName"].tolist() == ["MotionCorr/job002/Movies/a_movie.mrcs"]


def test_early_and_late_binning_agree(project: Path):
    correct(project, "--bin_factor", "2", "--do_at_most", "1")
    early = read_motion(project / "MotionCorr/job002/Movies/a.star").shifts
    correct(project, "--bin_factor", "2", "--do_at_most", "1", "--no_early_binning")
    assert np.abs(read_motion(project / "MotionCorr/job002/Movies/a.star").shifts - early).max() < 0.2


def test_only_what_is_unfinished_is_done(project: Path):
    correct(project)
    job = project / "MotionCorr/job002"
    before = (job / "Movies/a.mrc").stat().st_mtime_ns
    (job / "Movies/b.star").unlink()  # killed before it was done
    context = correct(project, "--only_do_unfinished")
    assert "1 of 2 movies" in context.said[0]
    assert (job / "Movies/a.mrc").stat().st_mtime_ns == before
    assert len(read_particles(job / "corrected_micrographs.star", kind="micrographs")) == 2
    correct(project, "--redo", "a.mrcs")
    assert (job / "Movies/a.mrc").stat().st_mtime_ns > before
    assert len(read_particles(job / "corrected_micrographs.star", kind="micrographs")) == 2


def test_known_motion_is_applied(project: Path):
    correct(project, "--patch_x", "2", "--patch_y", "2")
    job = project / "MotionCorr/job002"
    first = read_stack(job / "Movies/a.mrc")
    rows = {
        "rlnMicrographMovieName": ["Movies/a.mrcs"], "rlnOpticsGroup": [1],
        "rlnMicrographMetadata": ["MotionCorr/job002/Movies/a.star"],
    }  # fmt: skip
    optics = read_particles(project / "movies.star", kind="movies").optics
    write_star(project / "known.star", [optics, Table(rows, "movies")])
    flags = ["--i", "known.star", "--o", "MotionCorr/job003/", "--use_own", "--apply_motion", "--gainref", "gain.mrc"]
    RunMotionCorr.from_flags(flags).run(Listening(project))
    assert np.allclose(read_stack(project / "MotionCorr/job003/Movies/a.mrc"), first, atol=1e-2 * first.std())
    with pytest.raises(StarError, match="rlnMicrographMetadata"):
        correct(project, "--apply_motion")


def test_faulty_movies_are_left_out_by_name(project: Path, case):
    good = (project / "Movies/a.mrcs").read_bytes()
    (project / "Movies/cut.mrcs").write_bytes(good[: len(good) // 2])
    write_stack(project / "Movies/one.mrcs", case.frames[:1], pixel_size=1.5)
    write_stack(project / "Movies/small.mrcs", case.frames[:, :100], pixel_size=1.5)
    write_stack(project / "Movies/zero.mrcs", 0 * case.frames, pixel_size=1.5)
    spoiled = case.frames.copy()
    spoiled[3, 5, 5] = np.nan
    write_stack(project / "Movies/nan.mrcs", spoiled, pixel_size=1.5)
    (project / "Movies/text.mrcs").write_text("not a movie")
    write_movies(project, ["a", "cut", "one", "small", "zero", "nan", "text", "missing", "b"])
    context = correct(project)
    listed = read_particles(project / "MotionCorr/job002/corrected_micrographs.star", kind="micrographs")
    assert len(listed) == 2
    told = "\n".join(context.warned)
    for name, reason in (
        ("cut", "cut off"), ("one", "only 1 frame"), ("small", "gain reference has"), ("zero", "constant: all its pixels are 0"),
        ("nan", "frame 4 holds 1 NaN"), ("text", "cut off"), ("missing", "does not exist"),
    ):  # fmt: skip
        assert any(f"Movies/{name}.mrcs" in line and reason in line for line in context.warned), (name, told)
    assert "7 of 9" in context.warned[-1]
    assert "ERROR" in (project / "MotionCorr/job002/Movies/cut.log").read_text()


@pytest.mark.parametrize(
    ("flags", "error", "reason"),
    [
        (["--gainref", "none.mrc"], InputError, "--gainref none.mrc does not exist"),
        (["--defect_file", "none.txt"], InputError, "--defect_file none.txt does not exist"),
        (["--dose_weighting", "--dose_per_frame", "0"], ParameterError, "needs the dose of a frame"),
        (["--first_frame_sum", "4", "--last_frame_sum", "2"], ParameterError, "beyond --last_frame_sum"),
        (["--first_frame_sum", "9"], ComputeError, "has 6 frames, but frames 9"),
        (["--last_frame_sum", "9"], ComputeError, "has 6 frames, but frames 1 to 9"),
        (["--patch_x", "9"], ComputeError, "Take fewer patches"),
        (["--use_motioncor2"], ParameterError, "not both"),
        (["--gain_rot", "1"], ComputeError, r"Rotate it by 90°"),
        (["--redo", "xyz"], ParameterError, "matches none of the 2"),
        (["--i", "none.star"], InputError, "none.star does not exist"),
        (["--i", "Movies/*.tiff"], InputError, "matches no file"),
    ],
)
def test_wrong_flags_are_explained(project: Path, flags: list[str], error: type[Exception], reason: str):
    with pytest.raises(error, match=reason):
        correct(project, *flags)


def test_defects_in_a_file_are_mended(project: Path):
    frames = read_stack(project / "Movies/a.mrcs")
    frames[:, 100:110, 40:60] = 0
    write_stack(project / "Movies/a.mrcs", frames, pixel_size=1.5)
    (project / "defects.txt").write_text("40 100 20 10\n")
    correct(project, "--defect_file", "defects.txt", "--skip_defect", "--do_at_most", "1")
    image = read_stack(project / "MotionCorr/job002/Movies/a.mrc")[0]
    assert image[100:110, 40:60].min() > 0.5 * np.median(image)
    assert read_motion(project / "MotionCorr/job002/Movies/a.star").defects == "defects.txt"


def test_lists_that_do_not_say_enough(project: Path):
    rows = Table({"rlnMicrographMovieName": ["Movies/a.mrcs"], "rlnOpticsGroup": [1]}, "movies")
    write_star(project / "movies.star", [Table({"rlnOpticsGroupName": ["g"], "rlnOpticsGroup": [1]}, "optics"), rows])
    with pytest.raises(StarError, match="--angpix"):
        correct(project)
    with pytest.raises(StarError, match="--voltage"):
        correct(project, "--angpix", "1.5")
    correct(project, "--angpix", "1.5", "--voltage", "300")
    write_movies(project, ["a"], rlnVoltage=[0.0])
    with pytest.raises(InputError, match="rlnVoltage 0 in its table 'optics'"):
        correct(project)


def test_a_wildcard_stands_for_a_list(project: Path):
    correct(project, "--i", "Movies/?.mrcs", "--angpix", "1.5", "--voltage", "300", "--do_at_most", "1")
    assert (project / "MotionCorr/job002/Movies/a.mrc").exists()


def test_names_of_results():
    assert output_root("MotionCorr/job002/", "Import/job001/Movies/x.tiff") == "MotionCorr/job002/Movies/x"
    assert output_root("M", "Movies/mic001_movie.mrcs") == "M/Movies/mic001_movie"
    assert output_root("M/", "Movies/x.mrc.bz2") == "M/Movies/x"
    assert output_root("M/", "../raw/x.eer") == "M/raw/x"


def test_the_b_factor_suits_the_pixel_size():
    assert default_b_factor(1.0) == 150
    assert default_b_factor(3.54) == pytest.approx(11.97, abs=0.01)
    assert default_b_factor(0.2) == 500
    assert search_limit(1.0, 150, 0) == pytest.approx(0.125)
    assert search_limit(1.0, 1500, 0) == pytest.approx(0.078, abs=0.001)
    assert search_limit(1.0, 150, 4) == 0.125


def test_the_job_calls_the_program(repository: Path):
    job = read_job(repository / "tests/jobs/files/relion31_motioncorr_job001.star")
    assert isinstance(job, MotionCorr)
    assert job.dose_per_frame == 1.5
    job = job.changed(
        gain_rot="90 degrees (1)", gain_flip="Flip left to right (2)", fn_gain_ref="gain.mrc", do_save_ps=True
    )
    (command,) = job.commands("MotionCorr/job002/")
    flags = RunMotionCorr.from_flags(command.arguments)
    assert (flags.gain_rot, flags.gain_flip, flags.grouping_for_ps) == (1, 2, 3)
    assert flags.use_own
    assert flags.dose_weighting
    assert flags.only_do_unfinished
    assert "dose weighting needs it" in " ".join(job.changed(dose_per_frame=0).problems())
    assert {node.path for node in job.outputs("M/")} == {"M/corrected_micrographs.star", "M/logfile.pdf"}


def test_switches_of_relion_31s_first_release_are_understood(shared_data: Path):
    job = read_job(shared_data / "relion31_tutorial_meta/MotionCorr/job002/job.star")
    (command,) = job.commands("MotionCorr/job002/")
    flags = RunMotionCorr.from_flags(command.arguments)
    assert flags.grouping_for_ps == 3
    assert (flags.patch_x, flags.patch_y, flags.last_frame_sum) == (5, 5, 0)


def test_movies_that_motioncor2_aligned_are_taken_over(project: Path, case):
    (project / "mc2").mkdir()
    for name in "ab":
        lines = [f"{n + 1:4d} {x:8.2f} {y:8.2f}" for n, (x, y) in enumerate(case.shifts)]
        (project / f"mc2/{name}-Full.log").write_text("# full frame alignment\n" + "\n".join(lines) + "\n")
    (project / "mc2/b-Full.log").write_text("   1   0.00   0.00\n   2   1.00   0.00\n")
    context = correct(project, "--motioncor2_logs", "mc2")
    assert any("b-Full.log lists 2 frames; 6 of Movies/b.mrcs are used" in line for line in context.warned)
    motion = read_motion(project / "MotionCorr/job002/Movies/a.star")
    assert np.allclose(motion.shifts, case.shifts, atol=0.01)
    image = read_stack(project / "MotionCorr/job002/Movies/a.mrc")[0]
    assert np.corrcoef(image[20:-20, 20:-20].ravel(), case.specimen[20:-20, 20:-20].ravel())[0, 1] > 0.9
    with pytest.raises(InputError, match="--motioncor2_logs none is no directory"):
        correct(project, "--motioncor2_logs", "none")
