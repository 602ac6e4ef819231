"""Which plots a job has: each with a name, what draws it, and, where it is of one micrograph, whose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from relionlab.display.picture import Picture
from relionlab.display.results import find_file, model_files
from relionlab.errors import NodeError
from relionlab.io.star import read_star
from relionlab.jobs.refinement.rounds import is_three_dimensional

Draw = Callable[[int], list[Picture]]


@dataclass(frozen=True)
class Plot:
    """A plot of a job.

    name     in words
    draw     returns the pictures of one member; of a plot without members, of 0
    members  names of the micrographs (or movies) of which there is one each; empty: there is one plot of the whole
    wait     what is said while it is drawn, where that takes its time
    """

    name: str
    draw: Draw
    members: Sequence[str] = ()
    wait: str = ""


def plots_of(source: str | Path) -> list[Plot]:
    """Return the plots of a job directory of ours or RELION's, or of one of its STAR files; raises NodeError if it has none."""
    path = Path(source)
    found: list[Plot] = []
    for name, made in _KINDS.items():
        file = path / name if path.is_dir() else path
        if file.name == name and file.exists():
            found += made(file)
    directory = path if path.is_dir() else path.parent
    if not found and is_three_dimensional(directory):
        found = _of_refinement(path)
    elif not found and model_files(directory):
        found = _of_classification(directory)
    if not found and path.suffix == ".star" and "fsc" in read_star(path):
        found = _of_postprocess(path)
    if not found:
        raise NodeError(
            f"{path} has no plots: expected a job of MotionCorr, CtfFind, Class2D, InitialModel, Class3D, Refine3D, PostProcess or LocalRes."
        )
    return found


def _of_motion(star: Path) -> list[Plot]:
    from relionlab.display.motion import motion_totals, motion_track

    directory = star.parent
    table = read_star(star)["micrographs"]
    plots = []
    if "rlnMicrographMetadata" in table:
        files = [str(name) for name in table["rlnMicrographMetadata"]]
        names = [Path(name).stem for name in table["rlnMicrographName"]]
        plots.append(
            Plot("Track of a movie", lambda k: [motion_track(find_file(files[k], star), title=names[k])], names)
        )
    if "rlnAccumMotionTotal" in table:
        plots.append(Plot("Motion of all movies", lambda _k: [motion_totals(directory)]))
    return plots


def _of_ctf(star: Path) -> list[Plot]:
    from relionlab.display.defocus import defocus_over_time
    from relionlab.display.thon import ctf_fit, ctf_overview, read_ctf_list

    listed = read_ctf_list(star)
    return [
        Plot("CTF of a micrograph", lambda k: ctf_fit(listed, k), listed.names),
        Plot("Defocus over time", lambda _k: [defocus_over_time(listed)]),
        Plot("CTF of all micrographs", lambda _k: [ctf_overview(listed)]),
    ]


def _of_postprocess(star: Path) -> list[Plot]:
    from relionlab.display.guinier import guinier
    from relionlab.display.spectra import fsc

    plots = [Plot("Fourier shell correlation", lambda _k: [fsc(star)])]
    if "guinier" in read_star(star):
        plots.append(Plot("Guinier plot", lambda _k: [guinier(star)]))
    return plots


def _of_local_resolution(path: Path) -> list[Plot]:
    from relionlab.display.local_resolution import local_resolution_pictures

    return [Plot("Local resolution", lambda _k: local_resolution_pictures(path.parent))]


def _of_refinement(path: Path) -> list[Plot]:
    from relionlab.display.convergence3d import convergence3d
    from relionlab.display.distributions import distributions
    from relionlab.display.fsc_course import fsc_course
    from relionlab.display.orientations import angular_distribution, orientation_completeness

    directory = path if path.is_dir() else path.parent
    return [
        Plot("Angular distribution", lambda _k: [angular_distribution(path)]),
        Plot("Completeness of the orientations", lambda _k: [orientation_completeness(path)]),
        Plot("Correlation per iteration", lambda _k: [fsc_course(directory)]),
        Plot("Convergence", lambda _k: [convergence3d(directory)]),
        Plot("Particles", lambda _k: [distributions(directory)]),
    ]


def _of_classification(directory: Path) -> list[Plot]:
    from relionlab.display.convergence import convergence
    from relionlab.display.distributions import distributions
    from relionlab.display.results import read_course
    from relionlab.display.spectra import class_spectra

    return [
        Plot("Signal-to-noise ratio of the classes", lambda _k: [class_spectra(directory)]),
        Plot("Convergence", lambda _k: [convergence(read_course(directory))]),
        Plot("Particles", lambda _k: [distributions(directory)]),
    ]


_KINDS: dict[str, Callable[[Path], list[Plot]]] = {
    "corrected_micrographs.star": _of_motion,
    "micrographs_ctf.star": _of_ctf,
    "postprocess.star": _of_postprocess,
    "relion_locres.mrc": _of_local_resolution,
}
"""File that tells a kind of job -> its plots."""
