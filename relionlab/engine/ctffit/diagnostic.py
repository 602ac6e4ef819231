"""The picture that belongs to a fit: the observed spectrum in the left half, the model in the right half."""

from __future__ import annotations

import numpy as np

from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit.fit import Fit
from relionlab.engine.ctffit.model import defocus_at, phases

_LOWEST, _HIGHEST = -0.5, 1.5
_NO_RINGS = 0.5  # grey where the model is not drawn


def diagnostic_image(fit: Fit, optics: Optics, *, finest: float) -> np.ndarray:
    """Return (n, n) float32: left of the middle the spectrum, its rings between 0 and 1, right of it CTF².

    finest  Å to which the model is drawn; further, if rings fit further
    """
    spectrum, profile = fit.spectrum, fit.profile
    centre = spectrum.size // 2
    y, x = np.indices(spectrum.power.shape) - centre
    radius = np.hypot(y, x)
    begun = np.isfinite(profile.quality)
    least = 0.1 * float(np.max(profile.strength[begun], initial=0.0)) or 1.0
    places = np.arange(len(profile.frequency))
    below = np.interp(radius, places, profile.background)
    height = np.interp(radius, places, np.maximum(profile.strength, least))
    observed = (np.log(np.maximum(spectrum.power, 1e-30)) - below) / height
    turn = 2 * np.deg2rad(fit.defocus_angle)
    local = defocus_at(
        np.arctan2(y, x), fit.defocus, along=fit.astigmatism * np.cos(turn), across=fit.astigmatism * np.sin(turn)
    )
    frequency = spectrum.frequency(radius)
    rest = phases(frequency.ravel(), np.zeros(1), optics=optics, phase_shift=fit.phase_shift).reshape(radius.shape)
    model = np.sin(np.pi * optics.wavelength * frequency**2 * local + rest) ** 2
    model = np.where(frequency <= 1 / min(finest, fit.max_resolution), model, _NO_RINGS)
    image = np.where(x < 0, np.clip(observed, _LOWEST, _HIGHEST), model)
    image[radius < max(np.argmax(begun), 1)] = _NO_RINGS
    return image.astype(np.float32)
