"""What all simulations share: the microscope, and the shares of the conformations."""

from __future__ import annotations

from relionlab.engine.ctf import Optics
from relionlab.errors import InputError


class Microscope:
    """Base of the descriptions of a simulation, which have these fields; see there for what they mean."""

    voltage_kv: float
    spherical_aberration_mm: float
    amplitude_contrast: float
    pixel_size: float
    fractions: tuple[float, ...]

    @property
    def optics(self) -> Optics:
        """The microscope and pixel size."""
        return Optics(self.voltage_kv, self.spherical_aberration_mm, self.amplitude_contrast, self.pixel_size)

    def check_fractions(self, conformations: int) -> None:
        """Raise InputError if there is not one share for each conformation, or they are no shares."""
        if self.fractions and (
            len(self.fractions) != conformations or min(self.fractions) < 0 or sum(self.fractions) <= 0
        ):
            raise InputError(
                f"fractions={self.fractions} for {conformations} conformation(s): give one number, not negative, for each."
            )
