"""A detector's name where a form or a flag takes an MTF: the file is in the project, and every table names the file."""

from __future__ import annotations

import pytest

from relionlab.errors import NodeError
from relionlab.io.detectors import detector
from relionlab.io.star import read_star
from relionlab.jobs.importing.job import Import
from relionlab.jobs.importing.program import ImportFiles
from relionlab.jobs.job_star import read_job_file
from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.maps.postprocess_program import Postprocess
from relionlab.jobs.options.detector import put_mtf
from tests.jobs.listening import Listening

PLACE = "MTF/k2_300kV.star"


@pytest.mark.parametrize("job", [PostProcess, LocalRes, Import])
def test_a_name_becomes_a_place_in_the_project(job):
    assert job(fn_mtf="K2_300kv").fn_mtf == PLACE
    for as_it_is in ("", "k2_300kV.star", "there/k2_300kV", PLACE, "falcon9"):
        assert job(fn_mtf=as_it_is).fn_mtf == as_it_is


def test_flags_take_names_too():
    assert Postprocess.from_flags(["--mtf", "k3_cds_200kV"]).fn_mtf == "MTF/k3_cds_200kV.star"
    assert ImportFiles.from_flags(["--optics_group_mtf", "k2_300kV"]).optics_group_mtf == PLACE


def test_a_jobs_file_names_a_file_that_is_there_before_it_runs(project):
    (project.directory / "half1.mrc").touch()
    (project.directory / "mask.mrc").touch()
    added = project.add(PostProcess(fn_in="half1.mrc", fn_mask="mask.mrc", fn_mtf="k2_300kV"))
    assert read_job_file(added.path).job.fn_mtf == PLACE
    assert (project.directory / PLACE).read_bytes() == detector("k2_300kV").path.read_bytes()
    assert f"--mtf {PLACE}" in str(added.job.commands("PostProcess/job001/")[0])


def test_the_projects_own_file_stays(tmp_path):
    (tmp_path / "MTF").mkdir()
    (tmp_path / PLACE).write_text("mine")
    assert put_mtf(tmp_path, PLACE) == ""
    assert (tmp_path / PLACE).read_text() == "mine"
    assert put_mtf(tmp_path, "other/k2_300kV.star") == ""
    assert not (tmp_path / "other").exists()


def test_optics_tables_name_the_file(tmp_path):
    (tmp_path / "m1.mrcs").touch()
    flags = ["--do_movies", "--ignore_headers", "--i", "*.tbl", "--odir", "Import/job001/", "--ofile", "movies.star"]
    (tmp_path / "m1.tbl").touch()
    context = Listening(tmp_path)
    ImportFiles.from_flags([*flags, "--optics_group_mtf", "k3_300kV"]).run(context)
    optics = read_star(tmp_path / "Import/job001/movies.star")["optics"]
    assert optics["rlnMtfFileName"].tolist() == ["MTF/k3_300kV.star"]
    assert (tmp_path / "MTF/k3_300kV.star").exists()
    assert any("Gatan K3, standard counting, 300 kV" in line for line in context.said)


@pytest.mark.parametrize("flags", [[], ["--locres"]])
def test_an_unknown_name_is_answered_with_the_known_ones_before_the_work(tmp_path, flags):
    program = Postprocess.from_flags(["--i", "none.mrc", "--mtf", "k2_3000kV", *flags])
    with pytest.raises(NodeError, match=r"k2_3000kV.*does not exist.*k2_200kV, k2_300kV, k3_200kV"):
        program.run(Listening(tmp_path))
