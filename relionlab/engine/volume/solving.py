"""From sums in Fourier space to a map: division by weights and prior, back to real space, gridding correction.

The Wiener form of Scheres (2012) J. Mol. Biol. 415, 406: F = numerator / (weight + 1 / tau²), with weights no smaller than
a thousandth of their shell's average, so that gaps in the views are not filled with noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.engine.array import binned_sum, fft_namespace, like, namespace, real_dtype
from relionlab.engine.symmetry import PointGroup
from relionlab.engine.volume.lattice import Lattice
from relionlab.engine.volume.sums import FourierSums

FLOOR = 1e-3
"""Least weight, as a fraction of its shell's average."""


def reconstruct(
    sums: FourierSums,
    *,
    group: PointGroup | None = None,
    inverse_tau2: np.ndarray | None = None,
    radius: int | None = None,
) -> Any:
    """Return the map (n, n, n), float32.

    inverse_tau2  (radius + 1 or more,) 1 / tau² per shell: tau² the power of the signal per Fourier pixel, in the
                  units in which the weights are c² / sigma². None: no prior
    radius        outermost shell that is kept; None: the lattice's
    """
    lattice = sums.lattice
    completed = sums.completed(group)[lattice.inner]
    xp = namespace(completed)
    shells = like(lattice.shells(), completed)
    weight = completed[..., 2].astype(np.float64)
    floor = FLOOR * _shell_means(weight, shells, lattice)
    if inverse_tau2 is not None:
        prior = np.zeros(lattice.radius + 1)
        given = np.asarray(inverse_tau2, float)[: lattice.radius + 1]
        prior[: len(given)] = given / lattice.padding**3  # a lattice point is that part of a Fourier pixel
        weight += like(np.append(prior, 0.0), weight)[xp.minimum(shells, lattice.radius + 1)]
    bounded = xp.minimum(shells, lattice.radius)
    weight = xp.maximum(weight, like(floor, weight)[bounded])
    keep = (shells <= (lattice.radius if radius is None else min(radius, lattice.radius))) & (weight > 0)
    factor = xp.where(keep, 1 / xp.where(keep, weight, 1), 0).astype(np.float32)
    numerator = completed[..., :2].astype(np.float32) * factor[..., None]
    return to_map(numerator.view(np.complex64)[..., 0], lattice)


def weight_spectrum(sums: FourierSums, group: PointGroup | None = None) -> np.ndarray:
    """Return the weight that a Fourier pixel has on average in each shell, (radius + 1,): 1 / sigma² of the map."""
    completed = sums.completed(group)[sums.lattice.inner]
    shells = like(sums.lattice.shells(), completed)
    means = _shell_means(completed[..., 2], shells, sums.lattice)
    return np.asarray(means) * sums.lattice.padding**3


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
        for part in (slice(0, reach), slice(reach, None)):  # negative frequencies, and the others; both Nyquists add up
            ring[xp.arange(-reach, reach + 1)[part] % padded] += value[part]
        if 2 * reach == padded:
            ring[reach] *= np.float32(0.5)
        value = xp.moveaxis(fft.ifft(ring, axis=0, norm="forward", overwrite_x=True)[inside], 0, axis)
    map_ = fft.irfft(value, padded, axis=2, norm="forward")[..., inside]
    correction = like(1 / lattice.kernel_transform(), map_).astype(real_dtype(map_))
    map_ *= (correction[:, None, None] * correction[:, None] * np.float32(n**2 / padded**3)) * correction
    return map_


def _shell_means(weight: Any, shells: Any, lattice: Lattice) -> Any:
    count = lattice.radius + 1
    members = binned_sum(namespace(weight).ones(shells.shape), shells, count)
    return binned_sum(weight, shells, count) / members
