"""How movies moved: every movie's tracks, global and local, and the whole session's totals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.style import FAINT, PALETTE, both, dots, grid, line, panel
from relionlab.engine.motion.model import shifts_at
from relionlab.errors import InputError
from relionlab.io.motion import Motion, read_motion
from relionlab.io.particles import read_particles

MAGNIFIED = 20.0
"""Local tracks are drawn this many times larger at most than the field they stand in."""
LONGEST_TRACK = 0.12
"""Share of the field's width that the longest local track takes."""
LIST = "corrected_micrographs.star"
MOST_MOVIES = 60
"""Movies that a logfile.pdf shows one by one."""


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
    if motion.model is not None or motion.patches is not None:
        drawn, factor = _local_panel(motion)
        panels.append(drawn)
        caption += (
            f" Local tracks, beside the global one, are magnified {factor:.3g} times: grey as measured, blue the model."
        )
    return Picture(grid(panels, columns=len(panels)), title, caption)


def motion_totals(directory: str | Path) -> Picture:
    """Draw how far every movie's specimen travelled, in all, early and late: by movie, and as histograms.

    directory  of a MotionCorr job
    """
    micrographs = read_particles(Path(directory) / LIST, kind="micrographs").particles
    panels = []
    number = np.arange(1, len(micrographs) + 1)
    for color, (name, words) in enumerate((("Total", "In all"), ("Early", "Early"), ("Late", "Late"))):
        label = f"rlnAccumMotion{name}"
        if label not in micrographs:
            continue
        values = micrographs[label]
        dim = (name.lower(), "Length of the way (px)")
        drawn = dots(number, values, (("movie", "Movie"), dim), color=PALETTE[color], hover=True)
        panels.append(panel(drawn, words, padding=0.1, xlim=(0, len(number) + 1)))
        panels.append(panel(_histogram(values, dim, PALETTE[color]), words))
    return Picture(
        grid(panels, columns=2),
        "Motion of all movies",
        f"{len(micrographs)} movies. Early is what happened up to the dose of --dose_motionstats_cutoff, by default 4 e/Å²."
        " Movies far off the rest have moved much, or were not aligned well: look at their tracks.",
    )


def motion_pictures(directory: str | Path, *, most: int = MOST_MOVIES) -> list[Picture]:
    """Return the pictures of a MotionCorr job: totals, then the movies' tracks, those that moved most first.

    directory  the job's; the names in its list are looked up from the project above it
    most       movies at most that are drawn one by one
    """
    directory = Path(directory)
    if not (directory / LIST).exists():
        return []
    micrographs = read_particles(directory / LIST, kind="micrographs").particles
    if not len(micrographs) or "rlnMicrographMetadata" not in micrographs:
        return []
    moved = micrographs.get("rlnAccumMotionTotal", np.zeros(len(micrographs)))
    drawn = [motion_totals(directory)] if "rlnAccumMotionTotal" in micrographs else []
    for index in np.argsort(-moved, kind="stable")[:most]:
        place = _found(directory, str(micrographs["rlnMicrographMetadata"][index]))
        if place is not None:
            try:
                drawn.append(motion_track(place))
            except InputError:
                continue  # a damaged file of one movie: the others' pictures are drawn
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
        (320, 320),
        xlim=(middle[0] - half, middle[0] + half),
        ylim=(middle[1] + half, middle[1] - half),  # y runs down, as in the picture
    )


def _over_time(motion: Motion, displaced: np.ndarray) -> Any:
    dims = (("frame", "Frame"), ("displacement", "Displacement (px)"))
    frames = np.flatnonzero(motion.used) + 1
    start = displaced - displaced[0]
    drawn = line(frames, start[:, 0], dims, label="x", color=PALETTE[0], hover=True)
    drawn = drawn * line(frames, start[:, 1], dims, label="y", color=PALETTE[1], hover=True)
    return panel(drawn, "Global motion", (320, 320), legend="right", padding=0.1)


def _local_panel(motion: Motion) -> tuple[Any, float]:
    _, rows, columns = motion.size
    places = motion.patches if motion.patches is not None else _even_places(rows, columns)
    modelled = np.zeros((int(motion.used.sum()), len(places), 2))
    if motion.model is not None:
        field = np.stack([places[:, 0] / columns, places[:, 1] / rows], axis=1) - 0.5
        modelled = -shifts_at(np.zeros((len(modelled), 2)), motion.model, field)
    measured = -motion.patch_shifts.transpose(1, 0, 2) if motion.patch_shifts.size else None
    size = max(float(np.ptp(track, axis=0).max()) for track in (modelled, measured) if track is not None)
    factor = min(LONGEST_TRACK * max(rows, columns) / max(size, 1e-6), MAGNIFIED * max(rows, columns) / 100)
    dims = (("px", "x (px)"), ("py", "y (px)"))
    drawn = line(np.zeros(0), np.zeros(0), dims)
    if measured is not None:
        drawn = drawn * _tracks(places, measured, factor, dims, color=FAINT)
    drawn = drawn * _tracks(places, modelled, factor, dims, color=PALETTE[0])
    drawn = drawn * dots(places[:, 0], places[:, 1], dims, color=PALETTE[1], size=4)
    shown = panel(drawn, f"Local tracks, {factor:.3g} ×", (320, 320), xlim=(0, columns), ylim=(rows, 0))
    return shown, factor


def _tracks(places: np.ndarray, tracks: np.ndarray, factor: float, dims: Any, *, color: str) -> Any:
    """Return tracks (frames, places, 2) as one line with gaps."""
    at = places[None] + factor * tracks
    gap = np.full((1, *at.shape[1:]), np.nan)
    flat = np.concatenate([at, gap]).transpose(1, 0, 2).reshape(-1, 2)
    return line(flat[:, 0], flat[:, 1], dims, color=color, width=1)


def _even_places(rows: int, columns: int) -> np.ndarray:
    steps = (np.arange(5) + 0.5) / 5
    return np.array([(x * columns, y * rows) for y in steps for x in steps])


def _histogram(values: np.ndarray, dim: Any, color: str) -> Any:
    import holoviews as hv

    counts, edges = np.histogram(values[np.isfinite(values)], bins=min(max(len(values) // 4, 5), 40))
    drawn = hv.Histogram((edges, counts), kdims=[dim], vdims=[hv.Dimension("movies", label="Movies")])
    return both(
        drawn,
        {"fill_color": color, "line_color": "white", "tools": ["hover"]},
        {"facecolor": color, "edgecolor": "white", "linewidth": 0.4},
    )
