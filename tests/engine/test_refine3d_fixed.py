"""Classes in known poses: against the plain double-precision E-step, what is kept, and starts from one map."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.likelihood import kept
from relionlab.engine.likelihood.kept import PictureCache
from relionlab.engine.parallel import executor_for
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.steps import InlineExecutor, shards
from relionlab.settings import Settings
from tests.engine.refine3d_cases import PIXEL, back_projections, case, column, plain_back_projections
from tests.engine.test_refine3d_cartesian import relative

TILTED = Aberrations(tilt_mrad=(10.0, -6.0), even=(0.3, 20.0, -10.0, 15.0))
STRETCHED = Aberrations(magnification=((1.02, 0.01), (-0.01, 0.985)))
CASES = {
    "two classes": {"classes": 2},
    "classes of known sizes": {"classes": 3, "size_prior": True},
    "one class": {},
    "D2": {"classes": 2, "symmetry": "D2"},
    "four classes at SNR 0.1": {"classes": 4, "snr": 0.1},
    "limits": {"classes": 2, "radius_limit": 6, "first_shell": 3},
    "two pixel sizes": {"classes": 2, "groups": ((PIXEL, 24), (3.2, 30))},
    "two extents": {"classes": 2, "groups": ((PIXEL, 24), (PIXEL, 28))},
    "images that end before the shells do": {"classes": 2, "groups": ((PIXEL, 24), (6.0, 16)), "radius": 10},
    "aberrations": {"classes": 2, "aberrations": (TILTED,)},
    "stretched images": {"classes": 2, "aberrations": (STRETCHED,)},
    "only phases flipped": {"classes": 2, "only_flip_phases": True},
    "no CTF": {"classes": 2, "use_ctf": False},
    "a fraction": {"classes": 3, "snr": 0.05, "fraction": 0.8},
}


def assert_same(first: Sums, second: Sums) -> None:
    for name in ("share", "directions", "residual", "members", "cross", "auto", "offset2"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(first.poses[0], second.poses[0])
    for one, other in zip(first.maps, second.maps, strict=True):
        np.testing.assert_array_equal(one.array, other.array)


@pytest.mark.parametrize("name", list(CASES))
def test_sums_are_those_of_double_precision(name: str):
    made = case(count=20, align=False, **CASES[name])
    found, result = made.run(), made.plain.run()
    expected = result.sums
    # slices are interpolated linearly: log-likelihoods of hundreds, of maps as sharp as these, are right to some tenths
    assert np.abs(column(found, "log_likelihood") - column(expected, "log_likelihood")).max() < 0.6
    assert np.abs(column(found, "best_weight") - column(expected, "best_weight")).max() < 0.06
    assert relative(found.share, expected.share) < 0.01
    assert relative(found.directions, expected.directions) < 0.06
    np.testing.assert_allclose(found.directions.sum(axis=1), found.share)
    for field in ("residual", "cross", "auto"):
        assert relative(getattr(found, field), getattr(expected, field)) < 0.015, field
    assert found.offset2 == pytest.approx(expected.offset2, rel=1e-9)
    np.testing.assert_array_equal(found.members, expected.members)
    assert relative(column(found, "chi2"), column(expected, "chi2")) < 3e-3
    for angle in ("rot", "tilt", "psi"):
        np.testing.assert_allclose(column(found, angle), getattr(made.particles, angle))
    np.testing.assert_allclose(found.poses[0][:, 4:6], made.particles.origin / PIXEL, atol=1e-9)
    for c, map_ in enumerate(found.maps):
        for ours, plain in zip(back_projections(made, map_), plain_back_projections(made, result, c), strict=True):
            # turning sums leaves out what reaches over the last shell: most of it weights
            assert np.linalg.norm(ours - plain) < (0.1 if made.group.order == 1 else 0.3) * np.linalg.norm(plain)


def test_what_is_kept_changes_nothing():
    made = case(count=30, classes=2, align=False, groups=((PIXEL, 24), (3.2, 30)))
    cache = PictureCache(1 << 30)
    plain = made.run(size=11)
    first = made.run(size=11, cache=cache)
    watched = replace(made, images=[])  # nothing is read again
    again = watched.run(size=11, cache=cache)
    assert cache.nbytes > 0
    np.testing.assert_allclose(first.poses[0], plain.poses[0], rtol=1e-5, atol=1e-4)
    assert_same(first, again)


def test_what_changes_between_iterations_is_applied_to_what_is_kept():
    made = case(count=12, classes=2, align=False)
    cache = PictureCache(1 << 30)
    made.run(cache=cache)
    model = replace(
        made.model, sigma2=2 * made.model.sigma2, scale=1.1 * made.model.scale, mean_norm=1.05, radius=9,
        references=made.model.references[::-1].copy(),
    )  # fmt: skip
    later = replace(made, model=model, particles=replace(made.particles, norm=made.particles.norm * 1.2))
    kept_, anew = later.run(cache=cache), later.run()
    np.testing.assert_allclose(kept_.poses[0], anew.poses[0], rtol=1e-5, atol=1e-4)
    assert relative(kept_.residual, anew.residual) < 1e-5
    assert relative(kept_.maps[0].array, anew.maps[0].array) < 1e-4


@pytest.mark.parametrize("field", ["origin", "defocus_u", "phase_shift"])
def test_particles_that_changed_are_made_anew(field: str):
    made = case(count=12, classes=2, align=False)
    cache = PictureCache(1 << 30)
    before = made.run(cache=cache)
    changed = replace(made, particles=replace(made.particles, **{field: getattr(made.particles, field) + 30.0}))
    np.testing.assert_allclose(changed.run(cache=cache).poses[0], changed.run().poses[0], rtol=1e-5, atol=1e-4)
    assert_same(made.run(cache=cache), before)


def test_a_full_cache_takes_no_more():
    made = case(count=20, classes=2, align=False)
    cache = PictureCache(1 << 30)
    made.run(size=10, cache=cache)
    small = PictureCache(int(0.7 * cache.nbytes))
    assert_same(made.run(size=10, cache=small), made.run(size=10, cache=cache))
    assert 0 < small.nbytes <= small.most_bytes


def test_noise_around_the_particle_is_not_kept():
    made = case(count=6, classes=2, align=False, zero_mask=False)
    cache = PictureCache(1 << 30)
    made.run(cache=cache)
    assert cache.nbytes == 0


def test_a_cache_that_travels_is_found_again(monkeypatch: pytest.MonkeyPatch):
    cache = PictureCache(123)
    assert pickle.loads(pickle.dumps(cache)) is cache
    sent = pickle.dumps(cache)
    monkeypatch.setattr(kept, "_known", type(kept._known)())  # another process
    monkeypatch.setattr(kept, "_arrived", [])
    there = pickle.loads(sent)
    assert there is not cache
    assert (there.most_bytes, there.nbytes) == (123, 0)
    assert pickle.loads(sent) is there


def test_threads_give_the_bits_of_inline():
    made = case(count=40, classes=2, align=False)
    expected = InlineExecutor().run(made.step(cache=PictureCache(1 << 30)), shards(40, 10))
    executor = executor_for(replace(Settings(), executor="local", worker_kind="threads", workers=2))
    try:
        cache = PictureCache(1 << 30)
        for _ in range(2):
            assert_same(executor.run(made.step(cache=cache), shards(40, 10)), expected)
    finally:
        executor.close()
