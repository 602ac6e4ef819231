"""A map as three slices: the way to look at maps that hides nothing.

view = SliceView("Refine3D/job015")
view.compare("PostProcess/job017/postprocess.mrc")
view.outline("MaskCreate/job016/mask.mrc")
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any, Literal

import ipywidgets as w
import numpy as np

from relionlab.display.local_resolution import local_resolution_mask, local_resolution_range
from relionlab.display.map_sources import ShownMap, local_resolution_of, open_map, open_maps
from relionlab.errors import ImageError
from relionlab.widgets.maps.slice_canvas import SliceCanvas
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer, Opener

Axis = Literal["z", "y", "x"]


class SliceView(w.VBox):
    """Three orthogonal slices of a map with linked cross-hairs, contrast, projections, a second map, a mask's outline.

    source      a map file, a job directory of ours or RELION's (all its maps to choose from), or an array (z, y, x)
    pixel_size  Å, of an array, or instead of what the header says
    pane        width of one slice in screen pixels
    opener      where the surface is opened; by default below

    Drag moves the cross-hair, the wheel goes through the slices, with Ctrl it zooms; arrow keys, page up and down, Home and p
    (play) do the same.
    """

    def __init__(
        self, source: Any, *, pixel_size: float | None = None, pane: int = 380, opener: Opener | None = None
    ) -> None:
        self._drawer = Drawer()
        self._opener: Opener = opener or self._drawer
        self.canvas = SliceCanvas(pane=pane)
        self.maps = open_maps(source) if pixel_size is None else [open_map(source, pixel_size=pixel_size)]
        self._title = w.HTML(layout=w.Layout(flex="1 1 auto"))
        names = [shown.name for shown in self.maps]
        self._which = w.Dropdown(options=[(name, k) for k, name in enumerate(names)], layout=w.Layout(width="260px"))
        self._which.tooltip = "Which of the job's maps"
        self._which.observe(lambda change: self.show(self.maps[change["new"]]), "value")
        message = Message()
        surface = button("Surface", "Show this map as a surface", self.open_surface, message=message, icon="cube")
        head = [self._title, message, *([self._which] if len(names) > 1 else []), surface]
        super().__init__([style_sheet(), w.HBox(head), self.canvas, self._drawer])
        self.add_class("rl-map")
        self.show(self.maps[0])
        directory = None if isinstance(source, np.ndarray | ShownMap) else Path(getattr(source, "path", source))
        local = local_resolution_of(directory) if directory is not None and directory.is_dir() else None
        if local is not None:
            self.colour_by(local)

    @property
    def shown(self) -> ShownMap:
        """The map that is seen."""
        found = self.canvas._shown[0]
        assert found is not None
        return found

    @property
    def position(self) -> tuple[int, int, int]:
        """Voxel at the cross-hair: z, y, x."""
        z, y, x = self.canvas.position
        return z, y, x

    def show(self, source: Any) -> None:
        """Show another map, from the same place if it has the same box."""
        shown = open_map(source)
        self.canvas.show(shown)
        name = html.escape(shown.name)
        self._title.value = f'<span class="rl-title">{name}</span> <span class="rl-muted">{shown.words()}</span>'

    def go_to(self, z: int, y: int, x: int) -> None:
        """Move the cross-hair to a voxel."""
        shape = self.shown.array.shape
        if not all(0 <= at < n for at, n in zip((z, y, x), shape, strict=True)):
            raise ImageError(f"There is no voxel z {z}, y {y}, x {x}: the map has {shape} (z, y, x).")
        self.canvas.position = [int(z), int(y), int(x)]

    def contrast(self, black: float, white: float) -> None:
        """Draw densities from ``black`` to ``white``."""
        low, high = self.canvas.levels
        self.canvas.black, self.canvas.white = (
            255 * float(np.clip((value - low) / (high - low), 0, 1)) for value in (black, white)
        )

    def compare(self, source: Any, *, how: Literal["beside", "blend"] = "beside") -> None:
        """Show a second map below the first, or blended with it: blue and orange, grey where they agree. ``None``: none."""
        if source is None:
            self.canvas.show_second(None)
            return
        self.canvas.show_second(self._fitting(open_map(source)))
        self.canvas.compare = how

    def outline(self, mask: Any) -> None:
        """Draw the outline of a mask over the map: full where it is 1, dotted where it ends. ``None``: none."""
        self.canvas.show_mask(None if mask is None else self._fitting(open_map(mask)).array)

    def colour_by(self, local_resolution: str | Path | None, *, mask: str | Path | None = None) -> None:
        """Colour the map by a local resolution map (Å), within a mask or the job's own. ``None``: no colours."""
        if local_resolution is None:
            self.canvas.show_local(None)
            return
        path = Path(local_resolution)
        resolution = self._fitting(open_map(path)).array
        mask = local_resolution_mask(path) if mask is None else mask
        if mask is not None:
            self.outline(mask)
        self.canvas.coloured_in_mask = mask is not None
        self.canvas.show_local(resolution, local_resolution_range(path, mask=mask))
        self.canvas.coloured = True

    def open_surface(self) -> w.Widget:
        """Open the map that is seen as a surface, with its levels, fits and colours; returns the widget."""
        from relionlab.widgets.maps.surface_view import SurfaceView

        shown = self.shown
        return self._opener.open(f"Surface of {shown.name}", lambda: SurfaceView(shown))

    def _fitting(self, other: ShownMap) -> ShownMap:
        if other.array.shape != self.shown.array.shape:
            raise ImageError(
                f"{other.name} has {other.array.shape} voxels, {self.shown.name} {self.shown.array.shape}: slices can be compared"
                " if the boxes agree. SurfaceView fits maps onto each other."
            )
        return other
