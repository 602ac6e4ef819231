"""How alike a map is to itself, turned: the self-rotation correlation, at low resolution.

Spectra are flattened shell by shell, and a shell's average is taken out: what is alike in every direction, the globular
shape, says nothing about symmetry. Each shell from the second on counts the same, so a correlation is a mean Fourier shell
correlation: 1 for a perfect symmetry, about 0 for none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from relionlab.engine.kernels.volumes import gather_turned
from relionlab.engine.volume.lattice import Lattice
from relionlab.engine.volume.slicer import volume_of

FIRST_SHELL = 2


@dataclass(frozen=True, eq=False)
class SelfCorrelation:
    """A map made ready to be compared with itself.

    volume   (z, y, x, 2) its flattened transform on a lattice of padding 2
    points   (P, 3) the frequencies that are compared, in Fourier pixels of the box: half a ball
    values   (P,) the flattened transform there
    shell    (P,) their shells
    n        box in px
    """

    volume: np.ndarray
    points: np.ndarray
    values: np.ndarray
    shell: np.ndarray
    n: int

    @classmethod
    def of_map(cls, map_: np.ndarray, radius: int) -> SelfCorrelation:
        """Make it from a map (n, n, n), up to a shell."""
        n = map_.shape[-1]
        lattice = Lattice(n, min(radius + 1, n // 2))
        volume = volume_of(map_.astype(np.float32), lattice)
        line = np.arange(-lattice.reach, lattice.reach + 1)
        square = line[:, None, None] ** 2 + line[:, None] ** 2 + np.arange(lattice.reach + 1) ** 2
        position = np.sqrt(square) / lattice.padding
        shells = np.floor(position + 0.5).astype(np.int64)
        inner = volume[lattice.inner]
        count = np.bincount(shells.ravel())
        means = np.stack([np.bincount(shells.ravel(), inner[..., part].ravel()) / count for part in (0, 1)], axis=1)
        means[:, 1] = 0  # the transform of what is spherical about the origin is real
        power = np.bincount(shells.ravel(), ((inner - means[shells]) ** 2).sum(axis=-1).ravel()) / count
        radii = np.arange(len(power))
        root = np.sqrt(np.maximum(power, 1e-12 * power.max()))
        for part in (0, 1):  # smooth over shells, so that the flattened transform can still be interpolated
            inner[..., part] -= np.interp(position, radii, means[:, part])
            inner[..., part] /= np.interp(position, radii, root)
        for x in range(1, lattice.margin + 1):
            mirror = volume[::-1, ::-1, lattice.margin + x]
            volume[:, :, lattice.margin - x] = mirror * np.array([1, -1], np.float32)
        points, shell = _half_ball(radius)
        values = gather_turned(volume, np.eye(3)[None] * lattice.padding, points)[0].view(np.complex64)[..., 0]
        scale = np.sqrt(np.bincount(shell, np.abs(values) ** 2, minlength=radius + 1)[shell])
        return cls(volume, points, values / np.maximum(scale, 1e-20), shell, n)

    @property
    def shells(self) -> int:
        """How many shells are compared."""
        return int(self.shell.max()) - FIRST_SHELL + 1

    def turned(self, rotations: np.ndarray) -> np.ndarray:
        """Return the flattened transform (N, P) at the turned frequencies, each shell with unit power."""
        found = gather_turned(self.volume, rotations * 2.0, self.points).view(np.complex64)[..., 0]
        starts = np.searchsorted(self.shell, np.arange(FIRST_SHELL, int(self.shell.max()) + 1))
        power = np.add.reduceat(np.abs(found) ** 2, starts, axis=1)
        found /= np.sqrt(np.maximum(power, 1e-20))[:, self.shell - FIRST_SHELL]
        return found

    def at(self, rotations: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Return the correlations (N, shells) of the map with itself turned about a centre (3,) x, y, z in px."""
        return self._by_shell(self.turned(rotations), rotations, centre)

    def _by_shell(self, turned: np.ndarray, rotations: np.ndarray, centre: np.ndarray) -> np.ndarray:
        moved = (self.points @ rotations.transpose(0, 2, 1) - self.points) @ centre
        product = (self.values.conj() * turned * np.exp(2j * np.pi / self.n * moved)).real
        starts = np.searchsorted(self.shell, np.arange(FIRST_SHELL, int(self.shell.max()) + 1))
        return np.add.reduceat(product, starts, axis=1)

    def best_shifts(self, rotations: np.ndarray, *, farthest: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the highest correlation (N,) over shifts, and the shift (N, 3) x, y, z in px that map(R x + shift) needs.

        farthest  largest shift in px
        """
        radius = int(self.shell.max())
        side = scipy.fft.next_fast_len(3 * radius)
        step = self.n / side  # px of the map per point of the small box
        place = self.points.astype(np.int64) % side
        scores, shifts = np.empty(len(rotations)), np.empty((len(rotations), 3))
        line = scipy.fft.fftfreq(side, 1 / side) * step
        near = line[:, None, None] ** 2 + line[:, None] ** 2 + line**2 <= farthest**2
        for start in range(0, len(rotations), 64):
            block = slice(start, start + 64)
            product = self.values.conj() * self.turned(rotations[block])
            box = np.zeros((len(product), side, side, side // 2 + 1), np.complex64)
            box[:, place[:, 2], place[:, 1], place[:, 0]] = product
            zero = self.points[:, 0] == 0  # half a ball: on the plane x = 0 the other half is put in by hand
            box[:, -place[zero, 2] % side, -place[zero, 1] % side, 0] += product[:, zero].conj()
            field = scipy.fft.irfftn(box, (side,) * 3, axes=(1, 2, 3), norm="forward") / 2
            field[:, ~near] = -np.inf
            flat = field.reshape(len(product), -1)
            best = flat.argmax(axis=1)
            scores[block] = flat[np.arange(len(best)), best] / self.shells
            z, y, x = np.unravel_index(best, (side,) * 3)
            shifts[block] = np.stack([line[x], line[y], line[z]], axis=1)
        return scores, shifts


def _half_ball(radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the frequencies (P, 3) of half a ball from the second shell on, ordered by shell, and their shells."""
    line = np.arange(-radius, radius + 1)
    z, y, x = (part.ravel() for part in np.meshgrid(line, line, np.arange(radius + 1), indexing="ij"))
    shell = np.floor(np.sqrt(x**2 + y**2 + z**2) + 0.5).astype(np.int64)
    half = (x > 0) | (y > 0) | ((y == 0) & (z > 0))
    keep = half & (shell >= FIRST_SHELL) & (x**2 + y**2 + z**2 <= radius**2)
    order = np.argsort(shell[keep], kind="stable")
    points = np.stack([x[keep], y[keep], z[keep]], axis=1)[order].astype(np.float64)
    return points, shell[keep][order]
