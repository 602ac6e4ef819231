"""What AutoPick is asked for, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from relionlab.engine.picking import BlobSearch
from relionlab.jobs.micrographs.each import EVERYTHING, Choice


@dataclass(frozen=True, kw_only=True)
class Picking:
    """What is to be picked and how: the values of the program's flags. Lengths in Å, ``None`` where nothing is said.

    bright     the micrographs' particles have the sign of the references (of bright blobs)
    threshold  least figure of merit; with blobs: by how much the default one is moved
    """

    micrographs: str
    output: str
    pickname: str = "autopick"
    pixel_size: float | None = None
    blobs: BlobSearch | None = None
    ref: str = ""
    angpix_ref: float | None = None
    particle_diameter: float | None = None
    healpix_order: int = 1
    symmetry: str = "C1"
    psi_step: float = 10.0
    shrink_mask: float = 2.0
    lowpass: float | None = None
    highpass: float | None = None
    bright: bool = False
    ctf: bool = False
    intact_first_peak: bool = False
    shrink: float = 0.0
    exact_scale: bool = False
    outliers: float = 8.0
    skip_side: float = 0.0
    threshold: float = 0.25
    upper: float | None = None
    neighbour: float = 0.75
    min_distance: float | None = None
    max_stddev: float | None = None
    min_average: float | None = None
    write_maps: bool = False
    read_maps: bool = False
    unlimited_maps: bool = False
    choice: Choice = EVERYTHING
    workers: int = 0
