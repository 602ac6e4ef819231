"""A few images of what a job is given, to look at before it runs: particles, class averages, a micrograph, a map.

sample = particle_sample(project, "Extract/job005/particles.star")
sample.images.mean(axis=0)            # what a mask has to leave
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine import fourier
from relionlab.engine.maps.filters import falling_cosine
from relionlab.errors import ImageError, InputError
from relionlab.io.coordinate_files import read_coordinate_files
from relionlab.io.coordinates import X, Y, read_coordinates
from relionlab.io.image_names import parse_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import read_header, read_image, read_map
from relionlab.io.star import read_star
from relionlab.io.star_head import StarHead, sample_rows, star_heads

_MOST_PIXELS = 12_000_000  # of all images of a sample


@dataclass(frozen=True)
class ImageSample:
    """Some of many images.

    images      (n, y, x), float32
    pixel_size  Å
    names       of the images
    of          how many there are in all
    """

    images: np.ndarray
    pixel_size: float
    names: tuple[str, ...]
    of: int

    @property
    def box(self) -> int:
        """Side in px."""
        return int(self.images.shape[-1])


@dataclass(frozen=True)
class Micrograph:
    """One micrograph of a list.

    image       (y, x), float32
    pixel_size  Å
    name        of the micrograph
    index, of   its place in the list, from 0, and how many there are
    """

    image: np.ndarray
    pixel_size: float
    name: str
    index: int
    of: int


def particle_sample(directory: Path, path: str, *, count: int = 200) -> ImageSample:
    """Return particles spread over a STAR file, moved to their centres as far as these are known.

    directory  the project

    Raises InputError if there are none.
    """
    if not path:
        raise InputError("No particles are chosen yet: choose the input particles first.")
    heads = star_heads(directory / path)
    head = _with(heads, "rlnImageName")
    if head is None:
        raise InputError(f"{path} lists no particles (no column rlnImageName): choose a particles.star.")
    box = read_header(directory / parse_image_name(head.first["rlnImageName"])[1]).shape[-1]
    rows = sample_rows(directory / path, head.name, max(min(count, _MOST_PIXELS // box**2), 4))
    reader = ImageReader([row["rlnImageName"] for row in rows], directory)
    optics = heads.get("optics")
    pixel_size = (optics.number("rlnImagePixelSize") if optics else None) or reader.pixel_size
    if not pixel_size:
        raise InputError(f"{path} does not say the pixel size of its particles, nor does {reader.files[0]}.")
    images = _centred(reader.read(), rows, pixel_size)
    return ImageSample(images, pixel_size, tuple(row["rlnImageName"] for row in rows), head.rows)


def class_sample(directory: Path, path: str, *, count: int = 6) -> ImageSample | None:
    """Return the largest class averages that belong to particles: of the same folder; ``None`` if there are none."""
    candidates = [(directory / path).parent / "class_averages.star"]
    if path.endswith("_data.star"):
        candidates.append(directory / f"{path.removesuffix('_data.star')}_model.star")
    for file in candidates:
        if not file.is_file():
            continue
        table = next((one for one in read_star(file).values() if "rlnReferenceImage" in one and len(one)), None)
        if table is None:
            continue
        names = [name for name in table["rlnReferenceImage"].tolist() if "@" in name]
        if not names:  # maps
            continue
        if "rlnClassDistribution" in table:
            names = [names[place] for place in np.argsort(-table["rlnClassDistribution"])]
        reader = ImageReader(names[:count], directory)
        try:
            images, pixel_size = reader.read(), reader.pixel_size
        except ImageError:  # a map's references, or files that were cleaned away
            continue
        if pixel_size and images.shape[-1] == images.shape[-2]:
            return ImageSample(images, pixel_size, tuple(names[:count]), len(names))
    return None


def reference_sample(directory: Path, path: str, *, pixel_size: float | None = None, count: int = 8) -> ImageSample:
    """Return 2D references: of a stack, or listed in a STAR file.

    pixel_size  Å; ``None``: the file's
    """
    if not path:
        raise InputError("No references are chosen yet: choose the 2D references first.")
    if path.endswith(".star"):
        listed = [
            (head, label)
            for head in star_heads(directory / path).values()
            for label in ("rlnReferenceImage", "rlnImageName")
            if label in head.first
        ]
        if not listed:
            raise InputError(f"{path} lists no references: expected a column rlnReferenceImage.")
        head, label = listed[0]
        names, total = [row[label] for row in sample_rows(directory / path, head.name, count)], head.rows
    else:
        total = read_header(directory / path).count
        names = [f"{number + 1:06d}@{path}" for number in range(min(count, total))]
    reader = ImageReader(names, directory)
    found = pixel_size or reader.pixel_size
    if not found:
        raise InputError(f"{path} does not say its pixel size: give 'Pixel size in references' first.")
    return ImageSample(reader.read(), found, tuple(names), total)


def read_micrograph(directory: Path, path: str, *, index: int = 0, pixel_size: float | None = None) -> Micrograph:
    """Return one micrograph of a list (a STAR file), or of a single image file.

    index       its place in the list, from 0; beyond its ends it begins again
    pixel_size  Å, instead of the one that the list says
    """
    if not path:
        raise InputError("No micrographs are chosen yet: choose the input micrographs first.")
    names, listed = [path], None
    if path.endswith(".star"):
        heads = star_heads(directory / path)
        head = _with(heads, "rlnMicrographName")
        if head is None:
            raise InputError(f"{path} lists no micrographs (no column rlnMicrographName).")
        names = list(dict.fromkeys(row["rlnMicrographName"] for row in sample_rows(directory / path, head.name, 10**6)))
        optics = heads.get("optics")
        if optics is not None:
            listed = optics.number("rlnMicrographPixelSize") or optics.number("rlnMicrographOriginalPixelSize")
    name = names[index % len(names)]
    size = pixel_size or listed or read_header(directory / name).pixel_size
    if not size:
        raise InputError(f"{path} does not say the pixel size of its micrographs: give 'Pixel size' first.")
    return Micrograph(read_image(directory / name), size, name, index % len(names), len(names))


def coordinates_sample(directory: Path, path: str, micrograph: str) -> np.ndarray:
    """Return the picks of a micrograph, (n, 2) x and y in px of the micrograph; none where there are none."""
    if not path:
        return np.zeros((0, 2))
    file = read_coordinate_files(path, directory=directory).path_of(micrograph, project=directory)
    if file is None or not (directory / file).is_file():
        return np.zeros((0, 2))
    table = read_coordinates(directory / file)
    return np.stack([table[X], table[Y]], axis=1)


def map_sample(directory: Path, path: str, *, pixel_size: float | None = None) -> tuple[np.ndarray, float]:
    """Return a map, (z, y, x), and its pixel size in Å."""
    if not path:
        raise InputError("No map is chosen yet: choose the input map first.")
    array, told = read_map(directory / path)
    return array, pixel_size or told or 1.0


def _with(heads: dict[str, StarHead], label: str) -> StarHead | None:
    return next((head for head in heads.values() if label in head.first and head.name != "optics"), None)


def _centred(images: np.ndarray, rows: list[dict[str, str]], pixel_size: float) -> np.ndarray:
    """Return images with each particle's centre in the middle, to whole px."""
    labels = ("rlnOriginYAngst", "rlnOriginXAngst")
    if not rows or not all(label in rows[0] for label in labels):
        return images
    moves = [tuple(round(float(row[label]) / pixel_size) for label in labels) for row in rows]
    return np.stack([np.roll(image, move, (0, 1)) for image, move in zip(images, moves, strict=True)])


def low_passed(images: np.ndarray, resolution: float, pixel_size: float) -> np.ndarray:
    """Return square images (n, y, x) without what is finer than a resolution in Å; 0: as they are."""
    if resolution <= 2 * pixel_size:
        return images
    n = images.shape[-1]
    shells = np.sqrt(fourier.radius_squared(n).astype(np.float64))
    limit = n * pixel_size / resolution
    return fourier.irfft2_centred(
        (fourier.rfft2_centred(images) * falling_cosine(shells, limit - 1, limit + 1)).astype(np.complex64), n
    )


def number_columns(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a list of micrographs or particles that hold different numbers, by label.

    Raises InputError if there is none.
    """
    tables = [table for name, table in read_star(path).items() if table.loop and name != "optics"]
    if not tables:
        raise InputError(f"{path.name} holds no list.")
    table = max(tables, key=len)
    found = {}
    for label in table.labels:
        values = table[label]
        if values.dtype.kind in "if" and len(values) and np.isfinite(values).all() and values.min() < values.max():
            found[label] = np.asarray(values, np.float64)
    if not found:
        raise InputError(f"{path.name} has no column of numbers that differ.")
    return found
