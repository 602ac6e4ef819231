"""From movies to classes in one project, stage by stage: RELION's next program reads what ours wrote, and ours RELION's.

Two simulated movies of 512² px at 3 Å. The figures in the docstrings are the largest found with RELION 3.1.3.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from relionlab.io.coordinates import read_coordinates
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import read_image, read_map, write_map
from relionlab.io.motion import read_motion
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.jobs.base import Job
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.importing.job import Import
from relionlab.jobs.motion.job import MotionCorr
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory, Project
from relionlab.project.running import run_job
from relionlab.simulation import SimulatedMovies, exposures, simulate_movies

pytestmark = [pytest.mark.relion, pytest.mark.full]

BOX, PIXEL = 108, 3.0
GAIN = ["--gainref", "gain.mrc", "--gain_rot", "1", "--gain_flip", "2", "--defect_file", "defects.txt"]
ALIGNED = ["--bfactor", "150", "--patch_x", "2", "--patch_y", "2", "--dose_weighting", "--dose_per_frame", "5"]
FOUND = ["--lowpass", "20", "--angpix_ref", "3", "--ang", "10", "--invert", "--ctf", "--threshold", "0.15"]
CUT = f"--extract --extract_size {BOX} --invert_contrast --norm --bg_radius 40"
SORTED = "--K 2 --iter 2 --particle_diameter 230 --ctf --psi_step 12 --tau2_fudge 2 --zero_mask --norm --scale"


@dataclass(frozen=True)
class Chain:
    """Our jobs in one project, and the programs that take over."""

    relion: Path
    project: Project
    movies: SimulatedMovies
    jobs: dict[str, JobDirectory]

    @property
    def directory(self) -> Path:
        return self.project.directory

    def made(self, stage: str, ending: str) -> str:
        return next(node.path for node in self.jobs[stage].outputs if node.path.endswith(ending))

    def theirs(self, program: str, *options: str) -> str:
        """Run a program of RELION; it must end well and complain of nothing."""
        return self._run([str(self.relion / f"relion_{program}"), *options])

    def ours(self, program: str, *options: str) -> str:
        import sys

        return self._run([sys.executable, "-m", "relionlab", program, *options])

    def _run(self, command: list[str]) -> str:
        for place in re.findall(r"\S+/job\d+/", " ".join(command)):
            (self.directory / place).mkdir(parents=True, exist_ok=True)
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, " ".join(command) + done.stdout[-600:] + done.stderr[-900:]
        return done.stdout + done.stderr

    def particles(self, star: str):
        return read_particles(self.directory / star, directory=self.directory)

    def images(self, star: str) -> np.ndarray:
        return ImageReader(self.particles(star).particles["rlnImageName"].tolist(), self.directory).read()


@pytest.fixture(scope="module")
def chain(relion: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    directory = tmp_path_factory.mktemp("handover")
    movies = simulate_movies(directory, None, exposures("tiny", gain_rotation=1, gain_flip=2))
    project, jobs = Project.create(directory), {}

    def run(stage: str, job: Job) -> None:
        jobs[stage] = project.run(job, wait=True)
        assert jobs[stage].state == "finished", jobs[stage].message

    def made(stage: str, ending: str) -> str:
        return next(node.path for node in jobs[stage].outputs if node.path.endswith(ending))

    run("import", Import(fn_in_raw="Movies/*.tiff", angpix=PIXEL))
    run(
        "motion",
        MotionCorr(
            input_star_mics=made("import", "movies.star"), do_dose_weighting=True, dose_per_frame=5, patch_x=2, patch_y=2,
            fn_gain_ref="gain.mrc", gain_rot="90 degrees (1)", gain_flip="Flip left to right (2)", fn_defect="defects.txt",
        ),
    )  # fmt: skip
    run("ctf", CtfFind(input_star_mics=made("motion", "micrographs.star"), resmax=6.6))
    run("blobs", AutoPick(fn_input_autopick=made("ctf", ".star"), do_log=True, log_diam_min=140, log_diam_max=210))
    run("extract", Extract(star_mics=made("ctf", ".star"), coords_suffix=made("blobs", ".star"), extract_size=BOX))
    run("classes", Class2D(fn_img=made("extract", ".star"), nr_classes=2, nr_iter=5, particle_diameter=230))
    run("select", Select(fn_model=made("classes", "_model.star"), do_class_ranker=True, select_nr_classes=1))
    return Chain(relion, project, movies, jobs)


# --- RELION goes on from ours ------------------------------------------------------------------------------------


def test_relion_aligns_what_we_imported(chain: Chain) -> None:
    """RELION's global shifts are up to 1.3 px from ours; ours are the nearer ones to the truth."""
    chain.theirs(
        "run_motioncorr",
        "--i",
        chain.made("import", ".star"),
        "--o",
        "MotionCorr/job100/",
        "--use_own",
        *GAIN,
        *ALIGNED,
    )
    corrected = read_particles(chain.directory / "MotionCorr/job100/corrected_micrographs.star", kind="micrographs")
    names = corrected.particles["rlnMicrographMetadata"].tolist()
    for name, truth in zip(names, chain.movies.motions, strict=True):
        true = read_motion(truth).shifts
        ours = read_motion(chain.directory / name.replace("MotionCorr/job100", chain.jobs["motion"].name)).shifts
        theirs = read_motion(chain.directory / name).shifts
        assert np.abs(ours - theirs).max() < 2.5
        assert np.std(ours - true) < np.std(theirs - true)
    ours, theirs = (
        read_image(chain.directory / place / "Movies/mov001.mrc")
        for place in (chain.jobs["motion"].name, "MotionCorr/job100")
    )
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.5  # 0.68, weighted by dose and differently aligned


@pytest.mark.parametrize("stage", ["motion", "ctf"])
def test_relion_finds_blobs_on_our_micrographs(chain: Chain, stage: str) -> None:
    place = f"AutoPick/job10{len(stage)}/"
    chain.theirs(
        "autopick", "--i", chain.made(stage, ".star"), "--odir", place, "--LoG", "--LoG_diam_min", "140", "--LoG_diam_max", "210"
    )  # fmt: skip
    assert len(read_coordinates(chain.directory / place / "Movies/mov001_autopick.star")) > 10


def test_relion_finds_our_class_averages_where_we_do(chain: Chain) -> None:
    """Of the better half of RELION's picks, 65 % lie within 8 px of one of ours: its scores of 61 particles are near noise."""
    given = [
        "--i",
        chain.made("ctf", ".star"),
        "--ref",
        chain.made("select", "averages.star"),
        "--particle_diameter",
        "230",
    ]
    more = ["--min_distance", "147", "--max_stddev_noise", "1.1", *FOUND]
    chain.theirs("autopick", *given, *more, "--odir", "AutoPick/job110/")
    chain.ours("autopick", *given, *more, "--odir", "AutoPick/job111/")
    near = []
    for number in (1, 2):
        ours, theirs = (
            read_coordinates(chain.directory / f"AutoPick/job11{side}/Movies/mov00{number}_autopick.star")
            for side in (1, 0)
        )
        best = theirs.rows(np.argsort(-theirs["rlnAutopickFigureOfMerit"])[: max(len(theirs) // 2, 1)])
        a, b = (np.stack([table["rlnCoordinateX"], table["rlnCoordinateY"]], axis=1) for table in (best, ours))
        near += (np.linalg.norm(a[:, None] - b[None], axis=2).min(axis=1) < 8).tolist()
    assert np.mean(near) > 0.5


def test_relion_extracts_the_same_images_from_our_lists(chain: Chain) -> None:
    """Largest difference 2e-6 of the background's deviation."""
    picks = ["--coord_dir", f"{chain.jobs['blobs'].name}/", "--coord_suffix", "_autopick.star"]
    place = ["--part_dir", "Extract/job120/", "--part_star", "Extract/job120/particles.star"]
    chain.theirs("preprocess", "--i", chain.made("ctf", ".star"), *CUT.split(), *picks, *place)
    np.testing.assert_allclose(chain.images(chain.made("extract", ".star")), chain.images(place[-1]), atol=1e-5)
    ours, theirs = chain.particles(chain.made("extract", ".star")), chain.particles("Extract/job120/particles.star")
    assert ours.optics == theirs.optics
    assert ours.particles.labels == theirs.particles.labels


@pytest.mark.parametrize(("stage", "ending"), [("extract", ".star"), ("select", "particles.star")])
def test_relion_sorts_our_particles(chain: Chain, stage: str, ending: str) -> None:
    said = chain.theirs("refine", "--i", chain.made(stage, ending), "--o", "Class2D/job130/run", *SORTED.split())
    assert "not been normalised" not in said
    assert len(chain.particles("Class2D/job130/run_it002_data.star")) == len(chain.particles(chain.made(stage, ending)))


def test_relion_goes_on_from_our_classes(chain: Chain) -> None:
    optimiser = chain.made("classes", "optimiser.star")
    chain.theirs("refine", "--continue", optimiser, "--o", "Class2D/job131/run", "--iter", "6")
    assert (chain.directory / "Class2D/job131/run_it006_data.star").exists()


def test_relion_puts_our_classes_back_into_the_micrographs(chain: Chain) -> None:
    given = ["--i", chain.made("ctf", ".star"), "--opt", chain.made("classes", "optimiser.star")]
    chain.theirs("particle_reposition", *given, "--odir", "Repos/", "--o", "back", "--invert", "--ctf")
    assert read_image(chain.directory / "Repos/Movies/mov001_back.mrc").std() > 0


@pytest.mark.parametrize(
    ("stage", "ending"),
    [("import", ".star"), ("motion", "micrographs.star"), ("ctf", ".star"), ("extract", ".star"), ("classes", "_data.star"), ("select", "particles.star")],
)  # fmt: skip
def test_relion_handles_our_lists_without_loss(chain: Chain, stage: str, ending: str) -> None:
    given = chain.made(stage, ending)
    chain.theirs("star_handler", "--i", given, "--o", "handled.star", "--select", "rlnOpticsGroup", "--minval", "0")
    before, after = read_star(chain.directory / given), read_star(chain.directory / "handled.star")
    assert list(before) == list(after)
    for name, table in before.items():
        assert set(table.labels) == set(after[name].labels)
        for label in table.labels:
            if table[label].dtype.kind == "f":
                np.testing.assert_allclose(after[name][label], table[label], rtol=1e-5, atol=1e-5)
            else:
                assert after[name][label].tolist() == table[label].tolist()


# --- polishing ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def polished(chain: Chain) -> dict[str, str]:
    """The lists of RELION's polishing from our motion files and from its own: particles of known orientations, half-maps
    that are the truth with noise."""
    here = chain.directory
    if not (here / "MotionCorr/job100/corrected_micrographs.star").exists():
        test_relion_aligns_what_we_imported(chain)
    density, size = read_map(chain.movies.maps[0])
    for half in (1, 2):
        noise = np.random.default_rng(half).normal(0, density.std(), density.shape)
        write_map(here / f"half{half}.mrc", (density + noise).astype(np.float32), pixel_size=size)
    away = np.sqrt(((np.indices(density.shape) - density.shape[0] // 2) ** 2).sum(axis=0))
    write_map(here / "mask.mrc", np.clip((120 / size - away) / 4, 0, 1).astype(np.float32), pixel_size=size)
    chain.theirs(
        "postprocess",
        "--i",
        "half1.mrc",
        "--i2",
        "half2.mrc",
        "--mask",
        "mask.mrc",
        "--o",
        "PostProcess/job140/post",
        "--angpix",
        str(size),
    )
    truth = chain.particles(chain.movies.particles.relative_to(here).as_posix())
    truth = truth.rows(np.flatnonzero(truth.particles["rlnClassNumber"] == 1))
    stars = {}
    for side, place in (("ours", chain.jobs["motion"].name), ("theirs", "MotionCorr/job100")):
        names = [f"{place}/{name}" for name in truth.particles["rlnMicrographName"].tolist()]
        subset = np.arange(len(truth)) % 2 + 1
        write_particles(here / f"{side}.star", truth.with_columns(rlnMicrographName=names, rlnRandomSubset=subset))
        mics = f"{place}/corrected_micrographs.star"
        cut = ["--part_dir", f"Extract/{side}/", "--part_star", f"Extract/{side}/particles.star"]
        chain.ours("preprocess", "--i", mics, "--reextract_data_star", f"{side}.star", *CUT.split(), *cut)
        maps = ["--m1", "half1.mrc", "--m2", "half2.mrc", "--mask", "mask.mrc", "--f", "PostProcess/job140/post.star"]
        fit = ["--s_vel", "0.6", "--s_div", "5000", "--s_acc", "2", "--combine_frames", "--bfac_minfreq", "40"]
        chain.theirs(
            "motion_refine", "--i", cut[-1], "--corr_mic", mics, *maps, *fit, "--o", f"Polish/{side}/", "--j", "2"
        )
        stars[side] = f"Polish/{side}/shiny.star"
    return stars


def test_relion_polishes_from_our_motion_files_as_from_its_own(chain: Chain, polished: dict[str, str]) -> None:
    """The shiny images of both correlate at 0.85 (median): both are noise but for the particles, and the tracks differ, as
    RELION's start is up to 1.3 px off."""
    ours, theirs = (chain.images(polished[side]) for side in ("ours", "theirs"))
    same = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(ours, theirs, strict=True)]
    assert np.median(same) > 0.8
    assert chain.particles(polished["ours"]).optics["rlnImagePixelSize"].tolist() == [PIXEL]


def test_we_sort_relions_polished_particles(chain: Chain, polished: dict[str, str]) -> None:
    chain.ours("refine", "--i", polished["ours"], "--o", "Class2D/job141/run", *SORTED.split())


# --- we go on from RELION's --------------------------------------------------------------------------------------


def test_we_go_on_from_relions_movies_to_classes(chain: Chain) -> None:
    """RELION's list of movies, micrographs, picks and particles, each read by our next program."""
    chain.theirs(
        "import",
        "--do_movies",
        "--i",
        "Movies/*.tiff",
        "--odir",
        "Import/job200/",
        "--ofile",
        "movies.star",
        "--angpix",
        "3",
    )
    assert read_star(chain.directory / "Import/job200/movies.star") == read_star(
        chain.directory / chain.made("import", ".star")
    )
    chain.theirs(
        "run_motioncorr", "--i", "Import/job200/movies.star", "--o", "MotionCorr/job201/", "--use_own", *GAIN, *ALIGNED
    )
    corrected = "MotionCorr/job201/corrected_micrographs.star"
    chain.ours("run_ctffind", "--i", corrected, "--o", "CtfFind/job202/", "--ResMin", "30", "--ResMax", "6.6")
    found = read_star(chain.directory / "CtfFind/job202/micrographs_ctf.star")["micrographs"]
    truth = read_star(chain.movies.micrographs)["micrographs"]
    assert np.abs(found["rlnDefocusU"] - truth["rlnDefocusU"]).max() < 600
    blobs = ["--LoG", "--LoG_diam_min", "140", "--LoG_diam_max", "210"]
    chain.ours("autopick", "--i", corrected, "--odir", "AutoPick/job203/", *blobs)
    chain.theirs("autopick", "--i", "CtfFind/job202/micrographs_ctf.star", "--odir", "AutoPick/job204/", *blobs)
    picks = ["--coord_dir", "AutoPick/job204/", "--coord_suffix", "_autopick.star"]
    cut = ["--part_dir", "Extract/job205/", "--part_star", "Extract/job205/particles.star"]
    chain.ours("preprocess", "--i", "CtfFind/job202/micrographs_ctf.star", *CUT.split(), *picks, *cut)
    cut = ["--part_dir", "Extract/job206/", "--part_star", "Extract/job206/particles.star"]
    chain.theirs("preprocess", "--i", "CtfFind/job202/micrographs_ctf.star", *CUT.split(), *picks, *cut)
    np.testing.assert_allclose(chain.images("Extract/job205/particles.star"), chain.images(cut[-1]), atol=1e-5)
    chain.ours("refine", "--i", cut[-1], "--o", "Class2D/job207/run", *SORTED.split())
    assert len(chain.particles("Class2D/job207/run_it002_data.star")) == len(chain.particles(cut[-1]))


# --- the pipeliner -----------------------------------------------------------------------------------------------


def test_we_run_what_relions_pipeliner_scheduled(chain: Chain) -> None:
    """RELION's form labels name the options; the job goes into the pipeline behind ours and is run by ours."""
    (chain.directory / "before.star").write_bytes((chain.directory / "default_pipeline.star").read_bytes())
    labels = {
        "Extract": {
            "micrograph STAR file: ": chain.made("ctf", ".star"),
            "Input coordinates: ": chain.made("blobs", ".star"),
            "Particle box size (pix):": str(BOX),
            "Diameter background circle (pix): ": "80",
        },
        "AutoPick": {
            "Input micrographs for autopick:": chain.made("ctf", ".star"),
            "OR: use Laplacian-of-Gaussian?": "Yes",
            "Min. diameter for LoG filter (A)": "140",
            "Max. diameter for LoG filter (A)": "210",
        },
    }
    for kind, options in labels.items():
        given = ";".join(f"{label} == {value}" for label, value in options.items())
        chain.theirs("pipeliner", "--addJob", kind, "--addJobOptions", given)
        job = chain.project.jobs()[-1]
        assert job.state == "scheduled"
        assert run_job(job.path) == "finished", job.message
        chain.theirs("pipeliner", "--check_job_completion")
        assert chain.project.job(job.name).state == "finished"
        if kind == "Extract":
            ours, theirs = chain.images(chain.made("extract", ".star")), chain.images(f"{job.name}/particles.star")
            np.testing.assert_allclose(theirs, ours, atol=1e-6)


def test_relion_runs_what_we_scheduled_on_our_results(chain: Chain) -> None:
    """relion_pipeliner --RunJobs on our job.star of an Extract: RELION's particles are ours."""
    wanted = Extract(star_mics=chain.made("ctf", ".star"), coords_suffix=chain.made("blobs", ".star"), extract_size=BOX)
    job = chain.project.add(wanted)
    chain.theirs("pipeliner", "--RunJobs", f"{job.name}/", "--schedule", "once", "--sec_wait_after", "1")
    assert job.state == "finished"
    assert "relion_preprocess" in job.notes()
    ours, theirs = chain.images(chain.made("extract", ".star")), chain.images(f"{job.name}/particles.star")
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    shutil.rmtree(chain.directory / ".schedule", ignore_errors=True)
