"""How the columns of a particle table are distributed: defocus, offsets, certainty, class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.histograms import histogram
from relionlab.display.picture import Picture
from relionlab.display.results import data_file, latest_model
from relionlab.display.style import grid
from relionlab.display.words import many
from relionlab.errors import StarError
from relionlab.io.star import read_star
from relionlab.io.table import Table

BARS = 40
"""About so many bars have a histogram."""


def distributions(source: Table | str | Path) -> Picture:
    """Draw how defocus, astigmatism, offsets, angles and certainty of the particles are distributed.

    source  a particle table, a STAR file that holds one, or a job directory (its last iteration)
    """
    particles = particles_of(source)
    panels = [element for quantity in _QUANTITIES if (element := _panel(particles, *quantity)) is not None]
    if not panels:
        raise StarError(
            f"{_name(source)} has none of the columns that could be drawn ({', '.join(label for _, label, _, _ in _QUANTITIES)}); "
            f"it has {', '.join(particles.labels)}."
        )
    return Picture(
        grid(panels),
        "Particles",
        f"{many(len(particles), 'particle')}. Bars count particles; look for separate peaks and long tails.",
    )


def particles_of(source: Table | str | Path) -> Table:
    """Return the particle table of a STAR file or of a job directory's last iteration."""
    if isinstance(source, Table):
        return source
    path = Path(source)
    if path.is_dir():
        path = data_file(latest_model(path)) or path / "particles.star"
    tables = read_star(path)
    for name in ("particles", "micrographs", "movies", ""):
        if name in tables:
            return tables[name]
    raise StarError(f"{path} holds no table of particles or micrographs, but {', '.join(tables) or 'nothing'}.")


def _defocus(table: Table) -> np.ndarray:
    return (_floats(table, "rlnDefocusU") + _floats(table, "rlnDefocusV")) / 2e4


def _astigmatism(table: Table) -> np.ndarray:
    return np.abs(_floats(table, "rlnDefocusU") - _floats(table, "rlnDefocusV"))


def _offset(table: Table) -> np.ndarray:
    return np.hypot(_floats(table, "rlnOriginXAngst"), _floats(table, "rlnOriginYAngst"))


def _column(label: str) -> Any:
    return lambda table: _floats(table, label)


# title, column that must be there, axis, values
_QUANTITIES: tuple[tuple[str, str, tuple[str, str], Any], ...] = (
    ("Defocus", "rlnDefocusV", ("defocus", "Defocus, mean of U and V (µm underfocus)"), _defocus),
    ("Astigmatism", "rlnDefocusV", ("astigmatism", "|Defocus U − V| (Å)"), _astigmatism),
    ("Offset", "rlnOriginYAngst", ("offset", "Distance from the box centre (Å)"), _offset),
    ("In-plane angle", "rlnAnglePsi", ("psi", "Psi (°)"), _column("rlnAnglePsi")),
    (
        "Certainty",
        "rlnMaxValueProbDistribution",
        ("pmax", "Largest posterior probability"),
        _column("rlnMaxValueProbDistribution"),
    ),
    ("Norm correction", "rlnNormCorrection", ("norm", "Norm correction"), _column("rlnNormCorrection")),
    ("CTF fit", "rlnCtfMaxResolution", ("ctf", "Resolution of the CTF fit (Å)"), _column("rlnCtfMaxResolution")),
    (
        "Picking",
        "rlnAutopickFigureOfMerit",
        ("fom", "Figure of merit of the picking"),
        _column("rlnAutopickFigureOfMerit"),
    ),
)


def _panel(table: Table, title: str, needs: str, dim: tuple[str, str], values: Any) -> Any:
    if needs not in table:
        return None
    drawn = values(table)
    finite = drawn[np.isfinite(drawn)]
    if finite.size == 0 or np.ptp(finite) == 0:
        return None
    return histogram(finite, dim, "Particles", title=title, edges=_edges(finite, dim[0]))


def _edges(values: np.ndarray, name: str) -> np.ndarray:
    """Return the edges of the bars; on a search grid each holds equally many of its points.

    In-plane angles are searched in even steps. Bars of any other width hold now one, now two of them, and look like
    preferred angles.
    """
    if name == "pmax":
        return np.linspace(0.0, 1.0, BARS + 1)
    low, high = float(values.min()), float(values.max())
    points = np.unique(np.round(values, 3))
    if len(points) < 3 or len(points) > len(values) / 2:
        return np.linspace(low, high, BARS + 1)
    step = float(np.median(np.diff(points)))
    places = (points - low) / step
    if np.abs(places - np.round(places)).max() > 0.05:
        return np.linspace(low, high, BARS + 1)
    each = max(1, round((high - low) / step / BARS))
    count = int(np.ceil((round((high - low) / step) + 1) / each))
    return low - step / 2 + each * step * np.arange(count + 1)


def _floats(table: Table, label: str) -> np.ndarray:
    return np.asarray(table[label], dtype=np.float64)


def _name(source: object) -> str:
    return str(source) if isinstance(source, str | Path) else "The table"
