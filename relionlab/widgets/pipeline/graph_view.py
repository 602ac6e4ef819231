"""The flowchart in the page: scrolls, zooms, and tells which box was clicked."""

from __future__ import annotations

from pathlib import Path

import traitlets

from relionlab.widgets.parts.page_files import page_script
from relionlab.widgets.parts.telling import TellingWidget


class GraphView(TellingWidget):
    """Shows an SVG picture whose boxes carry ``data-job``; tells "job" with the name of one that is clicked."""

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("graph_view.css")

    svg = traitlets.Unicode("").tag(sync=True)
    """The picture."""
    height = traitlets.Unicode("480px").tag(sync=True)
    """Height of the window in which it scrolls."""
    name = traitlets.Unicode("flowchart").tag(sync=True)
    """Name of the file that Save makes in the browser's downloads, without .svg."""
