"""Around the transforms of engine/likelihood/folding.py: samples and their mirror images, and harmonics put into rows."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from relionlab.engine.array import namespace


def mirrored_parts(samples: Any, phases: Any | None) -> Any:
    """Return sums and differences of samples at the angles phi and pi - phi, (4, k, n × T, angles / 4 + 1) float32.

    samples  (n, k, angles / 2) complex64, on the half circle
    phases   (T, k, angles / 2) complex64 that they are multiplied by; ``None``: by nothing, and T = 1

    First the real parts' sums and differences, then the imaginary parts'; the angles 0 and pi / 2 stand alone.
    """
    xp = namespace(samples)
    if xp is np:
        if phases is None:
            return _mirrored_on_cpu(np.ascontiguousarray(samples))
        return _moved_on_cpu(np.ascontiguousarray(samples), phases)
    return mirrored_arrays(samples, phases)


def to_rows(spectra: Any, harmonic: Any, ring: Any, sign: Any, out: Any) -> None:
    """Put harmonics (4, k, m, q / 2) into the rows of ``out`` (1 or 2, row, m, 2 places), and i times them into its second.

    harmonic, ring  (row, place); zero is put where the harmonic is negative
    sign            (row, place) -1: what is put second is -i times it
    """
    body = _to_rows_on_cpu if namespace(spectra) is np else rows_of_arrays
    body(spectra, harmonic, ring, sign, out)


def mirrored_arrays(samples: Any, phases: Any | None) -> Any:
    """Do as :func:`mirrored_parts` in whole-array operations: the body for a GPU, and the readable one."""
    xp = namespace(samples)
    moved = samples[:, None] if phases is None else samples[:, None] * phases
    moved = xp.moveaxis(moved.reshape(-1, *samples.shape[1:]), 0, 1)
    half = samples.shape[-1]
    some = xp.arange(half // 2 + 1)
    first, second = moved[..., some], moved[..., (half - some) % half]
    alone = (some == 0) | (2 * some == half)
    first, second = xp.where(alone, first / 2, first), xp.where(alone, second / 2, second)
    total, difference = first + second, first - second
    difference = xp.where(alone, total, difference)
    return xp.stack([total.real, difference.real, total.imag, difference.imag]).astype(xp.float32)


def rows_of_arrays(spectra: Any, harmonic: Any, ring: Any, sign: Any, out: Any) -> None:
    """Do as :func:`to_rows` in whole-array operations: the body for a GPU, and the readable one."""
    xp = namespace(spectra)
    order, odd = xp.maximum(harmonic, 0) // 2, harmonic % 2
    filled = (harmonic >= 0)[..., None]
    for part in (0, 1):
        picked = spectra[2 * odd + part, ring, :, order]  # (row, place, m)
        out[0, ..., part::2] = xp.swapaxes(xp.where(filled, picked, 0), 1, 2)
    if len(out) == 2:
        out[1, ..., 0::2] = -sign[:, None] * out[0, ..., 1::2]
        out[1, ..., 1::2] = sign[:, None] * out[0, ..., 0::2]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _mirrored_on_cpu(samples):  # type: ignore[no-untyped-def]
    count, rings, half = samples.shape
    width = half // 2 + 1
    out = np.empty((4, rings, count, width), np.float32)
    moved = np.empty((2, half + 1), np.float32)
    for n in range(count):
        for k in range(rings):
            for a in range(half):
                value = samples[n, k, a]
                moved[0, a], moved[1, a] = value.real, value.imag
            _mirror(moved, half, out[:, k, n])
    return out


@numba.njit(nogil=True, cache=True, fastmath=True)
def _moved_on_cpu(samples, phases):  # type: ignore[no-untyped-def]
    count, rings, half = samples.shape
    width, slots = half // 2 + 1, phases.shape[0]
    out = np.empty((4, rings, count * slots, width), np.float32)
    moved = np.empty((2, half + 1), np.float32)
    for n in range(count):
        for k in range(rings):
            for t in range(slots):
                for a in range(half):
                    value, phase = samples[n, k, a], phases[t, k, a]
                    moved[0, a] = value.real * phase.real - value.imag * phase.imag
                    moved[1, a] = value.real * phase.imag + value.imag * phase.real
                _mirror(moved, half, out[:, k, n * slots + t])
    return out


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _mirror(moved, half, out):  # type: ignore[no-untyped-def]
    for part in range(2):
        values = moved[part]
        total, difference = out[2 * part], out[2 * part + 1]
        for a in range(half // 2 + 1):
            total[a] = values[a] + values[half - a]
            difference[a] = values[a] - values[half - a]
        total[0] = difference[0] = values[0]
        if half % 2 == 0:
            total[half // 2] = difference[half // 2] = values[half // 2]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _to_rows_on_cpu(spectra, harmonic, ring, sign, out) -> None:  # type: ignore[no-untyped-def]
    parts, rows, count, _ = out.shape
    places = harmonic.shape[1]
    for m in range(count):  # all that a particle has at one offset stays in the cache
        for r in range(rows):
            row = out[0, r, m]
            for p in range(places):
                q = harmonic[r, p]
                if q < 0:
                    row[2 * p] = row[2 * p + 1] = 0
                else:
                    first = 2 * (q & 1)
                    row[2 * p] = spectra[first, ring[r, p], m, q >> 1]
                    row[2 * p + 1] = spectra[first + 1, ring[r, p], m, q >> 1]
            if parts == 2:
                turned = out[1, r, m]
                for p in range(places):
                    turned[2 * p] = -sign[r, p] * row[2 * p + 1]
                    turned[2 * p + 1] = sign[r, p] * row[2 * p]
