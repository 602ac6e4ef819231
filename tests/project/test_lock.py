from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from relionlab.errors import LockedError, ProjectError
from relionlab.project import Project
from relionlab.project.lock import LOCK_DIRECTORY, LOCK_FILE, break_lock, lock_holder, locked
from relionlab.project.process_record import ProcessRecord


def left_behind(directory: Path, text: str) -> Path:
    lock = directory / LOCK_DIRECTORY
    lock.mkdir()
    (lock / LOCK_FILE).write_text(text)
    return lock


def dead_process() -> ProcessRecord:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    record = ProcessRecord.of(child.pid)
    child.wait()
    return record


def test_the_lock_looks_as_relions_and_is_given_back(tmp_path):
    with locked(tmp_path, "runJob: Class2D/job003/"):
        assert (tmp_path / ".relion_lock" / "lock_default_pipeline.star").exists()
        holder = lock_holder(tmp_path)
        assert holder.purpose == "runJob: Class2D/job003/"
        assert holder.process.pid == os.getpid()
        assert holder.stale(tmp_path) is False
    assert lock_holder(tmp_path) is None
    assert not (tmp_path / LOCK_DIRECTORY).exists()


def test_the_lock_is_given_back_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path, "x"):
        raise ZeroDivisionError
    assert lock_holder(tmp_path) is None


def test_whoever_comes_second_waits(tmp_path):
    order = []

    def second() -> None:
        with locked(tmp_path, "second", wait=30):
            order.append("second")

    with locked(tmp_path, "first"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_held_lock_is_said_with_its_holder(tmp_path):
    with locked(tmp_path, "addJob: Class2D"):
        with pytest.raises(LockedError, match=rf"held by process {os.getpid()} on .*, since 20.*\(addJob: Class2D\)"):
            with locked(tmp_path, "another", wait=0.1):
                pass
        with pytest.raises(LockedError, match="which is running: wait for it"):
            break_lock(tmp_path, force=True)


def test_a_dead_holder_is_said_at_once_and_its_lock_may_be_broken(tmp_path):
    left_behind(tmp_path, f"runJob: x\n{dead_process().to_json()}\n")
    with pytest.raises(
        LockedError, match=r"that program is gone. Break the lock: Project.open\(.*break_stale_lock=True"
    ):
        with locked(tmp_path, "me", wait=60):
            pass
    assert break_lock(tmp_path).purpose == "runJob: x"
    with locked(tmp_path, "me", wait=0):
        pass


def test_a_number_that_was_given_to_another_process_is_not_taken_for_the_holder(tmp_path):
    me = ProcessRecord.of(os.getpid())
    left_behind(tmp_path, f"x\n{ProcessRecord(me.pid, me.host, me.started - 1, me.since).to_json()}\n")
    assert lock_holder(tmp_path).stale(tmp_path) is True


def test_relions_own_lock_is_stale_when_no_relion_runs_here(tmp_path):
    lock = left_behind(tmp_path, "runJob: Import/job001/\n")
    with pytest.raises(LockedError, match="force=True"):
        break_lock(tmp_path)  # it is new: RELION may have ended a moment ago, or be about to
    os.utime(lock, (time.time() - 100, time.time() - 100))
    assert "RELION" in str(break_lock(tmp_path))
    assert break_lock(tmp_path) is None


def test_a_lock_of_another_machine_is_only_broken_by_force(tmp_path):
    left_behind(tmp_path, f"x\n{ProcessRecord(1, 'elsewhere', 5, 0.0).to_json()}\n")
    with pytest.raises(LockedError, match=r"process 1 on elsewhere.*cannot be seen from here.*force=True"):
        break_lock(tmp_path)
    assert break_lock(tmp_path, force=True).process.host == "elsewhere"


def test_a_project_opens_with_a_stale_lock_and_breaks_it_when_told(project, tmp_path):
    left_behind(project.directory, f"x\n{dead_process().to_json()}\n")
    assert Project.open(project.directory).lock_holder().process is not None
    assert Project.open(project.directory, break_stale_lock=True).lock_holder() is None


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(LockedError, match="must exist and be writable"), locked(tmp_path / "none", "x"):
        pass


def test_a_process_record_knows_the_dead_and_the_living():
    assert ProcessRecord.of(os.getpid()).alive() is True
    assert dead_process().alive() is False
    assert ProcessRecord(os.getpid(), "elsewhere", 0, 0.0).alive() is None
    zombie = subprocess.Popen([sys.executable, "-c", "pass"])
    record = ProcessRecord.of(zombie.pid)
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # ended, but not reaped
    assert record.alive() is False
    zombie.wait()
    assert ProcessRecord.from_json("nonsense") is None
    assert ProcessRecord.from_json("[]") is None


def test_two_processes_that_add_jobs_at_once_lose_none(project, pretending):
    from pretend import __file__ as pretend_file

    code = (
        f"import sys; sys.path.insert(0, {str(Path(pretend_file).parent)!r}); import pretend; pretend.register()\n"
        "from relionlab.project import Project\n"
        "project = Project.open('.')\n"
        "for step in range(12): project.add(pretend.Pretend(steps=step + 1))\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code], cwd=project.directory) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    jobs = project.jobs()
    assert sorted(job.process.number for job in jobs) == list(range(1, 37))
    assert all((job.path / "job.star").exists() for job in jobs)
    assert project.pipeline.next_number == 37
    assert sorted(job.job.steps for job in jobs) == sorted(list(range(1, 13)) * 3)


def test_an_open_project_that_is_none_is_said(tmp_path):
    with pytest.raises(ProjectError, match=r"is not a project: it has no default_pipeline.star. Make one"):
        Project.open(tmp_path)
