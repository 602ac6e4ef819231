"""The orientations that a 3D search looks at: directions on a HEALPix grid, in-plane angles, priors around known poses."""

from relionlab.engine.sampling.grid import Sampling, sampling
from relionlab.engine.sampling.local import Neighbourhood, Widths, neighbourhood, neighbourhoods
from relionlab.engine.sampling.perturbation import next_perturbation

__all__ = [
    "Neighbourhood",
    "Sampling",
    "Widths",
    "neighbourhood",
    "neighbourhoods",
    "next_perturbation",
    "sampling",
]
