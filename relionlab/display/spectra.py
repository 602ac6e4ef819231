"""Curves over spatial frequency: signal-to-noise per class, and Fourier shell correlations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.results import latest_model
from relionlab.display.style import PALETTE, faint_lines, line, panel
from relionlab.engine.maps.fsc import resolution_shell
from relionlab.errors import StarError
from relionlab.io.star import read_star
from relionlab.io.table import Table

_FREQUENCY = ("frequency", "Spatial frequency (1/Å)")
_WITH_LEGEND = (800, 380)
"""Width and height of a panel whose legend stands beside it: curves that fall early would run under one inside."""
_FIRST = 5
"""Width of the first curve, the one that tells the resolution: it is seen on both sides of another that hides its middle."""
_FSC_COLUMNS = {
    "rlnFourierShellCorrelationCorrected": "corrected",
    "rlnFourierShellCorrelationMaskedMaps": "masked maps",
    "rlnFourierShellCorrelationUnmaskedMaps": "unmasked maps",
    "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps": "phase-randomised, masked",
    "rlnGoldStandardFsc": "gold standard",
}


def class_spectra(source: str | Path, *, most: int = 6) -> Picture:
    """Draw the spectral signal-to-noise ratio of each class, the ``most`` largest classes in colour.

    source  a run_itNNN_model.star, or a job directory (its last iteration)

    Where a curve falls below 1 is the class's estimated resolution.
    """
    import holoviews as hv

    model = latest_model(source)
    tables = read_star(model)
    share = np.asarray(tables["model_classes"]["rlnClassDistribution"], dtype=np.float64)
    order = np.argsort(-share, kind="stable")
    dims = (_FREQUENCY, ("ssnr", "Signal-to-noise ratio"))
    spectra = {k: tables[f"model_class_{k + 1}"] for k in order if share[k] > 0 and f"model_class_{k + 1}" in tables}
    if not spectra:
        raise StarError(f"{model} holds no spectra (tables model_class_1 …): expected a model.star of a refinement.")
    curves = {k: _positive(spectrum, "rlnSsnrMap") for k, spectrum in spectra.items()}
    frequency = next(iter(curves.values()))[0]
    coloured = list(curves)[:most]
    rest = [values for k, (_, values) in curves.items() if k not in coloured]
    lines = [faint_lines(frequency, np.array(rest), dims)] if rest else []
    lines += [
        line(frequency, curves[k][1], dims, color=PALETTE[i], label=f"class {k + 1}", hover=True)
        for i, k in enumerate(coloured)
    ]
    lines.append(level(1.0, lines, dims))
    drawn = panel(
        hv.Overlay(lines),
        "",
        (640, 380),
        legend="top_right",
        logy=True,
        ylim=(1e-2, None),
        xticks=frequency_ticks(lines),
    )
    return Picture(
        drawn,
        "Signal-to-noise ratio of the classes",
        f"Dashed: ratio 1, the class's estimated resolution. In colour the {len(coloured)} largest classes; frequency with its resolution in Å.",
    )


def fsc(source: str | Path | Table, *, threshold: float = 0.143) -> Picture:
    """Draw the Fourier shell correlations of a postprocess.star or model.star, with lines at the usual threshold and at 0.5.

    source  the file, or a table with rlnResolution (1/Å) and one or more FSC columns
    """
    import holoviews as hv

    table = source if isinstance(source, Table) else _fsc_table(Path(source))
    dims = (_FREQUENCY, ("fsc", "Fourier shell correlation"))
    frequency = np.asarray(table["rlnResolution"], dtype=np.float64)
    present = {label: words for label, words in _FSC_COLUMNS.items() if label in table}
    lines = [
        line(
            frequency,
            np.asarray(table[label], dtype=np.float64),
            dims,
            color=color,
            label=words,
            hover=True,
            width=width,
        )
        for (label, words), color, width in zip(present.items(), PALETTE, (_FIRST, *[2] * len(present)), strict=False)
    ]
    lines += [level(value, lines, dims) for value in sorted({threshold, 0.5})]
    first, name = next(iter(present.items()))
    told = f"{name}: {last_shells(frequency, np.asarray(table[first], dtype=np.float64), (threshold, 0.5))}."
    drawn = panel(hv.Overlay(lines), "", _WITH_LEGEND, legend="right", ylim=(-0.1, 1.05), xticks=frequency_ticks(lines))
    return Picture(
        drawn,
        "Fourier shell correlation",
        f"{told[0].upper()}{told[1:]} Dashed: {threshold:g} and 0.5. Frequency with its resolution in Å.",
    )


def crossing(frequency: np.ndarray, values: np.ndarray, threshold: float) -> float | None:
    """Return the frequency at which a curve first falls below a threshold (linear interpolation), if it does."""
    below = np.flatnonzero((values[1:] < threshold) & (values[:-1] >= threshold))
    if below.size == 0:
        return None
    i = below[0]
    part = (values[i] - threshold) / (values[i] - values[i + 1])
    return float(frequency[i] + part * (frequency[i + 1] - frequency[i]))


def last_shells(frequency: np.ndarray, curve: np.ndarray, thresholds: Sequence[float]) -> str:
    """Return the last shells of a correlation above thresholds, in words; a run tells its own resolution so.

    frequency, curve  (shells,) 1/Å, and the correlation from shell 0 on
    """
    told = []
    for threshold in thresholds:
        shell = resolution_shell(curve, threshold)
        if 0 < shell < len(curve) - 1:
            told.append(f"{1 / frequency[shell]:.2f} Å at {threshold:g}")
        elif shell:
            told.append(f"above {threshold:g} as far as was measured ({1 / frequency[-1]:.2f} Å)")
        else:
            told.append(f"below {threshold:g} from the beginning")
    return ", ".join(told)


def _fsc_table(path: Path) -> Table:
    tables = read_star(path)
    for name in ("fsc", "model_class_1"):
        if name in tables and any(label in tables[name] for label in _FSC_COLUMNS):
            return tables[name]
    raise StarError(
        f"{path} holds no Fourier shell correlation; expected a postprocess.star (table fsc) or a model.star."
    )


def _positive(spectrum: Table, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies and values that a logarithmic axis can show; shell 0 says nothing."""
    frequency = np.asarray(spectrum["rlnResolution"], dtype=np.float64)[1:]
    values = np.asarray(spectrum[label], dtype=np.float64)[1:]
    return frequency, np.where(values > 1e-3, values, np.nan)


def level(value: float, lines: list[Any], dims: tuple[Any, Any]) -> Any:
    """Return a thin dashed line at a value, as long as the longest of the curves."""
    last = max(float(np.nanmax(curve.dimension_values(0))) for curve in lines)
    return line(np.array([0.0, last]), np.array([value, value]), dims, color="#000000", width=1, dash="dashed")


def frequency_ticks(lines: list[Any]) -> list[tuple[float, str]]:
    """Return ticks at round frequencies, each with its resolution: "0.05 (20 Å)" on two lines."""
    from relionlab.display.mosaic import round_length

    last = max(float(np.nanmax(curve.dimension_values(0))) for curve in lines)
    step = round_length(last / 4)
    return [(step * i, f"{step * i:.3g}\n{1 / (step * i):.3g} Å") for i in range(1, int(last / step) + 1)]
