"""Which maps of a model file a program takes: the largest class, the one of best resolution, or all."""

from __future__ import annotations

import numpy as np

from relionlab.errors import NodeError, ParameterError, StarError
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.context import Context


def maps_of_model(name: str, context: Context, *, largest: bool, finest: bool) -> list[str]:
    """Return the names of the maps of a run_itNNN_model.star: of all classes, or of the one that was asked for.

    largest  only the class with most particles
    finest   only the class of best resolution
    """
    if largest and finest:
        raise ParameterError(
            "--select_largest_class and --select_highest_resol exclude each other: leave one of the two out."
        )
    path = context.path(name)
    if not path.is_file():
        raise NodeError(f"{name} is not there (looked in {context.directory}): give a map or a model.star.")
    tables = read_star(path)
    if "model_classes" not in tables:
        raise StarError(f"{name} has no table model_classes, only {', '.join(tables) or 'nothing'}: give a model.star.")
    classes = tables["model_classes"]
    names = [str(found) for found in classes["rlnReferenceImage"]]
    if any("@" in found for found in names):
        raise StarError(f"{name} is of a 2D classification ({names[0]}); expected maps.")
    if not (largest or finest):
        return names
    row = _largest(classes, name) if largest else _finest(classes, name)
    return [names[row]]


def _largest(classes: Table, name: str) -> int:
    return int(np.argmax(_column(classes, "rlnClassDistribution", name)))


def _finest(classes: Table, name: str) -> int:
    return int(np.argmin(_column(classes, "rlnEstimatedResolution", name)))


def _column(classes: Table, label: str, name: str) -> np.ndarray:
    if label not in classes:
        raise StarError(
            f"{name} has no column {label}, by which a class is to be chosen: name one of the maps instead."
        )
    return np.asarray(classes[label], float)
