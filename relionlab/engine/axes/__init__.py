"""Where a map's symmetry axes lie: the rotation and the origin that bring it into a point group's standard frame."""

from relionlab.engine.axes.moving import moved
from relionlab.engine.axes.search import COARSE_SHELLS, FoundAxes, find_axes

__all__ = ["COARSE_SHELLS", "FoundAxes", "find_axes", "moved"]
