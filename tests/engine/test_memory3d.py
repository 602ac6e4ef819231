"""The memory plan of a 3D refinement: what it counts, how it shrinks, and that an E-step holds what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.likelihood.kept import PictureCache
from relionlab.engine.memory import KERNELS, WORKER, MemoryPlan, fitting, plan_refinement
from relionlab.engine.refine3d.fine import Collected
from relionlab.engine.refine3d.fixed import FixedExpectation
from relionlab.engine.refine3d.known_memory import KnownNeeds
from relionlab.engine.refine3d.maximisation import Update, maps_of, signal_variance
from relionlab.engine.refine3d.memory import Needs
from relionlab.engine.refine3d.start import first_model
from relionlab.engine.refine3d.state import Search
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.refine3d.tables import AMPLE, Room
from relionlab.engine.rotations import angle_between, matrix_from_euler
from relionlab.engine.sampling import Widths, sampling
from relionlab.engine.symmetry import point_group
from relionlab.engine.volume import KAISER_BESSEL, FourierSums, Lattice, reconstruct, volume_of, weight_spectrum
from relionlab.engine.volume.solving import coverage
from relionlab.errors import ComputeError
from tests.engine.refine3d_cases import case
from tests.engine.test_refine3d_aberrations import step
from tests.peak_memory import traced

SEARCH = Search(sampling=sampling(2), offset_range=3.0, offset_step=1.5, diameter=200.0, edge=3.0)
JOB = {
    "particles": 2000, "box": 64, "pixel_size": 4.0, "radius": 20, "classes": 1, "groups": 5, "search": SEARCH,
    "workers": 2, "preread": True, "shards": 8, "shard": 250,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"classes": 3}, "references"),
        ({"classes": 3}, "sums"),
        ({"classes": 3}, "worker"),
        ({"box": 128, "pixel_size": 2.0, "radius": 40}, "worker"),
        ({"box": 128, "pixel_size": 2.0, "radius": 40}, "sums"),
        ({"halves": 2}, "sums"),
        ({"search": replace(SEARCH, sampling=sampling(3))}, "references"),
        ({"search": replace(SEARCH, offset_range=9.0)}, "worker"),
        ({"particles": 4000}, "particles"),
    ],
)
def test_larger_refinements_need_more(more: dict, part: str):
    assert getattr(plan_refinement(**{**JOB, **more}), part) > 1.1 * getattr(plan_refinement(**JOB), part)


def test_the_parts_of_a_plan_add_up_and_can_be_read():
    plan = plan_refinement(**JOB)
    looking = plan.sums + plan.references + max(2 * plan.worker, plan.making)
    assert plan.total == plan.program + plan.particles + plan.maps + max(looking, plan.solving)
    assert plan_refinement(**JOB, program=1000).total == plan.total + 1000
    assert "2 workers" in str(plan)
    assert plan_refinement(**{**JOB, "preread": False}).particles == 0


def test_processes_hold_a_program_and_views_each():
    threads = plan_refinement(**JOB, program=1 << 28)
    plan = plan_refinement(**JOB, program=1 << 28, separate=True)
    each = WORKER + KERNELS + plan.references + max(plan.worker, plan.making)
    leading = plan.program + plan.particles + plan.maps + max(plan.sums, plan.solving)
    assert plan.total == leading + 2 * each
    assert plan.total > threads.total + 2 * WORKER
    assert f"{each / 2**20:.0f} MB each" in str(plan)
    assert "each" not in str(threads).partition("workers")[2]


def test_a_refinement_shrinks_until_it_fits():
    def plan(workers: int, room: Room) -> MemoryPlan:
        finer = replace(SEARCH, sampling=sampling(3), offset_range=6.0)
        return plan_refinement(**{**JOB, "search": finer, "workers": workers, "room": room})

    whole = plan(3, AMPLE)
    assert fitting(plan, whole.total, workers=3) == whole
    less = fitting(plan, whole.total - 1, workers=3)
    assert (less.workers, less.room.poses) == (3, AMPLE.poses)
    assert less.room.held < AMPLE.held
    one = plan(1, replace(AMPLE, held=AMPLE.held >> 4))
    assert fitting(plan, one.total, workers=3).workers == 1
    least = fitting(plan, one.total - 1, workers=3)
    assert least.room.poses < AMPLE.poses
    with pytest.raises(ComputeError, match=r"fewer classes.*offset range.*smaller box"):
        fitting(plan, 10, workers=3)


@pytest.mark.parametrize("sigma", [None, 7.5])
def test_the_plan_counts_what_a_step_holds(sigma: float | None):
    made, _ = step(Aberrations())
    made.search = replace(made.search, widths=None if sigma is None else Widths.alike(sigma))
    made.prepare()
    model = made.model
    needs = Needs(model.box, model.pixel_size, model.radius, model.classes, made.search, AMPLE)
    held = [views for views in (made._fine_views.held, made._coarse_views.held) if views is not None]
    assert len(held) == 2
    size = sum(views.spectrum.nbytes + views.squared.nbytes for views in held)
    if sigma is None:
        size += made._coarse.operand.nbytes
    size += sum(slicer.volume.nbytes for slicer in made._fine_views.slicers)
    size += made._fine.offsets.phases.nbytes + made._low_offsets.phases.nbytes
    assert size == pytest.approx(needs.tables, rel=0.2)
    sums = made.process(np.arange(8))
    assert sum(part.array.nbytes for part in sums.maps) == needs.sums
    collected = Collected.zeros(held[0])
    assert collected.numerator.nbytes + collected.weight.nbytes <= 1.2 * needs.worker


@pytest.mark.parametrize("group", ["C1", "D2"])
@pytest.mark.parametrize(("kind", "double"), [(np.float32, False), (np.float64, True)])
@pytest.mark.parametrize("radius", [16, 31])
def test_the_plan_counts_what_a_reconstruction_holds(group: str, kind: type, double: bool, radius: int):
    search = replace(SEARCH, sampling=sampling(2, group=group))
    lattice = Lattice(64, radius)
    array = np.random.default_rng(1).random((*lattice.shape, 3)).astype(kind)
    needs = Needs(64, 4.0, radius, 1, search, AMPLE)
    assert needs.sums == lattice.voxels * 3 * 4
    found = traced(lambda: reconstruct(FourierSums(lattice, array), group=point_group(group)))
    assert found == pytest.approx(needs.solving(double=double), rel=0.12)
    sums = replace(Sums.zeros(lattice, classes=2, directions=1, groups=1, shells=33), share=np.ones(2))
    sums.maps = [FourierSums(lattice, array)] * 2
    model = first_model(
        np.zeros((2, 64, 64, 64), np.float32),
        np.ones((1, 33)),
        pixel_size=4.0,
        offset_sigma=8.0,
        shell=9,
        shells_ahead=9,
    )
    found = traced(lambda: maps_of(model, sums, group=point_group(group), update=Update(), fsc=None))
    assert found - model.references.nbytes == pytest.approx(needs.solving(double=double), rel=0.12)


@pytest.mark.parametrize("radius", [16, 31])
def test_the_plan_counts_what_making_transforms_holds(radius: int):
    map_ = np.random.default_rng(1).random((64, 64, 64)).astype(np.float32)
    found = traced(lambda: volume_of(map_, Lattice(64, radius, taps=KAISER_BESSEL)))
    assert found == pytest.approx(Needs(64, 4.0, radius, 1, SEARCH, AMPLE).making, rel=0.12)


def test_what_is_measured_of_maps_and_sums_takes_less_than_solving_for_them():
    """So the plan need not count it."""
    search = replace(SEARCH, sampling=sampling(2, group="D2"))
    lattice = Lattice(64, 31)
    sums = FourierSums(lattice, np.random.default_rng(1).random((*lattice.shape, 3)).astype(np.float32))
    completed = sums.completed()
    maps = np.random.default_rng(2).random((1, 64, 64, 64)).astype(np.float32)
    most = Needs(64, 4.0, 31, 1, search, AMPLE).solving(double=False)
    assert completed.nbytes + traced(lambda: coverage(completed, lattice, np.ones(33))) <= most
    assert completed.nbytes + traced(lambda: weight_spectrum(completed, lattice)) <= most
    assert traced(lambda: signal_variance(maps)) <= most


def test_the_plan_counts_what_a_worker_holds():
    made, _ = step(Aberrations())
    made.prepare()
    model = made.model
    needs = Needs(model.box, model.pixel_size, model.radius, model.classes, made.search, AMPLE)
    found = traced(lambda: made.process(np.arange(16)))
    assert 0.5 * (needs.worker + needs.sums) < found < 1.05 * (needs.worker + needs.sums)


def test_the_plan_counts_what_known_poses_take():
    known, cache = case(count=40, classes=2, align=False, zero_mask=True), PictureCache(1 << 30)
    made, model = known.step(cache=cache), known.model
    assert isinstance(made, FixedExpectation)
    made.prepare()
    needs = KnownNeeds(model.box, model.pixel_size, model.radius, model.classes, known.search)
    assert made._volumes.nbytes == needs.tables
    made.process(np.arange(40))
    assert cache.nbytes == pytest.approx(40 * needs.picture, rel=0.05)


def test_less_room_changes_little():
    """Views made block by block are slices by linear interpolation; poses that are left out have no weight."""
    ample, _ = step(Aberrations())
    tight, _ = step(Aberrations())
    tight.room = Room(held=1 << 18)
    for one in (ample, tight):
        one.prepare()
    first, second = (one.process(np.arange(40)) for one in (ample, tight))
    assert ample._fine_views.held is not None
    assert tight._fine_views.held is None
    found = [np.concatenate(sums.poses) for sums in (first, second)]
    first_poses, second_poses = (matrix_from_euler(*rows[:, 1:4].T) for rows in found)
    same = (angle_between(first_poses, second_poses) < 1.0).mean()  # of a grid of 7.5°
    assert same > 0.8
    weights = [sums.maps[0].array[..., 2] for sums in (first, second)]
    assert np.abs(weights[0] - weights[1]).sum() < 0.05 * weights[0].sum()
