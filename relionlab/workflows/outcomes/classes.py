"""What a 2D classification came to: how many particles lie in classes that look like particles."""

from __future__ import annotations

import numpy as np

from relionlab.display.results import ClassAverages, finished_models, iteration_row, model_tables, read_class_averages
from relionlab.errors import NodeError
from relionlab.jobs.selecting.class_scores import ClassScores, score_classes
from relionlab.workflows.outcome import Grade, Number, Outcome, Shown
from relionlab.workflows.outcomes.place import Place

GOOD = 0.5
"""Score of a class average above which it mostly holds particles (constants of jobs/selecting/class_scores.py)."""
MOST, FEW = 0.5, 0.2
"""Share of the particles in such classes: after picking by templates more than MOST is usual, below FEW little was found."""
SETTLED = 0.05
"""Share of the particles that may still change class when a 2D classification is taken as settled."""
_EMPTY, _TAKEN = 0.001, 0.9


def classified(place: Place) -> Outcome:
    """Judge a Class2D job by its last finished iteration."""
    models = finished_models(place.path)
    if not models:
        raise NodeError("No iteration has finished yet.")
    averages = read_class_averages(models[-1])
    scores = scores_of(averages, diameter=_diameter(place))
    good = scores.score >= GOOD
    share = float(averages.share[good].sum())
    counts = averages.counts[averages.counts >= 0]
    total = int(counts.sum()) if len(counts) else 0
    changed = iteration_row(models[-1]).values["changed_classes"]
    changed = float(changed) if np.isfinite(changed) and changed <= 1 else np.nan
    finest = averages.resolution[averages.share > _EMPTY]
    numbers = (
        Number("Classes", len(averages)),
        Number("That look like particles", int(good.sum())),
        Number("Particles in these", 100 * share, "%"),
        Number("Empty classes", int((averages.share < _EMPTY).sum())),
        Number("Finest resolution", float(finest.min()) if np.isfinite(finest).any() else np.nan, "Å"),
        Number("Still changing class", 100 * changed, "%"),
        *([Number("Particles", total)] if total else []),
    )
    pictures = (
        Shown("Class averages", lambda: _display("class_averages", place)),
        Shown("Convergence", lambda: _display("convergence", place)),
        Shown("Signal to noise", lambda: _display("class_spectra", place)),
        Shown("As a table", lambda: _display("class_table", place)),
    )
    headline = f"{int(good.sum())} of {len(averages)} classes look like particles ({100 * share:.0f} %)"
    return Outcome(headline, numbers, *_judged(share, changed, largest=float(averages.share.max())), pictures)


def good_classes(averages: ClassAverages) -> list[int]:
    """Return the numbers of the classes of a model file whose score says that they hold particles."""
    if averages.model is None:
        raise NodeError("These class averages come from no model.star, so they cannot be scored.")
    scores = scores_of(averages, diameter=_diameter(Place.of(averages.model.parent)))
    return [int(number) for number in averages.numbers[scores.score >= GOOD]]


def scores_of(averages: ClassAverages, *, diameter: float | None = None) -> ClassScores:
    """Return the scores of class averages read from a model file; ``diameter`` of the mask in Å, by default the box's."""
    if averages.model is None:
        raise NodeError("These class averages come from no model.star, so they cannot be scored.")
    classes, _ = model_tables(averages.model)
    box = averages.images.shape[-1]
    radius = box / 2 if not diameter else min(diameter / 2 / averages.pixel_size, box / 2)
    return score_classes(classes, averages.images, mask_radius_px=radius)


def _judged(share: float, changed: float, *, largest: float) -> tuple[Grade, str, str]:
    if _TAKEN < largest < 1:
        return (
            "bad",
            f"One class took {100 * largest:.0f} % of the particles.",
            "See whether CTF correction and contrast (particles bright) are right; VDAM, or fewer classes, may spread them.",
        )
    if share < FEW:
        return (
            "bad",
            f"Only {100 * share:.0f} % of the particles lie in classes that look like particles.",
            "Look at the picks: threshold, diameter, contrast. The mask's diameter should be little more than the particle's.",
        )
    if np.isfinite(changed) and changed > SETTLED:
        return (
            "doubtful",
            f"{100 * changed:.0f} % of the particles still changed class in the last iteration.",
            "Continue with more iterations, or go on: the good classes seldom change.",
        )
    if share < MOST:
        return (
            "doubtful",
            f"{100 * share:.0f} % of the particles lie in classes that look like particles.",
            "Keep these, and pick again with them as templates.",
        )
    return (
        "good",
        f"{100 * share:.0f} % of the particles lie in classes that look like particles.",
        "Keep the good classes: choose them by eye, the score only ranks them.",
    )


def _diameter(place: Place) -> float | None:
    value = place.value("particle_diameter")
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _display(name: str, place: Place) -> object:
    from relionlab import display

    return getattr(display, name)(place.path)
