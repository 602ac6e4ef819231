"""How a 3D run converged: resolution, steps and accuracies, changes, class sizes, iteration by iteration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.convergence import (
    certainty_panel,
    change_panels,
    class_size_panel,
    iteration_dim,
    one_panel,
    whole_ticks,
)
from relionlab.display.picture import Picture
from relionlab.display.results import Course, course_of, iteration_row
from relionlab.display.style import PALETTE, dots, grid, line, log_scale, panel
from relionlab.errors import NodeError
from relionlab.io.star import read_star
from relionlab.jobs.refinement.outcome import step_of
from relionlab.jobs.refinement.rounds import Round, column, rounds

_HEADROOM = 1.35  # above a step that stays: the legend stands there


@dataclass(frozen=True)
class Accuracies:
    """What poses were searched and could be told apart, per iteration (T,); nan where it is not known.

    angles, offsets  °, Å: expected accuracy of the best class
    step             °, between the finest directions tried
    """

    angles: np.ndarray
    offsets: np.ndarray
    step: np.ndarray


def convergence3d(source: str | Path) -> Picture:
    """Draw resolution, accuracies, changes, class sizes and certainty of a 3D run against the iteration.

    source  a job directory
    """
    every = [one for one in rounds(source) if not one.final]
    if not every:
        raise NodeError(
            f"{source} holds no iteration of a 3D run: expected a job directory with a run_it000_model.star."
        )
    course = course_of([iteration_row(one.models[0]) for one in every])
    accuracies = read_accuracies(every)
    changed = change_panels(course)
    panels = [
        one_panel(course, course.resolution, ("resolution", "Resolution (Å)"), title="Resolution", invert_yaxis=True),
        class_size_panel(course) if course.share.shape[1] > 1 else None,
        _angles(course, accuracies),
        one_panel(
            course,
            accuracies.offsets,
            ("offset", "Accuracy (Å)"),
            title="Accuracy of offsets",
            **_scale(accuracies.offsets),
        ),
        *(changed if course.share.shape[1] > 1 else changed[1:]),
        certainty_panel(course),
    ]
    first, last = course.iterations[0], course.iterations[-1]
    return Picture(
        grid([one for one in panels if one is not None]),
        "Convergence",
        f"Iterations {first} to {last}. Converged when the changes level off near zero, and the step of the angles has come"
        " down to their accuracy.",
    )


def read_accuracies(every: list[Round]) -> Accuracies:
    """Read the accuracies and steps of iterations."""
    rows = []
    for one in every:
        classes = read_star(one.models[0])["model_classes"]
        best = [
            np.nanmin(values) if np.isfinite(values).any() else np.nan
            for values in (column(classes, name) for name in ("rlnAccuracyRotations", "rlnAccuracyTranslationsAngst"))
        ]
        rows.append([*(value if value > 0 else np.nan for value in best), step_of(one) or np.nan])
    angles, offsets, step = np.array(rows).T
    return Accuracies(angles, offsets, step)


def _angles(course: Course, accuracies: Accuracies) -> Any:
    import holoviews as hv

    dims = (iteration_dim(), ("angle", "Angle (°)"))
    drawn = []
    for values, name, color in ((accuracies.angles, "accuracy", PALETTE[0]), (accuracies.step, "step", PALETTE[1])):
        known = np.isfinite(values)
        if known.any():
            drawn.append(line(course.iterations[known], values[known], dims, color=color, label=name))
            drawn.append(dots(course.iterations[known], values[known], dims, color=color, hover=True))
    if not np.isfinite(accuracies.angles).any():
        return None
    both = np.concatenate([accuracies.angles, accuracies.step])
    scale = _scale(both) or {"ylim": (0, _HEADROOM * np.nanmax(both))}
    title, ticks = "Accuracy of angles and step", whole_ticks(course)
    return panel(hv.Overlay(drawn), title, legend="top_right", padding=0.1, xticks=ticks, **scale)


def _scale(values: np.ndarray) -> dict[str, Any]:
    """Return the options of a logarithmic axis where values span so much that no other shows the small ones."""
    known = values[np.isfinite(values) & (values > 0)]
    return log_scale(known) if known.size and known.max() > 10 * known.min() else {}
