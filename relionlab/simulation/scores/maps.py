"""How good maps and poses are where the molecule and the particles' poses are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.axes.placing import Placed, place_on
from relionlab.engine.maps import fsc
from relionlab.engine.maps.masks import extended, soft_edged
from relionlab.engine.rotations import angle_between, matrix_from_euler
from relionlab.engine.symmetry import point_group
from relionlab.io.images import read_map
from relionlab.io.table import Table

_FEWEST_SHELLS = 5  # that tell a slope
_DAMPED = 0.95  # of the Nyquist frequency: beyond, shrinking the boxes has damped the amplitudes
_EXTEND, _EDGE = 3.0, 6.0  # px of the mask around the true molecule
_DENSE = 0.15  # of the true molecule's maximum
_SHAPE = 20.0  # Å: coarser than this, amplitudes are the particle's shape and hold no falloff
HALF = 0.5
"""Correlation with the truth, which has no noise, at which a map is half signal; as two half-maps at 0.143 (Rosenthal &
Henderson 2003).
"""


@dataclass(frozen=True, eq=False)
class MapTruth:
    """How a map compares with the true molecule, once it lies on it.

    placed      rotation, shift and hand that bring it there
    frequency   (shells,) 1/Å
    correlation (shells,) Fourier shell correlation with the molecule within a soft mask around it
    resolution  Å where that falls below 0.5
    finest      whether it never does, so that the pixels are the limit
    """

    placed: Placed
    frequency: np.ndarray
    correlation: np.ndarray
    resolution: float
    finest: bool

    @property
    def overall(self) -> float:
        """Mean correlation of the shells up to the resolution."""
        reached = max(int(np.searchsorted(self.frequency, 1 / self.resolution)), 2)
        return float(self.correlation[1:reached].mean())


@dataclass(frozen=True, eq=False)
class PoseTruth:
    """How far particles' poses are off, once the map lies on the truth.

    angles  (n,) ° between found and true pose, the nearest of the symmetry's equivalents
    random  ° that poses without meaning would have, the median
    """

    angles: np.ndarray
    random: float

    @property
    def median(self) -> float:
        """Of the angles; nan where there are no particles."""
        return float(np.median(self.angles)) if len(self.angles) else float("nan")


def truth_at_scale(truth: Path, *, box: int, pixel_size: float) -> np.ndarray:
    """Return the true molecule's map (box, box, box) in px of this size (Å)."""
    from relionlab.simulation.structures import rescaled

    volume, own = read_map(truth)
    return rescaled(volume, (own or pixel_size) / pixel_size, box)


def compare_map(map_: Path, truth: Path, *, placed: Placed | None = None) -> MapTruth:
    """Bring a map onto the true molecule, in whichever hand fits better, and correlate them shell by shell.

    placed  how it lies there, where that is known from another map in the same frame
    """
    volume, pixel_size = read_map(map_)
    pixel_size = pixel_size or 1.0
    n = volume.shape[-1]
    target = truth_at_scale(truth, box=n, pixel_size=pixel_size)
    placed = place_on(volume, target) if placed is None else placed
    mask = soft_edged(extended(target > _DENSE * target.max(), _EXTEND), _EDGE)
    moved = fsc.transform(placed.applied(volume) * mask), fsc.transform(target * mask)
    curve = fsc.fourier_shell_correlation(*moved, n)
    frequency = np.arange(len(curve)) / (n * pixel_size)
    shell = fsc.resolution_shell(curve, HALF)
    return MapTruth(placed, frequency, curve, n * pixel_size / max(shell, 1), shell == len(curve) - 1)


def true_b_factor(halves: tuple[Path, Path], mask: Path, truth: Path, *, resolution: float) -> float:
    """Return the B-factor in Å² that would give a map the true molecule's amplitudes from 20 Å to a resolution (Å); nan where
    too few shells lie between.

    halves  unfiltered half-maps: what they have in common within the mask is signal, without the noise's amplitudes
    """
    (first, pixel_size), (second, _), (within, _) = (read_map(path) for path in (*halves, mask))
    pixel_size = pixel_size or 1.0
    n = first.shape[-1]
    one, other = (fsc.transform(half * within) for half in (first, second))
    molecule = fsc.transform(truth_at_scale(truth, box=n, pixel_size=pixel_size))
    common = fsc.shell_average((one * other.conj()).real, n)
    true = fsc.shell_average(np.abs(molecule) ** 2, n)
    frequency = np.arange(len(common)) / (n * pixel_size)
    last = min(1 / resolution, _DAMPED / (2 * pixel_size))
    used = (frequency >= 1 / _SHAPE) & (frequency <= last) & (common > 0) & (true > 0)
    if used.sum() < _FEWEST_SHELLS:
        return float("nan")
    slope = np.polyfit(frequency[used] ** 2, 0.5 * np.log(common[used] / true[used]), 1)[0]
    return float(4 * slope)


def compare_poses(found: Table, true: Table, placed: Placed, *, symmetry: str) -> PoseTruth:
    """Return how far the angles of particles are off; rows of both tables belong together.

    placed  how the map that the angles belong to lies on the truth
    """
    poses, known = (
        matrix_from_euler(*(table.numbers(f"rlnAngle{name}") for name in ("Rot", "Tilt", "Psi")))
        for table in (found, true)
    )
    operations = point_group(symmetry).rotations
    random = np.random.default_rng(0).permutation(len(known))
    angles = _nearest(placed.poses(poses), known, operations)
    chance = _nearest(placed.poses(poses), known[random], operations)
    return PoseTruth(angles, float(np.median(chance)) if len(chance) else float("nan"))


def _nearest(found: np.ndarray, true: np.ndarray, operations: np.ndarray) -> np.ndarray:
    every = np.stack([angle_between(found, true @ operation) for operation in operations])
    return np.asarray(every.min(axis=0))
