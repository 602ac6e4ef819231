"""run_itNNN_optimiser.star, of 2D classes and of 3D maps: what it says, and the files that it names."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.engine.classify2d.accuracy import UNKNOWN
from relionlab.errors import NodeError, StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table

_WRITER = "RELION optimiser; version relionlab"
"""First comment of our optimiser files; RELION writes its own version there."""
_MODELS = ("rlnModelStarFile", "rlnModelStarFile2")
_IN_PIXELS = ("rlnOffsetRange", "rlnOffsetStep")


@dataclass(frozen=True)
class Named:
    """An optimiser file and what it names, read except for particles and references.

    name       of the optimiser, as it was given
    general    its table
    models     the tables of its model files: one, or two of half-sets
    sampling   the tables of its sampling file; offsets in Å
    data       path of its particles
    relion_version  of the RELION that wrote it, as "3.1.3"; empty if relionlab did
    words      of the command line, if relionlab wrote it
    directory  what the names in it are relative to
    """

    name: str
    general: Table
    models: tuple[dict[str, Table], ...]
    sampling: dict[str, Table]
    data: Path
    relion_version: str
    words: tuple[str, ...]
    directory: Path

    def path(self, named: str, what: str) -> Path:
        """Return where a file lies that one of these names; a folder that was copied elsewhere is looked through too.

        Raises NodeError, saying ``what`` is missing.
        """
        for path in (self.directory / named, (self.directory / self.name).parent / Path(named).name):
            if path.is_file():
                return path
        raise NodeError(f"{self.name} names {named}, which is not there: {what}.")

    def number(self, label: str, default: float) -> float:
        """Return a number of the optimiser's table; where it has none that can be read, the default."""
        value = float(self.general.value(label)) if label in self.general else default
        return value if np.isfinite(value) else default


def read_optimiser(optimiser: str, directory: Path) -> Named:
    """Read an optimiser of RELION (2.1 and later) or relionlab, with the model and sampling files that it names.

    Raises NodeError if a file is missing.
    """
    path = directory / optimiser
    if not path.is_file():
        raise NodeError(f"{optimiser} is not there: give the run_itNNN_optimiser.star of the iteration to continue.")
    general = _table(read_star(path), "optimiser_general", optimiser)
    version, words = _written_by(path)
    empty = Named(optimiser, general, (), {}, path, version, words, directory)

    def there(label: str) -> Path:
        return empty.path(str(general.value(label)), "the iteration is not complete")

    paths = [there(label) for label in _MODELS if label in general]
    models = tuple(read_star(each) for each in paths)
    for model in models:
        _table(model, "model_general", optimiser)
    sampling = read_star(there("rlnOrientSamplingStarFile"))
    _table(sampling, "sampling_general", optimiser)
    sampling |= {"sampling_general": _in_angstrom(sampling["sampling_general"], models[0]["model_general"])}
    data = there("rlnExperimentalDataStarFile")
    return Named(optimiser, general, models, sampling, data, version, words, directory)


def write_optimiser(path: Path, columns: dict[str, Any], *, command: str) -> None:
    """Write an optimiser file; ``command`` is the command line, kept as a comment."""
    write_star(path, [Table(columns, "optimiser_general", loop=False)], [_WRITER, command])


def optimiser_columns(
    root: str,
    stem: str,
    number: int,
    *,
    options: dict[str, object],
    best_resolution: float,
    accuracies: tuple[np.ndarray | None, np.ndarray | None],
    changed: tuple[float, float, float],
    models: Iterable[str] = ("model",),
) -> dict[str, Any]:
    """Return label -> value of an optimiser's table.

    root, stem  as "Class2D/job001/run" and "Class2D/job001/run_it025"
    options     label -> value; what is no label is left out
    best_resolution  1/Å
    accuracies  (class,) of rotations in degrees, of offsets in Å; ``None``: not known
    changed     mean changes of angles (°) and origins (Å), fraction of changed classes
    models      what the model files are called after the stem
    """
    angle, offset, classes = changed
    rotations, offsets = (UNKNOWN if known is None else float(np.min(known)) for known in accuracies)
    return {
        "rlnOutputRootName": root,
        **{label: f"{stem}_{model}.star" for label, model in zip(_MODELS, models, strict=False)},
        "rlnExperimentalDataStarFile": f"{stem}_data.star",
        "rlnOrientSamplingStarFile": f"{stem}_sampling.star",
        "rlnCurrentIteration": number,
        **{label: value for label, value in options.items() if label.startswith("rln")},
        "rlnOverallAccuracyRotations": rotations,
        "rlnOverallAccuracyTranslationsAngst": offsets,
        "rlnChangesOptimalOrientations": angle,
        "rlnChangesOptimalOffsets": offset,
        "rlnChangesOptimalClasses": classes,
        "rlnBestResolutionThusFar": best_resolution,
    }


def _written_by(optimiser: Path) -> tuple[str, tuple[str, ...]]:
    """Return RELION's version, or else the words of relionlab's command line, from the comments at the head."""
    with optimiser.open(encoding="utf-8", errors="replace") as lines:
        writer, command = next(lines, ""), next(lines, "")
    if _WRITER in writer:
        return "", tuple(shlex.split(command.removeprefix("#")))
    return writer.rpartition("version")[2].strip() or "unknown", ()


def _table(tables: dict[str, Table], name: str, path: str) -> Table:
    if name not in tables:
        raise StarError(f"{path}: expected a table data_{name}, found {', '.join(tables)}.")
    return tables[name]


def _in_angstrom(sampling: Table, model: Table) -> Table:
    """Return the sampling's table with offsets in Å; before 3.1, as its model's labels tell, they were in px."""
    if "rlnSigmaOffsetsAngst" in model:
        return sampling
    pixel_size = float(model.value("rlnPixelSize"))
    return sampling.with_columns({label: sampling[label] * pixel_size for label in _IN_PIXELS if label in sampling})
