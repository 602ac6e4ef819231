"""A 3D run that is killed, stopped, or whose disk is full goes on as if nothing had happened; workers change no bit of it.

An initial model's running averages are in no file, so it does not come to the same bytes, but to a map as good.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import AbortedError
from relionlab.io.images import read_map
from relionlab.io.star import read_star
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.rounds import rounds
from tests.jobs.class2d_runs import Quiet, refine, started
from tests.jobs.refine3d_runs import TRUTH, Result, arguments, result
from tests.jobs.test_refine_interrupted import wait_for

REFINEMENT = ("--auto_local_healpix_order", "1", "--auto_iter_max", "5")
"""Five iterations: some of a global search, then local ones on a finer grid, then the halves are joined."""
MORE = {"Class3D": ("--K", "2", "--iter", "3"), "Refine3D": REFINEMENT, "InitialModel": ()}


def continuing(kind: str, number: int, *more: str, folder: str = "a") -> list[str]:
    """Go on in the same folder: the names of what follows tell from where, as RELION's do."""
    return ["--continue", f"{kind}/{folder}/run_it{number:03d}_optimiser.star", "--o", f"{kind}/{folder}/run", *more]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, simulated) -> Path:
    """A folder with a classification and a refinement that were not disturbed."""
    directory = tmp_path_factory.mktemp("whole3d")
    (directory / "data").symlink_to(simulated / "data")
    for kind in ("Class3D", "Refine3D"):
        refine(directory, arguments(kind, *MORE[kind]))
    return directory


@pytest.fixture
def left(whole, tmp_path, monkeypatch) -> Path:
    """A copy of it, as working directory."""
    shutil.copytree(whole, tmp_path / "left", symlinks=True)
    monkeypatch.chdir(tmp_path / "left")
    return tmp_path / "left"


def same(directory: Path, whole: Path, kind: str) -> None:
    """Check that a run ends as the undisturbed one."""
    stems = ["run_it003"] if kind == "Class3D" else [f"run_it{number:03d}" for number in (4, 5)] + ["run"]
    for stem in stems:
        assert Result(f"{directory}/{stem}").differences(Result(f"{whole}/{kind}/a/{stem}")) == [], stem


def orders(directory: Path) -> list[int]:
    """Return the order of the sampling of each iteration."""
    files = [f"{directory}/Refine3D/a/run_it{number:03d}_sampling.star" for number in range(6)]
    return [int(read_star(each)["sampling_general"].value("rlnHealpixOrder")) for each in files]


@pytest.mark.parametrize("kind", ["Class3D", "Refine3D"])
def test_a_run_goes_on_to_the_same_bytes(left, whole, kind):
    """A refinement from the last iteration before a finer sampling, and local searches."""
    number = 1
    if kind == "Refine3D":
        number = orders(whole).index(1) - 1
        assert 0 < number < 5
    more = ("--iter", "3") if kind == "Class3D" else ()
    refine(left, ["--continue", f"{kind}/a/run_it{number:03d}_optimiser.star", "--o", f"{kind}/b/run", *more])
    same(left / kind / "b", whole, kind)


@pytest.mark.full
@pytest.mark.parametrize("number", [0, 1, 2, 4, 5])
def test_a_refinement_goes_on_from_every_iteration_to_the_same_bytes(left, whole, number):
    refine(left, ["--continue", f"Refine3D/a/run_it{number:03d}_optimiser.star", "--o", "Refine3D/b/run"])
    assert Result("Refine3D/b/run_it005" if number < 5 else "Refine3D/b/run").maps
    for stem in (["run_it005"] if number < 5 else []) + ["run"]:
        assert Result(f"Refine3D/b/{stem}").differences(Result(f"{whole}/Refine3D/a/{stem}")) == []


# --- a full disk ------------------------------------------------------------------------------------------------------


class FullDisk:
    """Lets so many files appear, and then none."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.replace = Path.replace

    def rename(self, path: Path, target: Path) -> Path:
        """Rename a file, as long as there is room."""
        self.room -= 1
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return self.replace(path, target)


def filled(monkeypatch: pytest.MonkeyPatch, directory: Path, flags: list[str], room: int) -> bool:
    """Run on a disk with room for so many files; say whether it was too small."""
    disk = FullDisk(room)

    def rename(path: Path, target: Path) -> Path:
        return disk.rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", rename)
        try:
            refine(directory, flags)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return True
            raise
    return False


@pytest.mark.parametrize("room", [0, 2, 4, 7])
def test_a_full_disk_leaves_no_half_iteration(left, monkeypatch, room):
    for path in left.glob("Class3D/a/run_it00[23]*"):
        path.unlink()
    flags = continuing("Class3D", 1, "--iter", "2")
    assert filled(monkeypatch, left, flags, room)
    assert not list(left.glob("**/.writing_*"))
    assert [one.number for one in rounds(left / "Class3D/a")] == [0, 1]
    for star in left.glob("Class3D/a/*.star"):
        read_star(star)


@pytest.mark.full
def test_a_full_disk_at_any_file_of_the_end_leaves_it_undone(left, whole, monkeypatch):
    """The end has files without a number; the one that tells of it is written when the others are there."""
    flags, room = ["--continue", "Refine3D/a/run_it005_optimiser.star", "--o", "Refine3D/b/run"], 0
    while filled(monkeypatch, left, flags, room):
        for one in (each for each in rounds(left / "Refine3D/b") if each.final):
            assert one.beside("data")
            assert one.beside("sampling")
            assert len(list(left.glob("Refine3D/b/run_*class001*.mrc"))) == 3
        shutil.rmtree(left / "Refine3D/b")
        room += 1
    assert room > 5
    assert Result("Refine3D/b/run").differences(Result(f"{whole}/Refine3D/a/run")) == []


# --- stopped ---------------------------------------------------------------------------------------------------------


class Stopping(Quiet):
    """A context that is asked to stop at the n-th opportunity."""

    def __init__(self, directory: Path, opportunity: int) -> None:
        super().__init__(directory)
        self.left = opportunity

    def stop_if_asked(self) -> None:
        """Stop at the n-th call."""
        self.left -= 1
        if self.left < 0:
            raise AbortedError("Stopped.")


@pytest.mark.parametrize("opportunity", [13, pytest.param(17, marks=pytest.mark.full)])
def test_a_run_that_was_told_to_stop_goes_on_to_the_same_bytes(left, whole, opportunity):
    """In the middle of a pass over the particles."""
    flags = arguments("Class3D", *MORE["Class3D"], root="Class3D/stopped/run")
    with pytest.raises(AbortedError):
        Refine.from_flags(flags).run(Stopping(left, opportunity))
    reached = rounds(left / "Class3D/stopped")[-1].number
    assert 0 < reached < 3
    refine(left, continuing("Class3D", reached, "--iter", "3", folder="stopped"))
    continued = Result(f"Class3D/stopped/run_ct{reached}_it003")
    assert continued.differences(Result(f"{whole}/Class3D/a/run_it003")) == []


@pytest.mark.full
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", ["Class3D", "Refine3D"])
def test_a_process_that_is_ended_goes_on_to_the_same_bytes(left, whole, kind, how):
    """Its last files are whole, and so is what follows from them."""
    process = started(left, "refine", *arguments(kind, *MORE[kind], root=f"{kind}/ended/run"))
    wait_for(left / f"{kind}/ended/run_it002_optimiser.star", process)
    process.send_signal(how)
    status = process.wait(60)
    said = process.stderr.read().decode()
    process.stderr.close()
    assert status == {signal.SIGINT: 130}.get(how, -how), said
    assert "Traceback" not in said
    for star in left.glob(f"{kind}/ended/*.star"):
        read_star(star)
    more = ("--iter", "3") if kind == "Class3D" else ()
    flags = ["--continue", f"{kind}/ended/run_it002_optimiser.star", "--o", f"{kind}/b/run", *more]
    refine(left, flags)
    same(left / kind / "b", whole, kind)


# --- an initial model ------------------------------------------------------------------------------------------------


def likeness(stem: str) -> float:
    """Return how well a map correlates with the truth, in either hand; D2 has three equal axes to exchange."""
    truth, map_ = read_map(TRUTH)[0], read_map(f"{stem}_class001.mrc")[0]
    turns = [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (2, 1, 0)]
    each = (np.corrcoef(hand.transpose(t).ravel(), truth.ravel()) for hand in (map_, map_[:, :, ::-1]) for t in turns)
    return max(float(one[0, 1]) for one in each)


@pytest.mark.full
@pytest.mark.parametrize("number", [3, 8, 14])
def test_an_initial_model_goes_on_to_a_map_as_good(tiny, number):
    refine(tiny, arguments("InitialModel"))
    flags = ["--continue", f"InitialModel/a/run_it{number:03d}_optimiser.star", "--o", "InitialModel/b/run"]
    told = refine(tiny, flags)
    assert any("running averages" in line and "anew" in line for line in told.said)
    undisturbed, continued = likeness("InitialModel/a/run_it016"), likeness("InitialModel/b/run_it016")
    print(number, undisturbed, continued)
    assert undisturbed > 0.85
    assert continued > undisturbed - 0.03


# --- workers ---------------------------------------------------------------------------------------------------------

ONE = ("--K", "1", "--iter", "2")
TWO = {"executor": "local", "workers": 2, "particles_per_shard": 64}
"""Small shards, or there would be one worker; sets so small are cut alike whatever they are."""


@pytest.fixture
def at_work(monkeypatch) -> list[int]:
    """Note how many workers there are in each iteration."""
    from relionlab.jobs.refinement.run3d import Run3D

    counted, report = [], Run3D.reporter

    def reporter(run, number, total, **more):
        counted.append(sum(run.executor._client.ncores().values()) if hasattr(run.executor, "_client") else 1)
        return report(run, number, total, **more)

    monkeypatch.setattr(Run3D, "reporter", reporter)
    return counted


def test_threads_change_no_bit(tiny, at_work):
    for folder, changes in (("one", {}), ("two", {**TWO, "worker_kind": "threads"})):
        refine(tiny, arguments("Class3D", *ONE, root=f"Class3D/{folder}/run"), **changes)
    assert at_work == [1, 1, 2, 2]
    assert result("Class3D", 2, "two").differences(result("Class3D", 2, "one")) == []


@pytest.mark.full
@pytest.mark.parametrize("kind", ["Class3D", "Refine3D"])
def test_processes_change_no_bit(left, whole, at_work, kind):
    flags = arguments(kind, *MORE[kind], root=f"{kind}/b/run")
    refine(left, flags, **TWO, worker_kind="processes")
    assert set(at_work) == {2}
    same(left / kind / "b", whole, kind)


@pytest.mark.full
@pytest.mark.parametrize("kind", ["Class3D", "Refine3D"])
def test_a_worker_that_dies_changes_no_bit(left, whole, monkeypatch, kind):
    """Its shards are computed again by another process."""
    from relionlab.jobs.refinement.run3d import Run3D

    killed = []
    report = Run3D.reporter

    def reporter(run, number, total, *, share=(0, 1)):
        told = report(run, number, total, share=share)

        def after_a_shard(done, pieces):
            if number == 2 and not killed:
                workers = run.executor._client.run(os.getpid)
                assert len(workers) == 2
                killed.append(min(workers.values()))
                os.kill(killed[0], signal.SIGKILL)
            told(done, pieces)

        return after_a_shard

    monkeypatch.setattr(Run3D, "reporter", reporter)
    flags = arguments(kind, *MORE[kind], root=f"{kind}/b/run")
    refine(left, flags, **TWO, worker_kind="processes")
    assert killed
    same(left / kind / "b", whole, kind)
