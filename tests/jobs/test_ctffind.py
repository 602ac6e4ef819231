"""The job CtfFind and the program run_ctffind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ComputeError, InputError, ParameterError
from relionlab.exchange.ctffind4 import Estimate
from relionlab.io.images import read_header, read_image, write_image, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.io.tiff import TiffWriter
from relionlab.jobs.ctf.doubts import doubts
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.ctf.program import RunCtffind
from tests.engine.ctf_micrographs import Truth, micrograph
from tests.exchange.test_ctf_results import GCTF
from tests.jobs.listening import Listening

TRUTH = Truth(14400.0, 14000.0, 30.0)
NAMES = ("mic1.mrc", "mic2.mrc")
FLAGS = ("--Box", "256", "--ResMin", "30", "--ResMax", "5", "--dFMin", "5000", "--dAst", "100")


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return micrograph(TRUTH, np.random.default_rng(0), size=640)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: np.ndarray) -> Path:
    """Two micrographs of a motion correction job and their list."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        write_image(tmp_path / "MotionCorr/job002/Movies" / name, image, pixel_size=1.5)
    listed(tmp_path)
    return tmp_path


def listed(folder: Path, names=NAMES, *, pixel_size: float = 1.5, **columns: object) -> None:
    optics = {
        "rlnOpticsGroupName": ["opticsGroup1"], "rlnOpticsGroup": [1], "rlnMicrographPixelSize": [pixel_size],
        "rlnMicrographOriginalPixelSize": [pixel_size], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
    }  # fmt: skip
    rows = {"rlnMicrographName": [f"MotionCorr/job002/Movies/{n}" for n in names], "rlnOpticsGroup": [1] * len(names)}
    particles = Particles(Table(optics, name="optics"), Table(rows | columns, name="micrographs"), "micrographs")
    write_particles(folder / "mics.star", particles)


def run(folder: Path, *more: str, i: str = "mics.star") -> Listening:
    context = Listening(folder)
    RunCtffind.from_flags(["--i", i, "--o", "CtfFind/job003/", *FLAGS, *more]).run(context)
    return context


def result(folder: Path) -> Particles:
    return read_particles(folder / "CtfFind/job003/micrographs_ctf.star", kind="micrographs")


def root(folder: Path, name: str = "mic1") -> Path:
    return folder / "CtfFind/job003/Movies" / name


def test_files_and_labels_are_relions(here):
    run(here)
    found = result(here)
    assert list(found.particles.labels) == [
        "rlnMicrographName", "rlnOpticsGroup", "rlnCtfImage", "rlnDefocusU", "rlnDefocusV", "rlnCtfAstigmatism",
        "rlnDefocusAngle", "rlnCtfFigureOfMerit", "rlnCtfMaxResolution",
    ]  # fmt: skip
    assert found.particles["rlnCtfImage"][0] == "CtfFind/job003/Movies/mic1.ctf:mrc"
    mean = (found.particles["rlnDefocusU"] + found.particles["rlnDefocusV"]) / 2
    assert np.allclose(mean, TRUTH.defocus, atol=150)
    shown = read_image(found.particles["rlnCtfImage"][0])
    assert shown.shape == (256, 256)
    assert read_header(found.particles["rlnCtfImage"][0]).pixel_size == 1.5
    assert all(Path(f"{root(here)}{end}").exists() for end in (".txt", "_avrot.txt", "_ctffind4.log"))


def test_unfinished_only_and_redo(here):
    run(here)
    before = {name: root(here, f"{name}.txt").stat().st_mtime_ns for name in ("mic1", "mic2")}
    told = run(here, "--only_do_unfinished")
    assert any("2 of 2" in line and "0 are worked on" in line for line in told.said)
    root(here, "mic2_ctffind4.log").unlink()
    run(here, "--only_do_unfinished")
    after = {name: root(here, f"{name}.txt").stat().st_mtime_ns for name in ("mic1", "mic2")}
    assert after["mic1"] == before["mic1"]
    assert after["mic2"] > before["mic2"]
    run(here, "--redo", "*mic1.mrc")
    assert root(here, "mic1.txt").stat().st_mtime_ns > before["mic1"]
    assert root(here, "mic2.txt").stat().st_mtime_ns == after["mic2"]
    with pytest.raises(ParameterError, match="matches none of the 2"):
        run(here, "--redo", "other")


def test_results_of_other_settings_are_made_anew(here):
    run(here)
    told = run(here, "--only_do_unfinished", "--ResMin", "25")
    assert not any("are done already" in line for line in told.said)
    told = run(here, "--only_do_unfinished", "--ResMin", "25", "--do_phaseshift", "--phase_step", "60")
    assert not any("are done already" in line for line in told.said)
    assert "rlnPhaseShift" in result(here).particles


def test_at_most_and_only_star(here):
    run(here, "--do_at_most", "1")
    assert len(result(here)) == 1
    run(here, "--only_do_unfinished", "--do_at_most", "1")
    assert len(result(here)) == 2
    root(here, "mic1.txt").unlink()
    told = run(here, "--only_make_star")
    assert "mic1" in told.warned[0]
    assert len(result(here)) == 1


def test_pixels_too_coarse_for_the_limit_are_told(here):
    listed(here, pixel_size=4.0)
    told = run(here, "--ResMin", "60")
    assert "header says 1.5 Å, the list 4 Å" in told.warned[0]
    assert "there is nothing beyond 8 Å" in told.warned[1]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--ResMin", "5", "--ResMax", "30"), "the larger number"),
        (("--dFMin", "60000"), r"--dFMin .* is 60000 Å, not below --dFMax"),
        (("--dFMin", "0"), "above 0"),
        (("--Box", "255"), "even"),
        (("--use_given_ps",), "rlnCtfPowerSpectrum"),
        (("--use_noDW",), "rlnMicrographNameNoDW"),
        (("--use_given_ps", "--do_movie_thon_rings"), "exclude each other"),
        (("--do_phaseshift", "--phase_min", "180", "--phase_max", "20"), "leave nothing to search"),
        (("--only_make_star",), "no result"),
        (("--ctfWin", "2000"), "larger than the micrograph"),
    ],
)
def test_contradictions_are_named(here, flags, words):
    with pytest.raises((InputError, ComputeError), match=words):
        run(here, *flags)


def test_a_wildcard_needs_optics(here):
    with pytest.raises(ParameterError, match="--HT, --CS, --AmpCnst"):
        run(here, i="MotionCorr/job002/Movies/*.mrc")


def test_a_wildcard_with_optics(here):
    run(here, "--HT", "300", "--CS", "2.7", "--AmpCnst", "0.1", i="MotionCorr/job002/Movies/*.mrc")
    assert len(result(here)) == 2
    assert result(here).pixel_size == 1.5


def test_power_spectra_windows_and_movies(here, image):
    from relionlab.engine.ctffit import power_spectrum

    folder = here / "MotionCorr/job002/Movies"
    write_image(folder / "mic1_PS.mrc", power_spectrum(image, 1.5, size=256).power, pixel_size=1.5)
    listed(here, ["mic1.mrc"], rlnCtfPowerSpectrum=["MotionCorr/job002/Movies/mic1_PS.mrc"])
    run(here, "--use_given_ps")
    assert result(here).particles["rlnCtfImage"][0] == "CtfFind/job003/Movies/mic1_PS.ctf:mrc"
    given = result(here).particles["rlnDefocusU"][0]
    run(here)
    assert result(here).particles["rlnDefocusU"][0] == pytest.approx(given, abs=1)
    run(here, "--ctfWin", "512")
    assert result(here).particles["rlnDefocusU"][0] != given
    frames = np.stack([image + np.random.default_rng(n).normal(0, 0.1, image.shape) for n in range(4)])
    write_stack(folder / "mic1_movie.mrcs", frames.astype(np.float32), pixel_size=1.5)
    run(here, "--do_movie_thon_rings", "--avg_movie_frames", "2")
    of_movie = result(here).particles["rlnDefocusU"][0]
    assert of_movie == pytest.approx(given, abs=60)
    with TiffWriter(folder / "mic1_aligned.tiff", 1.5, compression="deflate") as movie:
        for frame in frames:
            movie.append(frame.astype(np.float32))
    run(here, "--do_movie_thon_rings", "--avg_movie_frames", "2", "--movie_rootname", "_aligned.tiff")
    assert result(here).particles["rlnDefocusU"][0] == pytest.approx(of_movie, abs=1)
    (folder / "mic1_aligned.tiff").write_bytes((folder / "mic1_aligned.tiff").read_bytes()[:-500000])
    with pytest.raises(ComputeError, match=r"mic1_aligned\.tiff.*frame"):
        run(here, "--do_movie_thon_rings", "--avg_movie_frames", "2", "--movie_rootname", "_aligned.tiff")


def test_an_executable_that_exists_is_called_and_one_that_does_not_is_not_missed(here):
    told = run(here, "--ctffind_exe", "/nowhere/ctffind", "--is_ctffind4")
    assert "fitted by relionlab" in told.said[0]
    done = root(here)
    (here / "ctffind").write_text(
        "#!/bin/sh\nread input\nread shown\ncat > answers.txt\n"
        f"cp '{done}.txt' \"${{shown%.ctf}}.txt\"\ncp '{done}.ctf' \"$shown\" 2>/dev/null\necho 'Summary of results : x'\n"
    )
    (here / "ctffind").chmod(0o755)
    listed(here, ["mic2.mrc"])
    told = run(here, "--ctffind_exe", "./ctffind", "--is_ctffind4")
    assert "Using CTFFIND 4.1" in told.said[0]
    assert (here / "answers.txt").read_text().split()[:5] == ["1.5", "300", "2.7", "0.1", "256"]
    assert len(result(here)) == 1
    (here / "ctffind").write_text("#!/bin/sh\nexit 3\n")
    shutil.rmtree(here / "CtfFind")
    with pytest.raises(ComputeError, match="status 3"):
        run(here, "--ctffind_exe", "./ctffind", "--is_ctffind4")


def test_the_form_makes_relions_command():
    job = CtfFind(input_star_mics="MotionCorr/job002/corrected_micrographs.star", use_ctffind4=True, use_given_ps=True)
    line = str(job.commands("CtfFind/job003/")[0])
    for part in ("--Box 512", "--ResMin 30", "--ResMax 5", "--dFMin 5000", "--dFMax 50000", "--FStep 500", "--dAst 100",
                 "--ctfWin -1", "--is_ctffind4", "--fast_search", "--use_given_ps"):  # fmt: skip
        assert part in line
    made = [node.path for node in job.outputs("CtfFind/job003/")]
    assert made == ["CtfFind/job003/micrographs_ctf.star", "CtfFind/job003/logfile.pdf"]
    assert "--j" not in line
    assert "--j 4" in str(job.changed(nr_mpi=4).commands("CtfFind/job003/")[0])
    assert CtfFind(input_star_mics="a.star", resmin=5, resmax=30).problems()
    assert "redo_micrographs" not in job.job_options()
    assert job.changed(redo_micrographs="mic1").job_options()["redo_micrographs"] == "mic1"


def test_a_fit_to_noise_is_said_to_be_doubtful(here):
    noise = micrograph(TRUTH, np.random.default_rng(1), size=640, signal=1e-9)
    write_image(here / "MotionCorr/job002/Movies/mic2.mrc", noise, pixel_size=1.5)
    said = [text for text in run(here).warned if "chance" in text]
    assert len(said) == 1
    assert "1 of 2" in said[0]
    assert "mic2" in said[0]
    assert "mic1" not in said[0]
    sound = micrograph(TRUTH, np.random.default_rng(2), size=640)
    write_image(here / "MotionCorr/job002/Movies/mic2.mrc", sound, pixel_size=1.5)
    assert not any("chance" in text for text in run(here).warned)


def test_doubt_follows_the_box():
    def estimate(box, merit, **more):
        known = {"box": box, "pixel_size": 1.5, "finest": 5.0, "lowest": 5000.0, "highest": 50000.0} | more
        return Estimate(14200.0, 13800.0, 0.0, more.get("phase", 0.0), merit, 4.0, tuple(known.items()))

    assert doubts(["a"], [estimate(512, 0.06)], step=500, phase_is_free=False) == []
    (said,) = doubts(["a", "b"], [estimate(256, 0.06), estimate(256, 0.3)], step=500, phase_is_free=False)
    assert said.startswith("warning: 1 of 2 CTFs may be chance")
    (said,) = doubts(["a"], [estimate(512, 0.2, highest=14100.0)], step=500, phase_is_free=False)
    assert "1 of 1 defoci lie at an end" in said
    phases = {"first_phase": 0.0, "last_phase": 180.0}
    (said,) = doubts(["a"], [estimate(512, 0.2, phase=177.0, **phases)], step=500, phase_is_free=True)
    assert "177° may be -3°" in said
    assert not doubts(["a"], [estimate(512, 0.2, phase=90.0, **phases)], step=500, phase_is_free=True)


def test_other_pixel_sizes_in_headers_are_told_of_every_micrograph(here, image):
    write_image(here / "MotionCorr/job002/Movies/mic2.mrc", image, pixel_size=3.0)
    told = [text for text in run(here).warned if "its header says 3 Å" in text]
    assert len(told) == 1
    assert "mic2" in told[0]


def test_logs_of_gctf_are_listed(here):
    for name in NAMES:
        log = root(here, f"{Path(name).stem}_gctf.log")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(GCTF)
    run(here, "--only_make_star", "--use_gctf")
    assert result(here).particles["rlnDefocusU"].tolist() == [20136.82, 20136.82]
