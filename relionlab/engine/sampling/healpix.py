"""HEALPix: equal-area points on the sphere in nested order, 12 × 4^order of them.

Source: Górski et al. (2005) Astrophys. J. 622, 759, sections 4 and 5. The four points that replace a point at the
next order have the numbers 4 p … 4 p + 3.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from relionlab.errors import ParameterError

HIGHEST_ORDER = 8
"""RELION's finest order, 0.23° apart."""

# of the twelve base pixels: how far south their southern corner lies, and its longitude, in units of nside and π/4
_SOUTH = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_LONGITUDE = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])


def count(order: int) -> int:
    """Return the number of points of an order."""
    return 12 * 4**order


def spacing(order: int) -> float:
    """Return the nominal distance between neighbours in degrees, as RELION counts it: 60° at order 0, then half of it."""
    return 360.0 / (6 * 2**order)


def reach(order: int) -> float:
    """Return the largest distance between a point and a corner of its pixel, in radians.

    It is that of the pixels at cos(tilt) = 2/3, where polar caps and equatorial belt meet, to their northern corner.
    """
    side = 2**order
    corner = 1 - (1 - 1 / side) ** 2 / 3
    along = np.sqrt((1 - (2 / 3) ** 2) * (1 - corner**2)) * np.cos(np.pi / (4 * side))
    return float(np.arccos(along + 2 / 3 * corner))


@lru_cache(maxsize=4)
def points(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rot and tilt (12 × 4^order,) in degrees of all points, rot in (-180, 180]; float64, read-only.

    Raises ParameterError unless the order is 0 to 8.
    """
    if not 0 <= order <= HIGHEST_ORDER:
        raise ParameterError(f"HEALPix order {order}; expected 0 ({spacing(0):g}° apart) to {HIGHEST_ORDER} (0.23°).")
    side = 2**order
    base, inside = np.divmod(np.arange(count(order)), side**2)
    x, y = _even_bits(inside), _even_bits(inside >> 1)
    ring = _SOUTH[base] * side - x - y - 1  # 1 is the northernmost
    north, south = ring < side, ring > 3 * side
    on_ring = np.where(north, ring, np.where(south, 4 * side - ring, side))  # a quarter of the ring's points
    cap = 1 - on_ring**2 / (3 * side**2)
    height = np.where(north, cap, np.where(south, -cap, (2 * side - ring) * 2 / (3 * side)))
    shifted = np.where(north | south, 0, (ring - side) % 2)  # whether a ring begins on the meridian
    number = (_LONGITUDE[base] * on_ring + x - y + 1 + shifted) // 2
    number = np.where(number > 4 * side, number - 4 * side, np.where(number < 1, number + 4 * side, number))
    longitude = (number - (1 + shifted) * 0.5) * (90 / on_ring)
    rot = np.where(longitude > 180, longitude - 360, longitude)
    tilt = np.degrees(np.arccos(height))
    for angles in (rot, tilt):
        angles.setflags(write=False)
    return rot, tilt


def _even_bits(number: np.ndarray) -> np.ndarray:
    """Return the number made of bits 0, 2, 4 … of a number."""
    out = np.zeros_like(number)
    for bit in range(HIGHEST_ORDER + 1):
        out |= ((number >> (2 * bit)) & 1) << bit
    return out
