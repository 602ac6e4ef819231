"""What an Import brought into the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.errors import NodeError, StarError
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star
from relionlab.io.star_columns import read_columns
from relionlab.workflows.outcome import Number, Outcome, Shown
from relionlab.workflows.outcomes.place import Place

_LISTS = (
    ("movies", "rlnMicrographMovieName", ("rlnMicrographOriginalPixelSize",)),
    ("particles", "rlnImageName", ("rlnImagePixelSize",)),
    ("micrographs", "rlnMicrographName", ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")),
)
"""What a list holds, the column that tells it, and where its pixel size stands."""


def imported(place: Place) -> Outcome:
    """Judge an Import: what it brought, and whether the first and the last file are there."""
    stars = [path for path in place.path.glob("*.star*") if not path.name.startswith(("job", "default", "RELION", "."))]
    for star in stars:
        found = _list(place, star)
        if found is not None:
            return found
    others = [place.project / path for path in place.outputs() if (place.project / path).exists()]
    if not others:
        raise NodeError("The job left no list and no file: expected movies.star, micrographs.star or a copied file.")
    return _file(others[0])


def _list(place: Place, star: Path) -> Outcome | None:
    for what, label, pixel_labels in _LISTS:
        try:
            names = read_columns(star, label)[label]
        except StarError:
            continue
        optics = read_star(star).get("optics") if len(names) < 20_000 else read_particles(star).optics
        numbers = [Number(what.capitalize(), len(names))]
        for title, labels, unit in (
            ("Pixel size", pixel_labels, "Å"),
            ("Voltage", ("rlnVoltage",), "kV"),
            ("Box", ("rlnImageSize",), "px"),
        ):
            known = [one for one in labels if optics is not None and one in optics]
            if known and optics is not None and len(np.unique(optics[known[0]])) == 1:
                numbers.append(Number(title, float(optics[known[0]][0]), unit))
        return _of_names(place, names, what, tuple(numbers), star)
    return None


def _of_names(place: Place, names: np.ndarray, what: str, numbers: tuple[Number, ...], star: Path) -> Outcome:
    headline = f"{len(names):,} {what}"
    pictures = (Shown("The list", lambda: _table(star)),)
    if not len(names):
        advice = "Look whether the wildcard in 'Raw input files' matches your files, from the project folder."
        return Outcome(f"No {what}", numbers, "bad", "The list is empty: nothing was imported.", advice)
    ends = [str(names[0]).partition("@")[2] or str(names[0]), str(names[-1]).partition("@")[2] or str(names[-1])]
    lost = [name for name in ends if not (place.project / name).exists()]
    if lost:
        advice = "Copy or link the images so that this name leads to them from the project folder."
        reason = f"{lost[0]} is in the list, but not on the disk."
        return Outcome(headline, numbers, "doubtful", reason, advice, pictures)
    advice = (
        ""
        if what != "movies"
        else "Check pixel size, voltage and spherical aberration: all that follows rests on them."
    )
    return Outcome(
        headline,
        numbers,
        "good",
        f"All {what} are listed, the first and the last are where the list says.",
        advice,
        pictures,
    )


def _file(path: Path) -> Outcome:
    from relionlab.display.show import show

    size = path.stat().st_size
    return Outcome(
        path.name,
        (Number("Size", size / 1e6, "MB"),),
        "good" if size else "bad",
        f"{path.name} was copied into the project." if size else f"{path.name} is empty.",
        pictures=(Shown(path.name, lambda: show(path)),),
    )


def _table(star: Path) -> object:
    from relionlab.display.tables import star_table

    return star_table(star)
