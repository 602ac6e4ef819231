"""The widgets that fit a job's results: what its page offers beside its pictures, one click away.

job_views(project.job("AutoPick/job004"))       # "tune", "picks", "correct"
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import ipywidgets as w

from relionlab.display.map_sources import local_resolution_of, map_files
from relionlab.display.results import model_files
from relionlab.errors import InputError, NodeError, RelionlabError
from relionlab.jobs.maps.mask_trial import half_map_of
from relionlab.jobs.refinement.rounds import is_three_dimensional
from relionlab.project import JobDirectory
from relionlab.widgets.parts.opening import Opener
from relionlab.workflows.picked import coordinates_node

_NOUNS = {
    "Import": "Gallery",
    "MotionCorr": "Micrographs",
    "CtfFind": "Micrographs",
    "Extract": "Particles",
    "Select": "Gallery",
    "JoinStar": "Gallery",
    "Polish": "Particles",
    "CtfRefine": "Particles",
    "Subtract": "Particles",
}
_SYMBOLS = {
    "gallery": "th",
    "classes": "th",
    "tune": "sliders",
    "picks": "dot-circle-o",
    "pick": "mouse-pointer",
    "correct": "mouse-pointer",
    "slices": "clone",
    "surface": "cube",
    "mask": "adjust",
    "plots": "line-chart",
}
_SCENE = (590, 440)  # px of the screen: beside the list of jobs
_PICTURE = 430  # px: a micrograph, with its list beside it
_BESIDE = 2  # micrographs beside each other, with the sliders
_HALVES = ("Refine3D", "MaskCreate", "PostProcess", "LocalRes")
_PLOTTED = ("MotionCorr", "CtfFind", "PostProcess", "LocalRes")
_PLOT_TIP = "One plot at a time, large, to be saved as PNG or PDF: convergence, particles, viewing directions and more"
_PLOT_TIPS = {
    "MotionCorr": "The track of each movie, and the motion of all; to be saved as PNG or PDF",
    "CtfFind": "The fit of each micrograph in 1D and 2D, and the defocus over time; to be saved as PNG or PDF",
    "PostProcess": "Correlations and Guinier plot, to be saved as PNG or PDF",
    "LocalRes": "Histogram and slices of the local resolution, to be saved as PNG or PDF",
}


@dataclass(frozen=True)
class JobView:
    """One widget that fits a job.

    key    by which it is found again: "tune", "picks", "pick", "correct", "gallery", "classes", "slices", "surface", "mask",
           "plots"
    label  what stands on its button
    tip    what it is for
    make   makes it; called with the place where it opens others
    """

    key: str
    label: str
    tip: str
    make: Callable[[Opener], w.Widget]

    @property
    def icon(self) -> str:
        """The symbol on its button."""
        return _SYMBOLS[self.key]


def job_views(directory: JobDirectory) -> tuple[JobView, ...]:
    """Return the widgets that fit what a job has made so far, the usual one first; empty while there is nothing."""
    if not directory.path.is_dir():
        return ()
    kind = directory.name.partition("/")[0]
    if kind == "ManualPick":
        return _by_hand(directory)
    if kind == "AutoPick":
        return _automatic(directory)
    if coordinates_node(directory) is not None and directory.state == "finished":
        return (_picks(directory), _correct(directory))
    plots = (_plots(directory),) if kind in _PLOTTED and directory.state == "finished" else ()
    if model_files(directory.path):
        found = _maps(directory) if is_three_dimensional(directory.path) else (_classes(directory),)
        return (*found, _plots(directory))
    if kind in _NOUNS:
        return (_gallery(directory, _NOUNS[kind]), *plots) if directory.state == "finished" else ()
    return (*_maps(directory), *plots)


def view_of(directory: JobDirectory, key: str) -> JobView:
    """Return one of a job's widgets by its key; raises NodeError if the job has none of that kind."""
    for view in job_views(directory):
        if view.key == key:
            return view
    raise NodeError(f"{directory.name} has nothing to be shown as {key!r} yet.")


# --- picks ----------------------------------------------------------------------------------------------------------


def _by_hand(directory: JobDirectory) -> tuple[JobView, ...]:
    if directory.state == "scheduled":
        return ()
    return (JobView("pick", "Pick by hand", "Open the micrographs and pick; what is there is kept", picker(directory)),)


def _automatic(directory: JobDirectory) -> tuple[JobView, ...]:
    from relionlab.jobs.picking.autopick import AutoPick

    found: list[JobView] = []
    with suppress(RelionlabError, OSError):
        if isinstance(directory.job, AutoPick):
            tip = "Drag threshold and distance while the picks of several micrographs follow"
            found.append(JobView("tune", "Tune thresholds", tip, _tuner(directory)))
    if directory.state == "finished":
        found += [_picks(directory), _correct(directory)]
    return tuple(found)


def _picks(directory: JobDirectory) -> JobView:
    def make(opener: Opener) -> w.Widget:
        from relionlab.widgets.gallery.picks_view import PicksView

        return PicksView(directory, opener=opener)

    return JobView("picks", "Picks", "One micrograph after the other, with what was picked on it", make)


def _correct(directory: JobDirectory) -> JobView:
    tip = "Correct these picks by hand, as a copy in a ManualPick job"
    return JobView("correct", "Correct by hand", tip, picker(directory))


def picker(directory: JobDirectory) -> Callable[[Opener], w.Widget]:
    """Return what opens the micrographs of a job for picking by hand, called with the place where it opens others."""

    def make(opener: Opener) -> w.Widget:
        from relionlab.widgets.gallery.linked import open_ctf, open_particles_of_micrograph
        from relionlab.widgets.picking.manual_picker import ManualPicker

        near = directory.path / "job.star"

        def ctf(name: str) -> w.Widget:
            return open_ctf(name, near=near, opener=opener)

        def particles(name: str) -> w.Widget:
            return open_particles_of_micrograph(name, near=near, opener=opener)

        return ManualPicker(directory, pixels=_PICTURE, on_ctf=ctf, on_particles=particles)

    return make


def _tuner(directory: JobDirectory) -> Callable[[Opener], w.Widget]:
    def make(opener: Opener) -> w.Widget:
        from relionlab.widgets.parts.opening import show_job
        from relionlab.widgets.picking.auto_picker import AutoPicker

        made = AutoPicker(directory, micrographs=_BESIDE, opener=opener)
        made.on_start(lambda started: show_job(opener, started))
        return made

    return make


def _plots(directory: JobDirectory) -> JobView:
    def make(_opener: Opener) -> w.Widget:
        from relionlab.widgets.maps.plot_view import PlotView

        return PlotView(directory)

    return JobView("plots", "Plots", _PLOT_TIPS.get(directory.name.partition("/")[0], _PLOT_TIP), make)


# --- images -------------------------------------------------------------------------------------------------------


def _gallery(directory: JobDirectory, label: str) -> JobView:
    def make(opener: Opener) -> w.Widget:
        from relionlab.widgets.gallery.image_gallery import ImageGallery
        from relionlab.widgets.gallery.star_view import StarView

        try:
            return ImageGallery(directory, opener=opener)
        except InputError:  # of movies, or of things that have no picture
            lists = [node.path for node in directory.outputs if node.path.endswith(".star")]
            if not lists:
                raise
            return StarView(directory.project.directory / lists[0], opener=opener)

    return JobView("gallery", label, "Look through them, sort, choose, and follow each to what belongs to it", make)


def _classes(directory: JobDirectory) -> JobView:
    def make(opener: Opener) -> w.Widget:
        from relionlab.widgets.gallery.gallery import ClassGallery

        return ClassGallery(directory, opener=opener)

    return JobView("classes", "Choose classes", "Class averages to choose from, and the particles of each", make)


# --- maps ---------------------------------------------------------------------------------------------------------


def _maps(directory: JobDirectory) -> tuple[JobView, ...]:
    try:
        map_files(directory.path)
    except (RelionlabError, OSError):
        return ()

    def slices(opener: Opener) -> w.Widget:
        from relionlab.widgets.maps.slice_view import SliceView

        return SliceView(directory, opener=opener)

    def surface(_opener: Opener) -> w.Widget:
        from relionlab.widgets.maps.surface_view import SurfaceView

        view = SurfaceView(directory, width=_SCENE[0], height=_SCENE[1])
        local = local_resolution_of(directory.path)
        if local is not None:
            view.colour_by(local)
        return view

    coloured = ", coloured by local resolution" if local_resolution_of(directory.path) is not None else ""
    found = [
        JobView("slices", "Slices", f"Three slices through the map{coloured}", slices),
        JobView("surface", "Surface", f"The map as a surface{coloured}", surface),
    ]
    halves = _half_maps(directory)
    if halves is not None:
        tip = "Drag threshold and edge of a mask: its outline, the masked FSC and the B-factor follow"
        found.append(JobView("mask", "Mask and sharpen", tip, _mask_panel(directory, halves)))
    return tuple(found)


def _mask_panel(directory: JobDirectory, halves: JobDirectory) -> Callable[[Opener], w.Widget]:
    def make(opener: Opener) -> w.Widget:
        from relionlab.jobs.maps.mask_job import MaskCreate
        from relionlab.widgets.maps.mask_panel import MaskPanel

        start = None
        with suppress(RelionlabError, OSError):
            start = directory.job if isinstance(directory.job, MaskCreate) else None
        return MaskPanel(halves, start=start, opener=opener)

    return make


def _half_maps(directory: JobDirectory) -> JobDirectory | None:
    """Return the refinement whose half-maps a job is about, itself or the nearest one that it was made from."""
    if directory.name.partition("/")[0] not in _HALVES:
        return None
    pipeline = directory.project.pipeline
    waiting, seen = [directory.name], set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name.startswith("Refine3D/"):
            refined = JobDirectory(directory.project, name)
            with suppress(NodeError):
                half_map_of(refined.path)
                return refined
        waiting += [maker for node in pipeline.inputs_of(name) if (maker := pipeline.maker(node.path))]
    return None
