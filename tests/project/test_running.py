from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import AbortedError, JobStateError, NodeError, ParameterError, ProjectError
from relionlab.io.images import write_map
from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.project import JobDirectory
from relionlab.project.process_record import ProcessRecord
from relionlab.project.progress import PROCESS_FILE, Progress
from relionlab.project.running import JobContext, run_job
from tests.waiting import until

HERE = Path(__file__).parent


def working(job: JobDirectory) -> bool:
    told = job.progress()
    return told is not None and told.done >= 1


def kill(job: JobDirectory) -> None:
    os.kill(ProcessRecord.read(job.path / PROCESS_FILE).pid, signal.SIGKILL)


def test_a_job_runs_in_its_own_process_and_leaves_what_relion_leaves(project, pretending, start):
    job = start(project.add(pretending(steps=4), alias="first try"))
    assert job.wait(60) == "finished"
    assert (job.path / "RELION_JOB_EXIT_SUCCESS").exists()
    assert "beginning at step 0" in job.log()
    assert job.warnings() == "a warning\n"
    assert job.message == ""
    assert (job.progress().done, job.progress().total, job.progress().what) == (4, 4, "steps")
    assert job.progress().fraction == 1
    assert re.fullmatch(
        r"\n \+\+\+\+ Executing new job on \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n"
        r" \+\+\+\+ with the following command\(s\): \n"
        r"relionlab pretend --o External/job001/ --steps 4 --seconds 0 --fate finish\n \+\+\+\+ \n",
        job.notes(),
    )
    assert project.pipeline.process("first_try").state == "finished"
    assert (project.directory / "External/first_try/particles.star").exists()
    assert (project.directory / ".Nodes/3/External/first_try/particles.star").exists()
    assert [node.path for node in job.outputs] == ["External/job001/particles.star"]
    leftovers = {"default_pipeline.star", "job_pipeline.star", "job.star", "run.out", "run.err", "note.txt"}
    assert leftovers <= {path.name for path in job.path.iterdir()}
    assert not (job.path / PROCESS_FILE).exists()


@pytest.mark.parametrize(
    ("fate", "words"),
    [
        ("refuse", r"^The reference has 3 px, the particles 4 px: rescale one of them\.$"),
        ("crash", r"unforeseen ZeroDivisionError: one by nothing.*run.err tells where"),
        ("memory", r"not enough memory"),
        ("full", r"disk of .* is full, or your quota.*then continue the job"),
        ("lose", r"without writing External/job001/particles.star"),
        ("vanish", r"process \d+ on .* ended without saying why.*Continue the job"),
    ],
)
def test_a_job_that_fails_says_why(project, pretending, start, fate, words):
    job = start(project.add(pretending(fate=fate)))
    assert job.wait(60) == "failed"
    assert re.search(words, job.message)
    assert re.search(words.strip("^$"), job.warnings())
    assert (job.path / "RELION_JOB_EXIT_FAILURE").exists()
    assert project.pipeline.process(job.name).state == "failed"
    assert ("Traceback" in job.warnings()) == (fate in ("crash", "memory", "full"))


def test_files_that_a_program_names_join_the_pipeline(project, pretending, start):
    job = start(project.add(pretending(fate="extra")))
    job.wait(60)
    assert [node.path for node in job.outputs] == ["External/job001/particles.star", "External/job001/part1.star"]


def test_a_job_stops_when_asked_and_goes_on_where_it_stopped(project, pretending, start):
    job = start(project.add(pretending(steps=100, seconds=0.2)))
    until(lambda: working(job))
    assert job.state == "running"
    with pytest.raises(JobStateError, match="is running already"):
        job.start()
    job.abort()
    assert job.wait(60) == "aborted"
    assert "stopped because somebody asked" in job.message
    assert (job.path / "RELION_JOB_EXIT_ABORTED").exists()
    assert not (job.path / "RELION_JOB_ABORT_NOW").exists()
    done = int(job.progress().done)
    resume(job, steps=done + 2, seconds=0.0)
    assert job.wait(60) == "finished"
    assert f"beginning at step {done}" in job.log()
    assert not (job.path / "RELION_JOB_EXIT_ABORTED").exists()


def resume(job: JobDirectory, **changes) -> None:
    """Continue a job in a process that knows the pretending job."""
    import pretend

    original = JobDirectory.start
    command = (sys.executable, pretend.__file__, f"{job.name}/")
    try:
        JobDirectory.start = lambda self, again=False: original(self, again=again, command=command)
        job.continue_with(**changes)
    finally:
        JobDirectory.start = original


def test_a_killed_job_is_found_failed_and_goes_on(project, pretending, start):
    job = start(project.add(pretending(steps=100, seconds=0.2)))
    until(lambda: working(job))
    kill(job)
    until(lambda: job.state == "failed")
    assert "was killed" in job.message
    assert project.pipeline.process(job.name).state == "running"  # nobody has written it down yet
    assert [ended.name for ended in project.refresh()] == [job.name]
    assert project.pipeline.process(job.name).state == "failed"
    assert project.refresh() == []
    assert "was killed" in job.message
    resume(job, steps=int(job.progress().done) + 3, seconds=0.0)
    assert job.wait(60) == "finished"
    assert job.log().count("beginning at step") == 2
    assert job.job_file.is_continue


def test_a_job_that_is_terminated_ends_in_order(project, pretending, start):
    job = start(project.add(pretending(steps=100, seconds=0.2)))
    until(lambda: working(job))
    job.abort(kill=True)
    assert job.wait(60) == "aborted"
    assert "SIGTERM" in job.message


def test_a_job_outlives_the_process_that_started_it(project, pretending, start):
    job = project.add(pretending(steps=100, seconds=0.2))
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); import pretend; pretend.register()\n"
        "from relionlab.project import Project\n"
        f"Project.open('.').job({job.name!r}).start(command=(sys.executable, pretend.__file__, {job.name!r}))\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=project.directory, check=True)
    until(lambda: working(job))
    assert job.state == "running"
    job.abort()
    assert job.wait(60) == "aborted"
    resume(job, steps=int(job.progress().done) + 1, seconds=0.0)
    assert job.wait(60) == "finished"


def test_run_job_here_and_now_with_pictures(project, pretending, monkeypatch):
    job = project.add(pretending())
    drawn = []
    assert run_job(job.path, draw=drawn.append) == "finished"
    assert drawn == [job]
    assert job.state == "finished"

    def clumsy(directory: JobDirectory) -> None:
        raise ValueError("no ink")

    again = project.add(pretending())
    assert run_job(f"{again.path}/", draw=clumsy) == "finished"
    assert "pictures could not be drawn: no ink" in again.warnings()


def test_what_is_finished_is_not_overwritten_by_a_typed_command(project, pretending):
    job = project.add(pretending())
    assert run_job(job.path) == "finished"
    log = job.log()
    with pytest.raises(JobStateError, match=r"External/job001 is finished: .* overwrite its results"):
        run_job(job.path)
    assert (job.log(), job.state) == (log, "finished")


def test_a_job_runs_under_its_alias_from_anywhere(project, pretending, monkeypatch, tmp_path):
    project.add(pretending(), alias="mine")
    monkeypatch.chdir(tmp_path)
    assert run_job(project.directory / "External/mine/") == "finished"
    assert Path.cwd() == tmp_path


def test_a_directory_that_is_no_job_is_said(project, tmp_path):
    with pytest.raises(ProjectError, match="is missing"):
        run_job(project.directory / "Class2D/job009")
    with pytest.raises(ProjectError, match="not a project"):
        run_job(tmp_path)


def test_a_job_waits_for_its_inputs(project, pretending, start):
    first = project.add(pretending())
    second = project.add(pretending(fn_in=first.outputs[0].path))
    with pytest.raises(
        JobStateError, match=r"needs External/job001/particles.star, which External/job001 makes.*scheduled"
    ):
        second.start()
    start(first).wait(60)
    assert start(second).wait(60) == "finished"
    (first.path / "particles.star").unlink()
    with pytest.raises(NodeError, match="which is not there"):
        second.start(again=True)
    with pytest.raises(JobStateError, match="is finished: continue it"):
        second.start()


def test_only_what_may_change_changes_on_continuing(project, pretending, start):
    job = project.add(pretending())
    with pytest.raises(JobStateError, match="is scheduled: only a job that has ended"):
        job.continue_with()
    start(job).wait(60)
    with pytest.raises(
        ParameterError, match=r"fn_in cannot change when job001 is continued; what can: .*fate, fn_cont"
    ):
        job.continue_with(fn_in="x")
    with pytest.raises(ParameterError, match="must lie between 1 and 100"):
        job.continue_with(steps=1000)


def test_marking_by_hand(project, pretending, start):
    job = start(project.add(pretending(steps=100, seconds=0.2)))
    until(lambda: working(job))
    with pytest.raises(JobStateError, match="abort it before marking"):
        job.mark("finished")
    kill(job)
    until(lambda: job.state == "failed")
    job.mark("finished")
    assert project.pipeline.process(job.name).state == job.state == "finished"
    job.mark("aborted")
    assert job.state == "aborted"
    assert job.message == "Marked as aborted by hand."
    with pytest.raises(ParameterError, match="not as 'done'"):
        job.mark("done")
    with pytest.raises(JobStateError, match="is aborted, so it cannot be aborted"):
        job.abort()


def test_of_two_who_start_a_job_one_succeeds(project, pretending):
    job = project.add(pretending(steps=100, seconds=0.2))  # the second one comes while it runs
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); import pretend; pretend.register()\n"
        "from relionlab.errors import JobStateError\n"
        "from relionlab.project import Project\n"
        f"job = Project.open('.').job({job.name!r})\n"
        "try:\n    job.start(command=(sys.executable, pretend.__file__, job.name))\n"
        "except JobStateError as error:\n    sys.exit(str(error))\n"
    )
    both = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], cwd=project.directory, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [child.communicate()[1].decode() for child in both]
    assert sorted(child.returncode for child in both) == [0, 1]
    assert "is running already" in "".join(said)
    until(lambda: working(job))
    job.abort()
    assert job.wait(60) == "aborted"
    assert job.log().count("beginning at step") == 1


def test_a_job_that_relion_runs_is_watched_by_its_markers(project, pretending):
    job = project.add(pretending())
    job.set_state("running")
    assert job.state == "running"
    (job.path / "run.err").write_text("in: ./src/x.cpp\nERROR: no particles\n")
    (job.path / "RELION_JOB_EXIT_FAILURE").touch()
    assert job.state == "failed"
    assert job.message == "ERROR: no particles"
    project.refresh()
    assert project.pipeline.process(job.name).state == "failed"


def test_a_record_of_an_earlier_run_does_not_fail_the_present_one(project, pretending):
    job = project.add(pretending())
    job.set_state("running")
    ProcessRecord(2**22 + 1, ProcessRecord.of(os.getpid()).host, 1, 0.0).write(job.path / PROCESS_FILE)
    assert job.state == "failed"
    later = time.time() + 5
    os.utime(job.path / "job.star", (later, later))
    assert job.state == "running"


def test_progress_survives_nonsense(tmp_path):
    assert Progress.read(tmp_path) is None
    (tmp_path / "progress.json").write_text('{"done": 1')
    assert Progress.read(tmp_path) is None
    Progress(1, 4, "steps", 5.0).write(tmp_path)
    assert Progress.read(tmp_path).fraction == 0.25
    assert Progress().fraction == 0


def test_a_job_on_another_machine_is_dead_after_a_long_silence(project, pretending):
    job = project.add(pretending())
    job.set_state("running")
    ProcessRecord(1, "elsewhere", 1, 0.0).write(job.path / PROCESS_FILE)
    assert job.state == "running"
    with pytest.raises(JobStateError, match="process 1 on elsewhere: end it there"):
        job.abort(kill=True)
    before = time.time() - 1000
    os.utime(job.path / "job.star", (before - 1, before - 1))
    os.utime(job.path / PROCESS_FILE, (before, before))
    assert job.state == "failed"
    assert "no sign of life since" in job.message


def test_a_job_told_to_end_while_it_is_drawn_is_finished(project, pretending):
    job = project.add(pretending())

    def told_to_end(_: JobDirectory) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    assert run_job(job.path, draw=told_to_end) == "finished"
    assert job.state == "finished"
    assert "Traceback" not in job.warnings()
    assert "told to end while its pictures were drawn; its results are complete" in job.warnings()


def test_a_job_told_to_end_stops_though_the_work_took_it_for_the_fault_of_a_file(tmp_path):
    context = JobContext(tmp_path, tmp_path, told_to_end=True)
    with pytest.raises(AbortedError, match="SIGTERM"):
        context.stop_if_asked()


def test_a_local_resolution_ends_before_its_histogram_is_drawn(project):
    """RELION calls these pictures histogram.pdf, not logfile.pdf; they come after the programs all the same."""
    rng = np.random.default_rng(1)
    for half in (1, 2):
        volume = rng.normal(size=(32, 32, 32)).astype(np.float32)
        write_map(project.directory / f"run_half{half}_class001_unfil.mrc", volume, pixel_size=4.0)
    job = project.add(LocalRes(fn_in="run_half1_class001_unfil.mrc", angpix=None))
    assert run_job(job.path) == "finished", job.warnings()
    assert (job.path / "relion_locres.mrc").exists()
