"""The hidden ``.Nodes`` folder: an empty file per node, sorted by kind, which RELION's file browser shows."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from relionlab.errors import PipelineError
from relionlab.project.node_kinds import node_number
from relionlab.project.pipeline import Pipeline

NODES_DIRECTORY = ".Nodes"


def enter_nodes(directory: Path, pipeline: Pipeline, names: Iterable[str], *, planned: bool = False) -> None:
    """Make the entries of the files that these jobs make.

    directory  the project
    planned    also of files that do not exist yet, so that a scheduled job's results can be chosen as inputs
    """
    for name in names:
        for path, entry in _entries(directory, pipeline, name):
            if planned or (directory / path).exists():
                with suppress(OSError):  # an entry is a convenience: its absence must not stop a job
                    entry.parent.mkdir(parents=True, exist_ok=True)
                    entry.touch()


def remove_nodes(directory: Path, pipeline: Pipeline, names: Iterable[str]) -> None:
    """Remove the entries of the files that these jobs make, and the folders that this empties."""
    for name in names:
        for _, entry in _entries(directory, pipeline, name):
            entry.unlink(missing_ok=True)
            for folder in entry.parents[:3]:
                with suppress(OSError):
                    folder.rmdir()


def _entries(directory: Path, pipeline: Pipeline, name: str) -> list[tuple[str, Path]]:
    alias = pipeline.process(name).alias
    found = []
    for node in pipeline.outputs_of(name):
        # RELION shows a job under its alias, where it has one.
        shown = node.path.replace(name, alias, 1) if alias and node.path.startswith(f"{name}/") else node.path
        found.append((node.path, directory / NODES_DIRECTORY / _folder(pipeline, node.path) / shown))
    return found


def _folder(pipeline: Pipeline, path: str) -> str:
    node = pipeline.node(path)
    if pipeline.dialect != "3.1":
        return ".".join(node.kind.split(".")[: node.depth])
    try:
        return str(node_number(node.kind))
    except PipelineError:
        return "unknown"
