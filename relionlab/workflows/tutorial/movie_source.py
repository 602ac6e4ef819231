"""Where the tutorial's movies come from: the user's own, linked into the project's folder, or the simulation."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from relionlab.errors import NodeError, ParameterError, ProjectError
from relionlab.project import Project
from relionlab.workflows.stages import Clock, Watcher
from relionlab.workflows.tutorial.movie_data import PLACE, MovieData
from relionlab.workflows.tutorial.movie_plan import MoviePlan
from relionlab.workflows.tutorial.movie_simulation import simulated_movies


def movies_for(plan: MoviePlan, project: Project, *, clock: Clock, watcher: Watcher) -> MovieData:
    """Return the movies of the plan; simulated, or linked into the project's folder, if they are not there yet."""
    if plan.movies is not None:
        return own_movies(plan, project)
    return simulated_movies(plan, project, clock=clock, watcher=watcher)


def own_movies(plan: MoviePlan, project: Project) -> MovieData:
    """Link the user's movies and gain into the project's folder, as RELION wants them there; they stay where they are."""
    from relionlab.io.movies import open_movie

    others = [path.resolve() for path in (plan.gain, plan.defects) if path is not None]
    found = [path for path in _matching(str(plan.movies)) if path not in others]
    if not found:
        raise NodeError(
            f"--movies {plan.movies!r} finds no file; expected movies, as --movies 'data/*.tif' (with quotes)."
        )
    endings = Counter(path.suffix for path in found)
    if len(endings) > 1:
        listed = ", ".join(f"{count} {ending}" for ending, count in endings.most_common())
        raise ParameterError(f"--movies {plan.movies!r} finds files of several kinds ({listed}): narrow the pattern.")
    twice = [name for name, count in Counter(path.name for path in found).items() if count > 1]
    if twice:
        raise ParameterError(f"--movies {plan.movies!r} finds {twice[0]} in several folders: names must differ.")
    with open_movie(found[0]) as movie:
        shape, frames, said = movie.shape, movie.frames, movie.pixel_size
    angpix = plan.angpix or said
    if not angpix:
        raise ParameterError(f"--angpix is missing: {found[0]} does not say how large its pixels are, in Å.")
    if frames < 2:
        raise ParameterError(
            f"{found[0]} has a single frame: expected movies. Begin with AutoPick in JupyterLab instead."
        )
    for path in found:
        _link(project.directory / PLACE / path.name, path)
    gain, defects = (_linked(project, path) for path in (plan.gain, plan.defects))
    return MovieData(
        pattern=f"{PLACE}/*{found[0].suffix}",
        shape=shape,
        frames=frames,
        pixel_size=float(angpix),
        voltage=300.0 if plan.voltage is None else plan.voltage,
        aberration=2.7 if plan.aberration is None else plan.aberration,
        amplitude_contrast=0.1 if plan.amplitude_contrast is None else plan.amplitude_contrast,
        dose=plan.dose,
        diameter=float(plan.diameter or 0),
        gain=gain,
        defects=defects,
        gain_rotation=plan.gain_rotation,
        gain_flip=plan.gain_flip,
        told=f"{len(found)} movies of {plan.movies}, {frames} frames of {shape[1]} × {shape[0]} px; they stay where they are.",
    )


def _linked(project: Project, path: Path | None) -> str:
    if path is None:
        return ""
    _link(project.directory / path.name, path.resolve())
    return path.name


def _link(place: Path, target: Path) -> None:
    """Make a link; one that is there already must lead to the same file."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        if place.resolve() != target:
            raise ProjectError(
                f"{place} is there already, and is not {target}: give another folder with --dir, or --fresh to begin anew."
            )
        return
    place.symlink_to(target)


def _matching(pattern: str) -> list[Path]:
    """Return the files that a pattern finds, sorted; ``**`` stands for any folders."""
    parts = Path(pattern).expanduser().absolute().parts
    fixed = next((place for place, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts) - 1)
    return sorted(path.resolve() for path in Path(*parts[:fixed]).glob("/".join(parts[fixed:])) if path.is_file())
