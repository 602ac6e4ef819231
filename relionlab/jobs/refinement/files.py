"""The files of a 2D classification: run_itNNN_{data,model,optimiser,sampling}.star and run_itNNN_classes.mrcs.

They are RELION 3.1's, with its labels and units, so that either program can continue what the other began. Numbers
are written so that reading them back gives the same: a run that was killed goes on as if nothing had happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from relionlab.engine.classify2d.accuracy import UNKNOWN
from relionlab.engine.classify2d.state import Model
from relionlab.engine.likelihood.model import SharedSpectra
from relionlab.engine.likelihood.particles import Particles
from relionlab.errors import ImageError, NodeError
from relionlab.io.image_names import format_image_name
from relionlab.io.images import nonfinite, read_stack, write_stack
from relionlab.io.particles import Particles as ParticleTable
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.refinement.model_file import ModelFile, model_fields
from relionlab.jobs.refinement.optimiser_file import optimiser_columns, read_optimiser, write_optimiser
from relionlab.jobs.refinement.poses import with_poses


@dataclass(frozen=True)
class Iteration:
    """Everything that an iteration leaves behind.

    number      of the iteration
    model, particles, spectra  as the engine returned them; ``spectra`` is None before the first iteration
    used_radius outermost shell that this iteration's E-step used
    rotations, offsets  (class,) expected accuracies in degrees and Å
    changed     mean changes of angles (°) and origins (Å), fraction of changed classes
    perturbation  of the sampling, as a fraction of a step
    """

    number: int
    model: Model
    particles: Particles
    spectra: SharedSpectra | None = None
    used_radius: int = 0
    rotations: np.ndarray | None = None
    offsets: np.ndarray | None = None
    changed: tuple[float, float, float] = (UNKNOWN, UNKNOWN, 1.0)
    perturbation: float = 0.0


def write_iteration(
    root: str,
    state: Iteration,
    source: ParticleTable,
    *,
    directory: Path,
    options: dict[str, object],
    sampling: dict[str, object],
    command: str,
    group_names: list[str],
) -> None:
    """Write the five files of an iteration; the optimiser comes last, so that it never points to missing ones.

    root       as "Class2D/job001/run", relative to ``directory``
    source     the input particles: their columns pass through
    options    label -> value for the optimiser's table; "tau2_fudge" for the model's
    sampling   label -> value for the sampling's table
    command    the command line, kept as a comment
    """
    stem = f"{root}_it{state.number:03d}"
    model = state.model
    file = ModelFile(
        model,
        state.spectra,
        [format_image_name(c, f"{stem}_classes.mrcs") for c in range(model.classes)],
        state.particles,
        group_names,
        float(options["tau2_fudge"]),  # type: ignore[arg-type]
        used_radius=state.used_radius,
        rotations=state.rotations,
        offsets=state.offsets,
    )
    columns = optimiser_columns(
        root,
        stem,
        state.number,
        options=options,
        best_resolution=model.resolution_shell / (model.box * model.pixel_size),
        accuracies=(state.rotations, state.offsets),
        changed=state.changed,
    )
    write_stack(directory / f"{stem}_classes.mrcs", model.references, pixel_size=model.pixel_size)
    write_particles(directory / f"{stem}_data.star", with_poses(source, state.particles, dimensions=2))
    write_star(directory / f"{stem}_model.star", file.tables())
    write_star(directory / f"{stem}_sampling.star", [Table(_sampling(sampling, state), "sampling_general", loop=False)])
    write_optimiser(directory / f"{stem}_optimiser.star", columns, command=command)


@dataclass(frozen=True)
class Saved:
    """What the files of an iteration hold.

    table      the particles, with all their columns
    model      lacks nothing but ``radius``, which follows from the resolution and ``shells_ahead``
    optimiser, sampling  the single-row tables
    tau2_fudge  T
    relion_version  of the RELION that wrote it, as "3.1.3"; empty if relionlab did
    words           of the command line, if relionlab wrote it
    """

    iteration: int
    table: ParticleTable
    model: Model
    optimiser: Table
    sampling: Table
    tau2_fudge: float
    relion_version: str
    words: tuple[str, ...] = ()


def read_iteration(optimiser: str, directory: Path) -> Saved:
    """Read an iteration that RELION (2.1 and later) or relionlab wrote, from its run_itNNN_optimiser.star.

    Raises NodeError if one of the files is missing or is not of a 2D classification.
    """
    files = read_optimiser(optimiser, directory)
    tables = files.models[0]
    general, classes = tables["model_general"], tables["model_classes"]
    if int(general.value("rlnReferenceDimensionality")) != 2:
        raise NodeError(f"{optimiser} is of a 3D refinement; expected a 2D classification.")
    stack = str(classes["rlnReferenceImage"][0]).partition("@")[2]
    references = read_stack(files.path(stack, "the class averages of the iteration are missing"))
    box = int(general.value("rlnOriginalImageSize"))
    if references.shape != (len(classes), box, box):
        raise ImageError(
            f"{optimiser} names {stack}, which has {len(references)} class averages of {references.shape[-1]} px; expected"
            f" {len(classes)} of {box} px: the files do not belong together."
        )
    if (bad := nonfinite(references)).size:
        raise ImageError(
            f"{optimiser}: class average {bad[0] + 1} holds NaN or infinite pixels. Continue an earlier iteration."
        )
    table = read_particles(files.data)
    return Saved(
        int(files.general.value("rlnCurrentIteration")),
        table,
        Model(
            references=references,
            tau2=np.zeros((len(references), box // 2 + 1)),
            radius=0,
            **model_fields(tables, table),
        ),
        files.general,
        files.sampling["sampling_general"],
        float(general.value("rlnTau2FudgeFactor")),
        files.relion_version,
        files.words,
    )


def _sampling(sampling: dict[str, object], state: Iteration) -> dict[str, object]:
    return {
        "rlnIs3DSampling": 0,
        "rlnIs3DTranslationalSampling": 0,
        **sampling,
        "rlnSamplingPerturbInstance": state.perturbation,
    }


def restored(saved: Saved, *, shells_ahead: int) -> Model:
    """Return the model as the next iteration needs it."""
    from relionlab.engine.classify2d.maximisation import prior_variance

    model = replace(saved.model, tau2=prior_variance(saved.model.references))
    return model.resolved_to(model.resolution_shell, ahead=shells_ahead)
