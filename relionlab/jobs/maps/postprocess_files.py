"""postprocess.star and the correlation in XML for the EMDB, as RELION 3.1 writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.io.atomic import atomic_write
from relionlab.io.star import write_star
from relionlab.io.table import Table

_FIRST_FREQUENCY, _FIRST_RESOLUTION = 0.001001, 999.0  # RELION's words for shell 0


def shell_columns(n: int, pixel_size: float) -> dict[str, np.ndarray]:
    """Return number, frequency (1/Å) and resolution (Å) of the shells 0 … n//2."""
    shells = np.arange(n // 2 + 1)
    frequency = shells / (n * pixel_size)
    frequency[0] = _FIRST_FREQUENCY
    resolution = np.append(_FIRST_RESOLUTION, n * pixel_size / shells[1:])
    return {"rlnSpectralIndex": shells, "rlnResolution": frequency, "rlnAngstromResolution": resolution}


def write_postprocess_star(
    path: Path, general: dict[str, object], *, curves: dict[str, np.ndarray], guinier: dict[str, np.ndarray]
) -> None:
    """Write the three tables; the Guinier plot's only if there is one."""
    tables = [Table(general, name="general", loop=False), Table(curves, name="fsc")]
    if guinier:
        tables.append(Table(guinier, name="guinier"))
    write_star(path, tables)


def write_fsc_xml(path: Path, frequency: np.ndarray, curve: np.ndarray, *, title: str) -> None:
    """Write a correlation as the EMDB takes it."""
    lines = [f'<fsc title="{title}" xaxis="Resolution (A-1)" yaxis="Correlation Coefficient">']
    for x, y in zip(frequency, curve, strict=True):
        lines += ["  <coordinate>", f"    <x>{x:.6g}</x>", f"    <y>{y:.6g}</y>", "  </coordinate>"]
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join([*lines, "</fsc>", ""]))
