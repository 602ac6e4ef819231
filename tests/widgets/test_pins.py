"""The releases that work in JupyterLab: a test for each pin, so that a later release can be let in knowingly."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version
from pathlib import Path


def test_nglview_asks_for_the_javascript_that_it_ships():
    """4.0.1 asks for another version of its JavaScript than it ships, and shows nothing."""
    import nglview
    from nglview._frontend import __frontend_version__

    package = Path(inspect.getfile(nglview)).parent / "staticlab" / "package.json"
    assert version("nglview") == "4.0"
    if package.exists():
        shipped = re.search(r'"version":\s*"([^"]+)"', package.read_text())
        assert shipped is not None
        assert shipped.group(1) == __frontend_version__.lstrip("^~")


def test_jupyter_bokeh_is_the_release_without_echo():
    """4.1.0 sends changes made in Python back: five streamed rows become ten."""
    assert version("jupyter_bokeh") == "4.0.5"
