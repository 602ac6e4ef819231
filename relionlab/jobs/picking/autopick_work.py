"""What picking does with one micrograph and its files: scores, then picks.

The two stages are public, so that thresholds can be tuned on a few micrographs (jobs/picking/autopick_tuning.py) by the very
code that picks from all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from relionlab.engine.ctf import Optics, ctf
from relionlab.engine.picking import (
    Candidates,
    Edits,
    Frame,
    Picks,
    Scores,
    Templates,
    blob_scores,
    frame_for,
    place,
    template_scores,
)
from relionlab.engine.picking.blobs import blob_thresholds
from relionlab.engine.picking.frame import FEWEST_FINITE
from relionlab.engine.picking.templates import BLOB_NOISE, BLOB_SURROUND, BLOB_TYPICAL
from relionlab.errors import InputError
from relionlab.io.images import open_image, read_image
from relionlab.io.particles import Particles
from relionlab.jobs.context import Context
from relionlab.jobs.micrographs.listing import look_at_images, names_of
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick_input import DEFOCUS, check_ctf, read_list
from relionlab.jobs.picking.autopick_references import (
    GAUSS,
    ReferenceOptions,
    References,
    look_at_references,
    read_references,
)
from relionlab.jobs.picking.autopick_settings import PickingSettings
from relionlab.jobs.picking.picking import Picking

_FEWEST_PIXELS = 3  # across a particle: smaller ones are noise


@dataclass(frozen=True)
class PickingRun:
    """A picking with its micrographs and references read; plain values, so that it can go to other processes."""

    picking: Picking
    directory: Path
    micrographs: Particles
    references: References | None
    templates: Templates | None
    again: frozenset[int] = frozenset()
    """Numbers of micrographs whose picks are taken anew from their maps, though they are finished."""

    @cached_property
    def names(self) -> list[str]:
        """The micrographs' names."""
        return names_of(self.micrographs)

    def root(self, index: int) -> Path:
        """Return how the names of a micrograph's files begin."""
        return self.directory / pick_files.root_of(self.names[index], self.picking.output, self.picking.pickname)

    def picks_path(self, index: int) -> Path:
        """Return the place of a micrograph's coordinates."""
        root = self.root(index)
        return root.with_name(f"{root.name}.star")

    def scores(self, index: int) -> Scores:
        """Compute the maps of a micrograph, or read them if they are to be read; writes them if they are to be kept."""
        picking, root = self.picking, self.root(index)
        if picking.read_maps or index in self.again:
            return self._kept(index)
        micrograph = read_image(self.directory / self.names[index])
        frame = self._frame(index, micrograph.shape)
        self.check_size(index, micrograph.shape)
        spectrum = place(
            micrograph,
            frame,
            bright=picking.bright,
            lowpass=picking.lowpass,
            highpass=picking.highpass,
            outliers=picking.outliers,
        )
        transfer = self._transfer(index, frame) if picking.ctf else None
        if picking.blobs is not None:
            scores = blob_scores(spectrum, frame, picking.blobs, transfer=transfer, skip_side=picking.skip_side)
        elif self.templates is not None:
            scores = template_scores(
                spectrum,
                frame,
                self.templates,
                transfer=transfer,
                skip_side=picking.skip_side,
                one_reference=_writer(root) if picking.write_maps else None,
            )
        else:
            raise InputError("there is nothing to pick with: give references or diameters.")
        scores = replace(scores, distance=self.distance)
        if picking.write_maps:
            _write_maps(root, scores, made=PickingSettings.of(picking).of_maps)
        return scores

    def thresholds(self, candidates: Candidates) -> tuple[float, float]:
        """Return the lowest and the highest figure of merit of a pick in one micrograph."""
        picking = self.picking
        if picking.blobs is None:
            return picking.threshold, math.inf
        lowest, upper = blob_thresholds(candidates, adjust=picking.threshold, upper=picking.upper)
        return lowest, math.inf if upper is None else upper

    def apart(self, candidates: Candidates, *, threshold: float = -math.inf, limited: bool = True) -> np.ndarray:
        """Return the numbers of one micrograph's candidates above a threshold that are far enough from better ones.

        limited  whether those on a background that is not allowed are left out first
        """
        picking = self.picking
        return candidates.apart(
            candidates.distance if picking.min_distance is None else picking.min_distance,
            threshold=threshold,
            max_stddev=picking.max_stddev if limited else None,
            min_average=picking.min_average if limited else None,
            neighbour=picking.neighbour,
        )

    def picks(self, candidates: Candidates) -> Picks:
        """Return the automatic picks among one micrograph's candidates."""
        lowest, highest = self.thresholds(candidates)
        kept = self.apart(candidates, threshold=lowest)
        return candidates.rows(kept[candidates.picks.fom[kept] <= highest])

    def with_thresholds(self, picking: Picking) -> PickingRun:
        """Return the run with other thresholds; what is known of its micrographs is not read again."""
        changed = replace(self, picking=picking)
        vars(changed).update(names=self.names, _pixel_sizes=self._pixel_sizes)
        return changed

    @property
    def distance(self) -> float:
        """Least distance of two picks in Å, whatever their diameters."""
        if self.picking.min_distance is not None:
            return self.picking.min_distance
        if self.picking.blobs is not None:
            return 0.0
        if self.references is not None and self.picking.ref != GAUSS:
            return self.references.box / 2
        return (self.picking.particle_diameter or 0.0) / 2

    def edited(self, index: int, automatic: Picks, *, edits: Edits | None = None) -> Picks:
        """Return picks with the micrograph's hand edits laid over them: those given, or those on the disk."""
        if edits is None:
            root = self.root(index)
            edits = pick_files.read_edits(root.with_name(f"{root.name}_edits.star"))
        if not len(edits):
            return automatic
        return edits.over(automatic, radius=self.edit_radius / self._pixel_size(index))

    @property
    def edit_radius(self) -> float:
        """How near in Å an automatic pick has to be to an edit to be meant by it: a quarter of the particle."""
        if self.picking.blobs is not None:
            return self.picking.blobs.smallest / 4
        diameter = self.references.diameter if self.references is not None else self.picking.particle_diameter
        return (diameter or 2 * self.distance) / 4

    def work(self, index: int) -> Picks:
        """Pick from one micrograph and write its coordinates."""
        found = self.edited(index, self.picks(self.scores(index).centred))
        order = pick_files.TEMPLATE_ORDER if self.picking.blobs is None else pick_files.BLOB_ORDER
        pick_files.write_picks(self.picks_path(index), found, order=order)
        return found

    def finished(self, index: int) -> Picks | None:
        """Return what an earlier run (RELION's too) picked from a micrograph; ``None`` if nothing usable is there.

        Nothing is finished, either, that is to be picked again from its maps, or lacks maps that are to be written.
        """
        path = self.picks_path(index)
        without = self.picking.write_maps and not pick_files.scores_path(self.root(index)).exists()
        if index in self.again or without or not path.exists():
            return None
        try:
            return pick_files.read_picks(path)
        except InputError:
            return None

    def check_size(self, index: int, shape: tuple[int, ...]) -> None:
        """Raise InputError if particles or references are larger than a micrograph of this shape (y, x) in px."""
        side = min(shape) * self._pixel_size(index)
        blobs = self.picking.blobs
        if blobs is not None and blobs.largest < _FEWEST_PIXELS * self._pixel_size(index):
            raise InputError(
                f"particles of {blobs.largest:g} Å (--LoG_diam_max) are smaller than {_FEWEST_PIXELS} px of"
                f" {self._pixel_size(index):g} Å: correct diameters or pixel size. They are given in Å."
            )
        largest = (blobs.smallest + blobs.largest) / 2 if blobs is not None else self.picking.particle_diameter or 0.0
        if largest >= side:
            raise InputError(
                f"no place is left in it for a particle of {largest:g} Å: it has only {shape[1]} × {shape[0]} px of"
                f" {self._pixel_size(index):g} Å. Correct pixel size or diameter."
            )
        if self.references is not None and self.picking.ref != GAUSS and self.references.box > side:
            raise InputError(
                f"the references' box, {self.references.box:.0f} Å, is larger than the micrograph, {side:.0f} Å: correct"
                " --angpix_ref or the micrographs' pixel size."
            )

    def _pixel_size(self, index: int) -> float:
        return float(self._pixel_sizes[index])

    @cached_property
    def _pixel_sizes(self) -> np.ndarray:
        return self.micrographs.row_pixel_sizes

    def _frame(self, index: int, shape: tuple[int, ...]) -> Frame:
        picking = self.picking
        return frame_for(
            (shape[0], shape[1]),
            self._pixel_size(index),
            lowpass=picking.lowpass,
            shrink=picking.shrink,
            exact=picking.exact_scale,
        )

    def _transfer(self, index: int, frame: Frame) -> np.ndarray:
        row = {label: float(self.micrographs.column(label)[index]) for label in DEFOCUS}
        if not all(np.isfinite(list(row.values()))) or row["rlnDefocusU"] == 0:
            raise InputError(
                f"its defocus is {row['rlnDefocusU']:g} Å: no CTF was found for it. Run CtfFind on it again."
            )

        def value(label: str, missing: float = 0.0) -> float:
            return float(self.micrographs.column(label)[index]) if label in self.micrographs else missing

        optics = Optics(
            value("rlnVoltage"),
            value("rlnSphericalAberration"),
            value("rlnAmplitudeContrast", 0.1),
            self._pixel_size(index),
        )
        x, y = frame.frequencies
        return np.asarray(
            ctf(
                x,
                y,
                optics=optics,
                defocus_u=np.float32(row["rlnDefocusU"]),
                defocus_v=np.float32(row["rlnDefocusV"]),
                defocus_angle=np.float32(row["rlnDefocusAngle"]),
                phase_shift=np.float32(value("rlnPhaseShift")),
                # a blob has nothing of a particle's structure: only the sign of what is beyond the first peak is its own
                intact_first_peak=self.picking.intact_first_peak or self.picking.ref == GAUSS,
            ),
            dtype=np.float32,
        )

    def _kept(self, index: int) -> Scores:
        root = self.root(index)
        if pick_files.scores_path(root).exists():
            return pick_files.read_scores(root)
        shape = open_image(self.directory / self.names[index]).frame_shape
        margin = (self.picking.particle_diameter or 0.0) / 2 + self.picking.skip_side * self._pixel_size(index)
        kept = pick_files.read_relion_maps(root, shape=shape, pixel_size=self._pixel_size(index), margin=margin)
        return replace(kept, distance=self.distance)


def open_picking(context: Context, picking: Picking) -> PickingRun:
    """Read the list of micrographs and the references, and check them; nothing is picked yet.

    Raises InputError (or one of its kinds) that says what is missing.
    """
    micrographs, wanted = _asked(context, picking)
    references = templates = None
    if wanted is not None:
        references = read_references(context, wanted)
        templates = _templates(picking, references)
    return PickingRun(picking, context.directory, micrographs, references, templates)


def look_at_picking(context: Context, picking: Picking) -> None:
    """Raise what :func:`open_picking` and the first micrograph would, as far as it is known in a moment."""
    micrographs, wanted = _asked(context, picking)
    references = None if wanted is None else look_at_references(context, wanted)
    shape = look_at_images(context, micrographs, finite=FEWEST_FINITE)
    if shape is not None:
        PickingRun(picking, context.directory, micrographs, references, None).check_size(0, shape)


def _asked(context: Context, picking: Picking) -> tuple[Particles, ReferenceOptions | None]:
    """Return the micrographs, and which references are to be read; ``None``: none."""
    micrographs = read_list(context, picking.micrographs, pixel_size=picking.pixel_size)
    if picking.ctf and not picking.read_maps:
        check_ctf(micrographs, picking.micrographs, flag="--ctf" if picking.blobs is None else "--LoG_use_ctf")
    if picking.blobs is not None or not picking.ref or picking.read_maps:
        return micrographs, None
    return micrographs, ReferenceOptions(
        ref=picking.ref,
        angpix_ref=picking.angpix_ref,
        micrograph_pixel=float(micrographs.row_pixel_sizes[0]),
        particle_diameter=picking.particle_diameter,
        healpix_order=picking.healpix_order,
        symmetry=picking.symmetry,
    )


def _templates(picking: Picking, references: References) -> Templates:
    images, pixel_size, diameter = references.images, references.pixel_size, references.diameter
    if picking.ref == GAUSS:
        scale = (BLOB_NOISE, BLOB_TYPICAL)
        return Templates(images, pixel_size, diameter, 360.0, picking.lowpass, 0.0, BLOB_SURROUND, scale)
    return Templates(images, pixel_size, diameter, picking.psi_step, picking.lowpass, picking.shrink_mask)


def _writer(root: Path) -> Callable[[int, np.ndarray, np.ndarray], None]:
    def write(number: int, fom: np.ndarray, psi: np.ndarray) -> None:
        pick_files.write_map(root, "bestCCF", fom, reference=number)
        pick_files.write_map(root, "bestPSI", psi, reference=number)

    return write


def _write_maps(root: Path, scores: Scores, *, made: str) -> None:
    pick_files.write_scores(root, scores, made=made)
    if scores.diameter is not None:
        pick_files.write_map(root, "bestLoG", scores.fom)
        pick_files.write_map(root, "bestSize", scores.diameter)
        return
    pick_files.write_map(root, "avgNoise", scores.average)
    pick_files.write_map(root, "stddevNoise", scores.stddev)
