"""The gallery of class averages, and their sizes and resolutions as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.mosaic import Mosaic, captions, grey, mosaic, scale_bar, sheet
from relionlab.display.picture import Picture
from relionlab.display.results import ClassAverages, Order, read_class_averages
from relionlab.display.style import FAINT, both, thin_lines


def class_averages(
    source: ClassAverages | str | Path,
    *,
    by: Order = "size",
    columns: int | None = None,
    most: int = 100,
    pixels: int = 112,
) -> Picture:
    """Draw the class averages, each with its number, particles, share and resolution.

    source   averages, a run_itNNN_model.star, or a job directory (its last iteration)
    by       "size" (largest first), "resolution" (finest first) or "number"
    columns  images beside each other; by default about twice as many as rows
    most     no more than this many classes are drawn
    pixels   width of an image on the screen

    Each class has its own grey scale, from the 1st to the 99.7th percentile of the pixels inside the box's circle, so
    weak classes are seen as well as strong ones: brightness cannot be compared between classes.
    """
    every = averages_of(source)
    shown = every.take(every.order(by)[:most])
    plan = Mosaic(count=len(shown), columns=columns or columns_for(len(shown)), pixels=pixels)
    image = mosaic([tile(shown, index) for index in range(len(shown))], plan)
    texts = captions([caption(shown, index) for index in range(len(shown))], plan, size=9 if pixels >= 100 else 8)
    bar = scale_bar(plan, width=shown.pixel_size * shown.images.shape[-1])
    overlay = image * _frames(shown, plan) * texts * bar
    return Picture(sheet(overlay, plan), _title(every), _caption(every, len(shown), by))


def class_table(source: ClassAverages | str | Path, *, by: Order = "size", most: int = 200) -> Picture:
    """Show number, particles, share, resolution and accuracies of the classes as a table."""
    import holoviews as hv

    every = averages_of(source)
    shown = every.take(every.order(by)[:most])
    columns = {
        "Class": shown.numbers,
        "Particles": ["–" if count < 0 else f"{count}" for count in shown.counts],
        "Share (%)": [f"{100 * share:.2f}" for share in shown.share],
        "Resolution (Å)": [number(value) for value in shown.resolution],
        "Angles ± (°)": [number(value) for value in shown.accuracy_rotations],
        "Offsets ± (Å)": [number(value) for value in shown.accuracy_offsets],
    }
    table = hv.Table(columns, list(columns)[:1], list(columns)[1:])
    table = both(
        table,
        {"width": 720, "height": min(520, 60 + 25 * len(shown)), "index_position": None},
        {"fig_inches": (9, 0.9 + 0.2 * min(len(shown), 40)), "max_rows": 40, "hooks": [thin_lines]},
    )
    return Picture(
        table,
        _title(every) + ", as a table",
        "± is the accuracy with which angles and offsets are determined. A dash: not determined. In the page, a click on a heading sorts.",
    )


def averages_of(source: ClassAverages | str | Path) -> ClassAverages:
    """Return class averages as they are, or read from a model file or a job directory."""
    return source if isinstance(source, ClassAverages) else read_class_averages(source)


def tile(averages: ClassAverages, index: int) -> np.ndarray:
    """Return one class average as uint8, on its own grey scale; an empty class is an even grey."""
    return grey(averages.images[index], diameter=0.95)


def caption(averages: ClassAverages, index: int) -> str:
    """Return the two lines below a class average."""
    count, share, resolution = averages.counts[index], averages.share[index], averages.resolution[index]
    first = f"{averages.numbers[index]}" + ("" if count < 0 else f" · {count:,}")
    second = f"{100 * share:.1f} %" + (f" · {resolution:.1f} Å" if np.isfinite(resolution) and share > 0 else "")
    return f"{first}\n{second}"


def columns_for(count: int, widest: int = 10) -> int:
    """Return how many images to put beside each other: about twice as many as rows, and the last row well filled."""
    least = int(min(widest, max(1, np.ceil(np.sqrt(2 * count)))))
    candidates = range(least, min(widest, least + 2) + 1)
    return min(candidates, key=lambda columns: (-count % columns, columns))


def number(value: float) -> str:
    """Return a number with three digits, or a dash if there is none."""
    return f"{value:.3g}" if np.isfinite(value) else "–"


def _frames(shown: ClassAverages, plan: Mosaic) -> Any:
    """Return a frame around each image, which tells all about the class when the mouse is over it."""
    import holoviews as hv

    corners = [plan.corner(index) for index in range(len(shown))]
    rows = [
        (
            x,
            -y - plan.pixels,
            x + plan.pixels,
            -y,
            int(shown.numbers[i]),
            int(shown.counts[i]),
            f"{100 * shown.share[i]:.2f} %",
            number(shown.resolution[i]),
            number(shown.accuracy_rotations[i]),
            number(shown.accuracy_offsets[i]),
        )
        for i, (x, y) in enumerate(corners)
    ]
    names = ["Class", "Particles", "Share", "Resolution", "Angles", "Offsets"]
    frames = hv.Rectangles(rows, ["x0", "y0", "x1", "y1"], names)
    tips = [
        ("Class", "@Class"),
        ("Particles", "@Particles"),
        ("Share", "@Share"),
        ("Resolution", "@Resolution Å"),
        ("Accuracy of angles", "@{Angles}°"),
        ("Accuracy of offsets", "@{Offsets} Å"),
    ]
    return both(
        frames,
        {"fill_alpha": 0, "line_color": FAINT, "line_width": 1, "tools": ["hover"], "hover_tooltips": tips},
        {"facecolor": "none", "edgecolor": FAINT, "linewidth": 0.5},
    )


def _title(averages: ClassAverages) -> str:
    return averages.what + (f" after iteration {averages.iteration}" if averages.iteration >= 0 else "")


def _caption(averages: ClassAverages, shown: int, by: Order) -> str:
    order = {"size": "largest first", "resolution": "finest resolution first", "number": "by number"}[by]
    box = averages.images.shape[-1]
    first = "number · particles" if (averages.counts >= 0).all() else "number"
    whole = f"{len(averages)} classes" if shown == len(averages) else f"{shown} of {len(averages)} classes"
    return (
        f"{whole}, {order}; below each: {first}, share of all particles · estimated resolution. "
        f"Box {box} px = {box * averages.pixel_size:.0f} Å. Each class has its own grey scale."
    )
