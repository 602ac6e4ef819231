"""When an auto-refinement samples finer, and when it ends."""

from dataclasses import replace

import pytest

from relionlab.engine.refine3d.schedule import HIGHEST_ORDER, Stage, Standing, judged, next_stage, step_needed

STAGE = Stage(order=2, offset_range=5.0, offset_step=2.0)
TIRED = Standing(without_gain=1, without_change=1, best_shell=12, smallest_angles=5.0, smallest_offsets=1.0)


def following(standing, stage=STAGE, *, step=7.5, accuracy=(1.0, 0.5), moved=0.4, **asked):
    return next_stage(standing, stage, step=step, accuracy=accuracy, moved=moved, oversampling=1, **asked)


@pytest.mark.parametrize(("gain", "change"), [(0, 1), (1, 0), (0, 0)])
def test_sampling_stays_while_anything_improves(gain, change):
    standing = replace(TIRED, without_gain=gain, without_change=change)
    assert following(standing) == (standing, STAGE)


def test_sampling_becomes_finer_and_counts_begin_anew():
    standing, stage = following(TIRED)
    assert stage.order == 3
    assert standing.without_gain == standing.without_change == 0
    assert standing.best_shell == 12  # a finer grid must beat the best so far
    assert stage.offset_step == pytest.approx(0.75)  # three quarters of the accuracy on the fine grid
    assert stage.offset_range == pytest.approx(2.0)  # five times what origins moved


def test_offsets_reach_one_and_a_half_steps_at_least_and_never_grow():
    _, stage = following(TIRED, moved=0.0)
    assert stage.offset_range == pytest.approx(1.5 * stage.offset_step)
    _, stage = following(TIRED, moved=50.0)
    assert stage.offset_range == STAGE.offset_range


def test_converges_where_steps_are_finer_than_the_accuracy():
    standing, stage = following(TIRED, step=0.7, accuracy=(1.0, 0.5))
    assert standing.converged
    assert stage == STAGE
    assert not following(TIRED, step=0.8, accuracy=(1.0, 0.5))[0].converged
    last = replace(STAGE, order=HIGHEST_ORDER)
    assert following(TIRED, last, step=0.5, accuracy=(0.1, 0.1))[0].converged


def test_changing_poses_do_not_hold_up_what_is_to_go_on_despite_them():
    moving = replace(TIRED, without_change=0)
    assert following(moving) == (moving, STAGE)
    assert following(moving, despite_changes=True)[1].order == 3
    assert following(moving, despite_changes=True, step=0.7)[0].converged
    improving = replace(TIRED, without_gain=0)
    assert following(improving, despite_changes=True) == (improving, STAGE)


def test_a_resolution_that_needs_finer_steps_has_them_at_once():
    improving = replace(TIRED, without_gain=0, without_change=0)
    needed = step_needed(8.0, diameter=200.0)
    assert needed == pytest.approx(360 * 8 / (200 * 3.14159265))  # 8 Å of the particle's circumference
    assert following(improving, needed=needed)[1].order == 3
    assert following(improving, step=3.75, needed=needed) == (improving, STAGE)
    # never finer than the particles can tell, and never the end while the resolution improves
    assert following(improving, step=7.5, accuracy=(12.0, 0.5), needed=needed) == (improving, STAGE)


def test_judging_counts_what_did_not_improve():
    better = judged(TIRED, shell=13, changed=(4.0, 0.9, 0.0), step=3.0)
    assert (better.without_gain, better.without_change, better.best_shell) == (0, 0, 13)
    same = judged(TIRED, shell=12, changed=(5.0, 1.0, 0.0), step=3.0)
    assert (same.without_gain, same.without_change) == (2, 2)
    # poses that move by no more than the grid's own steps do not settle further
    floor = judged(replace(TIRED, without_change=0), shell=12, changed=(2.5, 0.5, 0.0), step=3.0)
    assert floor.without_change == 1
