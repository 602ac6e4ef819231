"""What the pictures of a classification are drawn from: class averages, and the course of the iterations.

Read from RELION's ``run_itNNN_{model,data,optimiser}.star`` and ``run_itNNN_classes.mrcs``, whoever wrote them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from relionlab.errors import InputError, NodeError, StarError
from relionlab.io.image_names import parse_image_name
from relionlab.io.images import read_map, read_stack
from relionlab.io.star import read_star
from relionlab.io.star_columns import read_columns
from relionlab.io.table import Table

Order = Literal["size", "resolution", "number"]

_ITERATION = re.compile(r"_it(\d+)(?:_half1)?_model\.star$")
_UNKNOWN = 999.0  # RELION's word for "not determined", of accuracies, changes and resolutions


@dataclass(frozen=True)
class ClassAverages:
    """The class averages of one iteration.

    images      (K, y, x)  averages, protein bright
    pixel_size  Å
    share       (K,)  fraction of the particles, 0 to 1 (rlnClassDistribution)
    counts      (K,)  particles whose best class this is; -1 where no particle table was found
    resolution  (K,)  Å, estimated from the spectral signal-to-noise ratio; inf where there is none
    accuracy_rotations, accuracy_offsets  (K,)  °, Å; nan where not determined
    numbers     (K,)  class numbers, from 1
    iteration   0 for the starting references; -1: unknown
    model       the run_itNNN_model.star, if it was read from one
    what        the images are, in words
    """

    images: np.ndarray
    pixel_size: float
    share: np.ndarray
    counts: np.ndarray
    resolution: np.ndarray
    accuracy_rotations: np.ndarray
    accuracy_offsets: np.ndarray
    numbers: np.ndarray
    iteration: int = -1
    model: Path | None = field(default=None, compare=False)
    what: str = "Class averages"

    @classmethod
    def from_arrays(
        cls,
        images: np.ndarray,
        *,
        pixel_size: float,
        counts: np.ndarray | None = None,
        resolution: np.ndarray | None = None,
    ) -> ClassAverages:
        """Make it from images (K, y, x), particles per class and resolutions in Å."""
        k = len(images)
        counts = np.full(k, -1) if counts is None else np.asarray(counts)
        share = counts / counts.sum() if counts.sum() > 0 else np.full(k, 1.0 / max(k, 1))
        unknown = np.full(k, np.nan)
        resolution = np.full(k, np.inf) if resolution is None else np.asarray(resolution, dtype=np.float64)
        return cls(np.asarray(images), pixel_size, share, counts, resolution, unknown, unknown, np.arange(1, k + 1))

    def __len__(self) -> int:
        return len(self.images)

    def order(self, by: Order = "size") -> np.ndarray:
        """Return indices that put the classes in order: largest first, finest resolution first, or by number."""
        size = np.where(self.counts >= 0, self.counts, self.share)
        keys = {"size": (-self.share, -size), "resolution": (-size, self.resolution), "number": (self.numbers,)}
        if by not in keys:
            raise InputError(f"Classes cannot be ordered by {by!r}: expected one of {', '.join(keys)}.")
        return np.lexsort(keys[by])

    def take(self, indices: np.ndarray) -> ClassAverages:
        """Return these classes, in this order."""
        names = ("images", "share", "counts", "resolution", "accuracy_rotations", "accuracy_offsets", "numbers")
        return replace(self, **{name: getattr(self, name)[indices] for name in names})


@dataclass(frozen=True)
class Course:
    """How a classification went, iteration by iteration; nan where an iteration does not tell.

    iterations      (T,)
    resolution      (T,)    Å, of the best class (rlnCurrentResolution)
    share           (T, K)  fraction of the particles in each class
    log_likelihood  (T,)
    max_probability (T,)    mean of the largest posterior probability, 0 to 1
    changed_angles, changed_offsets, changed_classes  (T,)  mean change from the iteration before: °, Å, fraction
    """

    iterations: np.ndarray
    resolution: np.ndarray
    share: np.ndarray
    log_likelihood: np.ndarray
    max_probability: np.ndarray
    changed_angles: np.ndarray
    changed_offsets: np.ndarray
    changed_classes: np.ndarray

    def __len__(self) -> int:
        return len(self.iterations)


def model_files(directory: str | Path) -> list[Path]:
    """Return the run_itNNN_model.star of a job directory, of a refinement those of half 1, in the order of the iterations."""
    files = [path for path in Path(directory).glob("*_model.star") if _ITERATION.search(path.name)]
    return sorted(files, key=iteration_of)


def finished_models(directory: str | Path) -> list[Path]:
    """Return those model files of a job directory whose iteration is complete; last the one of a refinement's joined halves
    (run_model.star), unless newer iterations follow it.
    """
    files = [path for path in model_files(directory) if beside_model(path, "optimiser").exists()]
    joined = [path for path in Path(directory).glob("*_model.star") if not re.search(r"_it\d+_|_half[12]_", path.name)]
    newest = files[-1].stat().st_mtime if files else 0.0
    after = [path for path in joined if files and path.stat().st_mtime >= newest]
    return files + sorted(after, key=lambda path: path.stat().st_mtime)[-1:]


def iteration_of(path: str | Path) -> int:
    """Return the iteration in the name of a run_itNNN_… file, -1 if there is none."""
    found = re.search(r"_it(\d+)_", Path(path).name)
    return int(found.group(1)) if found else -1


def latest_model(source: str | Path) -> Path:
    """Return a model file itself, or the last iteration's of a job directory."""
    source = Path(source)
    if source.is_file():
        return source
    files = model_files(source)
    if not files:
        raise NodeError(
            f"{source} holds no run_itNNN_model.star: expected a classification or refinement that has finished an iteration."
        )
    return files[-1]


def read_class_averages(source: str | Path, *, count: bool = True) -> ClassAverages:
    """Read the class averages of a run_itNNN_model.star, or of a job directory's last iteration; of a 3D run the central
    slices (along z) of its maps.

    count  whether each class's particles are counted, which takes long where there are many
    """
    model = latest_model(source)
    classes, general = model_tables(model)
    return ClassAverages(
        images=_images(classes, general, model),
        pixel_size=float(general.value("rlnPixelSize")),
        share=_column(classes, "rlnClassDistribution"),
        counts=class_counts(model, len(classes)) if count else np.full(len(classes), -1),
        resolution=_resolutions(classes, general, halves="_half" in model.name),
        accuracy_rotations=_accuracy(classes, "rlnAccuracyRotations"),
        accuracy_offsets=_accuracy(classes, "rlnAccuracyTranslationsAngst"),
        numbers=np.arange(1, len(classes) + 1),
        iteration=iteration_of(model),
        model=model,
        what="Central slices" if _is_3d(general) else "Class averages",
    )


def model_tables(model: Path) -> tuple[Table, Table]:
    """Return the tables model_classes and model_general of a model file; StarError if it lacks one."""
    tables = read_star(model)
    for name in ("model_classes", "model_general"):
        if name not in tables:
            raise StarError(
                f"{model} has no table {name}, only {', '.join(tables) or 'nothing'}: expected a model.star."
            )
    return tables["model_classes"], tables["model_general"]


def read_course(directory: str | Path) -> Course:
    """Read how a job went from the model and optimiser files of all its iterations."""
    files = model_files(directory)
    if not files:
        raise NodeError(
            f"{directory} holds no run_itNNN_model.star: expected a classification or refinement that has finished an iteration."
        )
    return course_of([iteration_row(path) for path in files])


@dataclass(frozen=True)
class IterationRow:
    """One iteration's line of a :class:`Course`."""

    iteration: int
    share: np.ndarray
    values: dict[str, float]


def iteration_row(model: Path) -> IterationRow:
    """Read one iteration's line."""
    classes, general = model_tables(model)
    values = {
        "resolution": _value(general, "rlnCurrentResolution"),
        "log_likelihood": _value(general, "rlnLogLikelihood"),
        "max_probability": _value(general, "rlnAveragePmax"),
    }
    optimiser = beside_model(model, "optimiser")
    told = read_star(optimiser).get("optimiser_general") if optimiser.exists() else None
    for name, label in _CHANGES.items():
        values[name] = np.nan if told is None else _value(told, label)
    return IterationRow(iteration_of(model), _column(classes, "rlnClassDistribution"), values)


_CHANGES = {
    "changed_angles": "rlnChangesOptimalOrientations",
    "changed_offsets": "rlnChangesOptimalOffsets",
    "changed_classes": "rlnChangesOptimalClasses",
}


def course_of(rows: list[IterationRow]) -> Course:
    """Put lines together; RELION's 999 means not known, and before the first iteration there is no likelihood."""
    values = {name: np.array([row.values[name] for row in rows]) for name in rows[0].values}
    for name in _CHANGES:
        values[name] = np.where(values[name] >= _UNKNOWN, np.nan, values[name])
    began = np.array([row.iteration > 0 for row in rows])
    for name in ("log_likelihood", "max_probability"):
        values[name] = np.where(began, values[name], np.nan)
    widest = max(len(row.share) for row in rows)
    share = np.array([np.pad(row.share, (0, widest - len(row.share)), constant_values=np.nan) for row in rows])
    return Course(iterations=np.array([row.iteration for row in rows]), share=share, **values)


def find_file(name: str | Path, beside: str | Path) -> Path:
    """Return where a file lies that a STAR file names: from the project's directory, or beside that STAR file."""
    name, beside = Path(name), Path(beside).resolve()
    for base in (Path.cwd(), *beside.parents):
        if (base / name).exists():
            return base / name
    if (beside.parent / name.name).exists():
        return beside.parent / name.name
    raise NodeError(
        f"{beside.name} names {name}, which is neither in the project nor beside it in {beside.parent}: "
        "copy the file there, or open the project from the directory in which the job was run."
    )


def beside_model(model: Path, kind: str) -> Path:
    """Return the path of another file ("data", "optimiser" …) of a model file's iteration, which halves share."""
    return model.with_name(re.sub(r"(?:_half[12])?_model\.star$", f"_{kind}.star", model.name))


def data_file(model: Path) -> Path | None:
    """Return the particle table of a model file's iteration (also compressed), ``None`` if there is none."""
    plain = beside_model(model, "data")
    candidates = [plain, *(plain.with_name(plain.name + suffix) for suffix in (".gz", ".bz2", ".zst"))]
    return next((path for path in candidates if path.exists()), None)


def _images(classes: Table, general: Table, model: Path) -> np.ndarray:
    names = [str(name) for name in classes["rlnReferenceImage"]]
    if _is_3d(general):
        maps = (read_map(find_file(name, model))[0] for name in names)
        return np.stack([volume[volume.shape[0] // 2] for volume in maps])
    parsed = [parse_image_name(name) for name in names]
    return read_stack(find_file(parsed[0][1], model), np.array([index for index, _ in parsed]))


def _is_3d(general: Table) -> bool:
    return "rlnReferenceDimensionality" in general and int(general.value("rlnReferenceDimensionality")) == 3


def class_counts(model: Path, k: int) -> np.ndarray:
    """Return how many particles of a model file's iteration fit each of ``k`` classes best; -1 where that is not known."""
    path = data_file(model)
    if path is None or iteration_of(model) == 0:  # before the first iteration no particle has a class
        return np.full(k, -1)
    return np.array(_counted(path, path.stat().st_mtime_ns, k))


@lru_cache(maxsize=8)  # a monitor and a gallery ask for the same ones, of which there may be a hundred thousand
def _counted(path: Path, _changed: int, k: int) -> tuple[int, ...]:
    try:
        numbers = read_columns(path, "rlnClassNumber")["rlnClassNumber"]
    except StarError:
        return (-1,) * k
    return tuple(np.bincount(np.asarray(numbers, dtype=np.int64), minlength=k + 1)[1 : k + 1].tolist())


def _column(table: Table, label: str) -> np.ndarray:
    return np.asarray(table[label], dtype=np.float64) if label in table else np.full(len(table), np.nan)


def _resolutions(table: Table, general: Table, *, halves: bool) -> np.ndarray:
    """Return the resolutions of classes in Å: of half-maps the run's own, where they correlate by 0.143 (their
    rlnEstimatedResolution is where each has as much noise as signal, which is a correlation of 0.5).
    """
    values = _column(table, "rlnEstimatedResolution")
    values = np.full(len(values), _value(general, "rlnCurrentResolution")) if halves else values
    return np.where((values >= _UNKNOWN) | ~(values > 0), np.inf, values)


def _accuracy(table: Table, label: str) -> np.ndarray:
    values = _column(table, label)
    return np.where(values >= _UNKNOWN, np.nan, values)


def _value(table: Table, label: str) -> float:
    return float(table.value(label)) if label in table else float("nan")
