"""What belongs to an image, one click away: class, its particles, their micrograph, its CTF, and back.

open_particles_of_class("Class2D/job010/run_it025_model.star", [3], opener=opener)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.display.words import many
from relionlab.errors import NodeError
from relionlab.widgets.parts.opening import Opener
from relionlab.workflows import links as find

Links = dict[str, tuple[str, str, Callable[[], Any]]]


@dataclass(frozen=True)
class LinkedRow:
    """A row of a list that leads somewhere.

    kind    what the rows are: "classes", "particles" or "micrographs"
    star    the list
    row     returns the number, from 0, of the row in the file that is looked at; raises ParameterError if none is
    opener  where things are opened
    """

    kind: str
    star: Path
    row: Callable[[], int]
    opener: Opener

    def links(self) -> Links:
        """Return what the row leads to: name -> words, tip, method."""
        kinds = {"classes": self._of_class, "particles": self._of_particle, "micrographs": self._of_micrograph}
        return kinds[self.kind]() if self.kind in kinds else {}

    def _of_class(self) -> Links:
        def particles() -> Any:
            return open_particles_of_class(self.star, [self.row() + 1], opener=self.opener)

        return {"particles": ("Particles", "The particles of the class clicked last", particles)}

    def _of_particle(self) -> Links:
        def ctf() -> Any:
            name = find.micrograph_of_particle(self.star, self.row()).name
            return open_ctf(name, near=self.star, opener=self.opener)

        return {
            "micrograph": (
                "Micrograph",
                "The micrograph of the particle clicked last, with the particle marked",
                lambda: open_micrograph_of_particle(self.star, self.row(), opener=self.opener),
            ),
            "ctf": ("CTF", "Thon rings and fit of the micrograph of the particle clicked last", ctf),
            "class": (
                "Class",
                "The class average to which the particle clicked last belongs",
                lambda: open_class_of_particle(self.star, self.row(), opener=self.opener),
            ),
        }

    def _of_micrograph(self) -> Links:
        def name() -> str:
            return str(find.rows_of(self.star)[find.MICROGRAPH][self.row()])

        near: dict[str, Any] = {"near": self.star, "opener": self.opener}
        return {
            "micrograph": (
                "Micrograph",
                "The micrograph clicked last, with the particles of the newest list",
                lambda: open_micrograph(name(), **near),
            ),
            "ctf": ("CTF", "Thon rings and fit of the micrograph clicked last", lambda: open_ctf(name(), **near)),
            "particles": (
                "Particles",
                "The particles of the micrograph clicked last",
                lambda: open_particles_of_micrograph(name(), **near),
            ),
        }


# --- opening --------------------------------------------------------------------------------------------------------


def open_particles_of_class(model: str | Path, numbers: Iterable[int], *, opener: Opener) -> w.Widget:
    """Open the particles of these classes (numbers from 1), of the model file's own iteration."""
    wanted = sorted({int(number) for number in numbers})
    found = find.particles_of_class(model, wanted)
    if not len(found.rows):
        raise NodeError(f"No particle fits {_classes(wanted)} best: there are none to show.")
    return _open_rows(f"Particles of {_classes(wanted)}", found, opener=opener)


def open_particles_of_micrograph(micrograph: str, *, near: str | Path, opener: Opener) -> w.Widget:
    """Open the particles of a micrograph, of ``near`` or of the newest list of the project."""
    found = find.particles_of_micrograph(micrograph, near=near)
    return _open_rows(f"Particles of {Path(micrograph).name}", found, opener=opener)


def open_micrograph_of_particle(star: str | Path, row: int, *, opener: Opener) -> w.Widget:
    """Open the micrograph of a particle of a list (row from 0), the particle marked among the others of the list."""
    place = find.micrograph_of_particle(star, row)
    return _open_micrograph(place.name, near=Path(star), marked=row, opener=opener)


def open_micrograph(micrograph: str, *, near: str | Path, opener: Opener) -> w.Widget:
    """Open a micrograph with the particles that the project has of it."""
    return _open_micrograph(micrograph, near=Path(near), marked=None, opener=opener)


def open_ctf(micrograph: str, *, near: str | Path, opener: Opener) -> w.Widget:
    """Open Thon rings beside their model, profile and numbers of a micrograph's CTF."""
    found = find.ctf_of_micrograph(micrograph, near=near)

    def made() -> w.Widget:
        from relionlab.widgets.gallery.ctf_card import CtfCard

        return CtfCard(found.star, int(found.rows[0]), opener=opener)

    return opener.open(f"CTF of {Path(micrograph).name}", made)


def open_class_of_particle(star: str | Path, row: int, *, opener: Opener) -> w.Widget:
    """Open the classes among which a particle (row from 0) was sorted, its own one marked."""
    found = find.class_of_particle(star, row)
    if found.model is None:
        raise NodeError(f"The particle is in class {found.number}, but the classification is not in this project.")
    model = found.model

    def made() -> w.Widget:
        from relionlab.widgets.gallery.image_gallery import ImageGallery

        gallery = ImageGallery(model, opener=opener)
        gallery.choice.look_at(found.number - 1)
        return gallery

    return opener.open(f"Class {found.number} in {model.parent.name}", made)


def _open_rows(title: str, found: find.FoundRows, *, opener: Opener) -> w.Widget:
    def made() -> w.Widget:
        from relionlab.display.image_set import ImageSet, set_of_particles
        from relionlab.widgets.gallery.image_gallery import ImageGallery

        images: ImageSet = set_of_particles(find.particle_list(found.star), found.star)
        return ImageGallery(images.rows(found.rows), opener=opener)

    return opener.open(f"{title} ({many(len(found.rows), 'particle')})", made)


def _open_micrograph(name: str, *, near: Path, marked: int | None, opener: Opener) -> w.Widget:
    project = find.project_of(near)
    file = (project.directory if project is not None else Path.cwd()) / name
    if not file.exists():
        raise NodeError(f"{file} does not exist: the micrograph was moved or removed; put it back to look at it.")

    def made() -> w.Widget:
        from relionlab.widgets.gallery.micrograph_card import MicrographCard

        return MicrographCard(name, file=file, near=near, marked=marked, opener=opener)

    which = " and the particle" if marked is not None else ""
    return opener.open(f"Micrograph {Path(name).name}{which}", made)


def _classes(numbers: list[int]) -> str:
    from relionlab.workflows.selections import ranges

    return f"class {numbers[0]}" if len(numbers) == 1 else f"classes {ranges(numbers)}"
