"""How much a job will have to do, reckoned from the headers of its inputs: nothing is computed, no table is read whole.

Each stage declares the work of its jobs beside them, in ``jobs/<stage>/cost.py``: a function from a job and the
:class:`Facts` of its inputs to a :class:`Work`. Time is counted in seconds of one reference core; what a machine makes
of it is measured (:mod:`relionlab.workflows.cost`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from relionlab.errors import ImageError, InputError, NodeError
from relionlab.io.image_names import parse_image_name
from relionlab.io.images import read_header
from relionlab.io.movies import open_movie
from relionlab.io.star_head import StarHead, star_heads
from relionlab.jobs.base import Job
from relionlab.jobs.context import PlainContext
from relionlab.settings import Settings, settings

PROGRAM = 201 << 20
"""Bytes that the process of a job holds once its modules are loaded."""
DRAWN = 430 << 20
"""Bytes that it has held at the end at the least, where it draws pictures of its results."""

_PLACES = {
    "relion.motioncorr": "relionlab.jobs.motion.cost:motion_correction",
    "relion.ctffind": "relionlab.jobs.ctf.cost:ctf_estimation",
    "relion.autopick": "relionlab.jobs.picking.cost:picking",
    "relion.extract": "relionlab.jobs.extraction.cost:extraction",
    "relion.class2d": "relionlab.jobs.refinement.cost:classification2d",
    "relion.initialmodel": "relionlab.jobs.refinement.cost3d:initial_model",
    "relion.class3d": "relionlab.jobs.refinement.cost3d:classification3d",
    "relion.refine3d": "relionlab.jobs.refinement.cost3d:refinement3d",
    "relion.maskcreate": "relionlab.jobs.maps.cost:mask",
    "relion.postprocess": "relionlab.jobs.maps.cost:postprocessing",
    "relion.localres": "relionlab.jobs.maps.cost:local_resolution",
    "relion.import": "relionlab.jobs.importing.cost:importing",
    "relion.select": "relionlab.jobs.selecting.cost:selection",
    "relion.sort": "relionlab.jobs.selecting.cost:sorting",
    "relion.joinstar": "relionlab.jobs.star.cost:joining",
}


@dataclass(frozen=True)
class Work:
    """What a job will do.

    shared    seconds of one reference core that are divided among the workers
    alone     seconds that only one core spends: start, lists, reconstruction, pictures
    workers   that work side by side, if memory allows
    memory    bytes at the peak; ``None``: not known
    disk      bytes that will be written; ``None``: not known
    spread    (least, most) times the time, where the data decide how long it goes on
    words     on what the time depends, as "10–20 iterations, until it converges"
    doubt     why it will not do, in a sentence; "" if nothing is known against it
    draws     whether pictures are drawn at the end
    """

    shared: float
    alone: float
    workers: int = 1
    memory: int | None = None
    disk: int | None = None
    spread: tuple[float, float] = (1.0, 1.0)
    words: str = ""
    doubt: str = ""
    draws: bool = True

    @property
    def peak(self) -> int | None:
        """Bytes at the peak, the drawing of pictures included."""
        return max(self.memory, DRAWN) if self.draws and self.memory is not None else self.memory

    def seconds(self, speed: float) -> float:
        """Return the time on a machine whose cores have this speed, 1 for the reference core."""
        return (self.shared / max(self.workers, 1) + self.alone) / speed


@dataclass(frozen=True)
class ImageFacts:
    """What is known of a list of particles or micrographs.

    count       how many
    shape       (y, x) in px of the first
    pixel_size  Å; ``None``: not said
    columns     of the list
    frames      of a movie; 1 for images
    """

    count: int
    shape: tuple[int, int]
    pixel_size: float | None
    columns: tuple[str, ...] = ()
    frames: int = 1

    @property
    def pixels(self) -> int:
        """Pixels of one image."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class Facts:
    """Looks at the inputs of a job.

    directory  the project
    settings   where and how it will be computed
    """

    directory: Path
    settings: Settings = field(default_factory=settings)

    @property
    def context(self) -> PlainContext:
        """A context for what planners ask of one."""
        return PlainContext(self.directory, self.settings, quiet=True)

    def particles(self, path: str) -> ImageFacts:
        """Return how many particles a STAR file lists, and their box."""
        return self._images(path, "rlnImageName", ("rlnImagePixelSize",))

    def micrographs(self, path: str) -> ImageFacts:
        """Return how many micrographs a STAR file lists, and their size."""
        return self._images(path, "rlnMicrographName", ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"))

    def movies(self, path: str) -> ImageFacts:
        """Return how many movies a STAR file lists, their size and frames."""
        head, optics = self._list(path, "rlnMicrographMovieName")
        place = self.directory / head.first["rlnMicrographMovieName"]
        shape, frames = _movie(str(place), _changed(place))
        size = optics.number("rlnMicrographOriginalPixelSize") if optics else None
        return ImageFacts(head.rows, shape, size, head.labels, frames)

    def map(self, path: str) -> tuple[int, float]:
        """Return box (px) and pixel size (Å) of a map."""
        header = read_header(self._there(path))
        return int(header.shape[-1]), float(header.pixel_size or 1.0)

    def workers(self, count: int, *, threads: int, each: int) -> tuple[int, str]:
        """Return how many workers start for so many micrographs, and why they do not fit into the memory, or ""."""
        from relionlab.engine.memory import available_memory

        wanted = min(self.settings.workers or threads or self.settings.cores(), max(count, 1))
        limit = int(self.settings.memory_gigabytes * 2**30) or int(0.9 * available_memory())
        fitting = limit // each if each else wanted
        if fitting < 1:
            return 1, f"One micrograph needs {each / 2**30:.1f} GB, and {limit / 2**30:.1f} GB are free."
        return max(min(wanted, fitting), 1), ""

    def _images(self, path: str, label: str, sizes: tuple[str, ...]) -> ImageFacts:
        head, optics = self._list(path, label)
        place = self.directory / parse_image_name(head.first[label])[1]
        shape, told = _image(str(place), _changed(place))
        listed = [optics.number(size) for size in sizes] if optics else []
        size = next((one for one in listed if one), told)
        return ImageFacts(head.rows, shape, size, head.labels)

    def _list(self, path: str, label: str) -> tuple[StarHead, StarHead | None]:
        heads = star_heads(self._there(path))
        head = next((one for one in heads.values() if label in one.first), None)
        if head is None:
            raise InputError(f"{path} has no rows with {label}.")
        return head, heads.get("optics")

    def _there(self, path: str) -> Path:
        if not path:
            raise NodeError("no input is chosen yet")
        place = self.directory / path
        if not place.exists():
            raise NodeError(f"{path} is not there yet")
        return place


def work_of(job: Job, facts: Facts) -> Work | None:
    """Return what a job will do; ``None`` for job types of which nothing is declared (those that do not compute).

    Raises NodeError if an input is not chosen or not there yet, InputError (or one of its kinds) if it cannot be read.
    """
    place = _PLACES.get(type(job).type_label)
    if place is None:
        return None
    module, _, name = place.partition(":")
    declared: Callable[[Job, Facts], Work] = getattr(import_module(module), name)
    return declared(job, facts)


def _changed(place: Path) -> int:
    try:
        return place.stat().st_mtime_ns
    except OSError:
        raise ImageError(f"{place} does not exist.") from None


@lru_cache(maxsize=64)
def _image(place: str, _changed: int) -> tuple[tuple[int, int], float | None]:
    header = read_header(place)
    return (int(header.shape[-2]), int(header.shape[-1])), header.pixel_size


@lru_cache(maxsize=64)
def _movie(place: str, _changed: int) -> tuple[tuple[int, int], int]:
    with open_movie(place) as movie:
        return (int(movie.shape[0]), int(movie.shape[1])), movie.frames
