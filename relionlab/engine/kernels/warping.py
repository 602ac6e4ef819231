"""Move frames by shifts that change smoothly over the field, and add them to several weighted sums: one loop.

First along y, then along x, six neighbours each. The interpolant is the quintic B-spline *without* its prefilter: the
caller divides the transform of the finished sums by the spline's (``spline_response``), which for shifts is the same and
costs one transform instead of one per frame. Source: Unser, Aldroubi & Eden, IEEE Trans. Pattern Anal. Mach. Intell. 13
(1991) 277.
"""

from __future__ import annotations

import numba
import numpy as np

RUN = 256
"""Pixels that are done at once at most, where their neighbours start at the same distance."""


@numba.njit(nogil=True, cache=True, fastmath=True)
def add_warped(frames, shift_x, shift_y, weights, sums) -> None:  # type: ignore[no-untyped-def]
    """Add frames, each moved, to every sum, row by row: the sums' rows stay in the processor's cache meanwhile.

    frames   (m, y, x) float32
    shift_x  (m, 6) float64 shift along x in px, as coefficients of 1, u, u², v, v², uv with u = x/width - 1/2,
             v = y/height - 1/2 at the *corrected* position; ``shift_y`` likewise. Positive moves a frame's content to
             larger indices. Beyond its edges a frame is taken as periodic, as a shift in Fourier space takes it
    weights  (m, n) float32: each frame's weight in each sum
    sums     (n, y, x) float32, changed in place
    """
    rows, columns = frames.shape[1:]
    line = np.empty(columns, np.float32)
    tall = np.empty(columns + 6, np.float32)
    for y in range(rows):
        for m in range(frames.shape[0]):
            _along_y(frames[m], shift_x[m], shift_y[m], y, tall)
            for c in range(6):
                tall[columns + c] = tall[c % columns]
            _along_x(tall, shift_x[m], y / rows - 0.5, line)
            for n in range(sums.shape[0]):
                weight = weights[m, n]
                target = sums[n, y]
                for x in range(columns):
                    target[x] += weight * line[x]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _along_x(tall, shift_x, v, line) -> None:  # type: ignore[no-untyped-def]
    """Interpolate a row, whose first 6 px stand again at its end, along x."""
    columns = len(line)
    a = shift_x[0] + (shift_x[3] + shift_x[4] * v) * v
    b = shift_x[1] + shift_x[5] * v
    c = shift_x[2]
    start = 0
    while start < columns:
        first = _floor_source(start, columns, a, b, c)
        stop = start + _same_distance(start, columns, a, b, c, 0.0)
        offset = (first - 2) % columns
        if offset + stop - start > columns + 1:  # up to the edge
            stop = start + max(columns + 1 - offset, 1)
        _six(tall, line, start, stop, offset, a, b, c, columns, first - start)
        start = stop


@numba.njit(nogil=True, cache=True, fastmath=True)
def _same_distance(start, columns, a, b, c, across):  # type: ignore[no-untyped-def]
    """Return how many pixels from ``start`` on have their neighbours at the same whole distance."""
    count = columns - start
    if b == 0 and c == 0:
        return count
    count = min(RUN, count)
    u = (start + across) / columns - 0.5
    whole = np.floor(-(a + (b + c * u) * u))
    while count > 1:
        u = (start + count - 1 + across) / columns - 0.5
        if np.floor(-(a + (b + c * u) * u)) == whole:
            break
        count //= 2
    return count


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _floor_source(x, columns, a, b, c):  # type: ignore[no-untyped-def]
    u = x / columns - 0.5
    return x + int(np.floor(-(a + (b + c * u) * u)))


@numba.njit(nogil=True, cache=True, fastmath=True)
def _six(tall, line, start, stop, offset, a, b, c, columns, lag) -> None:  # type: ignore[no-untyped-def]
    """Interpolate a run of pixels from six neighbours each, the first ones at ``offset`` and after."""
    count = stop - start
    s0, s1, s2 = tall[offset : offset + count], tall[offset + 1 :], tall[offset + 2 :]
    s3, s4, s5 = tall[offset + 3 :], tall[offset + 4 :], tall[offset + 5 :]
    out = line[start:stop]
    # the fraction changes quadratically with x: value, slope and bend at the start of the run
    u = start / columns - 0.5
    t0 = np.float32(-(a + (b + c * u) * u) - lag)
    t1 = np.float32(-(b + 2 * c * u) / columns)
    t2 = np.float32(-c / (columns * columns))
    if b == 0 and c == 0:
        w0, w1, w2, w3, w4, w5 = _quintic(t0)
        for i in range(count):
            out[i] = (w0 * s0[i] + w1 * s1[i]) + (w2 * s2[i] + w3 * s3[i]) + (w4 * s4[i] + w5 * s5[i])
        return
    for i in range(count):
        k = np.float32(i)
        w0, w1, w2, w3, w4, w5 = _quintic(t0 + (t1 + t2 * k) * k)
        out[i] = (w0 * s0[i] + w1 * s1[i]) + (w2 * s2[i] + w3 * s3[i]) + (w4 * s4[i] + w5 * s5[i])


@numba.njit(nogil=True, cache=True, fastmath=True)
def _along_y(frame, shift_x, shift_y, y, out) -> None:  # type: ignore[no-untyped-def]
    """Interpolate along y, in every source column, at the row that the corrected pixel above it comes from."""
    rows, columns = frame.shape
    v = y / rows - 0.5
    across = shift_x[0] + (shift_x[3] + shift_x[4] * v) * v  # source column c serves the corrected column c + shift
    a = shift_y[0] + (shift_y[3] + shift_y[4] * v) * v
    b = shift_y[1] + shift_y[5] * v
    c2 = shift_y[2]
    start = 0
    while start < columns:
        u = (start + across) / columns - 0.5
        whole = y + int(np.floor(-(a + (b + c2 * u) * u)))
        stop = start + _same_distance(start, columns, a, b, c2, across)
        r0, r1 = frame[(whole - 2) % rows, start:stop], frame[(whole - 1) % rows, start:stop]
        r2, r3 = frame[whole % rows, start:stop], frame[(whole + 1) % rows, start:stop]
        r4, r5 = frame[(whole + 2) % rows, start:stop], frame[(whole + 3) % rows, start:stop]
        target = out[start:stop]
        t0 = np.float32(y - whole - (a + (b + c2 * u) * u))
        t1 = np.float32(-(b + 2 * c2 * u) / columns)
        t2 = np.float32(-c2 / (columns * columns))
        if b == 0 and c2 == 0:
            w0, w1, w2, w3, w4, w5 = _quintic(t0)
            for i in range(stop - start):
                target[i] = (w0 * r0[i] + w1 * r1[i]) + (w2 * r2[i] + w3 * r3[i]) + (w4 * r4[i] + w5 * r5[i])
            start = stop
            continue
        for i in range(stop - start):
            k = np.float32(i)
            w0, w1, w2, w3, w4, w5 = _quintic(t0 + (t1 + t2 * k) * k)
            target[i] = (w0 * r0[i] + w1 * r1[i]) + (w2 * r2[i] + w3 * r3[i]) + (w4 * r4[i] + w5 * r5[i])
        start = stop


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _quintic(t):  # type: ignore[no-untyped-def]
    """Return the weights of the samples at -2 … 3 for a place t, 0 to 1."""
    s = np.float32(1) - t
    t2 = t * t
    s2 = s * s
    w0 = s2 * s2 * s * np.float32(1 / 120)
    w5 = t2 * t2 * t * np.float32(1 / 120)
    w2 = np.float32(0.55) - t2 * (np.float32(0.5) - t2 * (np.float32(0.25) - t * np.float32(1 / 12)))
    w3 = np.float32(0.55) - s2 * (np.float32(0.5) - s2 * (np.float32(0.25) - s * np.float32(1 / 12)))
    # what is left over goes to the outer pair such that place and sum are right
    rest = np.float32(1) - w0 - w2 - w3 - w5
    moment = t + np.float32(2) * w0 - w3 - np.float32(3) * w5  # = -w1 + 2 w4
    w4 = (moment + rest) * np.float32(1 / 3)
    return w0, rest - w4, w2, w3, w4, w5
