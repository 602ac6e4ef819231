"""The program ``align_symmetry``: bring a map into the standard frame of a point group."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from relionlab.engine.axes import find_axes, moved
from relionlab.engine.rotations import euler_from_matrix
from relionlab.engine.symmetry import point_group
from relionlab.errors import ImageError
from relionlab.io.images import read_map, write_map
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.reconstruction.declaring import ignored, refused
from relionlab.params import Parameter


class AlignSymmetry(Program):
    """Turn and centre a map so that its symmetry axes lie where RELION's convention has them, and score the symmetry."""

    name: ClassVar[str] = "align_symmetry"
    title: ClassVar[str] = "Align symmetry"

    i: Annotated[
        str, Parameter(label="Map", help="The map to turn.", tab="I/O", flag="--i", required=True, pattern="*.mrc")
    ] = ""
    sym: Annotated[
        str,
        Parameter(label="Symmetry", help="Point group, as C3, D2, O or I1.", tab="I/O", flag="--sym", required=True),
    ] = ""
    o: Annotated[str, Parameter(label="Output map", help="The turned map, not symmetrised.", tab="I/O", flag="--o")] = (
        "aligned.mrc"
    )
    box_size: Annotated[
        int,
        Parameter(
            label="Working box", help="Half of it is the finest shell that is compared, as in RELION.", tab="Optimisation",
            unit="px", flag="--box_size", bounds=(16, None),
        ),
    ] = 64  # fmt: skip
    keep_centre: Annotated[
        bool,
        Parameter(
            label="Keep the centre", help="Do not move the map, turn it only.", tab="Optimisation", flag="--keep_centre"
        ),
    ] = False
    angpix: Annotated[
        float | None,
        Parameter(
            label="Pixel size", help="Of the map; -1: as its header says.", tab="I/O", unit="Å", flag="--angpix",
            none_as="-1", bounds=(0.01, 100),
        ),
    ] = None  # fmt: skip
    only_rot: Annotated[
        bool,
        Parameter(
            label="Only rot", help="The z axis stays; only the turn about it is searched.", tab="Optimisation",
            flag="--only_rot",
        ),
    ] = False  # fmt: skip
    maxres: Annotated[
        float | None,
        Parameter(
            label="Maximum resolution", help="Finer shells are not compared; -1: as the working box says.",
            tab="Optimisation", unit="Å", flag="--maxres", none_as="-1", bounds=(0.1, None),
        ),
    ] = None  # fmt: skip
    nr_uniform: Annotated[int, ignored("--nr_uniform", "Random orientations")] = 400
    local_search_range: Annotated[int, ignored("--local_search_range", "Local search range")] = 2
    local_search_step: Annotated[float, ignored("--local_search_step", "Local search step")] = 2.0
    pad: Annotated[int, ignored("--pad", "Padding")] = 2
    nn: Annotated[bool, refused("--NN", "Nearest neighbour")] = False

    def problems(self) -> list[str]:
        """Return what is wrong."""
        refusal = [f"{self.called('nn')}: nearest-neighbour interpolation is not offered; leave it out."]
        return super().problems() + (refusal if self.nn else [])

    def run(self, context: Context) -> None:
        """Search, turn, write, and say how well the map fits the symmetry."""
        self.check()
        group = point_group(self.sym)
        if len(group.rotations) == 1:
            raise ImageError(f"{group.name} has no axes that a map could be turned to: give another --sym.")
        map_, stated = read_map(context.path(self.i))
        if len(set(map_.shape)) != 1:
            raise ImageError(f"{self.i} is {map_.shape} px (z, y, x); expected a cube.")
        pixel_size = self.angpix or stated or 1.0
        if self.angpix is None and stated is None:
            context.warn(f"{self.i} does not say its pixel size: 1 Å is taken. State it with --angpix.")
        n = map_.shape[-1]
        shells = self.box_size // 2
        if self.maxres is not None:
            shells = min(shells, int(n * pixel_size / self.maxres))
        found = find_axes(map_, group, shells=max(shells, 4), recentre=not self.keep_centre, only_about_z=self.only_rot)
        rot, tilt, psi = (float(angle) for angle in euler_from_matrix(found.rotation))
        context.say(f" The solution is ROT = {rot:.3f} TILT = {tilt:.3f} PSI = {psi:.3f}")
        x, y, z = found.centre * pixel_size
        context.say(f" The axes meet at x = {x:.2f}, y = {y:.2f}, z = {z:.2f} Å from the middle of the box")
        context.say(f" Symmetry score {found.score:.2f} (1: perfect; frames at random: {found.background:.2f});")
        below = np.flatnonzero(found.shells < 0.5)
        finest = n * pixel_size / (2 + (int(below[0]) if len(below) else len(found.shells) - 1))
        context.say(f" the map is like its turned self (FSC > 0.5) down to {finest:.1f} Å")
        if not found.plausible:
            context.warn(
                f"The map hardly has the symmetry {group.name}: score {found.score:.2f}, expected above 0.5 and"
                f" {found.stands_out:.1f} deviations above frames at random (expected above 5). Do not impose it without"
                " looking: try a subgroup, or C1."
            )
        write_map(context.path(self.o), moved(map_, found.rotation, found.centre), pixel_size=pixel_size)
        context.say(f" Written the turned map to {self.o}; it is not symmetrised (relionlab image_handler --sym)")
