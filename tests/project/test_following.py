"""Following a job: its log as it grows, RELION's own progress, and the time left."""

from __future__ import annotations

import os

import pytest

from relionlab.project import log_tail
from relionlab.project.log_tail import LogTail
from relionlab.project.pace import Pace, spoken
from relionlab.project.progress import Progress
from relionlab.project.relion_progress import progress_in_log


def test_only_what_is_new_is_returned(tmp_path):
    path = tmp_path / "run.out"
    tail = LogTail(path)
    assert tail.look() == []
    path.write_text("one\ntw")
    assert tail.look() == ["one"]
    assert tail.pending == "tw"
    with path.open("a") as file:
        file.write("o\n 0%\r 50%\r100%\n")
    assert tail.look() == ["two", "100%"]
    assert tail.look() == []


def test_a_log_that_begins_anew_is_read_anew(tmp_path):
    path = tmp_path / "run.out"
    path.write_text("one\ntwo\nthree\n")
    tail = LogTail(path)
    tail.look()
    path.write_text("new\n")
    assert tail.look() == ["new"]


def test_of_a_long_log_the_end_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(log_tail, "FIRST_BYTES", 20)
    path = tmp_path / "run.out"
    path.write_text("".join(f"line {number}\n" for number in range(100)))
    assert LogTail(path).look() == ["line 98", "line 99"]


def test_relions_progress_is_in_its_log():
    lines = [" Expectation iteration 4 of 25", "000/??? sec", " Expectation iteration 5 of 25"]
    told = progress_in_log(lines, '  12/  48 sec ...~~(,_,">')
    assert (told.done, told.total, told.what) == (4.25, 25, "iterations")
    assert progress_in_log([], '1.50/3.00 min ...~~(,_,">').fraction == 0.5
    assert progress_in_log(["hello"]) is None
    assert progress_in_log([" Expectation iteration 25 of 25"], '000/??? sec ~~(,_,">', ended=True).done == 25


def test_time_left_follows_the_pace():
    pace = Pace()
    pace.saw(Progress(2, 12, "iterations"), when=100.0)
    assert pace.seconds_left(Progress(2, 12), now=100.0) is None
    pace.saw(Progress(7, 12, "iterations"), when=110.0)
    assert pace.seconds_left(Progress(7, 12), now=110.0) == pytest.approx(10.0)
    assert pace.seconds_left(Progress(7, 12), now=111.0) == pytest.approx(9.0)
    pace.saw(Progress(1, 12), when=120.0)  # started anew
    assert pace.seconds_left(Progress(1, 12), now=120.0) is None


def test_the_pace_is_learned_from_files(tmp_path):
    for number in range(4):
        path = tmp_path / f"run_it{number:03d}_optimiser.star"
        path.touch()
        os.utime(path, (1000 + 10 * number, 1000 + 10 * number))
    pace = Pace()
    pace.learn(tmp_path)
    assert pace.seconds_left(Progress(3, 10), now=1030.0) == pytest.approx(70.0)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_times_are_said_as_people_do(seconds, text):
    assert spoken(seconds) == text
