"""The program ``star_handler``: choose rows of a STAR file, split, join, compare and change it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from relionlab.errors import StarError
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.finding import find_files
from relionlab.jobs.looking import quickly_read, spread
from relionlab.jobs.output_nodes import MICROGRAPHS, PARTICLES, write_output_nodes
from relionlab.jobs.particles.statistics import finite_statistics, image_statistics
from relionlab.jobs.star import operations
from relionlab.jobs.star.handler_options import HandlerOptions
from relionlab.jobs.star.histogram import histogram_lines, make_histogram
from relionlab.jobs.star.list_file import StarList, read_list

_ASKED = (
    "compare", "select", "select_by_str", "discard_on_stats", "combine", "split", "operate", "center", "remove_column",
    "add_column", "hist_column",
)  # fmt: skip


class StarHandler(Program, HandlerOptions):
    """Choose rows of a STAR file, split, join, compare or change it; one operation per call.

    Operations are asked for by --compare, --select, --select_by_str, --discard_on_stats, --combine, --split,
    --operate, --center, --remove_column, --add_column, --hist_column or --remove_duplicates.
    """

    name: ClassVar[str] = "star_handler"
    title: ClassVar[str] = "STAR handler"

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        asked = self.operations()
        if len(asked) != 1:
            found.append(f"Ask for one operation per call; got {', '.join('--' + name for name in asked) or 'none'}.")
        if self.compare and not self.label1:
            found.append("--compare needs --label1, the column to compare.")
        if self.select_by_str and not (self.select_include or self.select_exclude):
            found.append("--select_by_str needs --select_include or --select_exclude.")
        if self.add_column and bool(self.add_column_value) == bool(self.copy_column_from):
            found.append("--add_column needs either --add_column_value or --copy_column_from.")
        return found

    def operations(self) -> list[str]:
        """Return the names of the operations that the values ask for."""
        return [name for name in _ASKED if getattr(self, name)] + ["remove_duplicates"] * (self.remove_duplicates > 0)

    def look(self, context: Context) -> None:
        """Look at the lists, and whether they have the columns that are asked for."""
        names = [name for part in self.i.split() for name in find_files(context, part)]
        if not quickly_read(context, *names):
            return
        lists = [self._read(context, name) for name in names]
        for name, data in zip(names, lists, strict=True):
            if not len(data.rows):
                raise StarError(f"{name} lists nothing: expected at least one row. Choose another list.")
        if self.select:
            self._chosen(context, lists[0])
        elif self.combine:
            operations.combine(lists, context.say)
        elif self.discard_on_stats:
            finite_statistics(context, image_statistics(context, spread(lists[0].rows[self.discard_label].tolist())))
        elif self.remove_duplicates > 0:
            lists[0].rows["rlnMicrographName"]  # says so where there is no such column
            operations.places_of(lists[0], angstrom_to_px=1 / self._micrograph_pixel_size(context, lists[0]))

    def run(self, context: Context) -> None:
        """Do the one operation that is asked for, and write its output."""
        self.check()
        getattr(self, f"_{self.operations()[0]}")(context)
        context.say(" Done!")

    # --- one method per operation ---------------------------------------------------------------------------------

    def _read(self, context: Context, name: str | None = None) -> StarList:
        return read_list(context.path(name or self.i), table=self.i_tablename, ignore_optics=self.ignore_optics)

    def _write(self, context: Context, data: StarList, suffix: str = "", *, note: str = "") -> None:
        name = _named(self.o, suffix)
        data.write(context.path(name))
        context.say(f" Written: {name}{note}")

    def _compare(self, context: Context) -> None:
        first, second = self._read(context), self._read(context, self.compare)
        labels = [label for label in (self.label1, self.label2, self.label3) if label]
        matches, matched = operations.compare(first.rows, second.rows, labels=labels, max_distance=self.max_dist)
        both, mine = first.with_rows(first.rows.rows(matches >= 0)), first.with_rows(first.rows.rows(matches < 0))
        theirs = second.with_rows(second.rows.rows(~matched))
        context.say(f"{len(both.rows)} entries occur in both input STAR files.")
        context.say(f"{len(mine.rows)} entries occur only in the 1st input STAR file.")
        context.say(f"{len(theirs.rows)} entries occur only in the 2nd input STAR file.")
        for data, suffix in ((both, "_both"), (mine, "_only1"), (theirs, "_only2")):
            self._write(context, data, suffix)

    def _select(self, context: Context) -> None:
        kept = self._chosen(context, self._read(context))
        self._write(context, kept, note=f" with {len(kept.rows)} item(s)")

    def _chosen(self, context: Context, data: StarList) -> StarList:
        kept = operations.select_values(data, self.select, low=self.minval, high=self.maxval)
        if not len(kept.rows):
            values = operations.numeric_column(data.rows, self.select)
            context.warn(
                f"warning: nothing is chosen: no {self.select} of {data.source} lies from {self.minval:g} to {self.maxval:g}; they go"
                f" from {values.min():g} to {values.max():g}."
            )
        return kept

    def _select_by_str(self, context: Context) -> None:
        self._write(
            context,
            operations.select_text(
                self._read(context), self.select_by_str, include=self.select_include, exclude=self.select_exclude
            ),
        )

    def _discard_on_stats(self, context: Context) -> None:
        data = self._read(context)
        statistics = finite_statistics(context, image_statistics(context, data.rows[self.discard_label].tolist()))
        kept = operations.discard_on_statistics(data, statistics, sigma=self.discard_sigma)
        context.say(f" Discarded {len(data.rows) - len(kept.rows)} images; {len(kept.rows)} remain.")
        self._write(context, kept)

    def _combine(self, context: Context) -> None:
        names = [name for part in self.i.split() for name in find_files(context, part)]
        joined = operations.combine([self._read(context, name) for name in names], context.say)
        if self.check_duplicates:
            again = operations.duplicated(joined.rows[self.check_duplicates].tolist())
            for value in again:
                context.warn(f" WARNING: duplicate entry: {value}")
            if again:
                context.warn(f" WARNING: Total number of duplicate {self.check_duplicates} entries: {len(again)}")
        self._write(context, joined)

    def _split(self, context: Context) -> None:
        data = self._read(context)
        sizes = operations.split_sizes(len(data.rows), parts=self.nr_split, size=self.size_split)
        seed = None
        if self.random_order:
            seed = self.random_seed if self.random_seed >= 0 else int(np.random.SeedSequence().entropy) % 2**32  # type: ignore[arg-type]
        parts = operations.split(data, sizes, seed=seed)
        for number, part in enumerate(parts, 1):
            self._write(context, part, f"_split{number}", note=f" with {len(part.rows)} objects.")
        kind = PARTICLES if data.rows.name in ("particles", "") else MICROGRAPHS
        if "/" in self.o:  # tells the pipeline how many outputs there are, which nobody knew before
            names = [_named(self.o, f"_split{number}") for number in range(1, len(parts) + 1)]
            write_output_nodes(context, self.o.rpartition("/")[0], names, kind=kind)

    def _operate(self, context: Context) -> None:
        labels = [label for label in (self.operate, self.operate2, self.operate3) if label]
        changed = operations.operate(
            self._read(context), labels, set_to=self.set_to, multiply_by=self.multiply_by, add_to=self.add_to
        )
        self._write(context, changed)

    def _center(self, context: Context) -> None:
        from relionlab.engine.rotations import matrix_from_euler

        data = self._read(context)
        angles = [
            data.rows[label] if label in data.rows else np.zeros(len(data.rows))
            for label in ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
        ]
        sizes = np.full(len(data.rows), self.angpix) if data.optics is None else data.per_row("rlnImagePixelSize")
        point = np.array([self.center_x, self.center_y, self.center_z])
        self._write(context, operations.centre_on(data, point, rotations=matrix_from_euler(*angles), pixel_sizes=sizes))

    def _remove_column(self, context: Context) -> None:
        data = self._read(context)
        data.rows[self.remove_column]  # says so where there is no such column
        self._write(context, data.with_rows(data.rows.without(self.remove_column)))

    def _add_column(self, context: Context) -> None:
        data = self._read(context)
        values = data.rows[self.copy_column_from] if self.copy_column_from else [self.add_column_value] * len(data.rows)
        self._write(context, data.with_rows(data.rows.with_columns({self.add_column: values})))

    def _hist_column(self, context: Context) -> None:
        values = operations.numeric_column(self._read(context).rows, self.hist_column)
        histogram = make_histogram(values, bins=self.hist_bins, low=self.hist_min, high=self.hist_max)
        for line in histogram_lines(values, histogram, percent=self.in_percent, cumulative=self.show_cumulative):
            context.say(line)

    def _remove_duplicates(self, context: Context) -> None:
        data = self._read(context)
        pixel_size = self._micrograph_pixel_size(context, data)
        distance = self.remove_duplicates / pixel_size
        kept, removed = operations.remove_duplicates(data, distance_px=distance, angstrom_to_px=1 / pixel_size)
        context.say(f" + {self.remove_duplicates:g} A are {distance:.6g} px in the micrographs.")
        context.say(f"Removed {len(removed.rows)} duplicated objects from {len(data.rows)} objects.")
        self._write(context, kept)
        StarList(removed.rows.renamed("")).write(context.path(_named(self.o, "_removed")))

    def _micrograph_pixel_size(self, context: Context, data: StarList) -> float:
        """Return the pixel size that coordinates count in; warn where it may not be the one that is meant."""
        if self.image_angpix > 0:
            return self.image_angpix
        if data.optics is None:
            return self.angpix
        size = float(data.optics["rlnImagePixelSize"][0])
        if not (np.isfinite(size) and size > 0):
            raise StarError(
                f"{data.source}: rlnImagePixelSize is {size:g} Å in the optics table; expected a positive number. Correct it, or"
                " give --image_angpix."
            )
        context.say(f" + Assuming the pixel size of original micrographs before extraction is {size:g}")
        original = data.optics.get("rlnMicrographOriginalPixelSize")
        if original is not None and abs(float(original[0]) - size) > 0.01 * size:
            context.warn(
                f"warning: the movies had {original[0]:g} A; if the particles were down-sampled when they were extracted,"
                " give --image_angpix, or the distance is taken on the wrong scale."
            )
        return size


def _named(name: str, suffix: str) -> str:
    return f"{name.removesuffix('.star')}{suffix}.star" if suffix else name
