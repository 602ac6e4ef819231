"""What 2D and 3D runs say of the memory that they need, and how they find out what there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relionlab.engine.heap import return_freed_memory
from relionlab.engine.memory import KERNELS, MemoryPlan, available_memory, resident_memory
from relionlab.jobs.context import Context
from relionlab.settings import Settings

if TYPE_CHECKING:
    from relionlab.jobs.refinement.shared_run import SharedRun

_GROWN = 1.05  # less is not worth a line


def limit_of(settings: Settings) -> int:
    """Return the bytes that a run may use."""
    return int(0.9 * (int(settings.memory_gigabytes * 2**30) or available_memory()))


def program_of(run: SharedRun, resident: int | None) -> int:
    """Return the bytes that the process of a run holds beside what is planned.

    resident  that it holds now; ``None``: this process, which has read the particles
    """
    if resident is None:
        return_freed_memory()  # of looking at the images
        images = len(run.data.table) * run.data.box**2 * 4 if run.options.do_preread_images else 0
        resident = resident_memory() - images
    return max(resident, 0) + KERNELS


@dataclass
class Told:
    """What has been said."""

    context: Context
    _most: int = 0

    def beforehand(self, plan: MemoryPlan, first: MemoryPlan | None, *, limit: int) -> None:
        """Say what a run will need, and what it begins with where it may never come to that."""
        begun = "" if first is None else f", and about {first.total / 2**20:.0f} MB to begin with"
        self.context.say(
            f"Memory: about {plan}, which is with all shells{begun}; {limit / 2**20:.0f} MB may be used. An iteration that"
            " needs more than those before it says so."
        )

    def grown(self, plan: MemoryPlan) -> None:
        """Say what a pass needs if none before it needed so much."""
        if plan.total > _GROWN * self._most:
            self._most = plan.total
            self.context.say(f"Memory from here on: about {plan}.")
