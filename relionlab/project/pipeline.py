"""The pipeline: the graph of a project's jobs and of the files that pass between them, as a frozen value.

:func:`relionlab.project.pipeline_file.read_pipeline` makes one from ``default_pipeline.star``; the methods here
return changed copies; :func:`~relionlab.project.pipeline_file.write_pipeline` puts it back. The pipeline remembers the
dialect that it was read in and is written in the same one, unless :meth:`Pipeline.convert` is asked for another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from relionlab.errors import PipelineError, ProjectError
from relionlab.jobs.base import Node
from relionlab.params import Dialect
from relionlab.project.node_kinds import node_label, node_number, process_label, process_number

_JOB = re.compile(r"/?job(\d+)/?$")


@dataclass(frozen=True)
class Process:
    """One job in the pipeline.

    name   "Class2D/job008", without the slash that the file has at its end
    label  its type as RELION 4 calls it, "relion.class2d"
    state  "scheduled", "running", "finished", "failed" or "aborted"
    alias  "Class2D/round1", ``None`` if it has none
    """

    name: str
    label: str
    state: str
    alias: str | None = None

    @property
    def number(self) -> int:
        """The number in the job's directory name, 0 if it has none."""
        found = _JOB.search(self.name)
        return int(found.group(1)) if found else 0


@dataclass(frozen=True)
class PipelineNode(Node):
    """A file in the pipeline; ``depth`` is RELION 5's column of that name, kept as read."""

    depth: int = 1


@dataclass(frozen=True)
class Pipeline:
    """Jobs, files and who uses what.

    counter    the number that RELION will give to the next job
    processes  the jobs, in the order of the file
    nodes      the files
    inputs     (file, job) pairs: the job takes the file
    outputs    (job, file) pairs: the job makes the file
    dialect    "3.1" (numbers; also 2.1 and 3.0), "4" (labels) or "5" (labels and their depth)
    version    what stands in the file's "# version" lines, ``None`` without them (2.1, 3.0)
    """

    counter: int = 1
    processes: tuple[Process, ...] = ()
    nodes: tuple[PipelineNode, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    dialect: Dialect = "3.1"
    version: int | None = 30001

    # --- looking ------------------------------------------------------------------------------------------------

    def process(self, name: str) -> Process:
        """Return the job of this name or alias; the folder may be left out where that is clear ("job008", "round1").

        Raises ProjectError if there is none, or more than one.
        """
        wanted = name.strip("/")
        exact = [process for process in self.processes if wanted in (process.name, process.alias)]
        found = exact or self._ending_with(f"/{wanted}")
        if not found:
            raise ProjectError(f"There is no job {name!r} in the pipeline. {self._known()}")
        if len(found) > 1:
            meant = ", ".join(process.alias or process.name for process in found)
            raise ProjectError(f"{name!r} may mean {meant}: give the folder as well.")
        return found[0]

    def __contains__(self, name: str) -> bool:
        return any(name.strip("/") in (process.name, process.alias) for process in self.processes)

    def inputs_of(self, name: str) -> list[Node]:
        """Return the files that a job takes."""
        return [self.node(path) for path, user in self.inputs if user == name]

    def outputs_of(self, name: str) -> list[Node]:
        """Return the files that a job makes."""
        return [self.node(path) for maker, path in self.outputs if maker == name]

    def node(self, path: str) -> PipelineNode:
        """Return the file of this path; one that only an edge knows has an empty kind."""
        return next((node for node in self.nodes if node.path == path), PipelineNode(path, ""))

    def maker(self, path: str) -> str | None:
        """Return the name of the job that makes a file, ``None`` if no job here does."""
        return next((maker for maker, made in self.outputs if made == path), None)

    def users(self, name: str) -> list[str]:
        """Return the names of the jobs that take a file which this job makes, directly or through others."""
        found: list[str] = []
        waiting = [name]
        while waiting:
            made = {path for maker, path in self.outputs if maker == waiting[0]}
            direct = [user for path, user in self.inputs if path in made and user not in found and user != name]
            found += dict.fromkeys(direct)
            waiting = waiting[1:] + list(dict.fromkeys(direct))
        return found

    @property
    def next_number(self) -> int:
        """The number of the next job; never one that a job has, even where the counter lags behind."""
        return max([self.counter, *(process.number + 1 for process in self.processes)])

    # --- changing -----------------------------------------------------------------------------------------------

    def with_process(self, process: Process, *, inputs: Iterable[Node] = (), outputs: Iterable[Node] = ()) -> Pipeline:
        """Return the pipeline with one job more; the counter moves on."""
        if process.name in self:
            raise PipelineError(f"The pipeline already has a job {process.name}.")
        counter = max(self.next_number, process.number + 1)
        grown = replace(self, counter=counter, processes=(*self.processes, process))
        return grown.with_inputs(process.name, inputs).with_outputs(process.name, outputs)

    def with_inputs(self, name: str, inputs: Iterable[Node]) -> Pipeline:
        """Return the pipeline in which the job also takes these files."""
        grown = self._with_nodes(inputs)
        return replace(grown, inputs=_added(grown.inputs, ((node.path, name) for node in inputs)))

    def with_outputs(self, name: str, outputs: Iterable[Node]) -> Pipeline:
        """Return the pipeline in which the job also makes these files."""
        grown = self._with_nodes(outputs)
        return replace(grown, outputs=_added(grown.outputs, ((name, node.path) for node in outputs)))

    def without_outputs(self, name: str, paths: Iterable[str]) -> Pipeline:
        """Return the pipeline in which the job does not make these files, unless another job is to take them."""
        taken = {path for path, _ in self.inputs}
        gone = {path for path in paths if (name, path) in self.outputs and path not in taken}
        outputs = tuple(edge for edge in self.outputs if edge[0] != name or edge[1] not in gone)
        return replace(self, outputs=outputs, nodes=tuple(node for node in self.nodes if node.path not in gone))

    def with_state(self, name: str, state: str) -> Pipeline:
        """Return the pipeline in which the job has another state."""
        return self._with_changed(name, state=state)

    def with_alias(self, name: str, alias: str | None) -> Pipeline:
        """Return the pipeline in which the job has another alias."""
        return self._with_changed(name, alias=alias)

    def without(self, names: Iterable[str]) -> Pipeline:
        """Return the pipeline without these jobs, the files that they make, and the uses of those files."""
        gone = set(names)
        lost = {path for maker, path in self.outputs if maker in gone}
        return replace(
            self,
            processes=tuple(process for process in self.processes if process.name not in gone),
            nodes=tuple(node for node in self.nodes if node.path not in lost),
            inputs=tuple(edge for edge in self.inputs if edge[0] not in lost and edge[1] not in gone),
            outputs=tuple(edge for edge in self.outputs if edge[0] not in gone),
        )

    def only(self, names: Iterable[str]) -> Pipeline:
        """Return the pipeline of these jobs alone, with the files that they take and make."""
        kept = set(names)
        inputs = tuple(edge for edge in self.inputs if edge[1] in kept)
        outputs = tuple(edge for edge in self.outputs if edge[0] in kept)
        paths = {path for path, _ in inputs} | {path for _, path in outputs}
        return replace(
            self,
            counter=len(kept) + 1,
            processes=tuple(process for process in self.processes if process.name in kept),
            nodes=tuple(node for node in self.nodes if node.path in paths),
            inputs=inputs,
            outputs=outputs,
        )

    def convert(self, dialect: Dialect, *, labels: Mapping[str, str] | None = None) -> Pipeline:
        """Return the pipeline for another RELION release.

        labels  job name -> process label, to fill in the words that numbers do not carry ("relion.import.movies")

        Going to "3.1" raises PipelineError if a type or a kind has no number there; nothing is dropped silently.
        """
        known = labels or {}
        processes, nodes = [], []
        for process in self.processes:
            finer = known.get(process.name, "")
            label = finer if finer.startswith(f"{process.label}.") else process.label
            if dialect == "3.1":
                label = process_label(process_number(label))
            processes.append(replace(process, label=label))
        for node in self.nodes:
            kind = node_label(node_number(node.kind)) if dialect == "3.1" else node.kind
            nodes.append(replace(node, kind=kind, depth=1 if dialect != "5" else node.depth))
        version = 50001 if dialect == "5" else 30001
        return replace(self, dialect=dialect, version=version, processes=tuple(processes), nodes=tuple(nodes))

    # --- inside -------------------------------------------------------------------------------------------------

    def _with_nodes(self, nodes: Iterable[Node]) -> Pipeline:
        have = {node.path for node in self.nodes}
        new = {node.path: PipelineNode(node.path, node.kind) for node in nodes if node.path not in have}
        return replace(self, nodes=(*self.nodes, *new.values()))

    def _with_changed(self, name: str, **changes: str | None) -> Pipeline:
        wanted = self.process(name)
        changed = replace(wanted, **changes)  # type: ignore[arg-type]
        return replace(self, processes=tuple(changed if entry is wanted else entry for entry in self.processes))

    def _ending_with(self, text: str) -> list[Process]:
        return [p for p in self.processes if p.name.endswith(text) or (p.alias is not None and p.alias.endswith(text))]

    def _known(self) -> str:
        if not self.processes:
            return "It has no jobs yet."
        return f"It has {len(self.processes)}, the last being {self.processes[-1].name}."


def _added(edges: tuple[tuple[str, str], ...], more: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((*edges, *more)))
