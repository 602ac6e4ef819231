"""RELION's logfile.pdf: the pictures of a job, one per page, from the same descriptions as in the notebook."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from relionlab.display.picture import Picture
from relionlab.display.results import data_file, latest_model, model_files
from relionlab.jobs.refinement.rounds import is_three_dimensional


def pictures(directory: str | Path) -> list[Picture]:
    """Return all pictures of a job directory, the most telling first; empty if there is nothing to draw."""
    directory = Path(directory)
    drawn = _drawn_from_results(directory)
    if drawn is None:
        from relionlab.display.distributions import distributions

        return [distributions(path) for path in (directory / "particles.star",) if path.exists()]
    return drawn(directory)


def write_logfile(directory: str | Path) -> Path | None:
    """Write logfile.pdf into a job directory; returns its path, or ``None`` if there is nothing to draw.

    Only of jobs that compute something to look at: loading the drawing libraries takes longer than an Import. A PDF that
    is younger than the file that tells what there is to draw is left as it is.
    """
    directory = Path(directory)
    if _is_drawn(directory):
        return directory / "logfile.pdf"
    drawn = _drawn_from_results(directory)
    made = drawn(directory) if drawn is not None else []
    if not made:
        return None
    from relionlab.display.render import to_pdf

    path = directory / next(
        (name for telling, name in _OTHER_NAMES.items() if (directory / telling).exists()), "logfile.pdf"
    )
    to_pdf(made, path)
    return path


def _is_drawn(directory: Path) -> bool:
    """Say whether the PDF shows what is there: nothing was written since it was drawn."""
    told = [directory / name for name in _KINDS if (directory / name).exists()]
    if not told or model_files(directory):
        return False
    try:
        drawn = (directory / "logfile.pdf").stat()
    except OSError:
        return False
    return drawn.st_size > 0 and drawn.st_mtime_ns > max(place.stat().st_mtime_ns for place in told)


def _drawn_from_results(directory: Path) -> Callable[[Path], list[Picture]] | None:
    """Return what draws the pictures of this kind of job, ``None`` for one that computes nothing to look at."""
    if is_three_dimensional(directory):
        from relionlab.display.refinement3d import refinement_pictures

        return refinement_pictures
    if model_files(directory):
        return _classification
    for telling, place in _KINDS.items():
        if (directory / telling).exists():
            module, _, function = place.partition(":")
            return getattr(import_module(module), function)
    return None


_KINDS = {
    "corrected_micrographs.star": "relionlab.display.motion:motion_pictures",
    "micrographs_ctf.star": "relionlab.display.thon:ctf_pictures",
    "ctf_differences.star": "relionlab.display.thon:comparison_pictures",
    "summary.star": "relionlab.display.picks:picking_pictures",
    "postprocess.star": "relionlab.display.postprocess:postprocess_pictures",
    "relion_locres.mrc": "relionlab.display.local_resolution:local_resolution_pictures",
    "mask.mrc": "relionlab.display.postprocess:mask_pictures",
}
"""File that tells a kind of job -> the function that draws it; each is loaded when it is needed."""

_OTHER_NAMES = {"relion_locres.mrc": "histogram.pdf"}
"""File that tells a kind of job -> the pictures' name where RELION has another than logfile.pdf."""


def _classification(directory: Path) -> list[Picture]:
    from relionlab.display.class_averages import class_averages, class_table
    from relionlab.display.convergence import convergence
    from relionlab.display.distributions import distributions
    from relionlab.display.results import read_class_averages, read_course
    from relionlab.display.spectra import class_spectra

    averages = read_class_averages(directory)
    drawn = [
        class_averages(averages),
        class_table(averages),
        convergence(read_course(directory)),
        class_spectra(directory),
    ]
    data = data_file(latest_model(directory))
    return [*drawn, distributions(data)] if data is not None else drawn
