"""The stages of single-particle work, from raw images to local resolution, in the order of RELION's tutorial."""

from __future__ import annotations

from dataclasses import dataclass

from relionlab.jobs.base import Job
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.importing.job import Import
from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.motion.job import MotionCorr
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.manualpick import ManualPick
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.jobs.refinement.initial_model import InitialModel
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.selecting.select import Select
from relionlab.workflows.found_data import Kind

_IMAGES: tuple[Kind, ...] = ("movies", "micrographs")
_ALL: tuple[Kind, ...] = (*_IMAGES, "particles")


@dataclass(frozen=True)
class Stage:
    """One stage.

    name          short, as the notebook calls it: "motion"
    title         as a button would say it: "Correct motion"
    job           its job type
    follows       folders of the jobs that it follows
    waits         what it needs before it can begin, in words
    begins_with   the projects that need it: those that begin with movies, micrographs, particles
    by_templates  the round of picking by templates (True), the one before it (False); ``None``: either
    by_hand       nobody but the user can do it
    """

    name: str
    title: str
    job: type[Job]
    follows: tuple[str, ...]
    waits: str
    begins_with: tuple[Kind, ...] = _ALL
    by_templates: bool | None = None
    by_hand: bool = False


_MICROGRAPHS = "micrographs with their CTFs: estimate these first"
_CLASSES = "class averages: classify in 2D first"

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("import", "Import", Import, (), ""),
        Stage("motion", "Correct motion", MotionCorr, ("Import",), "movies: import them first", ("movies",)),
        Stage(
            "ctf",
            "Estimate CTFs",
            CtfFind,
            ("MotionCorr", "Import"),
            "micrographs: import them, or correct the movies, first",
            _IMAGES,
        ),
        Stage("by_hand", "Pick by hand", ManualPick, ("CtfFind", "Select"), _MICROGRAPHS, _IMAGES, by_hand=True),
        Stage(
            "by_size",
            "Pick by size",
            AutoPick,
            ("CtfFind", "Select", "ManualPick"),
            _MICROGRAPHS,
            _IMAGES,
            by_templates=False,
        ),
        Stage(
            "extract",
            "Extract particles",
            Extract,
            ("AutoPick", "ManualPick", "Import"),
            "picks: pick first",
            _IMAGES,
            by_templates=False,
        ),
        Stage(
            "class2d",
            "2D classification",
            Class2D,
            ("Extract", "JoinStar", "Import"),
            "particles: extract or import them first",
            by_templates=False,
        ),
        Stage("select", "Keep good classes", Select, ("Class2D",), _CLASSES, by_templates=False),
        Stage(
            "by_templates",
            "Pick by templates",
            AutoPick,
            ("Select",),
            "chosen class averages: keep good ones first",
            _IMAGES,
            by_templates=True,
        ),
        Stage(
            "extract_again",
            "Extract particles",
            Extract,
            ("AutoPick",),
            "picks by templates",
            _IMAGES,
            by_templates=True,
        ),
        Stage(
            "class2d_again",
            "2D classification",
            Class2D,
            ("Extract",),
            "particles that were picked by templates",
            _IMAGES,
            by_templates=True,
        ),
        Stage("select_again", "Keep good classes", Select, ("Class2D",), _CLASSES, _IMAGES, by_templates=True),
        Stage(
            "initial_model",
            "Initial model",
            InitialModel,
            ("Select", "JoinStar", "Import"),
            "chosen particles: keep good 2D classes first",
        ),
        Stage(
            "class3d",
            "3D classification",
            Class3D,
            ("InitialModel", "Import"),
            "a first map: make an initial model first",
        ),
        Stage("select_maps", "Keep good maps", Select, ("Class3D",), "maps to choose from: classify in 3D first"),
        Stage(
            "refine",
            "Refine",
            Refine3D,
            ("Select", "InitialModel", "Import"),
            "a map and particles: make an initial model first",
        ),
        Stage("mask", "Make a mask", MaskCreate, ("Refine3D",), "a refined map: refine first"),
        Stage(
            "sharpen",
            "Sharpen",
            PostProcess,
            ("MaskCreate", "Refine3D"),
            "half-maps and a mask: refine, and make a mask, first",
        ),
        Stage("local", "Local resolution", LocalRes, ("PostProcess",), "a sharpened map: sharpen first"),
    )
}
"""Name -> stage, in the order of the workflow."""
