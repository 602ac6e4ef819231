"""The names of job types, file kinds and states: RELION 1–3.1's numbers and RELION 4–5's labels.

Inside relionlab everything carries the labels. The integer dialects (2.1, 3.0, 3.1) are translated at the border, in
both directions without loss: every number has one label, and that label gives the number back. Labels are finer than
numbers ("relion.import.movies" and "relion.import.other" are both 0), so translating a label to a number may lose
its last words.

Numbers and labels are facts of RELION's file format, as seen in files that RELION 2.1, 3.1, 4.0 and 5.0 wrote.
"""

from __future__ import annotations

from relionlab.errors import ParameterError, PipelineError
from relionlab.jobs.process_types import PROCESS_TYPES, process_type

STATES: dict[str, tuple[int, str]] = {
    "running": (0, "Running"),
    "scheduled": (1, "Scheduled"),
    "finished": (2, "Succeeded"),
    "failed": (3, "Failed"),
    "aborted": (4, "Aborted"),
}
"""Our name of a state -> (number in 2.1–3.1, label in 4–5)."""

LATER_PROCESSES: dict[int, str] = {
    22: "dynamight",
    23: "modelangelo",
    50: "relion.importtomo",
    51: "relion.pseudosubtomo",
    52: "relion.ctfrefinetomo",
    53: "relion.framealigntomo",
    54: "relion.reconstructparticletomo",
    55: "relion.aligntiltseries",
    56: "relion.reconstructtomograms",
    57: "relion.excludetilts",
    58: "relion.denoisetomo",
    59: "relion.picktomo",
}
"""Numbers of the types that came after RELION 3.1: 4 and 5 use them internally, 3.1 shows such jobs without a form."""

NODES: dict[int, str] = {
    0: "MicrographMovieGroupMetadata.star.relion",
    1: "MicrographGroupMetadata.star.relion",
    2: "MicrographCoordsGroup.star.relion",
    3: "ParticleGroupMetadata.star.relion",
    4: "ParticleGroupMetadata.star.relion.movieparticles",  # 2.1 only; the label is ours
    5: "Image2DGroupMetadata.star.relion",
    6: "DensityMap.mrc",
    7: "Mask3D.mrc",
    8: "ModelData.star.relion",  # 2.1–3.1 only, 4 uses the optimiser instead; the label is ours
    9: "OptimiserData.star.relion",
    10: "DensityMap.mrc.halfmap",
    11: "DensityMap.mrc.relion.postprocess",
    12: "Image3D.mrc.localresmap",
    13: "LogFile.pdf.relion",
    14: "ProcessData.star.relion.postprocess",
    15: "ParamsData.txt.relion.polish",
    50: "TomoOptimisationSet.star.relion",
    51: "TomogramGroupMetadata.star.relion",
    52: "TomoTrajectoryData.star.relion",
    53: "TomoManifoldData.star.relion",
    60: "Sequence.fasta",  # from here on the numbers are ours: 3.1 has no such files
    61: "SequenceAlignment.hmm",
    62: "AtomCoords.cif",
}
"""Node number -> label."""

# First word of a label -> number, for RELION 4.0's beta, 4.0, 5.0 and CCP-EM's spellings.
_BY_FIRST_WORD: dict[str, int] = {
    "MicrographMovieGroupMetadata": 0,
    "MicrographMoviesData": 0,
    "MicrographGroupMetadata": 1,
    "MicrographsData": 1,
    "MicrographCoordsGroup": 2,
    "MicrographsCoords": 2,
    "ParticleGroupMetadata": 3,
    "ParticlesData": 3,
    "Particles": 3,
    "Image2DGroupMetadata": 5,
    "ImagesData": 5,
    "Image2DStack": 5,
    "DensityMap": 6,
    "Mask3D": 7,
    "ModelData": 8,
    "ImageGroupMetadata": 8,
    "OptimiserData": 9,
    "Image3D": 12,
    "LogFile": 13,
    "ParamsData": 15,
    "TomoOptimisationSet": 50,
    "TomogramGroupMetadata": 51,
    "TomoTrajectoryData": 52,
    "TomoManifoldData": 53,
    "Sequence": 60,
    "SequenceAlignment": 61,
    "AtomCoords": 62,
}

# Words further back in a label that decide before the first one does, in this order.
_BY_WORD: tuple[tuple[str, int], ...] = (
    ("movieparticles", 4),
    ("halfmap", 10),
    ("localresmap", 12),
    ("localresfiltered", 11),
    ("optimisation_set", 50),
    ("tomogram_set", 51),
    ("trajectory_set", 52),
    ("manifoldset", 53),
    ("optimiser", 9),
)

_UNKNOWN = "unknown.number"


def process_label(number: int) -> str:
    """Return the label of a process number; a number that nobody knows keeps itself in its label."""
    known = {entry.number: entry.label for entry in PROCESS_TYPES if entry.number is not None}
    return known.get(number) or LATER_PROCESSES.get(number, f"{_UNKNOWN}{number}")


def process_number(label: str) -> int:
    """Return the number of a process label, whatever variant it names ("relion.import.movies": 0).

    Raises PipelineError for a label that has no number.
    """
    if label.startswith(_UNKNOWN):
        return int(label.removeprefix(_UNKNOWN))
    for number, known in LATER_PROCESSES.items():
        if f"{label}.".startswith(f"{known}.") or label == f"relion.{known}":
            return number
    try:
        found = process_type(label).number
    except ParameterError:
        found = None
    if found is None:
        raise PipelineError(
            f"The job type {label!r} has no number in RELION 3.1; expected one of RELION's own types "
            f"('relion.class2d', …). Keep the project in the dialect of RELION 4 or 5."
        )
    return found


def process_of_folder(folder: str) -> str:
    """Return the label of the job type that keeps its jobs in this folder, ``relion.external`` for a strange one."""
    try:
        return process_type(folder).label
    except ParameterError:
        return "relion.external"


def node_label(number: int) -> str:
    """Return the label of a node number; a number that nobody knows keeps itself in its label."""
    return NODES.get(number, f"{_UNKNOWN}{number}")


def node_number(label: str) -> int:
    """Return the number of a node label, in any of RELION 4's and 5's spellings.

    Raises PipelineError for a label that has no number.
    """
    if label.startswith(_UNKNOWN):
        return int(label.removeprefix(_UNKNOWN))
    words = label.split(".")
    for word, number in _BY_WORD:
        if word in words[1:]:
            return number
    first = _BY_FIRST_WORD.get(words[0])
    if "postprocess" in words[1:] and words[0] in ("DensityMap", "ProcessData"):
        return 11 if words[0] == "DensityMap" else 14
    if words[0] == "ProcessData" and "polish" in words:
        return 15
    if first is None:
        raise PipelineError(
            f"The file kind {label!r} has no number in RELION 3.1; expected one of RELION's own kinds "
            f"('ParticleGroupMetadata.star.relion', …). Keep the project in the dialect of RELION 4 or 5."
        )
    return first


def state_of_number(number: int) -> str:
    """Return our name of a state's number."""
    for state, (known, _) in STATES.items():
        if known == number:
            return state
    raise PipelineError(f"The state number {number} is unknown; expected 0 (running) to 4 (aborted).")


def state_of_label(label: str) -> str:
    """Return our name of a state's label."""
    for state, (_, known) in STATES.items():
        if known == label:
            return state
    raise PipelineError(f"The state {label!r} is unknown; expected one of {', '.join(k for _, k in STATES.values())}.")
