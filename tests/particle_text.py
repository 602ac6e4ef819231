"""A list of particles as text, for tests that only need its rows."""

from __future__ import annotations

from collections.abc import Iterable

_HEAD = """
data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnImagePixelSize #3
_rlnImageSize #4
_rlnImageDimensionality #5
_rlnVoltage #6
_rlnSphericalAberration #7
_rlnAmplitudeContrast #8
1 one {pixel_size} {box} 2 300 2.7 0.1

data_particles

loop_
_rlnImageName #1
_rlnMicrographName #2
_rlnOpticsGroup #3
_rlnDefocusU #4
_rlnDefocusV #5
_rlnDefocusAngle #6
"""


def particle_text(micrographs: Iterable[str], *, pixel_size: float = 3.5, box: int = 64) -> str:
    """Return a STAR file of the particles 1, 2, … of ``stack.mrcs``, of which each comes from the micrograph given for it."""
    rows = (f"{n:06d}@stack.mrcs {name} 1 {10000 + 100 * n} 10000 0\n" for n, name in enumerate(micrographs, 1))
    return _HEAD.format(pixel_size=pixel_size, box=box) + "".join(rows)
