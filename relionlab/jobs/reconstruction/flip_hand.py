"""The program ``flip_hand``: change the hand of maps, masks and poses together.

RELION's convention (relion_image_handler --invert_hand): the map is mirrored by x -> -x about its origin, pixel n // 2. The
images stay what they are: a particle at pose A has, with the mirrored map, pose diag(1, 1, -1) A diag(-1, 1, 1), and the
same origin, since a projection does not know front from back. Half-maps, masks and poses that are changed together still
belong together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np

from relionlab.engine.symmetry import point_group
from relionlab.errors import ImageError, ParameterError
from relionlab.io.images import read_map, write_map
from relionlab.io.particles import read_particles, write_particles
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.reconstruction.poses import rotations_of, with_rotations
from relionlab.params import Parameter

_MIRROR_X, _MIRROR_Z = np.diag([-1.0, 1.0, 1.0]), np.diag([1.0, 1.0, -1.0])


class FlipHand(Program):
    """Change the hand of maps, half-maps, masks and particle poses, so that they still belong together."""

    name: ClassVar[str] = "flip_hand"
    title: ClassVar[str] = "Change the hand"

    i: Annotated[
        str,
        Parameter(
            label="Files", help="Maps, half-maps, masks (.mrc) and particles (.star), with commas between them.", tab="I/O",
            flag="--i", required=True,
        ),
    ] = ""  # fmt: skip
    odir: Annotated[
        str, Parameter(label="Output directory", help="Where the new files go, named as the old ones.", tab="I/O", flag="--odir")
    ] = ""  # fmt: skip
    suffix: Annotated[
        str, Parameter(label="Suffix", help="Added to the names, before the ending.", tab="I/O", flag="--suffix")
    ] = "_flipped"
    sym: Annotated[
        str,
        Parameter(
            label="Symmetry", help="Point group of the map: what it is called after the change is said.", tab="I/O",
            flag="--sym",
        ),
    ] = "C1"  # fmt: skip

    def run(self, context: Context) -> None:
        """Change every file."""
        self.check()
        names = [name.strip() for name in self.i.split(",") if name.strip()]
        targets = {name: self._target(name) for name in names}
        taken = [
            target for name, target in targets.items() if target in names or list(targets.values()).count(target) > 1
        ]
        if taken:
            raise ParameterError(f"{taken[0]} would be written over: give another --odir or --suffix.")
        for name, target in targets.items():
            context.stop_if_asked()
            context.path(target).parent.mkdir(parents=True, exist_ok=True)
            if Path(name).suffix == ".star":
                particles = read_particles(context.path(name), directory=context.directory)
                write_particles(
                    context.path(target), with_rotations(particles, mirrored_poses(rotations_of(particles)))
                )
            else:
                map_, pixel_size = read_map(context.path(name))
                if len(set(map_.shape)) != 1 or map_.ndim != 3:
                    raise ImageError(
                        f"{name} is {' × '.join(map(str, map_.shape))} px; expected a map, which is a cube. Images stay what"
                        " they are when the hand changes: give the .star file of the particles instead."
                    )
                write_map(context.path(target), mirrored_map(map_), pixel_size=pixel_size or 1.0)
            context.say(f" Written {target}")
        now = group_after(self.sym)
        if now != point_group(self.sym).name:
            context.warn(
                f"The symmetry is called {now} now, no longer {point_group(self.sym).name}: use that in what follows."
            )

    def _target(self, name: str) -> str:
        path = Path(name)
        folder = Path(self.odir) if self.odir else path.parent
        return str(folder / f"{path.stem}{self.suffix}{path.suffix}")


def mirrored_map(map_: np.ndarray) -> np.ndarray:
    """Return a map (z, y, x) mirrored by x -> -x about its origin n // 2; with an even box the first section stays."""
    n = map_.shape[-1]
    return np.ascontiguousarray(map_[..., (2 * (n // 2) - np.arange(n)) % n])


def mirrored_poses(rotations: np.ndarray) -> np.ndarray:
    """Return the poses (N, 3, 3) at which the mirrored map gives the same projections."""
    return np.asarray(_MIRROR_Z @ rotations @ _MIRROR_X)


def group_after(name: str) -> str:
    """Return the name of a point group whose map was mirrored by x -> -x: I3 becomes I4, the others stay."""
    given = point_group(name).name
    return {"I3": "I4", "I4": "I3", "I3H": "I4H", "I4H": "I3H"}.get(given, given)
