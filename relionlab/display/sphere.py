"""Values on the sphere, drawn as an equal-area map (Hammer's projection): rot to the right, tilt from the top down."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from relionlab.display.style import both
from relionlab.engine.sampling import healpix
from relionlab.engine.sampling.grid import unit_vectors
from relionlab.engine.symmetry import PointGroup

_SIZE = (720, 360)  # pixels of the map
_ROOM = 0.25, 0.17  # about it, for the labels
_INWARDS = 1e-4


def sphere_map(values: np.ndarray, label: str, *, limits: tuple[float, float], group: PointGroup | None = None) -> Any:
    """Return values (12 × 4^order,) on the nested HEALPix points as a map with a scale of colours.

    label   of the scale
    limits  values at its ends
    group   whose asymmetric unit is outlined
    """
    import holoviews as hv

    order = round(np.log(len(values) / 12) / np.log(4))
    number, inside = _numbers(order)
    shown = np.where(inside, values[number], np.nan)
    image = hv.Image(shown, bounds=(-2, -1, 2, 1), kdims=["x", "y"], vdims=[("value", label)])
    image = both(
        image,
        {
            "colorbar": True,
            "tools": [],
            "colorbar_opts": {"title_standoff": 8, "width": 12, "major_label_text_font_size": "9pt"},
        },
        {"colorbar": True, "cbar_width": 0.025, "cbar_padding": 0.02, "interpolation": "nearest"},
        cmap="cividis",
        clim=limits,
        clabel=label,
    )
    overlay = (
        image
        * _lines(_graticule(), color="#FFFFFF", width=0.5, alpha=0.45)
        * _lines([_rim()], color="#444444", width=1)
    )
    if group is not None and group.order > 1:
        overlay = overlay * _lines(_outline(group), color="#E0218A", width=2)
    x, y = 2 + _ROOM[0], 1 + _ROOM[1]
    return both(
        overlay * _labels(),
        {
            "frame_width": 600,
            "frame_height": round(600 * y / x),
            "show_frame": False,
            "show_grid": False,
            "toolbar": "above",
            "default_tools": ["save"],
            "border": 2,
        },
        {"fig_inches": (6.4, 3.4), "aspect": x / y, "show_frame": False},
        xaxis=None,
        yaxis=None,
        title="",
        show_legend=False,
        xlim=(-x, x),
        ylim=(-y, y),
    )


def hammer(rot: np.ndarray, tilt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x (-2 to 2) and y (-1 to 1) of directions in degrees, rot in -180 to 180; equal areas stay equal."""
    longitude, latitude = np.radians(rot), np.radians(90 - np.asarray(tilt, np.float64))
    z = np.sqrt(1 + np.cos(latitude) * np.cos(longitude / 2))
    return 2 * np.cos(latitude) * np.sin(longitude / 2) / z, np.sin(latitude) / z


def from_hammer(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rot and tilt in degrees of places on the map, and whether they are on it."""
    inside = x**2 / 4 + y**2 <= 1
    half_x, height = np.where(inside, x, 0) * np.sqrt(2), np.where(inside, y, 0) * np.sqrt(2)
    z = np.sqrt(np.clip(1 - (half_x / 4) ** 2 - (height / 2) ** 2, 0, None))
    longitude = 2 * np.arctan2(z * half_x, 2 * (2 * z**2 - 1))
    latitude = np.arcsin(np.clip(z * height, -1, 1))
    return np.degrees(longitude), 90 - np.degrees(latitude), inside


@lru_cache(maxsize=4)
def _numbers(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the HEALPix point at each pixel of the map (rows from the top), and which pixels are on it."""
    width, height = _SIZE
    x = (np.arange(width) + 0.5) / width * 4 - 2
    y = 1 - (np.arange(height) + 0.5) / height * 2
    rot, tilt, inside = from_hammer(*np.meshgrid(x, y))
    _, number = cKDTree(unit_vectors(*healpix.points(order))).query(unit_vectors(rot, tilt))
    return number, inside


def _graticule() -> list[np.ndarray]:
    tilts, rots = np.linspace(0, 180, 91), np.linspace(-180, 180, 181)
    meridians = [np.stack(hammer(np.full_like(tilts, rot), tilts), axis=1) for rot in range(-120, 180, 60)]
    return meridians + [np.stack(hammer(rots, np.full_like(rots, tilt)), axis=1) for tilt in (30, 60, 90, 120, 150)]


def _rim() -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 361)
    return np.stack([2 * np.cos(angle), np.sin(angle)], axis=1)


def _outline(group: PointGroup) -> list[np.ndarray]:
    """Return the border of a group's asymmetric unit as lines on the map, cut where they jump from rim to rim."""
    pieces = []
    angle = np.linspace(0, 2 * np.pi, 1441)
    for side in group.sides:
        first = np.cross(side, [0.3, 0.5, 0.8])
        first /= np.linalg.norm(first)
        second = np.cross(side, first)
        circle = np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second
        border = (circle @ group.sides.T > -1e-6).all(axis=1)
        circle = circle + _INWARDS * group.sides.sum(axis=0)  # a border at rot 180° is drawn on its own side of the map
        rot = np.degrees(np.arctan2(circle[:, 1], circle[:, 0]))
        tilt = np.degrees(np.arccos(np.clip(circle[:, 2], -1, 1)))
        places = np.where(border[:, None], np.stack(hammer(rot, tilt), axis=1), np.nan)
        jumps = np.flatnonzero(np.abs(np.diff(places[:, 0])) > 0.5) + 1
        for piece in np.split(places, jumps):
            known = piece[~np.isnan(piece[:, 0])]
            pieces += np.split(piece, np.flatnonzero(np.isnan(piece[:, 0]))) if len(known) > 1 else []
    kept = [piece[~np.isnan(piece[:, 0])] for piece in pieces]
    return [piece for piece in kept if len(piece) > 1]


def _lines(lines: list[np.ndarray], *, color: str, width: float, alpha: float = 1.0) -> Any:
    import holoviews as hv

    return both(
        hv.Path(lines, ["x", "y"]), {"line_width": width, "tools": []}, {"linewidth": width}, color=color, alpha=alpha
    )


def _labels() -> Any:
    import holoviews as hv

    rots = [-120, -60, 0, 60, 120]
    x, _ = hammer(np.array(rots, np.float64), np.full(len(rots), 90.0))
    left = [hammer(np.array(-180.0), np.array(float(tilt))) for tilt in (30, 60, 90, 120, 150)]
    places = [(float(a), -1 - 0.08, f"{rot}°" if rot else "rot 0°") for a, rot in zip(x, rots, strict=True)]
    places += [
        (float(a) - 0.13, float(b), f"{tilt}°") for (a, b), tilt in zip(left, (30, 60, 90, 120, 150), strict=True)
    ]
    places += [(0.0, 1.07, "tilt 0°")]
    labels = hv.Labels(places, ["x", "y"], "text")
    return both(labels, {"text_font_size": "8pt", "text_color": "#222222"}, {"size": 8, "color": "#222222"})
