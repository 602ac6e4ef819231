"""Soft circular and spherical masks, and background areas, about the image origin n//2."""

from __future__ import annotations

from typing import Any

import numpy as np


def radius_grid(n: int, dimensions: int = 2) -> np.ndarray:
    """Return the distance from the origin n//2 in px, (n, n) or (n, n, n), float64."""
    line = (np.arange(n) - n // 2) ** 2
    total = np.zeros((1,) * dimensions)
    for axis in range(dimensions):
        total = total + line.reshape([-1 if a == axis else 1 for a in range(dimensions)])
    return np.sqrt(total)


def soft_circle(n: int, radius_px: float, edge_px: float, *, dtype: Any = np.float32) -> np.ndarray:
    """Return a disc (n, n): 1 within the radius, falling as a raised cosine to 0 at radius + edge (both in px)."""
    return _raised_cosine(radius_grid(n), radius_px, edge_px).astype(dtype)


def soft_sphere(n: int, radius_px: float, edge_px: float, *, dtype: Any = np.float32) -> np.ndarray:
    """Return a ball (n, n, n): 1 within the radius, falling as a raised cosine to 0 at radius + edge (both in px)."""
    return _raised_cosine(radius_grid(n, 3), radius_px, edge_px).astype(dtype)


def _raised_cosine(radius: np.ndarray, inner: float, edge: float) -> np.ndarray:
    if edge <= 0:
        return (radius <= inner).astype(np.float64)
    return 0.5 + 0.5 * np.cos(np.pi * np.clip((radius - inner) / edge, 0, 1))
