"""Between a table of all views' spectra and the few that one particle is compared with: gathered and turned, and back.

A spectrum is folded into rows and places (engine/likelihood/turns.py). ``turn`` holds exp(i q psi) of each chosen entry.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from relionlab.engine.array import namespace


def gather_turned(spectra: Any, index: Any, turn: Any, harmonic: Any, sign: Any) -> Any:
    """Return chosen spectra, turned, as one operand of a real matrix product: (row, 2, E, 2 places) float32.

    spectra   (V, row, place) complex64
    index     (E,) which of them
    turn      (E, Q + 1) complex64
    harmonic  (row, place); sign (row, place) float32

    First P, then -i P (i P where a harmonic looks like its conjugate), each as real and imaginary parts side by side: the
    product with a particle's spectrum Z, seen as reals, is the real and the imaginary part of conj(Z) P.
    """
    body = _gather_on_cpu if namespace(spectra) is np else gather_arrays
    return body(spectra, index, turn, harmonic, sign)


def scatter_turned(
    sums: Any, parts: Any, gathered: Any, index: Any, turn: Any, harmonic: Any, sign: Any, ring: Any, cross: Any
) -> None:
    """Add what a particle gives each chosen view to the views' sums, turned back, and its cross terms to ``cross``; in place.

    sums      (V, row, place) complex64
    parts     (row, 2, E, 2 places) float32: products of the weights' real and imaginary parts with the particle's spectrum
    gathered  (row, 2, E, 2 places) of :func:`gather_turned`
    ring      (row, place)
    cross     (k,) float64: sum over places and both signs of harmonics of Re(conj(weighted particle) view)
    """
    body = _scatter_on_cpu if namespace(sums) is np else scatter_arrays
    body(sums, parts, gathered, index, turn, harmonic, sign, ring, cross)


def gather_arrays(spectra: Any, index: Any, turn: Any, harmonic: Any, sign: Any) -> Any:
    """Do as :func:`gather_turned` in whole-array operations: the body for a GPU, and the readable one."""
    xp = namespace(spectra)
    chosen = (spectra[index] * turn[:, harmonic]).transpose(1, 0, 2)
    both = xp.stack([chosen, -1j * sign[:, None] * chosen], axis=1).astype(xp.complex64)
    return xp.ascontiguousarray(both).view(xp.float32)


def scatter_arrays(
    sums: Any, parts: Any, gathered: Any, index: Any, turn: Any, harmonic: Any, sign: Any, ring: Any, cross: Any
) -> None:
    """Do as :func:`scatter_turned` in whole-array operations: the body for a GPU, and the readable one."""
    xp = namespace(sums)
    complex_parts = parts.view(xp.complex64)
    added = complex_parts[:, 0] + 1j * sign[:, None] * complex_parts[:, 1]
    views = gathered[:, 0].view(xp.complex64)
    once = xp.where(harmonic == 0, 1.0, 2.0)[:, None]
    products = (once * (added.real * views.real + added.imag * views.imag)).sum(axis=1)
    cross += xp.bincount(ring.ravel(), weights=products.ravel(), minlength=len(cross))
    back = added.transpose(1, 0, 2) * turn.conj()[:, harmonic]
    for entry, view in enumerate(index.tolist()):
        sums[view] += back[entry]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _gather_on_cpu(spectra, index, turn, harmonic, sign):  # type: ignore[no-untyped-def]
    rows, places = harmonic.shape
    count = len(index)
    out = np.empty((rows, 2, count, 2 * places), np.float32)
    for e in range(count):
        view = spectra[index[e]]
        phase = turn[e]
        for r in range(rows):
            first, second = out[r, 0, e], out[r, 1, e]
            for p in range(places):
                value = view[r, p] * phase[harmonic[r, p]]
                first[2 * p] = value.real
                first[2 * p + 1] = value.imag
                second[2 * p] = sign[r, p] * value.imag
                second[2 * p + 1] = -sign[r, p] * value.real
    return out


@numba.njit(nogil=True, cache=True, fastmath=True)
def _scatter_on_cpu(sums, parts, gathered, index, turn, harmonic, sign, ring, cross) -> None:  # type: ignore[no-untyped-def]
    rows, places = harmonic.shape
    for e in range(len(index)):
        view = sums[index[e]]
        phase = turn[e]
        for r in range(rows):
            a, b, p0 = parts[r, 0, e], parts[r, 1, e], gathered[r, 0, e]
            for p in range(places):
                real = a[2 * p] - sign[r, p] * b[2 * p + 1]
                imaginary = a[2 * p + 1] + sign[r, p] * b[2 * p]
                q = harmonic[r, p]
                product = real * p0[2 * p] + imaginary * p0[2 * p + 1]
                cross[ring[r, p]] += product if q == 0 else 2 * product
                c, s = phase[q].real, phase[q].imag
                view[r, p] += np.complex64(complex(real * c + imaginary * s, imaginary * c - real * s))


@numba.njit(nogil=True, cache=True, fastmath={"nnan", "nsz", "reassoc"})
def highest(table, tops, by_offset) -> None:  # type: ignore[no-untyped-def]
    """Take the largest values out of a table of log-likelihoods, in place.

    table      (psi, V, n, offset) float32
    tops       (n, V, psi): over offsets
    by_offset  (n, offset): over views and angles; raised to them
    """
    angles, views, count, slots = table.shape
    for a in range(angles):
        for v in range(views):
            for n in range(count):
                row = table[a, v, n]
                best = by_offset[n]
                top = row[0]
                for t in range(slots):
                    value = row[t]
                    top = max(top, value)
                    best[t] = max(best[t], value)
                tops[n, v, a] = top
