"""A mask tried on half-maps without a job: the very numbers that MaskCreate and PostProcess will give, in a fraction of a second.

What does not depend on the mask (transforms, the filtered map, random phases) is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from relionlab.engine.maps import masks
from relionlab.engine.maps.guinier import Line
from relionlab.errors import ImageError, NodeError, ParameterError
from relionlab.io.images import read_map
from relionlab.jobs.context import PlainContext
from relionlab.jobs.maps.curves import Curves
from relionlab.jobs.maps.half_maps import partner
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.mask_program import smoothed
from relionlab.jobs.maps.mask_verdict import Judged, judge_mask
from relionlab.jobs.maps.postprocess_program import Postprocess
from relionlab.jobs.maps.postprocessing import Postprocessing

_SPECK = 0.01  # of the largest piece: a smaller one is noise


@dataclass(frozen=True, eq=False)
class TriedMask:
    """A mask and what it makes of the half-maps.

    mask        (n, n, n) float32, as MaskCreate writes it
    curves      correlations in the shells, as PostProcess writes them
    frequency   (shells,) 1/Å
    guinier     columns of the Guinier plot, by label
    line        fitted to it, ``None`` if there was no signal to fit
    b_factor    Å², applied
    resolution  Å, at FSC 0.143
    volume      Å³ within half of the mask's height
    share       of the box that the mask fills, 0 to 1
    weight      kDa of protein that fill it
    pieces      number of separate parts of the binary mask that are not specks, and
    specks      of those that are
    touches     the mask reaches the box's faces
    verdict     in words, and how good that is
    """

    mask: np.ndarray
    curves: Curves
    frequency: np.ndarray
    guinier: dict[str, np.ndarray]
    line: Line | None
    b_factor: float
    resolution: float
    volume: float
    share: float
    weight: float
    pieces: int
    specks: int
    touches: bool
    verdict: Judged


@dataclass
class MaskTrial:
    """Half-maps, and the map of which masks are made, in memory.

    options  of post-processing; its half-map, B-factor, MTF and calibrated pixel size count, its mask does not
    source   map that masks are made of, as its file is named; "": :func:`map_to_mask` finds it
    folder   in which these names are looked up
    """

    options: Postprocess
    source: str = ""
    folder: Path = field(default_factory=Path)

    def __post_init__(self) -> None:
        self.source = self.source or map_to_mask(self.options.fn_in, self.folder)
        self.post = Postprocessing(self.options.model_copy(update={"fn_mask": ""}), _Quiet(self.folder, quiet=True))
        self.map, size = read_map(self.folder / self.source)
        self.pixel_size = size or self.post.pixel_size
        if self.map.shape != self.post.maps.first.shape:
            raise ImageError(
                f"{self.source} has the shape {self.map.shape}, the half-maps {self.post.maps.first.shape}: masks have to be"
                " made of a map of the same refinement."
            )
        self._smoothed: dict[float, np.ndarray] = {}

    def smoothed(self, resolution: float) -> np.ndarray:
        """Return the map low-pass filtered to a resolution (Å), which is cut at the threshold; 0 or less: the map."""
        if resolution not in self._smoothed:
            while len(self._smoothed) > 3:
                self._smoothed.pop(next(iter(self._smoothed)))
            self._smoothed[resolution] = smoothed(self.map, resolution, pixel_size=self.pixel_size)
        return self._smoothed[resolution]

    def noise_level(self, resolution: float) -> float:
        """Return the highest density that noise reaches in the map filtered to a resolution (Å), by half of the halves' difference."""
        one, other = self.post.maps.first, self.post.maps.second
        return float(np.abs(smoothed((one - other) / 2, resolution, pixel_size=self.pixel_size)).max())

    def mask(self, job: MaskCreate) -> np.ndarray:
        """Return the mask (n, n, n) that a MaskCreate job of these parameters makes; its ``fn_in`` does not count."""
        density = self.smoothed(job.lowpass_filter)
        mask = masks.of_density(
            density, job.inimask_threshold, extend_px=job.extend_inimask, width_px=job.width_mask_edge
        )
        if not mask.any():
            raise ParameterError(
                f"Nothing in the map reaches the threshold {job.inimask_threshold:g}: its largest value"
                f"{' after the low-pass filter' if job.lowpass_filter > 0 else ''} is {density.max():.4g}. Lower it."
            )
        return mask

    def of(self, job: MaskCreate) -> TriedMask:
        """Return what the mask of these parameters makes of the half-maps."""
        return self.with_mask(self.mask(job), job)

    def with_mask(self, mask: np.ndarray, job: MaskCreate) -> TriedMask:
        """Return what a mask (n, n, n), made by these parameters, makes of the half-maps."""
        post, n, pixel_size = self.post, self.post.n, self.post.pixel_size
        post.within(mask)
        curves = post.curves()
        _, b_factor, plot = post.filters(post.mean(), curves)
        line = post.line
        pieces, specks = _pieces(self.smoothed(job.lowpass_filter) >= job.inimask_threshold)
        touches = _touches(mask)
        resolution = n * pixel_size / max(curves.shell, 1)
        share = float(mask.mean())
        dense = float((self.smoothed(job.lowpass_filter) >= job.inimask_threshold).mean()) / max(share, 1e-9)
        judged = judge_mask(
            curves, pixel_size=pixel_size, box=n, share=share, dense=dense, pieces=pieces, specks=specks, touches=touches,
            b_factor_doubt=post.doubt,
        )  # fmt: skip
        return TriedMask(
            mask=mask,
            curves=curves,
            frequency=post.frequency,
            guinier=plot,
            line=line,
            b_factor=b_factor,
            resolution=resolution,
            volume=float((mask > 0.5).sum()) * pixel_size**3,
            share=share,
            weight=curves.mask_weight,
            pieces=pieces,
            specks=specks,
            touches=touches,
            verdict=judged,
        )


class _Quiet(PlainContext):
    def warn(self, text: str) -> None:
        """Say nothing: the verdict does."""


def map_to_mask(half: str, folder: Path = Path()) -> str:
    """Return the map of which RELION makes a mask, beside a half-map: ``run_class001.mrc`` for ``run_half1_class001_unfil.mrc``;
    the half-map itself if there is none.
    """
    partner(half)  # raises an error in words if it is no half-map
    for this in ("_half1_", "_half2_"):
        name = half.replace(this, "_").replace("_unfil", "")
        if name != half and this in half and (folder / name).exists():
            return name
    return half


def half_map_of(directory: Path) -> Path:
    """Return the first unfiltered half-map of a Refine3D job (or one of RELION's): of the final iteration, else the last."""
    for pattern in ("*half1_class001_unfil.mrc", "*half1*unfil*.mrc", "*_half1_class001.mrc", "*half1*.mrc"):
        found = sorted(directory.glob(pattern))
        if found:
            return found[-1]
    raise NodeError(f"{directory} has no half-maps (*half1_class001_unfil.mrc): give a Refine3D job that has finished.")


def _pieces(inside: np.ndarray) -> tuple[int, int]:
    """Return the number of separate parts of a binary mask, and of specks."""
    labels, count = ndimage.label(inside)
    sizes = np.bincount(labels.ravel())[1:]
    if not count:
        return 0, 0
    large = int((sizes >= _SPECK * sizes.max()).sum())
    return large, count - large


def _touches(mask: np.ndarray) -> bool:
    faces: list[Any] = [mask[0], mask[-1], mask[:, 0], mask[:, -1], mask[:, :, 0], mask[:, :, -1]]
    return any(bool((face > 0).any()) for face in faces)
