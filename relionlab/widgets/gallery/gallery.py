"""The gallery in which classes are chosen by clicking, and the choice is saved as a Select job.

gallery = ClassGallery(project.job("Class2D/job003"))
gallery.selected, gallery.particles
gallery.save()
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.results import ClassAverages, read_class_averages
from relionlab.errors import JobStateError, ParameterError
from relionlab.project import JobDirectory, Project
from relionlab.widgets.gallery.class_grid import ClassGrid
from relionlab.widgets.gallery.image_gallery import ImageGallery
from relionlab.widgets.gallery.linked import open_particles_of_class
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer, Opener, show_job
from relionlab.widgets.parts.watching import Watch
from relionlab.workflows.outcomes.classes import good_classes
from relionlab.workflows.selections import ranges
from relionlab.workflows.stages import done_before

_ORDERS = {
    "largest first": "size",
    "finest resolution first": "resolution",
    "most accurate angles first": "accuracy",
    "by number": "number",
}


class ClassGallery(w.VBox):
    """Class averages to choose from.

    source   a Class2D job directory (its last iteration), a run_itNNN_model.star, or class averages
    project  where the choice is saved; known already if ``source`` is a job directory
    pixels   width of an average on the screen
    opener   where the particles of a class, and other views, are opened; by default below
    """

    def __init__(
        self,
        source: JobDirectory | ClassAverages | str | Path,
        *,
        project: Project | None = None,
        pixels: int = 112,
        opener: Opener | None = None,
    ) -> None:
        if isinstance(source, JobDirectory):
            project, source = source.project, source.path
        self.project = project
        self.averages = source if isinstance(source, ClassAverages) else read_class_averages(source)
        self.saved: JobDirectory | None = None
        self.grid = ClassGrid(tile=pixels)
        self.grid.show(self.averages)
        self._sort = w.Dropdown(options=tuple(_ORDERS), layout=w.Layout(width="190px"), tooltip="Order of the classes")
        self._reverse = w.Checkbox(value=False, description="reversed", indent=False, layout=w.Layout(width="86px"))
        for control in (self._sort, self._reverse):
            control.observe(
                lambda _change: self.sort(_ORDERS[self._sort.value], descending=self._reverse.value), "value"
            )
        drawer = Drawer()
        self.opener: Opener = opener or drawer
        self._count = w.HTML()
        self._message = Message()
        made = partial(button, message=self._message, width="auto")
        tip = "Keep the particles of the chosen classes: a Select job"
        self._save = made("Save selection", tip, self.save, icon="check", style="primary", width="150px")
        iteration = f" after iteration {self.averages.iteration}" if self.averages.iteration >= 0 else ""
        title = w.HTML(f'<span class="rl-title">Choose classes</span> <span class="rl-muted">{iteration}</span>')
        more = [
            made("Good", "Choose the classes whose score says that they hold particles", self.select_good),
            made("Particles", "The particles of the class clicked last", self.particles_of_class),
            made("More …", "The same classes with all columns, power spectra and averages", self.more),
        ]
        tools = w.HBox(
            [
                self._sort,
                self._reverse,
                made("All above", "Choose the class clicked last and all shown before it", self.select_above),
                made("All below", "Choose the class clicked last and all shown after it", self.select_below),
                made("All", "Choose all classes", self.select_all),
                made("None", "Choose no class", self.clear),
                made("Invert", "Choose the others instead", self.invert),
                *(more if self.averages.model is not None else []),
            ]
        )
        self._count.layout = w.Layout(margin="0 0 0 24px", flex="1 1 auto")
        save = [self._save] if project is not None else []
        head = w.HBox([title, self._count, *save], layout=w.Layout(align_items="center"))
        parts = [style_sheet(), head, tools, self._message, self.grid]  # above the classes: there may be hundreds
        super().__init__([*parts, *([] if opener is not None else [drawer])])
        self.add_class("rl-gallery")
        self.grid.observe(lambda _change: self._counted(), "selected")
        self._counted()

    # --- what is chosen -------------------------------------------------------------------------------------------

    @property
    def selected(self) -> tuple[int, ...]:
        """Numbers of the chosen classes, ascending."""
        return tuple(sorted(self.grid.selected))

    @property
    def particles(self) -> int:
        """How many particles the chosen classes hold; -1 if that is not known."""
        counts = self.averages.counts[self._chosen()]
        return int(counts.sum()) if (self.averages.counts >= 0).all() else -1

    @property
    def job(self) -> Any:
        """The Select job that would save the choice; raises ParameterError if nothing is chosen."""
        from relionlab.jobs.selecting.select import Select

        if not self.selected:
            raise ParameterError("No class is chosen: click the good ones first.")
        if self.averages.model is None or self.project is None:
            raise JobStateError(
                "These class averages do not come from a job of a project, so no Select job can be made."
            )
        return Select(fn_model=self.project.relative(self.averages.model), classes=ranges(self.selected))

    # --- what the buttons do --------------------------------------------------------------------------------------

    def select(self, numbers: Iterable[int]) -> None:
        """Choose the classes of these numbers, and no others."""
        wanted = {int(number) for number in numbers}
        unknown = wanted - set(self.averages.numbers.tolist())
        if unknown:
            raise ParameterError(
                f"There is no class {ranges(sorted(unknown))}: the numbers go from 1 to {len(self.averages)}."
            )
        self.grid.selected = [number for number in self.grid.order if number in wanted]

    def select_all(self) -> None:
        """Choose all classes."""
        self.select(self.grid.order)

    def clear(self) -> None:
        """Choose no class."""
        self.select(())

    def invert(self) -> None:
        """Choose the classes that are not chosen, and no others."""
        self.select(set(self.grid.order) - set(self.grid.selected))

    def select_above(self, number: int | None = None) -> None:
        """Choose a class, by default the one clicked last, and all that are shown before it, besides those chosen."""
        number = number or self.grid.last
        if number not in self.grid.order:
            raise ParameterError("Click a class first: it and all that are shown before it will be chosen.")
        above = self.grid.order[: self.grid.order.index(number) + 1]
        self.select({*self.grid.selected, *above})

    def select_below(self, number: int | None = None) -> None:
        """Choose a class, by default the one clicked last, and all that are shown after it, besides those chosen."""
        number = number or self.grid.last
        if number not in self.grid.order:
            raise ParameterError("Click a class first: it and all that are shown after it will be chosen.")
        below = self.grid.order[self.grid.order.index(number) :]
        self.select({*self.grid.selected, *below})

    def particles_of_class(self, number: int | None = None) -> w.Widget:
        """Open the particles of a class, by default of the one clicked last, else of all that are chosen."""
        numbers = [number or self.grid.last] if number or self.grid.last else list(self.selected)
        if not numbers:
            raise ParameterError("Click a class first: its particles will be shown.")
        return open_particles_of_class(self._model(), numbers, opener=self.opener)

    def more(self) -> w.Widget:
        """Open the same classes in the gallery of images, with what is chosen here chosen there."""
        model = self._model()

        def made() -> w.Widget:
            gallery = ImageGallery(model, project=self.project, opener=self.opener)
            gallery.select([number - 1 for number in self.selected])
            return gallery

        return self.opener.open(f"Class averages of {model.parent.name}", made)

    def select_good(self) -> None:
        """Choose the classes whose score says that they hold particles, and no others."""
        self.select(good_classes(self.averages))

    def select_largest(self, *, share: float = 0.5) -> None:
        """Choose the largest classes that together hold at least this share of the particles."""
        order = self.averages.order("size")
        needed = int(np.searchsorted(np.cumsum(self.averages.share[order]), share)) + 1
        self.select(self.averages.numbers[order[:needed]])

    def sort(self, by: Any, *, descending: bool = False) -> None:
        """Show the classes in the order of "size", "resolution", "accuracy" (of angles) or "number"; ``descending``: reversed."""
        order = np.argsort(self.averages.accuracy_rotations) if by == "accuracy" else self.averages.order(by)
        order = order[::-1] if descending else order
        self.grid.order = [int(number) for number in self.averages.numbers[order]]

    def save(self) -> JobDirectory:
        """Start a Select job that keeps the particles of the chosen classes, and return its directory."""
        job = self.job
        assert self.project is not None
        self.saved = self.project.run(job)
        self._message.say(f"Started as {self.saved.name} …")
        Watch(self._look, period=0.2)
        show_job(self.opener, self.saved)
        return self.saved

    def ensure_saved(self) -> JobDirectory:
        """Return the Select job of the present choice, also one of an earlier gallery; save it if there is none.

        If nothing is chosen, the largest classes that hold half of the particles are.
        """
        if not self.selected:
            self.select_largest()
        if self.saved is None or self.saved.job != self.job:
            job = self.job
            assert self.project is not None
            self.saved = done_before(self.project, job)
        if self.saved is None:
            self.save()
        assert self.saved is not None
        return self.saved

    # --- what happens -----------------------------------------------------------------------------------------------

    def _chosen(self) -> np.ndarray:
        return np.isin(self.averages.numbers, self.grid.selected)

    def _counted(self) -> None:
        chosen = self._chosen()
        total = int(self.averages.counts.sum())
        known = self.particles >= 0 and total > 0
        share = 100 * (self.particles / total if known else float(self.averages.share[chosen].sum()))
        particles = "" if self.particles < 0 else f" · <b>{self.particles:,}</b> of {total:,} particles"
        self._count.value = f"<b>{chosen.sum()}</b> of {len(self.averages)} classes{particles} ({share:.1f} %)"
        self._save.disabled = not chosen.any()

    def _model(self) -> Path:
        if self.averages.model is None:
            raise JobStateError("These class averages do not come from a model file, so their particles are not known.")
        return self.averages.model

    def _look(self) -> bool:
        assert self.saved is not None
        if self.saved.state in ("running", "scheduled"):
            return True
        self._message.say_end(self.saved)
        return False
