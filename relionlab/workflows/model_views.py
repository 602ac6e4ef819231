"""The tutorial's test of an initial model: do its projections look like the class averages, and does its symmetry hold?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from relionlab.display.map_sources import map_files
from relionlab.display.picture import Picture
from relionlab.display.plots import Plot
from relionlab.display.results import ClassAverages, beside_model, read_class_averages
from relionlab.display.view_pairs import view_pairs, view_table
from relionlab.engine.fourier import resize
from relionlab.engine.maps.alterations import new_box, symmetrised
from relionlab.engine.symmetry import point_group
from relionlab.engine.view_matching import ModelTest, ViewMatches, even_views, match_views
from relionlab.errors import ImageError, NodeError, RelionlabError
from relionlab.io.images import read_map
from relionlab.io.star import read_star
from relionlab.jobs.refinement.rounds import is_three_dimensional, last_round
from relionlab.project import JobDirectory
from relionlab.project.job_directory import job_directory_at
from relionlab.workflows.sizes_used import made_from

VIEWS = 50
BESIDE_CLASSES = "Projections and class averages"
"""What the plot is called that shows the test."""
_SAME = 0.005  # by which pixel sizes may differ
_FEWEST = 0.002  # share of the particles: smaller classes are noise
_OF_BOX = 0.8  # diameter where nothing tells it


def model_views(
    map_: str | Path | np.ndarray,
    classes: ClassAverages | str | Path,
    *,
    symmetry: str = "C1",
    views: int = VIEWS,
    diameter: float | None = None,
    resolution: float = 20.0,
    pixel_size: float | None = None,
) -> ModelTest:
    """Compare projections of a map with class averages, each with the one it is most like.

    map_        a map file, or an array (z, y, x) with its ``pixel_size`` in Å; protein bright
    classes     a Class2D job directory, a model.star, or class averages
    symmetry    point group that is imposed on the map for a second comparison, in RELION's axes
    views       how many, evenly over all directions
    diameter    Å, within which images are compared; by default the mask diameter of the classification
    resolution  Å to which both are low-passed

    A score is a normalised correlation at the best turn and shift: near 1 the same picture, about 0.5 and less another one.
    The hand is not tested: a map and its mirror image have the same projections.
    Raises ImageError if neither pixel size nor width of the boxes agree.
    """
    volume, found = (map_, pixel_size) if isinstance(map_, np.ndarray) else read_map(map_)
    size = pixel_size or found
    if not size:
        raise ImageError("The map has no pixel size: give it as pixel_size, in Å.")
    averages = classes if isinstance(classes, ClassAverages) else read_class_averages(classes)
    kept = averages.take(np.flatnonzero(np.nan_to_num(averages.share) >= _FEWEST))
    if not len(kept):
        raise ImageError("All class averages are empty: there is nothing to compare the map with.")
    width = volume.shape[-1] * size
    across = diameter or _mask_diameter(averages) or _OF_BOX * width
    images = _at_scale(kept, volume.shape[-1], size)
    directions = even_views(views)

    def compared(tested: np.ndarray) -> ViewMatches:
        return match_views(tested, images, directions, pixel_size=size, diameter=across, resolution=resolution)

    group = point_group(symmetry)
    symmetric = compared(symmetrised(volume, group.operations)) if group.order > 1 else None
    return ModelTest(compared(volume), kept.numbers, across, resolution, symmetric, group.name)


def model_views_of(directory: JobDirectory, classes: str | Path = "", *, views: int = VIEWS) -> ModelTest:
    """Compare the map of a 3D job with the class averages that its particles came from; that of an initial model which was
    made without symmetry before and after its symmetry was imposed.

    classes  as of :func:`model_views`; by default of the nearest Class2D job that this one goes back to
    views    how many, evenly over all directions

    Raises NodeError if the job goes back to no Class2D job.
    """
    averages = read_class_averages(classes or classified_before(directory).path)
    finished = model_views(map_files(directory.path)[0][1], averages, views=views)
    job, raw = directory.job, _made_without_symmetry(directory)
    if raw is None:
        return finished
    before = model_views(raw, averages, views=views)
    return replace(before, symmetric=finished.matches, symmetry=str(getattr(job, "sym_name", "")))


def plots_beside_classes(source: str | Path) -> list[Plot]:
    """Return the plot of :func:`model_views_of` for the job of a path; none if it is no 3D job that goes back to a Class2D job."""
    try:
        job = job_directory_at(source)
        if not is_three_dimensional(job.path):
            return []
        classified = classified_before(job)
    except (RelionlabError, OSError):
        return []

    def draw(_k: int) -> list[Picture]:
        test = model_views_of(job)
        pairs = view_pairs(test, symmetric=test.symmetric is not None)
        return [pairs] if test.symmetric is None else [pairs, replace(view_table(test), caption="")]

    wait = f"Comparing {VIEWS} projections with the averages of {classified.name}: some ten seconds …"
    return [Plot(BESIDE_CLASSES, draw, wait=wait)]


def classified_before(directory: JobDirectory) -> JobDirectory:
    """Return the nearest Class2D job that a job goes back to; raises NodeError if there is none."""
    for one, _ in made_from(directory):
        if one.name.startswith("Class2D/"):
            return one
    raise NodeError(f"{directory.name} goes back to no Class2D job, whose averages its map could be compared with.")


def _made_without_symmetry(directory: JobDirectory) -> Path | None:
    """Return the last map of an initial model that was made in C1, before its symmetry was imposed."""
    job = directory.job
    if not getattr(job, "do_run_c1", False) or str(getattr(job, "sym_name", "C1")).upper() == "C1":
        return None
    root = last_round(directory.path).models[0].name.removesuffix("_model.star")
    maps = sorted(directory.path.glob(f"{root}_class*.mrc"))
    return maps[0] if len(maps) == 1 else None  # of several it is not known which was taken


def _at_scale(averages: ClassAverages, box: int, pixel_size: float) -> np.ndarray:
    """Return class averages (K, box, box) in pixels of the map."""
    images, n = averages.images.astype(np.float32), averages.images.shape[-1]
    if abs(averages.pixel_size / pixel_size - 1) < _SAME:
        return images if n == box else np.stack([new_box(images[k], box) for k in range(len(images))])
    if abs(n * averages.pixel_size / (box * pixel_size) - 1) < _SAME:
        return resize(images, box)
    raise ImageError(
        f"The class averages have {n} px of {averages.pixel_size:.4g} Å, the map {box} px of {pixel_size:.4g} Å: neither pixel"
        " size nor width agree. Rescale the map with image_handler --rescale_angpix."
    )


def _mask_diameter(averages: ClassAverages) -> float:
    """Return the diameter in Å of the mask with which the classes were made, 0 if it is not known."""
    if averages.model is None:
        return 0.0
    optimiser = beside_model(averages.model, "optimiser")
    told = read_star(optimiser).get("optimiser_general") if optimiser.exists() else None
    return float(told.value("rlnParticleDiameter")) if told is not None and "rlnParticleDiameter" in told else 0.0
