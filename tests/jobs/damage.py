"""Ways in which a file of images may have been damaged."""

from __future__ import annotations

from pathlib import Path


def missing(place: Path) -> None:
    place.unlink()


def no_bytes(place: Path) -> None:
    place.write_bytes(b"")


def text(place: Path) -> None:
    place.write_text("this is no image\n" * 300)


def a_folder(place: Path) -> None:
    place.unlink()
    place.mkdir()
