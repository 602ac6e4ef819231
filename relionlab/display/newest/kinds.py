"""Which files say that a micrograph is done, which numbers they hold, and how its result is shown; a kind for each job type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from relionlab.display.picture import Picture


@dataclass(frozen=True)
class MicrographResult:
    """What is shown of one micrograph.

    caption  its numbers in words
    image    PNG, b"" for none
    chart    a picture beside it, ``None`` for none
    alt      what the image shows, for those who cannot see it
    """

    caption: str
    image: bytes = b""
    chart: Picture | None = None
    alt: str = ""


@dataclass(frozen=True)
class Statistic:
    """A number of every micrograph whose distribution is drawn.

    column  its name among the values that a kind reads
    title   of the histogram
    label   of the axis, with the unit
    pooled  whether each micrograph has many values (figures of merit of its picks)
    """

    column: str
    title: str
    label: str
    pooled: bool = False


@dataclass(frozen=True)
class MicrographKind:
    """How a job type's results are found and read.

    what        "movies", "micrographs"
    ending      of the file that is written last for each
    statistics  what is drawn of all of them
    module      below :mod:`relionlab.display.newest`, with functions ``values(path)`` and ``result(path)``
    beside      (width, height) of a histogram where they stand beside the picture, one below the other; ``None``: in a row
    """

    what: str
    ending: str
    statistics: tuple[Statistic, ...]
    module: str
    beside: tuple[int, int] | None = None

    def values(self, path: Path) -> dict[str, np.ndarray]:
        """Return the numbers of one micrograph: column -> (n,), of a single number (1,)."""
        return self._function("values")(path)

    def result(self, path: Path) -> MicrographResult:
        """Return what is shown of one micrograph."""
        return self._function("result")(path)

    def is_result(self, path: Path) -> bool:
        """Say whether a file below the job is a micrograph's result."""
        return path.name.endswith(self.ending)

    def _function(self, name: str) -> Callable:
        return getattr(import_module(f"relionlab.display.newest.{self.module}"), name)


_PICKS = (
    Statistic("count", "Picks per micrograph", "Picks"),
    Statistic("fom", "Figures of merit", "Figure of merit", pooled=True),
    Statistic("mean", "Mean figure of merit", "Mean of a micrograph"),
)
KINDS: dict[str, MicrographKind] = {
    "MotionCorr": MicrographKind(
        "movies",
        ".star",
        (
            Statistic("way", "Total motion", "Motion (px)"),
            Statistic("early", "Motion in the first quarter", "Motion (px)"),
            Statistic("drift", "From first to last frame", "Distance (px)"),
        ),
        "motion",
    ),
    "CtfFind": MicrographKind(
        "micrographs",
        "_ctffind4.log",
        (
            Statistic("limit", "Resolution of the fit", "Rings fit to (Å)"),
            Statistic("defocus", "Defocus", "Mean defocus (µm)"),
            Statistic("astigmatism", "Astigmatism", "U − V (Å)"),
        ),
        "ctf",
    ),
    "AutoPick": MicrographKind("micrographs", "_autopick.star", _PICKS, "picks", (420, 170)),
    "ManualPick": MicrographKind("micrographs", "_manualpick.star", _PICKS[:1], "picks", (420, 230)),
    "Extract": MicrographKind(
        "micrographs",
        ".mrcs",
        (Statistic("count", "Particles per micrograph", "Particles"),),
        "particles",
        (270, 230),
    ),
}
"""Folder of the job type -> its kind."""
