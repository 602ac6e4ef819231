"""How movies moved: every movie's tracks, global and local, and the whole session's totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.mosaic import round_length
from relionlab.display.picture import Picture
from relionlab.display.style import FAINT, PALETTE, both, dots, grid, line, overlay, panel
from relionlab.display.words import many
from relionlab.engine.motion.model import shifts_at
from relionlab.errors import InputError
from relionlab.io.motion import Motion, read_motion
from relionlab.io.particles import read_particles

MAGNIFIED = 20.0
"""Local tracks are drawn this many times larger at most than the field they stand in."""
LONGEST_TRACK = 0.12
"""Share of the field's width that the longest local track takes."""
LIST = "corrected_micrographs.star"
MOST_MOVIES = 240
"""Movies whose tracks a logfile.pdf shows."""
ACROSS, ON_A_SHEET = 3, 12
"""Movies beside each other, and in all, on one sheet: one drawing of many tracks costs what one of a few does."""
NAME_LENGTH = 24
"""Letters of a movie's name that stand above its tracks: its last ones, which tell movies apart."""


def motion_track(source: Motion | str | Path, *, title: str = "") -> Picture:
    """Draw one movie's motion: the specimen's global track, and its local ones over the field, magnified.

    source  a motion, or its STAR file
    """
    motion = source if isinstance(source, Motion) else read_motion(source)
    title = title or Path(motion.movie).name
    displaced = -motion.shifts[motion.used]  # shifts are corrections
    panels = [_global_panel(displaced), _over_time(motion, displaced)]
    caption = (
        f"{title}: frames {motion.first_frame} to {motion.first_frame + len(displaced) - 1}; the specimen's way"
        f" is {np.hypot(*np.diff(displaced, axis=0).T).sum():.1f} px long. A good track is smooth and slows down."
    )
    local = _local_tracks(motion)
    if local is not None:
        panels.append(_local_panel(motion, local))
        caption += f" Local tracks, beside the global one, are magnified {local.factor:.3g} times: grey as measured, blue the model."
    return Picture(grid(panels, columns=len(panels)), title, caption)


def motion_totals(directory: str | Path) -> Picture:
    """Draw how far every movie's specimen travelled, in all, early and late: by movie, and as histograms.

    directory  of a MotionCorr job
    """
    micrographs = read_particles(Path(directory) / LIST, kind="micrographs").particles
    number = np.arange(1, len(micrographs) + 1)
    known = [name for name in ("Total", "Early", "Late") if f"rlnAccumMotion{name}" in micrographs]
    longest = max(float(np.nanmax(micrographs[f"rlnAccumMotion{name}"], initial=0)) for name in known)
    by_movie, histograms = [], []
    for name in known:
        values, color = micrographs[f"rlnAccumMotion{name}"], PALETTE[len(by_movie)]
        label = "in all" if name == "Total" else name.lower()
        by_movie.append(
            dots(
                number, values, (("movie", "Movie"), ("way", "Length of the way (px)")), color=color, hover=True
            ).relabel(label)
        )
        edges = np.linspace(0, max(longest, 1e-3) * 1.001, min(max(len(values) // 2, 8), 40) + 1)
        counts = np.histogram(values[np.isfinite(values)], bins=edges)[0]
        steps = np.repeat(edges, 2)[1:-1], np.repeat(counts, 2)
        histograms.append(
            line(*steps, (("way", "Length of the way (px)"), ("movies", "Movies")), label=label, color=color)
        )
    panels = [
        panel(overlay(by_movie), "By movie", padding=0.1, xlim=(0.5, len(number) + 0.5), whole="x", legend="right"),
        panel(overlay(histograms), "Histograms", padding=0.1, whole="y"),
    ]
    return Picture(
        grid(panels, columns=2),
        "Motion of all movies",
        f"{many(len(micrographs), 'movie')}. Early is what happened up to the dose of --dose_motionstats_cutoff, by default 4 e/Å²."
        " Movies far off the rest have moved much, or were not aligned well: look at their tracks.",
    )


def motion_sheet(motions: Sequence[Motion], *, title: str = "Tracks") -> Picture:
    """Draw several movies' motion on one sheet: of each the global track, in a square, beside the local ones over its field.

    motions  in the order in which they are drawn, row by row
    """
    outlines, blue, grey, starts, texts = [], [], [], [], []
    for number, motion in enumerate(motions):
        corner = np.array([2.3 * (number % ACROSS), 1.35 * (number // ACROSS)])
        displaced = -motion.shifts[motion.used]
        displaced = displaced - displaced[0]
        middle, width = (displaced.max(0) + displaced.min(0)) / 2, max(float(np.ptp(displaced, axis=0).max()), 1.0)
        track = (displaced - middle) / (1.1 * width) + 0.5 + corner
        blue += [track, _GAP]
        starts.append(track[0])
        outlines += [_SQUARE + corner, _GAP]
        said = f"{np.hypot(*np.diff(displaced, axis=0).T).sum():.1f} px"
        local = _local_tracks(motion)
        if local is not None:
            side, places = float(max(motion.size[1:])), local.places
            beside = corner + np.array([1.08, 0])
            outlines += [_SQUARE * np.array([motion.size[2], motion.size[1]]) / side + beside, _GAP]
            blue.append(_with_gaps(places, local.modelled, local.factor) / side + beside)
            if local.measured is not None:
                grey.append(_with_gaps(places, local.measured, local.factor) / side + beside)
            said += f"; local {local.factor:.3g} ×"
        texts.append((*(corner + np.array([0, -0.05])), f"{Path(motion.movie).stem[-NAME_LENGTH:]}: {said}"))
    rows = -(-len(motions) // ACROSS)
    drawn = [_path(outlines, FAINT, 1), _path(grey, FAINT, 1), _path(blue, PALETTE[0], 1)]
    first = np.array(starts)
    drawn += [dots(first[:, 0], first[:, 1], _SHEET, color=PALETTE[1], size=4), _texts(texts)]
    x, y = (-0.05, 2.3 * ACROSS - 0.15), (1.35 * rows - 0.25, -0.25)
    shown = panel(
        overlay(drawn), "", (300 * ACROSS, round(300 * ACROSS * (y[0] - y[1]) / (x[1] - x[0]))), xlim=x, ylim=y, xaxis=None,
        yaxis=None,
    )  # fmt: skip
    shown = both(shown, {"show_grid": False}, {"show_frame": False})
    return Picture(
        shown,
        title,
        "Each movie's global track, as large as its square (orange: start; the length of the way is above), and beside it the"
        " local ones over the field, magnified as is said: grey as measured, blue the model. Good tracks are smooth and slow"
        " down.",
    )


def motion_pictures(directory: str | Path, *, most: int = MOST_MOVIES) -> list[Picture]:
    """Return the pictures of a MotionCorr job: totals, then the movies' tracks, those that moved most first.

    directory  the job's; the names in its list are looked up from the project above it
    most       movies at most whose tracks are drawn
    """
    directory = Path(directory)
    if not (directory / LIST).exists():
        return []
    micrographs = read_particles(directory / LIST, kind="micrographs").particles
    if not len(micrographs) or "rlnMicrographMetadata" not in micrographs:
        return []
    moved = micrographs.get("rlnAccumMotionTotal", np.zeros(len(micrographs)))
    drawn = [motion_totals(directory)] if "rlnAccumMotionTotal" in micrographs else []
    motions = []
    for index in np.argsort(-moved, kind="stable")[:most]:
        place = _found(directory, str(micrographs["rlnMicrographMetadata"][index]))
        if place is not None:
            try:
                motions.append(read_motion(place))
            except InputError:
                continue  # a damaged file of one movie: the others' tracks are drawn
    for start in range(0, len(motions), ON_A_SHEET):
        some = motions[start : start + ON_A_SHEET]
        title = f"Tracks {start + 1} to {start + len(some)} of {len(micrographs)}, longest first"
        drawn.append(motion_sheet(some, title=title))
    return drawn


def _found(directory: Path, name: str) -> Path | None:
    """Return a project file named in the job's list: beside one of the folders above, or in the job itself."""
    for above in (Path(), *directory.resolve().parents):
        if (above / name).is_file():
            return above / name
    return None


def _global_panel(displaced: np.ndarray) -> Any:
    dims = (("x", "x (px)"), ("y", "y (px)"))
    start = displaced - displaced[0]
    drawn = line(start[:, 0], start[:, 1], dims, color=PALETTE[0], width=1.5)
    drawn = drawn * dots(start[:, 0], start[:, 1], dims, color=PALETTE[0], size=4, hover=True)
    drawn = drawn * dots(start[:1, 0], start[:1, 1], dims, color=PALETTE[1], size=8)
    middle, half = (start.max(0) + start.min(0)) / 2, 0.55 * max(float(np.ptp(start, axis=0).max()), 1.0)
    return panel(
        drawn,
        "Global track (orange: start)",
        (310, 330),
        xlim=(middle[0] - half, middle[0] + half),
        ylim=(middle[1] + half, middle[1] - half),  # y runs down, as in the picture
    )


def _over_time(motion: Motion, displaced: np.ndarray) -> Any:
    dims = (("frame", "Frame"), ("displacement", "Displacement (px)"))
    frames = np.flatnonzero(motion.used) + 1
    start = displaced - displaced[0]
    drawn = line(frames, start[:, 0], dims, label="x", color=PALETTE[0], hover=True)
    drawn = drawn * line(frames, start[:, 1], dims, label="y", color=PALETTE[1], hover=True)
    return panel(drawn, "Global motion", (330, 330), legend="right", whole="x", padding=0.1)


@dataclass(frozen=True)
class _LocalTracks:
    """Local displacements (frames, places, 2) in px at places (places, 2), and by how much they are drawn larger."""

    places: np.ndarray
    modelled: np.ndarray
    measured: np.ndarray | None
    factor: float


def _local_tracks(motion: Motion) -> _LocalTracks | None:
    if motion.model is None and motion.patches is None:
        return None
    _, rows, columns = motion.size
    places = motion.patches if motion.patches is not None else _even_places(rows, columns)
    modelled = np.zeros((int(motion.used.sum()), len(places), 2))
    if motion.model is not None:
        field = np.stack([places[:, 0] / columns, places[:, 1] / rows], axis=1) - 0.5
        modelled = -shifts_at(np.zeros((len(modelled), 2)), motion.model, field)
    measured = -motion.patch_shifts.transpose(1, 0, 2) if motion.patch_shifts.size else None
    size = max(float(np.ptp(track, axis=0).max()) for track in (modelled, measured) if track is not None)
    factor = round_length(
        min(LONGEST_TRACK * max(rows, columns) / max(size, 1e-6), MAGNIFIED * max(rows, columns) / 100)
    )
    return _LocalTracks(places, modelled, measured, factor)


def _local_panel(motion: Motion, local: _LocalTracks) -> Any:
    _, rows, columns = motion.size
    dims = (("px", "x (px)"), ("py", "y (px)"))
    drawn = [line(np.zeros(0), np.zeros(0), dims)]
    for tracks, color in ((local.measured, FAINT), (local.modelled, PALETTE[0])):
        if tracks is not None:
            flat = _with_gaps(local.places, tracks, local.factor)
            drawn.append(line(flat[:, 0], flat[:, 1], dims, color=color, width=1))
    drawn.append(dots(local.places[:, 0], local.places[:, 1], dims, color=PALETTE[1], size=4))
    if motion.pixel_size > 0:
        drawn += _length_bar(local.factor / motion.pixel_size, width=columns, height=rows)
    return panel(overlay(drawn), f"Local tracks, {local.factor:.3g} ×", (310, 330), xlim=(0, columns), ylim=(rows, 0))


def _length_bar(scale: float, *, width: int, height: int) -> list[Any]:
    """Return a bar, with its length in Å, for tracks that are drawn ``scale`` px long for every Å."""
    import holoviews as hv

    length = round_length(0.25 * width / scale)
    left, base = 0.04 * width, 0.95 * height
    bar = hv.Segments([(left, base, left + length * scale, base)], ["px", "py", "x1", "y1"])
    bar = both(bar, {"line_width": 3, "tools": []}, {"linewidth": 2.2}, color="#000000")
    text = hv.Labels(([left], [base - 0.02 * height], [f"{length:g} Å of the tracks"]), ["px", "py"], "text")
    text = both(
        text,
        {"text_font_size": "9pt", "text_align": "left", "text_baseline": "bottom", "text_color": "#000000"},
        {"size": 9, "horizontalalignment": "left", "verticalalignment": "bottom", "color": "#000000"},
    )
    return [bar, text]


def _with_gaps(places: np.ndarray, tracks: np.ndarray, factor: float) -> np.ndarray:
    """Return tracks (frames, places, 2), magnified, as points (n, 2) of one line with gaps."""
    at = places[None] + factor * tracks
    gap = np.full((1, *at.shape[1:]), np.nan)
    return np.concatenate([at, gap]).transpose(1, 0, 2).reshape(-1, 2)


def _even_places(rows: int, columns: int) -> np.ndarray:
    steps = (np.arange(5) + 0.5) / 5
    return np.array([(x * columns, y * rows) for y in steps for x in steps])


# --- a sheet's parts -----------------------------------------------------------------------------------------------

_SHEET = ("sheet_x", "sheet_y")
_SQUARE = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
_GAP = np.full((1, 2), np.nan)


def _path(pieces: Sequence[np.ndarray], color: str, width: float) -> Any:
    points = np.concatenate(pieces) if pieces else _GAP
    return line(points[:, 0], points[:, 1], _SHEET, color=color, width=width)


def _texts(texts: Sequence[tuple[float, float, str]]) -> Any:
    import holoviews as hv

    labels = hv.Labels(tuple(zip(*texts, strict=True)), ["sheet_x", "sheet_y"], "text")
    return both(
        labels,
        {"text_font_size": "8pt", "text_align": "left", "text_baseline": "bottom", "text_color": "#222222"},
        {"size": 7, "horizontalalignment": "left", "verticalalignment": "bottom", "color": "#222222"},
    )
