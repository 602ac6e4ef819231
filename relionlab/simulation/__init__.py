"""Known truth: a molecule, its particles, micrographs and movies, beside which results can be judged."""

from relionlab.simulation.assembly import d2_assembly
from relionlab.simulation.conditions import Simulation
from relionlab.simulation.exposures import Exposures, exposures
from relionlab.simulation.micrographs import SimulatedMicrographs, simulate_micrographs
from relionlab.simulation.movies import SimulatedMovies, simulate_movies
from relionlab.simulation.particles import Simulated, simulate_particles
from relionlab.simulation.structures import Atoms, density, read_atoms, read_molecule

__all__ = [
    "Atoms",
    "Exposures",
    "Simulated",
    "SimulatedMicrographs",
    "SimulatedMovies",
    "Simulation",
    "d2_assembly",
    "density",
    "exposures",
    "read_atoms",
    "read_molecule",
    "simulate_micrographs",
    "simulate_movies",
    "simulate_particles",
]
