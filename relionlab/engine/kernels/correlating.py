"""Sum shifted spectra, and how their agreement changes with the shifts: the loops of frame alignment."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, fastmath=True)
def add_shifted(spectra, shifts, ky, kx, total) -> None:  # type: ignore[no-untyped-def]
    """Add spectra, each shifted, to a sum.

    spectra  (n, rows, columns) complex64, half planes
    shifts   (n, 2) float64 x and y in px
    ky, kx   (rows,), (columns,) float64 cycles per px
    total    (rows, columns) complex64, changed in place
    """
    along_x = np.empty(len(kx), np.complex64)
    for n in range(len(spectra)):
        for i in range(len(kx)):
            along_x[i] = np.exp(-2j * np.pi * kx[i] * shifts[n, 0])
        for j in range(len(ky)):
            row = np.complex64(np.exp(-2j * np.pi * ky[j] * shifts[n, 1]))
            for i in range(len(kx)):
                total[j, i] += spectra[n, j, i] * (row * along_x[i])


@numba.njit(nogil=True, cache=True, fastmath=True)
def agreement(spectra, shifts, ky, kx, total, weight) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Return how well each shifted spectrum agrees with the sum of the others, and how that changes with its shift.

    total   (rows, columns) complex64: the sum of all of them, shifted (``add_shifted``)
    weight  (rows, columns) float32
    result  (n, 5) float64: Σ w Re(conj(rest) · shifted), its slope along x and y per px, and minus its curvature along x
            and y per px²
    """
    result = np.zeros((len(spectra), 5))
    along_x = np.empty(len(kx), np.complex64)
    kx32 = (2 * np.pi * kx).astype(np.float32)
    for n in range(len(spectra)):
        for i in range(len(kx)):
            along_x[i] = np.exp(-2j * np.pi * kx[i] * shifts[n, 0])
        for j in range(len(ky)):
            row = np.complex64(np.exp(-2j * np.pi * ky[j] * shifts[n, 1]))
            even = np.float32(0)
            odd = np.float32(0)
            odd_x = np.float32(0)
            even_xx = np.float32(0)
            for i in range(len(kx)):
                own = spectra[n, j, i] * (row * along_x[i])
                rest = total[j, i] - own
                real = weight[j, i] * (rest.real * own.real + rest.imag * own.imag)
                imaginary = weight[j, i] * (rest.real * own.imag - rest.imag * own.real)
                even += real
                odd += imaginary
                odd_x += imaginary * kx32[i]
                even_xx += real * kx32[i] * kx32[i]
            k = 2 * np.pi * ky[j]
            result[n, 0] += even
            result[n, 1] += odd_x
            result[n, 2] += odd * k
            result[n, 3] += even_xx
            result[n, 4] += even * k * k
    return result


@numba.njit(nogil=True, cache=True, fastmath=True)
def cross_spectrum(spectrum, shift, ky, kx, rest, weight, out) -> None:  # type: ignore[no-untyped-def]
    """Write w · conj(shifted spectrum) · rest, whose inverse transform peaks at the further shift that is needed."""
    along_x = np.empty(len(kx), np.complex64)
    for i in range(len(kx)):
        along_x[i] = np.exp(-2j * np.pi * kx[i] * shift[0])
    for j in range(len(ky)):
        row = np.complex64(np.exp(-2j * np.pi * ky[j] * shift[1]))
        for i in range(len(kx)):
            own = spectrum[j, i] * (row * along_x[i])
            out[j, i] = weight[j, i] * (rest[j, i] * np.conj(own))


@numba.njit(nogil=True, cache=True, fastmath=True)
def ring_sums(spectra, total, radius, width, count) -> tuple:  # type: ignore[no-untyped-def]
    """Return for each of ``count`` rings how many components it has, and the sums of |total|² and of |spectra|².

    spectra  (n, rows, columns) complex64; total and radius (rows, columns); width of a ring, in the radius's unit
    """
    n, rows, columns = spectra.shape
    members, joint, single = np.zeros(count), np.zeros(count), np.zeros(count)
    own = np.empty(columns, np.float32)
    for j in range(rows):
        own[:] = 0
        for frame in range(n):
            for i in range(columns):
                value = spectra[frame, j, i]
                own[i] += value.real * value.real + value.imag * value.imag
        for i in range(columns):
            ring = int(np.rint(radius[j, i] / width))
            if ring < count:
                members[ring] += 1
                joint[ring] += total[j, i].real * total[j, i].real + total[j, i].imag * total[j, i].imag
                single[ring] += own[i]
    return members, joint, single
