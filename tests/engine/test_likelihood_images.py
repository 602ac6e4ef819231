"""What the E-step sees of an image: mask, noise fill, whole-pixel moves, optics groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.fourier import radial_average, rfft2_centred
from relionlab.engine.likelihood.images import Observer
from tests.engine.classify2d_cases import PIXEL, Case, case, coloured, spectrum

SMALL = {"box": 32, "psi_step": 30.0, "radius": 11}


def observers(made: Case) -> list[Observer]:
    step = made.step()
    step.prepare()
    return step._observers


@pytest.mark.parametrize("group", [(3.5, 32), (2.8, 40), (4.2, 32)])
def test_noise_outside_the_mask_has_the_groups_spectrum(group: tuple[float, int]):
    made = case(count=6, groups=(group,), zero_mask=False, **SMALL)
    (observer,) = observers(made)
    everyone = np.arange(200)
    sigma2 = made.model.sigma2[np.zeros(200, int)]
    power = radial_average(np.abs(rfft2_centred(observer._noise(sigma2, everyone))) ** 2, group[1]).mean(axis=0)
    shells = np.rint(np.arange(group[1] // 2 + 1) / observer.sampler.scale).astype(int)
    expected = 2 * made.model.sigma2[0][np.minimum(shells, made.model.box // 2)]
    np.testing.assert_allclose(power[3:] / expected[3:], 1, atol=0.1)
    assert np.mean(power[3:] / expected[3:]) == pytest.approx(1, abs=0.02)


def test_noise_fills_the_variance_that_the_mask_takes_away():
    """Images of noise keep their power with the fill, and lose what lies outside without it."""
    rng, box, count = np.random.default_rng(0), 32, 300
    made = case(count=count, groups=((PIXEL, box),), zero_mask=False, **SMALL)
    images = [coloured(rng, box, 1.0).astype(np.float32) for _ in range(count)]
    full = spectrum(np.arange(box // 2 + 1) / box, 1.0) / (2 * box**2)
    model = replace(made.model, sigma2=np.tile(full, (3, 1)))
    poses = replace(made.particles, norm=np.ones(count), origin=np.zeros((count, 2)))
    made = replace(made, images=images, model=model, particles=poses)
    powers = {}
    for zero in (False, True):
        chosen = made.with_search(zero_mask=zero)
        (observer,) = observers(chosen)
        observed = observer.look(poses, np.stack(images), identifiers=np.arange(count))
        powers[zero] = observed.power.mean(axis=0)[4:12] / (2 * full[4:12])
    # the soft edge mixes two independent noises, m² + (1 - m)² < 1: a few per cent less
    weight = np.mean(observer.mask**2 + (1 - observer.mask) ** 2)
    assert powers[False].mean() == pytest.approx(weight, abs=0.04)
    assert powers[True].mean() == pytest.approx(np.mean(observer.mask**2), abs=0.04)


def test_the_noise_of_a_particle_is_its_own_and_always_the_same():
    made = case(count=6, groups=((PIXEL, 32),), zero_mask=False, **SMALL)
    (observer,) = observers(made)
    sigma2 = made.model.sigma2[[0, 0]]
    first, again = observer._noise(sigma2, np.array([3, 4])), observer._noise(sigma2, np.array([4, 3]))
    np.testing.assert_array_equal(first[0], again[1])
    assert abs(np.corrcoef(first[0].ravel(), first[1].ravel())[0, 1]) < 0.3


def test_images_are_moved_by_whole_pixels_and_counted_in_those_of_the_references():
    made = case(count=6, groups=((2.8, 40),), **SMALL)
    (observer,) = observers(made)
    one = replace(
        made.particles.rows(np.array([0])), origin=np.array([[5.9, -8.2]]), norm=np.array([2.0])
    )  # 2.1 and -2.9 px
    image = np.zeros((1, 40, 40), np.float32)
    image[0, 20, 20] = 1
    moved, origin, rest = observer._shifted(one, image)
    assert np.argwhere(moved[0]).tolist() == [[17, 22]]
    assert moved[0, 17, 22] == pytest.approx(0.5)
    assert origin[0] == pytest.approx((2 - 3j) * 2.8 / PIXEL)
    assert rest is None


def test_what_lies_outside_the_mask_does_not_matter():
    made = case(count=12, groups=((PIXEL, 32),), **SMALL)
    (observer,) = observers(made)
    outside, rng = observer.mask == 0, np.random.default_rng(1)
    still = replace(made.particles, origin=np.zeros((12, 2)))
    images = np.stack(made.images)
    spoilt = images.copy()
    for image in spoilt:  # a neighbour, with the same mean
        values = 3 * rng.standard_normal(outside.sum())
        image[outside] += (values - values.mean()).astype(np.float32)
    clean, seen = (observer.look(still, stack, identifiers=np.arange(12)) for stack in (images, spoilt))
    assert np.abs(clean.signal - seen.signal).max() < 1e-5 * np.abs(clean.signal).max()


def test_boxes_of_another_extent_show_the_same_signal():
    """The same blob in boxes of 32 and 50 px: its spectrum must not depend on how much empty field is around it."""
    made = case(count=2, groups=((PIXEL, 32), (PIXEL, 50)), **SMALL)
    alike = replace(
        made.particles, **{name: getattr(made.particles, name)[[0, 0]] for name in ("defocus_u", "defocus_v", "group")}
    )
    alike = replace(
        alike,
        origin=np.zeros((2, 2)),
        norm=np.ones(2),
        defocus_angle=np.zeros(2),
        ctf_scale=np.ones(2),
        psi=np.zeros(2),
    )
    small, large = observers(made)
    y, x = np.mgrid[:32, :32] - 16
    blob = np.exp(-((x - 2) ** 2 + (y + 3) ** 2) / 8).astype(np.float32)
    first = small.look(alike.rows(np.array([0])), blob[None], identifiers=np.array([0]))
    second = large.look(alike.rows(np.array([1])), np.pad(blob, 9)[None], identifiers=np.array([1]))
    np.testing.assert_allclose(second.signal, first.signal, atol=2e-3 * np.abs(first.signal).max())
    np.testing.assert_allclose(
        large.in_reference_box(large.masked_images(alike.rows(np.array([1])), np.pad(blob, 9)[None]))[0],
        small.masked_images(alike.rows(np.array([0])), blob[None])[0],
        atol=5e-3,
    )
