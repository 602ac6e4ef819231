"""Whether a run of ``refine`` is of maps or of class averages: what its reference, or the run that it continues, says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from relionlab.errors import NodeError, StarError
from relionlab.io.image_names import parse_image_name
from relionlab.io.images import read_header
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.context import Context

_SAYING: tuple[tuple[str, str, Callable[[Table], bool]], ...] = (
    ("rlnOrientSamplingStarFile", "sampling_general", lambda row: int(row.value("rlnIs3DSampling")) == 1),
    ("rlnModelStarFile", "model_general", lambda row: int(row.value("rlnReferenceDimensionality")) == 3),
)
"""Where an optimiser's files say that they are of maps: label of the file, table, how the table says so."""
Kind = Literal["class3d", "auto-refine", "initial model"]
_GRADIENT = ("rlnDoStochasticGradientDescent", "rlnDoGradientRefine", "rlnDoStochasticEM")
_NAMES = ("rlnReferenceImage", "rlnImageName")


def is_3d_reference(name: str, context: Context) -> bool:
    """Say whether references are maps: a cube that is no stack by its name, or a STAR file of such."""
    path = context.path(name)
    if not path.is_file():
        raise NodeError(
            f"References (--ref) {name} are not there (looked in {context.directory}): give a map, a STAR file of maps, or"
            " a stack of class averages."
        )
    if path.suffix != ".star":
        return _is_map(path)
    for table in read_star(path).values():
        for label in _NAMES:
            if label in table and len(table):
                index, image = parse_image_name(str(table[label][0]))
                return index is None and _is_map(context.path(image))
    raise StarError(f"{name} names no references: expected a table with rlnReferenceImage or rlnImageName.")


def continues_3d(optimiser: str, context: Context) -> bool:
    """Say whether an optimiser file is of a 3D run."""
    path = context.path(optimiser)
    if not path.is_file():
        raise NodeError(f"{optimiser} is not there: give the run_itNNN_optimiser.star of the iteration to continue.")
    general = _row(path, "optimiser_general", optimiser)
    for label, table, says in _SAYING:  # RELION's iteration 0 has no sampling file
        named = Path(str(general.value(label)))
        file = context.path(str(named))
        # a folder that was copied elsewhere: the files lie beside the optimiser
        file = file if file.is_file() else path.parent / named.name
        if file.is_file():
            return says(_row(file, table, file.name))
    raise NodeError(f"{optimiser} names {named}, which is not there: the iteration is not complete.")


def other_kind(job_type: str, optimiser: str, context: Context) -> str:
    """Return in words that an optimiser is of another type of job, "" if it is not.

    job_type  folder of the job that is to continue it: "Class2D", "InitialModel", "Class3D" or "Refine3D"
    """
    if not context.path(optimiser).is_file() or optimiser.startswith(f"{job_type}/"):
        return ""
    general = _row(context.path(optimiser), "optimiser_general", optimiser)
    if not continues_3d(optimiser, context):
        kind = "Class2D"
    else:
        kind = {"auto-refine": "Refine3D", "initial model": "InitialModel", "class3d": "Class3D"}[kind_of(general)]
    return (
        ""
        if kind == job_type
        else f"{optimiser} is of a {kind} job: give one of a {job_type} job, or continue it there."
    )


def kind_of(general: Table) -> Kind:
    """Return which kind of 3D run an optimiser's table is of."""
    if int(general.value("rlnDoAutoRefine")):
        return "auto-refine"
    if any(int(general.value(label)) for label in _GRADIENT if label in general):
        return "initial model"
    return "class3d"


def _row(path: Path, name: str, called: str) -> Table:
    """Return a table of a file, or say by the file's name that it is not there."""
    tables = read_star(path)
    if name not in tables:
        raise StarError(f"{called}: expected a table data_{name}, found {', '.join(tables) or 'none'}.")
    return tables[name]


def _is_map(path: Path) -> bool:
    """Say whether a file is a map: a cube that is not named as a stack."""
    if not path.is_file():
        raise NodeError(f"The reference {path.name} is not there: give a map, or a stack of class averages.")
    shape = read_header(path).shape
    return len(shape) == 3 and len(set(shape)) == 1
