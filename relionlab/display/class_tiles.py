"""One square picture of each class of a 3D run: its central slices and a projection, for grids in which classes are clicked."""

from __future__ import annotations

import numpy as np

from relionlab.display.mosaic import grey
from relionlab.display.results import ClassAverages, find_file, iteration_of, model_tables
from relionlab.io.images import read_map
from relionlab.jobs.refinement.rounds import Round, column

_MOST = 160  # px of a quarter: more is not seen


def read_class_tiles(one: Round) -> ClassAverages:
    """Read the maps of one iteration as squares of four: slices z and y above, slice x and the projection along z below.

    Half-maps are two "classes" of one number of particles each; see ``what``.
    """
    tiles, shares, resolutions = [], [], []
    pixel_size, box = 1.0, 1
    for model in one.models:
        classes, general = model_tables(model)
        pixel_size = float(general.value("rlnPixelSize"))
        for name in classes["rlnReferenceImage"]:
            volume, _ = read_map(find_file(str(name), model))
            box = volume.shape[-1]
            tiles.append(four_of(volume))
        share = np.nan_to_num(column(classes, "rlnClassDistribution"))
        shares += (share / len(one.models)).tolist()
        resolutions += column(classes, "rlnEstimatedResolution").tolist()
    size, count = tiles[0].shape[-1], len(tiles)
    known = np.array(resolutions)
    return ClassAverages(
        images=np.stack(tiles),
        pixel_size=2 * pixel_size * box / size,
        share=np.array(shares),
        counts=np.full(count, -1),
        resolution=np.where(np.isfinite(known) & (known > 0), known, np.inf),
        accuracy_rotations=np.full(count, np.nan),
        accuracy_offsets=np.full(count, np.nan),
        numbers=np.arange(1, count + 1),
        iteration=-1 if one.final else iteration_of(one.models[0]),
        model=one.models[0],
        what="Half-maps" if one.halves else "Maps",
    )


def four_of(volume: np.ndarray) -> np.ndarray:
    """Return slices of a map (z, y, x) and its projection as one square of four, uint8, the slices on one grey scale."""
    z, y, x = (n // 2 for n in volume.shape)
    step = max(1, -(-volume.shape[-1] // _MOST))
    quarters = [volume[z], volume[:, y], volume[:, :, x]]
    slices = grey(np.hstack([part[::step, ::step] for part in quarters]), diameter=10.0, clip=(0.5, 99.8))
    side = slices.shape[0]
    first, second, third = (slices[:, k * side : (k + 1) * side] for k in range(3))
    shadow = grey(volume.sum(axis=0)[::step, ::step], diameter=10.0, clip=(0.5, 99.8))
    return np.vstack([np.hstack([first, second]), np.hstack([third, shadow])])
