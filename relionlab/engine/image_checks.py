"""Is a stack fit for classification and refinement? What is wrong with foreign images, found from the images alone.

RELION expects even, square boxes; background of mean 0 and deviation 1; white particles on black; neither masked
nor interpolated images; and to be told if phases were flipped or the CTF multiplied. The checks are statistical and
take a sample of the stack; what they say is graded by severity, and none of them changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from relionlab.engine.array import to_host
from relionlab.engine.fourier import irfft2_centred, radial_average, radial_index, rfft2_centred
from relionlab.engine.masks import radius_grid, soft_circle
from relionlab.engine.normalise import background_statistics

Severity = Literal["error", "warning", "note"]
"""error: the images cannot be used so; warning: results would suffer; note: worth knowing."""

SAMPLE = 1000
"""How many images a check needs at most."""
ENOUGH = 5
"""How many standard errors a finding about all images must be away from chance."""


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing that is wrong with images.

    kind       "not square", "odd box", "not finite", "constant", "not normalised", "black on white", "masked",
               "interpolated", "filtered", "phase-flipped", "CTF-multiplied" or "CTF as recorded"
    severity   how bad it is
    message    what was found, what was expected, what to do
    particles  indices of the images concerned, where it is not all of them
    share      of the images looked at that are concerned
    """

    kind: str
    severity: Severity
    message: str
    particles: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    share: float = 1.0


def sample(count: int, at_most: int = SAMPLE) -> np.ndarray:
    """Return indices of up to ``at_most`` images, spread evenly over ``count``."""
    return (
        np.unique(np.linspace(0, count - 1, min(count, at_most)).astype(np.int64)) if count else np.zeros(0, np.int64)
    )


def check_images(
    images: np.ndarray,
    *,
    background_radius: float | None = None,
    ctf: np.ndarray | None = None,
    told: Literal["plain", "phase-flipped", "CTF-multiplied"] = "plain",
    indices: np.ndarray | None = None,
) -> list[Finding]:
    """Return everything that is wrong with these images, the worst first.

    images             (N, y, x)
    background_radius  in px; what lies beyond is background. ``None``: 37.5 % of the box
    ctf                (N, n, n//2+1) CTF of the images, if known: tells flipped and multiplied images
    told               what the user said was done to the images
    indices            numbers of the images in the whole stack, for the messages; ``None``: 0, 1 …
    """
    indices = np.arange(len(images)) if indices is None else indices
    findings = check_shape(images.shape[-2:]) + check_values(images, indices=indices)
    if images.shape[-1] != images.shape[-2] or len(images) == 0:
        return findings
    usable = _usable(images)
    if not usable.any():
        return findings
    good = to_host(images)[usable].astype(np.float32)
    radius = background_radius or 0.375 * good.shape[-1]
    findings += check_background(good, radius=radius, indices=indices[usable])
    masked = check_masked(good, indices=indices[usable])
    findings += masked or check_spectrum(good)
    findings += check_contrast(good, radius=radius)
    if ctf is not None:
        findings += check_ctf_state(good, to_host(ctf)[usable], told=told)
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))


def check_shape(shape: tuple[int, ...]) -> list[Finding]:
    """Find boxes that are not square, or odd, from their shape (y, x)."""
    y, x = shape[-2:]
    if x != y:
        text = f"The images have {x} × {y} px; expected squares. Window them: relionlab preprocess --window {_even(min(x, y))}."
        return [Finding("not square", "error", text)]
    if x % 2:
        text = (
            f"The box is {x} px, an odd number; expected an even one. Window it: relionlab preprocess --window {x - 1}."
        )
        return [Finding("odd box", "error", text)]
    return []


def check_values(images: np.ndarray, *, indices: np.ndarray | None = None) -> list[Finding]:
    """Find images that hold NaN or infinite values, and images in which all pixels are the same."""
    flat = to_host(images).reshape(len(images), images.shape[-2] * images.shape[-1])
    indices = np.arange(len(images)) if indices is None else indices
    bad = ~np.isfinite(flat.sum(axis=1, dtype=np.float64))
    constant = ~bad & (np.ptp(flat, axis=1) == 0)
    findings = []
    if bad.any():
        text = f"{_which(indices[bad], len(flat))} hold NaN or infinite pixels; expected numbers. Leave them out."
        findings.append(Finding("not finite", "error", text, indices[bad], bad.mean()))
    if constant.any():
        text = f"{_which(indices[constant], len(flat))} are empty: all pixels are the same. Leave them out."
        findings.append(Finding("constant", "error", text, indices[constant], constant.mean()))
    return findings


def check_background(images: np.ndarray, *, radius: float, indices: np.ndarray | None = None) -> list[Finding]:
    """Find images whose background does not have mean 0 and deviation 1 within 0.2.

    It is an error where half of them are beyond the limits at which RELION 3.1.3 complains (measured: a mean of 0.5, a
    deviation of 0.5 or 2); RELION's polished particles lie in between where the signal is strong.
    """
    indices = np.arange(len(images)) if indices is None else indices
    mean, deviation = background_statistics(images, background_radius=radius)
    off = (np.abs(mean) > 0.2) | (np.abs(deviation - 1) > 0.2)
    if off.mean() <= 0.02:  # a neighbour at the edge of a few boxes is no fault of the normalisation
        return []
    text = (
        f"{_which(indices[off], len(images))} are not normalised: background mean {np.median(mean[off]):.3g} and standard deviation "
        f"{np.median(deviation[off]):.3g} (median), expected 0 and 1. Normalise them: relionlab preprocess --norm --bg_radius {radius:.0f}."
    )
    useless = (np.abs(mean) > 0.5) | (deviation < 0.5) | (deviation > 2)
    severity: Severity = "error" if useless.mean() > 0.5 else "warning"
    return [Finding("not normalised", severity, text, indices[off], off.mean())]


def check_contrast(images: np.ndarray, *, radius: float) -> list[Finding]:
    """Find black particles on white: the box centre is darker than the background, far beyond chance."""
    distance = radius_grid(images.shape[-1])
    centre, background = distance < 0.6 * radius, distance > radius
    difference = images[:, centre].mean(axis=1, dtype=np.float64) - images[:, background].mean(axis=1, dtype=np.float64)
    difference /= np.maximum(images.reshape(len(images), images.shape[-2] * images.shape[-1]).std(axis=1), 1e-30)
    if len(images) < 5 or _standard_errors(difference) > -ENOUGH:
        return []
    text = (
        f"The particles seem to be black on white: box centres are on average {-difference.mean():.2g} standard deviations darker "
        "than the background; expected white on black. Invert them: relionlab preprocess --invert_contrast."
    )
    return [Finding("black on white", "warning", text)]


def check_masked(images: np.ndarray, *, indices: np.ndarray | None = None) -> list[Finding]:
    """Find masked images: their corners hold one value."""
    indices = np.arange(len(images)) if indices is None else indices
    corners = radius_grid(images.shape[-1]) > 0.55 * images.shape[-1]
    masked = images[:, corners].std(axis=1) < 1e-3 * images.reshape(
        len(images), images.shape[-2] * images.shape[-1]
    ).std(axis=1)
    if not masked.any():
        return []
    text = (
        f"{_which(indices[masked], len(images))} are masked: the corners hold one value, so that the noise cannot be measured. "
        "Expected unmasked images (masking is done during refinement): extract them again without a mask."
    )
    return [Finding("masked", "warning", text, indices[masked], masked.mean())]


def check_spectrum(images: np.ndarray) -> list[Finding]:
    """Find filtered and interpolated images: the background's noise falls off towards the Nyquist frequency."""
    n = images.shape[-1]
    outside = 1 - soft_circle(n, 0.36 * n, 0.1 * n)
    mean = (images * outside).sum(
        axis=(1, 2), keepdims=True
    ) / outside.sum()  # through the edge it would spread over all rings
    power = radial_average(np.abs(rfft2_centred((images - mean) * outside)) ** 2, n).mean(axis=0)
    bands = ((0.1, 0.15), (0.2, 0.3), (0.45, 0.49))
    rings = [(int(start * n), max(int(stop * n), int(start * n) + 1)) for start, stop in bands]  # one at least
    low, middle, high = (float(power[first:end].mean()) for first, end in rings)
    kept = high / max(middle, 1e-30)
    if kept < 0.05 or high < 0.02 * low:
        text = (
            "The images are low-pass filtered: near the Nyquist frequency there is hardly any noise left. "
            "Expected unfiltered images: extract them again, or make them smaller with relionlab preprocess --scale."
        )
        return [Finding("filtered", "warning", text)]
    if kept < 0.5:
        text = (
            f"Near the Nyquist frequency only {100 * kept:.0f} % of the noise power at half that frequency is left. The images may "
            "have been interpolated (turned, shifted or rescaled in real space), or come from a camera that blurs. Expected the "
            "pixels as they were recorded: extract them anew and rescale only by Fourier cropping (relionlab preprocess --scale)."
        )
        return [Finding("interpolated", "warning", text)]
    return []


def check_ctf_state(
    images: np.ndarray, ctf: np.ndarray, *, told: Literal["plain", "phase-flipped", "CTF-multiplied"] = "plain"
) -> list[Finding]:
    """Find out whether phases were flipped or the CTF multiplied, and whether that is what the user said.

    ctf  (N, n, n//2+1) CTF of the images, neither flipped nor squared

    Multiplying takes the noise away at the CTF's zeros. Flipping makes the particles compact: if the images become
    less compact when their phases are flipped (once more), they were flipped already.
    """
    multiplied = _multiplied(images, ctf)
    gain = 0.0 if multiplied else _standard_errors(_compactness_gain(images, ctf))
    flipped, plain = gain < -ENOUGH, gain > ENOUGH
    if multiplied and told != "CTF-multiplied":
        text = (
            "The images seem to have been multiplied by their CTF: there is no noise at its zeros. Expected images with their "
            "CTF as recorded: take the images before that step, as classification and refinement need them; where multiplied images are "
            "allowed, set rlnCtfDataAreCtfPremultiplied to 1 in the optics table."
        )
        return [Finding("CTF-multiplied", "warning", text)]
    if flipped and told != "phase-flipped":
        text = (
            "The phases of the images seem to have been flipped already: flipping them again spreads the particles. "
            'Say so (Class2D: --ctf_phase_flipped, in the form under "Additional arguments"; relionlab preprocess: '
            "--phase_flipped), or take the images before that step."
        )
        return [Finding("phase-flipped", "warning", text)]
    if plain and told != "plain":
        text = f"The images are said to be {told}, but they look as recorded: flipping their phases makes the particles compact. Check it."
        return [Finding("CTF as recorded", "warning", text)]
    return []


def _multiplied(images: np.ndarray, ctf: np.ndarray) -> bool:
    n = images.shape[-1]
    power = np.abs(rfft2_centred(images)) ** 2
    power /= np.maximum(power.mean(axis=0), 1e-30)
    # Only where the CTF changes slowly from pixel to pixel: cutting out a box smears its zeros.
    slow = np.zeros(ctf.shape, dtype=bool)
    slow[:, :, 1:-1] = np.abs(ctf[:, :, 2:] - ctf[:, :, :-2]) < 1.3
    slow[:, 1:-1] &= np.abs(ctf[:, 2:] - ctf[:, :-2]) < 1.3
    rings = radial_index(n)
    slow &= (rings > 0.06 * n) & (rings < 0.4 * n)
    zeros, peaks = slow & (np.abs(ctf) < 0.2), slow & (np.abs(ctf) > 0.8)
    if zeros.sum() < 200 or peaks.sum() < 200:
        return False
    return bool(power[zeros].mean() < 0.25 * power[peaks].mean())


def _compactness_gain(images: np.ndarray, ctf: np.ndarray) -> np.ndarray:
    """Return how much of each image's energy moves into the middle of the box when its phases are flipped."""
    n = images.shape[-1]
    transform = rfft2_centred(images) * (radial_index(n) >= 3)
    middle = radius_grid(n) < 0.25 * n

    def energy(ft: np.ndarray) -> np.ndarray:
        return (irfft2_centred(ft, n)[:, middle] ** 2).mean(axis=1)

    total = (irfft2_centred(transform, n) ** 2).mean(axis=(1, 2))
    return (energy(transform * np.sign(ctf)) - energy(transform)) / np.maximum(total, 1e-30)


def _standard_errors(values: np.ndarray) -> float:
    """Return by how many standard errors the mean differs from 0; 0 for too few values to tell."""
    if len(values) < 5:
        return 0.0
    # The deviation of few values is uncertain: Student's t at five sigma is far wider for five values than for fifty.
    spread = max(float(values.std(ddof=1)), 1e-30)
    return float(values.mean() / spread * np.sqrt(len(values))) * min(1.0, 1 - 2 / len(values))


def _usable(images: np.ndarray) -> np.ndarray:
    flat = to_host(images).reshape(len(images), images.shape[-2] * images.shape[-1])
    return np.isfinite(flat.sum(axis=1, dtype=np.float64)) & (np.ptp(flat, axis=1) > 0)


def _which(indices: np.ndarray, total: int) -> str:
    """Return "3 of 500 images (4, 17, 20)", numbers counted from 1."""
    numbers = ", ".join(str(int(i) + 1) for i in indices[:5]) + (" …" if len(indices) > 5 else "")
    return "All images" if len(indices) == total else f"{len(indices)} of {total} images ({numbers})"


def _even(size: int) -> int:
    return size - size % 2
