"""The command line: ``relionlab PROGRAM flags…`` for every drop-in program, and a few commands of our own.

Each program's flags and help come from its declaration. Faults of the user are one message on standard error and
exit status 1; ``--traceback`` or RELIONLAB_TRACEBACK=1 shows where they were raised.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from relionlab.errors import ParameterError, RelionlabError

if TYPE_CHECKING:
    from relionlab.project import JobDirectory

_COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("relionlab.cli:run_job", "run the job in a job directory, or the jobs of a workflow in JSON"),
    "star": ("relionlab.cli:star", "make, print and plot STAR tables; `relionlab star` lists how"),
    "tutorial": (
        "relionlab.workflows.tutorial:main",
        "the whole course, from movies to class averages: simulated ones, or your own",
    ),
    "simulate": ("relionlab.simulation.command:main", "movies or micrographs of known truth, for courses and tests"),
    "doctor": ("relionlab.workflows.doctor:main", "say what this machine has and what is missing"),
    "convert": ("relionlab.project.converting:main", "turn a project or a job.star into another RELION's dialect"),
    "reference": ("relionlab.jobs.reference:main", "print the reference of all jobs and programs, in Markdown"),
}
"""Our own commands: name -> (function that takes the arguments, what it is for)."""

_USAGE_STATUS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return the exit status: 0 done, 1 failed, 2 no such command."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    traced = "--traceback" in given or os.environ.get("RELIONLAB_TRACEBACK", "") not in ("", "0")
    given = [argument for argument in given if argument != "--traceback"]
    try:
        return _dispatch(given)
    except RelionlabError as error:
        return _fail(error, traced=traced)
    except BrokenPipeError:  # somebody piped us into head
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("relionlab: stopped by Ctrl-C.", file=sys.stderr)
        return 130


def star(arguments: Sequence[str]) -> int:
    """Make, print or plot STAR tables."""
    if arguments[:1] == ["plottable"]:
        from relionlab.display.column_plot import main as plot

        return plot(arguments[1:])
    from relionlab.jobs.star.commands import main as run

    return run(arguments)


def run_job(arguments: Sequence[str]) -> int:
    """Run the job in a job directory: the process behind every job of a project."""
    if len(arguments) != 1 or arguments[0] in ("--help", "-h"):
        print("usage: relionlab run JOBDIR          as: relionlab run Class2D/job003/")
        print("       relionlab run WORKFLOW.json   the jobs of a workflow, in the project of this folder")
        return 0 if "--help" in arguments else _USAGE_STATUS
    if arguments[0].endswith(".json"):
        from relionlab.workflows.json_workflow import main as run_workflow

        return run_workflow(arguments[0])
    from relionlab.project.running import run_job as run

    return 0 if run(Path(arguments[0]), draw=_draw) == "finished" else 1


def _draw(directory: JobDirectory) -> None:
    """Draw a finished job's pictures into its logfile.pdf."""
    from relionlab.display.logfile import write_logfile

    write_logfile(directory.path)


def _draw_into(directory: Path) -> None:
    """Draw a program's pictures; results without pictures are still results."""
    from relionlab.display.logfile import write_logfile

    try:
        write_logfile(directory)
    except Exception as error:  # noqa: BLE001
        print(f"WARNING: the pictures could not be drawn: {error}", file=sys.stderr)


def run_program(name: str, arguments: Sequence[str]) -> int:
    """Run a drop-in program in the current directory; without arguments, or with --help, print its flags."""
    from relionlab.jobs.context import PlainContext
    from relionlab.jobs.reference import terminal_help
    from relionlab.jobs.registry import program

    declared = program(name)
    rest, control = _without_pipeline_control(arguments)
    if not rest or rest[0] in ("--help", "-h"):
        print(terminal_help(declared))
        return 0
    if rest == ["--version"]:
        return _version()
    try:
        parsed = declared.from_flags(rest)
        parsed.run(PlainContext())
    except RelionlabError:
        _mark(control, "RELION_JOB_EXIT_FAILURE")
        raise
    if parsed.pictured():
        _draw_into(Path(parsed.pictured()))
    _mark(control, "RELION_JOB_EXIT_SUCCESS")
    return 0


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(_overview())
        return 0
    name, *rest = arguments
    if name in ("--version", "-V"):
        return _version()
    plain = name.removeprefix("relion_")
    if plain.startswith("star_") and _is_star_command(plain):  # relion_star_printtable -> star printtable
        return _function("star")([plain.removeprefix("star_"), *rest])
    if name in _COMMANDS:
        return _function(name)(rest) or 0
    return run_program(name, rest)


def _is_star_command(name: str) -> bool:
    from relionlab.jobs.star.commands import NAMES

    return name.removeprefix("star_") in NAMES


def _function(name: str) -> Callable[[Sequence[str]], int | None]:
    module, _, function = _COMMANDS[name][0].partition(":")
    try:
        return getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ParameterError(f"`relionlab {name}` is not part of this installation ({module} is missing).") from None


def _fail(error: RelionlabError, *, traced: bool) -> int:
    if traced:
        import traceback

        traceback.print_exception(error)
    else:
        print(f"relionlab: {error}", file=sys.stderr)
    return 1


def _version() -> int:
    from relionlab import __version__

    print(f"relionlab {__version__}")
    return 0


def _overview() -> str:
    from relionlab.jobs.registry import program_summaries

    lines = ["relionlab PROGRAM flags…     a drop-in for RELION's program of this name; --help lists its flags", ""]
    lines += [f"  {name:<18} {summary}" for name, summary in program_summaries().items()]
    lines += ["", "relionlab COMMAND …", ""]
    lines += [f"  {name:<18} {summary}" for name, (_, summary) in _COMMANDS.items()]
    lines += ["", "  --version          print the version", "  --traceback        show where an error was raised"]
    return "\n".join(lines)


def _without_pipeline_control(arguments: Sequence[str]) -> tuple[list[str], Path | None]:
    """Take RELION's --pipeline_control DIR out: the directory in which the program leaves its final marker."""
    rest = list(arguments)
    if "--pipeline_control" not in rest:
        return rest, None
    place = rest.index("--pipeline_control")
    if place + 1 == len(rest):
        raise ParameterError("--pipeline_control needs a value (the job's directory).")
    control = Path(rest[place + 1])
    return rest[:place] + rest[place + 2 :], control


def _mark(control: Path | None, marker: str) -> None:
    if control is not None:
        control.mkdir(parents=True, exist_ok=True)
        (control / marker).touch()


if __name__ == "__main__":
    sys.exit(main())
