"""What the circles are coloured by: a column of the picks' own files, or of a list of particles; and between which values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.picks import COLOURS
from relionlab.errors import RelionlabError, StarError
from relionlab.io.coordinates import FOM, X, Y
from relionlab.io.job_names import without_job
from relionlab.io.particles import read_particles
from relionlab.io.table import Table
from relionlab.widgets.parts.buttons import Message
from relionlab.workflows.hand_picks import HandPicks

PLAIN = "one colour"
OTHER = "a column of another file …"
BLUE_RED = ("#56B4E9", "#F0E442", "#D55E00")
"""From blue to red by way of yellow, told apart with any colour vision."""
_NEAR = 2.0  # px within which a particle of a list is a pick
_NAMES = {FOM: "figure of merit"}


@dataclass(frozen=True)
class Scale:
    """Values and their colours: ``low`` has the first colour of the palette, ``high`` the last."""

    low: float
    high: float
    title: str
    palette: tuple[str, ...]


class ColourControls(w.VBox):
    """Chooses the column, its two ends, and the palette; ``changed`` is called when circles have to be drawn anew.

    directory  to which the name of a list of particles is relative
    """

    def __init__(self, changed: Callable[[], Any], *, directory: str | Path = ".") -> None:
        self._changed, self.directory = changed, Path(directory)
        self._particles: dict[str, Table] = {}
        self._ranged, self._quiet = "", False
        self.column = w.Dropdown(
            options=[PLAIN, OTHER], description="Colour by", tooltip="Column that colours the circles",
            layout=w.Layout(width="auto", flex="1 1 170px", min_width="120px"), style={"description_width": "92px"},
        )  # fmt: skip
        self.low, self.high = (
            w.FloatText(description=text, continuous_update=False, disabled=True, layout=w.Layout(width="110px"), tooltip=tip,
                        style={"description_width": "34px"})
            for text, tip in (("blue", "Value of the first colour"), ("red", "Value of the last colour; may be below the first"))
        )  # fmt: skip
        self.star = w.Text(
            description="List", placeholder="Class2D/job008/run_it025_data.star", continuous_update=False,
            tooltip="List of particles with coordinates, whose columns can be chosen then", layout=w.Layout(width="auto", display="none"),
            style={"description_width": "92px"},
        )  # fmt: skip
        self.message = Message()
        row = w.HBox([self.column, self.low, self.high], layout=w.Layout(width="100%", overflow="hidden"))
        super().__init__([row, self.star, self.message], layout=w.Layout(width="100%", overflow="hidden"))
        for part in (self.column, self.low, self.high):
            part.observe(self._chosen, "value")
        self.star.observe(self._named, "value")

    @property
    def scale(self) -> Scale | None:
        """What is chosen; None: all in one colour."""
        label = self.column.value
        if label in (PLAIN, OTHER):
            return None
        palette = COLOURS if label == FOM else BLUE_RED
        return Scale(self.low.value, self.high.value, _NAMES.get(label, label.removeprefix("rln")), palette)

    def choose(self, label: str, *, low: float | None = None, high: float | None = None) -> None:
        """Colour by this column, between these values; None: those of the micrograph that is shown."""
        if label not in self.column.options:
            self._offer([label])
        self.column.value = label
        if low is not None:
            self.low.value = low
        if high is not None:
            self.high.value = high

    def add_star(self, path: str | Path) -> list[str]:
        """Offer the columns of a list of particles too, found by micrograph and coordinates; returns their names.

        Raises StarError if the list has no coordinates or no micrographs.
        """
        rows = read_particles(self.directory / path).particles
        if not all(label in rows for label in (X, Y, "rlnMicrographName")):
            raise StarError(
                f"{path} has no rlnCoordinateX, rlnCoordinateY and rlnMicrographName: its rows cannot be found again."
            )
        names = np.array([without_job(name) for name in rows["rlnMicrographName"].tolist()])
        order = np.argsort(names, kind="stable")
        found, first = np.unique(names[order], return_index=True)
        self._particles = {
            name: rows.rows(part) for name, part in zip(found.tolist(), np.split(order, first[1:]), strict=True)
        }
        labels = [label for label in rows if rows[label].dtype.kind in "iuf" and label not in (X, Y)]
        self._offer(labels)
        return labels

    def offer(self, picks: HandPicks, name: str) -> None:
        """Offer the columns that a micrograph's picks have values in; the ends of a new column are those of its values."""
        labels = [label for label in picks.labels if label not in (X, Y) and _known(picks.values(label))]
        self._offer(labels)
        if self.column.value not in (PLAIN, OTHER, self._ranged):
            self._range(self._column(picks, name, self.column.value))

    def values(self, picks: HandPicks, name: str) -> np.ndarray | None:
        """Return the values of a micrograph's picks, nan where there is none; None: one colour."""
        return None if self.scale is None else self._column(picks, name, self.column.value)

    def _offer(self, labels: list[str]) -> None:
        new = [label for label in labels if label not in self.column.options]
        if new:
            chosen, others = self.column.value, [label for label in self.column.options if label not in (PLAIN, OTHER)]
            self._quiet = True  # new options bring a drop-down list back to its first one
            self.column.options = [PLAIN, *others, *new, OTHER]
            self.column.value = chosen
            self._quiet = False

    def _column(self, picks: HandPicks, name: str, label: str) -> np.ndarray:
        own = picks.values(label)
        if own is not None:
            return own
        found = np.full(len(picks), np.nan)
        table = self._particles.get(without_job(name))
        if table is None or label not in table or not len(picks):
            return found
        from scipy.spatial import cKDTree

        tree = cKDTree(np.stack([table.numbers(X), table.numbers(Y)], axis=1))
        distance, index = tree.query(np.stack([picks.x, picks.y], axis=1))
        near = distance <= _NEAR
        found[near] = table.numbers(label)[index[near]]
        return found

    def _range(self, values: np.ndarray) -> None:
        known = values[np.isfinite(values)]
        if not known.size:
            return
        self._ranged = self.column.value
        self.low.value, self.high.value = (float(f"{end:.4g}") for end in np.percentile(known, (2, 98)))

    def _chosen(self, change: dict[str, Any]) -> None:
        if self._quiet:
            return
        if change["owner"] is self.column:
            self.low.disabled = self.high.disabled = self.scale is None
            self.star.layout.display = "" if self.column.value == OTHER else "none"
            self._ranged = "" if self.column.value != self._ranged else self._ranged
        try:
            self._changed()
        except RelionlabError:
            return  # said where the micrograph is shown

    def _named(self, change: dict[str, Any]) -> None:
        self.message.say("")
        if not change["new"].strip():
            return
        try:
            labels = self.add_star(change["new"].strip())
            self.message.say(f"{len(labels)} columns more can be chosen.")
        except (RelionlabError, OSError) as error:
            self.message.say(str(error), wrong=True)


def _known(values: np.ndarray | None) -> bool:
    return values is not None and bool(np.isfinite(values).any())
