"""The tutorial's flags: how the fields of its plans are called on the command line, and the command that does a plan again."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import TYPE_CHECKING

from relionlab.workflows.tutorial.particle_plan import ParticlePlan

if TYPE_CHECKING:
    from relionlab.workflows.tutorial.movie_plan import MoviePlan

_OTHERWISE = {
    "directory": "dir",
    "voltage": "kv",
    "aberration": "cs",
    "amplitude_contrast": "q0",
    "binning": "bin",
    "gain_rotation": "gain_rot",
    "particle_pixel": "particle_angpix",
    "signal_to_noise": "snr",
    "symmetry": "sym",
    "symmetry_at_once": "sym_at_once",
}
"""Fields whose flag has another name."""


def flag(field: str) -> str:
    """Return the flag of a plan's field."""
    return f"--{_OTHERWISE.get(field, field)}"


def command_of(plan: MoviePlan | ParticlePlan) -> str:
    """Return the command line that does the same again."""
    words = ["relionlab", "tutorial"]
    if isinstance(plan, ParticlePlan) and plan.particles is None:
        words += ["--set", "particles"]  # without it, movies are simulated
    for field in fields(plan):
        value = getattr(plan, field.name)
        if field.name in ("directory", "seed") or (value is not None and value != field.default):
            words.append(flag(field.name))
            if not isinstance(value, bool):
                words.append(f"{value:g}" if isinstance(value, float) else str(value))
    return shlex.join(words)
