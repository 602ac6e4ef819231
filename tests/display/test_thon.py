"""The pictures of CTF estimation."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display import compare_ctf, ctf_profile, pictures, show, thon_rings, to_bokeh, write_logfile
from relionlab.display.render import to_matplotlib
from relionlab.errors import InputError, NodeError
from relionlab.io.particles import write_particles
from relionlab.jobs.ctf.compare_program import CompareCtf
from tests.jobs.listening import Listening
from tests.jobs.test_ctffind import here, image, result, root, run  # noqa: F401 - fixtures


def test_a_job_has_its_pictures_and_logfile(here):  # noqa: F811
    run(here)
    folder = here / "CtfFind/job003"
    drawn = pictures(folder)
    assert [one.title for one in drawn] == ["CTF of all micrographs", "Thon rings", "Profiles"]
    for one in drawn:
        assert to_bokeh(one) is not None
    assert write_logfile(folder).read_bytes().startswith(b"%PDF")
    assert "2 micrographs" in show(folder).caption
    assert to_matplotlib(ctf_profile(f"{root(here)}_avrot.txt", resolution=4.0)) is not None
    root(here, "mic1.ctf").unlink()
    assert [one.title for one in pictures(folder)] == ["CTF of all micrographs", "Profiles"]


def test_two_estimates_are_compared(here):  # noqa: F811
    run(here)
    mine = result(here)
    other = mine.with_columns(
        rlnDefocusU=mine.particles["rlnDefocusU"] + 250, rlnDefocusV=mine.particles["rlnDefocusV"] + 250
    )
    write_particles(here / "other.star", other)
    drawn = compare_ctf(here / "CtfFind/job003", here / "other.star")
    assert "median |difference| of the defocus 250 Å" in drawn.caption
    assert f"{np.sqrt(2 * 0.0196875 * 250):.1f} Å" in drawn.caption
    assert to_matplotlib(drawn) is not None
    renamed = other.with_columns(rlnMicrographName=["x.mrc", "y.mrc"])
    write_particles(here / "renamed.star", renamed)
    with pytest.raises(InputError, match="no micrograph in common"):
        compare_ctf(here / "other.star", here / "renamed.star")


def test_the_programs_folder_is_drawn(here):  # noqa: F811
    run(here)
    found = CompareCtf.from_flags(
        ["--i", "CtfFind/job003/micrographs_ctf.star", "--with", "CtfFind/job003/Movies/mic?.txt"]
    )
    found.run(Listening(here))
    (drawn,) = pictures(here / "CtfCompared")
    assert "2 micrographs" in drawn.caption
    assert to_matplotlib(drawn) is not None


def test_missing_lists_are_named(here):  # noqa: F811
    with pytest.raises(NodeError, match="CtfFind job that has finished"):
        thon_rings(here)
