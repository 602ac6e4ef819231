"""Help for people, generated from the declarations: a page for the terminal, and the reference in Markdown."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Sequence

from relionlab.jobs.base import Job, Program
from relionlab.jobs.registry import job_types, programs
from relionlab.params import DIALECTS, Declared, Parameter, to_text

_WIDTH = 110
_INDENT = 8
_USAGE = """usage: relionlab reference [NAME]

Prints, in Markdown, what each parameter means: of all job types and programs, or of one, as Refine3D or star_handler."""


def terminal_help(declared: type[Declared]) -> str:
    """Return a program's flags with units, defaults and help, grouped as in the form."""
    lines = [f"relionlab {declared.program_name()}: {_summary(declared)}"]
    for paragraph in inspect.cleandoc(declared.__doc__ or "").partition("\n")[2].strip().split("\n\n"):
        if paragraph:
            lines += ["", *textwrap.wrap(" ".join(paragraph.split()), _WIDTH)]
    for tab, names in declared.tabs().items():
        described = [(name, declared.parameters()[name]) for name in names]
        shown = [(name, parameter) for name, parameter in described if parameter.flag is not None]
        if shown:
            lines += ["", f"== {tab} =="]
        for name, parameter in shown:
            lines += _flag_lines(declared, name, parameter)
    return "\n".join(lines)


def markdown_reference() -> str:
    """Return the reference page of every job type and program."""
    parts = ["# Jobs", ""]
    for label, job in job_types().items():
        parts += [f"## {job.folder} (`{label}`)", "", _prose(job), "", *job_table(job), ""]
    parts += ["# Programs", ""]
    for name, program in programs().items():
        parts += [f"## `relionlab {name}`", "", _prose(program), "", *_program_table(program), ""]
    return "\n".join(parts)


def main(arguments: Sequence[str]) -> int:
    """Print the reference, or that of the job or program named: ``relionlab reference star_handler``."""
    if arguments[:1] in (["--help"], ["-h"]):
        print(_USAGE)
        return 0
    if not arguments:
        print(markdown_reference())
        return 0
    from relionlab.jobs.registry import job_type, program

    name = arguments[0]
    if name in programs():
        print("\n".join([f"## `relionlab {name}`", "", _prose(program(name)), "", *_program_table(program(name))]))
    else:
        job = job_type(name)
        print("\n".join([f"## {job.folder} (`{job.type_label}`)", "", _prose(job), "", *job_table(job)]))
    return 0


def _flag_lines(declared: type[Declared], name: str, parameter: Parameter) -> list[str]:
    value = to_text(parameter.on_flag(declared.default(name)))
    plain, choices = declared.kind(name)
    flags = ", ".join((str(parameter.flag), *parameter.other_flags))
    if plain is bool:
        head = f"    {flags}    (off unless given)"
    else:
        unit = "" if parameter.unit == "unitless" else f" {parameter.unit}"
        default = "required" if parameter.required and not value else f"{value}{unit}" if value else "empty"
        head = f"    {flags} {_KIND_WORDS.get(plain, 'TEXT')}    ({default})"
    label = parameter.label if parameter.flag_if else f"Says No to: {parameter.label}"
    text = f"{label}{'' if label.endswith('?') else '.'} {parameter.help}"
    if parameter.flag_factor != 1:
        why = ", whose search is made finer" if parameter.flag_factor > 1 else ""
        text += f" The flag takes {parameter.flag_factor:.3g} times this, as RELION's does{why}."
    if choices:
        text += " One of: " + "; ".join(map(str, choices)) + "."
    indent = " " * _INDENT
    return [head, *textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)]


_KIND_WORDS = {int: "NUMBER", float: "NUMBER", str: "TEXT"}


def job_table(job: type[Job]) -> list[str]:
    """Return the parameters of a job type as the lines of a Markdown table."""
    lines = [
        "| parameter | label | default | unit | job.star | applies if | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in (name for names in job.tabs().values() for name in names):
        parameter = job.parameters()[name]
        conditions = " and ".join(map(str, parameter.when)) or "always"
        value = to_text(job.default(name)) or "empty"
        cells = (f"`{name}`", parameter.label, value, parameter.unit, _key(parameter), conditions, parameter.help)
        lines.append(_row(cells))
    return lines


def _program_table(program: type[Program]) -> list[str]:
    lines = ["| flag | label | default | unit | meaning |", "|---|---|---|---|---|"]
    for name, parameter in program.parameters().items():
        if parameter.flag is not None:
            value = to_text(parameter.on_flag(program.default(name))) or "empty"
            flags = ", ".join(f"`{flag}`" for flag in (parameter.flag, *parameter.other_flags))
            lines.append(_row((flags, parameter.label, value, parameter.unit, parameter.help)))
    return lines


def _key(parameter: Parameter) -> str:
    keys = {dialect: parameter.key_in(dialect) for dialect in DIALECTS}
    names = set(keys.values())
    if len(names) == 1:
        return f"`{name}`" if (name := names.pop()) else "not written"
    return ", ".join(f"`{key}` ({dialect})" for dialect, key in keys.items() if key)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _summary(declared: type[Declared]) -> str:
    return (declared.__doc__ or "").strip().splitlines()[0]


def _prose(declared: type[Declared]) -> str:
    return " ".join((declared.__doc__ or "").split())
