"""One self-contained page about the way from movies to class averages: a section for every stage, with its pictures,
and, where the truth is known, its error.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from relionlab.display.picture import Picture
from relionlab.display.report import (
    Stage,
    class_cards,
    class_scale_bar,
    interactive,
    truth_rows,
    write_page,
)
from relionlab.display.results import ClassAverages

if TYPE_CHECKING:
    from relionlab.simulation.scores.classes import ClassTruth

Kind = Literal["chart", "drawing", "image"]
_DPI = {"drawing": 120, "image": 165}
_QUALITY = 75  # of WebP: noise that nobody looks at pixel by pixel
_HALF, _WHOLE = 545, 1120
"""Widths in screen pixels that a picture has beside another one, and alone, on a wide screen."""
_TALLEST = 480  # screen pixels of a chart beside a picture


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
    """One stage: what it did, its error in large figures (value, words), pictures, classes, and what its jobs warned of."""

    key: str
    title: str
    text: str
    measures: tuple[tuple[str, str], ...] = ()
    figures: tuple[Figure, ...] = ()
    classes: ClassSheet | None = None
    warnings: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class _Placed:
    """A figure on the page: beside another one or alone, and, but for a chart, drawn: its data address and width in px."""

    figure: Figure
    half: bool
    image: str = ""
    width: int = 0
    height: int = 0


def write_course_report(report: CourseReport, path: str | Path) -> Path:
    """Write the page, which needs nothing from the network, and return its path."""
    placed = [_in_rows(section.figures) for section in report.sections]
    charts = [one for row in placed for one in row if one.figure.kind == "chart"]
    scripts, places = interactive([one.figure.picture for one in charts], heights=[one.height for one in charts])
    drawn = {id(one): place["place"] for one, place in zip(charts, places, strict=True)}
    sections = [_section(section, row, drawn) for section, row in zip(report.sections, placed, strict=True)]
    return write_page(path, "course.html", report, sections=sections, scripts=scripts)


def _in_rows(figures: tuple[Figure, ...]) -> list[_Placed]:
    """Return figures in rows of two without gaps: one of an odd number in a row, a chart if there is one, stands alone.

    A chart beside a taller picture is made as tall.
    """
    halves = [figure.half or figure.kind == "chart" for figure in figures]
    begin = 0
    for end in range(len(figures) + 1):
        if end == len(figures) or not halves[end]:
            if (end - begin) % 2:
                alone = next((place for place in range(begin, end) if figures[place].kind == "chart"), end - 1)
                halves[alone] = False
            begin = end + 1
    placed = [
        _Placed(figure, half) if figure.kind == "chart" else _Placed(figure, half, *static(figure, half=half))
        for figure, half in zip(figures, halves, strict=True)
    ]
    first = 0
    while first < len(placed):
        row = placed[first : first + (2 if placed[first].half else 1)]
        tallest = min(max(one.height for one in row), _TALLEST)
        placed[first : first + len(row)] = [
            replace(one, height=tallest) if one.figure.kind == "chart" else one for one in row
        ]
        first += len(row)
    return placed


def _section(section: Section, placed: list[_Placed], charts: dict[int, str]) -> dict[str, Any]:
    classes = section.classes
    return {
        "section": section,
        "figures": [
            {
                "title": one.figure.picture.title,
                "caption": one.figure.picture.caption,
                "place": charts.get(id(one), ""),
                "image": one.image,
                "width": one.width,
                "half": one.half,
            }
            for one in placed
        ],
        "cards": class_cards(classes) if classes else [],
        "scale_bar": class_scale_bar(classes.averages) if classes else None,
        "truth": truth_rows(classes) if classes else None,
        "box_width": classes.averages.pixel_size * classes.averages.images.shape[-1] if classes else 0.0,
    }


def static(figure: Figure, *, half: bool = False) -> tuple[str, int, int]:
    """Return a picture drawn without tools as a data address, and its width and height in screen pixels.

    An image that is wider than its place is drawn smaller, so that its texts keep their size; the page shrinks drawings.
    """
    from PIL import Image

    from relionlab.display.mosaic import DOTS
    from relionlab.display.render import to_matplotlib

    made, room = to_matplotlib(figure.picture), (_HALF if half else _WHOLE) / DOTS
    width, height = made.get_size_inches()
    if width > room and figure.kind == "image":
        made.set_size_inches(room, height * room / width)
    buffer, dpi = io.BytesIO(), _DPI[figure.kind]
    made.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.05)
    drawn = Image.open(buffer).convert("RGB")
    shown = (round(drawn.width * DOTS / dpi), round(drawn.height * DOTS / dpi))
    buffer = io.BytesIO()
    if figure.kind == "image":
        drawn.save(buffer, format="WEBP", quality=_QUALITY)
        kind = "webp"
    else:
        drawn.quantize(128).save(buffer, format="PNG", optimize=True)
        kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}", *shown
