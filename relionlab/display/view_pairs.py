"""Projections of a map beside the class averages that they are most like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relionlab.display.mosaic import Mosaic, captions, grey, mosaic, scale_bar, sheet
from relionlab.display.picture import Picture
from relionlab.display.style import both, thin_lines
from relionlab.errors import InputError

if TYPE_CHECKING:
    from relionlab.engine.view_matching import ModelTest, ViewMatches


def view_pairs(test: ModelTest, *, symmetric: bool = False, most: int = 50, pixels: int = 80) -> Picture:
    """Draw pairs: a projection of the map (left), and the class average it is most like (right), the best first.

    test       from :func:`relionlab.workflows.model_views.model_views`
    symmetric  of the map with its symmetry imposed
    most       no more than this many pairs are drawn
    """
    matches = _matches(test, symmetric=symmetric)
    order = np.argsort(-matches.best_scores)[:most]
    plan = Mosaic(count=2 * len(order), columns=10 if len(order) >= 5 else 2 * len(order), pixels=pixels, lines=2)
    tiles, texts = [], []
    for i in order:
        best = matches.best[i]
        tiles += [_tile(matches.projections[i]), _tile(matches.averages[best])]
        texts += [
            f"{matches.rot[i]:.0f}°, {matches.tilt[i]:.0f}°\nscore {matches.best_scores[i]:.2f}",
            f"class {test.numbers[best]}\n",
        ]
    width = matches.pixel_size * matches.projections.shape[-1]
    overlay = mosaic(tiles, plan) * captions(texts, plan, size=8) * scale_bar(plan, width=width)
    imposed = f", {test.symmetry} imposed" if symmetric else ""
    return Picture(
        sheet(overlay, plan),
        f"Projections and class averages{imposed}",
        f"{test.summary()} Pairs, the best first: projection (rot, tilt and score below) and the class average it is most"
        f" like, both low-passed to {test.resolution:g} Å. Scores are correlations within {test.diameter:.0f} Å.",
    )


def view_table(test: ModelTest) -> Picture:
    """Show the score and class of each view, of the map as it is and, if it was tested, with its symmetry imposed."""
    import holoviews as hv

    first, second = test.matches, test.symmetric
    columns = {
        "Rot (°)": [f"{value:.0f}" for value in first.rot],
        "Tilt (°)": [f"{value:.0f}" for value in first.tilt],
        "Class": [f"{value}" for value in test.numbers[first.best]],
        "Score": [f"{value:.3f}" for value in first.best_scores],
    }
    if second is not None:
        columns[f"Class, {test.symmetry}"] = [f"{value}" for value in test.numbers[second.best]]
        columns[f"Score, {test.symmetry}"] = [f"{value:.3f}" for value in second.best_scores]
    names = list(columns)
    width, height = 1.1 * len(names), 0.5 + 0.2 * len(first.rot)
    table = both(
        hv.Table(columns, names[:2], names[2:]),
        {"width": 110 * len(names), "height": min(520, 60 + 25 * len(first.rot)), "index_position": None},
        {"fig_inches": (width, height), "aspect": width / height, "max_rows": 100, "hooks": [thin_lines]},
    )
    return Picture(table, "Scores of the projections", test.summary())


def _matches(test: ModelTest, *, symmetric: bool) -> ViewMatches:
    if not symmetric:
        return test.matches
    if test.symmetric is None:
        raise InputError("No symmetry was imposed on this map: call model_views with symmetry, as symmetry='D2'.")
    return test.symmetric


def _tile(image: np.ndarray) -> np.ndarray:
    return grey(image, diameter=0.95)
