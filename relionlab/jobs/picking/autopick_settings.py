"""With which settings micrographs were picked, so that a continued job knows what other thresholds ask for.

``.PICKNAME_settings.json`` in the job's folder keeps the settings of the last run; each file of maps keeps those it was made
with. A run that continues with other thresholds takes its picks anew from the maps that fit, in milliseconds; picks without
such maps stay, as they do in RELION, and that is said.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

from relionlab.io.atomic import atomic_write
from relionlab.jobs.picking.picking import Picking

_THRESHOLDS = ("threshold", "upper", "neighbour", "min_distance", "max_stddev", "min_average")
_RUNNING = ("micrographs", "output", "pickname", "write_maps", "read_maps", "unlimited_maps", "choice", "workers")


@dataclass(frozen=True)
class PickingSettings:
    """What decides on the maps, and what decides on the picks from them: name -> value, as text."""

    maps: dict[str, str]
    thresholds: dict[str, str]

    @classmethod
    def of(cls, picking: Picking) -> PickingSettings:
        """Return those of a picking."""
        values = {field.name: repr(getattr(picking, field.name)) for field in fields(picking)}
        thresholds = {name: values.pop(name) for name in _THRESHOLDS}
        return cls({name: value for name, value in values.items() if name not in _RUNNING}, thresholds)

    @property
    def of_maps(self) -> str:
        """What decides on the maps, in one line."""
        return json.dumps(self.maps, sort_keys=True)

    def changes(self, before: PickingSettings) -> str:
        """Return in words what is different now, "threshold 0.25 → 0.4"; empty if nothing is."""
        old, new = before.maps | before.thresholds, self.maps | self.thresholds
        return ", ".join(f"{name} {old.get(name)} → {new[name]}" for name in new if old.get(name) != new[name])


def read_settings(path: Path) -> PickingSettings | None:
    """Read the settings of the last run; ``None`` if there are none, as after a run of RELION."""
    try:
        kept = json.loads(path.read_text())
        return PickingSettings(kept["maps"], kept["thresholds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_settings(path: Path, settings: PickingSettings) -> None:
    """Keep the settings of this run."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps({"maps": settings.maps, "thresholds": settings.thresholds}, indent=1))
