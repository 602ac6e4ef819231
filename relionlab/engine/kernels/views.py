"""Between a table of all views' spectra and the few that one particle is compared with: gathered and turned, and back.

A spectrum is folded into rows and places (engine/likelihood/turns.py). ``turn`` holds exp(i q psi) of each chosen entry.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from relionlab.engine.array import namespace


def gather_turned(spectra: Any, index: Any, turn: Any, harmonic: Any) -> Any:
    """Return chosen spectra, turned, as one operand of a real matrix product: (row, E, 2 places) float32.

    spectra   (V, row, place) complex64
    index     (E,) which of them
    turn      (E, Q + 1) complex64
    harmonic  (row, place)
    """
    body = _gather_on_cpu if namespace(spectra) is np else gather_arrays
    return body(spectra, index, turn, harmonic)


def scatter_turned(
    sums: Any, parts: Any, gathered: Any, index: Any, turn: Any, harmonic: Any, ring: Any, cross: Any
) -> None:
    """Add what a particle gives each chosen view to the views' sums, turned back, and its cross terms to ``cross``; in place.

    sums      (V, row, place) complex64
    parts     (row, E, 2 places) float32: products of the weights with the particle's spectrum
    gathered  (row, E, 2 places) of :func:`gather_turned`
    ring      (row, place)
    cross     (k,) float64: sum over places and both signs of harmonics of Re(conj(weighted particle) view)
    """
    body = _scatter_on_cpu if namespace(sums) is np else scatter_arrays
    body(sums, parts, gathered, index, turn, harmonic, ring, cross)


def gather_arrays(spectra: Any, index: Any, turn: Any, harmonic: Any) -> Any:
    """Do as :func:`gather_turned` in whole-array operations: the body for a GPU, and the readable one."""
    xp = namespace(spectra)
    chosen = (spectra[index] * turn[:, harmonic]).transpose(1, 0, 2)
    return xp.ascontiguousarray(chosen.astype(xp.complex64)).view(xp.float32)


def scatter_arrays(
    sums: Any, parts: Any, gathered: Any, index: Any, turn: Any, harmonic: Any, ring: Any, cross: Any
) -> None:
    """Do as :func:`scatter_turned` in whole-array operations: the body for a GPU, and the readable one."""
    xp = namespace(sums)
    added, views = parts.view(xp.complex64), gathered.view(xp.complex64)
    once = xp.where(harmonic == 0, 1.0, 2.0)[:, None]
    products = (once * (added.real * views.real + added.imag * views.imag)).sum(axis=1)
    cross += xp.bincount(ring.ravel(), weights=products.ravel(), minlength=len(cross))
    back = added.transpose(1, 0, 2) * turn.conj()[:, harmonic]
    for entry, view in enumerate(index.tolist()):
        sums[view] += back[entry]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _gather_on_cpu(spectra, index, turn, harmonic):  # type: ignore[no-untyped-def]
    rows, places = harmonic.shape
    count = len(index)
    out = np.empty((rows, count, 2 * places), np.float32)
    for e in range(count):
        view = spectra[index[e]]
        phase = turn[e]
        for r in range(rows):
            row = out[r, e]
            for p in range(places):
                value = view[r, p] * phase[harmonic[r, p]]
                row[2 * p] = value.real
                row[2 * p + 1] = value.imag
    return out


@numba.njit(nogil=True, cache=True, fastmath=True)
def _scatter_on_cpu(sums, parts, gathered, index, turn, harmonic, ring, cross) -> None:  # type: ignore[no-untyped-def]
    rows, places = harmonic.shape
    for e in range(len(index)):
        view = sums[index[e]]
        phase = turn[e]
        for r in range(rows):
            given, seen = parts[r, e], gathered[r, e]
            for p in range(places):
                real, imaginary = given[2 * p], given[2 * p + 1]
                q = harmonic[r, p]
                product = real * seen[2 * p] + imaginary * seen[2 * p + 1]
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
