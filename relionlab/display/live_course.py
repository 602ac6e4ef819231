"""How a classification or refinement goes, iteration by iteration, as charts to which points are added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from relionlab.display.live_charts import QUIET, add_line, chart, rows_of
from relionlab.display.style import PALETTE
from relionlab.engine.maps.fsc import GOLD_STANDARD
from relionlab.io.star import read_star
from relionlab.jobs.refinement.outcome import changes_of, step_of
from relionlab.jobs.refinement.rounds import Round, column, measured_fsc, number

CLASSES = 6
"""Classes whose sizes are drawn, the largest of the last iteration."""
_LEAST = 1e-2


@dataclass(frozen=True)
class CoursePoint:
    """One iteration.

    iteration  its number; the joined one of a refinement comes one after the last
    values     resolution (Å), changed (%), angles (°), offsets (Å), certainty, accuracy (°), step (°), likelihood; nan: not told
    share      (K,) % of the particles in each class
    frequency, curve  (shells,) 1/Å, and the correlation of the half-maps, or the signal-to-noise ratio of the largest class
    halves     whether the curve is of half-maps
    """

    iteration: int
    values: dict[str, float]
    share: np.ndarray
    frequency: np.ndarray = field(default_factory=lambda: np.zeros(0))
    curve: np.ndarray = field(default_factory=lambda: np.zeros(0))
    halves: bool = False


def read_point(one: Round) -> CoursePoint:
    """Read an iteration: its model file, and what its optimiser file says of the changes."""
    tables = read_star(one.models[0])
    general, classes = tables["model_general"], tables["model_classes"]
    optimiser = one.beside("optimiser")
    told = None if optimiser is None else read_star(optimiser).get("optimiser_general")
    angles, offsets, changed = changes_of(told)
    share = 100 * np.nan_to_num(column(classes, "rlnClassDistribution"))
    accuracy = column(classes, "rlnAccuracyRotations")
    began = one.number > 0
    three = int(number(general, "rlnReferenceDimensionality", unknown=2.0)) == 3
    values = {
        "resolution": _positive(number(general, "rlnCurrentResolution")),
        "changed": 100 * changed if changed <= 1 else np.nan,
        "angles": angles,
        "offsets": offsets,
        "certainty": number(general, "rlnAveragePmax") if began else np.nan,
        "likelihood": number(general, "rlnLogLikelihood") if began else np.nan,
        "accuracy": _positive(float(np.nanmin(accuracy))) if np.isfinite(accuracy).any() else np.nan,
        "step": _positive(step_of(one)) if three else np.nan,
    }
    frequency, curve, halves = _curve(tables, share)
    return CoursePoint(one.number + one.final, values, share, frequency, curve, halves)


def course_figure(*, three: bool, several: bool) -> Any:
    """Return the charts of the course: resolution, changes, certainty, class sizes; for 3D the accuracy of the angles too.

    several  whether there is more than one class
    """
    from bokeh.models import ColumnDataSource

    names = ("iteration", "resolution", "changed", "angles", "offsets", "certainty", "accuracy", "step")
    source = ColumnDataSource({name: [] for name in (*names, *_sizes())}, name="course")
    figures = [_of("Resolution", "Resolution (Å)", source, "resolution", flipped=True)]
    if several:
        figures += [_of("Particles that changed class", "Particles (%)", source, "changed"), _class_sizes(source)]
    figures += [
        _of("Change of angles", "Mean change (°)", source, "angles", y_axis_type="log" if three else "auto"),
        _of("Change of offsets", "Mean change (Å)", source, "offsets", y_axis_type="log" if three else "auto"),
    ]
    if three:
        angle = _of("Angles: accuracy (blue), step (orange)", "Angle (°)", source, "accuracy", y_axis_type="log")
        add_line(angle, source, ("iteration", "step"), place=1)
        figures.append(angle)
    figures.append(_of("Certainty of the best pose", "Mean probability", source, "certainty", y_range=(0, 1.02)))
    return rows_of(figures, columns=3)


def course_columns(points: Sequence[CoursePoint]) -> dict[str, np.ndarray]:
    """Return the columns of the source "course"."""
    columns = {"iteration": np.array([point.iteration for point in points], float)}
    for name in ("resolution", "changed", "angles", "offsets", "certainty", "accuracy", "step"):
        columns[name] = np.array([point.values[name] for point in points], float)
    largest = np.argsort(-points[-1].share, kind="stable")[:CLASSES]
    for place, name in enumerate(_sizes()):
        known = place < len(largest)
        columns[name] = np.array(
            [float(p.share[largest[place]]) if known and largest[place] < len(p.share) else np.nan for p in points]
        )
    return columns


def curve_figure(*, halves: bool) -> Any:
    """Return the chart of the correlation of the half-maps, or of the signal-to-noise ratio, over spatial frequency."""
    from bokeh.models import ColumnDataSource, Span

    title, label = (
        ("Fourier shell correlation", "Correlation of the half-maps")
        if halves
        else ("Signal to noise of the largest class", "Ratio")
    )
    options: dict[str, Any] = {"y_range": (-0.1, 1.05)} if halves else {"y_axis_type": "log"}
    figure = chart(title, "Spatial frequency (1/Å)", label, size=(760, 330), **options)
    for name, colour, width, text in (
        ("before", QUIET, 1, "iterations between"),
        ("first", PALETTE[1], 2, "first iteration"),
        ("newest", PALETTE[0], 3, "newest iteration"),
    ):
        source = ColumnDataSource({"x": [], "y": []}, name=name)
        figure.line(
            "x",
            "y",
            source=source,
            color=colour,
            line_width=width,
            alpha=0.45 if name == "before" else 1,
            legend_label=text,
        )
    for level in (GOLD_STANDARD, 0.5) if halves else (1.0,):
        figure.add_layout(Span(location=level, dimension="width", line_color=QUIET, line_dash="dashed", line_width=1))
    figure.legend.location = "top_right"
    figure.legend.background_fill_alpha = 0
    figure.legend.border_line_color = None
    figure.legend.label_text_color = QUIET
    figure.legend.label_text_font_size = "8pt"
    return figure


def curve_columns(points: Sequence[CoursePoint]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return x and y of the sources "before", "first" and "newest"."""
    drawn = [point for point in points if len(point.curve)]
    gap = np.array([np.nan])
    parts = {"before": drawn[1:-1], "first": drawn[:1] if len(drawn) > 1 else [], "newest": drawn[-1:]}
    found = {}
    for name, some in parts.items():
        x = [piece for point in some for piece in (point.frequency, gap)]
        y = [piece for point in some for piece in (point.curve, gap)]
        found[name] = (np.concatenate(x), np.concatenate(y)) if x else (np.zeros(0), np.zeros(0))
    return found


def _of(title: str, label: str, source: Any, name: str, *, flipped: bool = False, **options: Any) -> Any:
    figure = chart(title, "Iteration", label, **options)
    if flipped:
        figure.y_range.flipped = True
    add_line(figure, source, ("iteration", name))
    return figure


def _class_sizes(source: Any) -> Any:
    figure = chart("Sizes of the largest classes", "Iteration", "Particles (%)")
    for place, name in enumerate(_sizes()):
        add_line(figure, source, ("iteration", name), place=place, dots=False)
    return figure


def _sizes() -> list[str]:
    return [f"size{place}" for place in range(CLASSES)]


def _curve(tables: dict[str, Any], share: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    fsc = measured_fsc(tables)
    first = tables.get("model_class_1")
    if first is None or "rlnResolution" not in first:
        return np.zeros(0), np.zeros(0), False
    if fsc is not None:
        return np.asarray(first["rlnResolution"], float)[: len(fsc)], fsc, True
    spectrum = tables.get(f"model_class_{int(np.argmax(share)) + 1}", first)
    if "rlnSsnrMap" not in spectrum:
        return np.zeros(0), np.zeros(0), False
    ratio = np.asarray(spectrum["rlnSsnrMap"], float)[1:]
    return np.asarray(spectrum["rlnResolution"], float)[1:], np.where(ratio > _LEAST, ratio, np.nan), False


def _positive(value: float) -> float:
    return value if np.isfinite(value) and value > 0 else np.nan
