"""How a simulated specimen moves: as a whole and in itself, fast at first, smooth in space and time.

Beam-induced motion is largest within the first few e/Å² (Brilot et al. 2012, J. Struct. Biol. 177, 630) and varies
slowly across the image (Zheng et al. 2017, Nat. Methods 14, 331; Zivanov et al. 2019, IUCrJ 6, 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SETTLING = 4.0
"""Dose in e/Å² after which the early motion has fallen to 1/e."""
CORRELATION = 3500.0
"""Å over which neighbouring parts move alike."""
_WAVES = 16
_LATE = 0.35  # share of the motion that goes on evenly, against that of the beginning


@dataclass(frozen=True, eq=False)
class Motion:
    """Displacements of the specimen in px; those of frame 0 are 0, so truth is told in its coordinates.

    overall     (frames, 2) x and y of the mean displacement
    waves       (modes, waves, 4): wave numbers along x and y in rad/px, phase, and 0
    amplitudes  (modes, waves, 2) x and y in px
    offsets     (modes, 2) what makes each mode's mean over the image 0
    course      (frames, modes) how much of each mode a frame has
    shape       (y, x) of the image in px
    """

    overall: np.ndarray
    waves: np.ndarray
    amplitudes: np.ndarray
    offsets: np.ndarray
    course: np.ndarray
    shape: tuple[int, int]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.overall)

    def local(self, points: np.ndarray) -> np.ndarray:
        """Return how points (N, 2), x and y in px in frame 0, are displaced beyond the overall motion: (frames, N, 2)."""
        modes = np.stack([self._mode(mode, points) for mode in range(len(self.waves))])
        return np.einsum("fm,mnc->fnc", self.course, modes)

    def displacements(self, points: np.ndarray) -> np.ndarray:
        """Return the displacement in every frame of points (N, 2), x and y in px in frame 0: (frames, N, 2)."""
        return self.overall[:, None] + self.local(points)

    def sources(self, frame: int, points: np.ndarray) -> np.ndarray:
        """Return where points (N, 2) of a frame came from: their displacement (N, 2) since frame 0, seen from the frame."""
        moved = np.broadcast_to(self.overall[frame], points.shape)
        for _ in range(3):  # the field changes by less than 1 % per pixel, so this converges at once
            modes = np.stack([self._mode(mode, points - moved) for mode in range(len(self.waves))])
            moved = self.overall[frame] + np.einsum("m,mnc->nc", self.course[frame], modes)
        return moved

    def reach(self) -> int:
        """Return the largest displacement along x or y in px, rounded up."""
        y, x = np.meshgrid(*(np.linspace(0, side, 9) for side in self.shape), indexing="ij")
        return int(np.ceil(np.abs(self.displacements(np.stack([x.ravel(), y.ravel()], axis=1))).max())) + 1

    def _mode(self, mode: int, points: np.ndarray) -> np.ndarray:
        waves = self.waves[mode]
        return np.cos(points @ waves[:, :2].T + waves[:, 2]) @ self.amplitudes[mode] - self.offsets[mode]


def draw_motion(
    rng: np.random.Generator,
    frames: int,
    *,
    shape: tuple[int, int],
    pixel_size: float,
    dose_per_frame: float,
    drift: float,
    local: float,
) -> Motion:
    """Return a random motion.

    shape           (y, x) of the image in px
    pixel_size      in Å
    dose_per_frame  in e/Å²
    drift           mean distance of the overall motion in Å
    local           root mean square distance in Å of the local one at the end of the exposure
    """
    dose = np.arange(frames) * dose_per_frame
    total = max(frames * dose_per_frame, 1e-9)
    early, late = 1 - np.exp(-dose / SETTLING), dose / total
    course = np.stack([early, _LATE * late], axis=1)
    bends = np.stack([np.sin(np.pi * late), np.sin(2 * np.pi * late)], axis=1)  # the drift is no straight line
    directions = np.stack([_direction(rng) for _ in range(4)])
    length = drift / pixel_size * rng.uniform(0.6, 1.4)
    overall = length * (
        0.5 * early[:, None] * directions[0]
        + 0.7 * late[:, None] * directions[1]
        + 0.1 * bends @ (directions[2:] * [[1.0], [0.5]])
    )
    waves = np.zeros((2, _WAVES, 4))
    waves[..., :2] = rng.normal(0, pixel_size / CORRELATION, (2, _WAVES, 2))
    waves[..., 2] = rng.uniform(0, 2 * np.pi, (2, _WAVES))
    amplitudes = rng.normal(size=(2, _WAVES, 2))
    return _scaled(Motion(overall, waves, amplitudes, np.zeros((2, 2)), course, shape), local / pixel_size)


def _scaled(motion: Motion, wanted: float) -> Motion:
    """Give the local motion mean 0 in every mode and the wanted root mean square distance at the end."""
    rows, columns = motion.shape
    y, x = np.meshgrid(np.linspace(0, rows, 17), np.linspace(0, columns, 17), indexing="ij")
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    amplitudes, offsets = motion.amplitudes.copy(), motion.offsets.copy()
    for mode in range(len(motion.waves)):
        values = motion._mode(mode, points)
        size = np.sqrt(((values - values.mean(axis=0)) ** 2).sum(axis=1).mean())
        amplitudes[mode] /= size
        offsets[mode] = values.mean(axis=0) / size
    unit = Motion(motion.overall, motion.waves, amplitudes, offsets, motion.course, motion.shape)
    last = np.sqrt((unit.local(points)[-1] ** 2).sum(axis=1).mean())
    factor = wanted / last if last > 0 else 0.0
    return Motion(motion.overall, motion.waves, amplitudes * factor, offsets * factor, motion.course, motion.shape)


def _direction(rng: np.random.Generator) -> np.ndarray:
    around = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(around), np.sin(around)])
