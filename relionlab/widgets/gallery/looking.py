"""``look``: the interactive viewer that fits a file or a job."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import ipywidgets as w

from relionlab.display.bokeh_view import BokehView
from relionlab.display.image_set import lists_particles, read_image_set, set_of_tables
from relionlab.display.picks import picking_pictures
from relionlab.display.results import model_files
from relionlab.display.show import show
from relionlab.errors import InputError, RelionlabError, StarError
from relionlab.io.images import open_image, read_header
from relionlab.io.star import read_star
from relionlab.jobs.refinement.rounds import is_three_dimensional
from relionlab.project import JobDirectory
from relionlab.widgets.gallery.image_gallery import ImageGallery
from relionlab.widgets.gallery.image_tools import ImageTools
from relionlab.widgets.gallery.star_view import StarView
from relionlab.widgets.maps.plot_view import PlotView
from relionlab.widgets.maps.slice_view import SliceView
from relionlab.widgets.parts.opening import Opener

_PACKED = (".gz", ".bz2", ".zst")
_GALLERIES = ("Extract", "Class2D", "Import", "MotionCorr", "CtfFind", "Select", "Polish", "Subtract", "Sort")


def look(thing: JobDirectory | str | Path, *, opener: Opener | None = None) -> w.Widget:
    """Return the viewer of a file or a job directory.

    a job that makes 2D images     gallery: class averages, particles, micrographs
    a job that makes maps          their slices; another job its picture
    .star of images                gallery; of a 3D model its picture, of an FSC its curves; any other: table and plot
    .mrcs and folders of images    gallery
    .mrc of one image              image tools
    .mrc of a map                  its slices
    Raises InputError for what cannot be looked at.
    """
    path = thing.path if isinstance(thing, JobDirectory) else Path(thing)
    if not path.exists():
        raise InputError(f"{path} does not exist (looked in {Path.cwd()}): give a file or a job directory.")
    if path.is_dir():
        return _job(path, opener)
    name = path.name.removesuffix(next((ending for ending in _PACKED if path.name.endswith(ending)), ""))
    if name.endswith(".star"):
        return _star(path, opener)
    header = read_header(path)
    if header.is_stack and header.count > 1:
        return ImageGallery(path, opener=opener)
    return ImageTools(path) if open_image(path).frames == 1 else SliceView(path, opener=opener)


def _job(path: Path, opener: Opener | None) -> w.Widget:
    """Return the gallery of a job's images, or the picture of a job that made something else."""
    flat = model_files(path) and not is_three_dimensional(path)
    if flat or (path.parent.name in _GALLERIES and not model_files(path)):
        with suppress(InputError):  # of movies, or nothing yet
            return ImageGallery(path, opener=opener)
    if any(path.glob("coords_suffix_*.star")) and (path / "summary.star").exists():
        return w.VBox([BokehView(drawn) for drawn in picking_pictures(path)])
    if path.parent.name not in _GALLERIES and (model_files(path) or any(path.glob("*.mrc"))):
        with suppress(RelionlabError):
            return SliceView(path, opener=opener)
    if not any(path.glob("*.star")):
        return ImageGallery(path, opener=opener)  # a folder of images
    return BokehView(show(path))


def _star(path: Path, opener: Opener | None) -> w.Widget:
    if lists_particles(path):
        with suppress(InputError, StarError):  # read once for all that is linked to it
            return ImageGallery(read_image_set(path), opener=opener)
    tables = read_star(path)
    if "fsc" in tables:
        return PlotView(path)
    if "model_classes" in tables:
        if int(tables["model_general"].value("rlnReferenceDimensionality")) == 3:
            return BokehView(show(path))
        return ImageGallery(read_image_set(path), opener=opener)
    try:
        return ImageGallery(set_of_tables(tables, path), opener=opener)
    except InputError:
        return StarView(path, opener=opener)
