"""From the sums of an E-step to the next model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relionlab.engine.array import binned_sum
from relionlab.engine.classify2d.expectation import Sums, grid_for
from relionlab.engine.classify2d.state import Model, Search
from relionlab.engine.fourier import hermitian_weights, irfft2_centred, radial_index, radius_squared, rfft2_centred
from relionlab.engine.likelihood.model import SharedSpectra, SharedUpdate, renewed
from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.masks import radius_grid, soft_circle
from relionlab.engine.polar import PolarGrid, PolarSampler

_COLUMNS = ("class", "psi", "x", "y", "log_likelihood", "best_weight", "significant", "chi2")  # of Sums.poses


@dataclass(frozen=True)
class Update(SharedUpdate):
    """How the model is updated, beside what 2D and 3D share.

    prior          regularise the averages; the first iteration does not, since its references know nothing yet of the
                   shells beyond their filter: the noise that stays makes the classes differ
    tau2_fudge     T: factor on the prior's variance (1: Bayes' own; more trusts the data more)
    centre         move the class averages to their centre of mass (of what is positive)
    """

    prior: bool = True
    tau2_fudge: float = 2.0
    centre: bool = False


def maximise(
    model: Model, particles: Particles, sums: Sums, *, search: Search, update: Update
) -> tuple[Model, Particles, SharedSpectra]:
    """Return the next model, the particles with their new poses, and the spectra of the class averages."""
    grid = grid_for(model, search)
    references, spectra = reconstruct(model, sums, grid, search=search, update=update)
    shifts = np.zeros((model.classes, 2))
    if update.centre:
        references, shifts = centred(references)
    references = references.astype(np.float32)  # as it is written, so that a continued run goes on from the same
    moved = _moved(model, particles, sums, norm=update.norm, centring=shifts)
    changed = replace(
        renewed(model, sums, spectra.ssnr, update=update),
        references=references,
        class_share=sums.share / sums.share.sum(),
        tau2=prior_variance(references),
        mean_norm=float(moved.norm.mean()),
    )
    return changed, moved, spectra


def reconstruct(
    model: Model, sums: Sums, grid: PolarGrid, *, search: Search, update: Update
) -> tuple[np.ndarray, SharedSpectra]:
    """Return the class averages (class, box, box) float64 and their spectra.

    The Wiener filter of Scheres 2012, equation 4: numerator over (denominator + 1 / (2 T tau2)). A class that no
    particle was given to keeps its average.
    """
    rings = slice(1, grid.radius + 1)
    precision = 2 * sums.denominator.mean(axis=-1)
    # without a prior, a thousandth of the mean weight keeps the zeros of the CTF from blowing up
    prior = update.tau2_fudge * model.tau2[:, rings] if update.prior else 1e3 / np.maximum(precision, 1e-30)
    average = sums.numerator / (sums.denominator + 1 / (2 * np.maximum(prior, 1e-30))[:, :, None])
    sampler = PolarSampler(grid, model.box)
    # masked in any case: the images were, and beyond their circle the polar sum holds echoes, not density
    images = _masked(sampler.image(average), model, search)
    empty = sums.share <= 0
    images[empty] = model.references[empty]
    if not update.prior:
        prior = update.tau2_fudge * prior_variance(images)[:, rings]
    shape = (model.classes, model.box // 2 + 1)
    ssnr, noise, tau2, covered = (np.zeros(shape) for _ in range(4))
    ssnr[:, rings] = prior * precision
    ssnr[:, 0] = ssnr[:, 1]
    noise[:, rings] = np.where(precision > 0, 1 / np.maximum(precision, 1e-30), 0)
    tau2[:, rings] = prior
    covered[:, rings] = np.mean(2 * sums.denominator * prior[:, :, None] >= 1, axis=-1)
    covered[:, 0] = covered[:, 1]
    return images, SharedSpectra(ssnr=ssnr, noise=noise, tau2=tau2, covered=covered)


def prior_variance(references: np.ndarray) -> np.ndarray:
    """Return the prior's variance per shell: half the mean power of the (masked) class averages.

    Measured as RELION does, so that T weighs the prior as it does there: on a transform that is padded twofold, which
    smooths over neighbouring shells, of averages that are corrected for the interpolation in it (divided by sinc²).
    Without these the same T regularises by about a third more.
    """
    box = references.shape[-1]
    corrected = references / np.sinc(radius_grid(box) / (2 * box)) ** 2
    padded = np.zeros((len(references), 2 * box, 2 * box))
    inner = slice(box // 2, box // 2 + box)
    padded[:, inner, inner] = corrected
    # rfft2_centred divides by (2 box)²; the shells are those of the unpadded box
    power = np.abs(rfft2_centred(padded)) ** 2 * 16
    shells = np.floor((np.sqrt(radius_squared(2 * box)) / 2) + 0.5).astype(np.int64)
    weights = np.broadcast_to(hermitian_weights(2 * box), shells.shape)
    count = box // 2 + 1
    return binned_sum(power * weights, shells, count) / binned_sum(weights, shells, count) / 2


def centred(references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move class averages in whole px so that the centre of mass of their positive part lies at the origin.

    Returns the averages and the (class, 2) shifts in px, x and y.
    """
    box = references.shape[-1]
    line = np.arange(box) - box // 2
    positive = np.maximum(references, 0)
    mass = np.maximum(positive.sum(axis=(1, 2)), 1e-30)
    x = (positive.sum(axis=1) @ line) / mass
    y = (positive.sum(axis=2) @ line) / mass
    shifts = -np.rint(np.stack([x, y], axis=1)).astype(int)
    moved = np.stack([np.roll(image, (dy, dx), (0, 1)) for image, (dx, dy) in zip(references, shifts, strict=True)])
    return moved, shifts.astype(float)


def low_pass(images: np.ndarray, shell: float) -> np.ndarray:
    """Return images whose transform falls off as a raised cosine over two shells around ``shell``."""
    box = images.shape[-1]
    radius = radial_index(box)
    weight = np.clip((shell + 1 - radius) / 2, 0, 1)
    return irfft2_centred(rfft2_centred(images) * (0.5 - 0.5 * np.cos(np.pi * weight)), box)


def _masked(images: np.ndarray, model: Model, search: Search) -> np.ndarray:
    mask = soft_circle(model.box, search.diameter / 2 / model.pixel_size, search.edge, dtype=np.float64)
    outside = (1 - mask) * (mask > 0)  # the edge: beyond it the polar sum says nothing
    background = (images * outside).sum(axis=(1, 2)) / max(outside.sum(), 1e-6)
    return (images - background[:, None, None]) * mask


def _moved(model: Model, particles: Particles, sums: Sums, *, norm: bool, centring: np.ndarray) -> Particles:
    """Return the particles with the poses that the E-step found."""
    found = dict(zip(_COLUMNS, sums.poses[0].T, strict=True))
    # a class that was moved by d needs its particles moved by d, seen in their own frame
    moves = centring[found["class"].astype(np.int64)] @ np.array([1, 1j])
    moves = moves * np.exp(-1j * np.radians(np.round((found["psi"] + 180) % 360 - 180, 6)))
    found |= {"x": found["x"] + moves.real, "y": found["y"] + moves.imag}
    return particles.posed(found, pixel_size=model.pixel_size, norm=norm)
