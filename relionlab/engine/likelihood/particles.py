"""What is known of the particles of a classification or refinement, and how their images are looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from relionlab.engine.aberrations import NONE, Aberrations
from relionlab.engine.ctf import Optics

Loader = Callable[[np.ndarray], np.ndarray]
"""Returns the images of the particles at these indices, (n, box, box) float32; the engine opens no file."""


@dataclass(frozen=True)
class Particles:
    """One row per particle; all arrays have the same length.

    group, optics_group  index of the particle's noise group and of its optics group
    defocus_u, defocus_v Å, underfocus positive; defocus_angle, phase_shift in degrees
    rot, tilt, psi       degrees, RELION's signs; a 2D classification knows psi alone
    origin               (n, 2) x and y in Å: the shift that centres the particle
    class_index          0-based class
    half                 half-set, 1 or 2; 0: none
    norm                 norm correction: the image is divided by it (and multiplied by the model's mean)
    log_likelihood, best_weight, significant  what the last E-step found
    prior                (n, 3) degrees: rot, tilt and psi around which is searched instead of the last ones; NaN where they
                         are not known, ``None`` where none is
    """

    group: np.ndarray
    optics_group: np.ndarray
    defocus_u: np.ndarray
    defocus_v: np.ndarray
    defocus_angle: np.ndarray
    phase_shift: np.ndarray
    bfactor: np.ndarray
    ctf_scale: np.ndarray
    rot: np.ndarray
    tilt: np.ndarray
    psi: np.ndarray
    origin: np.ndarray
    class_index: np.ndarray
    half: np.ndarray
    norm: np.ndarray
    log_likelihood: np.ndarray
    best_weight: np.ndarray
    significant: np.ndarray
    prior: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.group)

    def rows(self, indices: np.ndarray) -> Self:
        """Return these particles only."""
        return replace(self, **{name: column[indices] for name, column in self._columns().items()})

    def expected_angles(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rot, tilt and psi (n,) around which is searched."""
        last = (self.rot, self.tilt, self.psi)
        if self.prior is None:
            return last
        rot, tilt, psi = np.where(np.isfinite(self.prior), self.prior, np.stack(last, axis=1)).T
        return rot, tilt, psi

    def _columns(self) -> dict[str, np.ndarray]:
        every = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: column for name, column in every.items() if column is not None}

    def with_rows(self, indices: np.ndarray, other: Self) -> Self:
        """Return all particles, those of ``indices`` as they are in ``other``."""
        columns = {name: np.array(column) for name, column in self._columns().items()}
        for name, column in columns.items():
            column[indices] = getattr(other, name)
        return replace(self, **columns)

    def posed(self, found: Mapping[str, np.ndarray], *, pixel_size: float, norm: bool) -> Self:
        """Return the particles as an E-step found them.

        found       (n,) each: class, those of rot, tilt and psi that were searched, origin x and y in px, log_likelihood,
                    best_weight, significant, and chi2 per Fourier pixel
        pixel_size  Å per px of these origins
        norm        correct the norms by chi2
        """
        angles = {
            name: np.round((found[name] + 180) % 360 - 180, 6) for name in ("rot", "tilt", "psi") if name in found
        }
        corrected = np.clip(self.norm * np.sqrt(found["chi2"]), 0.2, 5.0) if norm else self.norm
        return replace(
            self,
            **angles,
            class_index=found["class"].astype(np.int64),
            origin=np.round(np.stack([found["x"], found["y"]], axis=1) * pixel_size, 6),
            norm=np.round(corrected, 9),
            log_likelihood=np.round(found["log_likelihood"], 6),
            best_weight=np.round(found["best_weight"], 6),
            significant=found["significant"].astype(np.int64),
        )


@dataclass(frozen=True)
class OpticsGroup:
    """The optics and the image format that particles share.

    optics      voltage, spherical aberration, amplitude contrast and pixel size of the images
    box         box size of the images in px
    aberrations beyond the CTF's own; by default none
    """

    optics: Optics
    box: int
    aberrations: Aberrations = NONE


@dataclass(frozen=True)
class Imaging:
    """How images are looked at: mask and CTF.

    diameter, edge   Å and px of the soft circular mask
    zero_mask        fill the outside with zeros; otherwise with noise
    use_ctf …        how the CTF enters; see engine/ctf.py
    seed             of the noise that fills the outside
    """

    diameter: float = 200.0
    edge: float = 5.0
    zero_mask: bool = True
    use_ctf: bool = True
    phase_flipped: bool = False
    only_flip_phases: bool = False
    intact_first_peak: bool = False
    seed: int = 0
