"""``default_pipeline.star`` and its relatives <-> :class:`~relionlab.project.pipeline.Pipeline`."""

from __future__ import annotations

import re
import time
from pathlib import Path

from relionlab.errors import PipelineError, StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.params import Dialect
from relionlab.project.node_kinds import (
    STATES,
    node_label,
    node_number,
    process_label,
    process_number,
    state_of_label,
    state_of_number,
)
from relionlab.project.pipeline import Pipeline, PipelineNode, Process

PIPELINE_FILE = "default_pipeline.star"
"""The project's pipeline, and its backup in a job directory."""
JOB_PIPELINE_FILE = "job_pipeline.star"
"""The part of the pipeline that is one job, in its directory."""
OUTPUT_NODES_FILE = "RELION_OUTPUT_NODES.star"
"""Where a program says which files it made, in a job directory."""

_ATTEMPTS = 5  # RELION overwrites the file in place: a reader may meet half of it
_PAUSE_SECONDS = 0.1
_REMEMBERED = 8
# A file system's clock is coarse: two changes within one tick look alike, so only an older file is remembered.
_SETTLED_NANOSECONDS = 50_000_000
_last_parsed: dict[Path, tuple[tuple[int, int, int], Pipeline]] = {}


def read_pipeline(path: Path) -> Pipeline:
    """Read a pipeline in any dialect; raises PipelineError if the file is damaged, with what is wrong and what to do."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return _remembered(path)
        except PipelineError:
            if not path.exists():
                raise
            time.sleep(_PAUSE_SECONDS)
    return _remembered(path)


def write_pipeline(path: Path, pipeline: Pipeline) -> None:
    """Write a pipeline in its own dialect; the file appears whole or not at all. Empty tables are left out, as RELION does."""
    tables = [Table({"rlnPipeLineJobCounter": [pipeline.counter]}, name="pipeline_general", loop=False)]
    if pipeline.processes:
        tables.append(_processes(pipeline))
    if pipeline.nodes:
        tables.append(_nodes(pipeline.nodes, "pipeline_nodes", pipeline.dialect))
    if pipeline.inputs:
        nodes, users = zip(*pipeline.inputs, strict=True)
        edges = {"rlnPipeLineEdgeFromNode": nodes, "rlnPipeLineEdgeProcess": [f"{user}/" for user in users]}
        tables.append(Table(edges, name="pipeline_input_edges"))
    if pipeline.outputs:
        makers, nodes = zip(*pipeline.outputs, strict=True)
        edges = {"rlnPipeLineEdgeProcess": [f"{maker}/" for maker in makers], "rlnPipeLineEdgeToNode": nodes}
        tables.append(Table(edges, name="pipeline_output_edges"))
    write_star(path, tables, version=pipeline.version)


def read_output_nodes(path: Path) -> list[PipelineNode]:
    """Read what a program says it made; an absent file is an empty list."""
    if not path.exists():
        return []
    tables = read_star(path)
    table = tables.get("output_nodes")
    return [] if table is None else _read_nodes(table)


def write_output_nodes(path: Path, nodes: list[PipelineNode], dialect: Dialect = "3.1") -> None:
    """Write the list of files that a job made, as RELION's programs do."""
    write_star(path, [_nodes(tuple(nodes), "output_nodes", dialect, depth=False)])


def _remembered(path: Path) -> Pipeline:
    """Parse the file, unless it is the one that was parsed last: each look at a job asks for the pipeline."""
    try:
        stat = path.stat()
    except OSError as error:
        raise PipelineError(f"{path} cannot be read ({error.strerror}); expected a pipeline file.") from error
    signature = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
    known = _last_parsed.get(path)
    if known is None or known[0] != signature:
        known = (signature, _parse(path))
        is_settled = time.time_ns() - stat.st_mtime_ns > _SETTLED_NANOSECONDS
        if is_settled:
            _last_parsed[path] = known
            while len(_last_parsed) > _REMEMBERED:
                _last_parsed.pop(next(iter(_last_parsed)))
    return known[1]


def _parse(path: Path) -> Pipeline:
    try:
        tables = read_star(path)
        return _from_tables(tables, path)
    except (StarError, KeyError, ValueError) as error:
        raise PipelineError(f"{path} is damaged: {error}{_cure(path)}") from error


def _from_tables(tables: dict[str, Table], path: Path) -> Pipeline:
    if "pipeline_general" not in tables:
        raise PipelineError(
            f"{path} has no table pipeline_general; it has {', '.join(tables) or 'nothing'}.{_cure(path)}"
        )
    version = _version(path)
    counter = int(tables["pipeline_general"].value("rlnPipeLineJobCounter"))
    processes = _read_processes(tables["pipeline_processes"]) if "pipeline_processes" in tables else []
    nodes = _read_nodes(tables["pipeline_nodes"]) if "pipeline_nodes" in tables else []
    names = [process.name for process in processes]
    double = {name for name in names if names.count(name) > 1}
    if double:
        raise PipelineError(f"{path} lists {', '.join(sorted(double))} more than once.{_cure(path)}")
    return Pipeline(
        counter=counter,
        processes=tuple(processes),
        nodes=tuple(nodes),
        inputs=_edges(tables.get("pipeline_input_edges"), "rlnPipeLineEdgeFromNode", "rlnPipeLineEdgeProcess"),
        outputs=_edges(tables.get("pipeline_output_edges"), "rlnPipeLineEdgeProcess", "rlnPipeLineEdgeToNode"),
        dialect=_dialect(tables, version),
        version=version,
    )


def _dialect(tables: dict[str, Table], version: int | None) -> Dialect:
    nodes = tables.get("pipeline_nodes")
    if nodes is not None and "rlnPipeLineNodeTypeLabelDepth" in nodes:
        return "5"
    if nodes is None and version is not None and version >= 50001:
        return "5"
    labels = "rlnPipeLineProcessTypeLabel" in tables.get("pipeline_processes", ())
    return "4" if labels or (nodes is not None and "rlnPipeLineNodeTypeLabel" in nodes) else "3.1"


def _version(path: Path) -> int | None:
    found = re.search(r"^# version (\d+)", path.read_text(errors="replace"), re.MULTILINE)
    return int(found.group(1)) if found else None


def _read_processes(table: Table) -> list[Process]:
    if "rlnPipeLineProcessTypeLabel" in table:
        labels = [str(label) for label in table["rlnPipeLineProcessTypeLabel"]]
        states = [state_of_label(str(label)) for label in table["rlnPipeLineProcessStatusLabel"]]
    else:
        labels = [process_label(int(number)) for number in table["rlnPipeLineProcessType"]]
        states = [state_of_number(int(number)) for number in table["rlnPipeLineProcessStatus"]]
    names = [str(name).rstrip("/") for name in table["rlnPipeLineProcessName"]]
    aliases = [None if str(alias) == "None" else str(alias).rstrip("/") for alias in table["rlnPipeLineProcessAlias"]]
    return [Process(*row) for row in zip(names, labels, states, aliases, strict=True)]


def _read_nodes(table: Table) -> list[PipelineNode]:
    paths = [str(name) for name in table["rlnPipeLineNodeName"]]
    if "rlnPipeLineNodeTypeLabel" in table:
        kinds = [str(kind) for kind in table["rlnPipeLineNodeTypeLabel"]]
    else:
        kinds = [node_label(int(number)) for number in table["rlnPipeLineNodeType"]]
    known = "rlnPipeLineNodeTypeLabelDepth" in table
    depths = [int(depth) for depth in table["rlnPipeLineNodeTypeLabelDepth"]] if known else [1] * len(paths)
    return [PipelineNode(*row) for row in zip(paths, kinds, depths, strict=True)]


def _edges(table: Table | None, first: str, second: str) -> tuple[tuple[str, str], ...]:
    if table is None:
        return ()
    pairs = zip(table[first], table[second], strict=True)
    return tuple((str(a).rstrip("/"), str(b).rstrip("/")) for a, b in pairs)


def _processes(pipeline: Pipeline) -> Table:
    columns: dict[str, list[object]] = {
        "rlnPipeLineProcessName": [f"{process.name}/" for process in pipeline.processes],
        "rlnPipeLineProcessAlias": [f"{p.alias}/" if p.alias else "None" for p in pipeline.processes],
    }
    if pipeline.dialect == "3.1":
        columns["rlnPipeLineProcessType"] = [process_number(process.label) for process in pipeline.processes]
        columns["rlnPipeLineProcessStatus"] = [STATES[process.state][0] for process in pipeline.processes]
    else:
        columns["rlnPipeLineProcessTypeLabel"] = [process.label for process in pipeline.processes]
        columns["rlnPipeLineProcessStatusLabel"] = [STATES[process.state][1] for process in pipeline.processes]
    return Table(columns, name="pipeline_processes")


def _nodes(nodes: tuple[PipelineNode, ...], name: str, dialect: Dialect, *, depth: bool = True) -> Table:
    columns: dict[str, list[object]] = {"rlnPipeLineNodeName": [node.path for node in nodes]}
    if dialect == "3.1":
        columns["rlnPipeLineNodeType"] = [node_number(node.kind) for node in nodes]
    else:
        columns["rlnPipeLineNodeTypeLabel"] = [node.kind for node in nodes]
    if dialect == "5" and depth:
        columns["rlnPipeLineNodeTypeLabelDepth"] = [node.depth for node in nodes]
    return Table(columns, name=name)


def _cure(path: Path) -> str:
    backups = sorted(path.parent.glob(f"*/job[0-9]*/{PIPELINE_FILE}"), key=lambda backup: backup.stat().st_mtime)
    if backups:
        return (
            f" The newest backup is {backups[-1]}: copy it to {path}, or let Project.rebuild read the job directories."
        )
    return " Let Project.rebuild make a new one from the job directories."
