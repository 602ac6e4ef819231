"""The pictures of CTF estimation."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display import compare_ctf, ctf_profile, pictures, show, thon_rings, to_bokeh, write_logfile
from relionlab.display.defocus import acquisition_order
from relionlab.display.plots import plots_of
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


def test_fit_of_one_micrograph_and_defocus_over_time(here):  # noqa: F811
    run(here)
    plots = {plot.name: plot for plot in plots_of(here / "CtfFind/job003")}
    assert list(plots) == ["CTF of a micrograph", "Defocus over time", "CTF of all micrographs"]
    one = plots["CTF of a micrograph"]
    assert len(one.members) == 2
    assert [picture.title for picture in one.draw(1)] == ["Thon rings", "Profile"]
    assert "2 micrographs, defocus" in plots["Defocus over time"].draw(0)[0].caption
    for name in one.members:
        for kind in (".ctf", "_avrot.txt"):
            root(here, f"{name}{kind}").unlink()
    with pytest.raises(NodeError, match="are gone"):
        one.draw(0)


def test_numbers_in_names_are_compared_as_numbers():
    names = ["mic_10", "mic_9", "late_1", "mic_100_a"]
    assert acquisition_order(names).tolist() == [2, 1, 0, 3]


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
