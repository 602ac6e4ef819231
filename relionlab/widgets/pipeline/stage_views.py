"""What each stage of the workflow is looked at with: its picker, gallery, plots, maps or mask panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets as w

from relionlab.project import JobDirectory
from relionlab.widgets.parts.opening import Opener
from relionlab.widgets.pipeline.job_views import picker, view_of
from relionlab.workflows.model_views import BESIDE_CLASSES


@dataclass(frozen=True)
class Way:
    """A button below a stage.

    label  what it says
    tip    what it is for, in a line
    of     stages whose finished job is shown, the first that has one
    make   makes the widget of that job
    """

    label: str
    tip: str
    of: tuple[str, ...]
    make: Callable[[JobDirectory, Opener], w.Widget]
    icon: str = ""


def ways_of(stage: str) -> tuple[Way, ...]:
    """Return what can be looked at in a stage."""
    return _WAYS.get(stage, ())


# A widget is imported when it is asked for, so that a page of nineteen stages does not load them all.


def _plots(job: JobDirectory, _opener: Opener) -> w.Widget:
    from relionlab.widgets.maps.plot_view import PlotView

    return PlotView(job)


def _by_hand(job: JobDirectory, opener: Opener) -> w.Widget:
    return picker(job)(opener)


def _tested(job: JobDirectory, _opener: Opener) -> w.Widget:
    from relionlab.widgets.maps.plot_view import PlotView

    return PlotView(job, plot=BESIDE_CLASSES)


def _view(key: str) -> Callable[[JobDirectory, Opener], w.Widget]:
    """Return what makes the same widget as a job's page does."""
    return lambda job, opener: view_of(job, key).make(opener)


def _pick(stage: str, *before: str) -> Way:
    return Way("Pick by hand", "Click on particles; saved as you click", (stage, *before), _by_hand, "mouse-pointer")


def _tune(stage: str) -> Way:
    tip = "Drag the thresholds on several micrographs at once, then pick all with them"
    return Way("Tune the picks", tip, (stage,), _view("tune"), "sliders")


def _choose(*stages: str) -> Way:
    return Way(
        "Choose classes",
        "Click the good class averages, and save them as a selection",
        stages,
        _view("classes"),
        "check",
    )


def _gallery(label: str, tip: str, *stages: str) -> Way:
    return Way(label, tip, stages, _view("gallery"), "th")


def _map_ways(stage: str) -> tuple[Way, ...]:
    slices = Way("Slices", "Three slices: the way to look that hides nothing", (stage,), _view("slices"), "clone")
    return slices, Way("Surface", "The map as a surface, to turn", (stage,), _view("surface"), "cube")


def _curves(label: str, tip: str, stage: str) -> Way:
    return Way(label, tip, (stage,), _plots, "line-chart")


_PARTICLES = "The extracted particles as images"

_WAYS: dict[str, tuple[Way, ...]] = {
    "motion": (_curves("Tracks", "How far each movie moved, and how", "motion"),),
    "ctf": (
        _curves("Fits", "The fitted rings of each micrograph, and the defocus over time", "ctf"),
        _gallery("Micrographs", "Look through them, sort them by any column, keep the good ones", "ctf"),
    ),
    "by_hand": (_pick("by_hand", "ctf"),),
    "by_size": (_tune("by_size"),),
    "extract": (_gallery("Particles", _PARTICLES, "extract"),),
    "class2d": (_choose("class2d"),),
    "select": (_choose("class2d"), _gallery("Kept particles", _PARTICLES, "select")),
    "by_templates": (_tune("by_templates"),),
    "extract_again": (_gallery("Particles", _PARTICLES, "extract_again"),),
    "class2d_again": (_choose("class2d_again"),),
    "select_again": (_choose("class2d_again"), _gallery("Kept particles", _PARTICLES, "select_again")),
    "initial_model": (
        *_map_ways("initial_model"),
        Way("Test it", "Its projections beside the class averages", ("initial_model",), _tested, "check"),
    ),
    "class3d": (*_map_ways("class3d"), _curves("Curves", "Viewing directions and resolution", "class3d")),
    "select_maps": _map_ways("class3d"),
    "refine": (*_map_ways("refine"), _curves("Curves", "Correlation of the halves, viewing directions", "refine")),
    "mask": (
        Way(
            "Drag the mask",
            "Threshold and edge by sliders; the resolution follows",
            ("refine",),
            _view("mask"),
            "sliders",
        ),
        Way("Slices", "The mask in three slices", ("mask",), _view("slices"), "clone"),
    ),
    "sharpen": (*_map_ways("sharpen"), _curves("Curves", "The correlations, and the Guinier plot", "sharpen")),
    "local": _map_ways("local"),
}
