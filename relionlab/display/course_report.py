"""One self-contained page about the way from movies to class averages: a section for every stage, with its pictures,
and, where the truth is known, its error.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from relionlab.display.picture import Picture
from relionlab.display.report import (
    Stage,
    class_cards,
    class_scale_bar,
    duration,
    interactive,
    template,
    truth_rows,
)
from relionlab.display.results import ClassAverages
from relionlab.io.atomic import atomic_write

if TYPE_CHECKING:
    from relionlab.workflows.truth import ClassTruth

Kind = Literal["chart", "drawing", "image"]
_DPI = {"drawing": 110, "image": 130}
_QUALITY = 82  # of WebP: noise that nobody looks at pixel by pixel


@dataclass(frozen=True)
class Figure:
    """A picture in a section.

    picture  what is drawn
    kind     "chart": with the mouse's tools; "drawing": lines, as PNG; "image": grey values, as WebP
    half     beside another one
    """

    picture: Picture
    kind: Kind = "chart"
    half: bool = False


@dataclass(frozen=True)
class ClassSheet:
    """Classes to be shown as a gallery, the numbers of those kept, and how good they are if that is known."""

    averages: ClassAverages
    kept: frozenset[int]
    truth: ClassTruth | None = None


@dataclass(frozen=True)
class Section:
    """One stage: what it did, its error in large figures (value, words), pictures, classes."""

    key: str
    title: str
    text: str
    measures: tuple[tuple[str, str], ...] = ()
    figures: tuple[Figure, ...] = ()
    classes: ClassSheet | None = None


@dataclass(frozen=True)
class CourseReport:
    """What the page tells.

    verdicts  (stage, what, value, how to read it): the error of every stage; empty where no truth is known
    again     the command with which others do the same on movies of their own
    The rest is as in :class:`relionlab.display.report.Report`.
    """

    title: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    verdicts: tuple[tuple[str, str, str, str], ...]
    stages: tuple[Stage, ...]
    project: Path
    again: str
    footer: tuple[str, ...] = ()


def write_course_report(report: CourseReport, path: str | Path) -> Path:
    """Write the page, which needs nothing from the network, and return its path."""
    charts = [figure for section in report.sections for figure in section.figures if figure.kind == "chart"]
    scripts, places = interactive([figure.picture for figure in charts])
    drawn = {id(figure): place["place"] for figure, place in zip(charts, places, strict=True)}
    sections = [_section(section, drawn) for section in report.sections]
    page = template("course.html").render(
        report=report,
        sections=sections,
        scripts=scripts,
        total_seconds=sum(stage.seconds for stage in report.stages),
        duration=duration,
    )
    with atomic_write(path) as file:
        file.write_text(page, encoding="utf-8")
    return Path(path)


def _section(section: Section, charts: dict[int, str]) -> dict[str, Any]:
    classes = section.classes
    return {
        "section": section,
        "figures": [
            {
                "title": figure.picture.title,
                "caption": figure.picture.caption,
                "place": charts.get(id(figure), ""),
                "image": "" if figure.kind == "chart" else static(figure),
                "half": figure.half or figure.kind == "chart",
            }
            for figure in section.figures
        ],
        "cards": class_cards(classes) if classes else [],
        "scale_bar": class_scale_bar(classes.averages) if classes else None,
        "truth": truth_rows(classes) if classes else None,
        "box_width": classes.averages.pixel_size * classes.averages.images.shape[-1] if classes else 0.0,
    }


def static(figure: Figure) -> str:
    """Return a picture drawn without tools, as a data address."""
    from PIL import Image

    from relionlab.display.render import to_png

    drawn = Image.open(io.BytesIO(to_png(figure.picture, dpi=_DPI[figure.kind]))).convert("RGB")
    buffer = io.BytesIO()
    if figure.kind == "image":
        drawn.save(buffer, format="WEBP", quality=_QUALITY)
        kind = "webp"
    else:
        drawn.quantize(128).save(buffer, format="PNG", optimize=True)
        kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
