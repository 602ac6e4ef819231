"""The memory plan: what it counts, and how it makes a job fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.classify2d.maximisation import Update, maximise
from relionlab.engine.classify2d.memory import Needs
from relionlab.engine.classify2d.state import Search
from relionlab.engine.memory import WORKER, MemoryPlan, available_memory, fitting, plan_classification
from relionlab.engine.refine3d.tables import AMPLE, Room
from relionlab.errors import ComputeError
from tests.engine.classify2d_cases import case
from tests.peak_memory import traced

JOB = {
    "particles": 2000,
    "box": 64,
    "classes": 10,
    "groups": 20,
    "search": Search(psi_step=6.0, offset_range=5.0, offset_step=1.0),
    "extent": 32.0,
    "radius": 31,
    "workers": 4,
    "preread": True,
}


def plan(workers: int, room: Room) -> MemoryPlan:
    return plan_classification(**{**JOB, "workers": workers})


def test_workers_are_given_up_until_the_job_fits():
    four, one = plan(4, AMPLE).total, plan(1, AMPLE).total
    assert fitting(plan, four, workers=4).workers == 4
    assert fitting(plan, four - 1, workers=4).workers == 3
    assert fitting(plan, one, workers=4).workers == 1
    assert fitting(plan, 10**12, workers=4).workers == 4


def test_a_job_that_cannot_fit_says_what_to_do():
    with pytest.raises(ComputeError, match=r"fewer classes.*offset range.*smaller box.*pre-read"):
        fitting(plan, plan(1, AMPLE).total - 1, workers=4)


def test_the_plan_can_be_read_aloud():
    text = str(plan_classification(**JOB))
    assert "MB" in text
    assert "4 workers" in text
    assert "1 worker)" in str(plan_classification(**{**JOB, "workers": 1}))


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"classes": 20}, "worker"),
        ({"classes": 20}, "references"),
        ({"box": 128, "radius": 63, "extent": 64.0}, "worker"),
        ({"box": 128, "radius": 63, "extent": 64.0}, "particles"),
        ({"classes": 20}, "solving"),
        ({"search": replace(JOB["search"], offset_range=10.0)}, "references"),
        ({"search": replace(JOB["search"], psi_step=3.0)}, "worker"),
        ({"particles": 4000}, "particles"),
    ],
)
def test_larger_jobs_need_more(more: dict, part: str):
    assert getattr(plan_classification(**{**JOB, **more}), part) > 1.1 * getattr(plan_classification(**JOB), part)


def test_fewer_rings_and_particles_on_disc_take_less():
    whole = plan_classification(**JOB)
    assert whole.particles == JOB["particles"] * 64 * 64 * 4
    assert plan_classification(**{**JOB, "preread": False}).particles == 0
    coarse = plan_classification(**{**JOB, "radius": 15})
    assert coarse.references < 0.6 * whole.references
    assert coarse.total < whole.total


def test_processes_and_batches_need_more():
    threads = plan_classification(**JOB, program=1 << 28)
    apart = plan_classification(**JOB, program=1 << 28, separate=True)
    assert apart.total > threads.total + 4 * WORKER
    assert plan_classification(**JOB, batches=True).maps > plan_classification(**JOB).maps


@pytest.mark.parametrize(("radius", "psi_step", "offset_range"), [(15, 12.0, 2.0), (15, 6.0, 4.0), (9, 12.0, 4.0)])
def test_the_plan_counts_what_an_iteration_holds(radius: int, psi_step: float, offset_range: float):
    made = case(
        count=64, box=32, groups=((3.5, 32),), psi_step=psi_step, offset_range=offset_range, radius=radius, classes=20
    )
    step = made.step()
    needs = Needs(step.grid, made.model.classes, made.search)
    step.prepare()
    references = step._references
    assert references is not None
    assert references.shifted.nbytes + references.squared.nbytes == pytest.approx(needs.references, rel=0.02)
    found = traced(lambda: step.process(np.arange(64)))
    assert found == pytest.approx(needs.worker, rel=0.25)
    sums = step.conclude(step.process(np.arange(64)))
    assert sums.numerator.nbytes + sums.denominator.nbytes == needs.sums
    found = traced(lambda: maximise(made.model, made.particles, sums, search=made.search, update=Update()))
    assert found == pytest.approx(needs.solving, rel=0.2)


def test_free_memory_is_known():
    assert 2**20 < available_memory() < 2**50
