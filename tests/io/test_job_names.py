"""Names of files below a job."""

from __future__ import annotations

import pytest

from relionlab.io.job_names import as_folder, output_root, root_below_job, without_job


@pytest.mark.parametrize(
    ("name", "below", "root"),
    [
        ("MotionCorr/job002/Movies/a.mrc", "Movies/a.mrc", "Movies/a"),
        ("data/D/mic00.mrc", "data/D/mic00.mrc", "data/D/mic00"),
        ("MotionCorr/job1002/Movies/a.b.mrc", "Movies/a.b.mrc", "Movies/a.b"),
        ("/there/Old_Job/job002/a.mrc.gz", "a.mrc.gz", "a"),
        ("/absolute/a.mrc", "/absolute/a.mrc", "absolute/a"),
        ("../elsewhere/./a.mrc", "../elsewhere/./a.mrc", "elsewhere/a"),
        ("Movies/job12/a.mrc", "Movies/job12/a.mrc", "Movies/job12/a"),  # two digits are no job
    ],
)
def test_names_without_their_job(name: str, below: str, root: str):
    assert without_job(name) == below
    assert root_below_job(name) == root
    assert output_root("CtfFind/job003", name) == output_root("CtfFind/job003/", name) == f"CtfFind/job003/{root}"


def test_folders_end_with_a_slash():
    assert (as_folder("a"), as_folder("a/"), as_folder("")) == ("a/", "a/", "")
