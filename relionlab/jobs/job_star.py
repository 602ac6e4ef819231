"""job.star (RELION 3.1, 4, 5) and run.job (RELION 2 and 3) <-> jobs.

A file holds a little more than the job: whether it is a continuation, whether it belongs to tomography, and its
dialect. :func:`read_job_file` gives it all, :func:`read_job` the job alone. RELION 3.1's third table, the form's
definition, is not written: RELION does not need it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import ParameterError, StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.base import Job
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.gui_labels import variable_of
from relionlab.jobs.process_types import process_type
from relionlab.jobs.registry import job_types
from relionlab.params import Dialect, to_text

_EARLY_KEYS = {"save_noDW": "do_save_noDW", "save_ps": "do_save_ps"}
"""Variables of RELION 3.1's first release -> what they are called since; the old ones are written back as well."""
_OF_TOMOGRAPHY = "in_tomograms"
"""A variable of jobs of RELION 5 that work on subtomograms; they have other inputs than those on single particles."""
_VERSION = {"3.1": 30001, "4": 30001, "5": 50001}


@dataclass(frozen=True)
class JobFile:
    """What a job.star says.

    job          the job with its values
    is_continue  this is a continuation of an earlier run
    is_tomo      the job belongs to a tomography project (4 and 5)
    dialect      the release that wrote it
    """

    job: Job
    is_continue: bool = False
    is_tomo: bool = False
    dialect: Dialect = "3.1"


def read_job(path: str | Path) -> Job:
    """Read the job in a job.star or run.job file, or in a job's directory.

    Types that relionlab has not declared become a ForeignJob. Raises StarError for a file that is no job, and
    ParameterError for a value that cannot be one of its parameter.
    """
    return read_job_file(path).job


def read_job_file(path: str | Path) -> JobFile:
    """Read all that a job.star or run.job file says; see :func:`read_job`."""
    place = _locate(Path(path))
    if place.name.endswith(".job"):
        return _read_run_job(place)
    tables = read_star(place)
    for wanted in ("job", "joboptions_values"):
        if wanted not in tables:
            raise StarError(f"{place} is no job: it has no table data_{wanted} (it has {', '.join(tables) or 'none'}).")
    head, values = tables["job"], tables["joboptions_values"]
    options = dict(zip(values["rlnJobOptionVariable"].tolist(), values["rlnJobOptionValue"].tolist(), strict=True))
    if _is_beta(tables, options):
        options = {key: _unfold_blanks(value) for key, value in options.items()}
    by_number = "rlnJobType" in head
    return JobFile(
        job=make_job(str(head.value("rlnJobType" if by_number else "rlnJobTypeLabel")), options, place),
        is_continue=_flag(head, "rlnJobIsContinue"),
        is_tomo=_flag(head, "rlnJobIsTomo"),
        dialect=_dialect(place, by_number=by_number),
    )


def make_job(kind: str, options: Mapping[str, str], place: str | Path = "job.star") -> Job:
    """Make the job from its type and the text of its variables; unknown variables are kept in ``extra``.

    Types that are not declared, and jobs on subtomograms, become a ForeignJob.
    """
    try:
        label = process_type(kind).label
    except ParameterError:
        label = kind
    if label not in job_types() or _OF_TOMOGRAPHY in options:
        return ForeignJob(job_type=kind, options=tuple(options.items()))
    declared = job_types()[label]
    fields = declared.fields_by_key()
    values, extra = {}, []
    for key, text in options.items():
        if key not in fields:
            extra.append((key, text))
            key = _EARLY_KEYS.get(key, key)
        if key not in fields:
            continue
        try:
            values[fields[key]] = declared.parse(fields[key], text)
        except ParameterError as error:
            raise ParameterError(f"{place}: {error}") from None
    return declared(**values, extra=tuple(sorted(extra)))


def write_job(
    path: str | Path,
    job: Job,
    *,
    dialect: Dialect = "3.1",
    before: Dialect | None = None,
    is_continue: bool = False,
    is_tomo: bool = False,
) -> Path:
    """Write a job to a file, or to job.star in a directory, as the RELION of this dialect does; return the place.

    before  dialect that the job had: values that only that one has are kept, so that turning it back loses nothing
    """
    place = Path(path)
    place = place / "job.star" if place.is_dir() else place
    number = _number(job)
    if dialect == "3.1":
        if number is None:
            raise ParameterError(
                f"{job.label()} does not exist in RELION 3.1, so {place} cannot be written for it: use dialect '4' or '5'."
            )
        head: dict[str, object] = {"rlnJobType": number, "rlnJobIsContinue": int(is_continue)}
    else:
        head = {"rlnJobTypeLabel": job.label(), "rlnJobIsContinue": int(is_continue), "rlnJobIsTomo": int(is_tomo)}
    options = (_without_counterpart(job, before, dialect) if before else {}) | job.job_options(dialect)
    values = {"rlnJobOptionVariable": list(options), "rlnJobOptionValue": list(options.values())}
    tables = [Table(head, name="job", loop=False), Table(values, name="joboptions_values")]
    write_star(place, tables, version=_VERSION[dialect])
    return place


def _without_counterpart(job: Job, before: Dialect, now: Dialect) -> dict[str, str]:
    """Return what was set in a dialect's variables that the other does not have."""
    return {
        key: to_text(getattr(job, name))
        for name, parameter in job.parameters().items()
        if (key := parameter.key_in(before)) is not None
        and parameter.key_in(now) is None
        and getattr(job, name) != job.default(name)
    }


def _number(job: Job) -> int | None:
    return job.process().number if isinstance(job, ForeignJob) else job.type_number


def _locate(path: Path) -> Path:
    if not path.is_dir():
        if not path.exists():
            raise StarError(f"{path} does not exist; expected a job.star, a run.job or a job's directory.")
        return path
    for name in ("job.star", "run.job"):
        if (path / name).exists():
            return path / name
    raise StarError(f"{path} holds no job.star and no run.job, so it is no job directory.")


def _flag(head: Table, label: str) -> bool:
    return label in head and bool(int(head.value(label)))


def _dialect(place: Path, *, by_number: bool) -> Dialect:
    if by_number:
        return "3.1"
    found = re.search(r"#\s*version\s+(\d+)", place.read_text(errors="replace")[:1000])
    return "5" if found and int(found.group(1)) >= 50000 else "4"


def _is_beta(tables: Mapping[str, Table], options: Mapping[str, str]) -> bool:
    """Say whether blanks were written as two underscores, as before RELION 3.1 was released."""
    definition = tables.get("joboptions_full_definition")
    if definition is None or "rlnJobOptionGUILabel" not in definition:
        return any(value.endswith("__degrees") for value in options.values())
    return any("__" in label for label in definition["rlnJobOptionGUILabel"].tolist())


def _unfold_blanks(value: str) -> str:
    """Give back the blanks of a beta file; a path keeps its underscores."""
    return value if "/" in value and "__" not in value.split("/")[0] else value.replace("__", " ")


def _read_run_job(place: Path) -> JobFile:
    """Read ``label == value`` lines; labels that are not known stay as they are."""
    kind, is_continue = "", False
    lines: dict[str, str] = {}
    for line in place.read_text(errors="replace").splitlines():
        label, equals, value = line.partition("==")
        label, value = label.strip(), value.strip()
        if not equals:
            continue
        if label == "job_type":
            kind = value
        elif label == "is_continue":
            is_continue = value.lower() in {"true", "1", "yes"}
        else:
            lines[label] = value
    if not kind:
        raise StarError(f"{place} is no run.job: it has no line 'job_type == NUMBER'.")
    options = {variable_of(label, kind): value for label, value in lines.items()}
    return JobFile(job=make_job(kind, options, place), is_continue=is_continue)
