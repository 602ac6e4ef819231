"""Scripts and style sheets that a widget brings into the page, from files that several of them share."""

from __future__ import annotations

from pathlib import Path


def joined(*paths: Path) -> str:
    """Return these scripts, or style sheets, after each other: the ``_esm`` or ``_css`` of a widget."""
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
