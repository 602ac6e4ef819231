"""Declarations of RELION's flags that are understood here without effect, or refused."""

from __future__ import annotations

from typing import Annotated

from relionlab.params import Parameter

Verbosity = Annotated[
    int,
    Parameter(label="Verbosity", help="0 prints warnings only.", tab="Expert", flag="--verb", bounds=(0, None)),
]


def ignored(flag: str, label: str) -> Parameter:
    """Declare a flag that is understood, and needs nothing to be done."""
    help_ = "Of RELION; understood, and without effect here."
    return Parameter(label=label, help=help_, tab="RELION only", flag=flag, level="developer", unused=True)


def refused(flag: str, label: str) -> Parameter:
    """Declare a flag that is refused in words: by the problems of its program."""
    help_ = "Of RELION; refused here, run RELION's program for it."
    return Parameter(label=label, help=help_, tab="RELION only", flag=flag, level="developer")
