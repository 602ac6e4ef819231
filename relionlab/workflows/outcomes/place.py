"""A job directory as the judges see it: files, parameters where they are known, and how it ended."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import NodeError, RelionlabError
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory
from relionlab.project.job_directory import job_directory_at
from relionlab.project.markers import marked_state


@dataclass(frozen=True)
class Place:
    """A job's directory.

    path       absolute
    directory  the job in its project, ``None`` for files that lie in none
    """

    path: Path
    directory: JobDirectory | None = None

    @classmethod
    def of(cls, source: JobDirectory | Place | str | Path) -> Place:
        """Return the place of a job, or of a directory that may belong to a project."""
        if isinstance(source, Place):
            return source
        if not isinstance(source, str | Path):
            return cls(source.path, source)
        path = Path(source).absolute()
        with suppress(RelionlabError, OSError):
            return cls(path, job_directory_at(path))
        return cls(path)

    @property
    def folder(self) -> str:
        """The job type's folder, "Class2D"."""
        return self.path.parent.name

    @property
    def project(self) -> Path:
        """The project's folder: two levels up."""
        return self.path.parent.parent

    @property
    def state(self) -> str:
        """How the job stands; of files outside a project "finished" unless a marker says otherwise."""
        with suppress(RelionlabError, OSError):
            if self.directory is not None:
                return self.directory.state
        return marked_state(self.path) or "finished"

    @property
    def message(self) -> str:
        """Why the job failed, "" if nobody knows."""
        with suppress(RelionlabError, OSError):
            if self.directory is not None:
                return self.directory.message
        return ""

    @property
    def job(self) -> Job | None:
        """The job with its parameters, ``None`` where they cannot be read."""
        with suppress(RelionlabError, OSError):
            if self.directory is not None:
                return self.directory.job
            from relionlab.jobs.job_star import read_job_file

            return read_job_file(self.path).job
        return None

    def value(self, name: str) -> object:
        """Return a parameter of the job, ``None`` if it is not known."""
        return getattr(self.job, name, None)

    def file(self, *names: str) -> Path:
        """Return the first of these files in the directory that is there, compressed ones too; raises NodeError."""
        for name in names:
            for suffix in ("", ".gz", ".bz2", ".zst"):
                if (self.path / f"{name}{suffix}").exists():
                    return self.path / f"{name}{suffix}"
        raise NodeError(
            f"{self.path.parent.name}/{self.path.name} holds no {' or '.join(names)}: has the job finished?"
        )

    def has(self, *names: str) -> bool:
        """Say whether one of these files is in the directory."""
        with suppress(NodeError):
            self.file(*names)
            return True
        return False

    def input(self, value: object) -> Path | None:
        """Return where a file lies that a parameter names, ``None`` if it is not there."""
        if not isinstance(value, str) or not value:
            return None
        place = self.project / value
        return place if place.exists() else None

    def outputs(self) -> list[str]:
        """Return the files that the pipeline says the job makes, relative to the project."""
        return [] if self.directory is None else [node.path for node in self.directory.outputs]
