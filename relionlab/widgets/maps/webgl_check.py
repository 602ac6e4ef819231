"""Whether the browser can draw surfaces (WebGL), and the colour of its theme's ground: asked in the page."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

NO_WEBGL = (
    "This browser has no WebGL, so surfaces cannot be drawn here. The slices show everything; the ChimeraX script shows the"
    " surface on a machine with graphics."
)


class WebglCheck(anywidget.AnyWidget):
    """Invisible; ``answer`` is "yes" or "no" as soon as it is displayed."""

    _esm = Path(__file__).with_name("webgl_check.js")

    answer = traitlets.Unicode("").tag(sync=True)
    """ "yes", "no", or "" before it was asked."""
    ground = traitlets.Unicode("#ffffff").tag(sync=True)
    """Colour on which a surface stands: dark with JupyterLab's dark theme, else white; "#rrggbb"."""
