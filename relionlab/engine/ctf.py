"""The contrast transfer function, with RELION's sign and parameters.

Source: Wade (1992) Ultramicroscopy 46, 145; sign and B-factor convention as relion_ctf_toolbox 3.1.3 computes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from relionlab.engine.array import like, namespace
from relionlab.engine.fourier import frequencies


@dataclass(frozen=True)
class Optics:
    """The microscope of one optics group.

    voltage_kv               acceleration voltage in kV
    spherical_aberration_mm  Cs in mm
    amplitude_contrast       fraction, 0.07 to 0.1 for ice, more for stain
    pixel_size               of the images, in Å
    """

    voltage_kv: float
    spherical_aberration_mm: float
    amplitude_contrast: float
    pixel_size: float

    @cached_property
    def wavelength(self) -> float:
        """Relativistic wavelength of the electrons in Å."""
        volts = self.voltage_kv * 1e3
        return float(12.2643247 / np.sqrt(volts * (1 + volts * 0.978466e-6)))


def ctf(
    frequency_x: Any,
    frequency_y: Any,
    *,
    optics: Optics,
    defocus_u: Any,
    defocus_v: Any,
    defocus_angle: Any,
    phase_shift: Any = 0.0,
    bfactor: Any = 0.0,
    scale: Any = 1.0,
    phase_flipped: bool = False,
    only_flip_phases: bool = False,
    intact_first_peak: bool = False,
    symmetric_phase: Any = None,
) -> Any:
    """Return the CTF at these frequencies; all arguments broadcast against each other.

    frequency_x, frequency_y  in 1/Å
    defocus_u, defocus_v      in Å, positive is underfocus
    defocus_angle             degrees from x to the direction of defocus_u
    phase_shift               of a phase plate, in degrees
    bfactor                   in Å²: the amplitude falls as exp(-B k²/4)
    scale                     factor for all
    phase_flipped             the images' phases were flipped: the absolute value
    only_flip_phases          the sign only: 1 or -1
    intact_first_peak         1 up to the first maximum
    symmetric_phase           radians that symmetric aberrations take from the phase
    """
    xp = namespace(frequency_x, frequency_y, defocus_u)
    phase = _phase(xp, frequency_x, frequency_y, optics, (defocus_u, defocus_v, defocus_angle, phase_shift))
    if symmetric_phase is not None:
        phase = phase - symmetric_phase
    value = xp.sin(phase)
    if intact_first_peak:
        value = xp.where(xp.abs(phase) < np.pi / 2, value.dtype.type(1), value)
    if (namespace(bfactor).asarray(bfactor) != 0).any():  # most data have none: saves an exponential per pixel
        value = value * xp.exp((frequency_x**2 + frequency_y**2) * (-bfactor / 4))
    if phase_flipped:
        value = xp.abs(value)
    elif only_flip_phases:
        value = xp.where(value < 0, value.dtype.type(-1), value.dtype.type(1))
    return value * scale


def ctf_images(
    n: int,
    *,
    optics: Optics,
    defocus_u: Any,
    defocus_v: Any,
    defocus_angle: Any,
    phase_shift: Any = 0.0,
    bfactor: Any = 0.0,
    scale: Any = 1.0,
    phase_flipped: bool = False,
    only_flip_phases: bool = False,
    intact_first_peak: bool = False,
    symmetric_phase: Any = None,
    magnification: Any = None,
    dtype: Any = np.float32,
) -> Any:
    """Return the CTF of N particles on the half plane of an n-pixel box.

    Each defocus, angle, phase shift, B-factor and scale is one number or (N,); the frequencies follow from
    ``optics.pixel_size``, and from an anisotropic magnification (2, 2), if there is one. Options as :func:`ctf`;
    ``symmetric_phase`` (n, n//2+1). Returns (N, n, n//2+1) in ``dtype``.
    """
    xp = namespace(defocus_u)

    def per_image(value: Any) -> Any:
        return xp.atleast_1d(xp.asarray(value, dtype=dtype)).reshape(-1, 1, 1)

    x, y = (like(axis, xp.zeros(0)).astype(dtype) for axis in frequencies(n, optics.pixel_size))
    if magnification is not None:
        x, y = (row[0] * x + row[1] * y for row in np.asarray(magnification, dtype))
    return ctf(
        x[None],
        y[None],
        optics=optics,
        defocus_u=per_image(defocus_u),
        defocus_v=per_image(defocus_v),
        defocus_angle=per_image(defocus_angle),
        phase_shift=per_image(phase_shift),
        bfactor=per_image(bfactor),
        scale=per_image(scale),
        phase_flipped=phase_flipped,
        only_flip_phases=only_flip_phases,
        intact_first_peak=intact_first_peak,
        symmetric_phase=None if symmetric_phase is None else like(symmetric_phase, xp.zeros(0)).astype(dtype),
    )


def _phase(xp: Any, x: Any, y: Any, optics: Optics, aberrations: tuple[Any, Any, Any, Any]) -> Any:
    """Return the argument of the sine; written as a quadratic form, so that no angle per pixel is needed."""
    u, v, angle, phase_shift = aberrations
    wavelength, cs = optics.wavelength, optics.spherical_aberration_mm * 1e7
    radians = angle * (np.pi / 180)
    cosine, sine = xp.cos(radians), xp.sin(radians)
    along_xx = (u * cosine**2 + v * sine**2) * (np.pi * wavelength)
    along_yy = (u * sine**2 + v * cosine**2) * (np.pi * wavelength)
    along_xy = (u - v) * cosine * sine * (2 * np.pi * wavelength)
    x2, y2 = x**2, y**2
    spherical = (x2 + y2) ** 2 * (np.pi / 2 * cs * wavelength**3)
    constant = phase_shift * (np.pi / 180) + float(np.arcsin(optics.amplitude_contrast))
    return along_xx * x2 + along_xy * (x * y) + along_yy * y2 - spherical + constant
