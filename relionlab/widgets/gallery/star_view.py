"""Any STAR file as a table, a plot and, where it names images, a gallery.

view = StarView("Refine3D/job015/run_data.star")
view.filter("CtfMaxResolution < 4 and DefocusU > 10000")
view.plot("rlnDefocusU", "rlnCtfMaxResolution")
view.save("good.star")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import ipywidgets as w

from relionlab.display.column_statistics import column_statistics
from relionlab.display.column_words import heading, meaning
from relionlab.display.image_set import set_of_tables
from relionlab.display.row_choice import RowChoice
from relionlab.display.words import many
from relionlab.errors import InputError, ParameterError, StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.widgets.gallery.column_plot import ColumnPlot
from relionlab.widgets.gallery.linked import LinkedRow
from relionlab.widgets.gallery.pictures import row_card
from relionlab.widgets.gallery.table_grid import TableGrid
from relionlab.widgets.parts.buttons import Message, attempt, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer, Opener

Mode = Literal["table", "plot", "gallery"]
_MODES: dict[str, Mode] = {"Table": "table", "Plot": "plot", "Gallery": "gallery"}


class StarView(w.VBox):
    """All tables of a STAR file.

    source  the file, a table, or tables by name
    name    which of the file's tables comes first ("particles"); by default the longest
    choice  order and choice, if they are to be shared with a gallery of the same rows
    path    the file that tables are from, if they are given
    opener  where linked things are opened; by default below
    """

    def __init__(
        self,
        source: str | Path | Table | Mapping[str, Table],
        *,
        path: Path | None = None,
        name: str | None = None,
        choice: RowChoice | None = None,
        opener: Opener | None = None,
    ) -> None:
        if isinstance(source, Table):
            source = {source.name: source}
        given = isinstance(source, Mapping)
        self.path = path if given else Path(source)
        self.tables: dict[str, Table] = dict(source) if given else read_star(source)
        if not self.tables:
            raise StarError(f"{source} holds no table: expected a STAR file with at least one data_ block.")
        if name is not None and name not in self.tables:
            raise StarError(f"{source} has no table {name!r}; it has {', '.join(map(repr, self.tables))}.")
        self._shared = choice
        self.message = Message()
        drawer = Drawer()
        self.opener: Opener = opener or drawer
        self._bodies: dict[str, w.Widget] = {}
        self._body = w.Box(layout=w.Layout(width="100%", overflow="hidden", display="block"))
        first = name or max(self.tables, key=lambda key: (len(self.tables[key]), key == "particles"))
        self._table = w.Dropdown(
            options=_named(self.tables), value=first, description="Table", layout=w.Layout(width="330px")
        )
        self._mode = w.ToggleButtons(options=list(_MODES.items()), value="table", style={"button_width": "76px"})
        self._find = w.Text(placeholder="find a column", continuous_update=True, layout=w.Layout(width="150px"))
        self._condition = w.Text(
            placeholder="CtfMaxResolution < 5 and …",
            continuous_update=False,
            layout=w.Layout(width="270px"),
            tooltip="A condition on columns",
        )
        self._column = w.Dropdown(description="Column", layout=w.Layout(width="270px"))
        self._links = w.HBox()
        self._count, self._statistics = w.HTML(), w.HTML(layout=w.Layout(flex="1 1 0"))
        for field in (self._table, self._column):
            field.style = {"description_width": "52px"}
        self._file = w.Text(placeholder="file.star", layout=w.Layout(width="270px"))
        self._begin(first)
        super().__init__([style_sheet(), *self._parts(), *([] if opener is not None else [drawer])])
        self.add_class("rl-gallery")
        self._table.observe(lambda change: self.show_table(change["new"]), "value")
        self._mode.observe(lambda change: attempt(partial(self.show, change["new"]), self.message), "value")
        self._find.observe(lambda change: self.find(change["new"]), "value")
        self._column.observe(lambda _change: self._told(), "value")

    def _parts(self) -> list[w.Widget]:
        made = partial(button, message=self.message, width="70px")
        row = partial(w.HBox, layout=w.Layout(flex_flow="row wrap", align_items="center"))
        where = '<span class="rl-title">' + (self.path.name if self.path is not None else "Table") + "</span> &nbsp;"
        choosing = [
            made(
                "Show", "Show only rows that meet the condition; empty: all", lambda: self.filter(self._condition.value)
            ),
            made("Choose", "Choose all rows that meet the condition", lambda: self.select_where(self._condition.value)),
            made("All", "Choose all rows that are shown (Ctrl+A)", partial(self.do, "all")),
            made("None", "Choose no row (Esc)", partial(self.do, "none")),
            made("Invert", "Choose the others instead (i)", partial(self.do, "invert")),
        ]
        save = made(
            "Save rows",
            "Write the chosen rows, or all that are shown, as a STAR file",
            self._save,
            icon="save",
            width="110px",
        )
        return [
            row([w.HTML(where), self._table, self._mode, self._count]),
            row([self._find, self._condition, *choosing]),
            self._body,
            row([self._links, self._column, self._statistics]),
            row([self._file, save, self.message]),
        ]

    # --- what is shown --------------------------------------------------------------------------------------------

    @property
    def table(self) -> Table:
        """The table that is shown."""
        return self.tables[self._table.value]

    def show_table(self, name: str) -> None:
        """Show another table of the file."""
        if self._table.value != name:
            self._table.value = name  # which calls this again
            return
        self._begin(name)

    def show(self, mode: Mode) -> None:
        """Show the rows as a "table", a "plot" or a "gallery"."""
        if self._mode.value != mode:
            self._mode.value = mode
            return
        if mode not in self._bodies:
            make: dict[str, Callable[[], w.Widget]] = {
                "table": self._grid,
                "plot": self._plot,
                "gallery": self._gallery,
            }
            self._bodies[mode] = make[mode]()
        self._body.children = (self._bodies[mode],)
        self.message.say("")

    def sort(self, label: str | None, *, descending: bool = False) -> None:
        """Put the rows in the order of a column; ``None``: of the file."""
        self.choice.sort(label, descending=descending)

    def filter(self, condition: str) -> None:
        """Show only rows that meet a condition, as "DefocusU > 10000 and MicrographName contains mov01"; "": all."""
        self.choice.filter(condition)
        self.message.say("")

    def select_where(self, condition: str) -> None:
        """Choose all rows that meet a condition, and no others."""
        self.choice.select_where(condition)
        self.message.say("")

    def find(self, part: str) -> None:
        """Show only columns whose label or meaning has this part; "": all."""
        wanted = part.strip().lower()
        found = [label for label in self.table.labels if wanted in meaning(label).lower()]
        grid = self._bodies.get("table")
        if isinstance(grid, TableGrid):
            grid.show_columns(found)
        self.message.say("" if found else f"No column has {part!r} in its label or meaning.", wrong=not found)
        if wanted and found:
            self._column.value = found[0]

    def plot(self, x: str, y: str | None = None) -> None:
        """Plot a column against another, or without ``y`` how often its values occur."""
        if "plot" not in self._bodies:
            self._bodies["plot"] = ColumnPlot(self.choice, x=x, y=y)
        drawn = self._bodies["plot"]
        assert isinstance(drawn, ColumnPlot)
        drawn.plot(x, y)
        self.show("plot")

    def do(self, name: str) -> None:
        """Choose "all" rows that are shown, "none", or "invert" the choice: what the table's keys mean."""
        {"all": self.choice.select_all, "none": self.choice.clear, "invert": self.choice.invert}[name]()

    # --- saving ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write the chosen rows, or if none is chosen all that are shown, in the order of the screen, with the file's other
        tables; returns the path.
        """
        place = Path(path)
        if not place.name.endswith(".star"):
            raise ParameterError(f"{place} does not end in .star: give a name such as good.star.")
        if self.path is not None and place.exists() and place.samefile(self.path):
            raise ParameterError(f"{place} is the file that is shown: give another name, so that it is not lost.")
        shown = self.choice.shown
        rows = shown[self.choice.chosen[shown]] if self.choice.count else shown
        written = {name: table.rows(rows) if table is self.table else table for name, table in self.tables.items()}
        write_star(place, list(written.values()))
        return place

    def _save(self) -> None:
        if not self._file.value.strip():
            raise ParameterError("Give a name for the file first, as good.star.")
        place = self.save(self._file.value.strip())
        count = self.choice.count or len(self.choice.shown)
        self.message.say(f"Wrote {count:,} rows to {place}.")

    # --- inside ---------------------------------------------------------------------------------------------------

    def _begin(self, name: str) -> None:
        """Start anew with a table of the file."""
        table = self.tables[name]
        shared = self._shared if self._shared is not None and len(self._shared) == len(table) else None
        self.choice = shared or RowChoice(table)
        self.choice.on_change(self._changed)
        self._condition.value = self.choice.condition
        self._bodies = {}
        self._links.children = self._leads()
        self._column.options = [(heading(label), label) for label in table.labels]
        self._column.value = table.labels[0] if table.labels else None
        if self._mode.value != "table":
            self._mode.value = "table"
        self.show("table")
        self._counted()
        self._told()

    def _leads(self) -> tuple[w.Widget, ...]:
        """Return buttons that lead from the row clicked last to what belongs to it."""
        table = self.table
        if self.path is None or not table.loop or table.name == "optics":
            return ()
        names = {"rlnReferenceImage": "classes", "rlnImageName": "particles", "rlnMicrographName": "micrographs"}
        kind = next((names[label] for label in names if label in table), "")
        made = partial(button, message=self.message, width="104px")
        row = LinkedRow(kind, self.path, self._clicked, self.opener)
        return tuple(made(words, tip, method) for words, tip, method in row.links().values())

    def _clicked(self) -> int:
        if self.choice.current is None:
            raise ParameterError("Click a row first.")
        return self.choice.current

    def _grid(self) -> w.Widget:
        if not self.table.loop:
            return row_card(self.table, 0)
        grid = TableGrid(self.choice)
        grid.do = self.do
        return grid

    def _plot(self) -> w.Widget:
        return ColumnPlot(self.choice)

    def _gallery(self) -> w.Widget:
        from relionlab.widgets.gallery.image_gallery import ImageGallery

        if self.path is None:
            raise InputError("Only rows of a file can be shown as images: open the file itself.")
        kept = {name: table for name, table in self.tables.items() if name == "optics" or table is self.table}
        return ImageGallery(set_of_tables(kept, self.path), choice=self.choice, opener=self.opener)

    def _changed(self, change: str) -> None:
        if change in ("shown", "chosen"):
            self._counted()
            self._told()

    def _counted(self) -> None:
        total, shown, chosen = len(self.choice), len(self.choice.shown), self.choice.count
        words = f"{shown:,} of {many(total, 'row')}" if shown < total else many(total, "row")
        self._count.value = f'<span class="rl-count" aria-live="polite">{words}, <b>{chosen:,}</b> chosen</span>'

    def _told(self) -> None:
        """Say the statistics of the column, of the chosen rows if there are any."""
        if not self._column.value or not len(self.table):
            self._statistics.value = ""
            return
        rows = self.choice.chosen if self.choice.count else self.choice.shown
        told = column_statistics(self.table, self._column.value, rows)
        which = "chosen rows: " if self.choice.count else ""
        self._statistics.value = (
            f'<span class="rl-statistics" title="{meaning(self._column.value)}">{which}{told}</span>'
        )


def _named(tables: dict[str, Table]) -> list[tuple[str, str]]:
    """Return the tables with their sizes in words."""
    return [
        (f"{name or 'without name'} ({len(table):,} {'rows' if table.loop else 'entry'})", name)
        for name, table in tables.items()
    ]
