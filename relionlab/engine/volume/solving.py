"""From sums in Fourier space to a map: weights and prior, density compensation, back to real space, gridding correction.

The Wiener form of Scheres (2012) J. Mol. Biol. 415, 406: F = numerator / (weight + 1 / tau²), with weights no smaller
than a thousandth of their shell's average, so that gaps in the views are not filled with noise. Dividing point by
point would amplify the noise between samples; instead, factors W are sought with (W × weight) * c = 1, c a narrow
kernel, by the iteration W / ((W × weight) * c) of Pipe & Menon (1999) Magn. Reson. Med. 41, 179. It begins with
1 / (weight * c), from where three rounds come as far as RELION's ten; c is a window of three points along each axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.engine.array import fft_namespace, like, namespace, real_dtype
from relionlab.engine.kernels.weights import add_and_bound, shell_shares, shell_sums, smooth
from relionlab.engine.masks import radius_grid
from relionlab.engine.symmetry import PointGroup
from relionlab.engine.volume.lattice import Lattice
from relionlab.engine.volume.sums import FourierSums

FLOOR = 1e-3
"""Least weight, as a fraction of its shell's average."""
ROUNDS = 3
"""Rounds of density compensation."""
_EDGE_PX = 3
_TINY = 1e-6  # least of (W × weight) * c, which is near 1 but for the rim


def reconstruct(
    sums: FourierSums,
    *,
    group: PointGroup | None = None,
    inverse_tau2: np.ndarray | None = None,
    rounds: int = ROUNDS,
    masked: bool = True,
) -> Any:
    """Return the map (n, n, n), float32.

    group         over whose operations the sums are summed
    inverse_tau2  1 / tau² per shell, (radius + 1,): tau² is the power of the signal per Fourier pixel, in the units in
                  which the weights are c² / sigma². None: no prior
    rounds        of density compensation; 0: division by the smoothed weights
    masked        the corners outside the box's sphere become their average, as RELION leaves them
    """
    lattice = sums.lattice
    map_ = to_map(divided(sums.completed(group), lattice, inverse_tau2=inverse_tau2, rounds=rounds), lattice)
    return with_flat_corners(map_) if masked else map_


def divided(completed: Any, lattice: Lattice, *, inverse_tau2: np.ndarray | None = None, rounds: int = ROUNDS) -> Any:
    """Return the map's transform on the lattice without margins, complex64, as :func:`to_map` takes it.

    completed  (z, y, x, 3) what :meth:`FourierSums.completed` returns; the others as of :func:`reconstruct`
    """
    values = completed[lattice.inner]
    weight = values[..., 2].astype(np.float32)
    floor, prior = _floor_and_prior(weight, lattice, inverse_tau2)
    add_and_bound(weight, like(prior, weight), like(floor, weight), padding=lattice.padding)
    factor = compensated(weight, rounds=rounds)
    numerator = namespace(weight).empty((*weight.shape, 2), np.float32)
    namespace(weight).multiply(values[..., :2], factor[..., None], out=numerator, casting="same_kind")
    return numerator.view(np.complex64)[..., 0]


def compensated(weight: Any, *, rounds: int = ROUNDS) -> Any:
    """Return the factors by which the numerators are multiplied; zero where there is no weight."""
    xp = namespace(weight)
    inside = weight > 0
    factor = xp.where(inside, 1 / xp.where(inside, smooth(weight), 1), 0).astype(weight.dtype)
    for _ in range(rounds):
        factor /= xp.maximum(smooth(factor * weight), weight.dtype.type(_TINY))
    return factor


def weight_spectrum(completed: Any, lattice: Lattice) -> np.ndarray:
    """Return the weight that a Fourier pixel has on average in each shell, (radius + 1,): 1 / sigma² of the map.

    completed  (z, y, x, 3) what :meth:`FourierSums.completed` returns
    """
    total, members = shell_sums(completed[lattice.inner][..., 2], lattice.padding, lattice.radius + 1)
    return np.asarray(total / members) * lattice.padding**3


def coverage(completed: Any, lattice: Lattice, inverse_tau2: np.ndarray) -> np.ndarray:
    """Return the share of each shell's points in which the data outweigh the prior, of its length.

    completed     (z, y, x, 3) what :meth:`FourierSums.completed` returns
    inverse_tau2  1 / tau² per shell, as of :func:`reconstruct`
    """
    weight = completed[lattice.inner][..., 2]
    return np.asarray(shell_shares(weight, like(inverse_tau2 / lattice.padding**3, weight), padding=lattice.padding))


def to_map(half_space: Any, lattice: Lattice) -> Any:
    """Return the map (n, n, n), float32, of a transform on the lattice without margins; corrects for the gridding.

    half_space  (2 reach + 1, 2 reach + 1, reach + 1) complex, in the normalisation of the images' transforms

    Axis after axis is transformed and cut to the map's box, so that the padded map never exists.
    """
    fft, xp = fft_namespace(half_space), namespace(half_space)
    n, padded, reach = lattice.n, lattice.padded, lattice.reach
    inside = (xp.arange(n) - n // 2) % padded
    value = half_space
    for axis in (0, 1):
        value = xp.moveaxis(value, axis, 0)
        ring = xp.zeros((padded, *value.shape[1:]), value.dtype)
        for part in (slice(0, reach), slice(reach, None)):  # negative frequencies, then the others
            ring[xp.arange(-reach, reach + 1)[part] % padded] += value[part]
        if 2 * reach == padded:  # both Nyquists have met
            ring[reach] *= np.float32(0.5)
        value = xp.moveaxis(fft.ifft(ring, axis=0, norm="forward", overwrite_x=True)[inside], 0, axis)
    map_ = fft.irfft(value, padded, axis=2, norm="forward")[..., inside]
    correction = like(1 / lattice.kernel_transform(), map_).astype(real_dtype(map_))
    map_ *= (correction[:, None, None] * correction[:, None] * np.float32(n**2 / padded**3)) * correction
    return map_


def with_flat_corners(map_: Any) -> Any:
    """Return the map with the outside of its box's sphere (radius n/2, soft edge of 3 px) replaced by the average there."""
    xp, n = namespace(map_), map_.shape[-1]
    radius = like(radius_grid(n, 3).astype(np.float32), map_)
    inside = 0.5 + 0.5 * xp.cos(np.pi * xp.clip((radius - n // 2) / _EDGE_PX, 0, 1))
    outside = 1 - inside
    level = xp.sum(map_ * outside, dtype=np.float64) / xp.maximum(xp.sum(outside, dtype=np.float64), 1e-9)
    return (map_ * inside + outside * level.astype(np.float32)).astype(np.float32)


def _floor_and_prior(weight: Any, lattice: Lattice, inverse_tau2: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the least weight and the prior's weight in each shell, (radius + 1,) float32, per lattice point."""
    count = lattice.radius + 1
    total, members = shell_sums(weight, lattice.padding, count)
    prior = np.zeros(count)
    if inverse_tau2 is not None:
        given = np.asarray(inverse_tau2, float)[:count]
        prior[: len(given)] = given / lattice.padding**3  # a lattice point is that part of a Fourier pixel
    floor = FLOOR * (np.asarray(total / members) + prior)
    return floor.astype(np.float32), prior.astype(np.float32)
