"""What a mask, a post-processing or local resolutions came to."""

from __future__ import annotations

import numpy as np

from relionlab.io.images import read_map
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.maps.curves import Curves
from relionlab.jobs.maps.verdict import verdict
from relionlab.workflows.outcome import Grade, Number, Outcome, Shown
from relionlab.workflows.outcomes.place import Place

TOO_MUCH = 0.5
"""Share of the box beyond which a mask keeps solvent rather than take it away."""
SOFT = 2.0
"""px below which a mask's edge is hard; RELION's tutorials give 3 to 6."""
LEAKS = 0.05
"""Phase-randomised correlation at the estimate beyond which the mask makes resolution (Chen et al. 2013, Ultramicroscopy 135, 24)."""
USUAL_B = (-500.0, -5.0)
"""Å²: B-factors of sharpening lie between; 100 to 200 is usual (Rosenthal & Henderson 2003, J. Mol. Biol. 333, 721)."""
_DALTON_PER_VOLUME = 0.81  # Da/Å³ of protein (Matthews 1968)


def masked(place: Place) -> Outcome:
    """Judge a MaskCreate job: volume, softness, and whether it touches the box."""
    mask, pixel = read_map(place.file("mask.mrc"))
    inside = float((mask > 0.5).mean())
    edge = _edge(mask)
    rim = max(float(np.max(np.take(mask, (0, -1), axis))) for axis in range(3))
    volume = float((mask > 0.5).sum()) * (pixel or np.nan) ** 3
    numbers = (
        Number("Of the box", 100 * inside, "%"),
        Number("Volume", volume / 1000, "nm³"),
        Number("Protein that fills it", volume * _DALTON_PER_VOLUME / 1000, "kDa"),
        Number("Soft edge, about", edge, "px"),
    )
    pictures = (Shown("Slices", lambda: _slices(place, "mask.mrc")),)
    return Outcome(f"{100 * inside:.1f} % of the box", numbers, *_judged_mask(inside, edge, rim), pictures)


def _judged_mask(inside: float, edge: float, rim: float) -> tuple[Grade, str, str]:
    if inside == 0:
        return "bad", "The mask is empty: no voxel of the map is above the threshold.", "Lower the initial threshold."
    if rim > 0.5:
        return (
            "doubtful",
            "The mask reaches the edge of the box.",
            "Raise the initial threshold until only the particle is left.",
        )
    if inside > TOO_MUCH:
        return (
            "doubtful",
            f"The mask keeps {100 * inside:.0f} % of the box, most of it solvent.",
            "Raise the initial threshold.",
        )
    if edge < SOFT:
        return "doubtful", "The mask's edge is hard: it will correlate by itself.", "Give a soft edge of 5 px or more."
    return (
        "good",
        "The mask takes the solvent away, has a soft edge, and does not touch the box.",
        "Look whether it holds all of the particle.",
    )


def _edge(mask: np.ndarray) -> float:
    """Return about how wide the soft edge is in px: its voxels over the surface of a ball as large as the mask."""
    surface = (36 * np.pi * float((mask > 0.5).sum()) ** 2) ** (1 / 3)
    return float(((mask > 0.01) & (mask < 0.99)).sum()) / max(surface, 1.0)


def sharpened(place: Place) -> Outcome:
    """Judge a PostProcess job: resolution, whether the mask can be trusted, the B-factor."""
    tables = read_star(place.file("postprocess.star"))
    general, shells = tables["general"], tables["fsc"]
    curves = _curves(shells, _number(general, "rlnRandomiseFrom"))
    last = len(curves.true) - 1
    extent = float(shells["rlnAngstromResolution"][1])
    resolution = _number(general, "rlnFinalResolution")
    b_factor = _number(general, "rlnBfactorUsedForSharpening")
    at = float(curves.random[curves.shell]) if curves.random is not None else np.nan
    numbers = (
        Number("Resolution", resolution, "Å"),
        Number("Nyquist limit", extent / last, "Å"),
        Number("B-factor", b_factor, "Å²"),
        Number("Mask's own correlation", round(at, 2) + 0.0),
    )
    told = verdict(curves, pixel_size=extent / last / 2, box=2 * last)
    guinier = [Shown("Guinier plot", lambda: _post(place, 1))] if "guinier" in tables else []
    pictures = [
        Shown("Correlations", lambda: _post(place, 0)),
        *guinier,
        Shown("Sharpened map", lambda: _post(place, -1)),
    ]
    grade, advice = _judged_sharpening(curves, b_factor=b_factor, at=at)
    return Outcome(f"{resolution:.2f} Å, B {b_factor:.0f} Å²", numbers, grade, told, advice, tuple(pictures))


def _judged_sharpening(curves: Curves, *, b_factor: float, at: float) -> tuple[Grade, str]:
    if curves.shell == 0:
        return "bad", "See whether both half-maps are of one refinement."
    if at > LEAKS:
        return "doubtful", "Make the mask wider and softer, and sharpen again."
    if curves.random is None:
        return "doubtful", "Make a mask from the refined map and sharpen again with it."
    if np.isfinite(b_factor) and b_factor != 0 and not USUAL_B[0] <= b_factor <= USUAL_B[1]:
        return "doubtful", f"A B-factor of {b_factor:.0f} Å² is unusual: see the Guinier plot, or give one of your own."
    return "good", ""


def resolved_locally(place: Place) -> Outcome:
    """Judge a LocalRes job: how the resolution is spread over the map."""
    from relionlab.display.local_resolution import local_resolution_spread

    low, middle, high = local_resolution_spread(place.path)
    numbers = (
        Number("Median", middle, "Å"),
        Number("5 % are finer than", low, "Å"),
        Number("95 % are finer than", high, "Å"),
    )
    pictures = (
        Shown("Coloured slices", lambda: _local(place, 1)),
        Shown("Histogram", lambda: _local(place, 0)),
    )
    headline = f"Median {middle:.2f} Å"
    if high > 2 * middle:
        reason = f"The coarsest parts ({high:.1f} Å) are far from the median: flexible, or solvent within the mask."
        return Outcome(
            headline, numbers, "doubtful", reason, "Trust fine detail only where the map is coloured fine.", pictures
        )
    return Outcome(headline, numbers, "good", "The resolution varies little over the map.", "", pictures)


def _curves(shells: Table, randomised: float) -> Curves:
    """Return the correlations in a postprocess.star; ``randomised``: Å beyond which phases were made random, or nan."""
    unmasked = shells.numbers("rlnFourierShellCorrelationUnmaskedMaps", np.nan)
    true = shells.numbers("rlnFourierShellCorrelationCorrected", np.nan)
    true = unmasked if np.isnan(true).all() else true
    masked = shells.numbers("rlnFourierShellCorrelationMaskedMaps", np.nan)
    random = shells.numbers("rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps", np.nan)
    if np.isnan(masked).all() or np.isnan(random).all():
        return Curves(unmasked, true)
    shell = float(shells["rlnAngstromResolution"][1]) / randomised  # nan where the file does not say
    return Curves(unmasked, true, masked, random, first_random=round(shell) if np.isfinite(shell) else len(true) - 1)


def _number(table: Table, label: str) -> float:
    return float(table.value(label)) if label in table else float("nan")


def _slices(place: Place, name: str) -> object:
    from relionlab.display.maps import ortho_slices

    return ortho_slices(place.file(name))


def _post(place: Place, index: int) -> object:
    from relionlab.display.postprocess import postprocess_pictures

    return postprocess_pictures(place.path)[index]


def _local(place: Place, index: int) -> object:
    from relionlab.display.local_resolution import local_resolution_pictures

    return local_resolution_pictures(place.path)[index]
