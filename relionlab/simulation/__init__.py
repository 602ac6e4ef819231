"""Known truth: a molecule, its particles, and (later) micrographs and movies, beside which results can be judged."""

from relionlab.simulation.assembly import d2_assembly
from relionlab.simulation.conditions import Simulation
from relionlab.simulation.particles import Simulated, simulate_particles
from relionlab.simulation.structures import Atoms, density, read_atoms, read_molecule

__all__ = [
    "Atoms",
    "Simulated",
    "Simulation",
    "d2_assembly",
    "density",
    "read_atoms",
    "read_molecule",
    "simulate_particles",
]
