"""run_itNNN_model.star, of 2D classes and of 3D maps.

All spectra are variances of the real (or imaginary) part of a 2D transform that is divided by the number of pixels; a
map counts by its slices, which are box times its own 3D transform divided by the number of voxels. What RELION 3.1.3
means by the columns of ``model_class_N`` was measured (F3: 3D transform of the map divided by box³):

* rlnReferenceTau2 of a classification is the prior that the iteration used, without T: box² / 2 times the mean of
  |F3|² over a shell, of the map that the iteration before wrote (so masked), padded ``--pad`` times with zeros and
  divided by sinc²(r / (pad box)) to undo the interpolation; each voxel of the half space counts once. In iteration 0 it
  is T box² / 2 times the mean of |F3|² of the map as it is. Nothing reads it back.
* rlnReferenceTau2 of a half-set is rlnSsnrMap rlnReferenceSigma2, T included, of the iteration itself.
* rlnReferenceSigma2 is one over the mean weight of a shell's voxels; the weight of one is the sum of scale² CTF² /
  rlnSigma2Noise over the particles and over the symmetry mates.
* rlnSsnrMap is T tau2 / sigma2 in a classification, T FSC / (1 - FSC) in a half-set, with an FSC of 0.999 at most. The
  last files of an auto-refinement have sqrt(2 FSC / (1 + FSC)) in place of the FSC there.
* rlnGoldStandardFsc is that of the half-maps before they are filtered, unmasked (ours with --solvent_correct_fsc: masked,
  corrected for the mask as relion_postprocess does it), and 1 in the shells that they share:
  those below box pixel size / d, d the larger of --low_resol_join_halves and the resolution of the iteration before.
* rlnOrientationDistribution of a class sums to the class's share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relionlab.engine.classify2d.accuracy import UNKNOWN
from relionlab.engine.likelihood.model import SharedModel, SharedSpectra
from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.refine3d.state import Model as Model3D
from relionlab.engine.refine3d.state import Spectra as Spectra3D
from relionlab.errors import StarError
from relionlab.io.particles import Particles as ParticleTable
from relionlab.io.table import Table

_NO_RESOLUTION = 999.0  # RELION's Å for zero frequency


@dataclass(frozen=True)
class ModelFile:
    """What a model.star says.

    model, spectra  as the engine returned them; ``spectra`` is None before the first iteration
    references      names of the references
    particles       those that the model was made of
    group_names     names of the noise groups
    tau2_fudge      T
    padding         of transforms of the references; only RELION uses it
    used_radius     outermost shell that the E-step used
    rotations, offsets  (class,) expected accuracies in degrees and Å
    gradients       names of the running gradients of an initial model
    sigmas          degrees: spread of rot, tilt and psi around the last pose in local searches; ``None``: global ones
    is_half         the model is of one half-set
    directions      number of directions of the sampling, 3D
    """

    model: SharedModel
    spectra: SharedSpectra | None
    references: list[str]
    particles: Particles
    group_names: list[str]
    tau2_fudge: float
    padding: float = 2.0
    used_radius: int = 0
    rotations: np.ndarray | None = None
    offsets: np.ndarray | None = None
    gradients: list[str] | None = None
    sigmas: tuple[float, float, float] | None = None
    is_half: bool = False
    directions: int = 0

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return self.model.references.ndim - 1

    def tables(self) -> list[Table]:
        """Return the tables in RELION's order."""
        model = self.model
        shells = _axis(model.box, model.pixel_size)
        tables = [Table(self._general(), "model_general", loop=False), Table(self._classes(), "model_classes")]
        tables += [Table(shells | self._class(c), f"model_class_{c + 1}") for c in range(model.classes)]
        tables.append(Table(self._groups(), "model_groups"))
        plain = {label: shells[label] for label in ("rlnSpectralIndex", "rlnResolution")}
        for g, spectrum in enumerate(model.sigma2):
            tables.append(Table(plain | {"rlnSigma2Noise": spectrum}, f"model_group_{g + 1}"))
        if isinstance(model, Model3D):
            for c, shares in enumerate(direction_shares(model, self.directions)):
                tables.append(Table({"rlnOrientationDistribution": shares}, f"model_pdf_orient_class_{c + 1}"))
        return tables

    def _general(self) -> dict[str, object]:
        model, rot_tilt_psi = self.model, self.sigmas or (0.0, 0.0, 0.0)
        some = len(self.particles) > 0
        return {
            "rlnReferenceDimensionality": self.dimensions,
            "rlnDataDimensionality": 2,
            "rlnOriginalImageSize": model.box,
            "rlnCurrentResolution": model.box * model.pixel_size / max(model.resolution_shell, 1),
            "rlnCurrentImageSize": 2 * self.used_radius,
            "rlnPaddingFactor": float(self.padding),
            "rlnIsHelix": 0,
            "rlnFourierSpaceInterpolator": 1,
            "rlnMinRadiusNnInterpolation": 10,
            "rlnPixelSize": model.pixel_size,
            "rlnNrClasses": model.classes,
            "rlnNrBodies": 1,
            "rlnNrGroups": len(self.group_names),
            "rlnTau2FudgeFactor": self.tau2_fudge,
            "rlnNormCorrectionAverage": model.mean_norm,
            "rlnSigmaOffsetsAngst": model.offset_sigma,
            "rlnOrientationalPriorMode": int(self.sigmas is not None),
            "rlnSigmaPriorRotAngle": rot_tilt_psi[0],
            "rlnSigmaPriorTiltAngle": rot_tilt_psi[1],
            "rlnSigmaPriorPsiAngle": rot_tilt_psi[2],
            "rlnLogLikelihood": float(self.particles.log_likelihood.sum()),
            "rlnAveragePmax": float(self.particles.best_weight.mean()) if some else 0.0,
        }

    def _classes(self) -> dict[str, Any]:
        model, spectra = self.model, self.spectra
        unknown = np.full(model.classes, UNKNOWN)
        angstrom = _axis(model.box, model.pixel_size)["rlnAngstromResolution"]
        last = unknown if spectra is None else np.array([_resolution(row, angstrom) for row in spectra.ssnr])
        whole = np.zeros(model.classes) if spectra is None else spectra.covered[:, 1:].mean(axis=1)
        flat = {f"rlnClassPriorOffset{axis}": np.zeros(model.classes) for axis in "XY"}
        return {
            "rlnReferenceImage": self.references,
            **({} if self.gradients is None else {"rlnSGDGradientImage": self.gradients}),
            "rlnClassDistribution": model.class_share,
            "rlnAccuracyRotations": unknown if self.rotations is None else self.rotations,
            "rlnAccuracyTranslationsAngst": unknown if self.offsets is None else self.offsets,
            "rlnEstimatedResolution": last,
            "rlnOverallFourierCompleteness": whole,
            **(flat if self.dimensions == 2 else {}),
        }

    def _class(self, c: int) -> dict[str, np.ndarray]:
        spectra, zeros = self.spectra, np.zeros(self.model.box // 2 + 1)
        if spectra is None:
            ssnr, fsc, covered, noise, tau2 = zeros, zeros, zeros, zeros, self.model.tau2[c]
        else:
            ssnr, covered, noise = spectra.ssnr[c], spectra.covered[c], spectra.noise[c]
            tau2 = spectra.tau2[c] / (1 if self.is_half else self.tau2_fudge)
            fsc = spectra.fsc if isinstance(spectra, Spectra3D) else zeros
        return {
            "rlnSsnrMap": ssnr,
            "rlnGoldStandardFsc": fsc,
            "rlnFourierCompleteness": covered,
            "rlnReferenceSigma2": noise,
            "rlnReferenceTau2": tau2,
            "rlnSpectralOrientabilityContribution": zeros,
        }

    def _groups(self) -> dict[str, Any]:
        count = len(self.group_names)
        return {
            "rlnGroupNumber": np.arange(1, count + 1),
            "rlnGroupName": self.group_names,
            "rlnGroupNrParticles": np.bincount(self.particles.group, minlength=count),
            "rlnGroupScaleCorrection": self.model.scale,
        }


def direction_shares(model: Model3D, directions: int) -> np.ndarray:
    """Return (class, directions) the share of each direction; those of a class sum to the class's share.

    Raises ValueError if the model knows them for another number of directions.
    """
    shares = model.direction_share
    if shares is None:
        return np.repeat(model.class_share[:, None] / directions, directions, axis=1)
    if shares.shape != (model.classes, directions):
        raise ValueError(f"direction_share is {shares.shape}; expected {(model.classes, directions)}.")
    return shares


def model_fields(tables: dict[str, Table], particles: ParticleTable) -> dict[str, Any]:
    """Return the fields of a 2D or 3D model that its tables hold; references, tau2 and radius are not among them.

    particles  of the same iteration: they say which optics group a noise group belongs to

    Offsets of RELION before 3.1, which are in px, become Å.
    """
    general, classes, groups = (tables[name] for name in ("model_general", "model_classes", "model_groups"))
    box, pixel_size = int(general.value("rlnOriginalImageSize")), float(general.value("rlnPixelSize"))
    resolution = float(general.value("rlnCurrentResolution"))
    old = "rlnSigmaOffsetsAngst" not in general
    sigma = float(general.value("rlnSigmaOffsets" if old else "rlnSigmaOffsetsAngst"))
    return {
        "pixel_size": pixel_size,
        "class_share": classes["rlnClassDistribution"].copy(),
        "sigma2": _noise(tables, len(groups), box, particles),
        "scale": groups["rlnGroupScaleCorrection"].copy(),
        "offset_sigma": sigma * pixel_size if old else sigma,
        "mean_norm": float(general.value("rlnNormCorrectionAverage")),
        "resolution_shell": round(box * pixel_size / resolution) if 0 < resolution < np.inf else 1,
    }


def _noise(tables: dict[str, Table], groups: int, box: int, particles: ParticleTable) -> np.ndarray:
    """Return the (group, box / 2 + 1) noise spectra; RELION 4 and 5 keep one per optics group."""
    names = [f"model_group_{g + 1}" for g in range(groups)]
    if names[0] not in tables:
        optics = [name for name in tables if name.startswith("model_optics_group_")]
        if len(optics) != len(particles.optics):
            raise StarError(
                f"The model has noise spectra for {len(optics)} optics groups and none for its groups, its particles"
                f" have {len(particles.optics)} optics groups: the files do not belong together."
            )
        first = np.zeros(groups, np.int64)
        if len(optics) > 1:
            numbers, rows = np.unique(particles.column("rlnGroupNumber"), return_index=True)
            first[numbers - 1] = particles.group_rows[rows]
        names = [optics[row] for row in first]
    return np.stack([tables[name]["rlnSigma2Noise"][: box // 2 + 1] for name in names])


def _axis(box: int, pixel_size: float) -> dict[str, np.ndarray]:
    shells = np.arange(box // 2 + 1)
    frequency = shells / (box * pixel_size)
    angstrom = np.where(shells > 0, 1 / np.where(shells > 0, frequency, 1), _NO_RESOLUTION)
    return {"rlnSpectralIndex": shells, "rlnResolution": frequency, "rlnAngstromResolution": angstrom}


def _resolution(ssnr: np.ndarray, angstrom: np.ndarray) -> float:
    below = np.flatnonzero(ssnr[1:] < 1)
    shell = int(below[0]) if len(below) else len(ssnr) - 1
    return float(angstrom[shell])
