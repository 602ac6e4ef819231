"""How far the maps of a 3D run reach, iteration by iteration: correlation of the half-maps, or signal over noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.spectra import crossing, frequency_ticks, last_shells, level
from relionlab.display.style import PALETTE, faint_lines, line, panel
from relionlab.engine.maps.fsc import GOLD_STANDARD
from relionlab.errors import NodeError
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.refinement.rounds import Round, column, measured_fsc, rounds

_SIZE = (640, 380)
_LEAST = 1e-2  # signal over noise that is still drawn


def fsc_course(source: str | Path) -> Picture:
    """Draw the gold-standard FSC of every iteration of a refinement; of runs without halves, the signal-to-noise ratio of
    the largest class.

    source  a job directory
    """
    every = [one for one in rounds(source) if one.number > 0 or one.final]
    if not every:
        raise NodeError(
            f"{source} holds no iteration of a 3D run: expected a job directory with a run_it001_model.star."
        )
    tables = [read_star(one.models[0]) for one in every]
    curves = [measured_fsc(table) for table in tables]
    if curves[-1] is not None:
        known = [(one, curve) for one, curve in zip(every, curves, strict=True) if curve is not None]
        return _correlations(known, _frequency(tables[-1]))
    return _ratios(every, tables)


def _correlations(known: list[tuple[Round, np.ndarray]], frequency: np.ndarray) -> Picture:
    import holoviews as hv

    dims = (("frequency", "Spatial frequency (1/Å)"), ("fsc", "Fourier shell correlation"))
    filled = np.array([np.pad(curve, (0, len(frequency) - len(curve)), constant_values=np.nan) for _, curve in known])
    lines = [_first_and_last(known[i][0], frequency, filled[i], dims, i) for i in _chosen(len(known))]
    lines = [*([faint_lines(frequency, filled[:-1], dims)] if len(known) > 2 else []), *lines]
    lines += [level(value, lines, dims) for value in (GOLD_STANDARD, 0.5)]
    last = known[-1][1]
    told = f"the last: {last_shells(frequency[: len(last)], last, (GOLD_STANDARD, 0.5))}."
    drawn = panel(
        hv.Overlay(lines), "", _SIZE, legend="top_right", ylim=(-0.1, 1.05), xticks=frequency_ticks(lines),
        yticks=[(0, "0"), (0.143, "0.143"), (0.5, "0.5"), (1, "1")],
    )  # fmt: skip
    return Picture(
        drawn,
        "Fourier shell correlation per iteration",
        f"Half-map against half-map, without mask; {told} Dashed: 0.143 and 0.5. Grey: the iterations between. A curve ends"
        " where its iteration stopped to look.",
    )


def _ratios(every: list[Round], tables: list[dict[str, Table]]) -> Picture:
    import holoviews as hv

    dims = (("frequency", "Spatial frequency (1/Å)"), ("ssnr", "Signal-to-noise ratio"))
    shares = column(tables[-1]["model_classes"], "rlnClassDistribution")
    largest = int(np.nanargmax(shares)) + 1
    frequency = _frequency(tables[-1])[1:]
    curves = []
    for table in tables:
        values = np.asarray(table[f"model_class_{largest}"]["rlnSsnrMap"], np.float64)[1:]
        curves.append(np.where(values > _LEAST, values, np.nan))
    seen = [i for i, values in enumerate(curves) if np.isfinite(values).sum() > 2] or [len(curves) - 1]
    every, filled = [every[i] for i in seen], np.array([curves[i] for i in seen])
    lines = [_first_and_last(every[i], frequency, filled[i], dims, i) for i in _chosen(len(every))]
    lines = [*([faint_lines(frequency, filled[:-1], dims)] if len(every) > 2 else []), *lines]
    lines.append(level(1.0, lines, dims))
    drawn = panel(
        hv.Overlay(lines), "", _SIZE, legend="top_right", logy=True, ylim=(_LEAST, None), xticks=frequency_ticks(lines)
    )
    which = f"Class {largest}, the largest" if len(shares) > 1 else "The map"
    found = crossing(frequency, np.nan_to_num(filled[-1], nan=0.0), 1.0)
    told = f"; it is 1 at {1 / found:.1f} Å in the last iteration" if found else ""
    return Picture(
        drawn,
        "Signal-to-noise ratio per iteration",
        f"{which}{told}. Dashed: ratio 1, the estimated resolution. Grey: the iterations between. No half-maps were compared.",
    )


def _chosen(count: int) -> list[int]:
    """Return which curves are coloured: the first and the last."""
    return sorted({0, count - 1})


def _first_and_last(one: Round, x: np.ndarray, y: np.ndarray, dims: Any, index: int) -> Any:
    label = "final, all data" if one.final else f"iteration {one.number}"
    return line(x, y, dims, color=PALETTE[1 if index == 0 else 0], label=label, hover=True)


def _frequency(tables: dict[str, Table]) -> np.ndarray:
    return np.asarray(tables["model_class_1"]["rlnResolution"], np.float64)
