"""The operations of a point group in words, as relion_refine --print_symmetry_ops prints them."""

from __future__ import annotations

import numpy as np

from relionlab.engine.rotations import euler_from_matrix
from relionlab.engine.symmetry import point_group


def operations_text(name: str) -> str:
    """Return the matrices of a point group's operations, and the Euler angles of its rotations, for people to read."""
    group = point_group(name)
    count = len(group.operations)
    lines = [f" ++++ Using symmetry group {group.name}, with the following {count} transformation matrices:"]
    for number, operation in enumerate(group.operations, start=1):
        lines.append(f" R({number})= ")
        lines += ["".join(f"{value:13g} " for value in row) for row in np.round(operation, 6) + 0.0]
        if number > 1 and np.linalg.det(operation) > 0:
            angles = (float(np.round(angle, 4)) + 0.0 for angle in euler_from_matrix(operation))
            lines.append("     Euler angles: " + " ".join(f"{angle:g}" for angle in angles))
    return "\n".join(lines)
