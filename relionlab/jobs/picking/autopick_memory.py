"""What a worker of picking holds: asked by the run, and before it by the form."""

from __future__ import annotations

LIBRARIES = 120_000_000
"""Bytes that the program has loaded when it picks, besides what every program has (measured on micrographs of 0.5 Mpx)."""


def bytes_needed(pixels: int, work: int) -> int:
    """Return the bytes that one worker holds for a micrograph of so many pixels, with maps of so many."""
    return 12 * pixels + 72 * work
