"""The movies that the tutorial works on: the user's own, or simulated ones with their truth; both inside the project."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relionlab.errors import NodeError, ParameterError, ProjectError
from relionlab.project import Project
from relionlab.workflows.movie_plan import MoviePlan
from relionlab.workflows.stages import Clock, Watcher

if TYPE_CHECKING:
    from relionlab.simulation.exposures import Exposures

PLACE = "Movies"
SIMULATED = "Simulated"
FRACTIONS = (0.6, 0.4)
KINDS = ((1, "whole"), (2, "subunit missing"), (3, "no particle"))
"""Numbers in the truth, and what they stand for; picks of the last kind are on no particle."""
RECORD = "simulation.json"
"""Written last: its presence says that the movies are complete."""


@dataclass(frozen=True)
class MovieData:
    """Movies in the project's folder, and what is known of them.

    pattern      that finds them, relative to the project
    shape        (y, x) of a frame in px
    frames       of a movie
    pixel_size   Å
    voltage, aberration, amplitude_contrast   kV, mm, fraction
    dose         e/Å² per frame; ``None``: not known
    diameter     of the particle in Å
    gain, defects  files relative to the project, "" where there are none
    gain_rotation, gain_flip  as RELION counts them
    told         what they are, in a sentence or two, for the page
    truth        folder of the truth, relative to the project; ``None``: not known
    symmetry     of the simulated particle
    """

    pattern: str
    shape: tuple[int, int]
    frames: int
    pixel_size: float
    voltage: float
    aberration: float
    amplitude_contrast: float
    dose: float | None
    diameter: float
    told: str
    gain: str = ""
    defects: str = ""
    gain_rotation: int = 0
    gain_flip: int = 0
    truth: str | None = None
    symmetry: str = "C1"


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


def simulated_movies(plan: MoviePlan, project: Project, *, clock: Clock, watcher: Watcher) -> MovieData:
    """Return the simulated movies of the project; made if they are not there.

    Raises ProjectError if there are others, made with other options.
    """
    conditions = conditions_of(plan)
    directory = project.directory / SIMULATED
    wanted = json.loads(json.dumps(asdict(conditions)))
    record = _recorded(directory / RECORD)
    if record is None:
        watcher.begin("Simulate")
        with clock.measure("Simulate"):
            record = {"simulation": wanted, "diameter": _simulate(directory, project, conditions, watcher)}
        (directory / RECORD).write_text(json.dumps(record, indent=2) + "\n")
        watcher.end(f"{conditions.count} movies of {conditions.frames} frames")
    if record["simulation"] != wanted:
        raise ProjectError(
            f"{directory} holds movies simulated with other options (see {RECORD} there): "
            "give another folder with --dir, or --fresh to begin anew."
        )
    return MovieData(
        pattern=f"{SIMULATED}/{PLACE}/*.tiff",
        shape=conditions.shape,
        frames=conditions.frames,
        pixel_size=conditions.pixel_size,
        voltage=conditions.voltage_kv,
        aberration=conditions.spherical_aberration_mm,
        amplitude_contrast=conditions.amplitude_contrast,
        dose=conditions.dose_per_frame,
        diameter=float(record["diameter"]),
        gain=f"{SIMULATED}/gain.mrc",
        defects=f"{SIMULATED}/defects.txt",
        gain_rotation=conditions.gain_rotation,
        gain_flip=conditions.gain_flip,
        told=told(conditions),
        truth=f"{SIMULATED}/truth",
        symmetry="D2",
    )


def conditions_of(plan: MoviePlan) -> Exposures:
    """Return what is to be simulated: the set, of two conformations, with a gain that lies as cameras write it."""
    from relionlab.simulation.exposures import exposures

    changes: dict[str, Any] = {"fractions": FRACTIONS, "seed": plan.seed, "gain_rotation": 1, "gain_flip": 2}
    if plan.count is not None:
        changes["count"] = plan.count
    return exposures(plan.set, **changes)


def told(conditions: Exposures) -> str:
    """Return what was simulated, in a sentence or two."""
    from relionlab.simulation.assembly import kilodaltons

    return (
        f"{conditions.count} movies of {conditions.frames} frames of {conditions.size[0]} × {conditions.size[1]} px at "
        f"{conditions.pixel_size:g} Å, {conditions.dose:g} e/Å² in all: a {kilodaltons():.0f} kDa assembly of four subunits in ice, "
        f"{100 * conditions.fractions[1]:.0f} % of them with one subunit missing, with drift, beam-induced motion, radiation "
        f"damage, contamination, dead and hot pixels. Defocus {conditions.defocus[0] / 1e4:g} to "
        f"{conditions.defocus[1] / 1e4:g} µm."
    )


def _simulate(directory: Path, project: Project, conditions: Exposures, watcher: Watcher) -> float:
    """Write the movies; return the particle's diameter in Å."""
    from relionlab.simulation.assembly import d2_assembly
    from relionlab.simulation.movies import simulate_movies

    made = simulate_movies(
        directory,
        [d2_assembly("full"), d2_assembly("missing_subunit")],
        conditions,
        project=project.directory,
        progress=lambda done, total: watcher.progress(done, total, "movies"),
    )
    return made.diameter


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


def _recorded(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return None
