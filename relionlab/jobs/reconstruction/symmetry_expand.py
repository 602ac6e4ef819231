"""The program ``particle_symmetry_expand``: every particle once per operation of its symmetry."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from relionlab.engine.symmetry import point_group
from relionlab.errors import ParameterError
from relionlab.io.particles import read_particles, write_particles
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.options.declaring import ignored, refused
from relionlab.jobs.reconstruction.poses import rotations_of, with_rotations
from relionlab.params import Parameter


class ParticleSymmetryExpand(Program):
    """List every particle once for each operation of a point group, so that its copies can be treated one by one."""

    name: ClassVar[str] = "particle_symmetry_expand"
    title: ClassVar[str] = "Symmetry expansion"

    i: Annotated[
        str, Parameter(label="Particles", help="Particles with angles.", tab="I/O", flag="--i", required=True, pattern="*.star")
    ] = ""  # fmt: skip
    o: Annotated[str, Parameter(label="Output", help="STAR file to write.", tab="I/O", flag="--o")] = "expanded.star"
    sym: Annotated[
        str, Parameter(label="Symmetry", help="Point group of the refinement, as C3 or D2.", tab="I/O", flag="--sym")
    ] = "C1"
    helix: Annotated[bool, refused("--helix", "Helical expansion")] = False
    twist: Annotated[float, ignored("--twist", "Helical twist")] = 0.0
    rise: Annotated[float, ignored("--rise", "Helical rise")] = 0.0
    angpix: Annotated[float, ignored("--angpix", "Pixel size, for helices")] = 1.0
    asu: Annotated[int, ignored("--asu", "Helical units")] = 1
    frac_sampling: Annotated[int, ignored("--frac_sampling", "Samples in a unit")] = 1
    frac_range: Annotated[float, ignored("--frac_range", "Range of the rise")] = 0.5
    ignore_optics: Annotated[bool, ignored("--ignore_optics", "Without optics groups")] = False

    def run(self, context: Context) -> None:
        """Expand and write."""
        self.check()
        if self.helix:
            raise ParameterError(
                f"{self.called('helix')}: helices are not expanded; run relion_particle_symmetry_expand."
            )
        group = point_group(self.sym)
        particles = read_particles(context.path(self.i), directory=context.directory)
        poses = group.equivalent_poses(rotations_of(particles))
        rows = np.repeat(np.arange(len(particles)), group.order)
        angles = {label: particles.particles[label] for label in particles.particles if label.startswith("rlnAngle")}
        expanded = with_rotations(particles.rows(rows), poses.reshape(-1, 3, 3))
        first = np.arange(len(particles)) * group.order  # the particles' own angles stay to the last digit
        kept = {label: expanded.particles[label].copy() for label in angles}
        for label, values in angles.items():
            kept[label][first] = values
        write_particles(context.path(self.o), expanded.with_columns(kept))
        context.say(f" Written {self.o}: {len(particles)} particles × {group.order} operations of {group.name}")
