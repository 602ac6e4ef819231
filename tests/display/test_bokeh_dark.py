"""The dark theme's colours of figures: every property that is set exists, else BokehJS draws nothing at all."""

from __future__ import annotations

import re
from pathlib import Path

import bokeh.models
import bokeh.plotting
from bokeh.model import Model

import relionlab.display

SCRIPT = (Path(relionlab.display.__file__).parent / "bokeh_dark.js").read_text()


def rules() -> list[tuple[str, list[str]]]:
    """Return what the script says: a pattern of models' names, and the properties that are set of them."""
    (axis,) = re.findall(r"const AXIS = \{(.*?)\};", SCRIPT, re.DOTALL)
    (table,) = re.findall(r"const ON_DARK = \[\n(.*?)\n\];", SCRIPT, re.DOTALL)
    found = re.findall(r"\[/(.*?)/, (\{.*?\}|AXIS)\]", table)
    return [(pattern, re.findall(r"(\w+):", axis if body == "AXIS" else body)) for pattern, body in found]


def test_every_model_has_the_properties_that_it_is_given():
    known = {name.rpartition(".")[2]: model for name, model in Model.model_class_reverse_map.items()}
    known["Figure"] = bokeh.plotting.figure
    assert len(rules()) == SCRIPT.count("[/^") + SCRIPT.count("[/Axis")
    for pattern, properties in rules():
        models = [model for name, model in known.items() if re.search(pattern, name)]
        assert models, pattern
        for model in models:
            assert set(properties) <= set(model.properties()), (model, pattern)
