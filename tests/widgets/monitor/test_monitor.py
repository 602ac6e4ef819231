"""The monitor: reads a job's directory, shows what is new, and says at the end what came out."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from relionlab.jobs.context import BEFOREHAND
from relionlab.project import JobDirectory, Project
from relionlab.project.progress import Progress
from relionlab.widgets import JobForm, JobMonitor
from relionlab.widgets.monitor.live_classes import LiveClasses
from relionlab.widgets.monitor.live_course import LiveCourse
from relionlab.widgets.monitor.live_micrographs import LiveMicrographs
from relionlab.widgets.monitor.log_panel import LogPanel
from relionlab.widgets.parts.log_view import LogView
from relionlab.widgets.parts.watching import Watch
from tests.display.conftest import write_iteration
from tests.display.runs3d import write_run
from tests.waiting import until
from tests.workflows.whole_project import whole_project


class Job:
    """Stands for a job directory, with a state that the test sets."""

    job = None

    def __init__(self, path: Path, name: str = "Class2D/job001"):
        self.path, self.name, self.alias_name, self.message, self.state = path, name, None, "", "running"
        self.project = SimpleNamespace(relative=str)
        self.outputs = ()
        self.aborted: list[bool] = []
        path.mkdir(parents=True, exist_ok=True)

    def progress(self):
        return Progress.read(self.path)

    def abort(self, *, kill: bool = False):
        self.aborted.append(kill)


@pytest.fixture
def monitored(tmp_path):
    """A job, and a monitor that looks when the test says so."""
    job = Job(tmp_path / "Class2D" / "job001")
    return job, watched(job)


def watched(job) -> JobMonitor:
    monitor = JobMonitor(job, period=1e6)
    monitor.stop()
    return monitor


def write_progress(path: Path, done: float, total: float, *, what: str = "iterations", updated: float = 0.0) -> None:
    told = {"done": done, "total": total, "what": what, "updated": updated or time.time(), "message": ""}
    (path / "progress.json").write_text(json.dumps(told))


def look_to_the_end(monitor: JobMonitor) -> None:
    for _ in range(50):
        monitor.look()
        if not monitor._something_waits():
            return
    raise AssertionError("there is always more to read")


# --- state, progress, log ------------------------------------------------------------------------------------------


def test_shows_state_progress_and_log(monitored):
    job, monitor = monitored
    (job.path / "run.out").write_text("one\ntwo\n")
    (job.path / "run.err").write_text("warning: 3 micrographs were left out\n")
    write_progress(job.path, 3, 12)
    assert monitor.look()
    assert "Class2D/job001" in monitor.status._head.value
    assert "rl-state-running" in monitor.status._head.value
    assert monitor.status._bar.value == 0.25
    assert "3 of 12 iterations" in monitor.status._times.value
    assert [entry["text"] for entry in monitor.log_panel.entries] == [
        "one",
        "two",
        "warning: 3 micrographs were left out",
    ]
    assert [entry["severity"] for entry in monitor.log_panel.entries] == ["plain", "plain", "warning"]
    assert "continue the job" in monitor.log_panel.entries[-1]["hint"]


def test_time_left_follows_the_pace(monitored):
    job, monitor = monitored
    now = time.time()
    write_progress(job.path, 2, 12, updated=now - 1000)
    monitor.look()
    assert "left" not in monitor.status._times.value
    write_progress(job.path, 7, 12, updated=now)
    monitor.look()
    assert "about 16 min" in monitor.status._times.value  # 200 s each, 5 are left
    assert "until" in monitor.status._times.value


def test_what_is_done_beforehand_does_not_tell_when_the_job_ends(monitored):
    job, monitor = monitored
    now = time.time()
    for done in (20, 60):
        write_progress(job.path, done, 60, what=f"particles looked at {BEFOREHAND}", updated=now - 60 + done)
        monitor.look()
    assert "60 of 60 particles" in monitor.status._times.value
    assert not any(word in monitor.status._times.value for word in ("left", "finishing"))
    write_progress(job.path, 12, 12, updated=now)
    monitor.look()
    assert "finishing" in monitor.status._times.value


def test_relions_own_jobs_show_progress_too(monitored):
    job, monitor = monitored
    (job.path / "run.out").write_text(' Expectation iteration 5 of 25\n  12/  48 sec ...~~(,_,">')
    monitor.look()
    assert "4.2 of 25 iterations" in monitor.status._times.value


def test_tells_for_how_long_before_anything_has_moved(monitored):
    job, monitor = monitored
    record = {"pid": 1, "host": "here", "started": 0, "since": time.time() - 2 * 3600}
    (job.path / ".process.json").write_text(json.dumps(record))
    monitor.look()
    assert "starting" in monitor.status._times.value
    assert "for 2 h 0 min" in monitor.status._times.value


def test_abort_asks_first_and_ends_the_process_then(monitored):
    job, monitor = monitored
    monitor.look()
    monitor.status._abort.click()
    assert job.aborted == [False]
    assert "ends its present step" in monitor.status.told.value
    assert monitor.status._abort.description == "End now"
    monitor.status._abort.click()
    assert job.aborted == [False, True]
    job.state = "aborted"
    monitor.look()
    assert monitor.status._abort.layout.display == "none"


def test_ends_with_the_job_and_says_why(monitored):
    job, monitor = monitored
    job.state, job.message = "failed", "The disk is full."
    assert not monitor.look()
    assert "rl-state-failed" in monitor.status._head.value
    assert "The disk is full." in monitor.status._head.value
    assert monitor.log_panel.entries[-1]["text"] == "The disk is full."
    assert monitor.log_panel.entries[-1]["severity"] == "error"
    assert monitor.end.outcome.grade == "bad"


def test_the_log_reads_nothing_twice(tmp_path):
    panel = LogPanel()
    panel.follow(tmp_path)
    (tmp_path / "run.out").write_text("one\n")
    panel.look()
    with (tmp_path / "run.out").open("a") as file:
        file.write("two\nthr")
    panel.look()
    assert [entry["text"] for entry in panel.entries] == ["one", "two", "thr"]


# --- results -------------------------------------------------------------------------------------------------------


def test_classes_arrive_and_what_is_chosen_stays(monitored):
    job, monitor = monitored
    write_iteration(job.path, 0)
    write_iteration(job.path, 1)
    look_to_the_end(monitor)
    classes = monitor.views[0]
    assert isinstance(classes, LiveClasses)
    assert "Class averages after iteration 1" in classes._title.value
    classes.select([2, 1])
    assert "<b>2</b> of 6 classes" in classes._count.value
    assert "<b>39</b> of 60 particles" in classes._count.value  # 24 and 15
    write_iteration(job.path, 2)
    look_to_the_end(monitor)
    assert "after iteration 2" in classes._title.value
    assert classes.selected == (1, 2)


def test_the_slider_goes_back(monitored):
    job, monitor = monitored
    for number in range(3):
        write_iteration(job.path, number)
    look_to_the_end(monitor)
    classes = monitor.views[0]
    classes._slider.value = 0
    assert "after iteration 1" in classes._title.value
    assert "newest: 2" in classes._title.value
    assert classes.model.name == "run_it001_model.star"
    write_iteration(job.path, 3)
    monitor.look()
    assert "after iteration 1" in classes._title.value  # it stays where the reader has put it


def test_half_written_results_are_tried_again(monitored):
    job, monitor = monitored
    (job.path / "run_it001_model.star").write_text("data_model_general\n")
    (job.path / "run_it001_optimiser.star").write_text("data_optimiser_general\n")
    assert monitor.look()  # says what is wrong, and goes on
    write_iteration(job.path, 1)
    look_to_the_end(monitor)
    assert "after iteration 1" in monitor.views[0]._title.value


def test_every_iteration_is_read_once(monitored, monkeypatch):
    from relionlab.widgets.monitor import live_course

    read = []
    original = live_course.read_point
    monkeypatch.setattr(live_course, "read_point", lambda one: read.append(one.number) or original(one))
    job, monitor = monitored
    for number in range(3):
        write_iteration(job.path, number)
    look_to_the_end(monitor)
    write_iteration(job.path, 3)
    look_to_the_end(monitor)
    assert sorted(read) == [0, 1, 2, 3]
    course = monitor.views[1]
    assert isinstance(course, LiveCourse)
    assert [point.iteration for point in course.points] == [0, 1, 2, 3]


def test_a_refinement_shows_halves_and_then_the_map(tmp_path):
    path = write_run(tmp_path / "Refine3D" / "job001", kind="Refine3D")
    monitor = watched(Job(path, "Refine3D/job001"))
    look_to_the_end(monitor)
    assert monitor._tabs.titles == ("Maps", "Convergence", "FSC", "Viewing directions")
    assert "Maps at the end" in monitor.views[0]._title.value
    assert not monitor.views[0].grid.selectable
    monitor.views[0]._slider.value = 2
    assert "Half-maps after iteration 3" in monitor.views[0]._title.value


def test_micrographs_are_read_once_and_the_newest_is_shown(project, monkeypatch):
    from relionlab.display.newest import motion

    jobs = whole_project(project)
    read = []
    original = motion.values
    monkeypatch.setattr(motion, "values", lambda path: read.append(path.name) or original(path))
    monitor = watched(jobs["MotionCorr"])
    look_to_the_end(monitor)
    view = monitor.views[0]
    assert isinstance(view, LiveMicrographs)
    assert sorted(read) == ["a.star", "b.star", "c.star"]
    assert "3 of 3 movies" in view._name.value
    view.step(-1)
    assert "2 of 3 movies" in view._name.value
    assert not view._follow.value
    view.step(-9)
    assert "1 of 3 movies" in view._name.value


def test_no_two_threads_read_one_view(project, monkeypatch):
    jobs = whole_project(project)
    monitor = watched(jobs["CtfFind"])
    look_to_the_end(monitor)
    alone: list[bool] = []
    monkeypatch.setattr(monitor.views[0], "look", lambda: alone.append(monitor._looking.locked()))
    monitor._turned(None)  # a tab of a job that has ended is turned to: its pictures are read by a thread of their own
    until(lambda: alone)
    assert all(alone)


# --- the end -------------------------------------------------------------------------------------------------------


def test_the_end_says_what_came_out_and_what_follows(project):
    jobs = whole_project(project)
    asked = []
    monitor = JobMonitor(jobs["CtfFind"], period=1e6, on_next=asked.append)
    monitor.stop()
    look_to_the_end(monitor)
    assert "rl-grade-doubtful" in monitor.end._words.value
    assert "median fit 5 Å" in monitor.end._words.value
    until(lambda: monitor.end._next.children)
    rows = monitor.end._next.children
    assert [row.children[0].description for row in rows] == [one.label for one in monitor.end.suggestions]
    rows[0].children[0].click()
    assert asked == [monitor.end.suggestions[0].job]
    assert "Thon rings" in monitor._tabs.titles


def test_a_next_job_opens_as_a_form_below(project):
    jobs = whole_project(project)
    monitor = watched(jobs["Extract"])
    look_to_the_end(monitor)
    until(lambda: monitor.end._next.children)
    monitor.end._next.children[0].children[0].click()
    form = next(child for child in monitor._drawer.children if isinstance(child, JobForm))
    assert form.job == monitor.end.suggestions[0].job


def test_follows_another_job_and_forgets_the_first(project):
    jobs = whole_project(project)
    monitor = watched(jobs["Class2D"])
    look_to_the_end(monitor)
    monitor.follow(jobs["Select"])
    monitor.stop()
    look_to_the_end(monitor)
    assert "Select/job007" in monitor.status._head.value
    assert monitor.views == []
    assert "The chosen classes" in monitor._tabs.titles


def test_following_does_not_wait_for_a_look(monitored):
    job, monitor = monitored
    busy = threading.Event()
    monitor._looking.acquire()  # somebody looks
    try:
        thread = threading.Thread(target=lambda: (monitor.follow(job), busy.set()))
        thread.start()
        assert busy.wait(20)
    finally:
        monitor._looking.release()
    monitor.stop()


def test_closing_waits_for_no_look_and_the_look_shows_nothing_more(project, monkeypatch):
    monitor = watched(whole_project(project)["Class2D"])
    until(lambda: monitor.end.suggestions)  # of the first look, worked out by a thread of their own
    monitor.end.outcome, monitor.end.suggestions = None, ()
    waited: list[bool] = []
    monitor._watch = SimpleNamespace(stop=lambda *, wait=True: waited.append(wait), alive=True)
    judge = monitor.end.judge
    monkeypatch.setattr(monitor.end, "judge", lambda directory: (monitor.close(), judge(directory))[1])
    look_to_the_end(monitor)
    assert not any(waited)
    assert waited
    assert monitor.end.suggestions == ()


def test_removed_directory_ends_the_watch(tmp_path):
    job = Job(tmp_path / "Class2D" / "gone")
    monitor = watched(job)
    shutil.rmtree(job.path)
    job.progress = lambda: (_ for _ in ()).throw(OSError("gone"))
    assert not monitor.look()


def test_follows_the_job_that_a_form_starts(tmp_path, project):
    from relionlab.jobs.importing.job import Import

    form = JobForm(Import, project=project)
    monitor = JobMonitor(form, period=1e6)
    assert "No job has been started" in monitor.status._head.value
    for listener in form._listeners:
        listener(Job(tmp_path / "Class2D" / "job001"))
    until(lambda: "Class2D/job001" in monitor.status._head.value)
    monitor.stop()


def test_real_job_is_seen_after_a_restart(shared_data):
    """Only the directory is read: a job that somebody else ran long ago is shown in full."""
    project = Project(shared_data / "empiar10204_betagal_relion5")
    directory = JobDirectory(project, "Class2D/job010")
    monitor = watched(directory)
    look_to_the_end(monitor)
    assert len(monitor.views[0].grid.items) == 50
    assert "iteration 25" in monitor.views[0]._title.value
    assert monitor.end.outcome.numbers


# --- parts ---------------------------------------------------------------------------------------------------------


def test_log_keeps_the_last_lines_and_states_of_progress_bars():
    log = LogView()
    log.show("\n".join(str(i) for i in range(10)) + "\n  0%\r 50%\r100%\n", most=5)
    assert log.text == "7\n8\n9\n100%"


def test_watch_stops_when_there_is_no_more_to_see():
    looks = []
    watch = Watch(lambda: looks.append(1) or len(looks) < 3, period=0.0)
    watch._thread.join(timeout=30)
    assert len(looks) == 3
    assert not watch.alive


def test_what_follows_is_said_to_be_unknown_where_the_pipeline_breaks(project):
    monitor = watched(whole_project(project)["Class2D"])
    until(lambda: monitor.end.suggestions)
    (project.directory / "default_pipeline.star").write_text("data_nonsense\n")
    monitor.end.suggest(monitor.directory)
    assert "could not be worked out" in monitor.end._message.value
