"""Which job types and programs there are; each is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Generic, TypeVar

from relionlab.errors import ParameterError
from relionlab.jobs.base import Job, Program
from relionlab.jobs.process_types import process_type

T = TypeVar("T")

_JOBS = {
    "relion.import": "relionlab.jobs.importing.job:Import",
    "relion.motioncorr": "relionlab.jobs.motion.job:MotionCorr",
    "relion.ctffind": "relionlab.jobs.ctf.job:CtfFind",
    "relion.manualpick": "relionlab.jobs.picking.manualpick:ManualPick",
    "relion.autopick": "relionlab.jobs.picking.autopick:AutoPick",
    "relion.extract": "relionlab.jobs.extraction.job:Extract",
    "relion.sort": "relionlab.jobs.selecting.sort:Sort",
    "relion.joinstar": "relionlab.jobs.star.joinstar:JoinStar",
    "relion.class2d": "relionlab.jobs.refinement.class2d:Class2D",
    "relion.initialmodel": "relionlab.jobs.refinement.initial_model:InitialModel",
    "relion.class3d": "relionlab.jobs.refinement.class3d:Class3D",
    "relion.refine3d": "relionlab.jobs.refinement.refine3d:Refine3D",
    "relion.select": "relionlab.jobs.selecting.select:Select",
    "relion.maskcreate": "relionlab.jobs.maps.mask_job:MaskCreate",
    "relion.postprocess": "relionlab.jobs.maps.postprocess_job:PostProcess",
    "relion.localres": "relionlab.jobs.maps.localres_job:LocalRes",
}

_PROGRAMS = {
    "import": "relionlab.jobs.importing.program:ImportFiles",
    "run_motioncorr": "relionlab.jobs.motion.program:RunMotionCorr",
    "run_ctffind": "relionlab.jobs.ctf.program:RunCtffind",
    "compare_ctf": "relionlab.jobs.ctf.compare_program:CompareCtf",
    "manualpick": "relionlab.jobs.picking.manualpick_program:ManualPicking",
    "autopick": "relionlab.jobs.picking.autopick_program:Autopick",
    "preprocess": "relionlab.jobs.extraction.program:Preprocess",
    "particle_sort": "relionlab.jobs.selecting.particle_sort:ParticleSort",
    "particle_sets": "relionlab.jobs.star.particle_sets:ParticleSets",
    "optics_groups": "relionlab.jobs.star.optics_groups:OpticsGroups",
    "coordinates": "relionlab.jobs.picking.coordinates_program:Coordinates",
    "frealign": "relionlab.jobs.star.frealign:Frealign",
    "redo": "relionlab.jobs.star.redo:Redo",
    "refine": "relionlab.jobs.refinement.program:Refine",
    "reconstruct": "relionlab.jobs.reconstruction.reconstruct:Reconstruct",
    "project": "relionlab.jobs.reconstruction.project:Project",
    "align_symmetry": "relionlab.jobs.reconstruction.align_symmetry:AlignSymmetry",
    "particle_symmetry_expand": "relionlab.jobs.reconstruction.symmetry_expand:ParticleSymmetryExpand",
    "flip_hand": "relionlab.jobs.reconstruction.flip_hand:FlipHand",
    "class_selection": "relionlab.jobs.selecting.selection:ClassSelection",
    "star_handler": "relionlab.jobs.star.handler:StarHandler",
    "mask_create": "relionlab.jobs.maps.mask_program:CreateMask",
    "postprocess": "relionlab.jobs.maps.postprocess_program:Postprocess",
    "image_handler": "relionlab.jobs.maps.image_handler:ImageHandler",
}


OWN_PROGRAMS = (
    "particle_sets",
    "optics_groups",
    "coordinates",
    "compare_ctf",
    "frealign",
    "redo",
    "class_selection",
    "flip_hand",
)
"""Programs that RELION 3.1 has not."""

_RELION_ONLY = {
    "display": "look at pictures, and choose classes and particles, in the lab (`relionlab lab`, or `look(FILE)` of relionlab.widgets in a notebook), or choose classes by"
    " `relionlab class_selection`",
    "class_ranker": "choose classes by `relionlab class_selection`",
    "particle_subtract": "",
    "ctf_refine": "",
    "motion_refine": "",
    "flex_analyse": "",
    "localsym": "",
    "helix_toolbox": "",
    "tiltpair_plot": "",
    "find_tiltpairs": "",
    "particle_reposition": "",
    "prepare_subtomo": "",
    "convert_to_tiff": "",
    "estimate_gain": "",
    "external_reconstruct": "name a Python function that regularises the half-maps"
    " (RELIONLAB_RECONSTRUCT_HOOK=package.module:function)",
    "convert_star": "read the file with any program here, which takes STAR files of all RELIONs, or turn a whole project by"
    " `relionlab convert`",
    "stack_create": "cut and stack images by `relionlab preprocess --operate_on`",
    "pipeliner": "run a job by `relionlab run JOBDIR`",
    "scheduler": "run jobs in a row by `relionlab run WORKFLOW.json`",
}
"""Programs of RELION that are not here -> what to do instead, "" where only RELION does it."""

_PROGRAM_OF_JOB = {
    "motioncorr": "run_motioncorr",
    "ctffind": "run_ctffind",
    "extract": "preprocess",
    "sort": "particle_sort",
    "joinstar": "star_handler",
    "class2d": "refine",
    "initialmodel": "refine",
    "class3d": "refine",
    "refine3d": "refine",
    "select": "class_selection",
}
"""Job type -> the program that does its work, where the two have different names."""


class LazyClasses(Mapping[str, T], Generic[T]):
    """Names to classes, imported on access; names whose module is not installed are left out."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)

    def __getitem__(self, name: str) -> T:
        module, _, attribute = self._places[name].partition(":")
        return getattr(import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self._places and find_spec(self._places[str(name)].partition(":")[0]) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._places if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@cache
def job_types() -> Mapping[str, type[Job]]:
    """Return RELION 4's label -> job class, of all declared job types."""
    return LazyClasses(_JOBS)


@cache
def job_classes() -> Mapping[str, type[Job]]:
    """Return name of the class -> job class, of all declared job types; ``relionlab.jobs`` offers them by these names."""
    return LazyClasses({place.partition(":")[2]: place for place in _JOBS.values()})


@cache
def programs() -> Mapping[str, type[Program]]:
    """Return name -> program class, of all drop-in programs that take flags."""
    return LazyClasses(_PROGRAMS)


def job_type(name: str | int) -> type[Job]:
    """Return the job class for a label ("relion.select.split"), 3.1 number (7) or folder ("Select/job007/").

    Raises ParameterError where RELION knows no such type, or relionlab has not declared it yet.
    """
    found = process_type(name)
    if found.label not in job_types():
        raise ParameterError(
            f"{found.label} ({found.folder}) is a job type of RELION that relionlab cannot run yet; "
            f"it can run {', '.join(job_types())}. Run it with RELION in the same project."
        )
    return job_types()[found.label]


def program(name: str) -> type[Program]:
    """Return the program class of this name ("refine"; "relion_refine" and "relion_refine_mpi" too)."""
    plain = name.removeprefix("relion_").removesuffix("_mpi")
    if plain in _RELION_ONLY:
        instead = _RELION_ONLY[plain]
        raise ParameterError(
            f"relion_{plain} has no counterpart here: {instead + ', or ' if instead else ''}run it with RELION in the same project."
        )
    if plain not in programs():
        raise ParameterError(f"there is no program {name!r}.{_meant(plain)} There are: {', '.join(programs())}.")
    return programs()[plain]


def _meant(name: str) -> str:
    """Return a sentence that says which program may have been meant, "" if that is not known."""
    from difflib import get_close_matches

    jobs = {folder.lower(): folder for folder in job_classes()}
    close = next(iter(get_close_matches(name.lower(), [*programs(), *jobs], 1)), "")
    if close in _PROGRAM_OF_JOB:
        return f" {jobs[close]} is a job type; its work is done by `relionlab {_PROGRAM_OF_JOB[close]}`."
    return f" Did you mean {close}?" if close else ""


def program_summaries() -> dict[str, str]:
    """Return name -> what the program is for, of all drop-in programs."""
    return {name: (found.__doc__ or "").strip().splitlines()[0] for name, found in programs().items()}
