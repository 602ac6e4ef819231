"""Phases at random from the C library's generator, so that the same seed gives the very maps that RELION makes.

glibc's ``rand`` is an additive feedback generator: r[i] = r[i−3] + r[i−31] modulo 2³², of which the highest 31 bits are
given out; the first 31 values, of which three are taken twice, come from a multiplicative one (r[i] = 16807·r[i−1] modulo 2³¹−1), and the 310 that follow
are thrown away (Knuth 1997, vol. 2, 3.2.2; P. Selinger, "The GLIBC random number generator", 2007).
"""

from __future__ import annotations

import numba
import numpy as np

_LARGEST = 2**31 - 1
_LAG, _SHORT_LAG, _THROWN_AWAY = 31, 3, 310


class PhaseGenerator:
    """A stream of phases in radians, 0 to 2π.

    seed  as RELION's --random_seed; negative: another stream each time
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            seed = int(np.random.default_rng().integers(1, _LARGEST))
        self._state = _seeded(seed or 1)
        _draw(self._state, _THROWN_AWAY)

    def draw(self, count: int) -> np.ndarray:
        """Return the next phases (count,), float32."""
        return (_draw(self._state, count) * (2 * np.pi / _LARGEST)).astype(np.float32)


def _seeded(seed: int) -> np.ndarray:
    """Return the last 31 values, the oldest first."""
    values = [seed]
    for _ in range(_LAG - 1):
        values.append(16807 * values[-1] % _LARGEST)
    return np.array(values[_SHORT_LAG:] + values[:_SHORT_LAG], np.uint32)


@numba.njit(nogil=True, cache=True)
def _draw(state: np.ndarray, count: int) -> np.ndarray:
    out = np.empty(count, np.float64)
    for i in range(count):
        fresh = (state[0] + state[_LAG - _SHORT_LAG]) & np.uint32(0xFFFFFFFF)
        for j in range(_LAG - 1):
            state[j] = state[j + 1]
        state[_LAG - 1] = fresh
        out[i] = fresh >> np.uint32(1)
    return out
