"""The tutorial on movies: sizes by rule, movies of one's own, and the course from movies to its page, also interrupted."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import NodeError, ParameterError, ProjectError
from relionlab.io.images import read_map
from relionlab.io.particles import read_particles
from relionlab.io.tiff import TiffWriter
from relionlab.project import JobDirectory, Project
from relionlab.simulation import command as simulate_command
from relionlab.simulation import d2_assembly, exposures
from relionlab.simulation.scores.classes import ClassTruth
from relionlab.simulation.scores.maps import compare_map
from relionlab.simulation.scores.picks import PickTruth
from relionlab.workflows.sizes import Sizes, classes_for, even_box, patches_for
from relionlab.workflows.stages import Clock
from relionlab.workflows.tutorial.command import main, parser, plan_of
from relionlab.workflows.tutorial.flags import command_of
from relionlab.workflows.tutorial.folder import CLOCK_FILE
from relionlab.workflows.tutorial.movie_course import Conductor
from relionlab.workflows.tutorial.movie_jobs import blob_job, extract_job, motion_job
from relionlab.workflows.tutorial.movie_page import turned
from relionlab.workflows.tutorial.movie_plan import MoviePlan
from relionlab.workflows.tutorial.movie_rounds import _which, class_measures, pick_measures, spread_told
from relionlab.workflows.tutorial.movie_simulation import CONFORMATIONS, command, conditions_of, simulated_movies
from relionlab.workflows.tutorial.movie_source import own_movies
from relionlab.workflows.tutorial.movie_truth import RoundTruth
from tests.workflows.test_stages import Silent

QUICK = [
    "--set",
    "tiny",
    "--classes",
    "2",
    "--iterations",
    "2",
    "--particle_angpix",
    "8",
    "--iterations3d",
    "1",
    "--sym_at_once",
]
MAPS = ["InitialModel", "Class3D", "Refine3D", "MaskCreate", "PostProcess", "LocalRes"]


def movies_in(directory: Path, *names: str, frames: int = 3) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        with TiffWriter(directory / name, 1.2, compression="lzw") as writer:
            for _ in range(frames):
                writer.append(np.ones((32, 48), np.uint8))


@pytest.mark.parametrize(("diameter", "pixel_size"), [(210, 1.5), (90, 0.53), (120, 1.06), (400, 2.2), (180, 4.5)])
def test_sizes_suit_particles_of_any_size(diameter: float, pixel_size: float):
    sizes = Sizes(diameter, pixel_size)
    assert sizes.box % 2 == 0
    assert 1.45 < sizes.box * pixel_size / diameter < 1.8
    assert sizes.mask < sizes.box * pixel_size
    assert sizes.background < sizes.box
    for wanted in (5.0, 3.5):
        shrunk = sizes.shrunk(wanted)
        assert shrunk % 2 == 0
        assert shrunk <= sizes.box
        assert 0.85 * wanted < sizes.box * pixel_size / shrunk <= max(1.01 * wanted, pixel_size)
    assert 2 * pixel_size < sizes.finest()


def test_numbers_follow_from_the_data():
    assert [classes_for(count, 80) for count in (30, 1700, 100000)] == [4, 21, 50]
    assert patches_for((2048, 2048), 1.5) == (3, 3)
    assert patches_for((4092, 5760), 0.86) == (5, 4)
    assert patches_for((400, 400), 1.0) == (1, 1)
    assert even_box(210) == 216


def test_movies_of_ones_own_are_linked_once(tmp_path: Path):
    movies_in(tmp_path / "raw", "b.tif", "a.tif")
    (tmp_path / "raw" / "gain.tif").write_bytes(b"gain")
    plan = MoviePlan(movies=f"{tmp_path}/raw/*.tif", gain=tmp_path / "raw" / "gain.tif", diameter=120, dose=1.1)
    project = Project.create(tmp_path / "new")
    data = own_movies(plan, project)
    assert data == own_movies(plan, project)
    assert sorted(path.name for path in (project.directory / "Movies").iterdir()) == ["a.tif", "b.tif"]
    assert (data.pattern, data.gain, data.truth) == ("Movies/*.tif", "gain.tif", None)
    assert (data.shape, data.frames) == ((32, 48), 3)
    assert data.pixel_size == pytest.approx(1.2, rel=1e-3)
    movies_in(tmp_path / "other", "a.tif")
    with pytest.raises(ProjectError, match="is there already"):
        own_movies(MoviePlan(movies=f"{tmp_path}/other/*.tif", diameter=120), project)


def test_movies_that_cannot_be_taken_are_named(tmp_path: Path):
    movies_in(tmp_path / "raw", "a.tif", "b.tiff")
    movies_in(tmp_path / "raw" / "more", "a.tif")
    movies_in(tmp_path / "single", "a.tif", frames=1)
    project = Project.create(tmp_path / "new")
    for pattern, error, words in (
        ("raw/*.eer", NodeError, "finds no file"),
        ("raw/*.tif*", ParameterError, r"several kinds \(1 \.tif, 1 \.tiff\)"),
        ("raw/**/*.tif", ParameterError, r"a\.tif in several folders"),
        ("single/*.tif", ParameterError, "a single frame"),
    ):
        with pytest.raises(error, match=words):
            own_movies(MoviePlan(movies=f"{tmp_path}/{pattern}", diameter=120), project)


def test_jobs_follow_what_is_known_of_the_movies(tmp_path: Path):
    class Output:
        path = "X/job001/movies.star coords_suffix_autopick.star micrographs_ctf.star"

    class Directory:
        name, outputs = "X/job001", (Output(),)
        output = JobDirectory.output

    movies_in(tmp_path / "raw", "a.tif")
    data = own_movies(MoviePlan(movies=f"{tmp_path}/raw/*.tif", diameter=120), Project.create(tmp_path / "new"))
    motion = motion_job(MoviePlan(binning=2.0), data, Directory())  # type: ignore[arg-type]
    assert not motion.do_dose_weighting  # no dose was given
    assert motion.bin_factor == 2
    sizes = Sizes(120, 2.4)
    assert blob_job(sizes, Directory()).log_diam_max == 120  # type: ignore[arg-type]
    extract = extract_job(sizes, Directory(), Directory(), pixel_size=1.0)  # type: ignore[arg-type]
    assert not extract.do_rescale  # nothing is enlarged


def test_the_page_tells_the_command():
    plan = MoviePlan(directory=Path("mine"), movies="raw data/*.tif", angpix=1.1, diameter=120.0)
    assert command_of(plan) == (
        "relionlab tutorial --dir mine --movies 'raw data/*.tif' --angpix 1.1 --diameter 120 --seed 1"
    )


def test_the_page_tells_what_was_asked_of_the_maps():
    plan = MoviePlan(set="tiny", symmetry="D2", symmetry_at_once=True, iterations3d=3, particle_pixel=6.0)
    words = shlex.split(command_of(plan))[2:]
    assert plan_of({name: value for name, value in vars(parser().parse_args(words)).items() if name != "fresh"}) == plan
    with pytest.raises(ParameterError, match="Q7"):
        MoviePlan(symmetry="Q7").check()


def test_the_page_tells_the_command_of_the_simulation():
    plan = MoviePlan(set="tiny", count=3, seed=4)
    words = shlex.split(command(plan))
    assert words[:2] == ["relionlab", "simulate"]
    given = simulate_command._parser().parse_args(words[2:])
    assert exposures(given.set, **simulate_command._changes(given)) == conditions_of(plan)
    molecules = simulate_command._molecules(given, conditions_of(plan))
    assert molecules is not None
    assert [len(one.positions) for one in molecules] == [len(d2_assembly(name).positions) for name in CONFORMATIONS]


def test_sentences_follow_the_numbers():
    assert _which(1, 1) == "."
    assert _which(2, 2) == "; both are shown."
    assert _which(3, 24).endswith("a typical one, one with the fewest and one with the most.")
    assert turned(100, 3, voltage=300) == pytest.approx(39.4, abs=0.1)
    assert turned(100, 6, voltage=300) == pytest.approx(9.8, abs=0.1)
    assert turned(100, 3, voltage=200) > turned(100, 3, voltage=300)


def test_what_is_not_known_is_left_out():
    few = PickTruth(np.array([0, 1, -1]), np.array([1.0, 2.0, np.nan]), 2)
    classes = ClassTruth(np.array([1]), ("whole",), np.array([[2]]), np.array([np.nan]), float("nan"))
    truth = RoundTruth(few, few, classes, few)
    text = " ".join(" ".join(pair) for pair in class_measures(truth))
    assert "–" not in text
    assert "nan" not in text
    assert "angle" not in text
    assert spread_told(classes) == "a class needs 20 to tell"
    assert "1 is on none" in pick_measures(few)[0][1]


def test_interrupted_simulations_go_on(tmp_path: Path):
    class Impatient(Silent):
        def progress(self, done: float, total: float, what: str) -> None:
            raise KeyboardInterrupt

    project, plan = Project.create(tmp_path), MoviePlan(directory=tmp_path, set="tiny", count=3)
    clock, movies = Clock.at(tmp_path / CLOCK_FILE), tmp_path / "Simulated" / "Movies"
    with pytest.raises(KeyboardInterrupt):
        simulated_movies(plan, project, clock=clock, watcher=Impatient())
    first = {path.name: path.stat().st_mtime_ns for path in movies.glob("*.tiff")}
    assert first
    with pytest.raises(ProjectError, match="other options"):
        simulated_movies(MoviePlan(set="tiny", count=2), project, clock=clock, watcher=Silent())
    data = simulated_movies(plan, project, clock=clock, watcher=Silent())
    then = {path.name: path.stat().st_mtime_ns for path in movies.glob("*.tiff")}
    assert len(then) == 3
    assert all(then[name] == when for name, when in first.items())
    assert data.diameter == 210
    assert (data.gain_rotation, data.gain_flip) == (1, 2)


SECTIONS_OF_MAPS = ("initial", "classes3d", "refinement", "sharpening", "localresolution")


def assert_maps_are_there(project: Path) -> None:
    """The files of the maps are there, and hold what the page says."""
    for name in ("InitialModel/tutorial/initial_model.mrc", "Refine3D/tutorial/run_class001.mrc",
                 "PostProcess/tutorial/postprocess_masked.mrc", "LocalRes/tutorial/relion_locres.mrc"):  # fmt: skip
        volume, pixel_size = read_map(project / name)
        assert volume.shape == (volume.shape[0],) * 3
        assert 6 < pixel_size < 9, name
        assert volume.std() > 0, name
    mask, _ = read_map(project / "MaskCreate/tutorial/mask.mrc")
    assert 0.01 < mask.mean() < 0.8
    particles = read_particles(project / "Refine3D/tutorial/run_data.star").particles
    assert set(particles["rlnRandomSubset"]) == {1, 2}
    refined = compare_map(project / "Refine3D/tutorial/run_class001.mrc", project / "Simulated/truth/class001.mrc")
    assert refined.resolution < 110  # of some 40 particles: its size, and a little more
    assert refined.correlation[1] > 0.8


def test_course_resumes_and_ends_in_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = [*QUICK, "--dir", str(tmp_path / "t")]

    class Impatient(Silent):
        def __init__(self, at: str) -> None:
            super().__init__()
            self.at = at

        def begin(self, title: str) -> None:
            super().begin(title)
            if title == self.at:
                raise KeyboardInterrupt

    project = Project.create(tmp_path / "t")
    clock = Clock.at(project.directory / CLOCK_FILE)
    plan = plan_of(vars(parser().parse_args(arguments)) | {"fresh": None})
    assert isinstance(plan, MoviePlan)
    done: dict[str, float] = {}
    for at, last in (("CtfFind", "MotionCorr/tutorial"), ("MaskCreate", "Refine3D/tutorial")):
        with pytest.raises(KeyboardInterrupt):
            Conductor(plan, project, clock=clock, watcher=Impatient(at)).course()
        done[last] = (project.directory / last / "RELION_JOB_EXIT_SUCCESS").stat().st_mtime
    assert main(arguments) == 0, capsys.readouterr().err
    for last, when in done.items():
        assert (project.directory / last / "RELION_JOB_EXIT_SUCCESS").stat().st_mtime == when
    jobs = Project.open(project.directory).jobs()
    assert {job.state for job in jobs} == {"finished"}
    folders = [job.name.partition("/")[0] for job in jobs]
    assert folders[:11] == ["Import", "MotionCorr", "CtfFind", *["AutoPick", "Extract", "Class2D", "Select"] * 2]
    assert [folder for folder in folders[11:] if folder != "Select"] == MAPS  # classes may be left out
    assert_maps_are_there(project.directory)
    page = (project.directory / "index.html").read_text(encoding="utf-8")
    for part in (
        "movies",
        "motion",
        "ctf",
        "picks1",
        "particles1",
        "classes1",
        "picks2",
        "particles2",
        "classes2",
        *SECTIONS_OF_MAPS,
    ):
        assert f'<section id="{part}">' in page
    assert "Is it right?" in page
    assert "relionlab simulate Simulated --set tiny" in re.sub(r"</?\w+[^>]*>", "", page.partition("<main>")[2])
    assert not re.search(r"\b1 (particles|classes|boxes|picks|images|are|were|rank)\b", page.partition("<main>")[2])
    assert "http" not in page.partition("<main>")[2].replace("http://www.w3.org", "")
    for words in (
        "Correlation with the true molecule",
        "Projections and class averages",
        "Verdict",
        "phase-randomised",
    ):
        assert words in page
    told = re.search(r"Poses</td><td[^>]*>([\d.]+)°", page)
    assert told is not None
    assert 0 < float(told[1]) < 120
    assert len(page) < 15e6
    assert main([*arguments, "--classes", "3"]) == 1
    assert "other parameters (number of classes 2, not 3)" in capsys.readouterr().err
    assert main([*arguments, "--seed", "2"]) == 1
    assert "simulated with other options" in capsys.readouterr().err


@pytest.mark.full
def test_course_on_movies_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from relionlab.simulation import exposures, simulate_movies

    made = simulate_movies(tmp_path / "raw", simulation=exposures("tiny"))
    arguments = ["--movies", f"{tmp_path}/raw/Movies/*.tiff", "--gain", str(made.gain), "--defects", str(made.defects)]
    arguments += ["--angpix", "3", "--dose", "5", "--diameter", f"{made.diameter:g}", "--dir", str(tmp_path / "t")]
    assert main([*arguments, "--classes", "2", "--iterations", "2", "--classes_only"]) == 0, capsys.readouterr().err
    page = (tmp_path / "t" / "index.html").read_text(encoding="utf-8")
    assert "Is it right?" not in page
    assert '<section id="classes2">' in page
    assert '<section id="initial">' not in page


@pytest.mark.full
def test_empty_movies_end_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(1)
    (tmp_path / "raw").mkdir()
    with TiffWriter(tmp_path / "raw" / "a.tif", 3.0, compression="lzw") as writer:
        for _ in range(4):
            writer.append(rng.poisson(5, (512, 512)).astype(np.uint8))
    arguments = [
        "--movies",
        f"{tmp_path}/raw/*.tif",
        "--angpix",
        "3",
        "--diameter",
        "200",
        "--dir",
        str(tmp_path / "t"),
    ]
    assert main(arguments) == 1
    assert "too few for classes" in capsys.readouterr().err
