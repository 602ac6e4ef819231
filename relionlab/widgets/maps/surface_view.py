"""Maps as surfaces: levels, several maps tiled or fitted onto each other, local resolution, a mask, a model, pictures.

view = SurfaceView("Refine3D/job015", "Class3D/job013/run_it025_class002.mrc")
view.set_level(0.02)
view.fit(1)
view.chimerax("maps.cxc")
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.display.chimerax import ScriptedMap, chimerax_script, write_chimerax_script
from relionlab.display.local_resolution import local_resolution_mask, local_resolution_range, resolution_range_within
from relionlab.display.map_sources import ShownMap, local_resolution_of, map_files, open_map, open_maps
from relionlab.display.style import PALETTE
from relionlab.engine.maps.alterations import inverted_hand
from relionlab.errors import ImageError, InputError, ParameterError
from relionlab.widgets.maps.coloured_surface import ColouredSurface
from relionlab.widgets.maps.latest import Latest
from relionlab.widgets.maps.map_row import MapRow
from relionlab.widgets.maps.scene import MOST, Scene, tiles
from relionlab.widgets.maps.webgl_check import NO_WEBGL, WebglCheck
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.workflows.fitting import FittedMap, fit_onto

_COLORS = (PALETTE[5], PALETTE[4], PALETTE[2], PALETTE[3], PALETTE[0], PALETTE[1], PALETTE[6])
_STYLE = (Path(__file__).parent / "surface_view.css").read_text(encoding="utf-8")


class SurfaceView(w.VBox):
    """Surfaces of one or several maps, each at a level of its own.

    source   a map file, a job directory of ours or RELION's (of several classes all), an array or a shown map
    others   more of these
    width, height  of the scene in screen pixels

    Drag turns, the wheel zooms, dragging with Ctrl moves.
    """

    def __init__(self, source: Any, *others: Any, width: int = 640, height: int = 500) -> None:
        self.scene, self._height = Scene(width=width, height=height), height
        self.rows: list[MapRow] = []
        self._components: list[Any] = []
        self._places: list[tuple[float, float, float]] = []
        self._seen: dict[int, bool] = {}
        self._mask: tuple[ShownMap, Any] | None = None
        self._model: tuple[Path, Any] | None = None
        self._local: tuple[Path, ColouredSurface, tuple[float, float]] | None = None
        self._told = Message()
        self._latest = Latest(self._draw)
        self._list = w.VBox([], layout=w.Layout(max_height=f"{height - 110}px", overflow="auto"))
        self._stage = w.VBox([self.scene.view], layout=w.Layout(width=f"{width}px", min_height=f"{height}px", flex="0 0 auto"))  # fmt: skip
        self._check = WebglCheck()
        self._check.observe(self._answered, "answer")
        self._check.observe(lambda _change: self._set_ground(), "ground")
        self._directory = self._directory_of(source)
        side = w.VBox([self._list, *self._buttons()], layout=w.Layout(flex="1 1 auto", width="380px"))
        style = w.HTML(f"<style>{_STYLE}</style>", layout=w.Layout(height="0", margin="0"))
        super().__init__(
            [
                style_sheet(),
                style,
                self._check,
                w.HBox([self._stage, side], layout=w.Layout(align_items="flex-start")),
                self._told,
            ]
        )
        self.add_class("rl-map")
        self.add_class("rl-surface")
        for one in (source, *others):
            self.add(one)

    # --- maps -----------------------------------------------------------------------------------------------------

    def add(self, source: Any) -> None:
        """Show one more map, or all classes of a job, over those that are there."""
        for shown in self._chosen(source):
            row = MapRow(shown, color=_COLORS[len(self.rows) % len(_COLORS)], changed=self._changed)
            self.rows.append(row)
            self._components.append(self.scene.add_map(shown, level=row.level, color=row.color))
            self._places.append((0.0, 0.0, 0.0))
            if max(shown.array.shape) > MOST:
                self._told.say(
                    f"{shown.name} is binned for the surface: {shown.words()} are too many to turn smoothly."
                )
        self._list.children = tuple(self.rows)
        several = len(self.rows) > 1
        for made in (self._tile, self._fit):
            made.layout.display = "" if several else "none"
        self.scene.centre()

    def set_level(
        self, level: float | None = None, *, sigmas: float | None = None, kda: float | None = None, index: int = 0
    ) -> None:
        """Put a map's surface at a density, so many standard deviations above the mean, or around so many kDa of protein."""
        row = self._row(index)
        if sigmas is not None:
            level = row.enclosed.level_of_sigmas(sigmas)
        elif kda is not None:
            level = row.enclosed.level_of_weight(kda)
        if level is None:
            raise ParameterError("Give the level as a density, or with sigmas=… or kda=….")
        row.set_level(level)

    def tile(self) -> None:
        """Put the maps beside each other; once more: over each other."""
        if any(any(place) for place in self._places):
            self._put([(0.0, 0.0, 0.0)] * len(self.rows))
        else:
            self._put(tiles([max(row.shown.array.shape) * (row.shown.pixel_size or 1.0) for row in self.rows]))

    def fit(self, index: int | None = None, *, onto: int = 0) -> FittedMap:
        """Turn and shift a map onto another (by default all onto the first), and say how well they agree."""
        chosen = [k for k in range(len(self.rows)) if k != onto] if index is None else [index]
        if not chosen:
            raise ParameterError("There is one map only: add another, to fit it onto the first.")
        target = self._row(onto).shown
        self._put([(0.0, 0.0, 0.0)] * len(self.rows))
        said = []
        for k in chosen:
            shown = self._row(k).shown
            self._told.say(f"Fitting {shown.name} onto {target.name}: up to half a minute …")
            found = fit_onto(
                shown.array,
                target.array,
                pixel_size=shown.pixel_size or 1.0,
                target_pixel_size=target.pixel_size or 1.0,
            )
            self._replace(k, ShownMap(found.array, target.pixel_size, shown.name, shown.path))
            said.append(f"{shown.name} {found.words()}")
        self._told.say("; ".join(said) + ".")
        return found

    def flip_hand(self, index: int = 0) -> None:
        """Show the mirror image of a map, to see which hand is right; files stay as they are."""
        shown = self._row(index).shown
        self._replace(index, ShownMap(inverted_hand(shown.array), shown.pixel_size, shown.name, shown.path))
        self._told.say(f"{shown.name} is shown mirrored. image_handler --invert_hand writes such a map.")

    # --- what lies over them -----------------------------------------------------------------------------------------

    def overlay_mask(self, source: Any) -> None:
        """Draw a mask as wires around the maps, at half of its height. ``None``: none."""
        if self._mask is not None:
            self.scene.remove(self._mask[1])
        self._mask = None
        if source is not None:
            mask = open_map(source)
            self._mask = mask, self.scene.add_map(mask, level=0.5, color=PALETTE[6], opacity=0.35, mesh=True)

    def overlay_model(self, path: str | Path | None) -> None:
        """Draw an atomic model from a PDB or mmCIF file of one's own over the maps. ``None``: none."""
        if self._model is not None:
            self.scene.remove(self._model[1])
        self._model = None if path is None else (Path(path), self.scene.add_model(path))
        if path is not None:
            for row in self.rows:
                row.set_look(opacity=0.5)

    def colour_by(self, local_resolution: str | Path | None) -> None:
        """Colour the first map's surface by its local resolution (Å). ``None``: all maps in colours of their own."""
        if local_resolution is None:
            self._local = None
            self._stage.children = (self.scene.view,)
            self.scene.view.layout.display = ""
            return
        path, row = Path(local_resolution), self._row(0)
        found = open_map(path)
        if found.array.shape != row.shown.array.shape:
            raise ImageError(
                f"{path} has {found.array.shape} voxels, {row.shown.name} {row.shown.array.shape}: they must agree."
            )
        limits = resolution_range_within(found.array, row.shown.array >= row.level)
        limits = limits or local_resolution_range(path, mask=local_resolution_mask(path))
        surface = ColouredSurface(row.shown, found.array, limits=limits, level=row.level, height=self._height)
        self._local = path, surface, limits
        self._set_ground()
        self.scene.view.layout.display = "none"  # taken away and shown again, it would lose its size
        self._stage.children = (self.scene.view, surface)
        self._told.say(f"Coloured by the local resolution: {limits[0]:.1f} Å blue, {limits[1]:.1f} Å orange.")

    # --- taking it away ------------------------------------------------------------------------------------------------

    def save_picture(self, name: str = "maps.png") -> None:
        """Have the browser save what is seen as a PNG."""
        if self._local is None:
            self.scene.view.download_image(filename=name, factor=2, trim=False)
            return
        place = Path(name)
        self._local[1].picture(place.write_bytes)
        self._told.say(f"Written: {place.resolve()}")

    def chimerax(self, path: str | Path = "maps.cxc") -> Path:
        """Write a ChimeraX script of what is seen, and return its path; raises InputError for maps that are in no file."""
        maps = []
        for row, place in zip(self.rows, self._places, strict=True):
            if row.shown.path is None:
                raise InputError(
                    f"{row.shown.name} is in no file, which ChimeraX could open: write it with io.write_map."
                )
            if row.seen:
                maps.append(ScriptedMap(row.shown.path, row.level, row.color, row.opacity, place=place))
        if self._mask is not None and self._mask[0].path is not None:
            maps.append(ScriptedMap(self._mask[0].path, 0.5, PALETTE[6], 0.35, "mesh"))
        local = None if self._local is None else (self._local[0], *self._local[2])
        script = chimerax_script(
            maps,
            local_resolution=local,
            model=None if self._model is None else self._model[0],
            directions=self._directions(),
        )
        written = write_chimerax_script(path, script)
        self._told.say(f"Written: {written.resolve()}. Open it in ChimeraX on this machine.")
        return written

    # --- what happens -----------------------------------------------------------------------------------------------

    def _buttons(self) -> list[w.Widget]:
        def made(label: str, tip: str, method: Callable[[], Any], icon: str) -> w.Button:
            return button(label, tip, method, message=self._told, icon=icon, width="108px")

        self._tile = made("Tile", "The maps beside each other, or again over each other", self.tile, "th-large")
        self._fit = made("Fit", "Turn and shift the other maps onto the first", self.fit, "compress")
        self._paint = made(
            "Resolution", "Colour the first map by its local resolution", self._toggle_colours, "paint-brush"
        )
        local = None if self._directory is None else local_resolution_of(self._directory)
        self._paint.layout.display = "" if local is not None else "none"
        first = [
            self._tile,
            self._fit,
            made("Flip hand", "Show the mirror image of the first map", self.flip_hand, "adjust"),
            self._paint,
            made("Picture", "Save what is seen as a PNG", self.save_picture, "camera"),
            made("ChimeraX", "Write a script for ChimeraX: maps.cxc", self.chimerax, "cube"),
        ]
        self._file = w.Text(placeholder="mask.mrc, model.pdb or another map", layout=w.Layout(flex="1 1 auto"))
        self._file.tooltip = "A mask (its name holds mask), a PDB or mmCIF file, or one more map"
        more = w.HBox([self._file, made("Add", "Show this file as well", self._add_file, "plus")])
        return [w.HBox(first, layout=w.Layout(flex_flow="row wrap")), more]

    def _add_file(self) -> None:
        path = Path(self._file.value.strip())
        if not path.name:
            raise ParameterError("Type the name of a file first.")
        if path.name.lower().removesuffix(".gz").endswith((".pdb", ".ent", ".cif", ".mmcif")):
            self.overlay_model(path)
        elif "mask" in path.name.lower():
            self.overlay_mask(path)
        else:
            self.add(path)

    def _toggle_colours(self) -> None:
        assert self._directory is not None
        self.colour_by(None if self._local is not None else local_resolution_of(self._directory))

    def _changed(self, row: MapRow) -> None:
        self._latest.ask(self.rows.index(row))

    def _draw(self, index: int, _newer: Any) -> None:
        """Draw a map anew (in a thread): the page is not asked for more surfaces than it can make."""
        row, component = self.rows[index], self._components[index]
        if self._local is not None and index == 0:
            self._local[1].set_level(row.level)
        else:
            self.scene.look(component, level=row.level, color=row.color, opacity=row.opacity)
        if row.seen != self._seen.get(index, True):
            self._seen[index] = row.seen
            (component.show if row.seen else component.hide)()

    def _replace(self, index: int, shown: ShownMap) -> None:
        row = self._row(index)
        self.scene.remove(self._components[index])
        row.shown = shown
        self._components[index] = self.scene.add_map(shown, level=row.level, color=row.color, opacity=row.opacity)

    def _put(self, places: list[tuple[float, float, float]]) -> None:
        self._places = places
        for component, place in zip(self._components, places, strict=True):
            self.scene.place(component, place)
        self.scene.centre()

    def _row(self, index: int) -> MapRow:
        if not 0 <= index < len(self.rows):
            raise ParameterError(f"There is no map {index}: they are numbered from 0 to {len(self.rows) - 1}.")
        return self.rows[index]

    def _answered(self, change: Any) -> None:
        if change["new"] == "no":
            self._stage.children = (w.HTML(f'<div class="rl-problem">{NO_WEBGL}</div>'),)

    def _set_ground(self) -> None:
        self.scene.view.background = self._check.ground
        if self._local is not None:
            self._local[1].set_ground(self._check.ground)

    def _directory_of(self, source: Any) -> Path | None:
        path = getattr(source, "path", source)
        path = Path(path) if isinstance(path, str | Path) else None
        return path if path is None or path.is_dir() else path.parent

    def _chosen(self, source: Any) -> list[ShownMap]:
        """Return all classes of a job with several, else its main map only."""
        directory = Path(source) if isinstance(source, str) else getattr(source, "path", source)
        if isinstance(directory, Path) and directory.is_dir():
            classes = [name for name, _ in map_files(directory) if name.startswith("class ")]
            return open_maps(directory)[: max(len(classes), 1)]
        return [open_map(source)]

    def _directions(self) -> Path | None:
        if self._directory is None:
            return None
        found = sorted(self._directory.glob("*_angdist.bild"), key=lambda path: ("_it" not in path.name, path.name))
        return found[-1] if found else None
