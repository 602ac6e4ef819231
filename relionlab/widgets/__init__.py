"""Pictures and parameters to interaction, in a notebook: the home page, forms, monitors, pickers, galleries, maps.

Nothing is computed here: each button calls one public method that a notebook user can call as well. A widget is loaded when
it is first asked for, so that a page with one of them does not wait for all.

What who writes a widget has to know, because nothing says it when it goes wrong:

* Never name a method or a trait of a widget ``open``, ``keys``, ``_compare``, or as anything else that ipywidgets' Widget has:
  it calls these itself while the widget is made. The page then stays empty without a word.
* Never set ipywidgets' ``tooltip`` on an anywidget: its view looks up the length of a ``description`` that an anywidget has
  not, and is not drawn. Set the element's ``title`` in the widget's own script.
* JupyterLab takes keys for commands of the notebook (d d deletes the cell): an element of ours that can have the focus
  carries the attribute ``data-lm-suppress-shortcuts="true"``.
* anywidget gives a model up that has not arrived after 2 s, as from a kernel that is busy: show widgets before slow work, and
  let heavy data follow.
* Voilà draws widgets without a notebook around them: a script asks for no INotebookTracker, nor for a cell.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relionlab.widgets.forms.form import JobForm
    from relionlab.widgets.gallery.gallery import ClassGallery
    from relionlab.widgets.gallery.image_gallery import ImageGallery
    from relionlab.widgets.gallery.image_tools import ImageTools
    from relionlab.widgets.gallery.looking import look
    from relionlab.widgets.gallery.star_view import StarView
    from relionlab.widgets.home.home import Home
    from relionlab.widgets.home.showing import show_in_home
    from relionlab.widgets.maps.mask_panel import MaskPanel
    from relionlab.widgets.maps.plot_view import PlotView
    from relionlab.widgets.maps.slice_view import SliceView
    from relionlab.widgets.maps.surface_view import SurfaceView
    from relionlab.widgets.monitor.monitor import JobMonitor
    from relionlab.widgets.picking.auto_picker import AutoPicker
    from relionlab.widgets.picking.manual_picker import ManualPicker
    from relionlab.widgets.pipeline.compare import CompareView
    from relionlab.widgets.pipeline.stage import StageView
    from relionlab.widgets.pipeline.sweep import SweepView

__all__ = [
    "AutoPicker",
    "ClassGallery",
    "CompareView",
    "Home",
    "ImageGallery",
    "ImageTools",
    "JobForm",
    "JobMonitor",
    "ManualPicker",
    "MaskPanel",
    "PlotView",
    "SliceView",
    "StageView",
    "StarView",
    "SurfaceView",
    "SweepView",
    "look",
    "show_in_home",
]

_PLACES = {
    "AutoPicker": "picking.auto_picker",
    "ClassGallery": "gallery.gallery",
    "CompareView": "pipeline.compare",
    "Home": "home.home",
    "ImageGallery": "gallery.image_gallery",
    "ImageTools": "gallery.image_tools",
    "JobForm": "forms.form",
    "JobMonitor": "monitor.monitor",
    "ManualPicker": "picking.manual_picker",
    "MaskPanel": "maps.mask_panel",
    "PlotView": "maps.plot_view",
    "SliceView": "maps.slice_view",
    "StageView": "pipeline.stage",
    "StarView": "gallery.star_view",
    "SurfaceView": "maps.surface_view",
    "SweepView": "pipeline.sweep",
    "look": "gallery.looking",
    "show_in_home": "home.showing",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
