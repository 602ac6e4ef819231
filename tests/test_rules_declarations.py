"""The project checks its declarations: every parameter of every job type and program is complete and reaches its program."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Command, Job, Program
from relionlab.params import DIALECTS, Declared

UNITS = {
    "unitless", "Å", "Å²", "Å/px", "1/Å", "°", "px", "mm", "kV", "e⁻/Å²", "e/Å²", "GB", "MB", "s", "min", "h", "%", "mrad",
    "frames", "particles", "images", "micrographs", "movies", "classes", "iterations", "cores", "threads", "processes",
    "files", "σ", "standard deviations", "GPUs", "workers", "groups", "σ of the noise", "seconds", "rows", "hours", "kDa",
}  # fmt: skip
FILLERS = {str: "input/file.star", int: 1, float: 1.0, bool: True}


def declarations() -> dict[str, type[Declared]]:
    """Every registered job type and program."""
    from relionlab.jobs.registry import job_types, programs

    return {**{f"job {name}": kind for name, kind in job_types().items()}, **programs()}


def complaints(check) -> list[str]:
    """What ``check(name, declared, field, parameter)`` finds, over every parameter of every declaration."""
    return [
        f"{name}.{field}: {found}"
        for name, declared in declarations().items()
        for field, parameter in declared.parameters().items()
        if (found := check(declared, field, parameter))
    ]


def test_a_page_of_a_form_shows_a_newcomer_at_most_eight_fields():
    """Who needs more asks for the advanced level."""
    from relionlab.jobs.registry import job_types

    long = {
        f"{kind.folder}, {tab}": len(basic)
        for kind in job_types().values()
        for tab, names in kind.tabs().items()
        if len(basic := [name for name in names if kind.parameters()[name].level == "basic"]) > 8
    }
    assert not long, f"too many basic parameters: {long}"


def test_what_a_newcomer_must_fill_in_is_in_view():
    """A required value, or the input from another job, is never hidden at the basic level, unless a choice asks for it."""
    found = complaints(
        lambda declared, field, p: (
            issubclass(declared, Job)
            and p.level != "basic"
            and p.required
            and not p.when
            and not declared.default(field)
        )
    )
    assert not found, "\n".join(found)


def test_registry_holds_the_main_jobs():
    from relionlab.jobs.registry import job_types

    assert {"relion.class2d"} <= set(job_types())
    assert {kind.folder for kind in job_types().values()} >= {"Import", "Class2D", "Select"}


def test_every_field_is_declared():
    bare = [
        f"{name}.{field}"
        for name, declared in declarations().items()
        for field in declared.model_fields
        if field not in declared.parameters() and field != "extra"
    ]
    assert not bare, f"fields without a Parameter: {bare}"


def test_every_parameter_has_label_help_tab_and_unit():
    def check(declared, field, parameter):
        if not parameter.label.strip() or not parameter.tab.strip():
            return "no label or no tab"
        if len(parameter.help.strip()) < 12 or parameter.help.strip()[-1] not in '.?…)"':
            return f"help is no sentence: {parameter.help!r}"
        if parameter.unit not in UNITS:
            return f"unit {parameter.unit!r} is not among the house's units"
        return None

    found = complaints(check)
    assert not found, "\n".join(found)


def test_labels_name_no_unit_of_their_own():
    """The unit is stated once; the form shows it behind the label."""
    found = complaints(lambda _, __, p: re.search(r"\((A|Å|px|pix|pixels|deg|degrees|kV|mm)\)", p.label))
    assert not found, "\n".join(found)


def test_defaults_lie_within_bounds_and_sliders():
    def check(declared, field, parameter):
        value, (low, high) = declared.default(field), parameter.bounds
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and ((low is not None and value < low) or (high is not None and value > high)):
            return f"default {value} outside of {parameter.bounds}"
        if parameter.suggested is not None:
            least, most, step = parameter.suggested
            if not (least < most and step > 0):
                return f"slider {parameter.suggested}"
            if (low is not None and least < low) or (high is not None and most > high):
                return f"slider {parameter.suggested} leaves the bounds {parameter.bounds}"
        return None

    found = complaints(check)
    assert not found, "\n".join(found)


def test_conditions_name_parameters_that_exist():
    """In forms; a program may share a declaration without having the field that a form's condition names."""

    def check(declared, field, parameter):
        lost = [str(when) for when in parameter.when if when.field not in declared.parameters()]
        return lost if lost and issubclass(declared, Job) else None

    found = complaints(check)
    assert not found, "\n".join(found)


def test_flags_are_unique_within_a_declaration():
    """In a form two parameters may share a flag if each has a condition, as Import's two kinds of input files do."""
    for name, declared in declarations().items():
        may_share = issubclass(declared, Job)
        owners = [p for p in declared.parameters().values() if p.flag and not (may_share and p.when)]
        flags = Counter(flag for p in owners for flag in (p.flag, *p.other_flags))
        assert not [flag for flag, count in flags.items() if count > 1], name


def test_job_star_keys_are_unique_within_a_job_type():
    for name, declared in declarations().items():
        for dialect in DIALECTS:
            keys = Counter(key for p in declared.parameters().values() if (key := p.key_in(dialect)) is not None)
            assert not [key for key, count in keys.items() if count > 1], (name, dialect)


def test_numbers_and_folders_of_job_types_are_stated():
    from relionlab.jobs.registry import job_types

    for label, kind in job_types().items():
        assert issubclass(kind, Job)
        assert re.fullmatch(r"(relion|relionlab)\.[a-z0-9_.]+", label)
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", kind.folder), label
        assert isinstance(kind.type_number, int), label


def filled(kind: type[Job]) -> Job:
    """A job of this type with something in every required field."""
    needed = {
        field: FILLERS[kind.kind(field)[0]]
        for field, parameter in kind.parameters().items()
        if parameter.required and kind.default(field) in (None, "")
    }
    return kind(**needed)


def variants(kind: type[Job]) -> list[Job]:
    """Jobs of this type with each input given, and each switch turned, one at a time."""
    job = filled(kind)
    made = [job]
    for field, parameter in kind.parameters().items():
        value = getattr(job, field)
        if isinstance(value, bool):
            made.append(job.changed(**{field: not value}))
        elif parameter.node and not value:
            made.append(job.changed(**{field: FILLERS[str]}))
    return made


def commands_of(kind: type[Job]) -> list[Command]:
    """The commands of all variants that make sense."""
    found = []
    for job in variants(kind):
        with suppress(RelionlabError):  # the form is not complete, and says so
            found += job.commands(f"{kind.folder}/job001/")
    return found


def test_every_job_makes_commands_that_its_programs_understand():
    from relionlab.jobs.registry import job_types, programs

    known = programs()
    for label, kind in job_types().items():
        commands = commands_of(kind)
        assert commands, label
        for command in commands:
            assert issubclass(known[command.program], Program)
            known[command.program].from_flags(command.arguments)


def test_every_flag_of_a_form_exists_in_its_program():
    from relionlab.jobs.registry import job_types, programs

    known = programs()
    strange = []
    for label, kind in job_types().items():
        names = {command.program for command in commands_of(kind)}
        flags = {flag for name in names for p in known[name].parameters().values() for flag in (p.flag, *p.other_flags)}
        strange += [
            f"{label}.{field}: {p.flag}" for field, p in kind.parameters().items() if p.flag and p.flag not in flags
        ]
    assert not strange, "flags that the job's program does not know:\n" + "\n".join(strange)


def test_every_job_prints_as_the_python_that_makes_it():
    from relionlab.jobs.registry import job_types

    for kind in job_types().values():
        job = filled(kind)
        assert eval(repr(job), {kind.__name__: kind}) == job


# --- job.star ---------------------------------------------------------------------------------------------------


def options(path: Path) -> dict[str, str]:
    """The variables and values of a job.star, read without the project's own job classes."""
    from relionlab.io.star import read_star

    tables = read_star(path)
    table = next((t for name, t in tables.items() if "joboptions_values" in name), None)
    if table is None:
        return {}
    labels = {label: [str(value) for value in table[label]] for label in table.labels}
    return dict(zip(labels["rlnJobOptionVariable"], labels["rlnJobOptionValue"], strict=True))


def same(first: str, second: str) -> bool:
    """Say whether two values are the same text, or the same number differently written; old files write " " as "__"."""
    try:
        return first == second or float(first) == float(second)
    except ValueError:
        return first.strip('"').replace("__", " ") == second.strip('"')


def round_trip(path: Path, target: Path) -> None:
    from relionlab.jobs.job_star import read_job_file, write_job

    file = read_job_file(path)
    write_job(target, file.job, dialect=file.dialect)
    before, after = options(path), options(target)
    lost = set(before) - set(after)
    assert not lost, f"{path} loses {sorted(lost)}"
    changed = {key: (value, after[key]) for key, value in before.items() if not same(value, after[key])}
    assert not changed, f"{path} changes {changed}"


def test_committed_job_stars_round_trip(repository: Path, tmp_path: Path):
    paths = sorted((repository / "tests").rglob("*job*.star"))
    if not paths:
        pytest.skip("no job.star is committed yet")
    for number, path in enumerate(paths):
        round_trip(path, tmp_path / f"{number}.star")


def test_shared_job_stars_round_trip(shared_data: Path, tmp_path: Path):
    paths = sorted(shared_data.rglob("job.star"))
    assert len(paths) > 5
    for number, path in enumerate(paths):
        round_trip(path, tmp_path / f"{number}.star")


def test_default_jobs_round_trip(tmp_path: Path):
    from relionlab.jobs.job_star import read_job, write_job
    from relionlab.jobs.registry import job_types

    for label, kind in job_types().items():
        job = filled(kind)
        for dialect in DIALECTS:
            path = tmp_path / f"{label}-{dialect}.star"
            write_job(path, job, dialect=dialect)
            again = read_job(path)
            if dialect == "3.1":
                assert again == job, label
            for field, parameter in kind.parameters().items():
                if (key := parameter.key_in(dialect)) is not None:
                    assert again.job_options(dialect).get(key) == job.job_options(dialect).get(key), (
                        label,
                        dialect,
                        field,
                    )
