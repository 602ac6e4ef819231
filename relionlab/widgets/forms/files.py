"""Which files of a project, and which names instead of files, a field for files offers."""

from __future__ import annotations

from contextlib import suppress

from relionlab.errors import InputError
from relionlab.params import Parameter
from relionlab.project import Project

MOST = 300


def files_for(parameter: Parameter, project: Project | None) -> list[str]:
    """Return the project's files of the parameter's node kind, newest job first, or else those that match its pattern.

    Names that the parameter takes instead of a file come before.
    """
    found = []
    if project is not None and parameter.node:
        found = list(reversed(_nodes(parameter, project)))
    if project is not None and parameter.pattern and not found:
        found = _matching(parameter.pattern, project)
    return [*_names(parameter), *dict.fromkeys(found)][:MOST]


def _names(parameter: Parameter) -> list[str]:
    with suppress(InputError):  # a setting that names nothing is said when a job is run, not by every form
        return list(parameter.names()) if parameter.names else []
    return []


def _nodes(parameter: Parameter, project: Project) -> list[str]:
    wanted = parameter.node or ""
    return [node.path for node in project.pipeline.nodes if node.kind == wanted or node.kind.startswith(f"{wanted}.")]


def _matching(pattern: str, project: Project) -> list[str]:
    paths = [*project.directory.glob(pattern), *sorted(project.directory.glob(f"*/job*/{pattern}"), reverse=True)]
    return [project.relative(path) for path in paths if path.is_file() and not path.name.startswith(".")]
