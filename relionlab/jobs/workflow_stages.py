"""The job types by stage of the workflow, in the order in which a project meets them."""

from __future__ import annotations

from dataclasses import dataclass

from relionlab.errors import ParameterError
from relionlab.jobs.process_types import ProcessType, process_type


@dataclass(frozen=True)
class WorkflowStage:
    """A stage of single-particle work.

    name    what it is called
    types   labels of its job types, in the order of use
    """

    name: str
    types: tuple[str, ...]


STAGES: tuple[WorkflowStage, ...] = (
    WorkflowStage("Import", ("relion.import",)),
    WorkflowStage("Movies and micrographs", ("relion.motioncorr", "relion.ctffind")),
    WorkflowStage("Picking", ("relion.manualpick", "relion.autopick")),
    WorkflowStage("Particles", ("relion.extract", "relion.select", "relion.sort", "relion.joinstar")),
    WorkflowStage("2D classes", ("relion.class2d",)),
    WorkflowStage("3D maps", ("relion.initialmodel", "relion.class3d", "relion.refine3d", "relion.multibody")),
    WorkflowStage(
        "Better particles",
        ("relion.ctfrefine", "relion.polish", "relion.polish.legacy", "relion.movierefine", "relion.subtract"),
    ),
    WorkflowStage("The final map", ("relion.maskcreate", "relion.postprocess", "relion.localres")),
)
"""The stages; what none of them names (tomography, models of later RELIONs, programs of a user's own) is :data:`OTHER`."""
OTHER = "Other"


def stage_of(label: str) -> str:
    """Return the stage of a job type ("relion.class2d", also with a variant), :data:`OTHER` for what has none."""
    base = type_of(label).label
    return next((stage.name for stage in STAGES if base in stage.types), OTHER)


def type_of(label: str) -> ProcessType:
    """Return RELION's type of a label; one that nobody knows gets a folder named after its label's last part."""
    try:
        return process_type(label)
    except ParameterError:
        return ProcessType(label, label.rsplit(".", 1)[-1].capitalize())
