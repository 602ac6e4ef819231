"""The files of a 2D classification: run_itNNN_{data,model,optimiser,sampling}.star and run_itNNN_classes.mrcs.

They are RELION 3.1's, with its labels and units, so that either program can continue what the other began. Numbers
are written so that reading them back gives the same: a run that was killed goes on as if nothing had happened.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from relionlab.engine.classify2d.accuracy import UNKNOWN
from relionlab.engine.classify2d.maximisation import Spectra
from relionlab.engine.classify2d.state import Model
from relionlab.engine.likelihood.particles import Particles
from relionlab.errors import ImageError, NodeError, StarError
from relionlab.io.image_names import format_image_name
from relionlab.io.images import read_stack, write_stack
from relionlab.io.particles import Particles as ParticleTable
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table

_WRITER = "RELION optimiser; version relionlab"
"""First comment of our optimiser files; RELION writes its own version there."""
_NO_RESOLUTION = 999.0  # RELION's Å for zero frequency


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
    spectra: Spectra | None = None
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
    options    label -> value for the optimiser's table
    sampling   label -> value for the sampling's table
    command    the command line, kept as a comment
    """
    stem = f"{root}_it{state.number:03d}"
    write_stack(directory / f"{stem}_classes.mrcs", state.model.references, pixel_size=state.model.pixel_size)
    write_particles(directory / f"{stem}_data.star", with_poses(source, state.particles))
    write_star(directory / f"{stem}_model.star", _model_tables(stem, state, group_names, float(options["tau2_fudge"])))  # type: ignore[arg-type]
    write_star(directory / f"{stem}_sampling.star", [Table(_sampling(sampling, state), "sampling_general", loop=False)])
    table = Table(_optimiser(root, stem, state, options), "optimiser_general", loop=False)
    comment = [_WRITER, command]
    write_star(directory / f"{stem}_optimiser.star", [table], comment)


def with_poses(source: ParticleTable, particles: Particles) -> ParticleTable:
    """Return the input particles with the poses, classes and statistics of an iteration."""
    zeros = np.zeros(len(particles))
    return source.with_columns(
        rlnGroupNumber=particles.group + 1,
        rlnAngleRot=zeros,
        rlnAngleTilt=zeros,
        rlnAnglePsi=particles.psi,
        rlnOriginXAngst=particles.origin[:, 0],
        rlnOriginYAngst=particles.origin[:, 1],
        rlnClassNumber=particles.class_index + 1,
        rlnNormCorrection=particles.norm,
        rlnLogLikeliContribution=particles.log_likelihood,
        rlnMaxValueProbDistribution=particles.best_weight,
        rlnNrOfSignificantSamples=particles.significant,
    )


@dataclass(frozen=True)
class Saved:
    """What the files of an iteration hold.

    table      the particles, with all their columns
    model      lacks nothing but ``radius``, which follows from the resolution and ``shells_ahead``
    optimiser, sampling  the single-row tables
    tau2_fudge  T
    relion_version  of the RELION that wrote it, as "3.1.3"; empty if relionlab did
    flags           words of the command line, if relionlab wrote it
    """

    iteration: int
    table: ParticleTable
    model: Model
    optimiser: Table
    sampling: Table
    tau2_fudge: float
    relion_version: str
    flags: frozenset[str] = frozenset()


def read_iteration(optimiser: str, directory: Path) -> Saved:
    """Read an iteration that RELION (3.0 and later) or relionlab wrote, from its run_itNNN_optimiser.star.

    Raises NodeError if one of the files is missing or is not of a 2D classification.
    """
    path = directory / optimiser
    if not path.is_file():
        raise NodeError(f"{optimiser} is not there: give the run_itNNN_optimiser.star of the iteration to continue.")
    general = _single(read_star(path), "optimiser_general", optimiser)
    names = {}
    for label in ("rlnModelStarFile", "rlnExperimentalDataStarFile", "rlnOrientSamplingStarFile"):
        named = Path(str(general.value(label)))
        # a folder that was copied elsewhere: the files lie beside the optimiser
        names[label] = directory / named if (directory / named).is_file() else path.parent / named.name
        if not names[label].is_file():
            raise NodeError(f"{optimiser} names {named}, which is not there: the iteration is not complete.")
    sampling = _single(read_star(names["rlnOrientSamplingStarFile"]), "sampling_general", optimiser)
    tables = read_star(names["rlnModelStarFile"])
    model_general = _single(tables, "model_general", optimiser)
    if int(model_general.value("rlnReferenceDimensionality")) != 2:
        raise NodeError(f"{optimiser} is of a 3D refinement; expected a 2D classification.")
    box = int(model_general.value("rlnOriginalImageSize"))
    groups = tables["model_groups"]
    number = int(general.value("rlnCurrentIteration"))
    classes = tables["model_classes"]
    resolution = model_general.value("rlnCurrentResolution")
    pixel_size = float(model_general.value("rlnPixelSize"))
    stack = str(classes["rlnReferenceImage"][0]).partition("@")[2]
    stack_path = directory / stack if (directory / stack).is_file() else path.parent / Path(stack).name
    if not stack_path.is_file():
        raise NodeError(
            f"{optimiser} names {stack}, which is not there: the class averages of the iteration are missing."
        )
    references = read_stack(stack_path)
    if references.shape != (len(classes), box, box):
        raise ImageError(
            f"{optimiser} names {stack}, which has {len(references)} class averages of {references.shape[-1]} px; expected"
            f" {len(classes)} of {box} px: the files do not belong together."
        )
    shell = round(box * pixel_size / resolution) if 0 < resolution < np.inf else 1
    model = Model(
        references=references,
        pixel_size=pixel_size,
        class_share=classes["rlnClassDistribution"].copy(),
        tau2=np.zeros((len(references), box // 2 + 1)),
        sigma2=_noise(tables, len(groups), box),
        scale=groups["rlnGroupScaleCorrection"].copy(),
        offset_sigma=float(model_general.value("rlnSigmaOffsetsAngst")),
        mean_norm=float(model_general.value("rlnNormCorrectionAverage")),
        radius=0,
        resolution_shell=shell,
    )
    table = read_particles(names["rlnExperimentalDataStarFile"])
    fudge = float(model_general.value("rlnTau2FudgeFactor"))
    return Saved(number, table, model, general, sampling, fudge, *_written_by(path))


def _written_by(optimiser: Path) -> tuple[str, frozenset[str]]:
    """Return RELION's version, or else the flags of relionlab's command line, from the comments at the head."""
    with optimiser.open(encoding="utf-8", errors="replace") as lines:
        writer, command = next(lines, ""), next(lines, "")
    if _WRITER in writer:
        return "", frozenset(shlex.split(command.removeprefix("#")))
    return writer.rpartition("version")[2].strip() or "unknown", frozenset()


def _noise(tables: dict[str, Table], groups: int, box: int) -> np.ndarray:
    """Return the (group, box / 2 + 1) noise spectra; RELION 4 and 5 keep one per optics group."""
    names = [f"model_group_{g + 1}" for g in range(groups)]
    if names[0] not in tables:
        optics = [name for name in tables if name.startswith("model_optics_group_")]
        if len(optics) != 1:
            raise StarError(
                f"The model has noise spectra for {len(optics)} optics groups and none for its groups; expected one"
                " per group (RELION 3.1), or one optics group."
            )
        names = optics * groups
    return np.stack([tables[name]["rlnSigma2Noise"][: box // 2 + 1] for name in names])


def _single(tables: dict[str, Table], name: str, path: str) -> Table:
    if name not in tables:
        raise StarError(f"{path}: expected a table data_{name}, found {', '.join(tables)}.")
    return tables[name]


def _model_tables(stem: str, state: Iteration, group_names: list[str], tau2_fudge: float) -> list[Table]:
    model, spectra = state.model, state.spectra
    shells = np.arange(model.box // 2 + 1)
    frequency = shells / (model.box * model.pixel_size)
    angstrom = np.where(shells > 0, 1 / np.where(shells > 0, frequency, 1), _NO_RESOLUTION)
    zeros = np.zeros((model.classes, len(shells)))
    ssnr, noise, covered = (zeros, zeros, zeros) if spectra is None else (spectra.ssnr, spectra.noise, spectra.covered)
    tau2 = model.tau2 if spectra is None else spectra.tau2 / tau2_fudge
    unknown = np.full(model.classes, UNKNOWN)
    last = [_class_resolution(row, angstrom) for row in ssnr] if spectra is not None else unknown
    tables = [
        Table(_general(state, tau2_fudge, len(group_names)), "model_general", loop=False),
        Table(
            {
                "rlnReferenceImage": [format_image_name(c, f"{stem}_classes.mrcs") for c in range(model.classes)],
                "rlnClassDistribution": model.class_share,
                "rlnAccuracyRotations": unknown if state.rotations is None else state.rotations,
                "rlnAccuracyTranslationsAngst": unknown if state.offsets is None else state.offsets,
                "rlnEstimatedResolution": np.asarray(last),
                "rlnOverallFourierCompleteness": covered[:, 1:].mean(axis=1),
                "rlnClassPriorOffsetX": np.zeros(model.classes),
                "rlnClassPriorOffsetY": np.zeros(model.classes),
            },
            "model_classes",
        ),
    ]
    for c in range(model.classes):
        columns = {
            "rlnSpectralIndex": shells,
            "rlnResolution": frequency,
            "rlnAngstromResolution": angstrom,
            "rlnSsnrMap": ssnr[c],
            "rlnGoldStandardFsc": np.zeros(len(shells)),
            "rlnFourierCompleteness": covered[c],
            "rlnReferenceSigma2": noise[c],
            "rlnReferenceTau2": tau2[c],
            "rlnSpectralOrientabilityContribution": np.zeros(len(shells)),
        }
        tables.append(Table(columns, f"model_class_{c + 1}"))
    members = np.bincount(state.particles.group, minlength=len(group_names))
    tables.append(
        Table(
            {
                "rlnGroupNumber": np.arange(1, len(group_names) + 1),
                "rlnGroupName": group_names,
                "rlnGroupNrParticles": members,
                "rlnGroupScaleCorrection": model.scale,
            },
            "model_groups",
        )
    )
    for g, spectrum in enumerate(model.sigma2):
        columns = {"rlnSpectralIndex": shells, "rlnResolution": frequency, "rlnSigma2Noise": spectrum}
        tables.append(Table(columns, f"model_group_{g + 1}"))
    return tables


def _general(state: Iteration, tau2_fudge: float, groups: int) -> dict[str, object]:
    model = state.model
    return {
        "rlnReferenceDimensionality": 2,
        "rlnDataDimensionality": 2,
        "rlnOriginalImageSize": model.box,
        "rlnCurrentResolution": model.box * model.pixel_size / max(model.resolution_shell, 1),
        "rlnCurrentImageSize": 2 * state.used_radius,
        "rlnPaddingFactor": 2.0,
        "rlnIsHelix": 0,
        "rlnFourierSpaceInterpolator": 1,
        "rlnMinRadiusNnInterpolation": 10,
        "rlnPixelSize": model.pixel_size,
        "rlnNrClasses": model.classes,
        "rlnNrBodies": 1,
        "rlnNrGroups": groups,
        "rlnTau2FudgeFactor": tau2_fudge,
        "rlnNormCorrectionAverage": model.mean_norm,
        "rlnSigmaOffsetsAngst": model.offset_sigma,
        "rlnOrientationalPriorMode": 0,
        "rlnSigmaPriorRotAngle": 0.0,
        "rlnSigmaPriorTiltAngle": 0.0,
        "rlnSigmaPriorPsiAngle": 0.0,
        "rlnLogLikelihood": float(state.particles.log_likelihood.sum()),
        "rlnAveragePmax": float(state.particles.best_weight.mean()),
    }


def _class_resolution(ssnr: np.ndarray, angstrom: np.ndarray) -> float:
    below = np.flatnonzero(ssnr[1:] < 1)
    shell = int(below[0]) if len(below) else len(ssnr) - 1
    return float(angstrom[shell])


def _sampling(sampling: dict[str, object], state: Iteration) -> dict[str, object]:
    return {
        "rlnIs3DSampling": 0,
        "rlnIs3DTranslationalSampling": 0,
        **sampling,
        "rlnSamplingPerturbInstance": state.perturbation,
    }


def _optimiser(root: str, stem: str, state: Iteration, options: dict[str, object]) -> dict[str, object]:
    accurate = state.rotations is not None and state.offsets is not None
    best_angle = float(np.min(state.rotations)) if accurate else UNKNOWN  # type: ignore[arg-type]
    best_offset = float(np.min(state.offsets)) if accurate else UNKNOWN  # type: ignore[arg-type]
    angle, offset, classes = state.changed
    return {
        "rlnOutputRootName": root,
        "rlnModelStarFile": f"{stem}_model.star",
        "rlnExperimentalDataStarFile": f"{stem}_data.star",
        "rlnOrientSamplingStarFile": f"{stem}_sampling.star",
        "rlnCurrentIteration": state.number,
        **{label: value for label, value in options.items() if label.startswith("rln")},
        "rlnOverallAccuracyRotations": best_angle,
        "rlnOverallAccuracyTranslationsAngst": best_offset,
        "rlnChangesOptimalOrientations": angle,
        "rlnChangesOptimalOffsets": offset,
        "rlnChangesOptimalClasses": classes,
        "rlnBestResolutionThusFar": state.model.resolution_shell / (state.model.box * state.model.pixel_size),
    }


def restored(saved: Saved, *, shells_ahead: int) -> Model:
    """Return the model as the next iteration needs it."""
    from relionlab.engine.classify2d.maximisation import prior_variance

    model = saved.model
    return replace(
        model,
        tau2=prior_variance(model.references),
        radius=min(model.resolution_shell + shells_ahead, model.box // 2),
    )
