"""What forms look like: their own style sheet beside the one that all widgets share."""

from __future__ import annotations

from pathlib import Path

import ipywidgets as w

from relionlab.widgets.parts.look import style_sheet

_CSS = Path(__file__).with_name("form.css")


def form_style() -> w.HTML:
    """Return both style sheets as a widget that takes no room."""
    sheet = style_sheet()
    sheet.value += f"<style>{_CSS.read_text(encoding='utf-8')}</style>"
    return sheet
