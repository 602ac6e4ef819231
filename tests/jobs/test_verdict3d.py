"""The verdict on 3D runs: each sentence appears when its numbers say so, and only then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.jobs.refinement.verdict import MOST_SENTENCES, Outcome, of_more_particles, verdict

SHELLS = np.arange(65)


def falling(at: float, *, steepness: float = 4.0, noise: float = 0.0) -> np.ndarray:
    """A correlation that is 0.5 at a shell, then falls to zero, with some noise."""
    curve = 1 / (1 + np.exp((SHELLS - at) / steepness))
    return np.clip(curve + noise * np.random.default_rng(1).normal(size=len(SHELLS)), -1, 1)


def shell_to_angstrom(shell: float) -> float:
    return 128 * 1.5 / shell


GOOD = Outcome(
    kind="refinement",
    iterations=14,
    resolution_angstrom=shell_to_angstrom(47),
    nyquist_angstrom=3.0,
    converged=True,
    particles=20_000,
    fsc=falling(40, noise=0.005),
    accuracy_rotations=0.6,
    accuracy_offsets=0.4,
    angular_step=0.9,
    local_searches=True,
    changed=(0.3, 0.2, 0.0),
    completeness=0.95,
    empty=0.0,
)


def said(outcome: Outcome) -> str:
    return " ".join(verdict(outcome, most=99))


def test_a_good_refinement_is_told_its_numbers():
    sentences = verdict(GOOD)
    assert sentences[0].startswith("The refinement converged after 14 iterations at 4.1 Å")
    assert "hand" in sentences[-1]
    for word in ("Preferred", "The mask", "junk", "does not fall", "pixels limit", "nearly the same"):
        assert word not in " ".join(sentences)


def test_whether_the_resolution_is_of_masked_maps_is_said():
    assert "(FSC 0.143, no mask)" in said(GOOD)
    assert "(FSC 0.143, within the mask, corrected for it)" in said(replace(GOOD, within_mask=True))


def test_not_converged_says_how_much_still_moves():
    assert "has not converged after 14 iterations" in said(replace(GOOD, converged=False))
    assert "angles changed by 0.3° and offsets by 0.2 Å" in said(replace(GOOD, converged=False))


def test_junk_that_stops_a_refinement_early_is_said_first():
    """RELION's case: all picks of a real data set, junk included, stop after four iterations at 20.6 Å."""
    stuck = replace(
        GOOD, iterations=4, resolution_angstrom=20.6, nyquist_angstrom=7.08, local_searches=False, accuracy_rotations=9.3,
        completeness=0.3, best_weights=np.full(100, 0.05), fsc=falling(15),
    )  # fmt: skip
    first, *rest = verdict(stuck)
    assert "stopped after 4 iterations at 20.6 Å" in first
    assert "good to 9.3° only" in first
    assert "100 % of the particles have no pose" in first
    assert "junk" in first
    assert "Class2D or Class3D" in first
    assert not any("Preferred" in sentence or "particles limits" in sentence for sentence in rest)


def test_coarse_pixels_are_no_junk():
    """A converged run near the finest its pixels can show has no useless angles, whatever its searches were."""
    fine = replace(GOOD, local_searches=False, resolution_angstrom=3.1, fsc=np.linspace(1, 0.5, 65))
    assert "junk" not in said(fine)
    assert "The pixels limit the resolution: the FSC is still 0.50 at 3.00 Å" in said(fine)
    assert "pixels of 1 Å or less" in said(fine)


@pytest.mark.parametrize(("completeness", "empty", "words"), [
    (0.55, 0.0, "coverage is 0.55 (1: even), which costs as much as losing 45 %"),
    (0.0, 0.12, "no particle shows 12 % of Fourier space"),
])  # fmt: skip
def test_preferred_views(completeness, empty, words):
    assert words in said(replace(GOOD, completeness=completeness, empty=empty))


def test_side_views_alone_are_no_harm():
    assert "Preferred" not in said(replace(GOOD, completeness=8 / np.pi**2))


@pytest.mark.parametrize(("leak", "tight"), [(0.2, True), (0.01, False)])
def test_tight_mask(leak, tight):
    masked = replace(GOOD, masked_fsc=falling(42), randomised_fsc=np.full(65, leak))
    assert ("correlate by 0.20 within it" in said(masked)) == tight


def test_same_half_maps():
    same = replace(GOOD, fsc=np.linspace(1, 0.97, 65))
    assert "FSC nowhere below 0.97" in said(same)
    assert "pixels limit" not in said(same)


@pytest.mark.parametrize(("floor", "rests"), [(0.15, True), (0.0, False)])
def test_curve_that_does_not_fall_to_zero(floor, rests):
    resting = replace(GOOD, fsc=falling(25, steepness=2, noise=0.005) * (1 - floor) + floor * (SHELLS > 25))
    assert ("stays at 0.15 beyond 3.9 Å" in said(resting)) == rests


def test_a_flat_curve_of_more_signal_than_noise_is_no_floor():
    """Shells of a small box are not alike: the curve may rest high up to its end, where the pixels limit it."""
    high = np.array([1, 1, 1, 1, 1, 0.98, 0.97, 0.94, 0.93, 0.9, 0.81, 0.8, 0.83, 0.8])
    resting = replace(GOOD, fsc=high, occupied=0.4)
    assert "does not fall to zero" not in said(resting)
    assert "pixels limit" in said(resting)


def test_noise_of_few_voxels_is_no_floor():
    """With a high symmetry a shell tells so little that the same floor is within its noise."""
    resting = replace(GOOD, fsc=falling(6, steepness=1)[:25] * 0.94 + 0.06, symmetry_order=60, occupied=0.2)
    assert "does not fall to zero" not in said(resting)
    assert "does not fall to zero" in said(replace(resting, symmetry_order=1, occupied=1.0))


def test_more_particles_are_advised_with_numbers():
    assert "with 40,000 instead of 20,000" in said(GOOD)


def test_more_particles_are_not_advised_where_they_hardly_help():
    steep = replace(GOOD, fsc=falling(40, steepness=0.5))
    assert "More particles help little" in said(steep)


def test_no_word_on_particles_from_noise():
    noisy = replace(GOOD, fsc=falling(6, steepness=1)[:20], symmetry_order=24, occupied=0.1)
    assert "articles limits" not in said(noisy)
    assert "More particles" not in said(noisy)


def test_twice_the_particles_double_signal_over_noise():
    fsc = np.array([0.0, 0.2, 0.5, 0.9])
    more = of_more_particles(fsc, 2.0)
    np.testing.assert_allclose(more / (1 - more), 2 * fsc / (1 - fsc))


def test_classification():
    run = Outcome(
        kind="classification", iterations=25, resolution_angstrom=9.0, nyquist_angstrom=3.0, changed=(1.0, 0.5, 0.01),
        class_shares=(0.4, 0.35, 0.25),
    )  # fmt: skip
    assert verdict(run) == (
        "The classes have settled after 25 iterations: in the last, 1.0 % of the particles changed class.",
    )
    assert "not settled" in said(replace(run, changed=(1.0, 0.5, 0.2)))
    assert "Class 2 took 96 %" in said(replace(run, class_shares=(0.02, 0.96, 0.02)))
    assert "1 of 3 classes is empty: 2 would do" in said(replace(run, class_shares=(0.6, 0.395, 0.005)))


def test_initial_model_is_to_be_compared_with_class_averages():
    run = Outcome(kind="initial model", iterations=200, resolution_angstrom=15.0, nyquist_angstrom=7.0)
    first, last = verdict(run)
    assert "15.0 Å after 200 iterations" in first
    assert "class averages" in first
    assert "flip_hand" in last
    assert len(verdict(replace(run, chiral=False))) == 1


def test_before_the_first_iteration():
    assert verdict(replace(GOOD, iterations=0)) == ("No iteration has finished yet.",)


def test_not_more_than_five_sentences_and_the_hand_last():
    bad = replace(
        GOOD, converged=False, completeness=0.3, masked_fsc=falling(42), randomised_fsc=np.full(65, 0.3),
        fsc=np.maximum(falling(25), 0.12), class_shares=(0.95, 0.05), empty=0.2,
    )  # fmt: skip
    sentences = verdict(bad)
    assert len(sentences) == MOST_SENTENCES
    assert "hand" in sentences[-1]
