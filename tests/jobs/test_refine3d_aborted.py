"""RELION_JOB_ABORT_NOW in the folder of a Refine3D job: it ends as aborted within an iteration, and Continue ends as if nothing had been."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.io.images import read_map
from relionlab.io.star import read_star
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.refinement.rounds import rounds
from relionlab.project import Project
from tests.jobs.class2d_runs import DIAMETER, STAR, refine
from tests.jobs.refine3d_runs import TRUTH, Result
from tests.jobs.test_refine_interrupted import undrawn, wait_for

__all__ = ["undrawn"]

FORM = Refine3D(
    fn_img=STAR,
    fn_ref=TRUTH,
    sym_name="D2",
    ini_high=40.0,
    particle_diameter=DIAMETER,
    sampling="30 degrees",
    auto_local_sampling="15 degrees",
    offset_range=3.0,
    offset_step=1.0,
    ref_correct_greyscale=False,
    other_args="--auto_iter_max 6 --random_seed 1",
)


@pytest.mark.full
@pytest.mark.parametrize("begun", [0, 2])
def test_a_job_that_is_aborted_stops_within_an_iteration_and_goes_on_to_the_same_map(tiny, undrawn, begun):
    job = Project.create(tiny).add(FORM).start()
    wait_for(job.path / f"run_it{begun:03d}_optimiser.star")
    reached = rounds(job.path)[-1].number
    (job.path / "RELION_JOB_ABORT_NOW").touch()  # as RELION's own window does
    assert job.wait(120) == "aborted", job.warnings()
    assert "stopped because somebody asked" in job.message
    assert (job.path / "RELION_JOB_EXIT_ABORTED").exists()
    assert not (job.path / "RELION_JOB_ABORT_NOW").exists()
    assert begun <= rounds(job.path)[-1].number <= reached + 1
    assert not list(job.path.glob("run_class001.mrc"))
    for star in job.path.glob("*.star"):
        read_star(star)  # none was cut off

    assert job.continue_with().wait(300) == "finished", job.warnings()
    assert "Continuing from iteration" in job.log()
    (final,) = [node.path for node in job.outputs if node.path.endswith("_data.star")]
    refine(tiny, list(FORM.commands("Refine3D/whole/")[0].arguments))
    continued, whole = Result(final.removesuffix("_data.star")), Result("Refine3D/whole/run")
    assert continued.differences(whole) == []
    assert np.isfinite(read_map(final.replace("_data.star", "_class001.mrc"))[0]).all()
