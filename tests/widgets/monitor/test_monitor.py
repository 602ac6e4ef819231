"""The monitor: reads a job's directory, shows what is new, and stops when the job has ended."""

from __future__ import annotations

import importlib.util
import json
import os
import time
from pathlib import Path

import pytest

from relionlab.display.results import finished_models
from relionlab.project import JobDirectory
from relionlab.widgets import JobForm, JobMonitor
from relionlab.widgets.monitor.monitor import spoken
from relionlab.widgets.parts.log_view import LogView
from relionlab.widgets.parts.watching import Watch

_SPEC = importlib.util.spec_from_file_location("runs3d", Path(__file__).parents[2] / "display" / "runs3d.py")
runs3d = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(runs3d)


class Job:
    """Stands for a job directory, with a state that the test sets."""

    def __init__(self, path: Path):
        from relionlab.project.progress import Progress

        self.path, self.name, self.alias_name, self.message, self.state = path, "Class2D/job001", None, "", "running"
        self.progress = lambda: Progress.read(path)
        self.log = lambda: "one\ntwo\n"
        self.warnings = lambda: ""
        self.aborted = 0

    def abort(self):
        self.aborted += 1


def write_progress(path: Path, done: float, total: float) -> None:
    told = {"done": done, "total": total, "what": "iterations", "updated": time.time(), "message": ""}
    (path / "progress.json").write_text(json.dumps(told))


@pytest.fixture
def monitored(tmp_path):
    job = Job(tmp_path)
    monitor = JobMonitor(job, period=1e6)
    yield job, monitor
    monitor.stop()


def test_shows_state_progress_and_log(monitored):
    job, monitor = monitored
    write_progress(job.path, 3, 12)
    assert monitor.look()
    assert "Class2D/job001" in monitor._head.value
    assert "rl-state-running" in monitor._head.value
    assert monitor._bar.value == 0.25
    assert "3 of 12 iterations" in monitor._told.value
    assert monitor._log.text == "one\ntwo"
    assert monitor._warning_box.layout.display == "none"


def test_time_left_follows_the_pace(monitored):
    job, monitor = monitored
    write_progress(job.path, 2, 12)
    monitor.look()
    assert "left" not in monitor._told.value
    monitor._first = (time.time() - 10, 2)  # ten seconds ago
    write_progress(job.path, 7, 12)
    monitor.look()
    assert "about 10 s left" in monitor._told.value


def test_tells_for_how_long_before_anything_has_moved(monitored):
    job, monitor = monitored
    record = {"pid": 1, "host": "here", "started": 0, "since": time.time() - 2 * 3600}
    (job.path / ".process.json").write_text(json.dumps(record))
    monitor.look()
    assert "starting · for 2 h 0 min" in monitor._told.value
    write_progress(job.path, 12, 12)
    job.state = "finished"
    monitor.look()
    assert ">12 of 12 iterations<" in monitor._told.value
    assert monitor._bar.value == 1.0


def test_ends_with_the_job(monitored):
    job, monitor = monitored
    job.state = "failed"
    job.message = "The disk is full."
    assert not monitor.look()
    assert "rl-state-failed" in monitor._head.value
    assert "The disk is full." in monitor._head.value
    assert monitor._abort.disabled


def test_warnings_appear_when_there_are_some(monitored):
    job, monitor = monitored
    job.warnings = lambda: "careful\n"
    monitor.look()
    assert monitor._warning_box.layout.display == ""
    assert monitor._warnings.text == "careful"


def test_abort_calls_the_job(monitored):
    job, monitor = monitored
    monitor.look()
    monitor._abort.click()
    assert job.aborted == 1


def test_half_written_result_is_tried_again(monitored):
    job, monitor = monitored
    (job.path / "run_it001_model.star").write_text("data_model_general\n")
    (job.path / "run_it001_optimiser.star").write_text("data_optimiser_general\n")
    assert monitor.look()  # says what is wrong, and goes on
    assert "model" not in monitor._seen


def test_a_refinement_ends_with_the_map_of_all_particles(tmp_path):
    job = Job(runs3d.write_run(tmp_path / "Refine3D" / "job001", kind="Refine3D"))
    monitor = JobMonitor(job, period=1e6)
    monitor.look()
    assert monitor._iteration.value == "<b>Central slices at the end</b>"
    assert [row.iteration for row in monitor._rows(finished_models(job.path))] == [0, 1, 2, 3, 4]
    later = (job.path / "run_model.star").stat().st_mtime + 10
    os.utime(job.path / "run_it003_half1_model.star", (later, later))  # the job was continued: its end is to come again
    monitor.look()
    assert monitor._iteration.value == "<b>Central slices after iteration 3</b>"
    assert [row.iteration for row in monitor._rows(finished_models(job.path))] == [0, 1, 2, 3]
    monitor.stop()


def test_removed_directory_ends_the_watch(tmp_path):
    job = Job(tmp_path / "gone")
    job.log = lambda: (_ for _ in ()).throw(OSError("gone"))
    monitor = JobMonitor(job, period=1e6)
    assert not monitor.look()
    monitor.stop()


def test_follows_the_job_that_a_form_starts(tmp_path, project):
    from relionlab.jobs.importing.job import Import

    form = JobForm(Import, project=project)
    monitor = JobMonitor(form, period=1e6)
    assert "No job has been started" in monitor._head.value
    for listener in form._listeners:
        listener(Job(tmp_path))
    deadline = time.monotonic() + 30
    while "Class2D/job001" not in monitor._head.value:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    monitor.stop()


def test_real_job_is_seen_after_a_restart(shared_data):
    """Only the directory is read: a job that somebody else ran long ago is shown in full."""
    from relionlab.project import Project

    project = Project(shared_data / "empiar10204_betagal_relion5")
    directory = JobDirectory(project, "Class2D/job010")
    monitor = JobMonitor(Job(directory.path), period=1e6)
    monitor.look()
    assert len(monitor._grid.items) == 50
    assert "iteration 25" in monitor._iteration.value
    assert monitor._curve.item["doc"]
    monitor.stop()


def test_log_keeps_the_last_lines_and_states_of_progress_bars():
    log = LogView()
    log.show("\n".join(str(i) for i in range(10)) + "\n  0%\r 50%\r100%\n", most=5)
    assert log.text == "7\n8\n9\n100%"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_times_are_said_as_people_do(seconds, text):
    assert spoken(seconds) == text


def test_watch_stops_when_there_is_no_more_to_see():
    looks = []
    watch = Watch(lambda: looks.append(1) or len(looks) < 3, period=0.0)
    watch._thread.join(timeout=30)
    assert len(looks) == 3
    assert not watch.alive
