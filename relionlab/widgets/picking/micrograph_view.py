"""A micrograph with its picks, on which hands can work: used by manual and by automatic picking.

    view = MicrographView(pixels=640)
    view.show("MotionCorr/job002/Movies/a.mrc", pixel_size=0.885)
    view.picks(x, y, values, layer="auto")           # px; coloured by value
    view.on_edit(lambda edit: print(edit.kind, edit.x, edit.y))

An edit is drawn by the page itself, at once, and told to Python in order; none is lost, however fast they come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import traitlets

from relionlab.display.bokeh_view import BokehPage, script
from relionlab.display.micrograph_image import Look, MicrographImage, Part
from relionlab.display.picks import BY_HAND, COLOURS
from relionlab.widgets.picking.micrograph_figure import micrograph_figure
from relionlab.widgets.picking.pick_layers import Edit, Layer, apply

_HERE = Path(__file__).parent
_SCRIPTS = ("micrograph_picks.js", "micrograph_figure.js", "micrograph_view.js")
_LAYER_OPTIONS = ("style", "colour", "editable", "removed_to", "moved_to", "visible", "paired")


class MicrographView(BokehPage):
    """Shows one micrograph and layers of picks on it.

    pixels  longer side of the picture on the screen
    axes    whether axes (nm) and the bar of colours are drawn around it
    """

    _esm = script(*(_HERE / name for name in _SCRIPTS))
    _css = _HERE / "micrograph_view.css"

    item = traitlets.Dict().tag(sync=True)
    """The empty Bokeh figure."""
    image = traitlets.Dict().tag(sync=True)
    """The whole micrograph in greys, its size, and a serial number that changes with each :meth:`show`."""
    detail = traitlets.Dict().tag(sync=True)
    """The part that is zoomed on, finer."""
    tinted = traitlets.Dict().tag(sync=True)
    """Places that are set apart, as the page draws them."""
    marks = traitlets.Dict().tag(sync=True)
    """The layers of picks, and which edits of the page are in them already."""
    colours = traitlets.Dict().tag(sync=True)
    """Palette of values from low to high, its ends, and its title."""
    aim = traitlets.Dict().tag(sync=True)
    """The place that :meth:`go_to` asked for last."""
    pixels = traitlets.Int(640).tag(sync=True)
    """Longer side of the picture on the screen."""
    diameter = traitlets.Float(150.0).tag(sync=True)
    """Diameter of the circles in Å."""
    inverted = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether high grey values are drawn black."""
    editable = traitlets.Bool(default_value=True).tag(sync=True)
    """Whether clicks add, and keys and the middle button remove."""
    add_to = traitlets.Unicode("picks").tag(sync=True)
    """Layer that clicks add to."""
    menu = traitlets.List().tag(sync=True)
    """More lines of the right button's menu: (name, words); the name is what :meth:`on_command` hears."""

    def __init__(self, *, pixels: int = 640, axes: bool = True, **traits: Any) -> None:
        from bokeh.embed import json_item

        item = json_item(micrograph_figure(pixels, pixels, axes=axes))
        super().__init__(item=item, pixels=pixels, **traits)
        self.look = Look()
        self.layers: dict[str, Layer] = {}
        self._source: MicrographImage | None = None
        self._names: dict[int, str] = {}
        self._heard: dict[str, int] = {}
        self._strange = False
        self._asked: dict[str, Any] = {}
        self._on_edit: list[Callable[[Edit], Any]] = []
        self._on_command: list[Callable[[str, dict[str, Any]], Any]] = []
        self.on_msg(self._answer)
        self.colour_scale(0.0, 1.0)

    # --- what is shown --------------------------------------------------------------------------------------------

    def show(
        self, micrograph: str | Path | np.ndarray | MicrographImage, pixel_size: float | None = None, *, name: str = ""
    ) -> None:
        """Show another micrograph, whole, without picks; layers keep their looks.

        micrograph  image file, (y, x) array, or one that was read ahead
        pixel_size  Å; None: the file's own
        name        what :class:`Edit` calls it; "": the file's name
        Raises ImageError if it cannot be read; what was shown stays then.
        """
        made = micrograph if isinstance(micrograph, MicrographImage) else MicrographImage(micrograph, pixel_size)
        whole = made.whole(self.look)
        if self._source is not None and self._source is not made:
            self._source.rest()
        self._source = made
        serial = int(self.image.get("serial", 0)) + 1
        self._names[serial] = name or made.name
        self._asked = {}
        for layer in self.layers.values():
            layer.put([], [], None if layer.values is None else [])
        with self.hold_sync():
            self.detail = {}
            self.image = self._message(whole, serial)
            self._tell_marks()

    def blank(self) -> None:
        """Show nothing."""
        self._source = None
        for layer in self.layers.values():
            layer.put([], [], None if layer.values is None else [])
        with self.hold_sync():
            self.detail, self.image = {}, {"serial": int(self.image.get("serial", 0)) + 1}
            self._tell_marks()

    def layer(self, name: str, **looks: Any) -> Layer:
        """Return a layer of picks, made if it is new; ``looks``: style, colour, editable, removed_to, moved_to, visible, paired."""
        unknown = set(looks) - set(_LAYER_OPTIONS)
        if unknown:
            raise TypeError(f"a layer has no {', '.join(sorted(unknown))}: expected {', '.join(_LAYER_OPTIONS)}")
        layer = self.layers.setdefault(name, Layer(name))
        for key, value in looks.items():
            setattr(layer, key, value)
        if looks:
            self._tell_marks()
        return layer

    def picks(self, x: Any, y: Any, values: Any = None, *, layer: str = "picks", **looks: Any) -> None:
        """Show these picks in a layer, in place of those before.

        x, y    (n,) px of the micrograph
        values  (n,) for the colours, see :meth:`colour_scale`; None: the layer's own colour
        looks   as in :meth:`layer`
        """
        for key, value in looks.items():
            setattr(self.layers.setdefault(layer, Layer(layer)), key, value)
        self.layers.setdefault(layer, Layer(layer)).put(x, y, values)
        self._tell_marks()

    def colour_scale(
        self, low: float, high: float, *, title: str = "", palette: Sequence[str] = COLOURS, bar: bool = False
    ) -> None:
        """Say which values have which colours.

        low, high  values of the first and the last colour; low may be above high
        title      beside the bar of colours
        palette    colours from low to high; those between are blended
        bar        whether the bar of colours is drawn
        """
        self.colours = {
            "low": float(low), "high": float(high), "title": title, "palette": blended(palette), "bar": bar, "none": BY_HAND,
        }  # fmt: skip

    def contrast(self, sigma: float = 3.0, *, black: float | None = None, white: float | None = None) -> None:
        """Make grey values this many deviations from the middle black and white; or these values.

        sigma         0: the lowest and the highest grey value
        black, white  grey values; None: by ``sigma``
        """
        self._look(replace(self.look, sigma=sigma, black=black, white=white))

    def filter(self, *, low_pass: float | None = None, high_pass: float | None = None) -> None:
        """Take away detail finer than ``low_pass`` and coarser than ``high_pass`` (Å), for the eye only; None: nothing."""
        self._look(replace(self.look, low_pass=low_pass, high_pass=high_pass))

    def tint(self, places: np.ndarray | None) -> None:
        """Tint places of the micrograph, (y, x) bool over all of it on any grid; None: nothing. Another micrograph has none."""
        if places is None or self._source is None or not places.any():
            self.tinted = {}
            return
        height, width = self._source.shape
        self.tinted = {
            "serial": self.image.get("serial", 0),
            "greys": np.ascontiguousarray(places, dtype=np.uint8).tobytes(),
            "shape": list(places.shape),
            "place": [0, 0, width, height],
        }

    def go_to(self, x: float, y: float, *, width: float = 0.0, mark: bool = True) -> None:
        """Bring a place (px) to the middle, ``width`` px wide (0: as it is), and mark the pick that is there."""
        turn = int(self.aim.get("turn", 0)) + 1
        serial = self.image.get("serial", 0)
        self.aim = {"x": float(x), "y": float(y), "width": float(width), "mark": mark, "serial": serial, "turn": turn}

    # --- what the page says ---------------------------------------------------------------------------------------

    def on_edit(self, callback: Callable[[Edit], Any]) -> None:
        """Have a function called for each edit, in their order, after the view's own layers have changed."""
        self._on_edit.append(callback)

    def on_command(self, callback: Callable[[str, dict[str, Any]], Any]) -> None:
        """Have a function called with each command of the keyboard or the menu.

        They are: undo, redo, next, previous, keep, ctf, save, chosen (a pick was clicked: x, y, layer), and those of :attr:`menu`
        (x, y: px). The function gets the name, and a dict with what belongs to it.
        """
        self._on_command.append(callback)

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        kind = content.get("kind")
        if kind == "edits":
            self._edited(content)
        elif kind == "looked":
            self._asked = content
            self._show_detail()
        elif kind == "command":
            for callback in self._on_command:
                callback(str(content["name"]), content)

    def _edited(self, content: dict[str, Any]) -> None:
        page, serial = content["page"], int(content["serial"])
        with self.hold_sync():
            for told in content["edits"]:
                if told["sequence"] <= self._heard.get(page, 0):
                    continue  # said twice
                self._heard[page] = told["sequence"]
                edit = Edit(**told, micrograph=self._names.get(serial, ""))
                if serial == self.image.get("serial"):
                    apply(self.layers, edit)
                for callback in self._on_edit:
                    callback(edit)
            self._tell_marks()

    # --- to the page ----------------------------------------------------------------------------------------------

    def _tell_marks(self) -> None:
        layers = [layer.message() for layer in self.layers.values()]
        self.marks = {"serial": self.image.get("serial", 0), "heard": dict(self._heard), "layers": layers}

    def _message(self, part: Part, serial: int) -> dict[str, Any]:
        source = self._source
        assert source is not None
        return {
            "serial": serial,
            "greys": part.greys.tobytes(),
            "shape": list(part.greys.shape),
            "place": [part.x, part.y, part.width, part.height],
            "size": [source.shape[1], source.shape[0]],
            "pixel_size": source.pixel_size,
            "name": self._names.get(serial, ""),
        }

    def _look(self, look: Look) -> None:
        if look == self.look:
            return
        self.look = look
        if self._source is None:
            return
        with self.hold_sync():
            self.image = self._message(self._source.whole(look), self.image["serial"])
            self._show_detail()

    def _show_detail(self) -> None:
        asked, source = self._asked, self._source
        if source is None or asked.get("serial") != self.image.get("serial") or not asked.get("width"):
            self.detail = {}
            return
        corner, size = (asked["x"], asked["y"]), (asked["width"], asked["height"])
        part = source.part(corner, size, screen=min(int(asked["screen"]), 2048), look=self.look)
        self.detail = self._message(part, asked["serial"])


def blended(palette: Sequence[str], count: int = 64) -> list[str]:
    """Return ``count`` colours, "#RRGGBB", that go evenly through those of a palette."""
    stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in palette], dtype=float)
    places = np.linspace(0, len(stops) - 1, count)
    mixed = (
        np.stack([np.interp(places, np.arange(len(stops)), channel) for channel in stops.T], axis=1).round().astype(int)
    )
    return [f"#{r:02X}{g:02X}{b:02X}" for r, g, b in mixed]
