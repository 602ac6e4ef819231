"""With which settings micrographs were picked, so that a continued job knows what other thresholds ask for.

``.PICKNAME_settings.json`` in the job's folder keeps the settings of the last run; each file of maps keeps those it was made
with. A run that continues with other thresholds takes its picks anew from the maps that fit, in milliseconds; picks without
such maps stay, as they do in RELION, and that is said.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from relionlab.io.atomic import atomic_write
from relionlab.jobs.picking import pick_files

if TYPE_CHECKING:
    from relionlab.jobs.context import Context
    from relionlab.jobs.picking.autopick_work import Picking, PickingRun

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


def settings_path(run: PickingRun) -> Path:
    """Return where the settings of the last run are kept."""
    return run.directory / run.picking.output / f".{run.picking.pickname}_settings.json"


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


def picked_again(context: Context, run: PickingRun) -> frozenset[int]:
    """Return the numbers of the micrographs whose finished picks are taken anew from their maps; say what is not.

    They are those with maps that were made with today's settings, if the thresholds have changed since the last run.
    """
    now, before = PickingSettings.of(run.picking), read_settings(settings_path(run))
    redone = run.picking.choice.again(run.names)
    fitting = _with_maps(run, now, redone)
    if run.picking.read_maps:
        others = [index for index in _with_maps(run, None, redone) if index not in fitting]
        if others:
            context.warn(
                f"warning: the maps of {len(others)} micrographs were made with other settings than those given now, which"
                " have no effect on them. Leave out --read_fom_maps to make them anew."
            )
        return frozenset()
    kept = run.picking.choice.only_unfinished or bool(redone)
    if not kept or before is None or not now.changes(before):
        return frozenset()
    stay = [i for i in range(len(run.names)) if i not in fitting and i not in redone and run.picks_path(i).exists()]
    if fitting:
        context.say(f" {now.changes(before)}: picks of {len(fitting)} micrographs are taken anew from their maps")
    if stay:
        context.warn(
            f"warning: {len(stay)} micrographs have no maps made with the settings given now and keep their picks of before"
            f" ({now.changes(before)}). --redo '*' picks them again; --write_fom_maps keeps maps for the next time."
        )
    return frozenset(fitting)


def _with_maps(run: PickingRun, settings: PickingSettings | None, redone: set[int]) -> Sequence[int]:
    """Return the numbers of the micrographs that have maps: of these settings, or, if ``None``, of any."""
    made = ((index, pick_files.made_with(run.root(index))) for index in range(len(run.names)) if index not in redone)
    return [i for i, by in made if by is not None and (settings is None or by == settings.of_maps)]
