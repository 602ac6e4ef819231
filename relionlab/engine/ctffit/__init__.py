"""CTF estimation: from a micrograph to its power spectrum, and from that to defocus, astigmatism and phase shift.

The measure is the normalised cross-correlation with CTF² of Rohou & Grigorieff (2015) J. Struct. Biol. 192, 216.
"""

from relionlab.engine.ctffit.fit import Fit, describe_ctf, fit_ctf
from relionlab.engine.ctffit.search import Range
from relionlab.engine.ctffit.spectrum import Spectrum, check_spectrum, power_spectrum

__all__ = ["Fit", "Range", "Spectrum", "check_spectrum", "describe_ctf", "fit_ctf", "power_spectrum"]
