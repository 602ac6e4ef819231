"""What optics groups say of aberrations is undone by the E-step: truth is found with it, and less well without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.aberrations import Aberrations
from tests.engine.classify2d_cases import PIXEL, Case, case

SMALL = {"box": 32, "groups": ((PIXEL, 32),), "radius": 13, "psi_step": 5.0, "count": 100, "snr": 2.0}
MAGNIFIED = ((1.15, 0.05), (-0.03, 0.88))
KINDS = {
    "beam tilt": Aberrations(tilt_mrad=(300.0, -200.0)),
    "antisymmetric": Aberrations(odd=(0.0, 0.0, 9000.0, 0.0, 0.0, -6000.0)),
    "symmetric": Aberrations(even=(0.5, 100.0, 0.0, -80.0)),
    "magnification": Aberrations(magnification=MAGNIFIED),
    "all": Aberrations(odd=(0.3, 0.0, 4000.0), even=(0.5, 60.0), tilt_mrad=(200.0, 100.0), magnification=MAGNIFIED),
}
FORMATS = {"as the references": (PIXEL, 32), "of other pixels and box": (2.8, 44)}


def without(made: Case) -> Case:
    return replace(made, groups=tuple(replace(group, aberrations=Aberrations()) for group in made.groups))


def likelihoods(made: Case) -> np.ndarray:
    return made.run().poses[0][:, 4]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMATS)
def test_true_poses_are_likelier_with_the_correction(kind: str, form: str) -> None:
    made = case(**{**SMALL, "groups": (FORMATS[form],)}, aberrations=(KINDS[kind],), align=False)
    gain = likelihoods(made) - likelihoods(without(made))
    assert np.mean(gain > 0) > 0.9
    assert gain.mean() > 5


@pytest.mark.parametrize("kind", KINDS)
def test_angles_and_origins_are_found(kind: str) -> None:
    """Nearly as well as in images without aberrations, and better than where they are not corrected."""
    made, never = (case(aberrations=(seen_with,), **SMALL) for seen_with in (KINDS[kind], Aberrations()))
    truth = case(align=False, **SMALL).particles

    def errors(searched: Case) -> np.ndarray:
        found = searched.run().poses[0]
        turned = np.abs((found[:, 1] - truth.psi + 180) % 360 - 180)
        moved = np.hypot(*(found[:, 2:4] * PIXEL - truth.origin).T)
        return np.array([np.median(turned), np.median(moved)])

    usual = errors(never)
    corrected, uncorrected = ((errors(searched) / usual).sum() for searched in (made, without(made)))
    assert corrected < 2.6
    assert corrected < 0.85 * uncorrected


def test_origins_are_those_of_the_image() -> None:
    """Far from the middle a stretched image is moved by other px than its object."""
    seen_with = Aberrations(magnification=((1.25, 0.0), (0.0, 0.8)))
    changes = {"groups": ((PIXEL, 48),), "aberrations": (seen_with,), "rotate": False, "offset_range": 5.0}
    made = case(**{**SMALL, "box": 48, "snr": 5.0, **changes})
    truth = case(**{**SMALL, "box": 48, "snr": 5.0, **changes}, align=False).particles
    start = replace(made.particles, psi=truth.psi, origin=truth.origin + 3.0 * PIXEL)
    found = replace(made, particles=start).run().poses[0][:, 2:4] * PIXEL
    # the grid of offsets is one px of the object wide
    assert np.median(np.abs(found - truth.origin), axis=0) == pytest.approx(0, abs=0.4 * PIXEL)
    assert np.abs(np.mean(found - truth.origin, axis=0)) == pytest.approx(0, abs=0.15 * PIXEL)


def test_offsets_of_object_and_image_are_each_others_inverse() -> None:
    seen_with = Aberrations(magnification=MAGNIFIED)
    offsets = np.array([3 - 2j, -1 + 4j])
    np.testing.assert_allclose(seen_with.offset_of_image(seen_with.offset_of_object(offsets)), offsets)
    x, y = np.array([0.03, -0.01]), np.array([0.02, 0.05])
    in_object, moved = seen_with.of_object(x, y), seen_with.offset_of_object(offsets)
    # the same phase at the same place of the transform
    np.testing.assert_allclose(
        x * offsets.real + y * offsets.imag, in_object[0] * moved.real + in_object[1] * moved.imag
    )


def test_nothing_is_computed_where_there_is_nothing_to_correct() -> None:
    zeros = Aberrations(odd=(0.0, 0.0), even=(0.0,), magnification=((1.0, 0.0), (0.0, 1.0)))
    made = case(aberrations=(zeros,), **SMALL)
    step = made.step()
    step.prepare()
    assert step._observers[0]._turn_back is None
    assert step._observers[0]._symmetric_phase is None
    np.testing.assert_array_equal(likelihoods(made), likelihoods(without(made)))
