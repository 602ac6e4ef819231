"""What is to be simulated: one frozen description of the particles, the microscope and the noise."""

from __future__ import annotations

from dataclasses import dataclass

from relionlab.errors import InputError
from relionlab.simulation.microscope import Microscope


@dataclass(frozen=True, kw_only=True)
class Simulation(Microscope):
    """What to simulate.

    count                     number of particles
    box                       in px, even
    pixel_size                in Å
    snr                       variance of the signal (CTF applied) inside the particle's circle, over all particles'
                              images, divided by the variance of all noise, shot and ice
    fractions                 share of each conformation; empty: equal shares
    particle_diameter         in Å; ``None``: twice the molecules' radius
    particles_per_micrograph  they share defocus and astigmatism
    stack_per_micrograph      write one stack per micrograph instead of one for all
    voltage_kv, spherical_aberration_mm, amplitude_contrast
                              the microscope (kV, mm, fraction)
    defocus                   lowest and highest defocus of a micrograph in Å
    astigmatism               largest difference of defocus U and V in Å
    defocus_scatter           standard deviation of the particles' defocus within a micrograph in Å
    envelope_bfactor          in Å²: falloff of the signal by exp(-B k²/4), from motion and microscope
    molecule_bfactor          in Å²: blur of the atoms
    offset                    largest distance of a particle from the box centre along x and y in Å
    ice                       share of the noise variance that is structure of the ice (coloured, seen through the CTF)
    junk                      share of images that hold no particle: half empty, half contamination
    neighbours                share of particles with another one partly in the box
    half_precision            write float16, which RELION 3.1 refuses
    seed                      same seed, same images
    """

    count: int = 1000
    box: int = 64
    pixel_size: float = 3.54
    snr: float = 0.08
    fractions: tuple[float, ...] = ()
    particle_diameter: float | None = None
    particles_per_micrograph: int = 50
    stack_per_micrograph: bool = False
    voltage_kv: float = 300.0
    spherical_aberration_mm: float = 2.7
    amplitude_contrast: float = 0.1
    defocus: tuple[float, float] = (10000.0, 30000.0)
    astigmatism: float = 300.0
    defocus_scatter: float = 300.0
    envelope_bfactor: float = 0.0
    molecule_bfactor: float = 80.0
    offset: float = 10.0
    ice: float = 0.3
    junk: float = 0.0
    neighbours: float = 0.0
    half_precision: bool = False
    seed: int = 1

    def check(self, conformations: int) -> None:
        """Raise InputError if the numbers contradict each other."""
        if self.box < 16 or self.box % 2:
            raise InputError(f"The box is {self.box} px; expected an even number of at least 16.")
        if self.count < 1 or not self.snr > 0 or not self.pixel_size > 0:
            raise InputError(
                f"count={self.count}, snr={self.snr:g}, pixel_size={self.pixel_size:g} Å: all three must be positive."
            )
        self.check_fractions(conformations)
        for name in ("ice", "junk", "neighbours"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name):g}; expected a share between 0 and 1.")
