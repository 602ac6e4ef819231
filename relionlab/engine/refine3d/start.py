"""The first model of a 3D refinement: its noise, and references on the particles' grey scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from relionlab.engine.fourier import irfft3_centred, radial_index, rfft3_centred
from relionlab.engine.refine3d.maximisation import signal_variance
from relionlab.engine.refine3d.state import Model
from relionlab.engine.refine3d.sums import Sums
from relionlab.errors import ComputeError

PROBED = 256
"""Particles by which the references' grey scale is found."""
_ROUNDS = 5
_CLOSE = 0.1  # relative: the next iteration finds the rest


def first_model(
    references: np.ndarray, sigma2: np.ndarray, *, pixel_size: float, offset_sigma: float, shell: int, shells_ahead: int
) -> Model:
    """Return the model before the first iteration.

    references  (class, n, n, n) filtered and masked
    sigma2      (group, n / 2 + 1) of the noise
    shell       last shell of the references
    """
    classes, n = len(references), references.shape[-1]
    return Model(
        references=references.astype(np.float32),
        pixel_size=pixel_size,
        class_share=np.full(classes, 1 / classes),
        tau2=signal_variance(references),
        sigma2=sigma2,
        scale=np.ones(len(sigma2)),
        offset_sigma=offset_sigma,
        mean_norm=1.0,
        radius=min(shell + shells_ahead, n // 2),
        resolution_shell=shell,
    )


def low_passed(maps: np.ndarray, shell: float) -> np.ndarray:
    """Return maps (…, n, n, n) whose transforms fall off as a raised cosine over three shells around ``shell``; float32."""
    n = maps.shape[-1]
    weight = np.clip((shell + 1.5 - radial_index(n, 3)) / 3, 0, 1)
    return irfft3_centred(rfft3_centred(maps) * (0.5 - 0.5 * np.cos(np.pi * weight)), n).astype(np.float32)


def on_grey_scale(model: Model, expect: Callable[[Model], Sums]) -> tuple[Model, float]:
    """Bring references of an unknown grey scale to that of the particles; return the factor as well.

    expect  makes an E-step over some particles (PROBED of them are enough)

    What the particles show of the references, <X, s CTF A> over |s CTF A|², is the factor that is missing; a few rounds find
    it from any scale, as long as the contrast has the right sign. Raises ComputeError if it has not.
    """
    total = 1.0
    for _ in range(_ROUNDS):
        sums = expect(model)
        auto = float(sums.auto.sum())
        factor = float(sums.cross.sum()) / auto if auto > 0 else 0.0
        if factor <= 0:
            raise ComputeError(
                "The particles do not resemble the reference in any view: the reference's contrast is inverted, or the"
                " particles' (they must be white on black, as the map), or it shows something else. Invert one of them"
                " (relionlab image_handler --multiply_constant -1), or give another reference."
            )
        references = (model.references * factor).astype(np.float32)
        model = replace(model, references=references, tau2=signal_variance(references))
        total *= factor
        if abs(factor - 1) < _CLOSE:
            break
    return model, total
