"""What an iteration of a 2D classification holds, in bytes: counted from its grids, before any of it is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from relionlab.engine.classify2d.expectation import BATCH
from relionlab.engine.classify2d.state import Search
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PADDING, PolarGrid

_COMPLEX, _REAL, _DOUBLE = 8, 4, 8
_IMAGES = 16  # of each particle: as read, moved and masked, and their padded transform with what makes it
_SPECTRA = 3  # rows of harmonics: those of the images, the expected ones, and what is about to be added


@dataclass(frozen=True)
class Needs:
    """What is counted.

    grid     polar grid of the iteration
    classes  number of class averages
    search   of the iteration
    """

    grid: PolarGrid
    classes: int
    search: Search

    @property
    def references(self) -> int:
        """The class averages at every offset, and their squares."""
        return self.classes * (self._packed * self._offsets + self._even * self.grid.radius) * _COMPLEX

    @property
    def making(self) -> int:
        """What making them takes for a moment: the padded transform of all averages."""
        return _SPECTRA * self.classes * self._padded * _REAL

    @property
    def sums(self) -> int:
        """Numerators and weights of all averages, in double precision."""
        return self.classes * self._samples * 3 * _DOUBLE

    @property
    def worker(self) -> int:
        """What one worker holds at its peak: what it collects, its sums, and a batch, or what undoes a class's offsets."""
        return self.references + self.sums + max(self._images, self._compared, self._undone)

    @property
    def model(self) -> int:
        """The class averages of this iteration and of the next."""
        return 2 * self.classes * self.grid.box**2 * _REAL

    @property
    def solving(self) -> int:
        """What turning sums into averages takes beside them: padded planes, their transforms, and the real parts of these."""
        planes = self._padded * (2 * _DOUBLE * (2 + self.grid.radius / self.grid.box) + _DOUBLE)
        return int(self.classes * (planes + 3 * self._samples * 2 * _DOUBLE))

    @property
    def _images(self) -> int:
        return BATCH * _IMAGES * self.grid.box**2 * _REAL

    @property
    def _compared(self) -> int:
        """A batch's log-likelihoods of all poses, those of a class once more, and spectra."""
        rows, angles = self._turns.rows, self.search.n_psi
        table = (self.classes + 1) * angles * self._offsets * _REAL
        spectra = _SPECTRA * (rows * self._offsets + self._packed) * _COMPLEX
        seen = self._samples * (_COMPLEX + _REAL) + 2 * self._even * self.grid.radius * _COMPLEX
        return BATCH * (table + spectra + seen)

    @property
    def _undone(self) -> int:
        """What was collected for a class: as rows, unfolded, and as samples that are transformed and moved."""
        unfolded = self.grid.radius * (self.grid.harmonics + 1)
        return self._offsets * (2 * self._packed + unfolded + 5 * self._samples) * _COMPLEX

    @cached_property
    def _turns(self) -> Turns:
        return Turns(self.grid, self.search.n_psi)

    @cached_property
    def _offsets(self) -> int:
        return len(self.search.offsets())

    @property
    def _packed(self) -> int:
        return self._turns.rows * self._turns.width

    @property
    def _even(self) -> int:
        return self.grid.harmonics // 2 + 1

    @property
    def _samples(self) -> int:
        return self.grid.radius * (self.grid.n_angles // 2)

    @property
    def _padded(self) -> int:
        return (PADDING * self.grid.box) ** 2
