"""Candidates give exactly what searching the maps anew would, for any threshold, distance and background limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.kernels.peaks import keep_apart
from relionlab.engine.picking import BlobSearch, Scores, blob_scores, frame_for, peaks_from, place
from relionlab.engine.picking.agreement import agreement, matched
from relionlab.engine.picking.frame import Frame


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def maps(rng: np.random.Generator, *, sizes: bool = False) -> Scores:
    shape = (90, 110)
    frame = Frame((180, 220), (180, 220), shape, 2.0)
    noise = rng.normal(size=(4, *shape)).astype(np.float32)
    return Scores(
        fom=noise[0],
        reference=rng.integers(0, 3, shape).astype(np.int32),
        psi=np.zeros(shape, np.float32),
        average=noise[1],
        stddev=1 + 0.1 * noise[2],
        frame=frame,
        margin=12.0,
        diameter=rng.choice([30.0, 40.0, 50.0], shape).astype(np.float32) if sizes else None,
        centre=noise[3] if sizes else None,
    )


def plainly(scores: Scores, threshold: float, distance: float, *, most: float, least: float) -> list[tuple[int, int]]:
    """Picks by their definition: pixel by pixel, best first, each against all that were taken before."""
    height, width = scores.fom.shape
    inside = scores.frame.inside(scores.margin)
    peaks = []
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            value = scores.fom[row, column]
            highest = value >= scores.fom[row - 1 : row + 2, column - 1 : column + 2].max()
            allowed = scores.stddev[row, column] <= most and scores.average[row, column] >= least
            if highest and inside[row, column] and value >= threshold and allowed:
                peaks.append((row, column))
    peaks.sort(key=lambda place: -scores.fom[place])
    places = {(r, c): tops(scores, r, c) for r, c in peaks}
    taken: list[tuple[int, int]] = []
    for peak in peaks:
        if all(
            np.hypot(*np.subtract(places[peak], places[other])) >= limit(scores, other, distance) for other in taken
        ):
            taken.append(peak)
    return taken


def limit(scores: Scores, peak: tuple[int, int], distance: float) -> float:
    sizes = scores.diameter
    own = 0.0 if sizes is None else 0.75 * (float(sizes[peak]) + float(sizes.min())) / 2
    return max(distance, own) / scores.frame.pixel_size


def tops(scores: Scores, row: int, column: int) -> tuple[float, float]:
    one = peaks_from(replace(scores, fom=np.where(alone(scores, row, column), scores.fom, -50), centre=None), -40, 0.0)
    index = int(np.argmin(np.hypot(one.x - 2 * column, one.y - 2 * row)))
    return float(one.x[index]), float(one.y[index])


def alone(scores: Scores, row: int, column: int) -> np.ndarray:
    near = np.zeros(scores.fom.shape, dtype=bool)
    near[row - 1 : row + 2, column - 1 : column + 2] = True
    return near


@pytest.mark.parametrize("sizes", [False, True])
@pytest.mark.parametrize(("threshold", "distance", "most", "least"), [(1.0, 30.0, 9, -9), (0.5, 14.0, 1.05, -0.5)])
def test_candidates_give_the_picks_of_the_definition(rng, sizes, threshold, distance, most, least):
    scores = maps(rng, sizes=sizes)
    found = peaks_from(
        replace(scores, centre=None), threshold, distance, max_stddev=most, min_average=least, neighbour=0.75
    )
    expected = plainly(scores, threshold, distance, most=most, least=least)
    assert 20 < len(expected) < len(scores.candidates)
    assert found.fom.tolist() == [float(scores.fom[place]) for place in expected]
    candidates = scores.centred
    kept = candidates.apart(distance, threshold=threshold, max_stddev=most, min_average=least, neighbour=0.75)
    moved = peaks_from(scores, threshold, distance, max_stddev=most, min_average=least, neighbour=0.75)
    for name in ("x", "y", "fom", "reference", "psi"):
        assert getattr(candidates.rows(kept), name).tolist() == getattr(moved, name).tolist()


def test_a_higher_threshold_takes_the_first_of_a_lower_ones(rng):
    candidates = maps(rng, sizes=True).candidates
    everything = candidates.apart(25.0, max_stddev=1.1)
    for threshold in (-1.0, 0.0, 1.3, 9.0):
        part = candidates.apart(25.0, threshold=threshold, max_stddev=1.1)
        assert part.tolist() == everything[: len(part)].tolist()
        assert (candidates.picks.fom[everything[len(part) :]] < threshold).all()


@pytest.mark.parametrize("radii", [(0.0, 0.0), (3.0, 3.0), (0.5, 40.0), (1e4, 1e4)])
def test_the_grid_of_cells_forgets_no_neighbour(rng, radii):
    x, y = rng.uniform(-50, 300, 600), rng.uniform(1000, 1100, 600)
    radius = rng.uniform(*radii, 600)
    keep = np.ones(600, dtype=bool)
    for i in range(600):
        if keep[i]:
            near = (x - x[i]) ** 2 + (y - y[i]) ** 2 < radius[i] ** 2
            near[: i + 1] = False
            keep &= ~near
    assert keep_apart(x, y, radius).tolist() == keep.tolist()


def test_maps_of_a_micrograph_are_told_by_less(rng):
    image = rng.normal(size=(600, 600)).astype(np.float32)
    frame = frame_for(image.shape, 2.0, lowpass=10)
    scores = blob_scores(place(image, frame, lowpass=10), frame, BlobSearch(80, 120))
    whole = sum(
        a.nbytes for a in (scores.fom, scores.reference, scores.psi, scores.average, scores.stddev, scores.centre)
    )
    assert 0 < scores.centred.nbytes < whole / 5


def test_each_particle_is_found_once():
    particles = np.array([[0.0, 0.0], [10.0, 0.0]])
    picks = np.array([[1.0, 0.0], [0.5, 0.0], [9.0, 0.0], [50.0, 0.0]])
    assert matched(picks, particles, 3.0).tolist() == [0, -1, 1, -1]
    merits = np.array([4.0, 3.0, 2.0, 1.0])
    found = agreement([(merits, picks, particles, 3.0)])
    assert found.at(3.5) == (1.0, 0.5, pytest.approx(2 / 3))
    assert found.at(2.0) == (pytest.approx(2 / 3), 1.0, 0.8)
    assert found.at(9.0) == (1.0, 0.0, 0.0)
    assert found.best == 1.5
    assert agreement([(merits, picks, particles + 200, 3.0)]).best is None
