"""Other regularisers in an auto-refinement: a Python function of the user's that gets the half-maps of each iteration.

Named by the setting ``reconstruct_hook`` (RELIONLAB_RECONSTRUCT_HOOK) as "package.module:function", and called as
``first, second = function(first, second, fsc)`` with the half-maps (n, n, n) float32, regularised by the usual prior and not
masked, and their FSC (n / 2 + 1,). What it returns is masked and goes on as the references of the next iteration; the last
half-maps, from which the resolution is measured, are never touched.
"""

from __future__ import annotations

import importlib

import numpy as np

from relionlab.engine.refine3d.halves import Hook
from relionlab.errors import ComputeError, ParameterError


def hook_named(name: str) -> Hook | None:
    """Return the function of a name, checked in what it returns; ``None`` for an empty name.

    Raises ParameterError if there is no such function.
    """
    if not name:
        return None
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ParameterError(
            f"The setting reconstruct_hook is {name!r}, which cannot be loaded ({error}): expected package.module:function, of a"
            " module that Python finds (PYTHONPATH)."
        ) from None

    def checked(first: np.ndarray, second: np.ndarray, fsc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        maps = [np.asarray(each, np.float32) for each in found(first, second, fsc)]
        if len(maps) != 2 or any(each.shape != first.shape or not np.isfinite(each).all() for each in maps):
            raise ComputeError(
                f"reconstruct_hook {name} returned {len(maps)} maps of {[each.shape for each in maps]}; expected two finite ones of"
                f" {first.shape}, half-maps 1 and 2. Mend it, or unset RELIONLAB_RECONSTRUCT_HOOK."
            )
        return maps[0], maps[1]

    return checked
