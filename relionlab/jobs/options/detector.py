"""A detector's MTF as a form or a flag gives it: a file of the project, or a name of the library.

A name stands for its file in the project: ``k2_300kV`` becomes ``MTF/k2_300kV.star`` in the very value, so that
job.star, command lines and optics tables hold a path, as RELION wants it; the file is put there before the work.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from pydantic import AfterValidator

from relionlab.errors import NodeError
from relionlab.io.atomic import atomic_write
from relionlab.io.detectors import detector, detectors
from relionlab.jobs.context import Context

FOLDER = "MTF"
"""Where a project keeps the library's curves that it uses."""
WORDS = (
    "A STAR file with the columns rlnResolutionInversePixel (0 to 0.5) and rlnMtfValue, or the name of a detector of the"
    " library, as k3_300kV (`relionlab detectors` lists them), which is then copied into the project."
)
"""What the field takes, for its help."""


def place_of(value: str) -> str:
    """Return where a detector's curve lies in a project, "MTF/k2_300kV.star"; what is no name of the library as it is."""
    if not value or "/" in value or value.endswith(".star"):
        return value
    known = detector(value)
    return f"{FOLDER}/{known.name}.star" if known else value


FileOrName = AfterValidator(place_of)
"""For the annotation of a field that takes an MTF."""


def put_mtf(directory: Path, value: str) -> str:
    """Copy a detector's curve to its place in a project where it is missing; return what was done, "" for nothing.

    A file that is there is the project's, and stays as it is.
    """
    place = PurePosixPath(value)
    known = detector(place.stem) if place.parts[:-1] == (FOLDER,) else None
    if known is None or (directory / value).exists():
        return ""
    with atomic_write(directory / value) as made:
        made.write_bytes(known.path.read_bytes())
    return f"The MTF of {known.description} was put into the project, as {value}."


def provide_mtf(context: Context, value: str) -> None:
    """Have an MTF in its place before the work begins; raises NodeError if it is neither a file nor in the library."""
    said = put_mtf(context.directory, value)
    if said:
        context.say(said)
    if not context.path(value).exists():
        raise NodeError(
            f"{value}, the detector's MTF, does not exist, and the library has none of this name: give the place of a"
            f" STAR file, one of {', '.join(detectors())}, or leave it empty."
        )
