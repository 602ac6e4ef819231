"""No widget takes a name that ipywidgets uses for something else: its own machinery would call ours by mistake."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import anywidget
import ipywidgets as w

import relionlab.widgets


def test_widgets_leave_the_names_of_ipywidgets_alone():
    theirs = {name for base in (w.VBox, anywidget.AnyWidget) for name in dir(base) if name.startswith("_")}
    declared = {"_esm", "_css"}  # that is how anywidget is told of the JavaScript
    own_book_keeping = set(vars(type("Empty", (anywidget.AnyWidget,), {})))
    taken = []
    for found in pkgutil.walk_packages(relionlab.widgets.__path__, "relionlab.widgets."):
        for name, kind in vars(importlib.import_module(found.name)).items():
            if inspect.isclass(kind) and issubclass(kind, w.Widget) and kind.__module__ == found.name:
                names = {n for n in vars(kind) if not n.startswith("__")} & theirs - declared - own_book_keeping
                taken += [f"{found.name}.{name}.{own}" for own in names if not own.startswith(("_trait", "_all_trait"))]
    assert taken == []
