"""RELION's image names, "000001@stack.mrcs"."""

from __future__ import annotations

import os

from relionlab.errors import ImageError


def parse_image_name(name: str) -> tuple[int | None, str]:
    """Return index, from 0, and file of an image name; the index is None where the name has no "@".

    ``parse_image_name("000001@a.mrcs") == (0, "a.mrcs")``. Raises ImageError for numbers below 1.
    """
    number, at, path = name.partition("@")
    if not at:
        return None, name
    if not number.isdecimal() or int(number) < 1 or not path:
        raise ImageError(f"Image name '{name}': expected NUMBER@FILE with numbers from 1, as in 000001@stack.mrcs.")
    return int(number) - 1, path


def format_image_name(index: int, path: str | os.PathLike[str]) -> str:
    """Return the name of the image at ``index`` (from 0) of a stack: ``format_image_name(0, "a.mrcs") == "000001@a.mrcs"``."""
    return f"{index + 1:06d}@{os.fspath(path)}"
