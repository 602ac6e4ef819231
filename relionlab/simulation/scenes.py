"""From truth to images: what lies in the box, what the microscope makes of it, and the noise."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.fft

from relionlab.engine.ctf import ctf_images
from relionlab.engine.fourier import frequencies, irfft2_centred, rfft2_centred
from relionlab.engine.masks import radius_grid
from relionlab.engine.normalise import normalise
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import matrix_from_euler, random_rotations
from relionlab.io.table import Table
from relionlab.simulation.conditions import Simulation

SAMPLE = 256
"""Number of particles from which signal and noise are measured to meet the SNR."""


class Scenes:
    """Makes the images of any particles of a truth table; each depends on the seed and its own row only.

    maps      conformations (box, box, box)
    truth     one row per particle (draw_truth)
    diameter  of the particle in Å
    """

    def __init__(self, maps: list[np.ndarray], truth: Table, simulation: Simulation, diameter: float) -> None:
        self._projectors = [Projector.of_map(map_) for map_ in maps]
        self._truth, self._simulation = truth, simulation
        self._radius_px = diameter / 2 / simulation.pixel_size
        self._wide = 2 * scipy.fft.next_fast_len(3 * simulation.box // 4)
        self.batch = int(np.clip(2**21 // self._wide**2, 4, 256))

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return the finished images (N, box, box), float32, of these rows of the truth."""
        streams = [np.random.default_rng([self._simulation.seed, 1, int(row)]) for row in rows]
        wide = self.scale * self._signal(rows, streams) + self._noise(rows, streams)
        return normalise(self._cut(wide), background_radius=min(self._radius_px, 0.48 * self._simulation.box))

    @cached_property
    def scale(self) -> float:
        """Factor of the signal that gives the SNR asked for."""
        kinds = self._truth["rlnClassNumber"]
        whole = np.flatnonzero((kinds <= len(self._projectors)) & (self._truth["relionlabNeighbour"] == "0"))
        if not len(whole):  # nothing but junk and neighbours: measure on any
            whole = np.arange(len(kinds))
        rows = whole[:SAMPLE]
        signal, noise = self._measured(rows)
        return float(np.sqrt(self._simulation.snr * noise / signal))

    def _measured(self, rows: np.ndarray) -> tuple[float, float]:
        """Return the variances of signal, inside the particle's circle, and of noise."""
        inside = radius_grid(self._simulation.box) <= self._radius_px
        values, sums = [], []
        for start in range(0, len(rows), self.batch):
            some = rows[start : start + self.batch]
            streams = [np.random.default_rng([self._simulation.seed, 1, int(row)]) for row in some]
            values.append(self._cut(self._signal(some, streams))[:, inside].ravel())
            sums.append(self._cut(self._noise(some, streams)).ravel())
        return float(np.var(np.concatenate(values), dtype=np.float64)), float(
            np.var(np.concatenate(sums), dtype=np.float64)
        )

    # --- what lies in the box ---

    def _signal(self, rows: np.ndarray, streams: list[np.random.Generator]) -> np.ndarray:
        """Return particles, neighbours and junk as the microscope shows them, without noise: (N, wide, wide)."""
        scene = np.zeros((len(rows), self._wide, self._wide), np.float32)
        edge = (self._wide - self._simulation.box) // 2
        middle = slice(edge, edge + self._simulation.box)
        kinds = self._truth["rlnClassNumber"][rows]
        for number, projector in enumerate(self._projectors):
            chosen = np.flatnonzero(kinds == number + 1)
            if len(chosen):
                scene[chosen, middle, middle] = self._particles(rows[chosen], projector)
        for place in np.flatnonzero(self._truth["relionlabNeighbour"][rows] == "1"):
            self._add_neighbour(scene[place], self._projectors[kinds[place] - 1], streams[place])
        for place in np.flatnonzero(kinds > len(self._projectors)):
            self._add_junk(scene[place], streams[place])
        return irfft2_centred(rfft2_centred(scene) * self._ctf(rows), self._wide)

    def _particles(self, rows: np.ndarray, projector: Projector) -> np.ndarray:
        angles = (self._truth[f"rlnAngle{name}"][rows] for name in ("Rot", "Tilt", "Psi"))
        origins = np.stack([self._truth[f"rlnOrigin{axis}Angst"][rows] for axis in "XY"], axis=1)
        return projector.images(matrix_from_euler(*angles), shifts_px=-origins / self._simulation.pixel_size)

    def _add_neighbour(self, scene: np.ndarray, projector: Projector, rng: np.random.Generator) -> None:
        """Put another particle 0.75 to 1.25 diameters away."""
        image = projector.images(random_rotations(rng, 1))[0]
        distance, towards = 2 * self._radius_px * rng.uniform(0.75, 1.25), rng.uniform(0, 2 * np.pi)
        _paste(scene, image, int(distance * np.sin(towards)), int(distance * np.cos(towards)))

    def _add_junk(self, scene: np.ndarray, rng: np.random.Generator) -> None:
        """Leave the box empty, or fill it with a clump of blobs of about a particle's contrast."""
        if rng.uniform() < 0.5:
            return
        count = rng.integers(5, 25)
        line = np.arange(self._wide) - self._wide // 2
        centres = rng.normal(0, 0.4 * self._radius_px, (count, 2))
        widths = self._radius_px * rng.uniform(0.05, 0.3, count)
        y, x = (np.exp(-((line - centres[:, axis, None]) ** 2) / (2 * widths[:, None] ** 2)) for axis in (0, 1))
        clump = np.einsum("k,ky,kx->yx", rng.uniform(0.3, 1.0, count), y, x)
        scene += (clump / clump.max() * self._brightest * rng.uniform(0.7, 1.6)).astype(np.float32)

    @cached_property
    def _brightest(self) -> float:
        return float(self._projectors[0].images(np.eye(3)[None]).max())

    # --- microscope and noise ---

    def _ctf(self, rows: np.ndarray) -> np.ndarray:
        return ctf_images(
            self._wide,
            optics=self._simulation.optics,
            defocus_u=self._truth["rlnDefocusU"][rows],
            defocus_v=self._truth["rlnDefocusV"][rows],
            defocus_angle=self._truth["rlnDefocusAngle"][rows],
            bfactor=self._simulation.envelope_bfactor,
        )

    def _noise(self, rows: np.ndarray, streams: list[np.random.Generator]) -> np.ndarray:
        """Return noise of variance about 1: white from counting electrons, coloured and with CTF from the ice."""
        shape = (self._wide, self._wide)
        white = np.stack([rng.standard_normal(shape, dtype=np.float32) for rng in streams])
        if self._simulation.ice == 0:
            return white
        ice = np.stack([rng.standard_normal(shape, dtype=np.float32) for rng in streams])
        ice = irfft2_centred(rfft2_centred(ice) * self._ctf(rows) * self._ice_amplitude, self._wide)
        return np.float32(np.sqrt(1 - self._simulation.ice)) * white + np.float32(np.sqrt(self._simulation.ice)) * ice

    @cached_property
    def _ice_amplitude(self) -> np.ndarray:
        """Return the ice's amplitude: power falling as 1/(1 + (k × 50 Å)²), a floor, scaled for a mean CTF² of 1/2."""
        x, y = frequencies(self._wide, self._simulation.pixel_size)
        power = 1 / (1 + (x**2 + y**2) * 50**2) + 0.1
        return np.sqrt(2 * power / power.mean()).astype(np.float32)

    def _cut(self, wide: np.ndarray) -> np.ndarray:
        edge = (self._wide - self._simulation.box) // 2
        return wide[:, edge : edge + self._simulation.box, edge : edge + self._simulation.box]


def _paste(scene: np.ndarray, image: np.ndarray, down: int, right: int) -> None:
    """Add an image to a scene, its centre moved from the scene's centre; what falls outside is lost."""
    rows, columns = (_overlap(scene.shape[axis], image.shape[axis], move) for axis, move in ((0, down), (1, right)))
    scene[rows[0], columns[0]] += image[rows[1], columns[1]]


def _overlap(size: int, length: int, move: int) -> tuple[slice, slice]:
    start = size // 2 - length // 2 + move
    low, high = max(start, 0), max(min(start + length, size), 0)
    return slice(low, max(high, low)), slice(low - start, max(high, low) - start)
