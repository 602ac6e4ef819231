"""The one to three jobs that usually follow a job, with inputs and values filled in from the project.

    for suggestion in next_jobs(project.job("CtfFind/job003")):
        print(suggestion.job, suggestion.reason)
        project.run(suggestion.job)

The order is that of RELION's single-particle tutorial. Values that a job before has used are taken over (the particle's
diameter, the mask, the symmetry), others follow from pixel and box size by :mod:`relionlab.workflows.sizes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory
from relionlab.project.job_directory import job_directory_at

MOST = 3
"""Suggestions at most: a choice, not a catalogue."""


@dataclass(frozen=True)
class Suggestion:
    """A job that usually follows.

    job     with its values filled in
    label   what its button says: "Pick by size"
    reason  what it is for, in a line
    """

    job: Job
    label: str
    reason: str


_STEPS = {
    "Import": "micrographs:after_import",
    "MotionCorr": "micrographs:after_motion",
    "CtfFind": "micrographs:after_ctf",
    "ManualPick": "particles:after_picking",
    "AutoPick": "particles:after_picking",
    "Extract": "particles:after_extraction",
    "Polish": "particles:after_polishing",
    "CtfRefine": "particles:after_polishing",
    "Sort": "particles:after_sorting",
    "JoinStar": "particles:after_joining",
    "Class2D": "classes:after_class2d",
    "Select": "classes:after_selection",
    "InitialModel": "maps:after_initial_model",
    "Class3D": "maps:after_class3d",
    "Refine3D": "maps:after_refinement",
    "MaskCreate": "maps:after_mask",
    "PostProcess": "maps:after_sharpening",
    "LocalRes": "maps:after_local_resolution",
}
"""Folder of the job type -> module and function below ``relionlab.workflows.next_steps``."""


MAY_FOLLOW = {
    "Import": ("MotionCorr", "CtfFind", "Class2D", "InitialModel", "Extract", "Class3D", "Refine3D"),
    "MotionCorr": ("CtfFind",),
    "CtfFind": ("Select", "AutoPick", "ManualPick"),
    "ManualPick": ("Extract", "AutoPick"),
    "AutoPick": ("Extract",),
    "Extract": ("Class2D", "Refine3D"),
    "Polish": ("Refine3D",),
    "CtfRefine": ("Refine3D",),
    "Sort": ("Select",),
    "JoinStar": ("Class2D", "InitialModel"),
    "Class2D": ("Select",),
    "Select": ("AutoPick", "ManualPick", "InitialModel", "Class2D", "Class3D", "Refine3D", "Extract"),
    "InitialModel": ("Class3D", "Refine3D"),
    "Class3D": ("Select", "Refine3D"),
    "Refine3D": ("MaskCreate", "PostProcess", "Extract"),
    "MaskCreate": ("PostProcess", "Refine3D"),
    "PostProcess": ("LocalRes", "Extract"),
    "LocalRes": ("Class3D",),
}
"""Folder of the job type -> those of the types that may be suggested after it: so nobody has to read maps to learn that none is."""


def next_jobs(job_directory: JobDirectory | str | Path) -> tuple[Suggestion, ...]:
    """Return the one to three jobs that usually follow, the most usual first; none where nothing is known.

    Raises ProjectError for a path that is no job of a project.
    """
    directory = job_directory_at(job_directory) if isinstance(job_directory, str | Path) else job_directory
    step = _STEPS.get(directory.name.partition("/")[0])
    if step is None:
        return ()
    module, _, name = step.partition(":")
    function = getattr(import_module(f"relionlab.workflows.next_steps.{module}"), name)
    try:
        found = function(directory)
    except (RelionlabError, OSError, KeyError, ValueError, IndexError):
        return ()  # its results cannot be read: what follows is not known
    return tuple(found[:MOST])
