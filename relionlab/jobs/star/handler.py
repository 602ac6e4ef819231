"""The program ``star_handler``: choose rows of a STAR file, split, join, compare and change it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np

from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.finding import find_files
from relionlab.jobs.output_nodes import MICROGRAPHS, PARTICLES, write_output_nodes
from relionlab.jobs.particles.statistics import image_statistics
from relionlab.jobs.star import operations
from relionlab.jobs.star.histogram import histogram_lines, make_histogram
from relionlab.jobs.star.list_file import StarList, read_list
from relionlab.params import Parameter


def _option(tab: str, flag: str, label: str, help: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    return Parameter(label=label, help=help, tab=tab, flag=f"--{flag}", **more)


class StarHandler(Program):
    """Choose rows of a STAR file, split, join, compare or change it; one operation per call.

    Operations are asked for by --compare, --select, --select_by_str, --discard_on_stats, --combine, --split,
    --operate, --center, --remove_column, --add_column, --hist_column or --remove_duplicates.
    """

    name: ClassVar[str] = "star_handler"
    title: ClassVar[str] = "STAR handler"

    i: Annotated[
        str, _option("General", "i", "Input", "STAR file; to combine, several in quotes or a wildcard.", required=True)
    ] = ""
    o: Annotated[str, _option("General", "o", "Output", "STAR file to write.", required=True)] = "out.star"
    ignore_optics: Annotated[
        bool,
        _option(
            "General",
            "ignore_optics",
            "Ignore optics groups",
            "Work on one table and write it alone, as for RELION 3.0.",
        ),
    ] = False
    angpix: Annotated[
        float,
        _option(
            "General",
            "angpix",
            "Pixel size",
            "Pixel size of the images where optics groups are ignored.",
            unit="Å",
            bounds=(0.001, None),
        ),
    ] = 1.0
    i_tablename: Annotated[
        str,
        _option(
            "General", "i_tablename", "Table", "Name of the table to work on, without data_; empty takes the list."
        ),
    ] = ""

    compare: Annotated[
        str,
        _option("Compare", "compare", "Compare with", "Second STAR file: writes rows in both, only here, only there."),
    ] = ""
    label1: Annotated[
        str, _option("Compare", "label1", "First label", "Column to compare: text, whole numbers or numbers.")
    ] = ""
    label2: Annotated[
        str, _option("Compare", "label2", "Second label", "Second coordinate, for distances in a plane.")
    ] = ""
    label3: Annotated[str, _option("Compare", "label3", "Third label", "Third coordinate, for distances in space.")] = (
        ""
    )
    max_dist: Annotated[
        float,
        _option(
            "Compare", "max_dist", "Largest distance", "Numbers up to this far apart count as equal.", bounds=(0, None)
        ),
    ] = 0.0

    select: Annotated[
        str, _option("Select", "select", "Select by value", "Column of numbers by which rows are kept.")
    ] = ""
    minval: Annotated[
        float, _option("Select", "minval", "Smallest value", "Rows below are dropped; this value is kept.")
    ] = -99999999.0
    maxval: Annotated[
        float, _option("Select", "maxval", "Largest value", "Rows above are dropped; this value is kept.")
    ] = 99999999.0
    select_by_str: Annotated[
        str, _option("Select", "select_by_str", "Select by text", "Column of text by which rows are kept.")
    ] = ""
    select_include: Annotated[
        str, _option("Select", "select_include", "Containing", "Keep rows whose text contains this.")
    ] = ""
    select_exclude: Annotated[
        str, _option("Select", "select_exclude", "Not containing", "Drop rows whose text contains this.")
    ] = ""

    discard_on_stats: Annotated[
        bool,
        _option(
            "Discard", "discard_on_stats", "Discard on statistics",
            "Drop images whose mean or standard deviation is far from that of all: edges, carbon, ice, broken images.",
        ),
    ] = False  # fmt: skip
    discard_label: Annotated[
        str, _option("Discard", "discard_label", "Image column", "Column that names the images.")
    ] = "rlnImageName"
    discard_sigma: Annotated[
        float,
        _option(
            "Discard",
            "discard_sigma",
            "Deviations",
            "How many standard deviations away is far.",
            bounds=(0, None),
            unit="σ",
        ),
    ] = 4.0

    combine: Annotated[
        bool, _option("Combine", "combine", "Combine", "Join the input files; optics groups stay apart by name.")
    ] = False
    check_duplicates: Annotated[
        str,
        _option(
            "Combine",
            "check_duplicates",
            "Check for duplicates",
            "Column of text whose repeated entries are warned of.",
        ),
    ] = ""

    split: Annotated[
        bool, _option("Split", "split", "Split", "Cut into files NAME_split1.star, NAME_split2.star …")
    ] = False
    random_order: Annotated[
        bool, _option("Split", "random_order", "Random order", "Shuffle the rows before they are cut.")
    ] = False
    random_seed: Annotated[
        int,
        _option(
            "Split",
            "random_seed",
            "Random seed",
            "Same seed, same subsets; -1 takes another each time.",
            bounds=(-1, None),
        ),
    ] = -1
    nr_split: Annotated[
        int, _option("Split", "nr_split", "Number of subsets", "Equal parts to cut into; -1: as many as it takes.")
    ] = -1
    size_split: Annotated[
        int, _option("Split", "size_split", "Subset size", "Rows per part; -1: equal parts.", unit="rows")
    ] = -1

    operate: Annotated[
        str, _option("Operate", "operate", "Column to change", "Set, multiply or add to this column.")
    ] = ""
    operate2: Annotated[str, _option("Operate", "operate2", "Second column", "Change this column in the same way.")] = (
        ""
    )
    operate3: Annotated[str, _option("Operate", "operate3", "Third column", "Change this column in the same way.")] = ""
    set_to: Annotated[str, _option("Operate", "set_to", "Set to", "Value for all rows: a number or text.")] = ""
    multiply_by: Annotated[
        float, _option("Operate", "multiply_by", "Multiply by", "Factor; applied before the addition.")
    ] = 1.0
    add_to: Annotated[float, _option("Operate", "add_to", "Add", "Number that is added to all values.")] = 0.0

    center: Annotated[
        bool,
        _option(
            "Center", "center", "Centre on a point", "Move origins so that a point of the reference becomes the centre."
        ),
    ] = False
    center_x: Annotated[float, _option("Center", "center_X", "Point, X", "From the reference's centre.", unit="px")] = (
        0.0
    )
    center_y: Annotated[float, _option("Center", "center_Y", "Point, Y", "From the reference's centre.", unit="px")] = (
        0.0
    )
    center_z: Annotated[float, _option("Center", "center_Z", "Point, Z", "From the reference's centre.", unit="px")] = (
        0.0
    )

    remove_column: Annotated[
        str, _option("Columns", "remove_column", "Remove column", "Label of the column to leave out.")
    ] = ""
    add_column: Annotated[
        str, _option("Columns", "add_column", "Add column", "Label of the column to add or overwrite.")
    ] = ""
    add_column_value: Annotated[str, _option("Columns", "add_column_value", "Its value", "Value for all rows.")] = ""
    copy_column_from: Annotated[
        str, _option("Columns", "copy_column_from", "Copied from", "Column whose values are copied.")
    ] = ""
    hist_column: Annotated[
        str, _option("Columns", "hist_column", "Histogram", "Column whose histogram is printed.")
    ] = ""
    in_percent: Annotated[bool, _option("Columns", "in_percent", "In percent", "Histogram in percent of all rows.")] = (
        False
    )
    show_cumulative: Annotated[
        bool, _option("Columns", "show_cumulative", "Cumulative", "Histogram summed up from below.")
    ] = False
    hist_bins: Annotated[
        int, _option("Columns", "hist_bins", "Bins", "Number of bins; -1 finds one from the spread.")
    ] = -1
    hist_min: Annotated[
        float | None, _option("Columns", "hist_min", "From", "Lower end of the histogram.", none_as="-inf")
    ] = None
    hist_max: Annotated[
        float | None, _option("Columns", "hist_max", "To", "Upper end of the histogram.", none_as="inf")
    ] = None

    remove_duplicates: Annotated[
        float,
        _option(
            "Duplicates", "remove_duplicates", "Remove duplicates",
            "A particle with a later one of the same micrograph within this distance is dropped; negative: not asked.", unit="Å",
        ),
    ] = -1.0  # fmt: skip
    image_angpix: Annotated[
        float,
        _option(
            "Duplicates", "image_angpix", "Original pixel size",
            "Pixel size of the micrographs that the coordinates count in, where particles were down-sampled; -1 takes"
            " the particles' own.", unit="Å",
        ),
    ] = -1.0  # fmt: skip

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
        names: tuple[str, ...] = (
            "compare",
            "select",
            "select_by_str",
            "discard_on_stats",
            "combine",
            "split",
            "operate",
            "center",
        )
        names += ("remove_column", "add_column", "hist_column")
        return [name for name in names if getattr(self, name)] + ["remove_duplicates"] * (self.remove_duplicates > 0)

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
        kept = operations.select_values(self._read(context), self.select, low=self.minval, high=self.maxval)
        self._write(context, kept, note=f" with {len(kept.rows)} item(s)")

    def _select_by_str(self, context: Context) -> None:
        self._write(
            context,
            operations.select_text(
                self._read(context), self.select_by_str, include=self.select_include, exclude=self.select_exclude
            ),
        )

    def _discard_on_stats(self, context: Context) -> None:
        data = self._read(context)
        statistics = image_statistics(context, data.rows[self.discard_label].tolist())
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
