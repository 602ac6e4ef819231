"""Declarations of RELION's flags that are understood here without effect, or refused."""

from __future__ import annotations

from typing import Annotated, Any

from relionlab.params import Parameter


def ignored(kind: Any, flag: str, label: str) -> Any:
    """Declare a flag that is understood, and needs nothing to be done."""
    return Annotated[
        kind,
        Parameter(
            label=label, help="Of RELION; understood, and without effect here.", tab="RELION only", flag=flag,
            level="developer",
        ),
    ]  # fmt: skip


def refused(flag: str, label: str) -> Any:
    """Declare a switch that is refused in words."""
    return Annotated[
        bool,
        Parameter(
            label=label, help="Of RELION; refused here, run RELION's program for it.", tab="RELION only", flag=flag,
            level="developer",
        ),
    ]  # fmt: skip
