"""run_itNNN_sampling.star of a 3D search: the grid of orientations and of offsets, as RELION 3.1 writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relionlab.engine.sampling import Sampling, sampling
from relionlab.errors import StarError
from relionlab.io.table import Table

_NO_TILT_LIMIT = -91.0
_DOUBLES = 0.05
"""Share of directions by which lists may differ: which of those on the border of the asymmetric unit are listed twice is
another matter in each program and release."""
_ORIGINALS = {
    "rlnHealpixOrderOriginal": "rlnHealpixOrder",
    "rlnPsiStepOriginal": "rlnPsiStep",
    "rlnOffsetRangeOriginal": "rlnOffsetRange",
    "rlnOffsetStepOriginal": "rlnOffsetStep",
}


@dataclass(frozen=True)
class SearchGrid:
    """The grid of a 3D search.

    orientations         directions and in-plane angles, with this iteration's perturbation
    offset_range, offset_step  in Å
    perturbation_factor  largest perturbation, in steps
    tilt_limit           degrees; None: none
    """

    orientations: Sampling
    offset_range: float
    offset_step: float
    perturbation_factor: float = 0.5
    tilt_limit: float | None = None


def sampling_tables(grid: SearchGrid, *, first: SearchGrid | None = None) -> list[Table]:
    """Return the tables; ``first`` is the grid that the refinement began with, where it has become finer since."""
    general = _general(grid)
    began = general if first is None else _general(first)
    general |= {label: began[now] for label, now in _ORIGINALS.items()}
    directions = {"rlnAngleRot": grid.orientations.rot, "rlnAngleTilt": grid.orientations.tilt}
    return [Table(general, "sampling_general", loop=False), Table(directions, "sampling_directions")]


def read_sampling(tables: Mapping[str, Table]) -> SearchGrid:
    """Return the grid that the tables of a 3D sampling.star describe; the directions follow from order and symmetry.

    Raises StarError if the file is of a 2D search, or lists another number of directions than its order and group have.
    """
    if "sampling_general" not in tables:
        raise StarError(f"expected a table data_sampling_general, found {', '.join(tables) or 'none'}.")
    general = tables["sampling_general"]
    if not int(general.value("rlnIs3DSampling")):
        raise StarError(f"{general.source or 'The sampling file'} is of a 2D search; expected rlnIs3DSampling 1.")
    limit = float(general.value("rlnTiltAngleLimit")) if "rlnTiltAngleLimit" in general else _NO_TILT_LIMIT
    tilt_limit = None if limit <= _NO_TILT_LIMIT else limit
    group = str(general.value("rlnSymmetryGroup"))
    grid = sampling(
        int(general.value("rlnHealpixOrder")),
        group=group,
        psi_step=float(general.value("rlnPsiStep")),
        tilt_limit=tilt_limit,
    )
    listed = len(tables["sampling_directions"]) if "sampling_directions" in tables else len(grid)
    if grid.group.is_chiral and abs(listed - len(grid)) > _DOUBLES * len(grid):
        raise StarError(
            f"{general.source or 'The sampling file'} lists {listed} directions; expected"
            f" {len(grid)} of order {grid.order} in {group}: the file was changed."
        )
    return SearchGrid(
        grid.perturbed(float(general.value("rlnSamplingPerturbInstance"))),
        offset_range=float(general.value("rlnOffsetRange")),
        offset_step=float(general.value("rlnOffsetStep")),
        perturbation_factor=float(general.value("rlnSamplingPerturbFactor")),
        tilt_limit=tilt_limit,
    )


def first_sampling(tables: Mapping[str, Table]) -> SearchGrid:
    """Return the grid that the refinement began with, from the tables of a 3D sampling.star.

    Before RELION 3.1 it was not written: then the present grid is returned. No perturbation is known of it.
    """
    general = tables["sampling_general"]
    began = {now: general[label] for label, now in _ORIGINALS.items() if label in general}
    general = general.with_columns(began, rlnSamplingPerturbInstance=0.0)
    return read_sampling({"sampling_general": general})


def _general(grid: SearchGrid) -> dict[str, object]:
    orientations = grid.orientations
    return {
        "rlnIs3DSampling": 1,
        "rlnIs3DTranslationalSampling": 0,
        "rlnHealpixOrder": orientations.order,
        "rlnSymmetryGroup": orientations.group.name,
        "rlnTiltAngleLimit": _NO_TILT_LIMIT if grid.tilt_limit is None else grid.tilt_limit,
        "rlnPsiStep": orientations.psi_step,
        "rlnOffsetRange": grid.offset_range,
        "rlnOffsetStep": grid.offset_step,
        "rlnHelicalOffsetStep": -1.0,
        "rlnSamplingPerturbInstance": orientations.perturbation,
        "rlnSamplingPerturbFactor": grid.perturbation_factor,
    }
