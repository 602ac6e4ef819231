"""Real jobs that work micrograph by micrograph, killed or told to end in the middle, go on to the same result, bit for bit."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import write_image, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.base import Job
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.motion.job import MotionCorr
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.project import JobDirectory, Project
from relionlab.project.process_record import ProcessRecord
from relionlab.project.progress import PROCESS_FILE

COUNT, SIDE, PIXEL = 8, 384, 3.0
RAW = [f"Micrographs/mic{number}.mrc" for number in range(COUNT)]
MOVIES = [f"Movies/mic{number}.mrcs" for number in range(COUNT)]
PICKS = "Pick/coords_suffix_pick.star"
_TOLD = {"run.out", "run.err", "note.txt", "progress.json", "default_pipeline.star", "job_pipeline.star", "job.star"}
"""What tells how it went, and may differ."""

JOBS: dict[str, tuple[Job, str]] = {
    "motion": (MotionCorr(input_star_mics="movies.star", patch_x=2, patch_y=2, bfactor=150), "Movies/mic{}.star"),
    "ctf": (CtfFind(input_star_mics="mics.star", box=256, resmin=60, resmax=8, dfmax=20000), "Micrographs/mic{}_ctffind4.log"),
    "blobs": (
        AutoPick(fn_input_autopick="mics.star", do_log=True, log_diam_min=90, log_diam_max=130),
        "Micrographs/mic{}_autopick.star",
    ),
    "templates": (
        AutoPick(fn_input_autopick="mics.star", fn_refs_autopick="refs.mrcs", psi_sampling_autopick=20, do_ctf_autopick=False),
        "Micrographs/mic{}_autopick.star",
    ),
    "extract": (
        Extract(star_mics="mics.star", coords_suffix=PICKS, extract_size=128, do_rescale=True, rescale=96, white_dust=4),
        "Micrographs/mic{}_extract.star",
    ),
}  # fmt: skip
"""A job, and the file that says that it is done with a micrograph."""


def told(number: int) -> Callable[[JobDirectory], None]:
    return lambda job: os.kill(ProcessRecord.read(job.path / PROCESS_FILE).pid, number)


ENDS: dict[str, tuple[Callable[[JobDirectory], object], str, str]] = {
    "SIGKILL": (told(signal.SIGKILL), "failed", "was killed"),
    "SIGTERM": (told(signal.SIGTERM), "aborted", "told to end"),
    "Ctrl-C": (told(signal.SIGINT), "aborted", "interrupted at the keyboard"),
    "abort": (lambda job: job.abort(), "aborted", "somebody asked"),
}
"""How a job is ended: by what, the state in which it is left, and what is said."""


@pytest.fixture(autouse=True)
def hears_ctrl_c():
    """Let processes hear Ctrl-C, which a shell's background jobs, as this may be one of, are started deaf to."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def filled(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with movies, micrographs, picks and two templates."""
    monkeypatch.setenv("RELIONLAB_EXECUTOR", "inline")
    rng, place = np.random.default_rng(0), project.directory
    y, x = np.mgrid[:SIDE, :SIDE]
    for raw, movie in zip(RAW, MOVIES, strict=True):
        spots = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / 200) for a, b in rng.uniform(40, SIDE - 40, (8, 2)))
        frames = rng.poisson(2 - spots, (6, SIDE, SIDE)).astype(np.float32)
        write_stack(place / movie, frames, pixel_size=PIXEL)
        write_image(place / raw, frames.sum(axis=0), pixel_size=PIXEL)
        picks = {f"rlnCoordinate{axis}": rng.uniform(-10, SIDE + 10, 150) for axis in "XY"}
        write_star(place / f"Pick/Micrographs/{Path(raw).stem}_pick.star", [Table(picks)])
    (place / PICKS).write_text("mics.star\n")
    discs = np.stack([np.exp(-((x[:64, :64] - 32) ** 2 + (y[:64, :64] - 32) ** 2) / w) for w in (150, 300)])
    write_stack(place / "refs.mrcs", discs.astype(np.float32), pixel_size=PIXEL)
    for kind, label, names in (("movies", "rlnMicrographMovieName", MOVIES), ("micrographs", "rlnMicrographName", RAW)):
        optics = {
            "rlnOpticsGroupName": ["one"], "rlnOpticsGroup": [1], "rlnMicrographPixelSize": [PIXEL], "rlnVoltage": [300.0],
            "rlnMicrographOriginalPixelSize": [PIXEL], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
        }  # fmt: skip
        rows = Table({label: names, "rlnOpticsGroup": [1] * COUNT}, name=kind)
        write_star(place / f"{'movies' if kind == 'movies' else 'mics'}.star", [Table(optics, name="optics"), rows])
    return project


def results(job: JobDirectory) -> dict[str, bytes]:
    """Return the result files; RELION's markers, logs and what a killed process left half-written are none."""
    return {
        path.relative_to(job.path).as_posix(): path.read_bytes()
        for path in sorted(job.path.rglob("*"))
        if path.is_file()
        and path.name not in _TOLD
        and not path.name.startswith((".writing_", ".progress.json.", "RELION_"))
    }


def ended_in_the_middle(job: JobDirectory, made: str, end: Callable[[JobDirectory], object]) -> int:
    """Start the job, end it after its second micrograph, and return how many are done."""
    places = [job.path / made.format(number) for number in range(COUNT)]
    job.start()
    deadline = time.monotonic() + 120
    while not places[1].exists():
        assert job.state == "running", job.message
        assert time.monotonic() < deadline
        time.sleep(0.002)
    end(job)
    while job.state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return sum(place.exists() for place in places)


def goes_on_to_the_same(project: Project, wanted: Job, made: str, how: str, tmp_path: Path) -> None:
    end, state, words = ENDS[how]
    shutil.copytree(project.directory, tmp_path / "undisturbed")
    job = project.add(wanted)
    done = ended_in_the_middle(job, made, end)
    assert 2 <= done < COUNT, "it was not ended in the middle"
    assert job.state == state, job.message
    assert words in job.message
    assert "Traceback" not in job.warnings()
    assert "left out" not in job.warnings()
    assert job.continue_with().wait(240) == "finished", job.message
    assert f"{done} of {COUNT} " in job.log()
    whole = Project.open(tmp_path / "undisturbed").run(wanted, wait=True)
    assert whole.state == "finished", whole.message
    assert whole.name == job.name
    assert results(job) == results(whole)


def test_a_killed_job_goes_on_to_the_same_result(filled: Project, tmp_path: Path) -> None:
    goes_on_to_the_same(filled, *JOBS["extract"], "SIGKILL", tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("kind", JOBS)
def test_each_job_goes_on_to_the_same_result(filled: Project, kind: str, how: str, tmp_path: Path) -> None:
    goes_on_to_the_same(filled, *JOBS[kind], how, tmp_path)
