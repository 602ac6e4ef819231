"""The tutorial's simulated movies: a D2 assembly, whole and with a subunit missing, and all that a camera adds."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relionlab.display.words import many
from relionlab.errors import ProjectError
from relionlab.project import Project
from relionlab.workflows.stages import Clock, Watcher
from relionlab.workflows.tutorial.folder import recorded
from relionlab.workflows.tutorial.movie_data import PLACE, MovieData
from relionlab.workflows.tutorial.movie_plan import MoviePlan

if TYPE_CHECKING:
    from relionlab.simulation.assembly import Conformation
    from relionlab.simulation.exposures import Exposures

SIMULATED = "Simulated"
CONFORMATIONS: tuple[Conformation, ...] = ("full", "missing_subunit")
FRACTIONS = (0.6, 0.4)
"""What is simulated, and the share of each."""
KINDS = ((1, "whole"), (2, "subunit missing"), (3, "no particle"))
"""Numbers in the truth, and what they stand for; picks of the last kind are on no particle."""
RECORD = "simulation.json"
"""What is simulated, written first; when the movies are complete it tells the particle's diameter too."""


def simulated_movies(plan: MoviePlan, project: Project, *, clock: Clock, watcher: Watcher) -> MovieData:
    """Return the simulated movies of the project; made if they are not there.

    Raises ProjectError if there are others, made with other options.
    """
    conditions = conditions_of(plan)
    directory = project.directory / SIMULATED
    wanted = json.loads(json.dumps(asdict(conditions)))
    record = recorded(directory / RECORD) or _begun(directory, wanted)
    if record["simulation"] != wanted:
        raise ProjectError(
            f"{directory} holds movies simulated with other options (see {RECORD} there): "
            "give another folder with --dir, or --fresh to begin anew."
        )
    if "diameter" not in record:
        watcher.begin("Simulate")
        with clock.measure("Simulate"):
            record["diameter"] = _simulate(directory, project, conditions, watcher)
        (directory / RECORD).write_text(json.dumps(record, indent=2) + "\n")
        watcher.end(f"{many(conditions.count, 'movie')} of {many(conditions.frames, 'frame')}")
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
        command=command(plan),
    )


def conditions_of(plan: MoviePlan) -> Exposures:
    """Return what is to be simulated: the set, of two conformations, with a gain that lies as cameras write it."""
    from relionlab.simulation.exposures import exposures

    return exposures(plan.set, **_changes(plan))


def command(plan: MoviePlan) -> str:
    """Return the command line that simulates the same movies in a project's folder."""
    words = ["relionlab", "simulate", SIMULATED, "--set", plan.set, "--project", "."]
    for molecule in CONFORMATIONS:
        words += ["--molecule", molecule]
    for name, value in _changes(plan).items():
        words += [f"--{name}", *(str(part) for part in (value if isinstance(value, tuple) else (value,)))]
    return shlex.join(words)


def told(conditions: Exposures) -> str:
    """Return what was simulated, in a sentence or two."""
    from relionlab.simulation.assembly import kilodaltons

    return (
        f"{many(conditions.count, 'movie')} of {many(conditions.frames, 'frame')} of {conditions.size[0]} × {conditions.size[1]} px at "
        f"{conditions.pixel_size:g} Å, {conditions.dose:g} e/Å² in all: a {kilodaltons():.0f} kDa assembly of four subunits in ice, "
        f"{100 * conditions.fractions[1]:.0f} % of them with one subunit missing, with drift, beam-induced motion, radiation "
        f"damage, contamination, dead and hot pixels. Defocus {conditions.defocus[0] / 1e4:g} to "
        f"{conditions.defocus[1] / 1e4:g} µm."
    )


def _changes(plan: MoviePlan) -> dict[str, Any]:
    """Return in what the simulation differs from the set."""
    changes: dict[str, Any] = {"fractions": FRACTIONS, "seed": plan.seed, "gain_rotation": 1, "gain_flip": 2}
    return changes if plan.count is None else {**changes, "count": plan.count}


def _simulate(directory: Path, project: Project, conditions: Exposures, watcher: Watcher) -> float:
    """Write the movies; return the particle's diameter in Å."""
    from relionlab.simulation.assembly import d2_assembly
    from relionlab.simulation.movies import simulate_movies

    made = simulate_movies(
        directory,
        [d2_assembly(name) for name in CONFORMATIONS],
        conditions,
        project=project.directory,
        progress=lambda done, total: watcher.progress(done, total, "movies"),
        resume=True,
    )
    return made.diameter


def _begun(directory: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """Write what is to be simulated, so that an interrupted simulation can be gone on with, and is not mixed with another."""
    directory.mkdir(parents=True, exist_ok=True)
    record = {"simulation": wanted}
    (directory / RECORD).write_text(json.dumps(record, indent=2) + "\n")
    return record
