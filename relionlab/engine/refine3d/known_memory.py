"""What an E-step in known poses holds, in bytes: counted before any of it is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.refine3d.fixed import BLOCK
from relionlab.engine.refine3d.grids import fine_offsets
from relionlab.engine.refine3d.memory import Needs, bytes_of_making
from relionlab.engine.refine3d.state import Search
from relionlab.engine.refine3d.tables import AMPLE
from relionlab.engine.volume import Lattice

_COMPLEX, _REAL, _DOUBLE = 8, 4, 8


@dataclass(frozen=True)
class KnownNeeds:
    """What is counted; the fields are those of :class:`~relionlab.engine.refine3d.memory.Needs`.

    shard  particles that a worker gets at once
    """

    box: int
    pixel_size: float
    radius: int
    classes: int
    search: Search
    shard: int = BLOCK

    @property
    def picture(self) -> int:
        """One particle on Fourier pixels: transform, CTF, power."""
        return int(self._pixels * (_COMPLEX + _REAL) + (self.box // 2 + 1) * _DOUBLE)

    @property
    def tables(self) -> int:
        """The maps' transforms."""
        return self.classes * self._lattice.voxels * 2 * _REAL

    @property
    def making(self) -> int:
        """What making them takes for a moment: the last one, and all of them before they are stacked."""
        return max(bytes_of_making(self._lattice), self.tables)

    @property
    def sums(self) -> int:
        """What one pass adds up for all maps, in single precision."""
        return self._searched.sums

    @property
    def worker(self) -> int:
        """A block of images as read and masked, their transforms in double precision, and what is made of these."""
        images = self.box**2 * (2 * _REAL + 2 * _DOUBLE)
        transforms = self.box**2 * _DOUBLE
        phases = self._pixels * 2 * _DOUBLE
        block, moved = min(self.shard, BLOCK), 0.0
        if self.search.align:  # the offsets' phases, each class's pictures as they are moved, the posterior
            slots = len(fine_offsets(self.search).reshape(-1, 2))
            moved = slots * self._pixels * 2 * _COMPLEX
            moved += block * self.classes * (self._pixels * _COMPLEX + 3 * slots * _DOUBLE)
        return int(block * (images + transforms + phases + 2 * self.picture) + moved)

    def solving(self, *, double: bool) -> int:
        """What turning the sums of one map into a map takes beside them."""
        return self._searched.solving(double=double)

    @property
    def masking(self) -> int:
        """What masking a map takes beside the maps."""
        return self._searched.masking

    @property
    def _searched(self) -> Needs:
        return Needs(self.box, self.pixel_size, self.radius, self.classes, self.search, AMPLE)

    @property
    def _lattice(self) -> Lattice:
        return Lattice(self.box, min(self.radius, self.box // 2 - 1))

    @property
    def _pixels(self) -> float:
        return np.pi / 2 * (self.box / 2 - 0.5) ** 2
