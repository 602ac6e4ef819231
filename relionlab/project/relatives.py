"""Which jobs a job was made from and which use it: one step each way, and all the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from relionlab.jobs.base import Node
from relionlab.project.pipeline import Pipeline


@dataclass(frozen=True)
class Relative:
    """A job next to another one.

    name   "CtfFind/job003"; "" for files that no job of the project makes
    nodes  the files that pass between the two
    """

    name: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Relatives:
    """All neighbours in a pipeline, looked up once: a project of some hundred jobs is walked without delay.

    makers  job -> the jobs whose files it takes, in the order of its inputs
    users   job -> the jobs that take its files, in the order of the pipeline
    """

    makers: Mapping[str, tuple[Relative, ...]]
    users: Mapping[str, tuple[Relative, ...]]

    @classmethod
    def of(cls, pipeline: Pipeline) -> Relatives:
        """Find who is next to whom."""
        kinds = {node.path: node for node in pipeline.nodes}
        maker = {path: name for name, path in reversed(pipeline.outputs)}
        taken: dict[str, dict[str, list[Node]]] = {}
        given: dict[str, dict[str, list[Node]]] = {}
        for path, user in pipeline.inputs:
            node = kinds.get(path, Node(path, ""))
            source = maker.get(path, "")
            taken.setdefault(user, {}).setdefault(source, []).append(node)
            if source:
                given.setdefault(source, {}).setdefault(user, []).append(node)
        return cls(_frozen(taken), _frozen(given))

    def made_from(self, name: str) -> tuple[Relative, ...]:
        """Return the jobs whose files a job takes."""
        return self.makers.get(name, ())

    def used_by(self, name: str) -> tuple[Relative, ...]:
        """Return the jobs that take a job's files."""
        return self.users.get(name, ())

    def history(self, name: str) -> frozenset[str]:
        """Return a job, all that it was made from, and all that was made from it."""
        return frozenset({name, *_reached(name, self.makers), *_reached(name, self.users)})


def _frozen(found: Mapping[str, Mapping[str, Iterable[Node]]]) -> dict[str, tuple[Relative, ...]]:
    return {
        name: tuple(Relative(other, tuple(dict.fromkeys(nodes))) for other, nodes in others.items())
        for name, others in found.items()
    }


def _reached(name: str, neighbours: Mapping[str, tuple[Relative, ...]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        more = [near.name for near in neighbours.get(waiting.pop(), ()) if near.name and near.name not in found]
        found.update(more)
        waiting += more
    return found
