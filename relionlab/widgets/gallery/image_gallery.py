"""The gallery of any images: class averages, particles, micrographs, a stack or a folder.

gallery = ImageGallery("Extract/job009/particles.star")
gallery.sort("rlnCtfMaxResolution")
gallery.select_where("CtfMaxResolution < 5")
gallery.save()
"""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.column_words import value_with_unit
from relionlab.display.image_set import ImageSet, read_image_set
from relionlab.display.image_views import ImageLook, View, power_spectra
from relionlab.display.row_choice import RowChoice
from relionlab.display.words import many
from relionlab.errors import JobStateError, ParameterError, RelionlabError
from relionlab.project import JobDirectory, Project
from relionlab.widgets.gallery import linked
from relionlab.widgets.gallery.gallery_bar import GalleryBar
from relionlab.widgets.gallery.image_grid import ImageGrid
from relionlab.widgets.gallery.pictures import picture, pictures, row_card
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer, Opener, show_job
from relionlab.widgets.parts.watching import Watch
from relionlab.workflows.links import project_of
from relionlab.workflows.selections import save_selection

_CHOOSING = (  # name, button, its tip, entry of the right button's menu
    ("above", "All above", "Choose the image clicked last and all that are shown before it", "Select all above"),
    ("below", "All below", "Choose the image clicked last and all that are shown after it", "Select all below"),
    ("all", "All", "Choose all that are shown (Ctrl+A)", "Select all"),
    ("none", "None", "Choose none (Esc)", "Select none"),
    ("invert", "Invert", "Choose the others instead (i)", "Invert the selection"),
)
_TILES = {"micrographs": 224, "classes": 112}
_NONE = 999.0  # RELION's word for a resolution that is not known
_PLURAL = {"classes": "classes"}


class ImageGallery(w.VBox):
    """Images to look through and to choose from; only those in view are read.

    source   a STAR file, a stack, a folder, a job directory, or an image set
    project  where the choice is saved; found by itself if the file lies in a project
    opener   where linked things are opened; by default below the gallery
    choice   order and choice, if they are to be shared with a table of the same rows
    height   most of the screen that the images take, px
    """

    def __init__(
        self,
        source: ImageSet | JobDirectory | str | Path,
        *,
        project: Project | None = None,
        opener: Opener | None = None,
        choice: RowChoice | None = None,
        height: int = 410,
    ) -> None:
        if isinstance(source, JobDirectory):
            project, source = source.project, source.path
        self.images = source if isinstance(source, ImageSet) else read_image_set(source)
        self.choice = choice or RowChoice(self.images.table)
        self.project = project or project_of(self.images.source)
        self.saved: JobDirectory | None = None
        self.below: str | None = None
        drawer = Drawer()
        self.opener: Opener = opener or drawer
        self.message = Message()
        large = self.images.kind == "micrographs"
        self.grid = ImageGrid(
            self.images,
            self.choice,
            caption=self.caption,
            tile=_TILES.get(self.images.kind, 96),
            lines=2 if self.images.kind in ("classes", "micrographs") else 1,
            height=height,
        )
        self.actions = self._actions()
        self.grid.menu = self._menu()
        self.grid.do = self.do
        self.bar = GalleryBar(self, largest=480 if large else 256)
        self.bar.follow_order()
        self.grid.show(self.bar.look())
        self._count = w.HTML(layout=w.Layout(flex="1 1 auto"))
        made = partial(button, message=self.message, width="84px")
        choosing = [made(words, tip, partial(self.do, name)) for name, words, tip, _ in _CHOOSING]
        links = [
            made(words, tip, partial(self.do, name), width="108px") for name, (words, tip, _) in self.actions.items()
        ]
        tip = f"Keep the chosen {self._noun()}: a Select job"
        self._save = made("Save selection", tip, self.save, icon="check", style="primary", width="140px")
        can_save = self.project is not None and self.images.kind != "images"
        row = partial(w.HBox, layout=w.Layout(flex_flow="row wrap", align_items="center"))
        foot = row([*links, *([self._save] if can_save else [])])
        title = w.HTML(f'<span class="rl-title">{html.escape(self.title())}</span>')
        super().__init__(
            [style_sheet(), title, *self.bar.rows, row([*choosing, self._count]), self.grid, foot, self.message]
        )
        if opener is None:
            self.children = (*self.children, drawer)
        self.add_class("rl-gallery")
        self.choice.on_change(self._changed)
        self._counted()

    # --- what is chosen -------------------------------------------------------------------------------------------

    @property
    def selected(self) -> np.ndarray:
        """Rows of the chosen images, from 0, ascending."""
        return self.choice.rows

    def select(self, rows: Any) -> None:
        """Choose these rows (numbers from 0, or a mask), and no others."""
        self.choice.select(rows)

    def select_where(self, condition: str) -> None:
        """Choose all images whose row meets a condition, as "CtfMaxResolution < 5", and no others."""
        self.choice.select_where(condition)

    # --- how it is shown ------------------------------------------------------------------------------------------

    def sort(self, label: str | None, *, descending: bool = False) -> None:
        """Show the images in the order of a column; ``None``: of the file."""
        self.choice.sort(label, descending=descending)

    def filter(self, condition: str) -> None:
        """Show only images whose row meets a condition; "": all."""
        self.choice.filter(condition)

    def show_below(self, label: str | None) -> None:
        """Write the values of a column below the images; ``None``: what they are called."""
        self.below = label
        self.grid.refresh()

    def look(self, *, view: View = "image", sigma: float = 0.0, low_pass: float = 0.0, inverted: bool = False) -> None:
        """Show the images in another way; see :class:`relionlab.display.image_views.ImageLook`."""
        if view in ("flipped", "multiplied") and not self.images.has_ctf:
            raise ParameterError("The CTF of these images is not known: only particles with a defocus can be shown so.")
        if sigma < 0 or low_pass < 0:
            raise ParameterError("Contrast and low-pass are 0 (automatic, none) or more.")
        self.bar.follow_look(ImageLook(view, sigma, low_pass, inverted))
        self.grid.show(ImageLook(view, sigma, low_pass, inverted))

    def title(self) -> str:
        """Return what is shown, and of which file or job."""
        what = {"classes": "Class averages", "particles": "Particles", "micrographs": "Micrographs", "images": "Images"}
        source = self.images.source.absolute()
        where = source.name if self.project is None else self.project.relative(source)
        part = "" if self.images.places is None else f"{len(self.images):,} of {self.images.listed:,}, "
        return f"{what[self.images.kind]} · {part}{where}"

    def caption(self, row: int) -> str:
        """Return what stands below an image."""
        table = self.images.table
        if self.below is not None:
            return value_with_unit(self.below, table[self.below][row])
        if self.images.kind == "classes" and "rlnClassDistribution" in table:
            return _about_class(self.images, row)
        if self.images.kind == "micrographs":
            limit = f"fit to {table['rlnCtfMaxResolution'][row]:.1f} Å" if "rlnCtfMaxResolution" in table else ""
            defocus = f"{table['rlnDefocusU'][row] / 1e4:.2f} µm · " if "rlnDefocusU" in table else ""
            return f"{Path(self.images.names[row]).stem}\n{defocus}{limit}"
        return f"{self.images.row_in_file(row) + 1}"

    # --- what is opened -------------------------------------------------------------------------------------------

    def metadata(self) -> w.Widget:
        """Open all that the table knows of the image clicked last."""
        row = self.clicked()
        return self.opener.open(
            f"{self.images.noun.capitalize()} {self.images.row_in_file(row) + 1}",
            lambda: row_card(self.images.table, row),
        )

    def particles_of_chosen(self) -> w.Widget:
        """Open the particles of all chosen classes."""
        if not self.choice.count:
            raise ParameterError("No class is chosen: click those whose particles are wanted.")
        numbers = [self.images.row_in_file(row) + 1 for row in self.selected.tolist()]
        return linked.open_particles_of_class(self.images.source, numbers, opener=self.opener)

    def average(self) -> w.Widget:
        """Open mean and standard deviation of the chosen images, and their power spectrum."""
        rows = self.selected
        self.message.say(f"Averaging {many(len(rows), self.images.noun, _PLURAL.get(self.images.kind, ''))} …")
        mean, deviation = self.images.mean_and_deviation(rows)
        spectrum = power_spectra(mean[None])[0]
        words = many(len(rows), self.images.noun, _PLURAL.get(self.images.kind, ""))
        parts = [
            picture(mean, "Average"),
            picture(deviation, "Standard deviation"),
            picture(spectrum, "Power of the average"),
        ]
        return self.opener.open(f"Average of {words}", lambda: pictures(parts))

    def table(self) -> w.Widget:
        """Open the rows of these images as a table, with the same order and choice."""
        from relionlab.widgets.gallery.star_view import StarView

        tables = {self.images.table.name: self.images.table}
        if self.images.optics is not None:
            tables = {"optics": self.images.optics.optics, **tables}
        path = self.images.source if self.images.places is None and self.images.source.suffix == ".star" else None
        made = partial(StarView, tables, path=path, choice=self.choice, opener=self.opener)
        return self.opener.open(f"Table of {self.images.source.name}", made)

    def tools(self) -> w.Widget:
        """Open the image clicked last with the image tools: line profile, histogram, FFT, mask."""
        from relionlab.widgets.gallery.image_tools import ImageTools

        row = self.clicked()
        title = f"{self.images.noun.capitalize()} {self.images.row_in_file(row) + 1}"
        image, size = self.images.images(np.array([row]))[0], self.images.pixel_size(row)
        return self.opener.open(f"{title}: tools", lambda: ImageTools(image, pixel_size=size, name=title))

    def clicked(self) -> int:
        """Return the row of the image clicked last, else the first chosen one; ParameterError if there is none."""
        if self.choice.current is not None:
            return self.choice.current
        if self.choice.count:
            return int(self.selected[0])
        raise ParameterError(f"Click {'an' if self.images.noun[0] in 'aeiou' else 'a'} {self.images.noun} first.")

    # --- saving ---------------------------------------------------------------------------------------------------

    def save(self) -> JobDirectory:
        """Start a Select job that keeps what is chosen, and return its directory."""
        if self.project is None or self.images.kind == "images":
            raise JobStateError("These images do not come from a list of a project, so no Select job can be made.")
        chosen = self.images.mask_in_file(self.choice.chosen)
        self.saved = save_selection(
            self.project, self.images.source.absolute(), chosen, what=self.images.kind, how=self.choice.steps
        )
        self.message.say(f"Started as {self.saved.name} …")
        Watch(self._look_at_job, period=0.2)
        show_job(self.opener, self.saved)
        return self.saved

    # --- buttons, keys and menu -----------------------------------------------------------------------------------

    def do(self, name: str) -> None:
        """Do what a key or an entry of the menu means; what goes wrong is said below the images."""
        known: dict[str, Callable[[], Any]] = {
            "above": self.choice.select_above,
            "below": self.choice.select_below,
            "all": self.choice.select_all,
            "none": self.choice.clear,
            "invert": self.choice.invert,
        }
        name = next(iter(self.actions)) if name == "open" else name
        try:
            if name in known:
                known[name]()
            else:
                words, _, method = self.actions[name]
                self.message.say(f"Opening {words.lower()} …")
                method()
            self.message.say("")
        except RelionlabError as error:
            self.message.say(str(error), wrong=True)

    def _actions(self) -> dict[str, tuple[str, str, Callable[[], Any]]]:
        """Return what can be opened from an image: name -> words, tip, method; the first one is Enter's."""
        leads = self.images.source.suffix != ".mrcs" and self.images.source.is_file()
        row = linked.LinkedRow(
            self.images.kind if leads else "images",
            self.images.source,
            lambda: self.images.row_in_file(self.clicked()),
            self.opener,
        )
        own = row.links()
        if self.images.kind == "classes":
            own["kept"] = ("Of all chosen", "The particles of all chosen classes together", self.particles_of_chosen)
        if self.images.kind != "micrographs":
            own["average"] = ("Average", "Mean and standard deviation of the chosen images", self.average)
        own["metadata"] = ("Metadata", "All that the table knows of the image clicked last", self.metadata)
        own["table"] = ("Table", "The same rows as a table and a plot", self.table)
        own["tools"] = ("Image tools", "Line profile, histogram, FFT and mask of the image clicked last", self.tools)
        return own

    def _menu(self) -> list[list[str]]:
        choosing = [[name, entry] for name, _, _, entry in _CHOOSING]
        return [*choosing, ["", ""], *([name, words] for name, (words, _, _) in self.actions.items())]

    def _noun(self) -> str:
        return _PLURAL.get(self.images.kind, f"{self.images.noun}s")

    def _changed(self, change: str) -> None:
        if change == "shown":
            self.bar.follow_order()
        if change in ("chosen", "shown"):
            self._counted()

    def _counted(self) -> None:
        count, total = self.choice.count, len(self.images)
        words = f"<b>{count:,}</b> of {total:,} {self._noun()} chosen ({100 * count / max(total, 1):.1f} %)"
        table = self.images.table
        if self.images.kind == "classes" and "rlnParticleNumber" in table:
            held, every = (
                int(table["rlnParticleNumber"][self.choice.chosen].sum()),
                int(table["rlnParticleNumber"].sum()),
            )
            words += f" · <b>{held:,}</b> of {every:,} particles ({100 * held / max(every, 1):.1f} %)"
        if len(self.choice.shown) < total:
            words += f" · {len(self.choice.shown):,} shown"
        self._count.value = f'<span class="rl-count" aria-live="polite">{words}</span>'
        self._save.disabled = not count

    def _look_at_job(self) -> bool:
        assert self.saved is not None
        if self.saved.state in ("running", "scheduled"):
            return True
        self.message.say_end(self.saved)
        return False


def _about_class(images: ImageSet, row: int) -> str:
    table = images.table
    count = f" · {table['rlnParticleNumber'][row]:,}" if "rlnParticleNumber" in table else ""
    limit = float(table["rlnEstimatedResolution"][row]) if "rlnEstimatedResolution" in table else np.inf
    resolution = f" · {limit:.1f} Å" if limit < _NONE else ""
    return f"{images.row_in_file(row) + 1}{count}\n{100 * table['rlnClassDistribution'][row]:.1f} %{resolution}"
