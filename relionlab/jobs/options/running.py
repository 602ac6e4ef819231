"""RELION's Running tab, shared by all job types: processes, threads, queue, extra arguments.

A job inherits what its form has: :class:`QueueOptions` (Import, Select), :class:`ThreadOptions`,
:class:`MpiOptions`, or :class:`RunningOptions` for all of it:

    class Class2D(Job, RunningOptions): ...

Variables of a site's own queue template (``qsub_extra1`` …) are kept in ``Job.extra``.
"""

from __future__ import annotations

import shlex
from typing import Annotated

from relionlab.params import Declared, Parameter, When

_QUEUED = (When("do_queue"),)

MpiProcesses = Annotated[
    int,
    Parameter(
        label="Number of MPI processes",
        help="Processes that RELION would start. Here: the number of workers on which the job is spread. Results do not"
        " depend on it. Leave it at 1 to let the settings choose one worker per core.",
        tab="Running",
        key="nr_mpi",
        bounds=(1, None),
        suggested=(1, 64, 1),
        on_continue=True,
    ),
]

Threads = Annotated[
    int,
    Parameter(
        label="Number of threads",
        help="Threads per process. More threads share one copy of the references, so they need less memory than more"
        " processes.",
        tab="Running",
        key="nr_threads",
        flag="--j",
        bounds=(1, None),
        suggested=(1, 16, 1),
        on_continue=True,
    ),
]

SubmitToQueue = Annotated[
    bool,
    Parameter(
        label="Submit to queue",
        help="Hand the job to the cluster's queue instead of running it on this machine.",
        tab="Running",
        key="do_queue",
        on_continue=True,
    ),
]

QueueName = Annotated[
    str,
    Parameter(
        label="Queue name",
        help="Name of the queue or partition that takes the job; it replaces XXXqueueXXX in the submission script.",
        tab="Running",
        key="queuename",
        when=_QUEUED,
        on_continue=True,
    ),
]

SubmitCommand = Annotated[
    str,
    Parameter(
        label="Queue submit command",
        help="Command that submits a script: qsub, sbatch, bsub …",
        tab="Running",
        key="qsub",
        when=_QUEUED,
        on_continue=True,
    ),
]

SubmitScript = Annotated[
    str,
    Parameter(
        label="Submission script",
        help="Template of the script that is submitted. XXXcommandXXX, XXXqueueXXX, XXXmpinodesXXX, XXXthreadsXXX and"
        " XXXcoresXXX in it are replaced by this job's values. RELION's templates are understood.",
        tab="Running",
        key="qsubscript",
        pattern="*.{csh,sh,bash,script}",
        when=_QUEUED,
        on_continue=True,
    ),
]

MinimumDedicated = Annotated[
    int,
    Parameter(
        label="Minimum dedicated cores per node",
        help="Cores to ask for on each node, so that whole nodes are filled; it replaces XXXdedicatedXXX.",
        tab="Running",
        key="min_dedicated",
        bounds=(1, None),
        suggested=(1, 64, 1),
        when=_QUEUED,
        on_continue=True,
    ),
]

OtherArguments = Annotated[
    str,
    Parameter(
        label="Additional arguments",
        help="Flags that are added as they are to the command line, for what the form does not offer. They win over"
        " the form's values.",
        tab="Running",
        key="other_args",
        level="advanced",
        on_continue=True,
    ),
]


class MpiOptions(Declared):
    """The number of processes."""

    nr_mpi: MpiProcesses = 1

    def side_by_side(self) -> list[str]:
        """Return the flag by which a program that works micrograph by micrograph gets as many workers; 1: as it likes."""
        return ["--j", str(self.nr_mpi)] if self.nr_mpi > 1 else []


class ThreadOptions(Declared):
    """The number of threads."""

    nr_threads: Threads = 1


class QueueOptions(Declared):
    """Queue submission and additional arguments: the part of the Running tab that every job type has.

    RELION reads these defaults from its environment: ``min_dedicated`` is 24 in RELION 3.1 and 4, and the script's
    place is the installation's.
    """

    do_queue: SubmitToQueue = False
    queuename: QueueName = "openmpi"
    qsub: SubmitCommand = "qsub"
    qsubscript: SubmitScript = ""
    min_dedicated: MinimumDedicated = 1
    other_args: OtherArguments = ""

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        try:
            shlex.split(self.other_args)
        except ValueError as error:
            found.append(f"{self.called('other_args')} is {self.other_args!r}: {str(error).lower()}. Close the quote.")
        return found


class RunningOptions(QueueOptions, ThreadOptions, MpiOptions):
    """The whole Running tab."""

    def side_by_side(self) -> list[str]:
        """Return the flag for as many workers as there are threads in all processes; 1: as the program likes."""
        workers = self.nr_mpi * self.nr_threads
        return ["--j", str(workers)] if workers > 1 else []
