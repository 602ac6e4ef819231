"""The histogram that star_handler prints of a column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.errors import ParameterError

_MOST_BINS = 1000  # when nobody says how many; a few far outliers would ask for millions


@dataclass(frozen=True)
class Histogram:
    """Counts between edges; the first and last bin hold what lies below and above.

    edges   (bins - 1,) in the unit of the values
    counts  (bins,)
    """

    edges: np.ndarray
    counts: np.ndarray

    @property
    def width(self) -> float:
        """Width of the inner bins, in the unit of the values."""
        return float(self.edges[1] - self.edges[0])


def make_histogram(
    values: np.ndarray, *, bins: int = -1, low: float | None = None, high: float | None = None
) -> Histogram:
    """Count values in bins of one width.

    bins  number of inner bins; -1 takes the width of Freedman and Diaconis (1981), twice the interquartile range
          over the cube root of the number of values
    low   lower end of the inner bins; ``None`` takes the smallest value; ``high`` likewise
    """
    if not len(values):
        raise ParameterError("the list is empty: there is no histogram of it.")
    start, end = values.min() if low is None else low, values.max() if high is None else high
    if not end > start:
        end = start + 1
    if bins < 1:
        first, third = _quartiles(values)[0::2]
        width = 2 * (third - first) / np.cbrt(len(values))
        bins = (
            int(np.clip(np.ceil((end - start) / max(width, (end - start) / _MOST_BINS)), 1, _MOST_BINS)) if width else 8
        )
    edges = start + (end - start) / bins * np.arange(bins + 1)
    places = np.clip(np.floor((values - start) / (end - start) * bins).astype(np.int64) + 1, 0, bins + 1)
    return Histogram(edges, np.bincount(places, minlength=bins + 2))


def histogram_lines(
    values: np.ndarray, histogram: Histogram, *, percent: bool = False, cumulative: bool = False
) -> list[str]:
    """Return the histogram as text, with the statistics of the values before it."""
    first, median, third = _quartiles(values)
    shown = histogram.counts.cumsum() if cumulative else histogram.counts
    texts = [f"{100 * count / len(values):.6g} %" if percent else f"{count}" for count in shown]
    ends = ["-INF", *(f"{edge:.6g}" for edge in histogram.edges), "+INF"]
    closing = [")"] * (len(texts) - 1) + ["]"]
    return [
        f"Number of items: {len(values)}",
        f"Min: {values.min():.6g} Q1: {first:.6g} Median: {median:.6g} Q3: {third:.6g} Max: {values.max():.6g}",
        f"Mean: {values.mean():.6g} Std: {values.std():.6g}",
        f"Bin size: {len(texts)} width: {histogram.width:.6g}",
        *(f"[{ends[n]}, {ends[n + 1]}{closing[n]}: {text}" for n, text in enumerate(texts)),
    ]


def _quartiles(values: np.ndarray) -> tuple[float, float, float]:
    """Return the values at a quarter, half and three quarters of the sorted list."""
    ordered, count = np.sort(values), len(values)
    return ordered[count // 4], ordered[count // 2], ordered[count * 3 // 4]
