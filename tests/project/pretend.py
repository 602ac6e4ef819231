"""A job that pretends to work, for tests of everything around a job; as a script it runs a job directory."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from relionlab.errors import ComputeError
from relionlab.jobs import registry
from relionlab.jobs.base import Command, Job, Node, Program
from relionlab.jobs.context import Context
from relionlab.jobs.options.running import QueueOptions
from relionlab.params import Parameter

HERE = Path(__file__).resolve()
Fate = Literal["finish", "refuse", "crash", "lose", "memory", "vanish", "extra", "full"]
PARTICLES = "ParticleGroupMetadata.star.relion"


def parameter(name: str, **more: object) -> Parameter:
    return Parameter(label=name, help=name, tab="Pretend", key=name, flag=f"--{name}", **more)


class PretendProgram(Program):
    name: ClassVar[str] = "pretend"

    o: Annotated[str, parameter("o")] = ""
    steps: Annotated[int, parameter("steps")] = 3
    seconds: Annotated[float, parameter("seconds")] = 0.0
    fate: Annotated[Fate, parameter("fate")] = "finish"
    fn_cont: Annotated[str, parameter("fn_cont")] = ""

    def run(self, context: Context) -> None:
        begin = int(self.fn_cont.split("_it")[1][:3]) if self.fn_cont else 0
        context.say(f"beginning at step {begin}")
        for step in range(begin + 1, self.steps + 1):
            context.stop_if_asked()
            time.sleep(self.seconds)
            context.path(f"{self.o}run_it{step:03d}_data.star").write_text("data\n")
            context.path(f"{self.o}run_it{step:03d}_optimiser.star").write_text("optimiser\n")
            context.progress(step, self.steps, "steps")
        self._end(context)

    def _end(self, context: Context) -> None:
        if self.fate == "refuse":
            raise ComputeError("The reference has 3 px, the particles 4 px: rescale one of them.")
        if self.fate == "crash":
            raise ZeroDivisionError("one by nothing")
        if self.fate == "memory":
            raise MemoryError
        if self.fate == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.fate == "vanish":
            os._exit(9)
        if self.fate == "extra":
            from relionlab.project.pipeline import PipelineNode
            from relionlab.project.pipeline_file import write_output_nodes

            context.path(f"{self.o}part1.star").write_text("data\n")
            write_output_nodes(
                context.path(f"{self.o}RELION_OUTPUT_NODES.star"), [PipelineNode(f"{self.o}part1.star", PARTICLES)]
            )
        if self.fate != "lose":
            context.path(f"{self.o}particles.star").write_text("data\n")
        context.warn("a warning")


class Pretend(Job, QueueOptions):
    type_label: ClassVar[str] = "relion.external"
    type_number: ClassVar[int] = 99
    folder: ClassVar[str] = "External"

    fn_in: Annotated[str, Parameter(label="in", help="in", tab="Pretend", key="fn_in", node=PARTICLES)] = ""
    steps: Annotated[int, parameter("steps", on_continue=True, bounds=(1, 100))] = 3
    seconds: Annotated[float, parameter("seconds", on_continue=True)] = 0.0
    fate: Annotated[Fate, parameter("fate", on_continue=True)] = "finish"
    fn_cont: Annotated[str, parameter("fn_cont")] = ""
    nr_mpi: Annotated[int, parameter("nr_mpi")] = 1
    nr_threads: Annotated[int, parameter("nr_threads")] = 1

    def outputs(self, output: str) -> list[Node]:
        return [Node(f"{output}particles.star", PARTICLES)]

    def commands(self, output: str) -> list[Command]:
        values = {"o": output, "steps": self.steps, "seconds": self.seconds, "fate": self.fate, "fn_cont": self.fn_cont}
        return [Command("pretend", tuple(PretendProgram(**values).flags()))]


def register() -> dict[str, str | None]:
    """Let the registry know the pretending job, under its real name of this module; return what was there before."""
    sys.path.insert(0, str(HERE.parent))
    before = {"job": registry.job_types()._places.get("relion.external")}
    registry.job_types()._places["relion.external"] = "pretend:Pretend"
    registry.programs()._places["pretend"] = "pretend:PretendProgram"
    return before


def unregister(before: dict[str, str | None]) -> None:
    sys.path.remove(str(HERE.parent))
    registry.programs()._places.pop("pretend")
    registry.job_types()._places.pop("relion.external")
    if before["job"] is not None:
        registry.job_types()._places["relion.external"] = before["job"]


if __name__ == "__main__":
    from relionlab.project.running import run_job

    register()
    run_job(sys.argv[1])
