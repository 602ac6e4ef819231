"""A log that stays at its newest line."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

_STYLE = """
.rl-log { margin: 0; padding: 6px 9px; overflow: auto; box-sizing: border-box; white-space: pre-wrap; overflow-wrap: anywhere;
  border: 1px solid var(--jp-border-color2, #ddd); border-radius: 3px; background: var(--jp-layout-color1, #fff);
  color: var(--jp-ui-font-color1, #222); font: 12px/1.45 var(--jp-code-font-family, monospace); }
"""


class LogView(anywidget.AnyWidget):
    """Shows the end of a log, and follows it unless the reader has scrolled up."""

    _esm = Path(__file__).with_name("log_view.js")
    _css = _STYLE

    text = traitlets.Unicode("").tag(sync=True)
    """What is shown."""
    height = traitlets.Unicode("260px").tag(sync=True)
    """Height of the box."""

    def show(self, text: str, *, most: int = 500) -> None:
        """Show the last lines of a text; of a line that was written over (a progress bar), its last state."""
        lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")[-most:]]
        self.text = "\n".join(lines).rstrip("\n")
