"""Pictures of what is known against what was simulated."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display.truth_fsc import promised, truth_fsc


def test_half_maps_at_0_143_promise_half_signal():
    assert promised(np.array([1.0, 0.143, 0.0, -0.3])) == pytest.approx([1.0, 0.5, 0.0, 0.0], abs=1e-3)


def test_the_promise_is_drawn_beside_the_truth():
    frequency, halves = np.linspace(0, 0.1, 8), np.linspace(1, 0.143, 8)
    drawn = truth_fsc({"refined": (frequency, np.linspace(1, 0.6, 8))}, halves=(frequency, halves))
    promise = next(curve for curve in drawn.description.Curve if "promised" in curve.label)
    assert promise.dimension_values(1)[-1] == pytest.approx(0.5, abs=1e-3)
    assert "over-fitted" in drawn.caption
    alone = truth_fsc({"refined": (frequency, halves)})
    assert "over-fitted" not in alone.caption
    assert not [curve for curve in alone.description.Curve if "promised" in curve.label]
