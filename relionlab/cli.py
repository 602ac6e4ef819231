"""The command line: ``relionlab PROGRAM flags…`` for every drop-in program, and a few commands of our own; alone, the lab.

Each program's flags and help come from its declaration. Faults of the user are one message on standard error and
exit status 1; ``--traceback`` or RELIONLAB_TRACEBACK=1 shows where they were raised.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from relionlab.errors import ParameterError, RelionlabError

if TYPE_CHECKING:
    from relionlab.project import JobDirectory

_GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Jobs and whole courses": {
        "run": ("relionlab.cli:run_job", "run or --continue the job in a job directory, or run a workflow in JSON"),
        "tutorial": (
            "relionlab.workflows.tutorial.command:main",
            "the whole course, from movies or particles, simulated or your own, to a sharpened map",
        ),
        "rebin": ("relionlab.workflows.rebin:main", "extract particles anew, recentred, at finer and finer binning"),
        "seeds": ("relionlab.workflows.seeds:main", "3D classes from a consensus and several random seeds, compared"),
        "simulate": (
            "relionlab.simulation.command:main",
            "movies or micrographs of known truth, for courses and tests",
        ),
    },
    "The project in this folder": {
        "clean": ("relionlab.project.keeping:clean", "move intermediate files of finished jobs to the Trash"),
        "delete": ("relionlab.project.keeping:delete", "move jobs to the Trash"),
        "undelete": ("relionlab.project.keeping:undelete", "bring jobs back from the Trash"),
        "empty_trash": ("relionlab.project.keeping:empty_trash", "remove for good what is in the Trash"),
        "rebuild": ("relionlab.project.keeping:rebuild", "make a lost default_pipeline.star from the job directories"),
        "convert": ("relionlab.project.converting:main", "turn a project or a job.star into another RELION's dialect"),
    },
    "Tables and help": {
        "star": ("relionlab.cli:star", "make, print and plot STAR tables; `relionlab star` lists how"),
        "detectors": (
            "relionlab.display.detectors:main",
            "list the detectors whose MTFs are known; --o draws the curves",
        ),
        "reference": ("relionlab.jobs.reference:main", "print the reference of all jobs and programs, in Markdown"),
        "lab": ("relionlab.lab.start:main", "open JupyterLab on the project in this folder, or in another one"),
        "notebooks": (
            "relionlab.lab.job_notebooks:main",
            "copy the course, and a notebook per job type, into a folder",
        ),
        "doctor": ("relionlab.workflows.doctor:main", "say what this machine has and what is missing"),
    },
}
"""Our own commands by what they are for: name -> (function that takes the arguments, what it does)."""

_COMMANDS = {name: entry for group in _GROUPS.values() for name, entry in group.items()}

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
    except OSError as error:
        from relionlab.io.disk import file_trouble

        again = "run the command again; a refinement goes on with --continue and its last run_itNNN_optimiser.star"
        return _fail(error, traced=traced, words=file_trouble(error, Path.cwd(), then=again))
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


_RUN_USAGE = """usage: relionlab run JOBDIR                          run a scheduled or failed job, as: relionlab run Class2D/job003/
       relionlab run JOBDIR --continue [NAME=VALUE …]  go on with one that has ended, or do what is missing in it
       relionlab run WORKFLOW.json                     run the jobs of a workflow, in the project of this folder

NAME is a parameter that may change on continuing, by its name in `relionlab reference JOBTYPE`, as nr_iter=40."""


def run_job(arguments: Sequence[str]) -> int:
    """Run or continue the job in a job directory: the process behind every job of a project."""
    place, *more = arguments or [""]
    if not place or place in ("--help", "-h") or (more and more[0] != "--continue"):
        print(_RUN_USAGE)
        return 0 if place in ("--help", "-h") else _USAGE_STATUS
    if place.endswith(".json"):
        from relionlab.workflows.json_workflow import main as run_workflow

        return run_workflow(place)
    from relionlab.project.running import run_job as run

    changes = dict(_assignment(text) for text in more[1:]) if more else None
    return 0 if run(Path(place), draw=_draw, changes=changes) == "finished" else 1


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ParameterError(
            f"run --continue: {text!r} is no change of a parameter; expected NAME=VALUE, as nr_iter=40."
        )
    return name, value


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
    if not rest or "--help" in rest or rest[0] == "-h":
        print(terminal_help(declared))
        return 0
    if "--version" in rest:
        return _version()
    try:
        parsed = declared.from_flags(rest)
        context = PlainContext(quiet=getattr(parsed, "verb", 1) == 0)
        if unused := parsed.without_effect():
            context.say(f"Without effect here: {', '.join(unused)}. `relionlab {declared.name} --help` says why.")
        parsed.run(context)
    except (RelionlabError, OSError):
        _mark(control, "RELION_JOB_EXIT_FAILURE")
        raise
    if parsed.pictured():
        _draw_into(Path(parsed.pictured()))
    _mark(control, "RELION_JOB_EXIT_SUCCESS")
    return 0


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        return _function("lab")([]) or 0
    if arguments[0] in ("--help", "-h", "help"):
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


def _fail(error: Exception, *, traced: bool, words: str = "") -> int:
    if traced:
        import traceback

        traceback.print_exception(error)
    else:
        print(f"relionlab: {words or error}", file=sys.stderr)
    return 1


def _version() -> int:
    from relionlab import __version__

    print(f"relionlab {__version__}")
    return 0


def _overview() -> str:
    from relionlab.jobs.registry import OWN_PROGRAMS, program_summaries

    summaries = program_summaries()
    theirs = {name: summary for name, summary in summaries.items() if name not in OWN_PROGRAMS}
    ours = {name: summary for name, summary in summaries.items() if name in OWN_PROGRAMS}
    lines = ["relionlab                    open JupyterLab on the project in this folder"]
    lines += ["relionlab PROGRAM flags…     a drop-in for RELION's program of this name; --help lists its flags"]
    lines += ["", *_entries(theirs), "", "Programs of our own, with flags of the same kind", "", *_entries(ours)]
    lines += ["", "relionlab COMMAND …          --help says how"]
    for heading, group in _GROUPS.items():
        lines += ["", heading, "", *_entries({name: summary for name, (_, summary) in group.items()})]
    lines += ["", "  --version          print the version", "  --traceback        show where an error was raised"]
    return "\n".join(lines)


def _entries(summaries: Mapping[str, str]) -> list[str]:
    return [f"  {name:<18} {summary}" for name, summary in summaries.items()]


def _without_pipeline_control(arguments: Sequence[str]) -> tuple[list[str], Path | None]:
    """Take RELION's --pipeline_control DIR out: the directory in which the program leaves its final marker."""
    flag = "--pipeline_control"
    rest = [
        part
        for argument in arguments
        for part in (argument.split("=", 1) if argument.startswith(f"{flag}=") else [argument])
    ]
    if flag not in rest:
        return rest, None
    place = rest.index(flag)
    if place + 1 == len(rest):
        raise ParameterError(f"{flag} needs a value (the job's directory).")
    return rest[:place] + rest[place + 2 :], Path(rest[place + 1])


def _mark(control: Path | None, marker: str) -> None:
    if control is not None:
        control.mkdir(parents=True, exist_ok=True)
        (control / marker).touch()


if __name__ == "__main__":
    sys.exit(main())
