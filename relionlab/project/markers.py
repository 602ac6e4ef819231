"""The empty files by which RELION's programs and pipelines tell each other how a job stands."""

from __future__ import annotations

from pathlib import Path

EXIT_MARKERS: dict[str, str] = {
    "finished": "RELION_JOB_EXIT_SUCCESS",
    "failed": "RELION_JOB_EXIT_FAILURE",
    "aborted": "RELION_JOB_EXIT_ABORTED",
}
"""State -> the file in the job directory that says so."""
ABORT_NOW = "RELION_JOB_ABORT_NOW"
"""The file that asks a running job to stop."""
NO_HARSH_CLEAN = "NO_HARSH_CLEAN"
"""The file that forbids to remove what other jobs could use."""


def marked_state(directory: Path) -> str | None:
    """Return the state that the job directory's exit marker says, ``None`` without one."""
    return next((state for state, name in EXIT_MARKERS.items() if (directory / name).exists()), None)


def mark(directory: Path, state: str | None) -> None:
    """Leave the one exit marker of this state in the job directory; ``None`` removes them all."""
    for other, name in EXIT_MARKERS.items():
        if other != state:
            (directory / name).unlink(missing_ok=True)
    (directory / ABORT_NOW).unlink(missing_ok=True)
    if state is not None:
        (directory / EXIT_MARKERS[state]).touch()
