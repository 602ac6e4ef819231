"""Scores and peaks: what is planted is found, whatever the grey scale, shape and pixel size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.ctf import Optics, ctf
from relionlab.engine.picking import (
    BlobSearch,
    Edits,
    Picks,
    Templates,
    blob_scores,
    directions,
    frame_for,
    peaks_from,
    place,
    symmetry_matrices,
    template_scores,
)
from relionlab.engine.picking.blobs import blob_thresholds
from relionlab.engine.picking.crowding import NOISE_PEAKS, valley, valley_between
from relionlab.engine.picking.directions import healpix_directions
from relionlab.engine.picking.templates import BLOB_NOISE, BLOB_SURROUND, BLOB_TYPICAL, gaussian_blob
from relionlab.errors import ImageError, InputError, ParameterError

PIXEL, BOX = 4.0, 48
SHAPE = (420, 500)


def wedge() -> np.ndarray:
    """A particle without any symmetry in the plane, 100 Å long."""
    y, x = np.mgrid[:BOX, :BOX] - BOX // 2
    image = np.exp(-(((x - 3) / 9) ** 2) - (y / 5) ** 2) + 0.8 * np.exp(-(((x + 7) / 4) ** 2) - ((y - 6) / 4) ** 2)
    return (image * (np.hypot(x, y) < 15)).astype(np.float32)


def turned(image: np.ndarray, angle: float) -> np.ndarray:
    from scipy import ndimage

    y, x = np.mgrid[:BOX, :BOX] - BOX // 2
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return ndimage.map_coordinates(image, [s * x + c * y + BOX // 2, c * x - s * y + BOX // 2], order=3)


def planted(rng: np.random.Generator, *, contrast: float = 1.2, step: int = 70) -> tuple[np.ndarray, np.ndarray]:
    """A micrograph of dark particles on a ramp, and where they are: x, y, psi."""
    image = rng.normal(size=SHAPE) + np.linspace(0, 1, SHAPE[1])
    truth = []
    for y in range(40, SHAPE[0] - 40, step):
        for x in range(45, SHAPE[1] - 45, step):
            psi = float(rng.integers(0, 72) * 5)
            image[y - 24 : y + 24, x - 24 : x + 24] -= contrast * turned(wedge(), psi)
            truth.append((x, y, psi))
    return (100 + 10 * image).astype(np.float32), np.array(truth)


def search(image: np.ndarray, reference: np.ndarray, *, bright: bool = False, threshold: float = 0.2) -> Picks:
    frame = frame_for(image.shape, PIXEL, lowpass=20)
    templates = Templates(reference[None], PIXEL, 160.0, 5.0, 20.0)
    scores = template_scores(place(image, frame, bright=bright, lowpass=20), frame, templates)
    return peaks_from(scores, threshold, 100.0)


def test_templates_find_position_and_angle(rng):
    image, truth = planted(rng)
    picks = search(image, wedge(), threshold=0.5)
    distance = np.hypot(picks.x[:, None] - truth[:, 0], picks.y[:, None] - truth[:, 1])
    nearest = distance.argmin(axis=1)
    assert len(picks) == len(truth)
    assert sorted(nearest) == list(range(len(truth)))
    assert np.median(distance.min(axis=1)) < 1.0
    turn = np.abs((picks.psi - truth[nearest, 2] + 180) % 360 - 180)
    assert np.median(turn) <= 5


@pytest.mark.parametrize("factor", [4.0, 0.25, -1.0])
def test_grey_scale_and_sign_of_the_reference_do_not_matter(rng, factor):
    image, _ = planted(rng)
    usual = search(image, wedge())
    other = search(image, factor * wedge() + 3, bright=factor < 0)
    np.testing.assert_allclose(other.fom, usual.fom, atol=2e-3)
    np.testing.assert_allclose(other.x, usual.x, atol=0.05)


def test_grey_scale_of_the_micrograph_does_not_matter(rng):
    image, _ = planted(rng)
    np.testing.assert_allclose(search(1e4 * image - 7, wedge()).fom, search(image, wedge()).fom, atol=1e-2)


def test_noise_gives_hardly_a_pick(rng):
    places = np.prod(SHAPE) * PIXEL**2 / 100**2
    assert len(search(rng.normal(size=SHAPE), wedge())) < 0.05 * places
    assert len(search(rng.normal(size=SHAPE), wedge(), threshold=1.0)) == 0


def test_ctf_of_the_references_pays(rng):
    image, truth = planted(rng, contrast=2.5)
    frame = frame_for(SHAPE, PIXEL, lowpass=20)
    optics, lens = Optics(300, 2.7, 0.1, PIXEL), {"defocus_u": 25000, "defocus_v": 24000, "defocus_angle": 30}
    full = frame_for(SHAPE, PIXEL)
    x, y = full.frequencies
    spectrum = place(image, full) * ctf(x, y, optics=optics, **lens)
    seen = _inverse(spectrum, full)
    x, y = frame.frequencies
    templates = Templates(wedge()[None], PIXEL, 160.0, 5.0, 20.0)
    spectrum = place(seen[: SHAPE[0], : SHAPE[1]] + rng.normal(0, 0.05, SHAPE), frame, bright=True, lowpass=20)
    lens_transfer = ctf(x, y, optics=optics, **lens)
    near = {}
    for name, transfer in (("right", lens_transfer), ("reversed", -lens_transfer)):
        picks = peaks_from(template_scores(spectrum, frame, templates, transfer=transfer), 0.0, 100.0)
        distance = np.hypot(picks.x[:, None] - truth[:, 0], picks.y[:, None] - truth[:, 1])
        near[name] = (distance.min(axis=0) < 3).mean()
    assert near["right"] > 0.9
    assert near["reversed"] < 0.3


def _inverse(spectrum, frame):
    from relionlab.engine.picking.frame import image_of

    return image_of(spectrum.astype(np.complex64), frame)


@pytest.mark.parametrize("pixel_size", [1.5, 4.0])
def test_blobs_of_a_size_are_found(rng, pixel_size):
    radius = 60 / pixel_size
    side = int(1800 / pixel_size)
    image = rng.normal(size=(side, side + 30))
    y, x = np.mgrid[:side, : side + 30]
    truth = np.array([(px, py) for py in range(200, 1700, 260) for px in range(200, 1700, 260)]) / pixel_size
    for px, py in truth:
        image -= 0.6 * (np.hypot(x - px, y - py) < radius)
    frame = frame_for(image.shape, pixel_size, lowpass=20)
    scores = blob_scores(place(image, frame, lowpass=20), frame, BlobSearch(110, 130))
    lowest, upper = blob_thresholds(scores.candidates, upper=5)
    picks = peaks_from(scores, lowest, 0.0, upper=upper, neighbour=0.75)
    distance = np.hypot(picks.x[:, None] - truth[:, 0], picks.y[:, None] - truth[:, 1])
    assert (distance.min(axis=0) * pixel_size < 15).mean() > 0.95
    assert (distance.min(axis=1) * pixel_size < 15).mean() > 0.8


def test_higher_thresholds_find_fewer(rng):
    image, _ = planted(rng)
    frame = frame_for(SHAPE, PIXEL, lowpass=20)
    scores = template_scores(place(image, frame, lowpass=20), frame, Templates(wedge()[None], PIXEL, 160.0, 30.0, 20.0))
    peaks_from(scores, 0.0, 100.0)
    counts = [len(peaks_from(scores, t, 100.0, max_stddev=1.5)) for t in np.linspace(-0.5, 1, 50)]
    assert counts == sorted(counts, reverse=True)


def test_uneven_background_can_be_left_out(rng):
    image, _ = planted(rng)
    image[200:, 250:] += 60 * rng.normal(size=image[200:, 250:].shape)
    frame = frame_for(SHAPE, PIXEL, lowpass=20)
    scores = template_scores(place(image, frame, lowpass=20), frame, Templates(wedge()[None], PIXEL, 160.0, 10.0, 20.0))
    picks = peaks_from(scores, -2.0, 100.0, max_stddev=float(np.median(scores.stddev)))
    assert not ((picks.x > 290) & (picks.y > 240)).any()


@pytest.mark.parametrize(
    ("shrink", "lowpass", "expected"), [(0, 20, 205), (0.5, 20, 256), (1, 20, 512), (300, 20, 300), (0, None, 512)]
)
def test_shrink_rules(shrink, lowpass, expected):
    frame = frame_for((512, 512), 4.0, lowpass=lowpass, shrink=shrink)
    assert expected <= frame.work[0] <= 1.06 * expected


def test_edits_survive_other_thresholds():
    picks = Picks(np.array([10.0, 50]), np.array([10.0, 50]), np.array([1.0, 0.5]), np.zeros(2, int), np.zeros(2))
    edits = Edits().add(100, 100).remove(52, 50, radius=10)
    assert edits.over(picks, radius=10).x.tolist() == [10, 100]
    assert edits.over(picks.rows(np.array([0])), radius=10).x.tolist() == [10, 100]
    assert len(edits.remove(99, 100, radius=10).added) == 0
    assert len(edits.add(52, 50, radius=5).removed) == 0
    near = Edits().add(12, 10)
    assert near.over(picks, radius=10).x.tolist() == [50, 12]  # the automatic one gives way


def test_two_groups_of_peaks(rng):
    both = np.concatenate([rng.normal(1, 0.3, 60), rng.normal(4, 0.4, 150)])
    assert 1.7 < valley_between(both)[0] < 3.2
    assert valley_between(rng.normal(2, 0.5, 400)) is None


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_healpix_pixels_are_even(order):
    angles = np.radians(healpix_directions(order))
    z, phi = np.cos(angles[:, 1]), angles[:, 0]
    points = np.stack([np.sin(angles[:, 1]) * np.cos(phi), np.sin(angles[:, 1]) * np.sin(phi), z], axis=1)
    assert len(points) == 12 * 4**order
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(points.T @ points / len(points), np.eye(3) / 3, atol=0.04 / 4**order)
    near = np.sort(np.arccos(np.clip(points @ points.T, -1, 1)), axis=1)[:, 1]
    assert near.min() > 0.7 * np.sqrt(4 * np.pi / len(points))


@pytest.mark.parametrize(
    ("symmetry", "size"),
    [("C1", 1), ("c3", 3), ("D2", 4), ("D7", 14), ("T", 12), ("O", 24), ("I", 60), ("I1", 60), ("I3", 60), ("I4", 60)],
)
def test_groups_and_their_directions(symmetry, size):
    group = symmetry_matrices(symmetry)
    assert len(group) == size
    np.testing.assert_allclose(np.linalg.det(group), 1)
    count = len(directions(3, symmetry))
    assert 0.7 * 768 / size <= count <= 1.6 * 768 / size + 4


@pytest.mark.parametrize("symmetry", ["C0", "C2V", "X", "", "D"])
def test_no_group(symmetry):
    with pytest.raises(ParameterError, match="Symmetry is"):
        symmetry_matrices(symmetry)


def test_bad_micrographs_are_named_for_what_they_are(rng):
    frame = frame_for((200, 200), 4.0, lowpass=20)
    with pytest.raises(ImageError, match="NaN"):
        place(np.full((200, 200), np.nan), frame)
    with pytest.raises(ImageError, match="constant"):
        place(np.ones((200, 200)), frame)
    with pytest.raises(InputError, match="no place is left"):
        template_scores(place(rng.normal(size=(200, 200)), frame), frame, Templates(wedge()[None], PIXEL, 900.0))
    with pytest.raises(ParameterError, match="too few"):
        frame_for((200, 200), 0.1, lowpass=20)
    with pytest.raises(ParameterError, match="smallest first"):
        BlobSearch(200, 100)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def shells(rng: np.random.Generator, *, pixel: float = 1.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A crowded micrograph of hollow dark spheres, 120 Å wide; their places in px; and their reference."""
    line = np.arange(120) - 60
    radius = np.hypot(line[:, None], line[None]) * pixel

    def chord(outer: float) -> np.ndarray:
        return np.sqrt(np.maximum(outer**2 - radius**2, 0)) / outer

    shell = (chord(60) - 0.8 * chord(40)).astype(np.float32)
    image = rng.normal(0, 1.5, (900, 960)).astype(np.float32)
    truth = []
    for row, y in enumerate(range(80, 820, 84)):
        for x in range(80 + 44 * (row % 2), 880, 90):
            px, py = x + int(rng.integers(-3, 4)), y + int(rng.integers(-3, 4))
            image[py - 60 : py + 60, px - 60 : px + 60] -= shell
            truth.append((px, py))
    return image, np.array(truth, dtype=np.float64), shell


def f1(picks: Picks, truth: np.ndarray, *, within: float) -> float:
    distance = np.hypot(picks.x[:, None] - truth[:, 0], picks.y[:, None] - truth[:, 1])
    return 2 * int((distance.min(axis=0) < within).sum()) / (len(picks) + len(truth))


def test_the_mask_keeps_a_shell_on_coarse_maps(rng):
    # two px of the maps, 20 Å, once went off the mask's radius, and with them the wall by which a shell is known
    frame = frame_for((900, 960), 1.5, lowpass=20)
    walls = []
    for shrink in (0.0, 2.0):
        templates = Templates(shells(rng)[2][None], 1.5, 130.0, 360.0, 20.0, shrink)
        plane = next(templates.transforms(frame))[0][0]
        turned_reference = np.fft.irfft2(plane, s=frame.work)
        walls.append((turned_reference**2)[(frame.radii > 45) & (frame.radii < 62)].sum())
    assert walls[1] > 0.6 * walls[0]


@pytest.mark.parametrize("what", ["shell", "blob", "diameter"])
def test_crowded_hollow_particles_are_found_at_the_usual_threshold(rng, what):
    image, truth, shell = shells(rng)
    frame = frame_for(image.shape, 1.5, lowpass=20)
    spectrum = place(image, frame, lowpass=20)
    if what == "diameter":
        scores = blob_scores(spectrum, frame, BlobSearch(110, 130))
        picks = peaks_from(scores, blob_thresholds(scores.candidates)[0], 0.0, neighbour=0.75)
    elif what == "shell":
        templates = Templates(shell[None], 1.5, 130.0, 30.0, 20.0)
        picks = peaks_from(template_scores(spectrum, frame, templates), 0.25, 80.0)
    else:
        scale = (BLOB_NOISE, BLOB_TYPICAL)
        templates = Templates(
            gaussian_blob(120, 2)[None], 2.0, 120.0, 360.0, 20.0, 0.0, surround=BLOB_SURROUND, scale=scale
        )
        picks = peaks_from(template_scores(spectrum, frame, templates), 0.25, 80.0)
    inside = frame.shape[1] - truth[:, 0] > 45
    assert f1(picks, truth[inside], within=8) > 0.93


def test_centres_are_told_by_their_own_map(rng):
    frame = frame_for((900, 960), 1.5, lowpass=20)
    image, truth, _ = shells(rng)
    scores = blob_scores(place(image, frame, lowpass=20), frame, BlobSearch(110, 130))
    usual = peaks_from(scores, 2.0, 60.0)
    top = np.zeros(frame.work, np.float32)
    top[30:32, 30:32] = 1
    moved = peaks_from(replace(scores, centre=top), 2.0, 60.0)
    assert len(moved) == len(usual)
    np.testing.assert_array_equal(moved.fom, usual.fom)
    assert np.hypot(moved.x - usual.x, moved.y - usual.y).max() * 1.5 < 2 * 0.2 * 130 + 10
    assert scores.diameter is not None
    near = np.hypot(usual.x[:, None] - truth[:, 0], usual.y[:, None] - truth[:, 1]).min(axis=1)
    assert np.median(near) * 1.5 < 6


def test_the_usual_threshold_is_the_valley_of_crowded_micrographs(rng):
    image, _, shell = shells(rng)
    frame = frame_for(image.shape, 1.5, lowpass=20)
    templates = Templates(shell[None], 1.5, 130.0, 30.0, 20.0)
    scores = template_scores(place(image, frame, lowpass=20), frame, templates)
    parted = valley_between(peaks_from(scores, -np.inf, 0.7 * 130).fom, lowest=0.0)
    assert parted is not None
    assert parted[0] == pytest.approx(0.25, abs=0.02)
    assert parted[1] == pytest.approx(1.0, abs=0.05)


def test_lobes_do_not_take_the_centre(rng):
    """Particles of two lobes, turned at random: each lobe looks like a blob, the particle is between them."""
    frame = frame_for((900, 900), 3.0, lowpass=20)
    truth = np.array([(90 + 90 * i, 90 + 90 * j) for i in range(9) for j in range(9)], dtype=float)
    y, x = np.mgrid[:900, :900]
    image = rng.normal(size=(900, 900))
    for cx, cy in truth:
        angle = rng.uniform(0, np.pi)
        for side in (-1, 1):
            lobe = cx + side * 13 * np.cos(angle), cy + side * 13 * np.sin(angle)
            near = np.s_[int(cy) - 40 : int(cy) + 40, int(cx) - 40 : int(cx) + 40]
            image[near] -= 1.2 * np.exp(-((x[near] - lobe[0]) ** 2 + (y[near] - lobe[1]) ** 2) / (2 * 8**2))
    picks = peaks_from(blob_scores(place(image, frame, lowpass=20), frame, BlobSearch(130, 160)), 2.5, 0.0)
    distance = np.hypot(picks.x[:, None] - truth[:, 0], picks.y[:, None] - truth[:, 1]).min(axis=0)
    assert np.median(distance) * 3 < 5
    assert (distance < 12).mean() > 0.9


@pytest.mark.parametrize("shape", [(1024, 1024), (1028, 1100)])
def test_uneven_illumination_makes_no_picks_at_the_edges(rng, shape):
    frame = frame_for(shape, 3.5, lowpass=20)
    slope = np.linspace(-1, 1, shape[1])[None] + 0.5 * np.linspace(-1, 1, shape[0])[:, None]
    even = rng.normal(size=shape)
    found = [
        len(peaks_from(blob_scores(place(image, frame, lowpass=20), frame, BlobSearch(130, 180)), 3.0, 0.0))
        for image in (even, even + slope)
    ]
    assert found[1] <= found[0] + 3


def test_noise_has_no_two_groups_of_peaks(rng):
    """However few peaks there are: they once made a valley, and picks were taken from amidst the noise."""
    for _ in range(5):
        frame = frame_for((512, 512), 3.5, lowpass=20)
        scores = blob_scores(place(rng.normal(size=(512, 512)), frame, lowpass=20), frame, BlobSearch(240, 260))
        assert valley(scores.candidates, 250.0, noise_peaks=NOISE_PEAKS) is None


def test_contrast_of_the_wrong_sign_does_not_lower_the_threshold(rng):
    image, _, _ = shells(rng)
    frame = frame_for(image.shape, 1.5, lowpass=20)
    for bright in (True, False):
        scores = blob_scores(place(image, frame, lowpass=20, bright=bright), frame, BlobSearch(110, 130))
        assert blob_thresholds(scores.candidates)[0] >= 1
