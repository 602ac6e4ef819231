"""The program ``align_symmetry``: bring a map into the standard frame of a point group."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from relionlab.engine.axes import FoundAxes, find_axes, moved
from relionlab.engine.maps.alterations import symmetrised
from relionlab.engine.rotations import euler_from_matrix
from relionlab.engine.symmetry import PointGroup, point_group
from relionlab.errors import ImageError, ParameterError
from relionlab.io.images import read_map, write_map
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.options.declaring import ignored, refused
from relionlab.jobs.reconstruction.chosen_maps import maps_of_model
from relionlab.params import Parameter


class AlignSymmetry(Program):
    """Turn and centre a map so that its symmetry axes lie where RELION's convention has them, and score the symmetry."""

    name: ClassVar[str] = "align_symmetry"
    title: ClassVar[str] = "Align symmetry"

    i: Annotated[
        str,
        Parameter(
            label="Map", help="The map to turn, or a model.star: then the class whose map fits the symmetry best, unless"
            " another is selected.", tab="I/O", flag="--i", required=True, pattern="*.{mrc,star}",
        ),
    ] = ""  # fmt: skip
    sym: Annotated[
        str,
        Parameter(
            label="Symmetry", help="Point group, as C3, D2, O or I1; with C1 the map stays as it is.", tab="I/O", flag="--sym",
            required=True,
        ),
    ] = ""  # fmt: skip
    o: Annotated[str, Parameter(label="Output map", help="The turned map.", tab="I/O", flag="--o")] = "aligned.mrc"
    apply_sym: Annotated[
        bool,
        Parameter(
            label="Impose the symmetry", help="Average the turned map over the group.", tab="I/O", flag="--apply_sym"
        ),
    ] = False
    select_largest_class: Annotated[
        bool,
        Parameter(
            label="Largest class", help="Of a model.star, take the class with most particles.", tab="I/O",
            flag="--select_largest_class",
        ),
    ] = False  # fmt: skip
    select_highest_resol: Annotated[
        bool,
        Parameter(
            label="Finest class", help="Of a model.star, take the class of best resolution.", tab="I/O",
            flag="--select_highest_resol",
        ),
    ] = False  # fmt: skip
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
        """Choose, search, turn, write, and say how well the map fits the symmetry."""
        self.check()
        group = point_group(self.sym)
        names = self._names(context)
        if len(group.rotations) == 1:
            map_, pixel_size = self._read(names[0], context)
            write_map(context.path(self.o), map_, pixel_size=pixel_size)
            context.say(f" No axes are looked for in {group.name}: {names[0]} has been written to {self.o} as it is")
            return
        found = [(name, *self._search(name, group, context)) for name in names]
        name, map_, pixel_size, axes = max(found, key=lambda one: one[3].score)
        if len(found) > 1:
            context.say(f" Of {len(found)} maps, {name} fits {group.name} best")
        self._say(axes, group, context, size=pixel_size * map_.shape[-1], pixel_size=pixel_size)
        turned = moved(map_, axes.rotation, axes.centre)
        if self.apply_sym:
            turned = symmetrised(turned, group.operations)
        write_map(context.path(self.o), turned, pixel_size=pixel_size)
        how = "and symmetrised" if self.apply_sym else "map"
        rest = "" if self.apply_sym else "; it is not symmetrised (--apply_sym)"
        context.say(f" Written the turned {how} to {self.o}{rest}")

    def _names(self, context: Context) -> list[str]:
        if not self.i.endswith(".star"):
            return [self.i]
        names = maps_of_model(self.i, context, largest=self.select_largest_class, finest=self.select_highest_resol)
        if len(names) > 1 and self.sym.strip().upper() == "C1":
            raise ParameterError(
                f"{self.i} has {len(names)} maps, and C1 does not tell which to take: add --select_largest_class."
            )
        return names

    def _read(self, name: str, context: Context) -> tuple[np.ndarray, float]:
        """Return a map and its pixel size."""
        map_, stated = read_map(context.path(name))
        if len(set(map_.shape)) != 1:
            raise ImageError(f"{name} is {map_.shape} px (z, y, x); expected a cube.")
        if self.angpix is None and stated is None:
            context.warn(f"{name} does not say its pixel size: 1 Å is taken. State it with --angpix.")
        return map_, self.angpix or stated or 1.0

    def _search(self, name: str, group: PointGroup, context: Context) -> tuple[np.ndarray, float, FoundAxes]:
        """Return a map, its pixel size and where its axes lie."""
        map_, pixel_size = self._read(name, context)
        shells = self.box_size // 2
        if self.maxres is not None:
            shells = min(shells, int(map_.shape[-1] * pixel_size / self.maxres))
        axes = find_axes(map_, group, shells=max(shells, 4), recentre=not self.keep_centre, only_about_z=self.only_rot)
        return map_, pixel_size, axes

    def _say(self, axes: FoundAxes, group: PointGroup, context: Context, *, size: float, pixel_size: float) -> None:
        """Say where the axes lie and how well the map fits them; ``size`` of the box in Å."""
        rot, tilt, psi = (float(angle) for angle in euler_from_matrix(axes.rotation))
        context.say(f" The solution is ROT = {rot:.3f} TILT = {tilt:.3f} PSI = {psi:.3f}")
        x, y, z = axes.centre * pixel_size
        context.say(f" The axes meet at x = {x:.2f}, y = {y:.2f}, z = {z:.2f} Å from the middle of the box")
        context.say(f" Symmetry score {axes.score:.2f} (1: perfect; frames at random: {axes.background:.2f});")
        below = np.flatnonzero(axes.shells < 0.5)
        finest = size / (2 + (int(below[0]) if len(below) else len(axes.shells) - 1))
        context.say(f" the map is like its turned self (FSC > 0.5) down to {finest:.1f} Å")
        if not axes.plausible:
            context.warn(
                f"The map hardly has the symmetry {group.name}: score {axes.score:.2f}, expected above 0.5 and"
                f" {axes.stands_out:.1f} deviations above frames at random (expected above 5). Do not impose it without"
                " looking: try a subgroup, or C1."
            )
