"""The pass over particles that puts them into Fourier space."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from relionlab.engine.fourier import rfft2_centred, shift_phases
from relionlab.engine.projection import Projector
from relionlab.engine.volume import FourierSums, Lattice
from relionlab.io.image_reader import ImageReader
from relionlab.io.particles import Particles
from relionlab.jobs.particles.aberrations import antisymmetric_phase
from relionlab.jobs.particles.ctfs import CtfTreatment, ctf_of_rows

_AT_ONCE = 2**21  # pixels of one batch


@dataclass
class Inserted:
    """What a shard adds up to.

    sums  in Fourier space
    bad   rows whose images hold NaN or infinite pixels; they are left out
    """

    sums: FourierSums
    bad: list[int] = field(default_factory=list)


@dataclass(kw_only=True)
class BackProjection:
    """A Step: images, multiplied by their CTF, are added to the planes of their poses.

    particles    the list
    rotations    (N, 3, 3), an anisotropic magnification included
    origins_px   (N, 2) in px of the images
    weights      (N,) of each particle
    lattice      of the map
    pixel_size   of the map in Å
    directory    to which image names are relative
    treatment    of the CTF; None: no CTF
    multiplied   (N,) whether the images were multiplied by their CTF already
    subtract     a map whose projections are subtracted first, or None
    """

    particles: Particles
    rotations: np.ndarray
    origins_px: np.ndarray
    weights: np.ndarray
    lattice: Lattice
    pixel_size: float
    directory: str
    treatment: CtfTreatment | None
    multiplied: np.ndarray
    subtract: np.ndarray | None = None
    _projector: Projector | None = None

    def prepare(self) -> None:
        """Transform the map that is to be subtracted."""
        if self.subtract is not None and self._projector is None:
            self._projector = Projector.of_map(self.subtract)

    def process(self, indices: np.ndarray) -> Inserted:
        """Return the sums of these particles."""
        result = Inserted(FourierSums.zeros(self.lattice))
        groups = self.particles.group_rows[indices]
        for group in np.unique(groups):
            rows = indices[groups == group]
            reader = ImageReader(self.particles.particles["rlnImageName"][rows], self.directory)
            n = reader.shape[-1]
            step = max(1, _AT_ONCE // n**2)
            for start in range(0, len(rows), step):
                self._insert(result, rows[start : start + step], reader.read(slice(start, start + step)))
        return result

    def merge(self, first: Inserted, second: Inserted) -> Inserted:
        """Return the sum of two shards."""
        return Inserted(first.sums.merged(second.sums), first.bad + second.bad)

    def conclude(self, total: Inserted) -> Inserted:
        """Return the total."""
        return total

    def _insert(self, result: Inserted, rows: np.ndarray, images: np.ndarray) -> None:
        n = images.shape[-1]
        good = np.isfinite(images.reshape(len(images), -1).sum(axis=1, dtype=np.float64))
        result.bad += rows[~good].tolist()
        rows, images = rows[good], images[good]
        if not len(rows):
            return
        scale = self.lattice.n * self.pixel_size / (n * float(self.particles.row_pixel_sizes[rows[0]]))
        transforms = rfft2_centred(images)
        transforms *= shift_phases(n, self.origins_px[rows].astype(np.float32))
        turned = antisymmetric_phase(self.particles, int(self.particles.group_rows[rows[0]]), n)
        if turned is not None:
            transforms *= np.exp(-1j * turned).astype(np.complex64)
        weight = self.weights[rows].astype(np.float32)[:, None, None]
        if self.treatment is None:
            ctf = None
        else:
            ctf = ctf_of_rows(self.particles, rows, n, treatment=self.treatment)
        if self._projector is not None:
            slices = self._projector.slices(self.rotations[rows])
            transforms -= slices if ctf is None else slices * ctf
        if ctf is None:
            weights = np.broadcast_to(weight, transforms.shape)
        else:
            apart = ~self.multiplied[rows]
            transforms[apart] *= ctf[apart]
            weights = ctf**2 * weight
        if self.weights.min() != 1 or self.weights.max() != 1:
            transforms *= weight
        if scale != 1:  # transforms are divided by the number of pixels: take them to the map's box
            transforms *= np.float32(1 / scale**2)
        result.sums.insert_planes(transforms, weights, self.rotations[rows], scale=scale)
