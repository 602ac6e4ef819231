"""A Bokeh figure in a notebook: BokehJS comes from the kernel, once per page, never from the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from relionlab.display.picture import Picture


def script(*paths: Path) -> str:
    """Return these scripts after each other, behind those that fetch BokehJS and know the dark theme: the ``_esm`` of a widget."""
    first = [Path(__file__).with_name(name) for name in ("bokeh_page.js", "bokeh_dark.js")]
    return "\n".join(path.read_text(encoding="utf-8") for path in (*first, *paths))


class BokehPage(anywidget.AnyWidget):
    """A widget that draws with Bokeh: it brings BokehJS into the page.

    Used in place of ``output_notebook``, whose script is lost when its cell is run again, and which also loads
    Panel's extensions, which fetch files of their own.
    """

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._bring)

    def _bring(self, _widget: Any, content: Any, _buffers: Any) -> None:
        from relionlab.display.render import scripts

        if content.get("kind") == "ask for bokehjs":
            self.send({"kind": "bokehjs", "script": scripts()})


class BokehView(BokehPage):
    """Shows a picture, drawn by Bokeh; :meth:`show` replaces it by another one."""

    _esm = script(Path(__file__).with_name("bokeh_view.js"))

    item = traitlets.Dict().tag(sync=True)
    """What Bokeh draws, as its ``json_item`` gives it; empty: nothing."""

    def __init__(self, picture: Picture | Any | None = None) -> None:
        super().__init__()
        if picture is not None:
            self.show(picture)

    def show(self, picture: Picture | Any) -> None:
        """Show this picture, in every place where the widget is displayed."""
        from bokeh.embed import json_item

        from relionlab.display.render import to_bokeh

        self.item = json_item(to_bokeh(picture))
