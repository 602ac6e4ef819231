"""run_itNNN_classCCC_angdist.bild: how often each direction occurs, as cylinders that Chimera draws around the map.

Lengths, widths and colours are those of RELION 3.1.3's files, measured.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.engine.sampling import Sampling
from relionlab.engine.sampling.grid import unit_vectors
from relionlab.io.atomic import atomic_write

_LONGEST = 0.3
"""Of the sphere's radius, half the box: the cylinder of the commonest direction."""
_SHORTEST = 0.01  # Å; shorter ones are left out
_BLUE, _RED = -1.0, 5.0  # standard deviations from the mean share


def write_directions(path: Path, shares: np.ndarray, *, sampling: Sampling, extent: float) -> None:
    """Write the picture of one class.

    shares  (D,) of the directions of ``sampling``
    extent  Å, of the box
    """
    radius = extent / 2
    longest = max(float(shares.max()), 1e-30)
    vectors = unit_vectors(sampling.rot, sampling.tilt)
    width = radius * np.radians(sampling.psi_step) / 4
    spread = float(shares.std())
    # all alike up to rounding: no direction stands out
    deviation = (shares - shares.mean()) / spread if spread > 1e-9 * longest else np.zeros(len(shares))
    red = np.clip((deviation - _BLUE) / (_RED - _BLUE), 0, 1)
    length = _LONGEST * radius * shares / longest
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        for k in np.flatnonzero(length > _SHORTEST):
            near = radius + radius * vectors[k]
            far = near + length[k] * vectors[k]
            out.write(f".color {red[k]:g} 0 {1 - red[k]:g}\n")
            out.write(f".cylinder {' '.join(f'{x:g}' for x in (*near, *far, width))}\n")
