"""What a pass over some particles adds up."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np

from relionlab.engine.volume import FourierSums, Lattice


@dataclass
class Sums:
    """Sums over particles; those of two sets of particles add up.

    maps         per class: numerators and weights in Fourier space, in the units of 1 / (2 sigma2)
    share        (class,) sum of weights
    directions   (class, D) the same per direction of the sampling
    residual     (group, n / 2 + 1) sum of the expected |X - s CTF A|² per shell
    members      (group,) number of particles
    cross, auto  (group, n / 2 + 1) sums of <X, s CTF A> and |s CTF A|² per shell, for the scale
    offset2      sum of the expected squared origins in px²
    indices, poses  per particle: its number, and rows of COLUMNS
    """

    maps: list[FourierSums]
    share: np.ndarray
    directions: np.ndarray
    residual: np.ndarray
    members: np.ndarray
    cross: np.ndarray
    auto: np.ndarray
    offset2: float = 0.0
    indices: list[np.ndarray] = field(default_factory=list)
    poses: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def zeros(cls, lattice: Lattice, *, classes: int, directions: int, groups: int, shells: int) -> Sums:
        """Return empty sums."""
        shape = (groups, shells)
        return cls(
            maps=[FourierSums.zeros(lattice) for _ in range(classes)],
            share=np.zeros(classes),
            directions=np.zeros((classes, directions)),
            residual=np.zeros(shape),
            members=np.zeros(groups, np.int64),
            cross=np.zeros(shape),
            auto=np.zeros(shape),
        )

    def merged(self, other: Sums) -> Sums:
        """Return the sum of both; may reuse this one's memory."""
        for item in fields(Sums):
            if item.name != "maps":
                setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))
        self.maps = [first.merged(second) for first, second in zip(self.maps, other.maps, strict=True)]
        return self

    def beside(self, other: Sums) -> Sums:
        """Return the sums of two passes over different particles, each with classes of its own, as of one with all of them."""
        moved = [poses + np.array([len(self.share), *[0] * (len(COLUMNS) - 1)]) for poses in other.poses]
        return replace(
            self,
            maps=[*self.maps, *other.maps],
            share=np.concatenate([self.share, other.share]),
            directions=np.concatenate([self.directions, other.directions]),
            residual=self.residual + other.residual,
            members=self.members + other.members,
            cross=self.cross + other.cross,
            auto=self.auto + other.auto,
            offset2=self.offset2 + other.offset2,
            indices=[*self.indices, *other.indices],
            poses=[*self.poses, *moved],
        )

    def in_order(self) -> Sums:
        """Sort the particles' poses by their numbers, into one array; return these sums."""
        indices, poses = np.concatenate(self.indices), np.concatenate(self.poses)
        order = np.argsort(indices)
        self.indices, self.poses = [indices[order]], [poses[order]]
        return self


COLUMNS = (
    "class",
    "rot",
    "tilt",
    "psi",
    "x",
    "y",
    "log_likelihood",
    "best_weight",
    "significant",
    "chi2",
)
"""Of a particle's pose: degrees, px of the references; chi² per Fourier pixel."""
