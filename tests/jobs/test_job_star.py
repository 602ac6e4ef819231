"""job.star and run.job, of every dialect, both ways."""

from __future__ import annotations

import pytest

from relionlab.errors import JobStateError, ParameterError, StarError
from relionlab.io.star import read_star
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.importing.job import Import
from relionlab.jobs.job_star import read_job, read_job_file, write_job
from relionlab.jobs.process_types import process_type
from relionlab.jobs.registry import job_type, job_types
from relionlab.jobs.selecting.select import Select

BETA_LACKS = {"allow_coarser", "do_save_noDW", "do_save_ps", "eer_grouping", "relax_sym", "skip_gridding"}
"""What RELION 3.1.3 writes but its beta, from which the tutorial's files are, did not know yet."""


def job_files(shared_data):
    return sorted(shared_data.rglob("*job.star"))


def options(path):
    table = read_star(path)["joboptions_values"]
    return dict(zip(table["rlnJobOptionVariable"].tolist(), table["rlnJobOptionValue"].tolist(), strict=True))


def same(one, other):
    """Equal as text, as numbers, or (RELION 3.1's beta) with blanks as two underscores."""
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other or one.replace("__", " ") == other


def test_every_job_file_round_trips(shared_data, tmp_path):
    files = job_files(shared_data)
    assert len(files) > 30
    for path in files:
        read = read_job_file(path)
        place = tmp_path / "job.star"
        write_job(place, read.job, dialect=read.dialect, is_continue=read.is_continue, is_tomo=read.is_tomo)
        before, after = options(path), options(place)
        assert set(after) - set(before) <= BETA_LACKS, path
        assert not set(before) - set(after), path
        wrong = {key: (before[key], after[key]) for key in before if not same(before[key], after[key])}
        assert not wrong, (path, wrong)
        again = read_job_file(place)
        assert again == read, path
        old, new = read_star(path)["job"], read_star(place)["job"]
        for label in new.labels:
            assert new.value(label) == old.value(label), (path, label)


def test_every_run_job_is_read(shared_data):
    files = sorted(shared_data.rglob("run.job"))
    assert len(files) > 8
    for path in files:
        job = read_job(path)
        assert job.job_options()
        beside = path.parent / "job.star"
        if beside.exists() and not isinstance(job, ForeignJob):
            assert job.changed(extra=()) == read_job(beside).changed(extra=()), path


def test_declared_types_are_read_as_themselves(shared_data):
    job = read_job(shared_data / "relion31_tutorial_meta/Select/job014")
    assert isinstance(job, Select)
    assert job.fn_model == "Class2D/job013/run_it025_model.star"
    split = read_job_file(shared_data / "empiar10204_betagal_relion5/Select/job007")
    assert (split.dialect, split.job.label(), split.job.split_size) == ("5", "relion.select.split", 10)


def test_unknown_variables_are_kept(tmp_path):
    place = tmp_path / "job.star"
    write_job(place, Import(extra=(("qsub_extra1", "12"),)))
    assert options(place)["qsub_extra1"] == "12"
    assert read_job(place).extra == (("qsub_extra1", "12"),)


def test_what_an_old_relion_does_not_know_is_written_only_when_set():
    assert "classes" not in Select().job_options("3.1")
    assert "rank_threshold" not in Select().job_options("3.1")
    assert "rank_threshold" in Select().job_options("4")
    assert Select(classes="1,2", rank_threshold=0.7).job_options("3.1").keys() >= {"classes", "rank_threshold"}


def test_dialects_name_the_type_differently(tmp_path):
    place = tmp_path / "job.star"
    write_job(place, Import(), dialect="3.1")
    assert read_star(place)["job"].value("rlnJobType") == 0
    assert "# version 30001" in place.read_text()
    write_job(place, Import(), dialect="5", is_continue=True)
    assert read_star(place)["job"].value("rlnJobTypeLabel") == "relion.import.movies"
    assert "# version 50001" in place.read_text()
    assert read_job_file(place).is_continue


def test_foreign_jobs_say_that_they_cannot_run():
    job = ForeignJob(job_type="9", options=(("fn_img", "x.star"),))
    assert (job.label(), job.process().folder, job.value("fn_img")) == ("relion.class3d", "Class3D", "x.star")
    with pytest.raises(JobStateError, match=r"cannot run relion.class3d"):
        job.commands("Class3D/job001/")
    with pytest.raises(ParameterError, match=r"no variable 'nothing'; it has fn_img"):
        job.value("nothing")


def test_types_of_later_relions_do_not_fit_into_31(tmp_path):
    with pytest.raises(ParameterError, match=r"does not exist in RELION 3\.1"):
        write_job(tmp_path / "job.star", ForeignJob(job_type="relion.dynamight"))


def test_wrong_files_are_said(tmp_path):
    with pytest.raises(StarError, match=r"no job.star and no run.job"):
        read_job(tmp_path)
    with pytest.raises(StarError, match=r"does not exist"):
        read_job(tmp_path / "job.star")
    (tmp_path / "x.star").write_text("data_other\nloop_\n_rlnImageName\n1@a.mrcs\n")
    with pytest.raises(StarError, match=r"no table data_job"):
        read_job(tmp_path / "x.star")
    place = write_job(tmp_path / "job.star", Import())
    place.write_text(place.read_text().replace(" 2.7", " wide"))
    with pytest.raises(ParameterError, match=r"job.star: Spherical aberration .* is 'wide'"):
        read_job(place)


@pytest.mark.parametrize("name", ["relion.select", "relion.select.split", 7, "7", "Select", "Select/job004/", "select"])
def test_types_are_found_by_any_name(name):
    assert job_type(name) is Select


def test_unknown_types_are_said():
    with pytest.raises(ParameterError, match=r"no job type 'Nothing'"):
        process_type("Nothing")
    with pytest.raises(ParameterError, match=r"relionlab cannot run yet"):
        job_type("CtfRefine")
    assert "relion.import" in job_types()
