"""Maps: three slices through the centre, three projections, and the surface (nglview)."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.mosaic import Mosaic, captions, grey, mosaic, scale_bar, sheet
from relionlab.display.picture import Picture
from relionlab.errors import ImageError
from relionlab.io.images import read_map


def ortho_slices(source: str | Path | np.ndarray, *, pixel_size: float | None = None, pixels: int = 240) -> Picture:
    """Draw the central slices of a map along z, y and x, and its projections along them.

    source      a map file, or an array (z, y, x); then ``pixel_size`` (Å) gives the scale bar its length
    """
    array, found = (source, pixel_size) if isinstance(source, np.ndarray) else read_map(source)
    if array.ndim != 3:
        raise ImageError(f"A map has three axes (z, y, x); this array has shape {array.shape}.")
    z, y, x = (n // 2 for n in array.shape)
    slices = [array[z], array[:, y], array[:, :, x]]
    projections = [array.sum(axis=axis) for axis in range(3)]
    plan = Mosaic(count=6, columns=3, pixels=pixels, lines=1)
    tiles = [square(grey(image, diameter=1.5, clip=(0.5, 99.8))) for image in slices + projections]
    texts = [f"slice z = {z}", f"slice y = {y}", f"slice x = {x}", "along z", "along y", "along x"]
    overlay = mosaic(tiles, plan) * captions(texts, plan)
    size = found or pixel_size
    if size:
        overlay = overlay * scale_bar(plan, width=size * max(array.shape))
    shape = " × ".join(str(n) for n in array.shape)
    title = Path(source).name if isinstance(source, str | Path) else "Map"
    told = f"Map of {shape} voxels (z, y, x)" + (f" at {size:.4g} Å." if size else ".")
    return Picture(
        sheet(overlay, plan), title, f"{told} Above: central slices; below: projections. Rows run down, as in the file."
    )


def show_map(source: str | Path | np.ndarray, *, pixel_size: float = 1.0, level: float | None = None) -> Any:
    """Return an interactive surface of a map below a caption with its level and size; nglview's widget is its ``view``.

    level  isolevel in standard deviations above the mean; by default the one that encloses the densest 2 % of the box
    """
    import io

    import ipywidgets
    import nglview

    array, size = (source, pixel_size) if isinstance(source, np.ndarray) else read_map(source)
    level = level_of(array) if level is None else level
    name = "Map" if isinstance(source, np.ndarray) else Path(source).name
    view = nglview.NGLWidget()
    component = view.add_component(io.BytesIO(mrc_bytes(array, pixel_size=size)), ext="mrc")
    # a surface added after defaultRepresentation=False stays blank in nglview 4.0: change the default one instead
    component.update_surface(isolevel=level, color="#56B4E9", opacity=1.0)
    view.camera = "orthographic"
    told = ipywidgets.HTML(surface_words(name, array, pixel_size=size or None, level=level))
    shown = ipywidgets.VBox([told, view])
    shown.view = view
    return shown


def mrc_bytes(array: np.ndarray, *, pixel_size: float | None) -> bytes:
    """Return a map (z, y, x) as an MRC file that nglview reads: it knows neither compressed nor float16 ones."""
    import tempfile

    from relionlab.io.images import write_map

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.mrc"
        write_map(path, array.astype(np.float32), pixel_size=pixel_size or 1.0)
        return path.read_bytes()


def surface_words(name: str, array: np.ndarray, *, pixel_size: float | None, level: float) -> str:
    """Return, as HTML, what a surface at ``level`` (standard deviations above the mean) shows, and how to move it."""
    threshold = float(array.mean()) + level * float(array.std())
    inside = 100 * float((array > threshold).mean())
    box = "" if pixel_size is None else f" of {pixel_size * max(array.shape):.0f} Å"
    return (
        f"<b>{html.escape(name)}</b><br>Surface where the density is {threshold:.3g}, {level:.2g} standard deviations above its"
        f" mean: it encloses {inside:.2g} % of the box{box}. Drag to turn, wheel to zoom; <code>level=…</code> draws another one."
    )


def level_of(array: np.ndarray, fraction: float = 0.02) -> float:
    """Return the level, in standard deviations above the mean, above which ``fraction`` of the voxels lie."""
    threshold = float(np.quantile(array, 1 - fraction))
    deviation = float(array.std())
    return (threshold - float(array.mean())) / deviation if deviation > 0 else 0.0


def square(image: np.ndarray) -> np.ndarray:
    """Return a uint8 image padded with black to a square."""
    n = max(image.shape)
    padded = np.zeros((n, n), dtype=np.uint8)
    top, left = (n - image.shape[0]) // 2, (n - image.shape[1]) // 2
    padded[top : top + image.shape[0], left : left + image.shape[1]] = image
    return padded
