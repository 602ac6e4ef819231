"""What an E-step of a 3D refinement holds, in bytes: counted from its grids, before any of it is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PADDING as IMAGE_PADDING
from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.candidates import TILE
from relionlab.engine.refine3d.coarse import BATCH
from relionlab.engine.refine3d.expectation import BLOCK, INSERTED_AT_ONCE
from relionlab.engine.refine3d.fine import TABLE
from relionlab.engine.refine3d.grids import coarse_grid, coarse_offsets, fine_grid, sampling_of
from relionlab.engine.refine3d.state import Search
from relionlab.engine.refine3d.tables import Room, bytes_of_view
from relionlab.engine.sampling import Sampling
from relionlab.engine.sampling.local import CUT_OFF
from relionlab.engine.volume import KAISER_BESSEL, LINEAR, Lattice

_COMPLEX, _REAL, _DOUBLE = 8, 4, 8
_CHANNELS = 3  # of the sums of a map
_RADII = 8  # maps: the one that is made, the distances of its voxels in double precision, and the mask that follows
_DIRECTIONS, _ANGLES, _OFFSETS = 4, 2, 4  # of the coarse grid, between which a particle lies that was found
_HARMONICS = 8  # of a squared modulus: six, and what a usual astigmatism adds


@dataclass(frozen=True)
class Needs:
    """What is counted.

    box, pixel_size, radius  of the references: px, Å, outermost shell
    found  the coarse pass finds where each particle lies: between a few grid points; otherwise it may lie anywhere
    """

    box: int
    pixel_size: float
    radius: int
    classes: int
    search: Search
    room: Room
    found: bool = False

    @property
    def tables(self) -> int:
        """The views of both passes as far as they are held, and the maps that they are slices of."""
        fine = self._fine_views * self._fine_bytes if self.fine_held else 0
        coarse_views = self.classes * len(self._sampling)
        coarse_held = coarse_views * self._coarse_bytes <= self.room.held
        coarse = coarse_views * self._coarse_bytes if coarse_held else 0
        if self.search.widths is None:  # once more, laid out for products
            coarse += coarse_views * self._coarse_bytes
        kinds = {KAISER_BESSEL if held else LINEAR for held in (self.fine_held, coarse_held)}
        maps = sum(Lattice(self.box, self._grid.radius, taps=taps).voxels for taps in kinds) * 2 * _REAL
        phases = self._slots * self._samples(self._grid) + len(self._coarse_offsets) * self._samples(self._few)
        return fine + coarse + self.classes * maps + phases * _COMPLEX

    @property
    def sums(self) -> int:
        """What one pass adds up for all maps, in single precision."""
        return self.classes * self._lattice.voxels * _CHANNELS * _REAL

    @property
    def worker(self) -> int:
        """What one worker holds at its peak beside its sums: the fine pass of a particle that may be anywhere."""
        collected = self._fine_views * self._fine_bytes if self.fine_held else self._views_of_block
        coarse = 0 if self.search.widths is not None else len(self._sampling) * self.classes * self._sampling.n_psi
        tops = coarse * (BATCH * _REAL + 4 * _DOUBLE) + self._band  # and what sorting one particle's takes
        return collected + max(self._images + tops, self._seen + tops + self._posterior, self._inserted)

    @property
    def making(self) -> int:
        """What making a map's transform takes for a moment."""
        return bytes_of_making(Lattice(self.box, self._grid.radius, taps=KAISER_BESSEL))

    def solving(self, *, double: bool) -> int:
        """What turning the sums of one map into a map takes beside them.

        double  they are in double precision: of more than one shard
        """
        lattice, each = self._lattice, _DOUBLE if double else _REAL
        completed = _CHANNELS * lattice.voxels * each
        # the operations of a group sum into a second copy; later weights and their smoothing go beside the first
        turned = completed if sampling_of(self.search).group.order > 1 else 0
        compensated = 4 * lattice.voxels * _REAL
        line = 2 * self.box * lattice.shape[1] * lattice.shape[2] * _COMPLEX  # padded along one axis
        transformed = 2 * lattice.voxels * _REAL + 2 * line + self.box**3 * _REAL
        corners = _RADII * self.box**3 * _REAL
        return max(completed + max(turned, compensated), transformed, corners)

    @property
    def masking(self) -> int:
        """What masking a map takes beside the maps: sphere and ring, and the distances of voxels in double precision."""
        return self.box**3 * (2 * _REAL + _DOUBLE)

    @property
    def fine_held(self) -> bool:
        """Whether the fine pass makes all of its views beforehand."""
        return self._fine_views * self._fine_bytes <= self.room.held

    # --- one worker ---------------------------------------------------------------------------------------------

    @property
    def _block(self) -> int:
        return BATCH if self.search.widths is None else BLOCK

    @property
    def _views_of_block(self) -> int:
        """Views that a block's particles share, and what is collected for them."""
        most = min(self._fine_views, self._block * self._candidates * self._parts**2)
        return int(min(2 * most * self._fine_bytes, max(self.room.held, 2 * self._fine_bytes)))

    @property
    def _images(self) -> int:
        """A block of images, masked, and their padded transforms."""
        padded = (IMAGE_PADDING * self.box) ** 2
        return self._block * (5 * self.box**2 + 3 * padded) * _REAL

    @property
    def _seen(self) -> int:
        """A block of particles on the polar grid."""
        return 2 * self._block * self._samples(self._grid) * _COMPLEX

    @property
    def _posterior(self) -> int:
        """The log-likelihoods of one particle's poses, and its spectra at all offsets."""
        angles = self._sampling.n_psi * self._parts
        if self.search.widths is not None and self.search.widths.psi:  # tiles around the last pose
            angles = min(int(2 * CUT_OFF * self.search.widths.psi / self._sampling.psi_step + 5) * self._parts, angles)
        slots = self._slots
        if self.found:
            angles, slots = min(_ANGLES * TILE * self._parts, angles), min(_OFFSETS * self._parts**2, slots)
        entries = min(self._fine_views, self._candidates * self._parts**2)
        poses = min(entries * angles * slots, self.room.poses)
        spectra = 2 * self._turns.rows * self._turns.width + self._samples(self._grid) * 2
        return poses * _REAL + slots * spectra * _COMPLEX + 6 * TABLE * _REAL

    @property
    def _band(self) -> int:
        """The coarse pass of one particle of which an angle is free: views turned to it, and log-likelihoods."""
        widths, few, slots = self.search.widths, self._few, len(self._coarse_offsets)
        if widths is None or widths.direction:  # a few views alone
            return 0
        turns = Turns(few, self._sampling.n_psi)
        each = turns.rows * (turns.width * _COMPLEX + 2 * slots * _REAL) + turns.count * slots * _REAL
        return int(self._candidates * (each + few.harmonics * few.radius * _COMPLEX))

    @property
    def _inserted(self) -> int:
        """Slices on their way into the sums."""
        return INSERTED_AT_ONCE * self._samples(self._grid) * (5 * _COMPLEX + 5 * _REAL)

    @property
    def _candidates(self) -> int:
        """Coarse views of one particle, at the most: all, or those around its last pose, or around the one found."""
        every = int(self.classes * len(self._sampling))
        if self.found:
            return min(_DIRECTIONS, every)
        if self.search.widths is None:
            return every
        around = int(self.search.widths.share * 12 * 4**self._sampling.order) + 1
        return min(self.classes * around, every)

    # --- grids --------------------------------------------------------------------------------------------------

    @cached_property
    def _sampling(self) -> Sampling:
        return sampling_of(self.search)

    @property
    def _parts(self) -> int:
        return int(2**self.search.oversampling)

    @cached_property
    def _grid(self) -> PolarGrid:
        return fine_grid(self, self.search)

    @cached_property
    def _few(self) -> PolarGrid:
        return coarse_grid(self, self.search)

    @cached_property
    def _lattice(self) -> Lattice:
        return Lattice(self.box, self._grid.radius)

    @cached_property
    def _turns(self) -> Turns:
        return Turns(self._grid, self._sampling.n_psi * self._parts)

    @cached_property
    def _coarse_offsets(self) -> np.ndarray:
        return coarse_offsets(self.search)

    @property
    def _slots(self) -> int:
        return len(self._coarse_offsets) * self._parts**2

    @property
    def _fine_views(self) -> int:
        return self.classes * len(self._sampling) * self._parts**2

    @property
    def _fine_bytes(self) -> int:
        return bytes_of_view(self._grid, self._turns, min(self._grid.harmonics // 2 + 1, _HARMONICS))

    @property
    def _coarse_bytes(self) -> int:
        few = self._few
        return bytes_of_view(few, Turns(few, self._sampling.n_psi), min(few.harmonics // 2 + 1, _HARMONICS))

    @staticmethod
    def _samples(grid: PolarGrid) -> int:
        return grid.radius * (grid.n_angles // 2)


def bytes_of_making(lattice: Lattice) -> int:
    """Return what :func:`~relionlab.engine.volume.volume_of` holds: the map is padded and cut along axis after axis."""
    n, padded, (side, _, width) = lattice.n, lattice.padded, lattice.shape
    along_x = n**2 * (n + padded) * _REAL + n**2 * padded // 2 * _COMPLEX
    along_y = n * (n + padded + side) * width * _COMPLEX
    along_z = side * (max(n, side) + padded) * width * _COMPLEX
    return max(along_x, along_y, along_z)
