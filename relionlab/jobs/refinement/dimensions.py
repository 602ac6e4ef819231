"""Whether a run of ``refine`` is of maps or of class averages: what its reference, or the run that it continues, says."""

from __future__ import annotations

from pathlib import Path

from relionlab.errors import NodeError, StarError
from relionlab.io.image_names import parse_image_name
from relionlab.io.images import read_header
from relionlab.io.star import read_star
from relionlab.jobs.context import Context

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
    tables = read_star(path)
    if "optimiser_general" not in tables:
        raise StarError(f"{optimiser}: expected a table data_optimiser_general, found {', '.join(tables) or 'none'}.")
    named = Path(str(tables["optimiser_general"].value("rlnOrientSamplingStarFile")))
    sampling = context.path(str(named))
    # a folder that was copied elsewhere: the files lie beside the optimiser
    sampling = sampling if sampling.is_file() else path.parent / named.name
    if not sampling.is_file():
        raise NodeError(f"{optimiser} names {named}, which is not there: the iteration is not complete.")
    general = read_star(sampling)
    if "sampling_general" not in general:
        raise StarError(
            f"{sampling.name}: expected a table data_sampling_general, found {', '.join(general) or 'none'}."
        )
    return bool(int(general["sampling_general"].value("rlnIs3DSampling")))


def _is_map(path: Path) -> bool:
    """Say whether a file is a map: a cube that is not named as a stack."""
    if not path.is_file():
        raise NodeError(f"The reference {path.name} is not there: give a map, or a stack of class averages.")
    shape = read_header(path).shape
    return len(shape) == 3 and len(set(shape)) == 1
