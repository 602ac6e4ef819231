"""Radiation damage: how fast the specimen's structure fades with the dose, frequency by frequency.

Source: Grant & Grigorieff (2015) eLife 4, e06980: critical exposure of rotavirus VP6 at 300 kV, 0.8 of it at 200 kV.
"""

from __future__ import annotations

from typing import Any

from relionlab.engine.array import namespace

_SCALE, _EXPONENT, _FLOOR = 0.24499, -1.6649, 2.8141
_AT_200_KV = 0.8


def critical_dose(frequency: Any, voltage_kv: float = 300.0) -> Any:
    """Return the dose in e/Å² after which the amplitude at a frequency (1/Å) has fallen to exp(-1/2).

    It is infinite at frequency 0. Voltages between 200 and 300 kV are interpolated, others take the nearer one's value.
    """
    xp = namespace(frequency)
    share = min(max((voltage_kv - 200) / 100, 0.0), 1.0)
    factor = _AT_200_KV + (1 - _AT_200_KV) * share
    safe = xp.maximum(frequency, 1e-10)
    return factor * (_SCALE * safe**_EXPONENT + _FLOOR)


def remaining_amplitude(frequency: Any, dose: float, *, voltage_kv: float = 300.0) -> Any:
    """Return the share of the amplitude at a frequency (1/Å) that is left after a dose in e/Å²."""
    xp = namespace(frequency)
    return xp.exp(-0.5 * dose / critical_dose(frequency, voltage_kv))


def mean_amplitude(frequency: Any, dose: float, *, voltage_kv: float = 300.0) -> Any:
    """Return the share of the amplitude at a frequency (1/Å) in an image exposed from 0 to a dose in e/Å²."""
    xp = namespace(frequency)
    rate = 0.5 * dose / critical_dose(frequency, voltage_kv)
    return -xp.expm1(-rate) / xp.maximum(rate, 1e-12)
