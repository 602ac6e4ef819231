"""The scene of nglview: surfaces of maps and atomic models, one behind the other."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.map_sources import ShownMap, binned
from relionlab.display.maps import mrc_bytes
from relionlab.errors import InputError

MOST = 128
"""Voxels along a side of a surface; larger maps are binned for it."""


class Scene:
    """Maps and models in one view. nglview's pitfalls are kept in here.

    width, height  screen pixels
    """

    def __init__(self, *, width: int = 780, height: int = 500) -> None:
        import nglview

        self.view = nglview.NGLWidget()
        self.view.layout = w.Layout(width=f"{width}px")
        self.view._set_size(f"{width}px", f"{height}px")  # in a flexible box its own layout gives it no width at all
        self.view.camera = "orthographic"
        self.view.background = "white"

    def add_map(self, shown: ShownMap, **look: Any) -> Any:
        """Add a map and return its component; ``look`` as of :meth:`look`."""
        small, b = binned(shown.array, MOST)
        content = mrc_bytes(small, pixel_size=(shown.pixel_size or 1.0) * b)
        component = self.view.add_component(io.BytesIO(content), ext="mrc")
        self.look(component, **look)
        return component

    def look(self, component: Any, *, level: float, color: str, opacity: float = 1.0, mesh: bool = False) -> None:
        """Change a map's surface: the density at it, its colour and opacity, and whether only its wires are drawn."""
        # a surface added after defaultRepresentation=False stays blank in nglview 4.0: change the default one instead
        component.update_surface(
            isolevelType="value", isolevel=float(level), color=color, opacity=float(opacity), wireframe=mesh,
            depthWrite=opacity > 0.99, opaqueBack=opacity > 0.99,
        )  # fmt: skip

    def place(self, component: Any, by: tuple[float, float, float]) -> None:
        """Move a component by x, y, z in Å."""
        component.set_position([float(value) for value in by])

    def add_model(self, path: str | Path) -> Any:
        """Add an atomic model from a PDB or mmCIF file (also .gz); raises InputError for anything else."""
        path = Path(path)
        name = path.name.removesuffix(".gz")
        kind = {".pdb": "pdb", ".ent": "pdb", ".cif": "cif", ".mmcif": "cif"}.get(Path(name).suffix.lower())
        if kind is None or not path.is_file():
            raise InputError(f"{path} is not an atomic model: expected a file that ends in .pdb, .ent, .cif or .mmcif.")
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        component = self.view.add_component(io.StringIO(content.decode("utf-8", "replace")), ext=kind)
        component.clear_representations()
        component.add_cartoon("all", color="chainname")
        return component

    def remove(self, component: Any) -> None:
        """Take a component away."""
        self.view.remove_component(component)

    def centre(self) -> None:
        """Show everything."""
        if self.view.loaded:  # before it is, nothing is there to be shown
            # not view.center(): it hands a selection of atoms on, which maps take for a time, and the camera is lost
            self.view._remote_call("autoView", target="Stage", args=[0])


def tiles(sizes: list[float]) -> list[tuple[float, float, float]]:
    """Return where maps of these sizes (Å) are put beside each other, about as many rows as columns; x runs to the left."""
    columns = int(np.ceil(np.sqrt(len(sizes))))
    step = 1.05 * max(sizes, default=1.0)
    return [(-(k % columns) * step, -(k // columns) * step, 0.0) for k in range(len(sizes))]
