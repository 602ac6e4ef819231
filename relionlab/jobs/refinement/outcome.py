"""What a 3D run has come to, read from the files of its last iteration, for the verdict and the pictures."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from relionlab.engine.orientations import Coverage, fourier_coverage
from relionlab.engine.sampling import healpix
from relionlab.engine.symmetry import point_group
from relionlab.errors import StarError
from relionlab.io.star import read_star
from relionlab.io.star_columns import read_columns
from relionlab.io.table import Table
from relionlab.jobs.refinement.rounds import Round, column, last_round, measured_fsc, number, rounds_of
from relionlab.jobs.refinement.verdict import Kind, Outcome

_NEEDED = ("rlnAngleRot", "rlnAngleTilt", "rlnClassNumber", "rlnMaxValueProbDistribution")


def outcome_of(directory: str | Path, *, postprocess: str | Path | None = None) -> Outcome:
    """Return what the run in a job directory has come to.

    postprocess  the postprocess.star of its half-maps, if there is one: what it says of the mask is told too

    Raises NodeError if no iteration has finished, StarError for a file that is none of a 3D run.
    """
    last = last_round(directory)
    tables = read_star(last.models[0])
    general, classes = tables["model_general"], tables["model_classes"]
    told = _optimiser(last, directory)
    box, pixel_size = number(general, "rlnOriginalImageSize", unknown=np.inf), number(general, "rlnPixelSize")
    shares = column(classes, "rlnClassDistribution")
    group = point_group(symmetry_of(last))
    particles = particles_of(last, *_NEEDED)
    step, local = _step(last, told)
    covered = coverage_of(last, particles, class_number=int(np.nanargmax(shares)) + 1)
    kind = _kind(told)
    result = Outcome(
        kind=kind,
        iterations=last.number,
        resolution_angstrom=_resolution(kind, general, classes),
        nyquist_angstrom=2 * pixel_size,
        converged=_converged(last, told),
        particles=len(particles),
        fsc=measured_fsc(tables),
        within_mask=bool(number(told, "rlnDoSolventFscCorrection", unknown=0.0)),
        accuracy_rotations=_best(column(classes, "rlnAccuracyRotations")),
        accuracy_offsets=_best(column(classes, "rlnAccuracyTranslationsAngst")),
        angular_step=step,
        local_searches=local,
        changed=changes_of(told),
        completeness=np.nan if covered is None else covered.scf,
        empty=np.nan if covered is None else covered.empty,
        class_shares=tuple(float(share) for share in shares),
        best_weights=_weights(particles, last),
        symmetry_order=group.order,
        occupied=min(1.0, np.pi / 6 * (number(told, "rlnParticleDiameter", unknown=np.inf) / (box * pixel_size)) ** 3),
        chiral=group.is_chiral,
    )
    return result if postprocess is None else with_mask(result, postprocess)


def with_mask(outcome: Outcome, postprocess: str | Path) -> Outcome:
    """Return an outcome with what a postprocess.star says of the mask."""
    table = read_star(postprocess)["fsc"]
    masked, random = (
        column(table, f"rln{name}")
        for name in (
            "FourierShellCorrelationMaskedMaps",
            "CorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps",
        )
    )
    known = not (np.isnan(masked).any() or np.isnan(random).any())
    return replace(outcome, masked_fsc=masked, randomised_fsc=random) if known else outcome


def particles_of(one: Round, *labels: str) -> Table:
    """Return the particle table of an iteration, an empty one if it has none.

    labels  read these columns alone, as far as they are there: many times faster; by default all
    """
    data = one.beside("data")
    if data is not None and labels:
        for known in (labels, ("rlnImageName",)):  # before the first iteration particles may have no angles
            with suppress(StarError):
                return read_columns(data, *known)
    tables = {} if data is None else read_star(data)
    return tables.get("particles") or next(iter(tables.values()), Table({}, "particles"))


def symmetry_of(one: Round) -> str:
    """Return the point group in which an iteration searched, C1 if its sampling file does not say."""
    sampling = one.beside("sampling")
    general = None if sampling is None else read_star(sampling).get("sampling_general")
    return str(general.value("rlnSymmetryGroup")) if general is not None and "rlnSymmetryGroup" in general else "C1"


def coverage_of(one: Round, particles: Table, *, class_number: int) -> Coverage | None:
    """Return how the views of a class cover Fourier space; ``None`` where no particle of it has angles yet."""
    if one.number == 0 or "rlnAngleRot" not in particles or not len(particles):
        return None
    chosen = np.ones(len(particles), bool)
    if "rlnClassNumber" in particles:
        chosen = np.asarray(particles["rlnClassNumber"]) == class_number
    if not chosen.any():
        return None
    rot, tilt = (np.asarray(particles[name], np.float64)[chosen] for name in ("rlnAngleRot", "rlnAngleTilt"))
    return fourier_coverage(rot, tilt, symmetry=symmetry_of(one), step=step_of(one))


def step_of(one: Round) -> float:
    """Return the distance in degrees between the finest directions that an iteration tried, 0 if it is not known."""
    optimiser = one.beside("optimiser")
    told = None if optimiser is None else read_star(optimiser).get("optimiser_general")
    step, _ = _step(one, told)
    return 0.0 if np.isnan(step) else step


def changes_of(told: Table | None) -> tuple[float, float, float]:
    """Return the mean change of angles (°) and offsets (Å) and the share of changed classes that an optimiser file tells."""
    labels = ("rlnChangesOptimalOrientations", "rlnChangesOptimalOffsets", "rlnChangesOptimalClasses")
    angles, offsets, classes = (number(told, label) for label in labels)
    return angles, offsets, classes


def _optimiser(last: Round, directory: str | Path) -> Table | None:
    """Return what the optimiser file says; the final one of a refinement is that of the iteration before it."""
    for one in [last, *reversed(rounds_of(directory))]:
        path = one.beside("optimiser")
        if path is not None and one.number <= last.number:
            return read_star(path).get("optimiser_general")
    left = sorted(last.models[0].parent.glob(f"*_it{last.number:03d}_optimiser.star"))  # of a project made smaller
    return read_star(left[-1]).get("optimiser_general") if left else None


def _converged(last: Round, told: Table | None) -> bool:
    """Say whether nothing improved any more: halves are joined too where the most iterations that were allowed are done."""
    if number(told, "rlnHasConverged", unknown=0.0):
        return True
    ended = last.beside("optimiser") is not None and last.number >= number(
        told, "rlnNumberOfIterations", unknown=np.inf
    )
    return last.final and not ended


def _kind(told: Table | None) -> Kind:
    if number(told, "rlnDoAutoRefine", unknown=0.0):
        return "refinement"
    gradient = ("rlnDoStochasticGradientDescent", "rlnDoGradientRefine")
    return "initial model" if any(number(told, label, unknown=0.0) for label in gradient) else "classification"


def _resolution(kind: Kind, general: Table, classes: Table) -> float:
    """Return the resolution in Å; that which an initial model uses follows a schedule, so there the best class's estimate."""
    estimated = column(classes, "rlnEstimatedResolution")
    known = estimated[np.isfinite(estimated) & (estimated > 0)]
    if kind == "initial model" and known.size:
        return float(known.min())
    return number(general, "rlnCurrentResolution", unknown=np.inf)


def _step(last: Round, told: Table | None) -> tuple[float, bool | None]:
    """Return the step of the fine pass in degrees, and whether searches were local."""
    sampling = last.beside("sampling")
    general = None if sampling is None else read_star(sampling).get("sampling_general")
    order = number(general, "rlnHealpixOrder")
    if np.isnan(order):
        return float("nan"), None
    step = healpix.spacing(int(order)) / 2 ** number(told, "rlnAdaptiveOversampleOrder", unknown=0.0)
    local = number(told, "rlnAutoLocalSearchesHealpixOrder")
    return step, None if np.isnan(local) else bool(order >= local)


def _weights(particles: Table, one: Round) -> np.ndarray | None:
    label = "rlnMaxValueProbDistribution"
    return np.asarray(particles[label], np.float64) if label in particles and one.number > 0 else None


def _best(values: np.ndarray) -> float:
    known = values[np.isfinite(values) & (values > 0)]
    return float(known.min()) if known.size else float("nan")
