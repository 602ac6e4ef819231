"""One self-contained page about a classification: what went in, the class averages, the course, the truth, the times."""

from __future__ import annotations

import base64
import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from relionlab.display.mosaic import enlarge, grey, round_length
from relionlab.display.picture import Picture
from relionlab.display.report_charts import course_pictures
from relionlab.display.results import ClassAverages, Course
from relionlab.display.words import many
from relionlab.io.atomic import atomic_write

if TYPE_CHECKING:
    from relionlab.simulation.scores.classes import ClassTruth

_OPTION = re.compile(r"(?<!\S)(--?[A-Za-z][\w-]{0,38})(?![^\s=])")  # of a command line
TILE = 176
"""Width of a class average in pixels; twice the screen's, so that it is sharp on fine screens."""


@dataclass(frozen=True)
class Stage:
    """One step of the work: its name, what it did in a sentence, how long it took (s), where, by which command, and what
    it warned of.
    """

    name: str
    what: str
    seconds: float
    directory: str = ""
    commands: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What the page tells.

    title, summary  a few words; a sentence or two
    averages        the classes of the last iteration
    course          the iterations
    kept            class numbers that were selected
    stages          the steps, in order
    project         the project's directory
    facts           (what, value) pairs about the data: "Particles", "2,000"
    examples        (n, y, x)  a few of the particles as they went in
    truth           how good the classes are, where that is known
    footer          how to get the same again: version, command, machine
    """

    title: str
    summary: str
    averages: ClassAverages
    course: Course
    kept: frozenset[int]
    stages: tuple[Stage, ...]
    project: Path
    facts: tuple[tuple[str, str], ...] = ()
    examples: np.ndarray | None = None
    truth: ClassTruth | None = None
    footer: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = field(default=())


class Classes(Protocol):
    """Classes to be shown."""

    @property
    def averages(self) -> ClassAverages:
        """The averages of one iteration."""
        ...

    @property
    def kept(self) -> frozenset[int]:
        """Numbers of the classes that were selected."""
        ...

    @property
    def truth(self) -> ClassTruth | None:
        """How good they are, where that is known."""
        ...


def write_report(report: Report, path: str | Path) -> Path:
    """Write the page, which needs nothing from the network, and return its path."""
    scripts, figures = interactive(report.pictures or course_pictures(report.course))
    return write_page(
        path,
        "report.html",
        report,
        cards=class_cards(report),
        examples=_examples(report),
        figures=figures,
        scripts=scripts,
        truth=truth_rows(report),
        scale_bar=class_scale_bar(report.averages),
        box_width=report.averages.pixel_size * report.averages.images.shape[-1],
    )


def write_page(path: str | Path, name: str, report: Any, **values: Any) -> Path:
    """Write a page from the template of this name, and return its path; ``report`` has ``stages``, whose times are added."""
    total = sum(stage.seconds for stage in report.stages)
    page = template(name).render(report=report, total_seconds=total, duration=duration, many=many, **values)
    with atomic_write(path) as file:
        file.write_text(page, encoding="utf-8")
    return Path(path)


def template(name: str) -> Any:
    """Return one of the pages' templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("relionlab.display", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["unbroken"] = unbroken
    return environment.get_template(name)


def unbroken(command: str) -> Any:
    """Return a command line as HTML in which no option is broken: browsers end lines behind dashes."""
    from markupsafe import Markup, escape

    return Markup(_OPTION.sub(r'<span style="white-space:nowrap">\1</span>', str(escape(command))))


def class_cards(report: Classes) -> list[dict[str, Any]]:
    """Return what the gallery shows of each class, the largest first; empty classes come last."""
    averages = report.averages
    widest = float(np.nanmax(averages.share)) or 1.0
    return [
        {
            "number": int(averages.numbers[index]),
            "image": picture(grey(averages.images[index], diameter=0.95)),
            "count": int(averages.counts[index]),
            "share": float(averages.share[index]),
            "bar": float(averages.share[index]) / widest,
            "resolution": float(averages.resolution[index]) if np.isfinite(averages.resolution[index]) else None,
            "kept": int(averages.numbers[index]) in report.kept,
            "empty": int(averages.counts[index]) == 0,
        }
        for index in averages.order("size")
    ]


def picture(image: np.ndarray, pixels: int = TILE) -> str:
    """Return a uint8 image (y, x) as a PNG in a data address."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(enlarge(image, pixels)).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def duration(seconds: float) -> str:
    """Return a time as people say it: "4.2 s", "1 min 12 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def interactive(pictures: Sequence[Picture], *, heights: Sequence[int] = ()) -> tuple[str, list[dict[str, str]]]:
    """Return Bokeh's scripts, and title, caption and place of each picture; ``heights``: least ones, in screen pixels."""
    from bokeh.embed import components
    from bokeh.resources import Resources

    from relionlab.display.render import to_bokeh

    if not pictures:
        return "", []
    script, places = components(
        [_fitted(to_bokeh(one), height) for one, height in itertools.zip_longest(pictures, heights, fillvalue=0)]
    )
    # The plain charts need neither Bokeh's tables nor its mathematics; that keeps the page small.
    # render() would add what Panel, which HoloViews loads, wants from elsewhere.
    library = "\n".join(f"<script>{code}</script>" for code in Resources(mode="inline", components=["bokeh"]).js_raw)
    figures = [
        {"title": one.title, "caption": one.caption, "place": place}
        for one, place in zip(pictures, places, strict=True)
    ]
    return library + script, figures


def _fitted(chart: Any, height: int) -> Any:
    """Let a chart take the width that the page has and at least this height, and show its tools only under the mouse."""
    chart.sizing_mode = "stretch_width"
    chart.height = max(chart.height, height)
    chart.toolbar.autohide = True
    chart.toolbar.logo = None
    return chart


def _examples(report: Report) -> list[str]:
    """Return some particles as they went in, as data addresses."""
    if report.examples is None:
        return []
    return [picture(grey(image), 128) for image in report.examples]


def class_scale_bar(averages: ClassAverages) -> dict[str, float]:
    """Return length (Å) and width (share of the image) of the scale bar."""
    width = averages.pixel_size * averages.images.shape[-1]
    length = round_length(width / 3)
    return {"length": length, "share": length / width}


def truth_rows(report: Classes) -> dict[str, Any] | None:
    """Return the rows of the comparison with the truth."""
    truth = report.truth
    if truth is None:
        return None
    images = {card["number"]: card for card in class_cards(report)}
    random, most = truth.random_spread, float(np.nanmax(truth.spread, initial=1.0))
    widest = max(1.25 * random if np.isfinite(random) else 0.0, 1.05 * most)
    rows = []
    for number in (card["number"] for card in images.values()):
        index = int(np.flatnonzero(truth.numbers == number)[0]) if number in truth.numbers else None
        if index is None or not truth.contents[index].sum():
            continue
        contents, spread = truth.contents[index], truth.spread[index]
        rows.append(
            {
                **images[number],
                "total": int(contents.sum()),
                "parts": [
                    {"kind": kind, "count": int(count), "share": float(count / contents.sum()), "colour": colour}
                    for kind, count, colour in zip(truth.kinds, contents, _colours(truth), strict=True)
                ],
                "spread": float(spread) if np.isfinite(spread) else None,
                "spread_bar": float(spread / widest) if np.isfinite(spread) else 0.0,
            }
        )
    return {
        "rows": rows,
        "legend": list(zip(truth.kinds, _colours(truth), strict=True)),
        "random": random if np.isfinite(random) else None,
        "random_bar": random / widest if np.isfinite(random) else 0.0,
        "mean": truth.mean_spread if np.isfinite(truth.mean_spread) else None,
        "junk": truth.junk,
        "junk_apart": truth.junk_apart,
        "purity": truth.purity,
        "majority": truth.majority,
        "several": len(truth.kinds) > 1,
        "ticks": [{"value": tick, "bar": tick / widest} for tick in range(0, int(widest) + 1, 10)],
    }


def _colours(truth: ClassTruth) -> list[str]:
    """Return a colour per kind that colour-blind readers tell apart; grey for what is no particle."""
    from relionlab.display.style import PALETTE

    colours = iter(colour for colour in PALETTE if colour not in ("#7F7F7F", "#000000"))
    return ["#9A9A9A" if kind == truth.junk else next(colours) for kind in truth.kinds]
