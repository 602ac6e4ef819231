"""How a classification converged: resolution, likelihood, changes and class sizes, iteration by iteration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.results import Course, read_course
from relionlab.display.style import PALETTE, dots, faint_lines, grid, line, panel

_RESOLUTION = ("resolution", "Resolution (Å)")


def convergence(source: Course | str | Path) -> Picture:
    """Draw resolution, class sizes, changes, certainty and likelihood against the iteration, side by side.

    source  a course, or a job directory
    """
    course = course_of(source)
    panels = [
        one_panel(course, course.resolution, _RESOLUTION, title="Resolution of the best class", invert_yaxis=True),
        class_size_panel(course),
        *change_panels(course),
        certainty_panel(course),
        one_panel(course, course.log_likelihood, ("likelihood", "Log-likelihood"), title="Log-likelihood"),
    ]
    return Picture(grid([element for element in panels if element is not None]), "Convergence", _caption(course))


def changes(source: Course | str | Path) -> Picture:
    """Draw how much angles, offsets and classes changed from one iteration to the next."""
    course = course_of(source)
    drawn = [element for element in change_panels(course) if element is not None]
    return Picture(grid(drawn or [_nothing("changed", "Change")], columns=3), "Changes per iteration", _caption(course))


def likelihood(source: Course | str | Path) -> Picture:
    """Draw the log-likelihood of the data against the iteration; it rises in steps, whenever finer detail is taken in."""
    course = course_of(source)
    element = one_panel(course, course.log_likelihood, ("likelihood", "Log-likelihood"), title="")
    caption = (
        "Log-likelihood of the data given the model. It rises in steps, whenever finer detail is taken in, and levels off in"
        " between; its zero has no meaning."
    )
    return Picture(element or _nothing("likelihood", "Log-likelihood"), "Log-likelihood per iteration", caption)


def resolution_course(source: Course | str | Path) -> Picture:
    """Draw the resolution of the best class against the iteration; finer is higher."""
    course = course_of(source)
    element = one_panel(course, course.resolution, _RESOLUTION, title="", invert_yaxis=True) or _nothing(*_RESOLUTION)
    return Picture(
        element, "Resolution per iteration", "Estimated resolution of the best class, in Å; finer is higher."
    )


def class_sizes(source: Course | str | Path) -> Picture:
    """Draw the share of the particles in each class against the iteration."""
    course = course_of(source)
    return Picture(
        class_size_panel(course, size=(640, 360)),
        "Class sizes per iteration",
        "Coloured: the largest classes of the last iteration.",
    )


def class_size_panel(course: Course, size: tuple[int, int] = (420, 280), most: int = 6) -> Any:
    """Return one line per class; the ``most`` largest of the last iteration in colour."""
    import holoviews as hv

    dims = (iteration_dim(), ("share", "Share of particles (%)"))
    order = np.argsort(-np.nan_to_num(course.share[-1]), kind="stable")
    coloured = order[:most] if course.share.shape[1] > most else order
    rest = np.setdiff1d(order, coloured)
    lines = [faint_lines(course.iterations, 100 * course.share[:, rest].T, dims)] if rest.size else []
    lines += [
        line(course.iterations, 100 * course.share[:, k], dims, color=PALETTE[i], label=f"class {k + 1}", hover=True)
        for i, k in enumerate(coloured)
    ]
    return panel(hv.Overlay(lines), "Class sizes", size, legend="right", xticks=whole_ticks(course))


def course_of(source: Course | str | Path) -> Course:
    """Return a course as it is, or read from a job directory."""
    return source if isinstance(source, Course) else read_course(source)


def one_panel(course: Course, values: np.ndarray, dim: Any, *, title: str, **options: Any) -> Any:
    """Return one quantity as a panel, or ``None`` where no iteration tells it."""
    known = np.isfinite(values)
    if not known.any():
        return None
    dims = (iteration_dim(), dim)
    drawn = line(course.iterations[known], values[known], dims) * dots(
        course.iterations[known], values[known], dims, hover=True
    )
    return panel(drawn, title, padding=0.1, xticks=whole_ticks(course), **options)


def certainty_panel(course: Course) -> Any:
    """Return the panel of how sure particles are of class and orientation, ``None`` where no iteration tells it."""
    axis = ("probability", "Mean of largest probability")
    return one_panel(course, course.max_probability, axis, title="Certainty", ylim=(0, 1.02))


def change_panels(course: Course) -> list[Any]:
    """Return panels of the changes of classes, angles and offsets; ``None`` for what no iteration tells."""
    return [
        one_panel(
            course, 100 * course.changed_classes, ("changed", "Particles (%)"), title="Particles that changed class"
        ),
        one_panel(course, course.changed_angles, ("angles", "Mean change (°)"), title="Change of angles"),
        one_panel(course, course.changed_offsets, ("offsets", "Mean change (Å)"), title="Change of offsets"),
    ]


def _nothing(name: str, label: str) -> Any:
    """Return an empty panel with its axes, for what no iteration has told yet."""
    return panel(dots(np.zeros(0), np.zeros(0), (iteration_dim(), (name, label))), xlim=(0, 1), ylim=(0, 1))


def whole_ticks(course: Course) -> list[int]:
    """Return at most about six whole iterations to label: there is no iteration 0.5."""
    last = int(course.iterations[-1])
    step = max(1, -(-last // 6)) if last < 12 else 5 * max(1, round(last / 25))
    return list(range(0, last + 1, step))


def iteration_dim() -> tuple[str, str]:
    """Return the axis of iterations: its name and label."""
    return ("iteration", "Iteration")


def _caption(course: Course) -> str:
    first, last = course.iterations[0], course.iterations[-1]
    known = course.changed_classes[np.isfinite(course.changed_classes)]
    told = f" In the last iteration {100 * known[-1]:.1f} % of the particles changed class." if known.size else ""
    return f"Iterations {first} to {last}. Converged when the changes level off near zero.{told}"
