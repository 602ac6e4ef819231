"""Small movies of known motion, made without the package's own interpolation: the specimen is a sum of waves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.motion.model import field_basis, time_basis


@dataclass(frozen=True)
class Case:
    """Frames (n, y, x), their displacement as the program's shifts say it, and the specimen without noise."""

    frames: np.ndarray
    shifts: np.ndarray
    model: np.ndarray
    specimen: np.ndarray


def movie(
    *,
    size: tuple[int, int] = (256, 300),
    frames: int = 10,
    drift: float = 12.0,
    local: float = 0.0,
    noise: float = 1.0,
    seed: int = 0,
) -> Case:
    """Make a movie: ``drift`` px in all, a local motion of about ``local`` px at the corners, white noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)
    way = 1 - np.exp(-time / 3)
    angle = rng.uniform(0, 2 * np.pi)
    shifts = drift * way[:, None] * np.array([np.cos(angle), np.sin(angle)])
    shifts[1:] += np.cumsum(rng.normal(0, 0.2, (frames - 1, 2)), axis=0)
    model = np.zeros((2, 6, 3))
    model[:, 1:, 0] = rng.uniform(-1, 1, (2, 5)) * local / max(frames - 1, 1)
    model[:, 1:, 1] = -0.4 * model[:, 1:, 0] / max(frames - 1, 1)
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    basis = field_basis(x / size[1] - 0.5, y / size[0] - 0.5)
    waves = [(rng.normal(0, 0.05, 2), rng.uniform(0, 2 * np.pi)) for _ in range(120)]

    def specimen(dx: np.ndarray | float, dy: np.ndarray | float) -> np.ndarray:
        total = np.zeros(size)
        for (kx, ky), phase in waves:
            total += np.cos(2 * np.pi * (kx * (x + dx) + ky * (y + dy)) + phase)
        return total / np.sqrt(len(waves) / 2)

    stack = []
    for n in range(frames):
        field = model @ time_basis(np.array(float(n)))
        dx, dy = (shifts[n, axis] + np.tensordot(field[axis], basis, 1) for axis in range(2))
        stack.append(10 + specimen(dx, dy) + noise * rng.standard_normal(size))
    return Case(np.array(stack, np.float32), shifts - shifts[0], model, specimen(0, 0))
