"""A disk without room, outside a job: a program ends in words, and what it wrote before can be gone on with."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

from relionlab import cli
from relionlab.io.disk import file_trouble
from relionlab.io.star import read_star
from relionlab.jobs.refinement.program import Refine
from tests.jobs.refine3d_runs import arguments

ROOM = 100_000
"""Bytes: tables fit, a map of 32 px (131,200) does not."""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))


def test_a_limit_of_file_sizes_ends_a_program_in_words(tiny):
    package = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "relionlab", "refine", *arguments("Class3D", "--K", "1", "--iter", "1")],
        env={**os.environ, "PYTHONPATH": package, "RELIONLAB_EXECUTOR": "inline"},
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("relionlab: ")]
    for word in ("larger than it may", "ulimit -f", "--continue"):
        assert word in said
    assert "Traceback" not in done.stderr
    assert not list(tiny.glob("**/.writing_*"))
    for star in tiny.glob("Class3D/**/*.star"):
        read_star(star)


def test_a_full_disk_ends_a_program_in_words(tmp_path, monkeypatch, capsys):
    def full(program, context):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "Class3D/run_it001_data.star")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Refine, "run", full)
    given = ["refine", "--i", "particles.star", "--o", "run", "--pipeline_control", "job/"]
    assert cli.main(given) == 1
    said = capsys.readouterr().err
    assert f"The disk of {tmp_path} is full" in said
    assert "make room" in said
    assert "--continue" in said
    assert Path("job/RELION_JOB_EXIT_FAILURE").exists()
    with monkeypatch.context() as patched:
        patched.setenv("RELIONLAB_TRACEBACK", "1")
        assert cli.main(given) == 1
    assert "No space left" in capsys.readouterr().err


def test_other_trouble_names_the_file():
    error = OSError(errno.EACCES, os.strerror(errno.EACCES), "particles.star")
    said = file_trouble(error, Path("/project"), then="continue the job")
    assert "Permission denied" in said
    assert "particles.star" in said
