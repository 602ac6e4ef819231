"""A real Class2D job, killed and continued, ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import time

from relionlab.io.star import read_star, write_star
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.project.process_record import ProcessRecord
from relionlab.project.progress import PROCESS_FILE


def test_a_killed_class2d_continues_to_the_same_result(project, shared_data, monkeypatch):
    monkeypatch.setenv("RELIONLAB_EXECUTOR", "inline")
    (project.directory / "Extract").symlink_to(shared_data / "empiar10204_betagal_relion5" / "Extract")
    tables = dict(read_star(shared_data / "betagal" / "particles.star"))
    tables["particles"] = tables["particles"].rows(slice(0, 60))
    write_star(project.directory / "particles.star", tables)
    wanted = Class2D(
        fn_img="particles.star", nr_classes=2, nr_iter=4, psi_sampling=20, offset_range=2, other_args="--random_seed 1"
    )

    killed = project.add(wanted).start()
    deadline = time.monotonic() + 120
    while not (killed.path / "run_it002_optimiser.star").exists():
        assert killed.state == "running", killed.message
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(ProcessRecord.read(killed.path / PROCESS_FILE).pid, signal.SIGKILL)
    while killed.state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "was killed" in killed.message
    assert killed.continue_with().wait(120) == "finished", killed.message

    whole = project.run(wanted, wait=True)
    assert whole.state == "finished", whole.message
    ends = [next(n.path for n in job.outputs if n.path.endswith("_data.star")) for job in (killed, whole)]
    assert "run_ct" in ends[0]
    first, second = (read_star(project.directory / path)["particles"] for path in ends)
    assert first == second
