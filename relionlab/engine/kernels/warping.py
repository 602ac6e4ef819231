"""Move a frame by a shift that changes smoothly over the field, and add it to several weighted sums: one loop.

The interpolant is the quintic B-spline *without* its prefilter: the caller divides the transform of the finished sums by
the spline's (``spline_response``), which for shifts is the same and costs one transform instead of one per frame.
Source: Unser, Aldroubi & Eden, IEEE Trans. Pattern Anal. Mach. Intell. 13 (1991) 277.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, fastmath=True)
def add_warped(frame, shift_x, shift_y, weights, sums) -> None:  # type: ignore[no-untyped-def]
    """Add one frame, moved, to every sum.

    frame    (y, x) float32
    shift_x  (6,) float64 shift along x in px, as coefficients of 1, u, u², v, v², uv with u = x/width - 1/2,
             v = y/height - 1/2 at the *corrected* position; ``shift_y`` likewise. Positive moves the frame's content to
             larger indices. Beyond its edges the frame is taken as periodic, as a shift in Fourier space takes it
    weights  (n,) float32: the frame's weight in each sum
    sums     (n, y, x) float32, changed in place
    """
    rows, columns = frame.shape
    count = sums.shape[0]
    line = np.empty(columns + 8, np.float32)
    tall = np.empty(columns + 8, np.float32)
    for y in range(rows):
        v = y / rows - 0.5
        _columns_at(frame, shift_x, shift_y, y, tall)
        ax = shift_x[0] + shift_x[3] * v + shift_x[4] * v * v
        bx = shift_x[1] + shift_x[5] * v
        for x in range(columns):
            u = x / columns - 0.5
            source = np.float32(x - (ax + (bx + shift_x[2] * u) * u))
            whole = int(np.floor(source))
            w0, w1, w2, w3, w4, w5 = _quintic(source - np.float32(whole))
            i = whole - 2
            if 0 <= i < columns - 5:
                line[x] = (
                    (w0 * tall[i] + w1 * tall[i + 1])
                    + (w2 * tall[i + 2] + w3 * tall[i + 3])
                    + (w4 * tall[i + 4] + w5 * tall[i + 5])
                )
            else:
                line[x] = (
                    (w0 * tall[i % columns] + w1 * tall[(i + 1) % columns])
                    + (w2 * tall[(i + 2) % columns] + w3 * tall[(i + 3) % columns])
                    + (w4 * tall[(i + 4) % columns] + w5 * tall[(i + 5) % columns])
                )
        for n in range(count):
            weight = weights[n]
            target = sums[n, y]
            for x in range(columns):
                target[x] += weight * line[x]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _columns_at(frame, shift_x, shift_y, y, out) -> None:  # type: ignore[no-untyped-def]
    """Interpolate along y, in every source column, at the row that the corrected pixel above it comes from."""
    rows, columns = frame.shape
    v = y / rows - 0.5
    ax = shift_x[0] + shift_x[3] * v + shift_x[4] * v * v
    ay = shift_y[0] + shift_y[3] * v + shift_y[4] * v * v
    by = shift_y[1] + shift_y[5] * v
    start = 0
    while start < columns:
        # a run of columns whose six source rows are the same
        u = (start + ax) / columns - 0.5  # source column c serves the corrected column c + shift_x
        whole = int(np.floor(y - (ay + (by + shift_y[2] * u) * u)))
        stop = min(start + 32, columns)
        u_last = (stop - 1 + ax) / columns - 0.5
        last = int(np.floor(y - (ay + (by + shift_y[2] * u_last) * u_last)))
        if last != whole:
            stop = start + 1
        r0, r1, r2 = frame[(whole - 2) % rows], frame[(whole - 1) % rows], frame[whole % rows]
        r3, r4, r5 = frame[(whole + 1) % rows], frame[(whole + 2) % rows], frame[(whole + 3) % rows]
        for c in range(start, stop):
            uc = (c + ax) / columns - 0.5
            w0, w1, w2, w3, w4, w5 = _quintic(np.float32(y - (ay + (by + shift_y[2] * uc) * uc) - whole))
            out[c] = (w0 * r0[c] + w1 * r1[c]) + (w2 * r2[c] + w3 * r3[c]) + (w4 * r4[c] + w5 * r5[c])
        start = stop


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _quintic(t):  # type: ignore[no-untyped-def]
    """Return the weights of the samples at -2 … 3 for a place t, 0 to 1."""
    s = np.float32(1) - t
    w0 = s * s * s * s * s * np.float32(1 / 120)
    w5 = t * t * t * t * t * np.float32(1 / 120)
    t2 = t * t
    s2 = s * s
    w2 = np.float32(0.55) - t2 * (np.float32(0.5) - t2 * (np.float32(0.25) - t * np.float32(1 / 12)))
    w3 = np.float32(0.55) - s2 * (np.float32(0.5) - s2 * (np.float32(0.25) - s * np.float32(1 / 12)))
    # what is left over goes to the outer pair such that place and sum are right
    rest = np.float32(1) - w0 - w2 - w3 - w5
    moment = t + np.float32(2) * w0 - w3 - np.float32(3) * w5  # = -w1 + 2 w4
    w4 = (moment + rest) * np.float32(1 / 3)
    return w0, rest - w4, w2, w3, w4, w5
