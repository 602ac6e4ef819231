"""Which files of a project a field for files offers."""

from __future__ import annotations

from relionlab.params import Parameter
from relionlab.project import Project

MOST = 300


def files_for(parameter: Parameter, project: Project | None) -> list[str]:
    """Return the project's files of the parameter's node kind, newest job first, then those that match its pattern."""
    if project is None or not (parameter.node or parameter.pattern):
        return []
    found = list(reversed(_nodes(parameter, project))) if parameter.node else []
    if parameter.pattern and not found:
        found = _matching(parameter.pattern, project)
    return list(dict.fromkeys(found))[:MOST]


def _nodes(parameter: Parameter, project: Project) -> list[str]:
    wanted = parameter.node or ""
    return [node.path for node in project.pipeline.nodes if node.kind == wanted or node.kind.startswith(f"{wanted}.")]


def _matching(pattern: str, project: Project) -> list[str]:
    paths = [*project.directory.glob(pattern), *sorted(project.directory.glob(f"*/job*/{pattern}"), reverse=True)]
    return [project.relative(path) for path in paths if path.is_file() and not path.name.startswith(".")]
