"""The charts of the page: how a classification went, each quantity on axes of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.results import Course
from relionlab.display.style import FAINT, PALETTE, dots, line, panel

SIZE = (540, 300)
"""Width and height of a chart in screen pixels: two fit beside each other."""


def course_pictures(course: Course) -> tuple[Picture, ...]:
    """Return the charts of the iterations: resolution, class sizes, changes, certainty; those that are known."""
    drawn = (resolution_chart(course), sizes_chart(course), changes_chart(course), certainty_chart(course))
    return tuple(one for one in drawn if one is not None)


def resolution_chart(course: Course) -> Picture | None:
    """Draw the resolution of the best class; finer is higher."""
    return _curve(
        course,
        course.resolution,
        axis=("resolution", "Resolution (Å)"),
        title="Resolution of the best class",
        caption="The spacing down to which the best class stands out from its noise; finer is higher up.",
        invert_yaxis=True,
    )


def changes_chart(course: Course) -> Picture | None:
    """Draw which share of the particles changed class."""
    return _curve(
        course,
        100 * course.changed_classes,
        axis=("changed", "Particles (%)"),
        title="Particles that changed class",
        caption="From one iteration to the next. Level and low: the classes have settled. More iterations would change little.",
    )


def certainty_chart(course: Course) -> Picture | None:
    """Draw the mean of the largest posterior probability."""
    return _curve(
        course,
        course.max_probability,
        axis=("probability", "Mean probability"),
        title="Certainty",
        caption="Probability of each particle's best pose and class, averaged. Near 1: hardly any doubt; near 0: noisy images.",
        ylim=(0, 1.02),
    )


def sizes_chart(course: Course, most: int = 6) -> Picture:
    """Draw the share of the particles in each class; the largest of the last iteration in colour."""
    import holoviews as hv

    dims = (("iteration", "Iteration"), ("share", "Share of particles (%)"))
    order = np.argsort(-np.nan_to_num(course.share[-1]), kind="stable")
    lines = [line(course.iterations, 100 * course.share[:, k], dims, color=FAINT, width=1) for k in order[most:]]
    lines += [
        line(
            course.iterations, 100 * course.share[:, k], dims, color=PALETTE[place], label=f"class {k + 1}", hover=True
        )
        for place, k in enumerate(order[:most])
    ]
    chart = panel(hv.Overlay(lines), "", SIZE, legend="right")
    return Picture(
        chart,
        "Class sizes",
        f"Share of the particles in each class, the {min(most, len(order))} largest in colour. Settled when the lines run level.",
    )


def _curve(
    course: Course, values: np.ndarray, *, axis: Any, title: str, caption: str, **options: Any
) -> Picture | None:
    """Return one quantity against the iteration, ``None`` where no iteration tells it."""
    known = np.isfinite(values) & (course.iterations > 0)  # 0 is the start: nothing was compared yet
    if not known.any():
        return None
    dims = (("iteration", "Iteration"), axis)
    x, y = course.iterations[known], values[known]
    drawn = line(x, y, dims) * dots(x, y, dims, hover=True)
    return Picture(panel(drawn, "", SIZE, padding=0.08, **options), title, caption)
