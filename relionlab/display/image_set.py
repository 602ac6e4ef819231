"""What a gallery shows: many images with a row of a table each, read only as they come into view.

read_image_set("Extract/job009/particles.star")       particles
read_image_set("Class2D/job010/run_it025_model.star") class averages
read_image_set("CtfFind/job003/micrographs_ctf.star") micrographs
read_image_set("Extract/job009/Movies/a.mrcs")        a stack, or a folder of images
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from relionlab.display.image_views import ImageCtf, ImageLook, binned, greys, power_spectra, seen
from relionlab.display.results import class_counts, find_file, latest_model
from relionlab.engine.ctf import Optics
from relionlab.errors import InputError, StarError
from relionlab.io.image_names import format_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import open_image, read_header
from relionlab.io.kept_lists import particle_list
from relionlab.io.mrc import ENDINGS
from relionlab.io.particles import Particles, read_particles
from relionlab.io.star import read_star
from relionlab.io.table import Table

Kind = Literal["particles", "classes", "micrographs", "images"]
NOUNS: dict[Kind, str] = {"particles": "particle", "classes": "class", "micrographs": "micrograph", "images": "image"}
_KEPT = 300  # shrunk images that are remembered
_LARGE = 512  # px from which an image is read and shrunk on its own
_JOB_LISTS = (
    "particles.star",
    "micrographs_ctf.star",
    "corrected_micrographs.star",
    "micrographs.star",
    "class_averages.star",
)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and what is known of them.

    kind       what they are
    table      a row for each
    names      their names, "000001@stack.mrcs" or files, below ``directory``
    directory  folder to which the names are relative
    source     the file they were read from
    optics     particles: rows with their optics groups
    sizes      Å per pixel, (n,)
    places     of a part of a file: the numbers of its rows in the file, from 0, (n,); ``None``: all rows
    listed     how many rows the file has
    shrunk     large images as they were shrunk before: another contrast does not read them again
    """

    kind: Kind
    table: Table
    names: tuple[str, ...]
    directory: Path
    source: Path
    optics: Particles | None = None
    sizes: np.ndarray = field(default_factory=lambda: np.zeros(0))
    places: np.ndarray | None = None
    listed: int = 0
    shrunk: dict[tuple[int, int, bool], tuple[np.ndarray, int]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def noun(self) -> str:
        """What one of them is called."""
        return NOUNS[self.kind]

    @cached_property
    def reader(self) -> ImageReader:
        """Reads images by their place."""
        return ImageReader(self.names, self.directory)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(y, x) of the first image in px."""
        return self.reader.shape if len(self) else (1, 1)

    @property
    def large(self) -> bool:
        """Whether an image is so large that it takes time to read."""
        return max(self.shape) > _LARGE

    def pixel_size(self, row: int) -> float:
        """Å per pixel of one image; 1 where nothing says."""
        size = float(self.sizes[row]) if len(self.sizes) else 0.0
        return size if size > 0 else 1.0

    def row_in_file(self, row: int) -> int:
        """Return the number of an image's row in the file, from 0."""
        return row if self.places is None else int(self.places[row])

    def mask_in_file(self, chosen: np.ndarray) -> np.ndarray:
        """Return a choice of these images, (n,) bool, as one of all rows of the file."""
        if self.places is None:
            return chosen
        mask = np.zeros(self.listed, dtype=bool)
        mask[self.places[chosen]] = True
        return mask

    @property
    def has_ctf(self) -> bool:
        """Whether the images can be shown with their CTF taken into account."""
        return self.kind == "particles" and self.optics is not None and "rlnDefocusU" in self.optics

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return images as they are in the file, float32 (n, y, x)."""
        return self.reader.read(np.asarray(rows, dtype=np.int64))

    def ctf(self, rows: np.ndarray) -> ImageCtf | None:
        """Return the CTF of particles (of the first one's optics group), ``None`` if it is not known."""
        if not self.has_ctf or self.optics is None:
            return None
        part = self.optics.rows(np.asarray(rows, dtype=np.int64))
        values = [
            float(part.column(label)[0]) for label in ("rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast")
        ]
        optics = Optics(values[0], values[1], values[2], self.pixel_size(int(rows[0])))
        columns = [np.asarray(part.column(f"rlnDefocus{which}"), dtype=np.float64) for which in ("U", "V", "Angle")]
        shift = part.column("rlnPhaseShift") if "rlnPhaseShift" in part else np.zeros(len(rows))
        return ImageCtf(optics, *columns, np.asarray(shift, dtype=np.float64))

    def thumbnails(self, rows: np.ndarray, look: ImageLook, *, pixels: int = 128) -> np.ndarray:
        """Return images as uint8 (n, y, x) for the screen, shrunk to not less than ``pixels`` where they are larger."""
        diameter = 0.95 if self.kind == "classes" else 1.0
        if self.large and len(rows):
            return np.concatenate([greys(self._large(int(row), look, pixels), look) for row in rows])
        images, size = self.images(rows), self.pixel_size(int(rows[0]))
        ctf = self.ctf(rows) if look.view in ("flipped", "multiplied") else None
        return greys(binned(seen(images, look, pixel_size=size, ctf=ctf), pixels)[0], look, diameter=diameter)

    def _large(self, row: int, look: ImageLook, pixels: int) -> np.ndarray:
        """Return a large image (1, y, x), shrunk before it is filtered: a low-pass filter of 4096² px takes a second."""
        power = look.view == "power"
        key = (row, max(self.shape) // pixels, power)
        if key not in self.shrunk:
            image = self.images(np.array([row]))
            self.shrunk[key] = binned(power_spectra(image) if power else image, pixels)
            while len(self.shrunk) > _KEPT:
                self.shrunk.pop(next(iter(self.shrunk)))
        small, factor = self.shrunk[key]
        return small if power else seen(small, look, pixel_size=self.pixel_size(row) * factor)

    def mean_and_deviation(self, rows: np.ndarray, *, most: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation, each (y, x), of these images; of very many, of ``most`` spread evenly."""
        rows = np.sort(np.asarray(rows, dtype=np.int64))
        if not len(rows):
            raise InputError(f"No {self.noun} is chosen: choose those whose average is wanted.")
        if len(rows) > most:
            rows = rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
        batch = max(1, (1 << 24) // (self.shape[0] * self.shape[1]))
        total, squares = np.zeros(self.shape), np.zeros(self.shape)
        for start in range(0, len(rows), batch):
            part = self.images(rows[start : start + batch])
            total += part.sum(axis=0, dtype=np.float64)
            squares += np.einsum("nyx,nyx->yx", part, part, dtype=np.float64)
        mean = total / len(rows)
        return mean.astype(np.float32), np.sqrt(np.maximum(squares / len(rows) - mean**2, 0)).astype(np.float32)

    def rows(self, chosen: np.ndarray) -> ImageSet:
        """Return some of the images, in this order."""
        index = np.flatnonzero(chosen) if np.asarray(chosen).dtype == bool else np.asarray(chosen, dtype=np.int64)
        return replace(
            self,
            table=self.table.rows(index),
            names=tuple(self.names[row] for row in index.tolist()),
            optics=None if self.optics is None else self.optics.rows(index),
            sizes=self.sizes[index] if len(self.sizes) else self.sizes,
            places=index if self.places is None else self.places[index],
            listed=self.listed or len(self),
            shrunk={},
        )


def read_image_set(source: str | Path) -> ImageSet:
    """Return the images of a STAR file, a stack, a folder of images or a job directory; see the module.

    Raises InputError if it holds none.
    """
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path} does not exist (looked in {Path.cwd()}): give a STAR file, a stack or a folder.")
    if path.is_dir():
        return _of_folder(path)
    if not path.name.removesuffix(".gz").endswith(".star"):
        return _of_stack(path)
    if lists_particles(path):
        with suppress(StarError):  # read once for all that is linked to it
            return set_of_particles(particle_list(path), path)
    tables = read_star(path)
    if "model_classes" in tables:
        return _of_model(path, tables)
    return set_of_tables(tables, path)


def lists_particles(path: Path) -> bool:
    """Say whether a STAR file is a list of particles by its name, as jobs write them."""
    return path.name.startswith("particles") or "_data.star" in path.name


def set_of_tables(tables: dict[str, Table], source: Path) -> ImageSet:
    """Return the images that the tables of a STAR file name; InputError if they name none."""
    table = max(tables.values(), key=lambda one: (_names_images(one), len(one)), default=None)
    if table is None or not _names_images(table):
        raise InputError(
            f"{source} names no images: expected a column rlnImageName, rlnMicrographName or rlnReferenceImage."
        )
    if "rlnImageName" in table and len(table):
        data = read_particles(source) if "optics" not in tables else Particles(tables["optics"], _grouped(table))
        return set_of_particles(data, source)
    label, kind = (
        ("rlnReferenceImage", "classes") if "rlnReferenceImage" in table else ("rlnMicrographName", "micrographs")
    )
    names = tuple(table[label].tolist())
    found = _directory(names, source)
    size = open_image((found / names[0].rpartition("@")[2]).as_posix()).header.pixel_size if names else None
    return ImageSet(kind, table, names, found, source, None, np.full(len(names), size or 0.0))  # type: ignore[arg-type]


def set_of_particles(data: Particles, source: Path) -> ImageSet:
    """Return the images of particles that were read from a STAR file."""
    names = tuple(data.particles["rlnImageName"].tolist())
    sizes = data.row_pixel_sizes if "rlnImagePixelSize" in data.optics else np.zeros(len(names))
    return ImageSet("particles", data.particles, names, _directory(names, source), source, data, sizes)


def _grouped(table: Table) -> Table:
    return table if "rlnOpticsGroup" in table else table.with_columns(rlnOpticsGroup=1)


def _names_images(table: Table) -> int:
    """Return 2 for images of particles or classes, 1 for a list of micrographs, 0 for neither."""
    if "rlnImageName" in table or "rlnReferenceImage" in table:
        return 2
    names = table.get("rlnMicrographName")
    return int(names is not None and len(names) > 0 and "rlnCoordinateX" not in table)


def _directory(names: tuple[str, ...], source: Path) -> Path:
    """Return the folder from which the names are true: the project's, as the first file tells."""
    if not names:
        return source.parent
    name = names[0].rpartition("@")[2]
    place = find_file(name, source)
    whole = place.as_posix()
    return Path(whole.removesuffix(name) or ".") if whole.endswith(name) else place.parent


def _of_model(path: Path, tables: dict[str, Table]) -> ImageSet:
    """Return the classes of a model file, with the number of particles of each."""
    classes = tables["model_classes"]
    names = tuple(classes["rlnReferenceImage"].tolist())
    general = tables["model_general"]
    if int(general.value("rlnReferenceDimensionality")) == 3:
        raise InputError(f"{path} describes maps, not images: look at them with show_map or reference_maps.")
    columns: dict[str, object] = {"rlnClassNumber": np.arange(1, len(names) + 1)}
    counts = class_counts(path, len(names))
    if (counts >= 0).all():
        columns["rlnParticleNumber"] = counts
    table = Table(
        {**columns, **{label: classes[label] for label in classes.labels if label not in columns}}, name="model_classes"
    )
    sizes = np.full(len(names), float(general.value("rlnPixelSize")))
    return ImageSet("classes", table, names, _directory(names, path), path, None, sizes)


def _of_stack(path: Path) -> ImageSet:
    header = read_header(path)
    count = header.count if header.is_stack else open_image(path).frames
    names = tuple(format_image_name(index, path.name) for index in range(count))
    table = Table({"rlnImageName": list(names)}, name="images")
    return ImageSet("images", table, names, path.parent, path, None, np.full(count, header.pixel_size or 0.0))


def _of_folder(path: Path) -> ImageSet:
    """Return what a job made, or the images that lie in a folder, each stack by its first image."""
    if list(path.glob("run_it*_model.star")):
        return read_image_set(latest_model(path))
    for name in _JOB_LISTS:
        if (path / name).exists():
            return read_image_set(path / name)
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS and file.is_file())
    if not files:
        raise InputError(f"{path} holds no images: expected a job directory, or files ending in {', '.join(ENDINGS)}.")
    names = tuple(file.name if open_image(file).frames == 1 else format_image_name(0, file.name) for file in files)
    table = Table({"rlnMicrographName": list(names)}, name="micrographs")
    size = read_header(files[0]).pixel_size
    return ImageSet("micrographs", table, names, path, path, None, np.full(len(names), size or 0.0))
