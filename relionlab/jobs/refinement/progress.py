"""What an auto-refinement remembers from iteration to iteration, and how it stands in the optimiser file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relionlab.engine.classify2d.accuracy import UNKNOWN
from relionlab.jobs.refinement.optimiser_file import Named

_ANY_CLASSES = 9999999
_COLUMNS: dict[str, tuple[str, type]] = {
    "without_gain": ("rlnNumberOfIterWithoutResolutionGain", int),
    "without_change": ("rlnNumberOfIterWithoutChangingAssignments", int),
    "smallest_angles": ("rlnSmallestChangesOrientations", float),
    "smallest_offsets": ("rlnSmallestChangesOffsets", float),
    "smallest_classes": ("rlnSmallestChangesClasses", float),
    "converged": ("rlnHasConverged", bool),
    "large_increase": ("rlnHasHighFscAtResolLimit", bool),
    "since_increase": ("rlnHasLargeSizeIncreaseIterationsAgo", int),
    "shells_ahead": ("rlnIncrementImageSize", int),
}
"""Field -> label and type; ``best_shell`` stands in the file as a resolution."""


@dataclass(frozen=True)
class Progress:
    """What decides when an auto-refinement samples finer, and when it ends.

    without_gain     iterations without better resolution
    without_change   iterations without smaller changes of the poses
    best_shell       last shell with signal in the best iteration so far; 0: not known
    smallest_angles, smallest_offsets, smallest_classes  smallest mean changes so far: degrees, Å, fraction
    converged        the next iteration joins the half-sets
    large_increase   the FSC is still high in the last shell that was used: more shells are to be added
    since_increase   iterations since many shells were added; 0: never
    shells_ahead     shells beyond the resolution that the next iteration uses; ``None``: as the options say
    """

    without_gain: int = 0
    without_change: int = 0
    best_shell: int = 0
    smallest_angles: float = UNKNOWN
    smallest_offsets: float = UNKNOWN
    smallest_classes: float = _ANY_CLASSES
    converged: bool = False
    large_increase: bool = False
    since_increase: int = 0
    shells_ahead: int | None = None


def progress_columns(progress: Progress) -> dict[str, object]:
    """Return label -> value for the optimiser's table."""
    values = {label: getattr(progress, name) for name, (label, _) in _COLUMNS.items()}
    return {label: int(x) if isinstance(x, bool) else x for label, x in values.items() if x is not None}


def progress_of(files: Named, extent: float) -> Progress:
    """Return the progress that an optimiser file tells of; ``extent`` is the box in Å."""
    table = files.general
    found: dict[str, Any] = {
        name: kind(table.value(label)) for name, (label, kind) in _COLUMNS.items() if label in table
    }
    return Progress(**found, best_shell=round(files.number("rlnBestResolutionThusFar", 0.0) * extent))
