"""The memory plan: what it counts, and how it makes a job fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relionlab.engine.classify2d.expectation import Expectation
from relionlab.engine.classify2d.state import Search
from relionlab.engine.memory import MemoryPlan, available_memory, fitting, plan_classification
from relionlab.errors import ComputeError
from tests.engine.classify2d_cases import case

JOB = {
    "particles": 2000,
    "box": 64,
    "classes": 10,
    "groups": 20,
    "search": Search(psi_step=6.0, offset_range=5.0, offset_step=1.0),
    "extent": 32.0,
    "workers": 4,
    "preread": True,
    "shard": 500,
}


def test_workers_are_given_up_until_the_job_fits():
    plan = MemoryPlan(particles=100, references=50, worker=200, workers=4)
    assert plan.total == 950
    assert fitting(plan, 950).workers == 4
    assert fitting(plan, 949).workers == 3
    assert fitting(plan, 350).workers == 1
    assert fitting(plan, 10**9).workers == 4


def test_a_job_that_cannot_fit_says_what_to_do():
    with pytest.raises(ComputeError, match=r"fewer classes.*offset range.*smaller box.*pre-read"):
        fitting(MemoryPlan(100, 50, 200, 4), 349)


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
        ({"box": 128, "extent": 64.0}, "worker"),
        ({"box": 128, "extent": 64.0}, "particles"),
        ({"search": replace(JOB["search"], offset_range=10.0)}, "references"),
        ({"search": replace(JOB["search"], psi_step=3.0)}, "worker"),
        ({"particles": 4000}, "particles"),
    ],
)
def test_larger_jobs_need_more(more: dict, part: str):
    assert getattr(plan_classification(**{**JOB, **more}), part) > 1.1 * getattr(plan_classification(**JOB), part)


def test_particles_that_are_not_held_count_by_the_shard():
    lazy = plan_classification(**{**JOB, "preread": False})
    assert lazy.particles == JOB["workers"] * JOB["shard"] * 64 * 64 * 4
    assert plan_classification(**JOB).particles == JOB["particles"] * 64 * 64 * 4


def test_the_plan_covers_what_a_step_holds():
    made = case(count=32, box=32, groups=((3.5, 32),), psi_step=12.0, radius=15, fraction=0.999)
    step: Expectation = made.step()
    step.prepare()
    plan = plan_classification(
        particles=32,
        box=32,
        classes=3,
        groups=3,
        search=made.search,
        extent=step.grid.extent,
        workers=1,
        preread=True,
        shard=32,
    )
    references = step._references
    assert references is not None
    held = references.shifted.nbytes + references.squared.nbytes
    assert held <= 1.1 * plan.references
    table = made.model.classes * made.search.n_psi * 32 * len(made.search.offsets()) * 4
    sums = step.process(made.particles.group.argsort())
    result = sum(value.nbytes for value in (sums.numerator, sums.denominator, sums.residual, sums.cross, sums.auto))
    assert table + result < plan.worker


def test_free_memory_is_known():
    assert 2**20 < available_memory() < 2**50
