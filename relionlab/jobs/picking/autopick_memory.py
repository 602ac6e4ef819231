"""What a worker of picking holds: asked by the run, and before it by the form."""

from __future__ import annotations


def bytes_needed(pixels: int, work: int) -> int:
    """Return the bytes that one worker holds for a micrograph of so many pixels, with maps of so many."""
    return 24 * pixels + 60 * work
