"""What the first picture, mask panel and wizard need, loaded while nobody waits for it: each would take seconds longer."""

from __future__ import annotations

import functools
import importlib
import pkgutil

import numpy as np
import zmq.utils.garbage  # noqa: F401 - else the kernel's thread of messages loads it with its first large one, beside the others

import relionlab.jobs
import relionlab.widgets
import relionlab.workflows
from relionlab.display.style import backends
from relionlab.engine.maps import fsc, masks
from relionlab.engine.maps.random_phases import PhaseGenerator


@functools.cache
def load_libraries() -> None:
    """Load the libraries of pictures, and all of relionlab that jobs, forms and pages come to use; once, by the main thread
    alone (see :func:`relionlab.widgets.parts.watching.look_after`).
    """
    backends()
    for package in (relionlab.jobs, relionlab.workflows, relionlab.widgets):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)


@functools.cache
def compile_ahead() -> bool:
    """Compile the loops of masks and correlations; once. Returns that nothing is left."""
    ball = np.zeros((8, 8, 8), np.float32)
    ball[3:5, 3:5, 3:5] = 1
    spectrum = fsc.transform(masks.of_density(ball, 0.5, extend_px=1, width_px=1))
    fsc.fourier_shell_correlation(spectrum, spectrum, len(ball))
    fsc.randomised(spectrum, len(ball), first_shell=1, phases=PhaseGenerator(1))
    return False
