"""Reading a detector's MTF."""

from __future__ import annotations

from relionlab.engine.maps.sharpening import Transfer
from relionlab.io.detectors import read_mtf
from relionlab.jobs.context import Context


def read_transfer(context: Context, name: str) -> Transfer:
    """Return the MTF of a STAR file; raises StarError, saying what is wrong, if it is not one."""
    return Transfer(*read_mtf(context.path(name), name))
