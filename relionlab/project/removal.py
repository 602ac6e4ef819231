"""What would go if a job were deleted or cleaned: said before it is done."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from relionlab.project.job_directory import JobDirectory
from relionlab.project.markers import NO_HARSH_CLEAN
from relionlab.project.relatives import Relatives


@dataclass(frozen=True)
class Removal:
    """What deleting or cleaning moves to the Trash.

    names   jobs that would go with their directories; empty when files alone go
    files   how many files
    bytes   how large they are together
    users   jobs that take the job's files, directly or through others, and would miss them
    """

    names: tuple[str, ...]
    files: int
    bytes: int
    users: tuple[str, ...] = ()

    def __str__(self) -> str:
        count = f"{self.files:,} {'file' if self.files == 1 else 'files'} ({spoken_bytes(self.bytes)})"
        if not self.names:
            return count if self.files else "nothing: there are no such files"
        return f"{', '.join(self.names)} with {count}"


def deletion(job: JobDirectory, *, with_users: bool = False) -> Removal:
    """Return what :meth:`JobDirectory.delete` would move to the Trash."""
    users = tuple(job.project.pipeline.users(job.name))
    names = (job.name, *(users if with_users else ()))
    sizes = [_size(job.project.directory / name) for name in names]
    return Removal(names, sum(count for count, _ in sizes), sum(size for _, size in sizes), users)


def cleaning(job: JobDirectory, *, harsh: bool = False) -> Removal:
    """Return what :meth:`JobDirectory.clean` would move to the Trash; raises JobStateError if it cannot be cleaned."""
    files = job.clean(harsh=harsh, pretend=True)
    users = tuple(near.name for near in Relatives.of(job.project.pipeline).used_by(job.name))
    return Removal((), len(files), sum(_bytes(path) for path in files), users)


def forbids_harsh_cleaning(job: JobDirectory) -> bool:
    """Say whether a file NO_HARSH_CLEAN in the directory keeps what other jobs could use."""
    return (job.path / NO_HARSH_CLEAN).exists()


def forbid_harsh_cleaning(job: JobDirectory, *, forbid: bool = True) -> None:
    """Put the file NO_HARSH_CLEAN into the directory, or take it away."""
    marker = job.path / NO_HARSH_CLEAN
    if forbid:
        marker.touch()
    else:
        marker.unlink(missing_ok=True)


def spoken_bytes(size: float) -> str:
    """Return a size as people say it: "340 kB", "1.2 GB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _size(directory: Path) -> tuple[int, int]:
    """Return how many files a directory holds, and their bytes."""
    count = total = 0
    for folder, _, files in os.walk(directory):
        count += len(files)
        total += sum(_bytes(Path(folder) / name) for name in files)
    return count, total


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
