"""The flags of ``star_handler``."""

from __future__ import annotations

from typing import Annotated, Any

from relionlab.params import Declared, Parameter


def _option(tab: str, flag: str, label: str, help: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    return Parameter(label=label, help=help, tab=tab, flag=f"--{flag}", **more)


class HandlerOptions(Declared):
    """What ``star_handler`` is asked for: a file, one operation, and what that needs to know."""

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
