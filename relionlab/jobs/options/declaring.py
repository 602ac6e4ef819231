"""Declarations of RELION's flags that are understood here without effect, or refused."""

from __future__ import annotations

from relionlab.params import Parameter


def ignored(flag: str, label: str) -> Parameter:
    """Declare a flag that is understood, and needs nothing to be done."""
    help_ = "Of RELION; understood, and without effect here."
    return Parameter(label=label, help=help_, tab="RELION only", flag=flag, level="developer")


def refused(flag: str, label: str) -> Parameter:
    """Declare a switch that is refused in words."""
    help_ = "Of RELION; refused here, run RELION's program for it."
    return Parameter(label=label, help=help_, tab="RELION only", flag=flag, level="developer")
