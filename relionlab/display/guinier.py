"""The Guinier plot of a post-processing: amplitudes over squared frequency, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.style import PALETTE, line, panel
from relionlab.errors import StarError
from relionlab.io.star import read_star

_COLUMNS = {
    "rlnLogAmplitudesOriginal": "original",
    "rlnLogAmplitudesMTFCorrected": "MTF corrected",
    "rlnLogAmplitudesWeighted": "weighted by FSC",
    "rlnLogAmplitudesSharpened": "sharpened",
}
_NOTHING = -90.0  # below: RELION's word for no amplitude at all


def guinier(source: str | Path) -> Picture:
    """Draw the Guinier plot of a postprocess.star, with the line from which the B-factor was read."""
    import holoviews as hv

    tables = read_star(source)
    if "guinier" not in tables:
        raise StarError(
            f"{source} has no Guinier plot (table guinier): expected the postprocess.star of a PostProcess job."
        )
    table, general = tables["guinier"], tables["general"]
    x = np.asarray(table["rlnResolutionSquared"], np.float64)
    dims = (("squared", "Squared frequency (1/Å²)"), ("logarithm", "ln of the mean amplitude"))
    lines = [
        line(x, _drawable(table[label]), dims, color=color, label=words, hover=True)
        for (label, words), color in zip(_COLUMNS.items(), PALETTE, strict=False)
        if label in table
    ]
    b_factor = float(general.value("rlnBfactorUsedForSharpening"))
    told = f"B-factor applied: {b_factor:.0f} Å²"
    if "rlnFittedSlopeGuinierPlot" in general:
        slope, intercept = (float(general.value(f"rlnFitted{word}GuinierPlot")) for word in ("Slope", "Intercept"))
        lines.append(line(x, intercept + slope * x, dims, color="#000000", width=1, dash="dashed", label="fitted line"))
        told += f", four times the slope of the dashed line (r² = {float(general.value('rlnCorrelationFitGuinierPlot')):.2f})"
    drawn = panel(hv.Overlay(lines), "", (640, 380), legend="top_right", xticks=_ticks(x))
    return Picture(
        drawn, "Guinier plot", f"{told}. Sharpening should make the curve flat; frequency with its resolution in Å."
    )


def _drawable(column: Any) -> np.ndarray:
    values = np.asarray(column, np.float64)
    return np.where(values > _NOTHING, values, np.nan)


def _ticks(squared: np.ndarray) -> list[tuple[float, str]]:
    from relionlab.display.mosaic import round_length

    last = float(squared.max())
    step = round_length(last / 4)
    return [(step * i, f"{step * i:.3g}\n{(step * i) ** -0.5:.3g} Å") for i in range(1, int(last / step + 1e-9) + 1)]
