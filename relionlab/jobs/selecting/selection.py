"""The program ``class_selection``: keep the particles of chosen classes, or chosen rows of a list."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, ClassVar

import numpy as np

from relionlab.errors import NodeError, ParameterError, StarError
from relionlab.io.image_names import format_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import read_map, write_stack
from relionlab.io.job_names import as_folder
from relionlab.io.star import read_star, write_star
from relionlab.io.star_head import star_heads
from relionlab.io.table import Table
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.looking import quickly_read
from relionlab.jobs.selecting import select_options as options
from relionlab.jobs.selecting.class_scores import choose, score_classes
from relionlab.jobs.selecting.regrouping import regroup
from relionlab.jobs.star.list_file import StarList, read_list
from relionlab.params import Parameter

BACKUP = "backup_selection.star"
"""In it RELION's gallery keeps what is chosen, a row (rlnSelected) for each class, particle or micrograph."""


class ClassSelection(Program):
    """Keep the particles of the classes that are named, or that score above a threshold.

    Writes particles.star, class_averages.star, backup_selection.star (what RELION's gallery shows as chosen) and
    class_scores.star. With a list instead of a model, --classes gives the rows to keep and --o the file to write.
    """

    name: ClassVar[str] = "class_selection"
    title: ClassVar[str] = "Class selection"

    i: Annotated[
        str,
        Parameter(
            label="Input",
            help="run_itNNN_model.star or run_itNNN_optimiser.star; or a list of particles or micrographs.",
            tab="I/O",
            flag="--i",
            required=True,
        ),
    ] = ""
    o: Annotated[
        str,
        Parameter(
            label="Output",
            help='Directory, as "Select/job004/"; for a list the file.',
            tab="I/O",
            flag="--o",
            required=True,
        ),
    ] = ""
    classes: options.Classes = ""
    rank_threshold: Annotated[
        float | None,
        Parameter(
            label="Score threshold",
            help="Keep the classes that score at least this, from 0 to 1; without it and without --classes none is kept.",
            tab="Class options",
            flag="--rank_threshold",
            none_as="",
            bounds=(0, 1),
        ),
    ] = None
    min_particles: options.MinimumParticles = -1
    min_classes: options.MinimumClasses = -1
    recenter: options.Recentre = False
    regroup: options.NumberOfGroups = 0  # leaves the groups as they are
    max_per_class: options.MaximumPerClass = -1
    random_seed: options.RandomSeed = 0

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if bool(self.classes) == (self.rank_threshold is not None):
            found.append("Choose classes either by number (--classes 1,3,5) or by score (--rank_threshold 0.5).")
        return found

    def look(self, context: Context) -> None:
        """Look at the files of the classification, or at the list, and at the numbers that are chosen."""
        if not quickly_read(context, self.i):
            return
        if is_classification(context, self.i):
            count, what = _count_of_classes(context, self.i), f"class of {self.i}"
        elif self.rank_threshold is not None:
            raise self._no_classes()
        else:
            count, what = len(read_list(context.path(self.i)).rows), f"row of {self.i}"
        to_come = self.classes.strip().endswith(".star")  # the gallery writes it into the job that is to come
        if self.classes and not to_come:
            try:
                parse_numbers(self.classes, count, what)
            except ParameterError as error:
                raise ParameterError(f"{self.called('classes')}: {error}") from None

    def run(self, context: Context) -> None:
        """Choose, and write the lists."""
        self.check()
        if is_classification(context, self.i):
            self._select_classes(context, read_classification(context, self.i))
        elif self.rank_threshold is not None:
            raise self._no_classes()
        else:
            self._select_rows(context)

    def _no_classes(self) -> NodeError:
        return NodeError(
            f"{self.i} is no classification, so it has no classes to score: give its run_itNNN_model.star or _optimiser.star."
        )

    def _select_rows(self, context: Context) -> None:
        data = read_list(context.path(self.i))
        kept = chosen_numbers(
            context, self.classes, folder=self.o.rpartition("/")[0], count=len(data.rows), what=f"row of {self.i}"
        )
        numbers = np.flatnonzero(kept) + 1
        _write_backup(context, self.o.rpartition("/")[0], kept)
        data.with_rows(data.rows.rows(numbers - 1)).write(context.path(self.o))
        context.say(f"Saved {self.o} with {len(numbers)} of {len(data.rows)} rows.")

    def _select_classes(self, context: Context, found: Classification) -> None:
        context.say("Reading in all images...")
        images = _read_averages(context, found.classes, self.i)
        count = len(found.classes)
        counts = np.bincount(np.maximum(found.data.rows["rlnClassNumber"], 0), minlength=count + 1)[1 : count + 1]
        scores = score_classes(found.classes, images, mask_radius_px=found.mask_radius_px)
        if self.classes:
            kept = chosen_numbers(context, self.classes, folder=self.o, count=count, what=f"class of {self.i}")
        else:
            minima = {"min_classes": self.min_classes, "min_particles": self.min_particles}
            kept = choose(scores.score, counts, threshold=float(self.rank_threshold or 0), **minima)
            for number in np.flatnonzero(kept):
                context.say(f" class {number + 1}: score {scores.score[number]:.3f}, {counts[number]} particles")
        if not kept.any():
            raise ParameterError(
                f"no class scores {self.rank_threshold:g} or more (the best has {scores.score.max():.2f}):"
                " lower --rank_threshold, or name classes with --classes."
            )
        output = as_folder(self.o)
        context.path(output).mkdir(parents=True, exist_ok=True)
        _write_backup(context, output, kept)
        write_star(context.path(output + "class_scores.star"), [scores.table(found.classes)])
        self._write_averages(context, output, found, images, np.flatnonzero(kept))
        particles = self._chosen_particles(context, found, kept)
        if not len(particles.rows):
            context.warn("warning: no particle belongs to the chosen classes: the list is empty. Choose others.")
        particles.write(context.path(output + "particles.star"))
        context.say(f"Saved {output}particles.star with {len(particles.rows)} selected particles.")

    def _write_averages(
        self, context: Context, output: str, found: Classification, images: np.ndarray | None, chosen: np.ndarray
    ) -> None:
        table = found.classes.rows(chosen).with_columns(rlnClassNumber=chosen + 1).renamed("")
        if self.recenter and images is not None and images.ndim == 3:
            stack = output + "class_averages.mrcs"
            write_stack(context.path(stack), recentred(images[chosen]), pixel_size=found.pixel_size)
            names = [format_image_name(number, stack) for number in range(len(chosen))]
            table = table.with_columns(rlnReferenceImage=names)
        write_star(context.path(output + "class_averages.star"), [table])
        context.say(f"Saved {output}class_averages.star with {len(chosen)} selected images.")

    def _chosen_particles(self, context: Context, found: Classification, kept: np.ndarray) -> StarList:
        rows = found.data.rows
        numbers = rows["rlnClassNumber"]
        inside = (numbers >= 1) & (numbers <= len(kept))
        mask = inside & kept[np.clip(numbers - 1, 0, len(kept) - 1)]
        if self.max_per_class > 0:
            rng = np.random.default_rng(self.random_seed)
            for number in np.flatnonzero(kept) + 1:
                members = np.flatnonzero(mask & (numbers == number))
                surplus = len(members) - self.max_per_class
                if surplus > 0:
                    mask[rng.choice(members, surplus, replace=False)] = False
        rows = rows.rows(mask)
        if self.regroup > 0:
            rows = regroup(rows, found.groups, wanted=self.regroup, say=context.say)
        return found.data.with_rows(rows)


@dataclass(frozen=True)
class Classification:
    """What is needed of one iteration of a classification.

    classes         the model's table of classes
    groups          the model's table of groups
    data            the particles with their classes
    pixel_size      of the averages, Å
    mask_radius_px  of the particle mask, px
    """

    classes: Table
    groups: Table
    data: StarList
    pixel_size: float
    mask_radius_px: float


def is_classification(context: Context, name: str) -> bool:
    """Say whether a STAR file is a classification's model or optimiser, and no list of particles or micrographs."""
    heads = star_heads(context.path(name))
    return "model_classes" in heads or (
        "optimiser_general" in heads and "rlnModelStarFile" in heads["optimiser_general"].labels
    )


def read_classification(context: Context, name: str) -> Classification:
    """Read an iteration by its model or optimiser file; raises NodeError where a file of it is missing."""
    stem = re.sub(r"_(half\d_)?(model|optimiser)\.star$", "", name)
    tables = read_star(context.path(name))
    optimiser_file = context.path(stem + "_optimiser.star")
    general = tables.get("optimiser_general")
    if general is None and optimiser_file.exists():
        general = read_star(optimiser_file).get("optimiser_general")
    model_file, data_file = name, stem + "_data.star"
    if "model_classes" not in tables:
        model_file = _existing(
            context, str(tables["optimiser_general"].value("rlnModelStarFile")), stem + "_model.star"
        )
        data_file = str(tables["optimiser_general"].value("rlnExperimentalDataStarFile"))
        tables = read_star(context.path(model_file))
    data_file = _existing(context, data_file, stem + "_data.star")
    model = tables["model_general"]
    pixel_size, size = float(model.value("rlnPixelSize")), int(model.value("rlnOriginalImageSize"))
    diameter = float(general.value("rlnParticleDiameter")) if general is not None else -1.0
    radius = diameter / 2 / pixel_size if diameter > 0 else 0.45 * size
    data = read_list(context.path(data_file))
    _check_assigned(data_file, data.rows.labels, len(data.rows))
    return Classification(tables["model_classes"], tables["model_groups"], data, pixel_size, min(radius, size / 2 - 1))


def _count_of_classes(context: Context, name: str) -> int:
    """Return how many classes an iteration has; raise or warn where its model, particles or averages are not as they should."""
    stem = re.sub(r"_(half\d_)?(model|optimiser)\.star$", "", name)
    heads = star_heads(context.path(name))
    model, data = name, stem + "_data.star"
    if "model_classes" not in heads:
        general = heads["optimiser_general"].first
        data = general.get("rlnExperimentalDataStarFile", data)
        model = _existing(context, general["rlnModelStarFile"], stem + "_model.star")
        heads = star_heads(context.path(model))
    data = _existing(context, data, stem + "_data.star")
    lists = [head for name, head in star_heads(context.path(data)).items() if name != "optics"]
    _check_assigned(data, lists[0].labels if lists else (), lists[0].rows if lists else 0)
    classes = heads["model_classes"]
    first = classes.first.get("rlnReferenceImage", "")
    _, mark, stack = first.rpartition("@")
    if mark and (quickly_read(context, stack) or not context.path(stack).exists()):  # maps are left for the run
        names = [format_image_name(number, stack) for number in range(classes.rows)]
        _read_averages(context, Table({"rlnReferenceImage": names}), model)
    return classes.rows


def _check_assigned(name: str, labels: Collection[str], count: int) -> None:
    """Raise StarError if a list has no particles, or they belong to no class."""
    if "rlnClassNumber" not in labels:
        raise StarError(f"{name} has no column rlnClassNumber, so its particles belong to no class.")
    if not count:
        raise StarError(f"{name} lists no particles: expected those of the classification. Choose another iteration.")


def parse_numbers(text: str, highest: int, what: str) -> np.ndarray:
    """Return the numbers of "1,3,5-8", sorted; raises ParameterError for what is none, or beyond the highest."""
    numbers: set[int] = set()
    for part in filter(None, re.split(r"[\s,;]+", text)):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not found:
            raise ParameterError(f"{part!r} in {text!r} is no number: give numbers as 1,3,5-8.")
        first = int(found.group(1))
        numbers |= set(range(first, int(found.group(2) or first) + 1))
    wrong = sorted(number for number in numbers if not 1 <= number <= highest)
    if wrong:
        raise ParameterError(f"there is no {what} with number {wrong[0]}: it has 1 to {highest}.")
    return np.array(sorted(numbers), dtype=np.int64)


def chosen_numbers(context: Context, text: str, *, folder: str, count: int, what: str) -> np.ndarray:
    """Return which of ``count`` classes or rows are chosen, (count,) bool.

    text  numbers as "1,3,5-8", or the name of a file with the column rlnSelected, looked for in ``folder`` first
    Raises ParameterError for numbers beyond the highest, or a file of another length.
    """
    kept = np.zeros(count, dtype=bool)
    if not text.strip().endswith(".star"):
        kept[parse_numbers(text, count, what) - 1] = True
        return kept
    name = text.strip()
    beside = as_folder(folder) + name
    place = context.path(beside if context.path(beside).exists() else name)
    if not place.exists():
        raise ParameterError(
            f"{beside} does not exist: choose in the gallery, which writes it, or give numbers as 1,3,5-8."
        )
    table = next(iter(read_star(place).values()))
    selected = table["rlnSelected"] != 0
    if len(selected) != count:
        raise ParameterError(
            f"{place.name} has {len(selected)} rows, but there are {count} of what it chooses ({what})."
        )
    if not selected.any():
        raise ParameterError(f"{place.name} chooses nothing: every rlnSelected in it is 0.")
    return selected


def _write_backup(context: Context, folder: str, kept: np.ndarray) -> None:
    write_star(context.path(as_folder(folder) + BACKUP), [Table({"rlnSelected": kept.astype(np.int64)})])


def recentred(images: np.ndarray) -> np.ndarray:
    """Shift each image so that the centre of mass of its positive values lies at n//2."""
    from scipy import ndimage

    moved = np.empty_like(images, dtype=np.float32)
    for number, image in enumerate(images):
        positive = np.maximum(image, 0)
        centre = ndimage.center_of_mass(positive) if positive.any() else [size // 2 for size in image.shape]
        shift = [size // 2 - place for size, place in zip(image.shape, centre, strict=True)]
        moved[number] = ndimage.shift(image, shift, order=3, mode="grid-wrap")
    return moved


def _existing(context: Context, name: str, beside: str) -> str:
    """Return the name, or the file beside the given one where a project was moved."""
    for candidate in (name, beside, beside + ".gz"):
        if context.path(candidate).exists():
            return candidate
    raise NodeError(f"{name} does not exist, nor {beside}: the classification is not complete.")


def _beside(image: str, model: str) -> str:
    """Return the image's name with the model's folder: "3@a/x.mrcs", "b/m.star" -> "3@b/x.mrcs"."""
    number, mark, file = image.rpartition("@")
    return f"{number}{mark}{PurePosixPath(model).parent / PurePosixPath(file).name}"


def _read_averages(context: Context, classes: Table, model: str) -> np.ndarray | None:
    """Return the averages (n, y, x) or maps (n, z, y, x); ``None`` where they cannot be found."""
    names = classes["rlnReferenceImage"].tolist()
    missing = [name for name in names if not context.path(name.rpartition("@")[2]).exists()]
    if missing:  # the folder was renamed: the images lie beside the model
        names = [_beside(name, model) for name in names]
    if not all(context.path(name.rpartition("@")[2]).exists() for name in names):
        context.warn(f"warning: {missing[0]} is not there; the classes are ranked without their images.")
        return None
    if "@" in names[0]:
        images = ImageReader(names, context.directory).read()
        bad = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2)))
        if len(bad):
            context.warn(
                f"warning: the average of class {bad[0] + 1}{f' and {len(bad) - 1} others' if len(bad) > 1 else ''} holds NaN or"
                " infinite pixels: its score means nothing. Look at the classification before its particles are used."
            )
        return images
    return np.stack([read_map(context.path(name))[0] for name in names])
