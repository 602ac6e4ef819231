"""The surface of a map in the colours of its local resolution (k3d)."""

from __future__ import annotations

from typing import Any

import ipywidgets as w
import numpy as np
from scipy import ndimage

from relionlab.display.map_sources import ShownMap, binned
from relionlab.engine.maps.surface import surface_net

_COLORS = (0.0, 0x56 / 255, 0xB4 / 255, 0xE9 / 255, 0.5, 0.93, 0.93, 0.93, 1.0, 0xD5 / 255, 0x5E / 255, 0.0)


_FIELD = 20.0  # degrees that the camera sees


class ColouredSurface(w.VBox):
    """A surface whose colour is a second map's value there: sky blue (low), pale, vermilion (high).

    shown       the map, values (z, y, x) those of the second map: local resolutions in Å
    limits      values at the ends of the scale
    most        voxels along a side; larger maps are binned
    height      of the picture in screen pixels
    """

    def __init__(
        self, shown: ShownMap, values: np.ndarray, *, limits: tuple[float, float], level: float, most: int = 128,
        height: int = 500,
    ) -> None:  # fmt: skip
        import k3d

        self._map, b = binned(shown.array, most)
        self._values, _ = binned(values, most)
        self._pixel_size = (shown.pixel_size or 1.0) * b
        vertices, triangles, colours = self._surface(level)
        self._mesh = k3d.mesh(
            vertices, triangles, attribute=colours, color_map=list(_COLORS), color_range=list(limits), flat_shading=False,
        )  # fmt: skip
        self.plot = k3d.plot(
            grid_visible=False, height=height, camera_fov=_FIELD, menu_visibility=False, axes_helper=0, camera_auto_fit=False,
        )  # fmt: skip
        self.plot.camera = _from_front(vertices)
        self.plot += self._mesh
        self.plot.colorbar_object_id = self._mesh.id
        unit = w.HTML("Local resolution, Å")
        unit.add_class("rl-bar-unit")
        super().__init__([self.plot, unit])
        self.add_class("rl-coloured")

    def set_level(self, level: float) -> None:
        """Put the surface at another density."""
        vertices, triangles, colours = self._surface(level)
        with self._mesh.hold_sync():
            self._mesh.vertices, self._mesh.indices, self._mesh.attribute = vertices, triangles, colours

    def set_ground(self, color: str) -> None:
        """Put the surface on a ground of this colour, "#rrggbb"."""
        self.plot.background_color = int(color.removeprefix("#"), 16)

    def picture(self, then: Any) -> None:
        """Have the picture taken; ``then`` is called with the bytes of a PNG."""

        def arrived(change: Any) -> None:
            import base64

            self.plot.unobserve(arrived, "screenshot")
            then(base64.b64decode(change["new"]))

        self.plot.observe(arrived, "screenshot")
        self.plot.fetch_screenshot(only_canvas=False)

    def _surface(self, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        vertices, triangles = surface_net(self._map, level)
        if not len(triangles):  # an empty mesh is an error in the page
            vertices, triangles = np.zeros((3, 3), np.float32), np.array([[0, 1, 2]], np.uint32)
        colours = ndimage.map_coordinates(self._values, vertices[:, ::-1].T, order=1, mode="nearest")
        return vertices * np.float32(self._pixel_size), triangles, colours.astype(np.float32)


def _from_front(vertices: np.ndarray) -> list[float]:
    """Return a camera that looks along z as nglview's does, y up: place, what it looks at, up."""
    middle = (vertices.max(axis=0) + vertices.min(axis=0)) / 2
    radius = float(np.linalg.norm(vertices - middle, axis=1).max())
    place = middle - np.array([0, 0, 1.15 * radius / np.tan(np.radians(_FIELD / 2))])
    return [float(value) for value in (*place, *middle, 0, 1, 0)]
