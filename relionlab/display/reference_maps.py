"""The maps of a 3D run: central slices and projections of each class, or of both half-maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.maps import square
from relionlab.display.mosaic import Mosaic, captions, grey, mosaic, scale_bar, sheet
from relionlab.display.picture import Picture
from relionlab.display.results import find_file
from relionlab.display.words import many
from relionlab.errors import NodeError
from relionlab.io.images import read_map
from relionlab.io.star import read_star
from relionlab.jobs.refinement.rounds import Round, column, last_round

_AXES = "zyx"


def reference_maps(source: str | Path | Round, *, most: int = 8, pixels: int = 140) -> Picture:
    """Draw the central slices of each class's map along z, y and x, and its projections along them; one row for each.

    source  a job directory (its last iteration), a model.star, or a round
    most    no more than this many classes are drawn, the largest first

    All slices of a map have one grey scale, and all its projections.
    """
    one = source if isinstance(source, Round) else last_round(source)
    rows = maps_of_round(one)
    shown = rows[:most]
    plan = Mosaic(count=6 * len(shown), columns=6, pixels=pixels, lines=1)
    tiles, texts, width = [], [], 0.0
    for name, path in shown:
        volume, pixel_size = read_map(path)
        width = (pixel_size or 0.0) * max(volume.shape)
        tiles += [*_slices(volume), *_projections(volume)]
        texts += [
            f"{name} · slice z" if len(name) < 14 else name,
            *(f"slice {axis}" for axis in _AXES[1:]),
            *(f"along {axis}" for axis in _AXES),
        ]
    overlay = mosaic(tiles, plan) * captions(texts, plan)
    if width:
        overlay = overlay * scale_bar(plan, width=width)
    number = (
        many(len(rows), "map") if len(shown) == len(rows) else f"{len(shown)} of {len(rows)} maps, the largest classes"
    )
    caption = f"{number}: central slices (left) and projections (right). Each map has its own grey scale."
    return Picture(sheet(overlay, plan), f"Maps {one.label()}", caption)


def maps_of_round(one: Round) -> list[tuple[str, Path]]:
    """Return name and file of each map, the largest class first."""
    found: list[tuple[float, str, Path]] = []
    for half, model in enumerate(one.models, 1):
        classes = read_star(model)["model_classes"]
        shares = np.nan_to_num(column(classes, "rlnClassDistribution"))
        several = len(classes) > 1
        for k, name in enumerate(classes["rlnReferenceImage"]):
            parts = [f"half {half}"] if one.halves else []
            parts += [f"class {k + 1}, {100 * shares[k]:.0f} %"] if several else []
            found.append((float(shares[k]), ", ".join(parts) or "map", find_file(str(name), model)))
    for half in (1, 2) if one.final else ():
        unfiltered = one.models[0].with_name(
            one.models[0].name.replace("_model.star", f"_half{half}_class001_unfil.mrc")
        )
        if unfiltered.exists():
            found.append((0.0, f"half {half}, unfiltered", unfiltered))
    if not found:
        raise NodeError(f"{one.models[0]} names no maps: expected the model.star of a 3D run.")
    return [(name, path) for _, name, path in sorted(found, key=lambda row: -row[0])]


def _slices(volume: np.ndarray) -> list[np.ndarray]:
    z, y, x = (n // 2 for n in volume.shape)
    return _greys([volume[z], volume[:, y], volume[:, :, x]])


def _projections(volume: np.ndarray) -> list[np.ndarray]:
    return _greys([volume.sum(axis=axis) for axis in range(3)])


def _greys(images: list[np.ndarray]) -> list[np.ndarray]:
    """Return images as uint8 on one grey scale: that of all their pixels."""
    side = max(max(image.shape) for image in images)
    padded = [
        np.pad(image, [((side - n) // 2, side - n - (side - n) // 2) for n in image.shape], mode="edge")
        for image in images
    ]
    together = grey(np.hstack(padded), diameter=10.0, clip=(0.5, 99.8))
    return [square(together[:, i * side : (i + 1) * side]) for i in range(len(images))]
