"""What the tutorial's page says of the maps in its tables: what was done, and how far each stage is from the truth."""

from __future__ import annotations

import numpy as np

from relionlab.project import JobDirectory
from relionlab.simulation.scores.maps import MapTruth
from relionlab.workflows.tutorial.map_truth import MapsTruth
from relionlab.workflows.tutorial.maps import MapPart, sharpening_of

_DONE = {
    "InitialModel": "Makes a map from particles alone.",
    "Class3D": "Sorts the particles into maps.",
    "Select": "Keeps the classes that are fine and symmetric.",
    "Refine3D": "Refines the map in two independent halves.",
    "MaskCreate": "Masks the solvent.",
    "PostProcess": "Finds the resolution within the mask, and sharpens the map.",
    "LocalRes": "Finds the resolution at every place.",
}


def maps_told(part: MapPart) -> list[tuple[JobDirectory, str, str]]:
    """Return the jobs from particles to a map, what each does, and what the clock calls it."""
    named = [(job, job.job.folder) for job in part.jobs]
    return [(job, _DONE[folder], "Select 3" if folder == "Select" else folder) for job, folder in named]


def map_verdicts(truth: MapsTruth, part: MapPart) -> list[tuple[str, str, str, str]]:
    """Return the errors of the maps: stage, what, value, how to read it."""
    classes, (estimated, b_factor) = truth.classes, sharpening_of(part.sharpened)
    rows = [
        ("InitialModel", "Like the molecule down to", _reach(truth.initial), ("where the correlation with the truth falls to 0.5; it"
         f" has {'the other' if truth.initial.placed.mirrored else 'the true'} hand, which projections cannot tell")),
        ("Class3D", "Particles among their own kind", f"{100 * classes.purity:.0f} %",
         f"{100 * classes.majority:.0f} % without any sorting"),
        ("Refine3D", "Like the molecule down to", _reach(truth.refined), "within a mask around the true molecule"),
        ("Refine3D", "Poses", f"{truth.poses.median:.1f}°", f"the median; at random {truth.poses.random:.0f}°"),
        ("PostProcess", "Resolution, as estimated", f"{estimated:.1f} Å",
         f"the sharpened map is like the molecule down to {_reach(truth.sharpened)}"),
    ]  # fmt: skip
    if np.isfinite(truth.b_factor):
        asked = f"the true molecule's amplitudes ask for {area(truth.b_factor)}"
        rows.append(("PostProcess", "B-factor, as estimated", area(b_factor) if b_factor else "none", asked))
    return rows


def area(b_factor: float) -> str:
    """Return a B-factor in Å², with a true minus sign."""
    return f"{b_factor:.0f} Å²".replace("-", "−")


def _reach(truth: MapTruth) -> str:
    return f"{truth.resolution:.1f} Å" + (" (the pixels' limit)" if truth.finest else "")
