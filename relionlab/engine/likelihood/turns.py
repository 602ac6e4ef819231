"""The in-plane angles of a search, and the angular harmonics that they can tell apart.

At n angles 2 pi j / n the harmonic q looks like q mod n, and r > n / 2 like the conjugate of n - r. So the harmonics
0 … Q of images are folded onto about n / 2 rows: a row holds, one after another, the rings of all harmonics that look
alike, and one product over a row does for all of them. What has no weight (high harmonics on inner rings) is left out.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from relionlab.engine.polar import PolarGrid

_BAND = 8
"""Rows whose products are made in one call; they should be about equally long."""


class Turns:
    """``count`` equal turns of a full circle, for images on a polar grid.

    row, conjugate  (Q + 1,) the row of each harmonic, and whether it looks like its conjugate there
    harmonic, ring  (rows, width) what each place of a row holds; rings are counted from 0 and ascend
    filled          (rows, width) whether there is anything; unused places hold zeros
    sign            (rows, width) -1 where the conjugate stands, otherwise 1
    """

    def __init__(self, grid: PolarGrid, count: int) -> None:
        self.count, self._rings = count, grid.radius
        harmonics = np.arange(grid.harmonics + 1)
        rest = harmonics % count
        self.conjugate = 2 * rest > count
        # harmonic 0, which is its own conjugate and so counts once, stays apart from those that look like it
        key = np.where(self.conjugate, count - rest, np.where((rest == 0) & (harmonics > 0), count, rest))
        self._halved = count % 2 == 0  # half a turn is a turn: it leaves even harmonics, and negates odd ones
        keys = sorted(set(key.tolist()), key=lambda k: (self._halved and k % 2, k))
        self.even = sum(not (self._halved and k % 2) for k in keys)
        self.row = np.array([keys.index(k) for k in key])
        places = [self._places(grid, np.flatnonzero(self.row == r)) for r in range(len(keys))]
        shape = (len(keys), max(map(len, places)))
        self.harmonic, self.ring = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self.filled = np.zeros(shape, bool)
        for r, found in enumerate(places):
            self.harmonic[r, : len(found)], self.ring[r, : len(found)] = found[:, 1], found[:, 0]
            self.filled[r, : len(found)] = True
        self.sign = np.where(self.conjugate[self.harmonic], np.float32(-1), np.float32(1))
        self.keys = np.array(keys)
        to, back = _transforms(self.keys, 2 * np.pi * np.arange(count // 2 if self._halved else count) / count)
        parts = (slice(None, self.even), slice(self.even, None))
        self._to = [to[:, part].reshape(len(to), -1).astype(np.float32) for part in parts]
        self._back = [back[part].reshape(-1, len(to)).astype(np.float32) for part in parts]
        self.bands = self.bands_within(slice(0, grid.radius))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.harmonic.shape[0]

    @property
    def width(self) -> int:
        """Number of places in a row."""
        return self.harmonic.shape[1]

    def phases(self, harmonics: int) -> np.ndarray:
        """Return exp(i q psi) of all angles and the harmonics q = 0 … ``harmonics``, (count, q) complex64."""
        angle = 2 * np.pi / self.count * np.arange(self.count)
        return np.exp(1j * angle[:, None] * np.arange(harmonics + 1)).astype(np.complex64)

    def bands_within(self, rings: slice) -> tuple[tuple[int, int, int], ...]:
        """Return (first row, last row + 1, places) of blocks of rows, long enough for these rings."""
        lengths = (self.filled & (self.ring < rings.stop)).sum(axis=1).tolist()
        bands: list[tuple[int, int, int]] = []
        low = 0
        for high in range(1, self.rows + 1):
            block = lengths[low : high + 1]
            if high == self.rows or high - low == _BAND or max(block) > 1.25 * min(block) + 4:
                bands.append((low, high, max(lengths[low:high])))
                low = high
        return tuple(bands)

    def folded(self, spectrum: np.ndarray) -> np.ndarray:
        """Return a spectrum (..., k, q) as rows (row, ..., place); conjugates are left to the user of ``sign``."""
        flat = spectrum.reshape(*spectrum.shape[:-2], -1)
        picked = flat[..., self.ring * spectrum.shape[-1] + self.harmonic]
        picked[..., ~self.filled] = 0
        return np.ascontiguousarray(np.moveaxis(picked, -2, 0))

    def unfolded(self, rows: np.ndarray) -> np.ndarray:
        """Return rows (row, ..., place) as a spectrum (..., k, q): the inverse of :meth:`folded`."""
        count = len(self.row)
        flat = np.zeros((*rows.shape[1:-1], self._rings * count), rows.dtype)
        where = (self.ring * count + self.harmonic)[self.filled]
        flat[..., where] = np.moveaxis(rows, 0, -2)[..., self.filled]
        return flat.reshape(*flat.shape[:-1], self._rings, count)

    def folded_even(self, spectrum: np.ndarray) -> np.ndarray:
        """Return the sum per row of even harmonics (q / 2, ...) complex, as (row, 2, ...): real and imaginary parts."""
        real, imaginary = (part[:, : len(spectrum)] for part in self._even_to_rows)
        flat = spectrum.reshape(len(spectrum), -1)
        return np.stack([real @ flat.real, imaginary @ flat.imag], axis=1).reshape(-1, 2, *spectrum.shape[1:])

    def even_harmonics(self, rows: np.ndarray, count: int | None = None) -> np.ndarray:
        """Return the even harmonics (q / 2, ...) complex, or the first of them, of what is given per row as (row, 2, ...)."""
        return self._harmonics(rows, np.arange(0, len(self.row), 2)[:count])

    def first_harmonic(self, rows: np.ndarray) -> np.ndarray:
        """Return harmonic 1 (...) complex of what is given per row as (row, 2, ...)."""
        return self._harmonics(rows, np.array([1]))[0]

    def ring_sums(self, rows: np.ndarray) -> np.ndarray:
        """Return the sum over harmonics of both signs of something real: (row, n, place) -> (n, k) float64."""
        flat = np.moveaxis(rows, 0, 1).reshape(rows.shape[1], -1)
        return flat.astype(np.float64) @ self._places_to_rings

    def to_angles(self, rows: np.ndarray, out: np.ndarray) -> None:
        """Write the real function whose harmonics are given per row, (row, 2, m) float32, to ``out`` (count, m)."""
        size = out.shape[-1]
        even = np.matmul(self._to[0], rows[: self.even].reshape(-1, size), out=None if self._halved else out)
        if self._halved:
            odd = np.matmul(self._to[1], rows[self.even :].reshape(-1, size))
            half = self.count // 2
            np.add(even, odd, out=out[:half])
            np.subtract(even, odd, out=out[half:])

    def from_angles(self, values: np.ndarray) -> np.ndarray:
        """Return sum over angles of value x exp(-i q psi) per row: (count, m) float32 -> (row, 2, m)."""
        out = np.empty((self.rows, 2, values.shape[-1]), np.float32)
        even, odd = (part.reshape(-1, values.shape[-1]) for part in (out[: self.even], out[self.even :]))
        if not self._halved:
            np.matmul(self._back[0], values, out=even)
            return out
        first, second = values[: self.count // 2], values[self.count // 2 :]
        np.matmul(self._back[0], first + second, out=even)
        np.matmul(self._back[1], first - second, out=odd)
        return out

    @cached_property
    def _even_to_rows(self) -> tuple[np.ndarray, np.ndarray]:
        even = np.arange(0, len(self.row), 2)
        real = np.zeros((self.rows, len(even)), np.float32)
        real[self.row[even], np.arange(len(even))] = 1
        return real, real * np.where(self.conjugate[even], np.float32(-1), np.float32(1))

    @cached_property
    def _places_to_rings(self) -> np.ndarray:
        once = np.where(self.harmonic == 0, 1.0, 2.0) * self.filled
        per_ring = (self.ring[..., None] == np.arange(self._rings)) * once[..., None]
        return per_ring.reshape(-1, self._rings)

    def _harmonics(self, rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        found = rows[self.row[wanted]]
        sign = np.where(self.conjugate[wanted], np.float32(-1), np.float32(1))
        return found[:, 0] + 1j * sign.reshape(-1, *[1] * (found.ndim - 2)) * found[:, 1]

    @staticmethod
    def _places(grid: PolarGrid, harmonics: np.ndarray) -> np.ndarray:
        """Return (ring, harmonic) of the places of a row, by ascending ring."""
        found = [(k, q) for q in harmonics.tolist() for k in range(grid.first_ring(q), grid.radius)]
        return np.array(sorted(found))


class Window:
    """Some successive turns of a full circle, ``first``, ``first`` + 1 …: for searches of few in-plane angles."""

    def __init__(self, turns: Turns, count: int, *, first: int = 0) -> None:
        self.count = count
        to, back = _transforms(turns.keys, 2 * np.pi * (first + np.arange(count)) / turns.count)
        self._to = to.reshape(count, -1).astype(np.float32)
        self._back = back.reshape(-1, count).astype(np.float32)

    def to_angles(self, rows: np.ndarray, out: np.ndarray) -> None:
        """Do as :meth:`Turns.to_angles`, at these angles."""
        np.matmul(self._to, rows.reshape(-1, rows.shape[-1]), out=out)

    def from_angles(self, values: np.ndarray) -> np.ndarray:
        """Do as :meth:`Turns.from_angles`, over these angles."""
        return np.matmul(self._back, values).reshape(-1, 2, values.shape[-1])


def _transforms(keys: np.ndarray, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices from rows to angles (angle, row, 2) and back (row, 2, angle)."""
    phase = angles[:, None] * keys
    both = np.stack([np.cos(phase), -np.sin(phase)], axis=2)
    # sums over harmonics of both signs: all but 0 come twice
    return both * np.where(keys == 0, 1.0, 2.0)[:, None], both.transpose(1, 2, 0)
