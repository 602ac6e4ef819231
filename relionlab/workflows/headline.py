"""The one number that matters about a job, in a few characters: for the list of jobs, where each has one line.

Read from the heads of files and by counting lines, so that a project of some hundred jobs is listed without waiting.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from relionlab.errors import StarError
from relionlab.io.star import read_star
from relionlab.jobs.base import Node
from relionlab.jobs.options.run_names import iteration_of
from relionlab.project.progress import Progress

_HEAD_BYTES = 8192  # the general table stands first in model and post-processing files
_CLASSES = re.compile(rb"^_rlnNrClasses\s+(\d+)", re.MULTILINE)
_RESOLUTION = re.compile(rb"^_rlnCurrentResolution\s+([\d.]+)", re.MULTILINE)
_FINAL = re.compile(rb"^_rlnFinalResolution\s+([\d.]+)", re.MULTILINE)
_LABELS = re.compile(rb"loop_\s*(?:_\S+[^\n]*\n\s*)*(?=\S|\Z)")
_NEXT_BLOCK = re.compile(rb"^\s*(#|data_)", re.MULTILINE)
_ROW = re.compile(rb"^[^\S\n]*\S", re.MULTILINE)
_UNKNOWN = 900.0  # Å; RELION writes 999 for what is not determined
_WORDS = {
    "MicrographMovieGroupMetadata": "movies",
    "MicrographGroupMetadata": "micrographs",
    "ParticleGroupMetadata": "particles",
}
_counted: dict[Path, tuple[tuple[int, int], int]] = {}


def headline(directory: Path, *, state: str, outputs: Sequence[Node], project: Path) -> str:
    """Return the number that matters: "24 movies", "50 classes, 6.2 Å", "12 of 25 iterations"; "" where there is none.

    outputs  the files that the job makes, as the pipeline has them
    project  the folder to which their paths are relative
    """
    if state == "running":
        return _progress(directory)
    return _resolution(directory) or _picks(directory / "summary.star") or _count(outputs, project)


def rows_in(star: Path) -> int:
    """Return how many rows the last table of a STAR file has, without parsing it; 0 where there is none.

    Remembered until the file changes.
    """
    try:
        stat = star.stat()
        signature = (stat.st_mtime_ns, stat.st_size)
        known = _counted.get(star)
        if known is None or known[0] != signature:
            known = _counted[star] = (signature, _rows(star.read_bytes()))
    except OSError:
        return 0
    return known[1]


def _rows(text: bytes) -> int:
    start = text.rfind(b"loop_")
    if start < 0:
        return 0
    head = _LABELS.match(text, start)
    body = text[head.end() :] if head else b""
    end = _NEXT_BLOCK.search(body)
    return len(_ROW.findall(body[: end.start()] if end else body))


def _progress(directory: Path) -> str:
    told = Progress.read(directory)
    if told is None or told.total <= 0:
        return ""
    return f"{told.done:,.0f} of {told.total:,.0f} {told.what}"


def _resolution(directory: Path) -> str:
    final = _number(_FINAL, directory / "postprocess.star")
    if final is not None:
        return f"{final:.3g} Å"
    model = _newest_model(directory)
    if model is None:
        return ""
    count, reached = _number(_CLASSES, model), _number(_RESOLUTION, model)
    words = [f"{count:.0f} classes"] if count is not None and count > 1 else []
    words += [f"{reached:.3g} Å"] if reached is not None and reached < _UNKNOWN else []
    return ", ".join(words)


def _newest_model(directory: Path) -> Path | None:
    """Return the model file of the end, else of the last iteration."""
    if (directory / "run_model.star").exists():
        return directory / "run_model.star"
    dated = [(iteration_of(path.name) or 0, path.name, path) for path in directory.glob("run*_model.star")]
    return max(dated)[2] if dated else None


def _number(pattern: re.Pattern[bytes], path: Path) -> float | None:
    try:
        with path.open("rb") as stream:
            found = pattern.search(stream.read(_HEAD_BYTES))
    except OSError:
        return None
    return float(found.group(1)) if found else None


def _picks(summary: Path) -> str:
    """Return the number of picks that the summary of an AutoPick job tells."""
    try:
        table = next(iter(read_star(summary).values()))
    except (StarError, OSError, StopIteration):
        return ""
    if "rlnGroupNrParticles" not in table:
        return ""
    return f"{int(table.numbers('rlnGroupNrParticles').sum()):,} picks"


def _count(outputs: Sequence[Node], project: Path) -> str:
    for kind, word in _WORDS.items():
        for node in outputs:
            if node.kind.startswith(kind) and node.path.endswith(".star"):
                count = rows_in(project / node.path)
                if count:
                    return f"{count:,} {word if count > 1 else word.removesuffix('s')}"
    return ""
