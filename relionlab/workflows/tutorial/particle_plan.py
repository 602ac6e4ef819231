"""What the tutorial does with particles: the user's own, or a set that is simulated first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import ParameterError


@dataclass(frozen=True)
class ParticlePlan:
    """What is to be done with particles.

    directory   of the project
    particles   the user's particles.star; ``None``: simulate some
    classes     number of classes
    iterations  number of iterations
    diameter    of the circular mask in Å; ``None``: known for simulated particles, else 80 % of the box
    count       particles to simulate
    noise       signal-to-noise ratio of the simulated particles
    seed        of the simulation and of the classification
    """

    directory: Path = Path("tutorial")
    particles: Path | None = None
    classes: int = 10
    iterations: int = 25
    diameter: float | None = None
    count: int = 2000
    signal_to_noise: float = 0.1
    seed: int = 1

    def check(self) -> None:
        """Raise ParameterError if something cannot be done."""
        lowest = {"classes": 1, "iterations": 1, "count": 100}
        for name, least in lowest.items():
            if getattr(self, name) < least:
                raise ParameterError(f"--{name} is {getattr(self, name)}; it must be at least {least}.")
        if self.particles is not None and not self.particles.is_file():
            raise ParameterError(f"--particles: {self.particles} does not exist; expected a particles.star.")
