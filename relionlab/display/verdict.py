"""What a 3D run has come to, in words and numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.class_averages import number
from relionlab.display.picture import Picture
from relionlab.display.style import both, thin_lines
from relionlab.jobs.refinement.outcome import outcome_of
from relionlab.jobs.refinement.verdict import Outcome, verdict


def verdict_picture(source: Outcome | str | Path) -> Picture:
    """Show the verdict on a 3D run as the caption, above a table of the numbers that it rests on.

    source  an outcome, or a job directory
    """
    import holoviews as hv

    run = source if isinstance(source, Outcome) else outcome_of(source)
    rows = [(what, value) for what, value in _numbers(run) if value != "–"]
    height = 0.5 + 0.25 * len(rows)
    table = hv.Table(
        {"Quantity": [what for what, _ in rows], "Value": [value for _, value in rows]}, ["Quantity"], ["Value"]
    )
    table = both(
        table,
        {"width": 480, "height": 40 + 25 * len(rows), "index_position": None},
        {"fig_inches": (6, height), "aspect": 6 / height, "max_rows": 40, "max_value_len": 60, "hooks": [thin_lines]},
    )
    return Picture(table, "Verdict", " ".join(verdict(run)))


def _numbers(run: Outcome) -> list[tuple[str, str]]:
    weights = run.best_weights
    shares = [f"{100 * share:.0f} %" for share in run.class_shares]
    return [
        ("Iterations", f"{run.iterations}"),
        ("Particles", f"{run.particles:,}" if run.particles else "–"),
        ("Resolution", _with(run.resolution_angstrom, " Å")),
        ("Nyquist limit", _with(run.nyquist_angstrom, " Å")),
        ("Step of the angles", _with(run.angular_step, "°")),
        ("Accuracy of the angles", _with(run.accuracy_rotations, "°")),
        ("Accuracy of the offsets", _with(run.accuracy_offsets, " Å")),
        ("Sampling compensation factor", _with(run.completeness, "")),
        ("Fourier space not measured", "–" if np.isnan(run.empty) else f"{100 * run.empty:.1f} %"),
        ("Classes", "–" if len(shares) < 2 else ", ".join(shares[:8]) + (" …" if len(shares) > 8 else "")),
        ("Probability of the best pose, median", "–" if weights is None else f"{np.median(weights):.2f}"),
    ]


def _with(value: float, unit: str) -> str:
    text = number(value)
    return text if text == "–" else f"{text}{unit}"
