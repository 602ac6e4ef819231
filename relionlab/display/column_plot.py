"""A picture of one column of a STAR table, or of one against another; ``relionlab star plottable``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relionlab.errors import ParameterError, StarError
from relionlab.io.labels import label as describe
from relionlab.io.star import read_star
from relionlab.io.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def column_plot(table: Table, y: str, x: str = "") -> Figure:
    """Return a figure of column ``y`` against column ``x``, or against the row number; axes carry their units."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    across = table.numbers(x) if x else np.arange(1, len(table) + 1)
    axes.plot(across, table.numbers(y), marker="." if len(table) < 200 else "", linewidth=1)
    axes.set_xlabel(_titled(x) if x else "row")
    axes.set_ylabel(_titled(y))
    axes.grid(visible=True, alpha=0.3)
    return figure


def main(arguments: Sequence[str]) -> int:
    """Plot as the command line says: FILE TABLE Y [X] [OUTPUT.pdf|.png|.svg|.eps]."""
    if len(arguments) < 3 or arguments[0] in ("--help", "-h"):
        print("usage: relionlab star plottable FILE TABLE Y [X] [OUTPUT.pdf|.png|.svg|.eps]")
        return 0 if arguments[:1] in (["--help"], ["-h"]) else 1
    file, name, *rest = arguments
    labels = [word.removeprefix("_") for word in rest if Path(word).suffix not in (".pdf", ".png", ".svg", ".eps")]
    outputs = [word for word in rest if Path(word).suffix in (".pdf", ".png", ".svg", ".eps")]
    if not 1 <= len(labels) <= 2 or len(outputs) > 1:
        raise ParameterError(f"plottable takes one or two labels and one output; got {' '.join(rest)}.")
    tables = read_star(file)
    block = name.removeprefix("data_")
    if block not in tables:
        raise StarError(f"{file} has no table data_{block}; it has {', '.join('data_' + key for key in tables)}.")
    output = outputs[0] if outputs else f"{Path(file).stem}_{'_'.join(labels)}.pdf"
    column_plot(tables[block], *labels).savefig(output)
    print(f"Written: {output}")
    return 0


def _titled(label: str) -> str:
    unit = describe(label).unit
    return f"{label} [{unit}]" if unit else label
