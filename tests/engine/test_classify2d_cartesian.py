"""The polar engine against the plain double-precision E- and M-step, on hundreds of particles.

On the nodes of the polar grid both compute the same sums, so what differs is single precision and the NUFFT. On
Fourier pixels, RELION's discretisation, the sums themselves differ: one pixel more or less per shell. The tolerances
are about twice what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.classify2d.cartesian import PlainExpectation, plain_averages
from relionlab.engine.classify2d.expectation import Sums, grid_for
from relionlab.engine.classify2d.maximisation import Update, maximise, reconstruct
from tests.engine.classify2d_cases import Case, case

SMALL = {"box": 32, "groups": ((3.5, 32),), "psi_step": 20.0, "radius": 11}
# milder than others: beyond the circle in which references live, the sums drop what large ones bring there
STRETCHED = Aberrations(odd=(0.0, 0.0, 30.0, -5.0, 8.0, 10.0), magnification=((1.02, 0.01), (-0.01, 0.985)))
SEARCHES = {
    "plain": {},
    "perturbed": {"perturbation": 0.37},
    "an angular step that does not divide the circle": {"psi_step": 25.0, "perturbation": -0.4},
    "skip alignment": {"align": False},
    "skip rotation": {"rotate": False, "perturbation": 0.3},
    "fine offsets": {"offset_step": 0.7, "offset_range": 1.5},
    "astigmatism of 2000 Å": {"astigmatism": 2000.0},
    "particles expected where they were": {"step_sigma": 0.6, "perturbation": 0.3},
    "resolution limit": {"radius_limit": 7},
    "low-resolution limit": {"first_shell": 3},
    "CTF intact until its first peak": {"intact_first_peak": True},
    "phases flipped": {"phase_flipped": True},
    "only phases flipped": {"only_flip_phases": True},
    "no CTF": {"use_ctf": False},
    "SNR 0.05": {"snr": 0.05},
    "SNR 0.3": {"snr": 0.3},
    "all shells": {"radius": 16},
    "two pixel sizes": {"groups": ((3.5, 32), (2.8, 40))},
    "three extents": {"groups": ((3.5, 32), (4.2, 32), (3.0, 32))},
    "beam tilt": {"aberrations": (Aberrations(tilt_mrad=(10.0, -6.0)),)},
    "symmetric aberrations": {"aberrations": (Aberrations(even=(0.3, 20.0, -10.0, 15.0)),)},
    "skip alignment of stretched images": {"align": False, "aberrations": (STRETCHED,)},
    "stretched images of other pixels": {"groups": ((3.5, 32), (2.8, 40)), "aberrations": (Aberrations(), STRETCHED)},
    "stretched images that end before the shells do": {"radius": 16, "aberrations": (STRETCHED,)},
    "images that end before the shells do": {"groups": ((3.5, 32), (5.6, 20)), "radius": 15},
}


@dataclass(frozen=True)
class Compared:
    """One case, seen by the engine and by the plain reference."""

    case: Case
    engine: np.ndarray
    plain: np.ndarray
    engine_sums: Sums
    plain_sums: Sums

    @property
    def distance(self) -> np.ndarray:
        return total_variation(self.engine, self.plain)


def total_variation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return 0.5 * np.abs(first - second).sum(axis=(1, 2, 3))


def plain(made: Case, *, polar: bool) -> PlainExpectation:
    return PlainExpectation(
        made.model,
        made.particles,
        made.groups,
        search=made.search,
        load=made.load,
        nodes=made.nodes(polar=polar),
    )


def engine_posteriors(made: Case) -> np.ndarray:
    """The engine's posteriors of all poses before any are left out."""
    step = made.step()
    step.prepare()
    shape = (len(made.particles), made.model.classes, made.search.n_psi, len(made.search.offsets()))
    result = np.empty(shape)
    for number, observer in enumerate(step._observers):
        members = np.flatnonzero(made.particles.optics_group == number)
        seen = observer.look(made.particles.rows(members), made.load(members), identifiers=members)
        observed = step.observed(seen, made.particles.rows(members))
        table = step._log_likelihoods(observed, members).astype(float).transpose(2, 0, 1, 3)
        weights = np.exp(table - table.max(axis=(1, 2, 3), keepdims=True))
        result[members] = weights / weights.sum(axis=(1, 2, 3), keepdims=True)
    return result


def compare(made: Case, *, polar: bool) -> Compared:
    reference, everyone = plain(made, polar=polar), np.arange(len(made.particles))
    weights, _ = reference.posteriors(everyone)
    return Compared(made, engine_posteriors(made), weights, made.run(), reference.sums(everyone))


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def same_best(compared: Compared) -> float:
    best = [table.reshape(len(table), -1).argmax(axis=1) for table in (compared.engine, compared.plain)]
    return float(np.mean(best[0] == best[1]))


def check_polar(compared: Compared) -> None:
    """Single precision and the NUFFT are all that may differ."""
    found, expected = compared.engine_sums, compared.plain_sums
    assert np.median(compared.distance) < 1e-5
    assert compared.distance.max() < 1e-4
    assert same_best(compared) > 0.99  # two poses may tie to six digits
    assert relative(found.share, expected.share) < 1e-5
    assert relative(found.residual, expected.residual) < 2e-6
    assert relative(found.cross, expected.cross) < 5e-6
    assert relative(found.auto, expected.auto) < 5e-6
    assert found.offset2 == pytest.approx(expected.offset2, rel=5e-6)
    assert np.abs(found.poses[0][:, 4] - expected.poses[0][:, 4]).max() < 2e-3  # of some thousands
    assert relative(found.poses[0][:, 7], expected.poses[0][:, 7]) < 3e-6
    np.testing.assert_array_equal(found.members, expected.members)
    agreed = found.poses[0][:, 0] == expected.poses[0][:, 0]
    for column, tolerance in ((1, 1e-6), (2, 1e-5), (3, 1e-5)):
        apart = np.abs(found.poses[0][agreed, column] - expected.poses[0][agreed, column])
        assert np.mean(apart < tolerance) > 0.99
    # a sign that flips on a line has no end of harmonics, of which the sums keep the first ones
    tolerance = 1e-2 if compared.case.search.only_flip_phases else 1e-4
    for name in ("numerator", "denominator"):
        value, wanted = getattr(found, name).reshape(expected.numerator.shape), getattr(expected, name)
        assert np.linalg.norm(value - wanted) < tolerance * np.linalg.norm(wanted)


@pytest.fixture(scope="module")
def on_polar_nodes() -> Compared:
    return compare(case(count=200, **{**SMALL, "psi_step": 24.0}), polar=True)


@pytest.fixture(scope="module")
def on_pixels() -> Compared:
    return compare(case(count=200, **{**SMALL, "psi_step": 24.0}), polar=False)


def test_the_same_sums_as_in_double_precision(on_polar_nodes: Compared):
    check_polar(on_polar_nodes)


@pytest.mark.parametrize("name", list(SEARCHES))
def test_posteriors_are_those_of_double_precision(name: str):
    made = case(count=48, **{**SMALL, **SEARCHES[name]})
    expected, likelihoods = plain(made, polar=True).posteriors(np.arange(48))
    distance = total_variation(engine_posteriors(made), expected)
    assert np.median(distance) < 1e-5
    assert distance.max() < 1e-4
    assert np.abs(made.run().poses[0][:, 4] - likelihoods).max() < 2e-3


@pytest.mark.full
@pytest.mark.parametrize("name", list(SEARCHES))
def test_all_sums_are_those_of_double_precision(name: str):
    check_polar(compare(case(count=210, **{**SMALL, **SEARCHES[name]}), polar=True))


def test_posteriors_agree_with_relions_discretisation(on_pixels: Compared):
    # measured: median 0.009, 95 % 0.028, largest 0.05
    distance = on_pixels.distance
    assert np.median(distance) < 0.015
    assert np.quantile(distance, 0.95) < 0.05
    assert same_best(on_pixels) > 0.96
    likelihood = on_pixels.engine_sums.poses[0][:, 4] - on_pixels.plain_sums.poses[0][:, 4]
    assert likelihood.std() < 3  # of a spread of 33; the constant is the number of pixels
    assert on_pixels.plain_sums.poses[0][:, 4].std() > 25


def test_averages_agree_with_relions_discretisation(on_pixels: Compared):
    model, search = on_pixels.case.model, on_pixels.case.search
    engine, _ = reconstruct(
        model, on_pixels.engine_sums, grid_for(model, search), search=search, update=Update(tau2_fudge=2.0)
    )
    nodes = on_pixels.case.nodes(polar=False)
    expected = plain_averages(model, on_pixels.plain_sums, nodes, search=search, tau2_fudge=2.0)
    for ours, theirs in zip(engine, expected, strict=True):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.9996
    assert np.linalg.norm(engine - expected) < 0.03 * np.linalg.norm(expected)


def test_model_agrees_with_relions_discretisation(on_pixels: Compared):
    found, expected, case_ = on_pixels.engine_sums, on_pixels.plain_sums, on_pixels.case
    assert relative(found.share, expected.share) < 0.006
    assert found.offset2 == pytest.approx(expected.offset2, rel=0.005)
    weight = np.arange(case_.model.box // 2 + 1)
    scale = [(sums.cross @ weight) / (sums.auto @ weight) for sums in (found, expected)]
    np.testing.assert_allclose(scale[0], scale[1], rtol=0.012)
    # 80 particles per group: the first shells have a handful of pixels each
    np.testing.assert_allclose(found.residual[:, 3:], expected.residual[:, 3:], rtol=0.04)


def test_the_m_step_finds_the_truth_again(on_polar_nodes: Compared):
    case_ = on_polar_nodes.case
    model, moved, _ = maximise(
        case_.model, case_.particles, on_polar_nodes.engine_sums, search=case_.search, update=Update(tau2_fudge=4.0)
    )
    for ours, truth in zip(model.references, case_.model.references, strict=True):
        assert np.corrcoef(ours.ravel(), truth.ravel())[0, 1] > 0.95
    assert model.offset_sigma == pytest.approx(1.2 * model.pixel_size, rel=0.25)
    np.testing.assert_allclose(model.scale / case_.model.scale, 1, atol=0.15)
    np.testing.assert_allclose(model.sigma2[:, 4:11] / case_.model.sigma2[:, 4:11], 1, atol=0.2)
    assert np.mean(moved.class_index == truth_of(case_)) > 0.75  # 0.83 with angles 24° apart; a third by chance


def truth_of(made: Case) -> np.ndarray:
    return made.particles.class_index  # the cases keep the true class of each particle


def test_significant_poses_hold_the_fraction_asked_for():
    made = case(count=64, **SMALL, fraction=0.999)
    found = made.run()
    expected = plain(made, polar=True).sums(np.arange(64))
    # the engine keeps whole bins of equal weight: never fewer, and not many more
    kept = found.poses[0][:, 6] / expected.poses[0][:, 6]
    assert kept.min() >= 1
    assert np.median(kept) < 1.2
    numerator = found.numerator.reshape(expected.numerator.shape)
    assert np.linalg.norm(numerator - expected.numerator) < 1e-3 * np.linalg.norm(expected.numerator)


@pytest.mark.parametrize("limits", [{"radius_limit": 7}, {"first_shell": 4}])
def test_limits_of_the_comparison_leave_the_averages_all_their_shells(limits: dict[str, int]):
    made = case(count=32, **SMALL)
    whole, limited = made.run(), made.with_search(**limits).run()
    power = [np.abs(sums.numerator).mean(axis=(0, 2)) for sums in (whole, limited)]
    assert (power[1] > 0.3 * power[0]).all()
    assert (limited.denominator.mean(axis=(0, 2)) > 0).all()
    assert (limited.auto[:, 1:12].sum(axis=0) > 0).all()


def test_particles_held_to_a_class_stay_there():
    held = np.arange(48) % 3
    made = case(count=48, **SMALL, fixed_class=held)
    assert (made.run().poses[0][:, 0] == held).all()
    weights, _ = plain(made, polar=True).posteriors(np.arange(48))
    assert np.abs(weights.sum(axis=(2, 3)) - np.eye(3)[held]).max() < 1e-12


def test_a_class_without_particles_keeps_its_average():
    made = case(count=24, **SMALL, fixed_class=np.zeros(24, np.int64))
    after, _, _ = maximise(made.model, made.particles, made.run(), search=made.search, update=Update())
    np.testing.assert_array_equal(after.references[1], made.model.references[1])
    assert after.class_share[0] == pytest.approx(1)


def test_psi_has_relions_sign_and_origins_centre_the_particle():
    """A particle that is the reference turned by psi and moved by -origin comes back with exactly these."""
    made = case(count=36, snr=5.0, **{**SMALL, "psi_step": 10.0, "offset_range": 4.0})
    truth = case(count=36, snr=5.0, **{**SMALL, "align": False}).particles
    poses = made.run().poses[0]
    right = poses[:, 0] == truth.class_index
    turned = np.abs((poses[:, 1] - truth.psi + 180) % 360 - 180)
    moved = np.abs(poses[:, 2:4] - truth.origin / made.model.pixel_size)
    assert right.mean() > 0.95
    assert np.median(turned[right]) < 3.5
    assert np.quantile(turned[right], 0.9) < 8
    assert np.quantile(moved[right], 0.9) < 0.9


def test_particles_expected_where_they_were_stay_near_wherever_that_is():
    """A narrow prior of the step holds particles to their last origins, one of the whole origin to the middle."""
    made = case(count=48, **{**SMALL, "offset_range": 3.0})
    far = replace(made.particles, origin=np.full_like(made.particles.origin, 3 * made.model.pixel_size))
    narrow = replace(made.model, offset_sigma=0.3 * made.model.pixel_size)
    local = replace(made, particles=far).with_search(step_sigma=0.3)
    assert np.abs(local.run().poses[0][:, 2:4] - 3).max() < 1.5
    assert np.median(replace(made, particles=far, model=narrow).run().poses[0][:, 2:4]) < 1.5


def test_the_norm_correction_divides_the_image():
    made = case(count=24, **SMALL)
    doubled = replace(
        made,
        images=[2 * image for image in made.images],
        particles=replace(made.particles, norm=2 * made.particles.norm),
    )
    np.testing.assert_allclose(doubled.run().poses[0], made.run().poses[0], rtol=1e-5, atol=1e-6)
