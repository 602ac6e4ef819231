"""A movie that was corrected: the specimen's way, and the micrograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.motion import motion_track
from relionlab.display.newest.kinds import MicrographResult
from relionlab.display.newest.thumbnails import png, thumbnail
from relionlab.errors import RelionlabError
from relionlab.io.motion import read_motion


def values(path: Path) -> dict[str, np.ndarray]:
    """Return the length of the way in px, that of its first quarter, and the distance from first to last frame."""
    motion = read_motion(path)
    shifts = motion.shifts[motion.used]
    steps = np.hypot(*np.diff(shifts, axis=0).T) if len(shifts) > 1 else np.zeros(1)
    drift = float(np.hypot(*(shifts[-1] - shifts[0]))) if len(shifts) else 0.0
    early = float(steps[: max(len(steps) // 4, 1)].sum())
    return {"way": np.array([steps.sum()]), "early": np.array([early]), "drift": np.array([drift])}


def result(path: Path) -> MicrographResult:
    """Return the tracks, and the micrograph as a small picture."""
    motion = read_motion(path)
    drawn = motion_track(motion, title=path.stem)
    image = path.with_suffix(".mrc")
    small = b""
    if image.exists():
        try:
            small = png(thumbnail(image, longest=180)[0])
        except RelionlabError:  # it is being written
            small = b""
    return MicrographResult(drawn.caption, small, drawn, f"The corrected micrograph {path.stem}")
