"""The rln labels: the type, the unit and the meaning of each STAR column.

The facts lie in ``labels.tsv`` beside this file: the labels that RELION 3.1.3 lists with ``--print_metadata_labels``
and those of RELION 1.x, 2.x, 4 and 5 that occur in files. The type of a column comes from here and never from the
look of its values, so that an identifier "01" stays "01".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

LabelType = Literal["string", "int", "float", "bool", "vector"]


@dataclass(frozen=True)
class Label:
    """One STAR column: its name without underscore, type, unit ("" if unitless) and meaning.

    A "bool" is written 0 or 1 and held as an integer; a "vector" is text of the form ``[1,2,3]``.
    """

    name: str
    type: LabelType
    unit: str = ""
    meaning: str = ""

    @property
    def is_text(self) -> bool:
        """Whether values are kept as text."""
        return self.type in ("string", "vector")


@cache
def labels() -> dict[str, Label]:
    """Return all known labels by name."""
    lines = files("relionlab.io").joinpath("labels.tsv").read_text(encoding="utf-8").splitlines()
    known = (Label(*line.split("\t")) for line in lines if line and not line.startswith("#"))  # type: ignore[arg-type]
    return {label.name: label for label in known}


def label(name: str) -> Label:
    """Return what is known of a label; an unknown one is text without unit.

    A leading underscore is allowed: ``label("_rlnDefocusU").unit == "Å"``.
    """
    bare = name.removeprefix("_")
    return labels().get(bare) or Label(bare, "string")
