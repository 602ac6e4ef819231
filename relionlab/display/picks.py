"""Pictures of picking: a micrograph with its picks, figures of merit with the threshold, counts per micrograph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.histograms import histogram
from relionlab.display.mosaic import grey, round_length
from relionlab.display.picture import Picture
from relionlab.display.style import PALETTE, PANEL, both, dots, grid, panel
from relionlab.display.words import many
from relionlab.engine.picking import Frame, Picks, frame_for, place
from relionlab.engine.picking.frame import image_of
from relionlab.errors import NodeError
from relionlab.io.images import open_image, read_image
from relionlab.io.star import read_star
from relionlab.jobs.picking import pick_files

COLOURS = ("#1F9E89", "#35B779", "#6DCD59", "#B4DE2C", "#FDE725")
"""Figures of merit from low to high: the lighter part of viridis, told apart with any colour vision. Its dark part would be lost
on the micrograph's grey."""
_EDGE = "#202020"
"""Around each circle, so that it is seen on light ground too."""
BY_HAND, WRONG, MISSED = "#CC79A7", "#D55E00", "#56B4E9"
_SMOOTHED = 20.0  # Å, low-pass filter of the micrographs that are shown
_EVEN = 6.0  # particle diameters beyond which slow changes of the ice's brightness are taken out
_LONGEST = 860  # px of a micrograph in a picture
_CONTRAST = 5.0  # robust standard deviations beyond which grey values are cut
_CORNERS = 36  # of a drawn circle
_SHOWN = 3  # micrographs in a job's own pictures


def micrograph_with_picks(
    micrograph: str | Path | np.ndarray,
    picks: Picks | str | Path,
    *,
    pixel_size: float | None = None,
    diameter: float = 150.0,
    title: str = "",
    wrong: np.ndarray | None = None,
    missed: np.ndarray | None = None,
) -> Picture:
    """Draw a micrograph, low-passed to 20 Å, with a circle around each pick, coloured by its figure of merit.

    micrograph  image file, or (y, x) array
    picks       picks, or a coordinate file
    pixel_size  Å; ``None``: the image file's own
    diameter    of the circles in Å
    wrong       (n, 2) px, where the truth is known: picks on no particle, crossed out
    missed      (n, 2) px, where the truth is known: particles without a pick, in dashed circles

    Picks made by hand are drawn in pink, with squares.
    """
    image = micrograph if isinstance(micrograph, np.ndarray) else read_image(micrograph)
    if pixel_size is None:
        pixel_size = (
            open_image(micrograph).header.pixel_size if not isinstance(micrograph, np.ndarray) else None
        ) or 1.0
    found = picks if isinstance(picks, Picks) else pick_files.read_picks(Path(picks))
    name = title or (Path(micrograph).name if not isinstance(micrograph, np.ndarray) else "Micrograph")
    height, width = image.shape
    radius = diameter / 2 / pixel_size
    overlay = _picture_of(image, pixel_size, diameter) * _circles(found, radius)
    if wrong is not None or missed is not None:
        overlay = overlay * _crosses(wrong, 0.4 * radius) * _dashed(missed, radius)
    overlay = overlay * _bar(width, height, pixel_size)
    scale = min(_LONGEST / max(width, height), 1.0)
    overlay = both(
        overlay,
        {"frame_width": round(width * scale), "frame_height": round(height * scale), "toolbar": "above"},
        {"fig_inches": 9 * max(width / height, 1) ** 0.5, "aspect": width / height},
        title=f"{name}: {many(len(found), 'particle')}",
        xlim=(0, width),
        ylim=(height, 0),
        xlabel="x (px)",
        ylabel="y (px)",
        show_legend=False,
    )
    return Picture(
        overlay,
        f"Picks in {name}",
        f"{many(len(found), 'particle')}; circles of {diameter:g} Å, light where the figure of merit is high. Look for particles without a"
        " circle, and circles on ice or carbon.",
    )


def merit_histogram(
    picks: Sequence[Picks],
    *,
    threshold: float | None = None,
    right: np.ndarray | None = None,
    scale: str = "",
    size: tuple[int, int] = PANEL,
) -> Picture:
    """Draw how the figures of merit of all picks are distributed, with the threshold as a line.

    right  (n,) bool, where the truth is known: which of all picks, one after the other, are on a particle
    scale  what the figures mean, in a sentence: they differ between the ways of picking
    """
    fom = np.concatenate([found.fom for found in picks]) if picks else np.zeros(0)
    known = np.isfinite(fom)
    parts: np.ndarray | list[tuple[str, np.ndarray, str]] = fom[known]
    words = [f"{many(int(known.sum()), 'automatic pick')}.", scale]
    if threshold is not None:
        words.append(f"The dashed line is the threshold, {threshold:g}.")
    if right is not None:
        parts = [("on a particle", fom[known & right], PALETTE[0]), ("on none", fom[known & ~right], WRONG)]
        words.append("Orange: picks that are on no particle, which only a simulation can tell.")
    words.append("A hump that is cut off at its left means that the threshold is in the middle of the particles.")
    return Picture(
        histogram(parts, ("fom", "Figure of merit"), "Picks", size=size, mark=threshold),
        "Figures of merit",
        " ".join(word for word in words if word),
    )


def picks_per_micrograph(picks: Sequence[Picks]) -> Picture:
    """Draw how many particles, and which mean figure of merit, each micrograph has."""
    counts = np.array([len(found) for found in picks], dtype=float)
    means = np.array([np.nanmean(found.fom) if np.isfinite(found.fom).any() else np.nan for found in picks])
    number = np.arange(1, len(picks) + 1)
    axis = ("micrograph", "Micrograph")
    panels = [
        panel(dots(number, counts, (axis, ("count", "Particles")), hover=True), "Particles per micrograph", whole="xy"),
        panel(
            dots(number, means, (axis, ("fom", "Mean figure of merit")), hover=True), "Mean figure of merit", whole="x"
        ),
    ]
    return Picture(
        grid(panels),
        "Picks per micrograph",
        f"{many(int(counts.sum()), 'particle')} in {many(len(picks), 'micrograph')}. Micrographs far from the others deserve a look.",
    )


def picking_pictures(directory: str | Path) -> list[Picture]:
    """Return the pictures of an AutoPick job: counts, figures of merit, and a few micrographs with their picks.

    directory  the job's, below the project; summary.star names the micrographs
    """
    directory = Path(directory)
    table = next(iter(read_star(directory / "summary.star").values()), None)
    if table is None or not len(table):
        raise NodeError(f"{directory}/summary.star names no micrograph: expected an AutoPick job that has finished.")
    project = _project_of(directory, str(table["rlnMicrographName"][0]))
    pickname = _pickname(directory)
    names = [str(name) for name in table["rlnMicrographName"]]
    paths = [Path(pick_files.root_of(name, f"{directory}/", pickname) + ".star") for name in names]
    there = [(name, path) for name, path in zip(names, paths, strict=True) if path.exists()]
    picks = [pick_files.read_picks(path) for _, path in there]
    drawn = [picks_per_micrograph(picks), merit_histogram(picks)]
    order = np.argsort([len(found) for found in picks])
    chosen = {int(order[round(share * (len(order) - 1))]) for share in np.linspace(0, 1, _SHOWN)} if picks else set()
    diameter = _neighbours(picks)
    for index in sorted(chosen):
        image = project / there[index][0]
        if image.exists():
            size = open_image(image).header.pixel_size or 1.0
            drawn.append(micrograph_with_picks(image, picks[index], pixel_size=size, diameter=diameter * size))
    return drawn


def _picture_of(image: np.ndarray, pixel_size: float, diameter: float) -> Any:
    import holoviews as hv

    height, width = image.shape
    resolution = max(_SMOOTHED, 2 * pixel_size * max(height, width) / _LONGEST, 2 * pixel_size)
    frame: Frame = frame_for((height, width), pixel_size, lowpass=resolution)
    smooth = image_of(place(image, frame, bright=True, lowpass=resolution, highpass=_EVEN * diameter), frame)
    rows, columns = (int(np.ceil(n / step)) for n, step in zip(image.shape, frame.steps, strict=True))
    drawn = hv.Image(
        grey(_between(smooth[:rows, :columns]))[::-1], bounds=(0, 0, width, height), kdims=["x", "y"], vdims=["grey"]
    )
    return both(drawn, {"tools": []}, {"interpolation": "bilinear"}, cmap="gray", clim=(0, 255))


def _between(image: np.ndarray) -> np.ndarray:
    """Return an image cut at what particles reach, so that contamination does not take the contrast from them."""
    middle = float(np.median(image))
    spread = 1.4826 * float(np.median(np.abs(image - middle)))
    return np.clip(image, middle - _CONTRAST * spread, middle + _CONTRAST * spread) if spread > 0 else image


def _crosses(points: np.ndarray | None, size: float) -> Any:
    shape = size * np.array([[[-1, -1], [1, 1]], [[-1, 1], [1, -1]]])
    lines = _segments(_around(points, shape))
    return both(lines, {"line_width": 2.5}, {"linewidth": 1.8}, color=WRONG)


def _dashed(points: np.ndarray | None, radius: float) -> Any:
    lines = _segments(_around(points, radius * _ring()[::2]))
    return both(lines, {"line_width": 3}, {"linewidth": 2.0}, color=MISSED)


def _circles(picks: Picks, radius: float) -> Any:
    import holoviews as hv

    automatic = np.isfinite(picks.fom)
    places, ring = np.stack([picks.x, picks.y], axis=1), radius * _ring()
    merit = picks.fom[automatic]
    low, high = (float(merit.min()), float(merit.max())) if len(merit) else (0.0, 1.0)
    circles = _around(places[automatic], ring)
    edges = both(_segments(circles), {"line_width": 3.5, "tools": []}, {"linewidth": 2.1}, color=_EDGE)
    rings = _segments(circles, np.repeat(merit, len(ring)), hv.Dimension("fom", label="Figure of merit"))
    rings = both(
        rings,
        {"line_width": 2, "colorbar": bool(len(merit)), "tools": ["hover"]},
        {"linewidth": 1.3, "colorbar": bool(len(merit))},
        color="fom",
        cmap=list(COLOURS),
        clim=(low, high if high > low else low + 1),
    )
    corner = radius / np.sqrt(2) * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    squares = _segments(_around(places[~automatic], np.stack([corner[:-1], corner[1:]], axis=1)))
    return edges * rings * both(squares, {"line_width": 2}, {"linewidth": 1.3}, color=BY_HAND)


def _ring() -> np.ndarray:
    """Return a circle of radius 1 as (segments, 2 ends, xy)."""
    turn = np.linspace(0, 2 * np.pi, _CORNERS + 1)
    points = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.stack([points[:-1], points[1:]], axis=1)


def _around(points: np.ndarray | None, shape: np.ndarray) -> np.ndarray:
    """Return a shape (segments, 2, xy) drawn about each point: (points times segments, 2, xy)."""
    found = np.zeros((0, 2)) if points is None else np.asarray(points, dtype=float).reshape(-1, 2)
    return (found[:, None, None] + shape[None]).reshape(-1, 2, 2)


def _segments(lines: np.ndarray, values: np.ndarray | None = None, dimension: Any = None) -> Any:
    """Return all lines (n, 2 ends, xy) as one element: one for each circle takes HoloViews twenty times as long."""
    import holoviews as hv

    columns = [*lines.reshape(-1, 4).T, *([] if values is None else [values])]
    return hv.Segments(tuple(columns), ["x", "y", "x1", "y1"], [] if values is None else [dimension])


def _bar(width: int, height: int, pixel_size: float) -> Any:
    import holoviews as hv

    length = round_length(width * pixel_size / 5)
    left, base, part = 0.03 * width, 0.97 * height, length / pixel_size
    bar = hv.Segments([(left, base, left + part, base)], ["x", "y", "x1", "y1"])
    bar = both(bar, {"line_width": 5, "tools": []}, {"linewidth": 4}, color="#FFFFFF")
    text = hv.Labels(([left + part / 2], [base - 0.012 * height], [f"{length:g} Å"]), ["x", "y"], "text")
    text = both(
        text,
        {"text_font_size": "10pt", "text_baseline": "bottom", "text_font_style": "bold", "text_color": "#FFFFFF"},
        {"size": 9, "verticalalignment": "bottom", "weight": "bold", "color": "#FFFFFF"},
    )
    return bar * text


def _neighbours(picks: Sequence[Picks]) -> float:
    """Return the diameter in px of the circles: the 5 % smallest distance of two picks in a micrograph."""
    from scipy.spatial import cKDTree

    nearest = [
        cKDTree(np.stack([found.x, found.y], axis=1)).query(np.stack([found.x, found.y], axis=1), k=2)[0][:, 1]
        for found in picks
        if len(found) > 1
    ]
    return float(np.percentile(np.concatenate(nearest), 5)) if nearest else 100.0


def _project_of(directory: Path, micrograph: str) -> Path:
    for base in (Path.cwd(), *directory.resolve().parents):
        if (base / micrograph).exists():
            return base
    return Path.cwd()


def _pickname(directory: Path) -> str:
    for path in sorted(directory.glob("coords_suffix_*.star")):
        return path.name.removeprefix("coords_suffix_").removesuffix(".star")
    return "autopick"
