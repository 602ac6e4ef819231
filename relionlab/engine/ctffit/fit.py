"""From a power spectrum to the CTF: coarse search, fine search, and what the fit is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit.quality import Profile, figure_of_merit, fitted_resolution, profile
from relionlab.engine.ctffit.refine import noise_variance, refine
from relionlab.engine.ctffit.search import Candidate, Range, candidates
from relionlab.engine.ctffit.sectors import in_sectors
from relionlab.engine.ctffit.spectrum import Spectrum
from relionlab.errors import ComputeError, InputError


@dataclass(frozen=True)
class Fit:
    """The CTF of a micrograph.

    defocus_u, defocus_v  Å, U the larger; positive is underfocus
    defocus_angle         degrees from x towards y to the direction of U, -90 to 90
    phase_shift           degrees
    figure_of_merit       correlation of the spectrum's pixels with CTF² less its mean
    max_resolution        Å to which the rings fit
    defocus_error         Å, standard deviation of the mean defocus that the spectrum's noise gives, if the rings are there and
                          counted rightly: fits to noise have small ones too, so it is no measure of trust
    profile               the spectrum in one dimension
    spectrum              what was fitted
    """

    defocus_u: float
    defocus_v: float
    defocus_angle: float
    phase_shift: float
    figure_of_merit: float
    max_resolution: float
    defocus_error: float
    profile: Profile
    spectrum: Spectrum

    @property
    def defocus(self) -> float:
        """Mean defocus in Å."""
        return 0.5 * (self.defocus_u + self.defocus_v)

    @property
    def astigmatism(self) -> float:
        """Defocus U less defocus V in Å."""
        return self.defocus_u - self.defocus_v


def fit_ctf(spectrum: Spectrum, optics: Optics, searched: Range = Range()) -> Fit:  # noqa: B008 - frozen
    """Fit the CTF to a power spectrum.

    optics    of the microscope; its pixel size is not used, the spectrum has its own

    Raises InputError if the ranges do not fit the spectrum, ComputeError if the spectrum says nothing.
    """
    _check(spectrum, optics, searched)
    optics = replace(optics, pixel_size=spectrum.pixel_size)
    sectors = in_sectors(spectrum, coarsest=searched.coarsest, finest=searched.finest)
    if not np.abs(sectors.values).max() > 1e-7:
        raise ComputeError("The power spectrum is smooth: there are no rings in it. Look at the micrograph.")
    noise = noise_variance(sectors)
    starts = candidates(sectors, optics, searched, noise=noise)
    refined = [refine(sectors, optics, searched, start=start, noise=noise) for start in starts]
    margin = searched.step
    inside = [one for one in refined if searched.lowest - margin <= one.place.defocus <= searched.highest + margin]
    if not inside:
        raise ComputeError(
            f"No defocus between {searched.lowest:g} and {searched.highest:g} Å fits the spectrum. Widen the range (--dFMin,"
            " --dFMax), or leave the micrograph out."
        )
    best = max(inside, key=lambda one: one.place.score)
    return _described(spectrum, optics, searched, place=best.place, error=best.error)


def describe_ctf(
    spectrum: Spectrum,
    optics: Optics,
    searched: Range,
    *,
    defocus_u: float,
    defocus_v: float,
    defocus_angle: float,
    phase_shift: float = 0.0,
) -> Fit:
    """Return what a CTF that was estimated elsewhere is worth on this spectrum; its error is unknown (nan)."""
    _check(spectrum, optics, searched)
    optics = replace(optics, pixel_size=spectrum.pixel_size)
    size, turn = defocus_u - defocus_v, 2 * np.deg2rad(defocus_angle)
    place = Candidate(
        0.5 * (defocus_u + defocus_v), size * float(np.cos(turn)), size * float(np.sin(turn)), phase_shift, 0.0
    )
    return _described(spectrum, optics, searched, place=place, error=float("nan"))


def _described(spectrum: Spectrum, optics: Optics, searched: Range, *, place: Candidate, error: float) -> Fit:
    drawn = profile(spectrum, optics, place, coarsest=searched.coarsest)
    size = float(np.hypot(place.along, place.across))
    return Fit(
        defocus_u=place.defocus + size / 2,
        defocus_v=place.defocus - size / 2,
        defocus_angle=float(np.rad2deg(0.5 * np.arctan2(place.across, place.along))),
        phase_shift=place.phase,
        figure_of_merit=figure_of_merit(
            spectrum, optics, place, background=drawn.background, coarsest=searched.coarsest, finest=searched.finest
        ),
        max_resolution=fitted_resolution(drawn),
        defocus_error=error,
        profile=drawn,
        spectrum=spectrum,
    )


def _check(spectrum: Spectrum, optics: Optics, searched: Range) -> None:
    edge = 2 * spectrum.pixel_size
    if searched.coarsest <= searched.finest:
        raise InputError(
            f"The minimum resolution ({searched.coarsest:g} Å) is not coarser than the maximum resolution"
            f" ({searched.finest:g} Å): --ResMin is the larger number, as 30, --ResMax the smaller, as 5."
        )
    if searched.finest < edge * 0.999:
        raise InputError(
            f"The maximum resolution is {searched.finest:g} Å, but the spectrum ends at {edge:.3g} Å (two pixels): give"
            f" --ResMax {np.ceil(edge * 10) / 10:g} or more."
        )
    if not 0 < searched.lowest < searched.highest or searched.step <= 0:
        raise InputError(
            f"Defocus from {searched.lowest:g} to {searched.highest:g} Å in steps of {searched.step:g} Å cannot be searched:"
            " expected 0 < --dFMin < --dFMax and --FStep > 0."
        )
    if not (optics.voltage_kv > 0 and np.isfinite(optics.spherical_aberration_mm)):
        raise InputError(f"The voltage is {optics.voltage_kv} kV: expected a number above 0. Correct the optics table.")
    if not 0 <= optics.amplitude_contrast < 1:
        raise InputError(
            f"The amplitude contrast is {optics.amplitude_contrast:g}: expected 0 to 1. Correct the optics table."
        )
