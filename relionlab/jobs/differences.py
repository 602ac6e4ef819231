"""What differs between a job and the defaults of its type, or another job, in words a person can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relionlab.params import Declared, to_text


@dataclass(frozen=True)
class Difference:
    """One parameter that differs.

    name            of the parameter
    label           what the form calls it
    value, default  the two values, of which the second is the one it is compared with
    unit            "" where there is none
    """

    name: str
    label: str
    value: Any
    default: Any
    unit: str = ""

    def __str__(self) -> str:
        """Return "Number of classes: 50 (default 1)"."""
        return f"{self.label}: {self._shown(self.value)} (default {self._shown(self.default)})"

    def _shown(self, value: Any) -> str:
        text = to_text(value)
        return f"{text} {self.unit}".strip() if text else "empty"


def differences(job: Declared, other: Declared | None = None) -> list[Difference]:
    """Return what differs from ``other``, or from the defaults; in the order of the form."""
    found = []
    for name in (name for names in type(job).tabs().values() for name in names):
        parameter = job.parameters()[name]
        value, default = getattr(job, name), job.default(name) if other is None else getattr(other, name)
        if value != default:
            unit = "" if parameter.unit == "unitless" else parameter.unit
            found.append(Difference(name, parameter.label, value, default, unit))
    return found
