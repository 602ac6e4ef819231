"""The program ``particle_sets``: union, intersection and difference of particle lists, by who the particles are.

A particle is where it lies: on which micrograph (its name below the job, without ending) and at which coordinates. This
stays when it is extracted again, so lists of different jobs and binnings can be compared; image names change.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np

from relionlab.errors import StarError
from relionlab.io.coordinates import X, Y
from relionlab.io.job_names import root_below_job
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.star import operations as star_operations
from relionlab.jobs.star.list_file import StarList, read_list
from relionlab.params import Parameter

Operation = Literal["union", "intersection", "difference", "symmetric_difference"]
_EXACT_PX = 0.01


class ParticleSets(Program):
    """Join or compare two lists of particles by who the particles are: the same place on the same micrograph."""

    name: ClassVar[str] = "particle_sets"
    title: ClassVar[str] = "Particle sets"

    i: Annotated[
        str,
        Parameter(
            label="First list",
            help="Particles; their rows win in a union.",
            tab="I/O",
            flag="--i",
            required=True,
            pattern="*.star",
        ),
    ] = ""
    other: Annotated[
        str,
        Parameter(
            label="Second list",
            help="Particles to compare with.",
            tab="I/O",
            flag="--with",
            required=True,
            pattern="*.star",
        ),
    ] = ""
    o: Annotated[str, Parameter(label="Output", help="STAR file to write.", tab="I/O", flag="--o", required=True)] = ""
    operation: Annotated[
        Operation,
        Parameter(
            label="Operation",
            help="Union: in either (rows of the first win); intersection: in both; difference: in the first only.",
            tab="I/O",
            flag="--operation",
        ),
    ] = "intersection"
    tolerance: Annotated[
        float,
        Parameter(
            label="Tolerance",
            help="Particles up to this far apart, after their refined shifts, are the same; each has one partner at most. 0: the"
            " coordinates must agree.",
            tab="I/O",
            unit="Å",
            flag="--tolerance",
            bounds=(0, None),
            suggested=(0, 100, 1),
        ),
    ] = 0.0
    coord_angpix: Annotated[
        float | None,
        Parameter(
            label="Pixel size of the coordinates",
            help="Of the micrographs, for the tolerance; -1: that of the movies (rlnMicrographOriginalPixelSize).",
            tab="I/O",
            unit="Å",
            flag="--coord_angpix",
            bounds=(0.01, 100),
            none_as="-1",
        ),
    ] = None

    def run(self, context: Context) -> None:
        """Match, choose, write."""
        self.check()
        first, second = (read_list(context.path(name)) for name in (self.i, self.other))
        ours, theirs = match_particles(first, second, tolerance=self.tolerance, pixel_size=self.coord_angpix)
        context.say(f" {len(ours)} particles are in both, {len(first.rows) - len(ours)} in the first only,")
        context.say(f" {len(second.rows) - len(theirs)} in the second only")
        result = set_operation(first, second, self.operation, pairs=(ours, theirs), context=context)
        result.write(context.path(self.o))
        context.say(f" Written {self.o} with {len(result.rows)} particles")


def match_particles(
    first: StarList, second: StarList, *, tolerance: float = 0.0, pixel_size: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of ``first`` and of ``second`` (M,), (M,) that are the same particles, one to one.

    tolerance   Å; 0: equal coordinates on the same micrograph. Otherwise the nearest pairs, after the refined shifts
    pixel_size  of the coordinates in Å; None: as the optics groups say
    """
    micrographs = [_micrographs(data) for data in (first, second)]
    places = [_places(data, tolerance > 0, pixel_size) for data in (first, second)]
    ours, theirs = [], []
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(micrographs[1]):
        rows_of.setdefault(name, []).append(row)
    mine: dict[str, list[int]] = {}
    for row, name in enumerate(micrographs[0]):
        mine.setdefault(name, []).append(row)
    for name, rows in mine.items():
        if name in rows_of:
            here, there = np.array(rows), np.array(rows_of[name])
            pairs = _nearest_pairs(places[0][here], places[1][there], tolerance or _EXACT_PX)
            ours += here[pairs[:, 0]].tolist()
            theirs += there[pairs[:, 1]].tolist()
    order = np.argsort(ours, kind="stable") if ours else np.zeros(0, np.int64)
    return np.array(ours, np.int64)[order], np.array(theirs, np.int64)[order]


def set_operation(
    first: StarList, second: StarList, operation: Operation, *, pairs: tuple[np.ndarray, np.ndarray], context: Context
) -> StarList:
    """Return the particles of either, both or one of the lists; ``pairs`` as :func:`match_particles` gives them."""
    ours, theirs = pairs
    if operation == "intersection":
        return first.with_rows(first.rows.rows(ours))
    only_first = first.with_rows(first.rows.rows(np.setdiff1d(np.arange(len(first.rows)), ours)))
    if operation == "difference":
        return only_first
    only_second = second.with_rows(second.rows.rows(np.setdiff1d(np.arange(len(second.rows)), theirs)))
    kept = first if operation == "union" else only_first
    return star_operations.combine([kept, only_second], context.say)


def _micrographs(data: StarList) -> list[str]:
    if "rlnMicrographName" not in data.rows:
        raise StarError(f"{data.source} has no column rlnMicrographName, so nobody knows who its particles are.")
    return [root_below_job(str(name)) for name in data.rows["rlnMicrographName"].tolist()]


def _places(data: StarList, shifted: bool, pixel_size: float | None) -> np.ndarray:  # noqa: FBT001
    """Return the coordinates (N, 2): in px as they are, or in Å after the shifts."""
    for label in (X, Y):
        if label not in data.rows:
            raise StarError(f"{data.source} has no column {label}, so nobody knows where its particles are.")
    centres = np.stack([data.rows[X], data.rows[Y]], axis=1)
    if not shifted:
        return centres
    sizes = (
        np.full(len(centres), pixel_size) if pixel_size is not None else data.per_row("rlnMicrographOriginalPixelSize")
    )
    origins = [data.rows.get(f"rlnOrigin{axis}Angst", 0.0) for axis in "XY"]
    return np.stack([centres[:, axis] * sizes - origins[axis] for axis in (0, 1)], axis=1)


def _nearest_pairs(first: np.ndarray, second: np.ndarray, distance: float) -> np.ndarray:
    """Return pairs (M, 2) of rows within the distance, nearest first, none used twice."""
    from scipy.spatial import cKDTree

    found = cKDTree(first).sparse_distance_matrix(cKDTree(second), distance, output_type="ndarray")
    pairs, used = [], (set(), set())  # type: tuple[list[tuple[int, int]], tuple[set[int], set[int]]]
    for entry in found[np.argsort(found["v"], kind="stable")]:
        a, b = int(entry["i"]), int(entry["j"])
        if a not in used[0] and b not in used[1]:
            used[0].add(a)
            used[1].add(b)
            pairs.append((a, b))
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
