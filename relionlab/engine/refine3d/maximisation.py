"""From the sums of an E-step to the next model (Scheres 2012, equations 4–8; for half-sets also J Struct Biol 180:519)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy.fft

from relionlab.engine.likelihood.model import SharedUpdate, renewed
from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.masks import radius_grid, soft_sphere
from relionlab.engine.refine3d.grids import sampling_of
from relionlab.engine.refine3d.state import Model, Search, Spectra
from relionlab.engine.refine3d.sums import COLUMNS, Sums
from relionlab.engine.symmetry import PointGroup
from relionlab.engine.volume import FourierSums, weight_spectrum
from relionlab.engine.volume.solving import coverage, divided, to_map, with_flat_corners

_MOST_SSNR = 999.0  # FSC of 0.999: beyond, the ratio says nothing
_LEAST_FSC = 0.001


@dataclass(frozen=True)
class Update(SharedUpdate):
    """How the model is updated, beside what 2D and 3D share.

    tau2_fudge     T: factor on the prior's variance
    fix_prior      keep tau2
    shared_prior   one tau2 for all classes, see :func:`prior_variance`; otherwise each class has its own
    flatten        mask the maps
    mask           (n, n, n) the solvent mask, 1 inside; ``None``: a soft sphere of the particle's diameter
    solvent        (n, n, n) second mask, in whose inside the density is set to its average; or ``None``
    """

    tau2_fudge: float = 4.0
    fix_prior: bool = False
    shared_prior: bool = True
    flatten: bool = True
    mask: np.ndarray | None = None
    solvent: np.ndarray | None = None


def maximise(
    model: Model,
    particles: Particles,
    sums: Sums,
    *,
    search: Search,
    update: Update,
    fsc: np.ndarray | None = None,
) -> tuple[Model, Particles, Spectra]:
    """Return the next model, the particles of these sums with their new poses, and the maps' spectra.

    fsc  (n / 2 + 1,) between half-maps, from which the prior follows; ``None``: it follows from the maps themselves
    """
    group = sampling_of(search).group
    references, spectra = maps_of(model, sums, group=group, update=update, fsc=fsc)
    references = flattened(references, model, search=search, update=update)
    total = max(float(sums.share.sum()), 1e-9)
    changed = replace(
        renewed(model, sums, spectra.ssnr, update=update),
        references=references,
        class_share=sums.share / total,
        direction_share=sums.directions / total,
        tau2=model.tau2
        if update.fix_prior
        else prior_variance(references, sums.share / total, shared=update.shared_prior),
    )
    moved = posed(particles, sums, pixel_size=model.pixel_size, norm=update.norm)
    return replace(changed, mean_norm=float(moved.norm.mean())), moved, spectra


def maps_of(
    model: Model, sums: Sums, *, group: PointGroup, update: Update, fsc: np.ndarray | None
) -> tuple[np.ndarray, Spectra]:
    """Return the regularised maps (class, n, n, n) float32, unmasked, and their spectra.

    A class that no particle was given to keeps its map.
    """
    shells = model.box // 2 + 1
    maps = np.empty_like(model.references)
    precision, variance, covered = (np.zeros((model.classes, shells)) for _ in range(3))
    for c in range(model.classes):
        maps[c], precision[c], variance[c], covered[c] = _map_of(model, sums, c, group=group, update=update, fsc=fsc)
    ssnr = variance * precision
    ssnr[:, 0] = ssnr[:, 1]
    noise = np.where(precision > 0, 1 / np.maximum(precision, 1e-30), 0)
    zero = np.zeros(shells) if fsc is None else fsc
    return maps, Spectra(ssnr=ssnr, noise=noise, tau2=variance, covered=covered, fsc=zero)


def _map_of(
    model: Model, sums: Sums, c: int, *, group: PointGroup, update: Update, fsc: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the map of a class, and per shell: its precision, the prior's variance, and the share of what is covered."""
    lattice, completed = sums.maps[c].lattice, sums.maps[c].completed(group)
    # weights are c² / (2 sigma2): per component of the transform, half of this is the precision
    precision = np.zeros(model.box // 2 + 1)
    found = weight_spectrum(completed, lattice)
    precision[: len(found)] = 2 * found
    fudge = update.tau2_fudge
    variance = fudge * model.tau2[c] if fsc is None else fudge * ssnr_of(fsc) / np.maximum(precision, 1e-30)
    variance = np.where(precision > 0, variance, 0)
    prior = 0.5 / np.maximum(variance, 1e-30)
    covered = coverage(completed, lattice, prior)
    if sums.share[c] <= 0:
        return model.references[c], precision, variance, covered
    transform = divided(completed, lattice, inverse_tau2=prior)
    del completed  # the plan of memory counts it no longer
    return with_flat_corners(to_map(transform, lattice)), precision, variance, covered


def ssnr_of(fsc: np.ndarray) -> np.ndarray:
    """Return the signal-to-noise ratio of a half-map from the FSC with the other."""
    bounded = np.clip(fsc, _LEAST_FSC, _MOST_SSNR / (1 + _MOST_SSNR))
    return bounded / (1 - bounded)


def signal_variance(maps: np.ndarray) -> np.ndarray:
    """Return the prior's variance per shell (class, n / 2 + 1): half the mean power of the maps' slices.

    Measured as RELION does, so that T weighs the prior as it does there: on a transform that is padded twofold, of maps
    that are corrected for the interpolation in it (divided by sinc²).

    maps  (class, n, n, n)
    """
    n = maps.shape[-1]
    count = n // 2 + 1
    correction = (np.sinc(radius_grid(n, 3) / (2 * n)) ** -2).astype(np.float32)
    power = np.stack([_padded_power(np.asarray(one, np.float32) * correction, count) for one in maps])
    return power / n**4 / 2  # slices are n times a transform that is divided by n³


def _padded_power(map_: np.ndarray, count: int) -> np.ndarray:
    """Return the mean power per shell (count,) of a map's transform, padded twofold.

    Plane after plane, so that the padded map never exists, and no empty row is transformed. Where the map's origin is only
    turns phases.
    """
    size = 2 * map_.shape[-1]
    columns = scipy.fft.rfft(map_, size, axis=2)
    plane, shells = _squares_and_shells(size)
    power, members = np.zeros(count), np.zeros(count)
    for x in range(columns.shape[2]):
        transform = scipy.fft.fft(columns[:, :, x], size, axis=1)
        transform = scipy.fft.fft(transform, size, axis=0, overwrite_x=True)
        of_each = shells[plane + x**2]
        square = transform.real**2 + transform.imag**2
        power += np.bincount(of_each, weights=square.ravel(), minlength=count)[:count]
        members += np.bincount(of_each, minlength=count)[:count]
    return power / members


@lru_cache(maxsize=4)
def _squares_and_shells(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the squared radii (size²,) of a padded plane, and the unpadded shell of each squared radius in its space."""
    line = (np.arange(size) - size * (np.arange(size) > size // 2)) ** 2
    squares = np.arange(3 * (size // 2) ** 2 + 1)
    return (line[:, None] + line).ravel(), np.floor(np.sqrt(squares) / 2 + 0.5).astype(np.int64)


def prior_variance(maps: np.ndarray, share: np.ndarray, *, shared: bool) -> np.ndarray:
    """Return the prior's variance (class, n / 2 + 1); ``shared``: the same for all, the mean of theirs as their shares.

    Classes of a particle are states of one molecule, whose spectrum they share. With one variance each, where the signal
    just begins to show the larger class has it first: it explains all particles better there, draws them, and the smaller
    class never gets what it would need to follow.

    maps   (class, n, n, n)
    share  (class,) of the particles, sums to one
    """
    own = signal_variance(maps)
    return np.tile(share @ own, (len(maps), 1)) if shared else own


def flattened(maps: np.ndarray, model: Model, *, search: Search, update: Update) -> np.ndarray:
    """Return maps without what lies in the solvent: its average is taken off, and the outside of the mask emptied."""
    if not update.flatten:
        return maps.astype(np.float32)
    sphere = soft_sphere(model.box, search.diameter / 2 / model.pixel_size, search.edge)
    mask = sphere if update.mask is None else update.mask
    ring = (1 - sphere) * (radius_grid(model.box, 3) <= model.box / 2)
    total = float(ring.sum())
    level = np.einsum("cxyz,xyz->c", maps, ring) / total if total > 0 else np.zeros(len(maps))
    flat = (maps - level[:, None, None, None]) * mask
    if update.solvent is not None:
        inside = np.einsum("cxyz,xyz->c", flat, update.solvent) / max(float(update.solvent.sum()), 1e-9)
        flat = flat * (1 - update.solvent) + inside[:, None, None, None] * update.solvent
    return flat.astype(np.float32)


def posed(particles: Particles, sums: Sums, *, pixel_size: float, norm: bool) -> Particles:
    """Return particles with the poses that the E-step found.

    particles  those of the sums, in the order of their numbers
    """
    found = dict(zip(COLUMNS, sums.poses[0].T, strict=True))
    return particles.posed(found, pixel_size=pixel_size, norm=norm)


def joined_below(first: FourierSums, second: FourierSums, shell: int) -> None:
    """Make the sums of two half-sets the same up to a shell: their average, in place; so they cannot drift apart."""
    lattice = first.lattice
    reach = np.array(lattice.origin)
    z, y, x = (np.arange(size) - origin for size, origin in zip(lattice.shape, reach, strict=True))
    radius = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2) / lattice.padding
    inside = radius <= shell + 0.5
    mean = 0.5 * (first.array[inside] + second.array[inside])
    first.array[inside] = mean
    second.array[inside] = mean
