"""Scripts and style sheets that a widget brings into the page, from files that several of them share."""

from __future__ import annotations

from pathlib import Path

_ELEMENT = Path(__file__).with_name("element.js")


def page_script(*paths: Path) -> str:
    """Return these scripts after each other, behind the function ``element`` that all may use: the ``_esm`` of a widget."""
    return joined(_ELEMENT, *paths)


def joined(*paths: Path) -> str:
    """Return these scripts, or style sheets, after each other."""
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
