"""Which micrographs of a continued job are picked anew: those whose maps fit today's settings, if the thresholds have changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from relionlab.jobs.context import Context
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick_settings import PickingSettings, read_settings
from relionlab.jobs.picking.autopick_work import PickingRun


def settings_path(run: PickingRun) -> Path:
    """Return where the settings of the last run are kept."""
    return run.directory / run.picking.output / f".{run.picking.pickname}_settings.json"


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
