"""Reading a detector's MTF."""

from __future__ import annotations

import numpy as np

from relionlab.engine.maps.sharpening import Transfer
from relionlab.errors import StarError
from relionlab.io.star import read_star
from relionlab.jobs.context import Context

_LABELS = ("rlnResolutionInversePixel", "rlnMtfValue")


def read_transfer(context: Context, name: str) -> Transfer:
    """Return the MTF of a STAR file; raises StarError, saying what is wrong, if it is not one."""
    tables = read_star(context.path(name))
    found = [table for table in tables.values() if all(label in table for label in _LABELS)]
    if not found:
        raise StarError(
            f"{name} has no table with the columns {' and '.join(_LABELS)}: that is what an MTF file holds."
        )
    frequency, value = (np.asarray(found[0][label], np.float64) for label in _LABELS)
    if frequency.size < 2 or (np.diff(frequency) <= 0).any() or frequency[0] < 0 or frequency[-1] > 1:
        raise StarError(f"{name}: rlnResolutionInversePixel has to rise from 0 to 0.5 (Nyquist), row after row.")
    if not ((value > 0) & (value <= 1.5)).all():
        raise StarError(
            f"{name}: rlnMtfValue lies between {value.min():.4g} and {value.max():.4g}; an MTF is above 0 and near 1 at most."
        )
    return Transfer(frequency, value)
