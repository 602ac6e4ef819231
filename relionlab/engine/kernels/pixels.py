"""Look for pixels that stand out from their part of an image, in one pass."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, fastmath=True)
def suspicious(image, away, spreads, levels, along_y, along_x, deviations, floor) -> tuple:  # type: ignore[no-untyped-def]
    """Return the pixels that may be hot: rows, columns, thresholds; and which are dead, bool (y, x).

    image     (y, x) float32
    away      (y, x) float32: it less its surroundings' mean; beyond half the threshold is suspicious
    spreads, levels   (down, across) float32: deviation and mean of each block, linear between the blocks' middles
    along_y, along_x  for every row and column the block before it, and how far it is to the next (0 to 1)
    deviations        standard deviations that count as far. For counts of mean m, whose skewness is 1/√m, a threshold of
                      the same chance is higher (Cornish & Fisher 1938): 1 + (d² - 1)/(6 d) · skewness times
    floor             least threshold
    """
    rows, columns = image.shape
    down, across = spreads.shape
    dead = np.zeros((rows, columns), np.bool_)
    found = 0
    y: Any = np.empty(1024, np.int64)
    x: Any = np.empty(1024, np.int64)
    threshold: Any = np.empty(1024, np.float32)
    line_spread, line_level = np.empty(columns, np.float32), np.empty(columns, np.float32)
    bend = np.float32((deviations**2 - 1) / (6 * deviations))
    for j in range(rows):
        above, share = along_y[0][j], along_y[1][j]
        below = min(above + 1, down - 1)
        for i in range(columns):
            left, part = along_x[0][i], along_x[1][i]
            right = min(left + 1, across - 1)
            first = spreads[above, left] * (1 - share) + spreads[below, left] * share
            second = spreads[above, right] * (1 - share) + spreads[below, right] * share
            line_spread[i] = first * (1 - part) + second * part
            first = levels[above, left] * (1 - share) + levels[below, left] * share
            second = levels[above, right] * (1 - share) + levels[below, right] * share
            line_level[i] = first * (1 - part) + second * part
        for i in range(columns):
            spread, level = line_spread[i], line_level[i]
            skewness = np.float32(0)
            if level > 0:
                skewness = min(max(spread / max(level, np.float32(floor)), np.float32(0)), np.float32(3))
            limit = max(np.float32(deviations) * spread * (1 + bend * skewness), np.float32(floor))
            if abs(away[j, i]) > np.float32(0.5) * limit:
                if found == len(y):
                    y, x = np.append(y, np.empty_like(y)), np.append(x, np.empty_like(x))
                    threshold = np.append(threshold, np.empty_like(threshold))
                y[found], x[found], threshold[found] = j, i, limit
                found += 1
            dead[j, i] = level > 4 * spread and image[j, i] < np.float32(0.1) * level
    return y[:found], x[:found], threshold[:found], dead
