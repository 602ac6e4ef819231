"""What a file holds that a job may take as an input, found in its head alone: how many images, their pixel size and box."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from relionlab.errors import RelionlabError
from relionlab.io.images import read_header
from relionlab.io.star_head import StarHead, star_heads

IMAGE_SUFFIXES = (".mrc", ".mrcs", ".map", ".rec", ".st", ".spi", ".stk", ".hed", ".img", ".mrc.gz", ".mrcs.gz")
_TELLING = (
    ("movies", "rlnMicrographMovieName"),
    ("particles", "rlnImageName"),
    ("references", "rlnReferenceImage"),
    ("coordinates", "rlnMicrographCoordinates"),
    ("coordinates", "rlnCoordinateX"),
    ("micrographs", "rlnMicrographName"),
)
"""What a STAR file lists -> the column that tells it; the first that is there counts."""
_SIZES = {
    "particles": ("rlnImagePixelSize",),
    "micrographs": ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"),
    "movies": ("rlnMicrographOriginalPixelSize",),
}
_SINGULAR = {"coordinates": "micrograph with picks", "references": "class"}
_PLURAL = {"coordinates": "micrographs with picks", "references": "classes"}


@dataclass(frozen=True)
class InputFacts:
    """What a file says of itself.

    kind        "particles", "micrographs", "movies", "coordinates", "references", "optimiser", "map", "images", "other"
    count       number of rows or images; ``None`` where that is not known
    pixel_size  Å; ``None`` where the file does not say
    box         px along each side; ``None`` where that is not known
    columns     labels of the main table's columns
    """

    kind: str
    count: int | None = None
    pixel_size: float | None = None
    box: int | None = None
    columns: frozenset[str] = frozenset()

    @property
    def words(self) -> str:
        """The facts in a line: "1,742 particles, 3.54 Å/px, box of 64 px (227 Å)"."""
        told = [self._amount()] if self._amount() else []
        if self.pixel_size:
            told.append(f"{self.pixel_size:.4g} Å/px")
        if self.box and self.kind == "images":
            told.append(f"{self.box} px wide")
        elif self.box:
            extent = f" ({self.box * self.pixel_size:.0f} Å)" if self.pixel_size else ""
            told.append(f"box of {self.box} px{extent}")
        return ", ".join(told)

    def _amount(self) -> str:
        if self.kind == "map":
            return "map"
        if self.count is None or self.kind in ("optimiser", "other"):
            return ""
        one, many = self.kind.removesuffix("s"), self.kind
        return f"{self.count:,} {_SINGULAR.get(many, one) if self.count == 1 else _PLURAL.get(many, many)}"


def input_facts(path: str | os.PathLike[str]) -> InputFacts:
    """Return what a STAR file, an image stack or a map says of itself; remembered until the file changes.

    Raises an InputError if the file is not there or damaged.
    """
    place = Path(path)
    try:
        told = place.stat()
    except OSError:
        return _read(place, 0, 0)
    return _read(place, told.st_mtime_ns, told.st_size)


def facts_or_none(path: str | os.PathLike[str]) -> InputFacts | None:
    """Return what a file says of itself, ``None`` if it is not there, damaged or of another kind."""
    try:
        return input_facts(path)
    except RelionlabError:
        return None


@lru_cache(maxsize=1024)
def _read(place: Path, _changed: int, _size: int) -> InputFacts:
    if place.name.endswith(".star"):
        return _of_star(star_heads(place), place)
    if place.name.endswith(IMAGE_SUFFIXES):
        return _of_images(place)
    return InputFacts("other")


def _of_images(place: Path) -> InputFacts:
    header = read_header(place)
    is_map = len(header.shape) == 3
    return InputFacts(
        "map" if is_map else "images",
        count=1 if is_map else header.count,
        pixel_size=header.pixel_size,
        box=header.shape[-1],
    )


def _of_star(heads: dict[str, StarHead], place: Path) -> InputFacts:
    if "optimiser_general" in heads:
        return InputFacts("optimiser")
    if not heads and place.name.startswith("coords_suffix"):
        return InputFacts("coordinates")
    for kind, label in _TELLING:
        for head in heads.values():
            if label in head.labels:
                pixel_size, box = _sizes(kind, head, heads.get("optics"))
                return InputFacts(kind, head.rows, pixel_size, box, frozenset(head.labels))
    return InputFacts("other")


def _sizes(kind: str, head: StarHead, optics: StarHead | None) -> tuple[float | None, int | None]:
    """Return pixel size (Å) and box (px) of the first optics group, of RELION 3.0's columns where there is none."""
    if optics is None:
        return _old_pixel_size(head), None
    size = next((value for label in _SIZES.get(kind, ()) if (value := optics.number(label))), None)
    box = optics.number("rlnImageSize") if kind == "particles" else None
    return size, int(box) if box else None


def _old_pixel_size(head: StarHead) -> float | None:
    """Return 10000 times detector pixel (µm) over magnification, in Å."""
    detector, magnification = head.number("rlnDetectorPixelSize"), head.number("rlnMagnification")
    return 10_000 * detector / magnification if detector and magnification else None
