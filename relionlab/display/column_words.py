"""Columns of STAR tables in words: headings with units, meanings, values with a sensible number of digits."""

from __future__ import annotations

import numpy as np

from relionlab.io.labels import label as describe


def heading(label: str) -> str:
    """Return how a column is called on the screen: "DefocusU (Å)"."""
    unit = describe(label).unit
    return label.removeprefix("rln") + (f" ({unit})" if unit and unit != "unitless" else "")


def meaning(label: str) -> str:
    """Return what a column means, in a sentence that begins with RELION's label."""
    told = describe(label)
    words = f": {told.meaning}" if told.meaning else ""
    return f"{label}{words}" + (f" ({told.unit})" if told.unit and told.unit != "unitless" else "")


def value_text(value: object) -> str:
    """Return a value with six digits at most; texts as they are."""
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    return str(value)


def value_with_unit(label: str, value: object) -> str:
    """Return a value with four digits and its unit, as it stands below an image."""
    unit = describe(label).unit
    if isinstance(value, float | np.floating):
        if unit == "Å" and abs(value) >= 5000:
            return f"{value / 1e4:.3g} µm"
        text = f"{value:.4g}"
    else:
        text = str(value)
        text = text.rpartition("/")[2] if "/" in text and "@" not in text else text
    return f"{text} {unit}".strip() if unit not in ("", "unitless") else text
