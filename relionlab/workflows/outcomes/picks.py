"""What picking came to: how many, how evenly, how crowded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.errors import NodeError, RelionlabError
from relionlab.io.images import open_image
from relionlab.io.star_columns import read_columns
from relionlab.workflows.outcome import Grade, Number, Outcome, Shown
from relionlab.workflows.outcomes.place import Place

CROWDED = 0.55
"""Share of a micrograph that circles of the particle's size may cover: spheres thrown at random on a plane jam at 0.547 (Feder
1980, J. Theor. Biol. 87, 237), so more than that is overlapping picks."""
FEW = 5
"""Particles on a micrograph below which picking has hardly found anything."""
ENOUGH_BY_HAND = 100
"""Particles by hand that make class averages for templates; RELION's tutorials pick a few hundred to a thousand."""
_EMPTY = 0.2


def picked(place: Place) -> Outcome:
    """Judge an AutoPick job by its summary, or its coordinate files."""
    names, counts = _counts(place)
    total, covered = int(counts.sum()), _covered(place, names, counts)
    numbers = [
        Number("Particles", total),
        Number("Micrographs", len(counts)),
        Number("Per micrograph, median", float(np.median(counts)) if len(counts) else np.nan),
        Number("Without picks", int((counts == 0).sum())),
    ]
    if np.isfinite(covered):
        numbers.append(Number("Area covered, most", 100 * covered, "%"))
    pictures = (
        Shown("Picks per micrograph", lambda: _picking(place, 0)),
        Shown("Figures of merit", lambda: _picking(place, 1)),
        Shown("A micrograph with its picks", lambda: _picking(place, -1)),
    )
    headline = f"{total:,} picks on {len(counts):,} micrographs"
    return Outcome(headline, tuple(numbers), *_judged(counts, covered), pictures)


def picked_by_hand(place: Place) -> Outcome:
    """Judge a ManualPick job: enough to go on with, or not."""
    counts = _counts(place)[1] if _coordinate_files(place) else np.zeros(0)  # no file is no picks
    total = int(counts.sum())
    numbers = (Number("Particles", total), Number("Micrographs with picks", int((counts > 0).sum())))
    headline = f"{total:,} picks on {int((counts > 0).sum()):,} micrographs"
    if not total:
        return Outcome(
            "No picks yet", numbers, "doubtful", "Nothing has been picked.", "Open the picker and click on particles."
        )
    if total < ENOUGH_BY_HAND:
        advice = f"Pick about {ENOUGH_BY_HAND} or more, on micrographs of low and high defocus."
        return Outcome(headline, numbers, "doubtful", "These are few for class averages.", advice)
    return Outcome(headline, numbers, "good", "Enough to make class averages that serve as templates.")


def _judged(counts: np.ndarray, covered: float) -> tuple[Grade, str, str]:
    looser = "Lower the threshold (or the minimum figure of merit), and check the particle's diameter."
    if not counts.sum():
        return "bad", "Nothing was picked.", looser
    empty = float(np.mean(counts == 0))
    if np.isfinite(covered) and covered > CROWDED:
        return (
            "doubtful",
            f"Picks cover up to {100 * covered:.0f} % of a micrograph: particles cannot lie so close without overlap.",
            "Raise the threshold or the least distance, and see whether carbon, ice or aggregates were picked.",
        )
    if np.median(counts) < FEW:
        return "doubtful", f"Half of the micrographs have fewer than {FEW} picks.", looser
    if empty > _EMPTY:
        return (
            "doubtful",
            f"{100 * empty:.0f} % of the micrographs have no pick.",
            "Look at them: bad ones can go, good ones want a lower threshold.",
        )
    return (
        "good",
        "Picks are spread over nearly all micrographs, no closer than particles can lie.",
        "Look at a few micrographs before you extract.",
    )


def _counts(place: Place) -> tuple[list[str], np.ndarray]:
    """Return micrographs and their numbers of picks: from summary.star, else from the coordinate files."""
    if place.has("summary.star"):
        table = read_columns(place.file("summary.star"), "rlnMicrographName", "rlnGroupNrParticles")
        if "rlnGroupNrParticles" in table:
            return [str(name) for name in table["rlnMicrographName"]], table.numbers("rlnGroupNrParticles")
    files = _coordinate_files(place)
    if not files:
        raise NodeError("There is no coordinate file and no summary.star: expected a picking job that has begun.")
    return ["" for _ in files], np.array([count_of(path) for path in files], float)


def _coordinate_files(place: Place) -> list[Path]:
    found = (path for kind in ("autopick", "manualpick") for path in sorted(place.path.rglob(f"*_{kind}.star")))
    return [path for path in found if not path.name.startswith("coords_suffix_")]


def count_of(path: Path) -> int:
    """Return how many particles a coordinate file has; 0 for one that is empty or cannot be read."""
    try:
        return len(read_columns(path, "rlnCoordinateX"))
    except RelionlabError:
        return 0


def _covered(place: Place, names: list[str], counts: np.ndarray) -> float:
    """Return the largest share of a micrograph that circles of the particle's diameter cover; nan if it cannot be known."""
    diameter = next(
        (d for d in (place.value("particle_diameter"), place.value("log_diam_min")) if isinstance(d, float) and d > 0),
        None,
    )
    if place.value("do_log") and isinstance(place.value("log_diam_min"), float):
        diameter = place.value("log_diam_min")  # type: ignore[assignment]
    image = next((place.project / name for name in names if name and (place.project / name).exists()), None)
    if diameter is None or image is None or not len(counts):
        return float("nan")
    header = open_image(image).header
    area = float(np.prod(header.shape[-2:])) * (header.pixel_size or np.nan) ** 2
    return float(counts.max() * np.pi / 4 * diameter**2 / area)


def _picking(place: Place, index: int) -> object:
    from relionlab.display.picks import picking_pictures

    return picking_pictures(place.path)[index]
