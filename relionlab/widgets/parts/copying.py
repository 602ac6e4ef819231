"""A button that copies a text to the clipboard."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets


class CopyButton(anywidget.AnyWidget):
    """Copies ``text`` to the clipboard when it is pressed."""

    _esm = Path(__file__).with_name("copying.js")

    text = traitlets.Unicode("").tag(sync=True)
    """What is copied."""
    label = traitlets.Unicode("Copy as code").tag(sync=True)
    """What stands on the button."""
    tip = traitlets.Unicode("Copy the Python that makes this job, ready for a cell").tag(sync=True)
    """Shown on hover."""
