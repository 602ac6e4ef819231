"""Jobs and workflows of several jobs <-> JSON.

A workflow names its jobs, and a job may name the results of earlier ones in its text values:

    {"jobs": [
      {"name": "import", "type": "relion.import", "parameters": {"do_raw": false, "do_other": true, …}},
      {"name": "classes", "type": "relion.class2d", "parameters": {"fn_img": "{import}particles.star", …}}
    ]}

``{import}`` stands for that job's directory, "Import/job001/", which is known when the workflow runs. Parameters that
are left out have their defaults; all are written, so that a file means the same when defaults change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relionlab.errors import ParameterError
from relionlab.jobs.base import Job
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.registry import job_type

_REFERENCE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Workflow:
    """Named jobs in the order in which they run; names are words, and each occurs once."""

    jobs: tuple[tuple[str, Job], ...]

    def __post_init__(self) -> None:
        """Check names and references."""
        known: set[str] = set()
        for name, job in self.jobs:
            if not re.fullmatch(r"\w+", name):
                raise ParameterError(f"{name!r} cannot name a job of a workflow: use letters, digits and underscores.")
            if name in known:
                raise ParameterError(f"two jobs of the workflow are named {name!r}: each needs a name of its own.")
            for reference in references(job):
                if reference not in known:
                    raise ParameterError(
                        f"job {name!r} uses {{{reference}}}, which is no earlier job; there are"
                        f" {', '.join(sorted(known)) or 'none before it'}."
                    )
            known.add(name)


def references(job: Job) -> list[str]:
    """Return the names of the jobs whose results this job's values name."""
    return [found for value in dict(job).values() if isinstance(value, str) for found in _REFERENCE.findall(value)]


def resolved(job: Job, places: Mapping[str, str]) -> Job:
    """Return the job with ``{name}`` replaced by the directories of earlier jobs ("Import/job001/")."""
    changes = {
        field: _REFERENCE.sub(lambda found: places[found.group(1)], value)
        for field, value in dict(job).items()
        if isinstance(value, str) and _REFERENCE.search(value)
    }
    return job.changed(**changes) if changes else job


def to_json(thing: Job | Workflow) -> str:
    """Return a job or a workflow as JSON text."""
    if isinstance(thing, Workflow):
        content: Any = {"jobs": [{"name": name, **_record(job)} for name, job in thing.jobs]}
    else:
        content = _record(thing)
    return json.dumps(content, indent=2, ensure_ascii=False)


def from_json(text: str) -> Job | Workflow:
    """Return the job or the workflow that JSON text describes.

    Raises ParameterError for text that is no JSON, a type that does not exist, or a parameter that does not fit.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ParameterError(f"this is no JSON (line {error.lineno}, column {error.colno}): {error.msg}.") from None
    if not isinstance(content, dict):
        raise ParameterError("expected a JSON object with 'type' and 'parameters', or with 'jobs'.")
    if "jobs" not in content:
        return _job(content)
    return Workflow(
        tuple((str(entry.get("name", f"job{place}")), _job(entry)) for place, entry in enumerate(content["jobs"], 1))
    )


def _record(job: Job) -> dict[str, Any]:
    if isinstance(job, ForeignJob):
        return {"type": job.job_type, "options": dict(job.options)}
    parameters = {name: getattr(job, name) for name in job.parameters()}
    record: dict[str, Any] = {"type": job.type_label, "parameters": parameters}
    if job.extra:
        record["extra"] = dict(job.extra)
    return record


def _job(record: Mapping[str, Any]) -> Job:
    if "type" not in record:
        raise ParameterError(f"a job needs a 'type', as relion.class2d; this one has {', '.join(record) or 'nothing'}.")
    if "options" in record:
        return ForeignJob(job_type=str(record["type"]), options=tuple(record["options"].items()))
    extra = tuple(sorted(dict(record.get("extra", {})).items()))
    return job_type(record["type"])(**dict(record.get("parameters", {})), extra=extra)
