"""``relionlab star …``: small commands that make STAR text and print columns, for use in shell scripts.

They take the arguments of RELION's relion_star_* scripts, in their order, and print the same lines. Unlike these they
say so when a table or a column is missing. ``relionlab star_printtable …`` is the same as ``relionlab star printtable …``.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from relionlab.errors import InputError, NodeError, ParameterError, StarError
from relionlab.io.image_names import format_image_name

_USAGE = """usage: relionlab star COMMAND …

  loopheader LABEL …                       head of a STAR table with these labels
  datablock_stack N STACK [VALUE …]        one line for each of the N images of a stack
  datablock_singlefiles "WILDCARD" [VALUE …]   one line for each file
  datablock_ctfdat FILE.ctfdat             one line for each image of an XMIPP ctfdat file
  printtable FILE TABLE [LABEL …]          the rows of a table (data_particles), or these columns of it
  plottable FILE TABLE Y [X] [OUTPUT]      a picture of one column, or of one against another

Example, a STAR file for a stack of 100 images:
  relionlab star loopheader rlnImageName rlnDefocusU > my.star
  relionlab star datablock_stack 100 my.mrcs 10000 >> my.star"""

_TOKEN = re.compile(r"""'[^']*'(?=\s|$)|"[^"]*"(?=\s|$)|\S+""")


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands and print its lines."""
    if not arguments or arguments[0] in ("--help", "-h"):
        print(_USAGE)
        return 0
    name, *rest = arguments
    if name not in _COMMANDS:
        raise ParameterError(f"there is no command `relionlab star {name}`; there are {', '.join(NAMES)}.")
    command, least = _COMMANDS[name]
    if len(rest) < least or rest[:1] in (["--help"], ["-h"]):
        print(_USAGE)
        return 0 if rest[:1] in (["--help"], ["-h"]) else 1
    for line in command(rest):
        print(line)
    return 0


def loop_header(labels: Sequence[str]) -> Iterator[str]:
    """Yield the head of a table with these labels."""
    yield "data_"
    yield "loop_"
    for label in labels:
        yield f"_{label.removeprefix('_')}"


def stack_rows(arguments: Sequence[str]) -> Iterator[str]:
    """Yield one line per image of a stack: number of images, file name, further values."""
    count, stack, *values = arguments
    if not count.isdigit() or int(count) < 1:
        raise ParameterError(f"the number of images is {count!r}; expected a whole number from 1.")
    for index in range(int(count)):
        yield " ".join([format_image_name(index, stack), *values, ""])


def single_file_rows(arguments: Sequence[str]) -> Iterator[str]:
    """Yield one line per file that the wildcard matches: its name and further values."""
    pattern, *values = arguments
    names = sorted(glob.glob(pattern))  # noqa: PTH207 - keeps the names as given
    if not names:
        raise NodeError(f"{pattern} matches no file.")
    for name in names:
        yield " ".join([name, *values, ""])


def ctfdat_rows(arguments: Sequence[str]) -> Iterator[str]:
    """Yield one line per image of an XMIPP ctfdat file: name, parameter file, kV, Cs, defocus U, V, angle, Q0.

    XMIPP's defocus and amplitude contrast are negative, RELION's positive: their signs are changed.
    """
    known: dict[str, str] = {}
    for number, line in enumerate(_lines(Path(arguments[0])), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2:
            raise InputError(f"{arguments[0]}, line {number}, is {line!r}; expected an image and a ctfparam file.")
        image, parameters = words
        if parameters not in known:
            known[parameters] = _ctf_values(Path(parameters))
        yield f"{image} {Path(parameters).name} {known[parameters]}"


def table_rows(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the rows of a table as they stand in the file, or the values of the named columns."""
    file, table, *labels = arguments
    found, rows = raw_table(Path(file), table)
    if not labels:
        yield from rows
        return
    wanted = [label.removeprefix("_") for label in labels]
    for label in wanted:
        if label not in found:
            raise StarError(f"{file}, table {table}, has no column {label}. It has: {', '.join(found)}.")
    places = [found.index(label) for label in wanted]
    for row in rows:
        values = _TOKEN.findall(row)
        yield " ".join(values[place] for place in places)


def raw_table(file: Path, table: str) -> tuple[list[str], list[str]]:
    """Return the labels and the lines of a table, unchanged; a list of pairs becomes one line.

    Numbers keep the form that the file gives them, so that scripts see what RELION wrote.
    """
    wanted = table if table.startswith("data_") else f"data_{table}"
    there: list[str] = []
    labels: list[str] = []
    values: list[str] = []  # of a list of pairs
    rows: list[str] = []
    for line in _lines(file):
        text = line.strip()
        if text.startswith("data_"):
            there.append(text)
        elif not there or there[-1] != wanted or not text or text.startswith("#") or text == "loop_":
            continue
        elif text.startswith("_") and not rows:
            label, *value = _TOKEN.findall(text)
            labels.append(label[1:])
            values += value[:1]
        else:
            rows.append(line)
    if wanted not in there:
        raise StarError(f"{file} has no table {wanted}. It has: {', '.join(there) or 'none'}.")
    is_pairs = labels and not rows and len(values) == len(labels) and not values[0].startswith("#")
    return labels, [" ".join(values)] if is_pairs else rows


def _lines(file: Path) -> list[str]:
    from relionlab.io.compression import read_bytes

    return read_bytes(file, StarError).decode("utf-8", errors="surrogateescape").splitlines()


def _ctf_values(file: Path) -> str:
    if not file.exists():
        raise NodeError(f"{file}, named in the ctfdat file, does not exist.")
    values = dict(re.findall(r"^\s*(\w+)\s*=\s*(\S+)", file.read_text(), re.MULTILINE))
    names = ("voltage", "spherical_aberration", "defocusU", "defocusV", "azimuthal_angle", "Q0")
    for name in names:
        if name not in values:
            raise InputError(f"{file} has no value {name}; expected an XMIPP ctfparam file.")
    return " ".join(
        _negated(values[name]) if name in ("defocusU", "defocusV", "Q0") else values[name] for name in names
    )


def _negated(number: str) -> str:
    return number[1:] if number.startswith("-") else f"-{number}"


_COMMANDS: dict[str, tuple[Callable[[Sequence[str]], Iterator[str]], int]] = {
    "loopheader": (loop_header, 1),
    "datablock_stack": (stack_rows, 2),
    "datablock_singlefiles": (single_file_rows, 1),
    "datablock_ctfdat": (ctfdat_rows, 1),
    "printtable": (table_rows, 2),
}

NAMES = (*_COMMANDS, "plottable")
"""All commands; the last one draws, and so lies with the display."""
