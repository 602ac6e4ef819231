"""Reading back an iteration of a 3D classification, an initial model or an auto-refinement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.classify2d.accuracy import UNKNOWN
from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.refine3d.state import Model, Spectra
from relionlab.errors import ImageError, NodeError
from relionlab.io.images import read_map
from relionlab.io.particles import Particles as ParticleTable
from relionlab.io.particles import read_particles
from relionlab.io.table import Table
from relionlab.jobs.refinement.dimensions import Kind, kind_of
from relionlab.jobs.refinement.files3d import Iteration3D
from relionlab.jobs.refinement.model_file import model_fields
from relionlab.jobs.refinement.optimiser_file import Named, read_optimiser
from relionlab.jobs.refinement.progress import Progress, progress_of
from relionlab.jobs.refinement.sampling_file import SearchGrid, first_sampling, read_sampling


@dataclass(frozen=True)
class Saved3D:
    """What the files of an iteration hold.

    kind       of run that wrote it
    table      the particles, with all their columns
    models     one, or those of half-sets 1 and 2; they lack nothing but ``tau2`` (zeros) and ``radius`` (0), which
               follow from the references, the resolution and the options
    spectra    as ``models``; tau2 with T
    optimiser  the optimiser's table
    padding    of transforms of the references
    relion_version  of the RELION that wrote it, as "3.1.3"; empty if relionlab did
    words      of the command line, if relionlab wrote it

    The others are those of :class:`Iteration3D`.
    """

    kind: Kind
    iteration: int
    table: ParticleTable
    models: tuple[Model, ...]
    spectra: tuple[Spectra, ...]
    optimiser: Table
    grid: SearchGrid
    first_grid: SearchGrid
    progress: Progress
    tau2_fudge: float
    padding: float
    used_radius: int
    rotations: np.ndarray
    offsets: np.ndarray
    changed: tuple[float, float, float]
    gradients: np.ndarray | None
    sigmas: tuple[float, float, float] | None
    relion_version: str
    words: tuple[str, ...] = ()

    def state(self, particles: Particles) -> Iteration3D:
        """Return the iteration, given what the engine knows of its particles."""
        return Iteration3D(
            self.iteration,
            self.models,
            particles,
            self.grid,
            self.first_grid,
            self.spectra,
            self.used_radius,
            self.rotations,
            self.offsets,
            self.changed,
            self.progress,
            self.gradients,
            self.sigmas,
        )


def read_iteration3d(optimiser: str, directory: Path) -> Saved3D:
    """Read an iteration that RELION (2.1 and later) or relionlab wrote, from its run_itNNN_optimiser.star.

    Raises NodeError if a file is missing, or if it is not an iteration of a 3D run; ImageError if a map does not fit.
    """
    files = read_optimiser(optimiser, directory)
    number, kind = int(files.general.value("rlnCurrentIteration")), kind_of(files.general)
    if any(int(tables["model_general"].value("rlnReferenceDimensionality")) != 3 for tables in files.models):
        raise NodeError(f"{optimiser} is of a 2D classification; expected a 3D classification or refinement.")
    if number < 0:
        raise NodeError(
            f"{optimiser} is of the end of an auto-refinement; to go on, give the run_itNNN_optimiser.star of an iteration."
        )
    if int(files.general.value("rlnDoSplitRandomHalves")) and len(files.models) != 2:
        raise NodeError(f"{optimiser} is of two half-sets, but names the model of one: the file was changed.")
    table = read_particles(files.data)
    grid = read_sampling(files.sampling)
    models = tuple(_model(tables, files, table, directions=len(grid.orientations)) for tables in files.models)
    if len({(model.box, model.pixel_size, model.classes) for model in models}) != 1:
        raise NodeError(f"{optimiser} names half-sets of different boxes or pixel sizes: they do not belong together.")
    tables = files.models[0]
    general, classes = tables["model_general"], tables["model_classes"]
    fudge = float(general.value("rlnTau2FudgeFactor"))
    pixels = models[0].pixel_size if "rlnAccuracyTranslations" in classes else 1.0  # before RELION 3.1
    gradient = "rlnSGDGradientImage" in classes
    return Saved3D(
        kind=kind,
        iteration=number,
        table=table,
        models=models,
        spectra=tuple(_spectra(each, files, models[0].box) for each in files.models) if number else (),
        optimiser=files.general,
        grid=grid,
        first_grid=first_sampling(files.sampling),
        progress=progress_of(files, models[0].box * models[0].pixel_size),
        tau2_fudge=fudge,
        padding=float(general.value("rlnPaddingFactor")),
        used_radius=int(general.value("rlnCurrentImageSize")) // 2,
        rotations=classes["rlnAccuracyRotations"].copy(),
        offsets=_either(classes, "rlnAccuracyTranslationsAngst", "rlnAccuracyTranslations") * pixels,
        changed=(
            files.number("rlnChangesOptimalOrientations", UNKNOWN),
            files.number("rlnChangesOptimalOffsets", UNKNOWN) * pixels,
            min(files.number("rlnChangesOptimalClasses", 1.0), 1.0),
        ),
        gradients=_maps(tables, files, "rlnSGDGradientImage") if gradient else None,
        sigmas=_sigmas(general),
        relion_version=files.relion_version,
        words=files.words,
    )


def _model(tables: dict[str, Table], files: Named, particles: ParticleTable, *, directions: int) -> Model:
    references = _maps(tables, files, "rlnReferenceImage")
    classes, box = len(references), references.shape[-1]
    names = [f"model_pdf_orient_class_{c + 1}" for c in range(classes)]
    known = all(name in tables and len(tables[name]) == directions for name in names)  # RELION may list some twice
    return Model(
        references=references,
        tau2=np.zeros((classes, box // 2 + 1)),
        radius=0,
        direction_share=np.stack([tables[name]["rlnOrientationDistribution"] for name in names]) if known else None,
        **model_fields(tables, particles),
    )


def _maps(tables: dict[str, Table], files: Named, label: str) -> np.ndarray:
    """Return the maps that a column of the classes names, as (class, n, n, n)."""
    box = int(tables["model_general"].value("rlnOriginalImageSize"))
    maps = []
    for name in tables["model_classes"][label]:
        array, _ = read_map(files.path(str(name), "a map of the iteration is missing"))
        if array.shape != (box, box, box):
            raise ImageError(
                f"{files.name} names {name}, which has {' × '.join(map(str, array.shape))} voxels; expected {box} × {box}"
                f" × {box}: the files do not belong together."
            )
        maps.append(array)
    return np.stack(maps)


def _spectra(tables: dict[str, Table], files: Named, box: int) -> Spectra:
    classes = [tables[f"model_class_{c + 1}"] for c in range(len(tables["model_classes"]))]

    def column(label: str) -> np.ndarray:
        # RELION writes "nan" and "inf" where it knows nothing
        values = np.stack([np.asarray(each[label], float)[: box // 2 + 1] for each in classes])
        return np.nan_to_num(values, posinf=0.0, neginf=0.0)

    # the file of a half-set has T in its tau2
    fudge = 1.0 if len(files.models) == 2 else float(tables["model_general"].value("rlnTau2FudgeFactor"))
    return Spectra(
        ssnr=column("rlnSsnrMap"),
        noise=column("rlnReferenceSigma2"),
        tau2=column("rlnReferenceTau2") * fudge,
        covered=column("rlnFourierCompleteness"),
        fsc=column("rlnGoldStandardFsc")[0],
    )


def _sigmas(general: Table) -> tuple[float, float, float] | None:
    if not int(general.value("rlnOrientationalPriorMode")):
        return None
    rot, tilt, psi = (float(general.value(f"rlnSigmaPrior{axis}Angle")) for axis in ("Rot", "Tilt", "Psi"))
    return rot, tilt, psi


def _either(table: Table, label: str, older: str) -> np.ndarray:
    return table[label if label in table else older].astype(float)
