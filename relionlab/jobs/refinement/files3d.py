"""The files of 3D classifications, initial models and auto-refinements, as RELION 3.1 writes them.

One model: run_itNNN_{data,model,sampling,optimiser}.star and run_itNNN_classCCC.mrc; initial models have
run_itNNN_gradCCC.mrc, the running gradients, besides. Two half-sets: run_itNNN_half{1,2}_model.star and
run_itNNN_half{1,2}_classCCC.mrc in place of the one model. Beside each map but an initial model's lies its
_angdist.bild, a picture of the directions. The last files of an auto-refinement have no iteration in
their names, and the two unfiltered half-maps beside them. What the numbers mean: :mod:`model_file`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from relionlab.engine.classify2d.accuracy import UNKNOWN
from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.refine3d.state import Model, Spectra
from relionlab.io.images import write_map
from relionlab.io.particles import Particles as ParticleTable
from relionlab.io.particles import write_particles
from relionlab.io.star import write_star
from relionlab.jobs.refinement.direction_file import write_directions
from relionlab.jobs.refinement.model_file import ModelFile, direction_shares
from relionlab.jobs.refinement.optimiser_file import optimiser_columns, write_optimiser
from relionlab.jobs.refinement.poses import with_poses
from relionlab.jobs.refinement.progress import Progress, progress_columns
from relionlab.jobs.refinement.sampling_file import SearchGrid, sampling_tables

_LAST = -1  # RELION's number of the iteration that joins the half-sets


@dataclass(frozen=True)
class Iteration3D:
    """Everything that an iteration leaves behind.

    number      of the iteration
    models      one, or those of half-sets 1 and 2
    particles   as the engine returned them, with rot, tilt, psi and half
    grid        the iteration's sampling, with its perturbation
    first_grid  that of the first iteration
    spectra     as ``models``; empty before the first iteration
    used_radius outermost shell that this iteration's E-step used
    rotations, offsets  (class,) expected accuracies in degrees and Å
    changed     mean changes of angles (°) and origins (Å), fraction of changed classes
    progress    what decides when an auto-refinement samples finer, and when it ends
    gradients   (class, n, n, n) running gradients of an initial model
    sigmas      degrees: spread of rot, tilt and psi around the last pose in local searches; ``None``: global ones
    """

    number: int
    models: tuple[Model, ...]
    particles: Particles
    grid: SearchGrid
    first_grid: SearchGrid
    spectra: tuple[Spectra, ...] = ()
    used_radius: int = 0
    rotations: np.ndarray | None = None
    offsets: np.ndarray | None = None
    changed: tuple[float, float, float] = (UNKNOWN, UNKNOWN, 1.0)
    progress: Progress = field(default_factory=Progress)
    gradients: np.ndarray | None = None
    sigmas: tuple[float, float, float] | None = None


def write_iteration3d(
    root: str,
    state: Iteration3D,
    source: ParticleTable,
    *,
    directory: Path,
    options: dict[str, object],
    command: str,
    group_names: list[str],
) -> None:
    """Write the files of an iteration; the optimiser comes last, so that it never points to missing ones.

    Each file appears whole or not at all: an iteration without an optimiser was interrupted, and counts as not done.

    root       as "Class3D/job001/run", relative to ``directory``
    source     the input particles: their columns pass through
    options    label -> value for the optimiser's table; "tau2_fudge" and "padding" for the model's
    command    the command line, kept as a comment
    """
    stem = f"{root}_it{state.number:03d}"
    _write_search(stem, state, source, directory=directory)
    halves = ["half1_", "half2_"] if len(state.models) == 2 else [""]
    for number, half in enumerate(halves):
        _write_model(f"{stem}_{half}", state, number, directory=directory, options=options, group_names=group_names)
    models = [f"{half}model" for half in halves]
    _write_optimiser(root, stem, state, directory=directory, options=options, command=command, models=models)


def write_final(
    root: str,
    state: Iteration3D,
    source: ParticleTable,
    *,
    half_maps: tuple[np.ndarray, np.ndarray],
    directory: Path,
    options: dict[str, object],
    command: str,
    group_names: list[str],
) -> None:
    """Write the last files of an auto-refinement: run_class001.mrc, its half-maps, and its tables.

    state      with the one model of all particles
    half_maps  (n, n, n) each, neither filtered nor masked

    The optimiser is written as RELION 4 and 5 do (3.1 writes none), with -1 for the iteration. RELION 3.1's end is told by its
    model file, so that comes after all that it needs.
    """
    if len(state.models) != 1:
        raise ValueError(f"{len(state.models)} models; expected the one that was joined.")
    pixel_size = state.models[0].pixel_size
    _write_search(root, state, source, directory=directory)
    for number, half in enumerate(half_maps, 1):
        write_map(directory / f"{root}_half{number}_class001_unfil.mrc", half, pixel_size=pixel_size)
    _write_model(f"{root}_", state, 0, directory=directory, options=options, group_names=group_names, is_half=True)
    options = {**options, "rlnCurrentIteration": _LAST, "rlnDoSplitRandomHalves": 0}
    _write_optimiser(root, root, state, directory=directory, options=options, command=command, models=["model"])


def _write_model(
    start: str,
    state: Iteration3D,
    number: int,
    *,
    directory: Path,
    options: dict[str, object],
    group_names: list[str],
    is_half: bool = False,
) -> None:
    """Write the maps and the model file of one model; their names begin with ``start``."""
    model, is_one_of_two = state.models[number], len(state.models) == 2
    maps = [f"{start}class{c + 1:03d}.mrc" for c in range(model.classes)]
    gradients = None if state.gradients is None else [f"{start}grad{c + 1:03d}.mrc" for c in range(model.classes)]
    for name, reference in zip(maps, model.references, strict=True):
        write_map(directory / name, reference, pixel_size=model.pixel_size)
    if gradients is not None and state.gradients is not None:
        for name, gradient in zip(gradients, state.gradients, strict=True):
            write_map(directory / name, gradient, pixel_size=model.pixel_size)
    particles = state.particles
    file = ModelFile(
        model,
        state.spectra[number] if state.spectra else None,
        maps,
        particles.rows(np.flatnonzero(particles.half == number + 1)) if is_one_of_two else particles,
        group_names,
        float(options["tau2_fudge"]),  # type: ignore[arg-type]
        padding=float(options.get("padding", 2.0)),  # type: ignore[arg-type]
        used_radius=state.used_radius,
        rotations=state.rotations,
        offsets=state.offsets,
        gradients=gradients,
        sigmas=state.sigmas,
        is_half=is_half or is_one_of_two,
        directions=len(state.grid.orientations),
    )
    write_star(directory / f"{start}model.star", file.tables())
    if gradients is not None:  # mini-batches tell little of the directions: RELION draws none then
        return
    orientations = state.grid.orientations
    for name, shares in zip(maps, direction_shares(model, len(orientations)), strict=True):
        picture = directory / f"{name.removesuffix('.mrc')}_angdist.bild"
        write_directions(picture, shares, sampling=orientations, extent=model.box * model.pixel_size)


def _write_search(stem: str, state: Iteration3D, source: ParticleTable, *, directory: Path) -> None:
    """Write particles and sampling."""
    write_particles(directory / f"{stem}_data.star", with_poses(source, state.particles, dimensions=3))
    write_star(directory / f"{stem}_sampling.star", sampling_tables(state.grid, first=state.first_grid))


def _write_optimiser(
    root: str,
    stem: str,
    state: Iteration3D,
    *,
    directory: Path,
    options: dict[str, object],
    command: str,
    models: list[str],
) -> None:
    columns = optimiser_columns(
        root,
        stem,
        state.number,
        options=options | progress_columns(state.progress),
        best_resolution=_best_resolution(state),
        accuracies=(state.rotations, state.offsets),
        changed=state.changed,
        models=models,
    )
    write_optimiser(directory / f"{stem}_optimiser.star", columns, command=command)


def _best_resolution(state: Iteration3D) -> float:
    model = state.models[0]
    shell = state.progress.best_shell or max(each.resolution_shell for each in state.models)
    return shell / (model.box * model.pixel_size)
