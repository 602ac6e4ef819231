"""RELION's process types: number (3.1), label (4 and 5) and folder, of all types, declared here or not.

Sources: the pipeline files of RELION 2.1, 3.1, 4 and 5 projects.
"""

from __future__ import annotations

from dataclasses import dataclass

from relionlab.errors import ParameterError


@dataclass(frozen=True)
class ProcessType:
    """One of RELION's job types.

    label   RELION 4's label without variant: "relion.import"
    folder  directory of its jobs: "Import"
    number  RELION 3.1's number; ``None`` for types that came later
    """

    label: str
    folder: str
    number: int | None = None


PROCESS_TYPES: tuple[ProcessType, ...] = (
    ProcessType("relion.import", "Import", 0),
    ProcessType("relion.motioncorr", "MotionCorr", 1),
    ProcessType("relion.ctffind", "CtfFind", 2),
    ProcessType("relion.manualpick", "ManualPick", 3),
    ProcessType("relion.autopick", "AutoPick", 4),
    ProcessType("relion.extract", "Extract", 5),
    ProcessType("relion.sort", "Sort", 6),
    ProcessType("relion.select", "Select", 7),
    ProcessType("relion.class2d", "Class2D", 8),
    ProcessType("relion.class3d", "Class3D", 9),
    ProcessType("relion.refine3d", "Refine3D", 10),
    ProcessType("relion.polish.legacy", "Polish", 11),
    ProcessType("relion.maskcreate", "MaskCreate", 12),
    ProcessType("relion.joinstar", "JoinStar", 13),
    ProcessType("relion.subtract", "Subtract", 14),
    ProcessType("relion.postprocess", "PostProcess", 15),
    ProcessType("relion.localres", "LocalRes", 16),
    ProcessType("relion.movierefine", "MovieRefine", 17),
    ProcessType("relion.initialmodel", "InitialModel", 18),
    ProcessType("relion.multibody", "MultiBody", 19),
    ProcessType("relion.polish", "Polish", 20),
    ProcessType("relion.ctfrefine", "CtfRefine", 21),
    ProcessType("relion.external", "External", 99),
    ProcessType("relion.dynamight", "DynaMight"),
    ProcessType("relion.modelangelo", "ModelAngelo"),
    ProcessType("modelangelo", "ModelAngelo"),
    ProcessType("relion.importtomo", "Import"),
    ProcessType("relion.excludetilts", "ExcludeTiltImages"),
    ProcessType("relion.aligntiltseries", "AlignTiltSeries"),
    ProcessType("relion.reconstructtomograms", "Tomograms"),
    ProcessType("relion.denoisetomo", "Denoise"),
    ProcessType("relion.picktomo", "Picks"),
    ProcessType("relion.pseudosubtomo", "Extract"),
    ProcessType("relion.reconstructparticletomo", "Reconstruct"),
    ProcessType("relion.ctfrefinetomo", "CtfRefine"),
    ProcessType("relion.framealigntomo", "Polish"),
)


def process_type(name: str | int) -> ProcessType:
    """Find a type by 3.1's number (also as text), by label with or without variant, by folder or job directory.

    "relion.import.movies" finds ``relion.import``; "Class2D/job003/" finds ``relion.class2d``. Raises
    ParameterError for what RELION does not know.
    """
    text = str(name).strip()
    found = (
        [known for known in PROCESS_TYPES if text.isdigit() and known.number == int(text)]
        or [known for known in PROCESS_TYPES if text == known.label]
        or sorted((known for known in PROCESS_TYPES if text.startswith(known.label + ".")), key=lambda t: -len(t.label))
        or sorted(
            (known for known in PROCESS_TYPES if known.folder.lower() == text.split("/")[0].lower()),
            key=lambda t: (t.label.endswith(".legacy"), "tomo" in t.label),
        )
    )
    if not found:
        folders = ", ".join(sorted({known.folder for known in PROCESS_TYPES}))
        raise ParameterError(
            f"there is no job type {text!r}: give a folder ({folders}), a label like 'relion.class2d', or RELION 3.1's number."
        )
    return found[0]
