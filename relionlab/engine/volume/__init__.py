"""Maps in Fourier space: images and polar slices in, a map out, and slices out of a map again."""

from relionlab.engine.volume.lattice import KAISER_BESSEL, LINEAR, Lattice
from relionlab.engine.volume.slicer import PolarSlicer, volume_of
from relionlab.engine.volume.solving import reconstruct, weight_spectrum
from relionlab.engine.volume.sums import FourierSums

__all__ = [
    "KAISER_BESSEL",
    "LINEAR",
    "FourierSums",
    "Lattice",
    "PolarSlicer",
    "reconstruct",
    "volume_of",
    "weight_spectrum",
]
