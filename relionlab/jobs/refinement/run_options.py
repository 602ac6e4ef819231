"""How the options of a run stand in RELION's optimiser and sampling files, and come back from them.

What 2D and 3D share is here, with what is 2D's own; 3D's own is in ``run_options3d``.
"""

from __future__ import annotations

from typing import Any

from relionlab.engine.classify2d.state import Search
from relionlab.io.table import Table
from relionlab.jobs.refinement.files import Saved
from relionlab.jobs.refinement.gradient import GradientOptions
from relionlab.jobs.refinement.gradient_labels import LATER, STAGES
from relionlab.jobs.refinement.program import Refine

_PLAIN: dict[str, tuple[str, type]] = {
    "nr_iter": ("rlnNumberOfIterations", int),
    "oversampling": ("rlnAdaptiveOversampleOrder", int),
    "adaptive_fraction": ("rlnAdaptiveOversampleFraction", float),
    "random_seed": ("rlnRandomSeed", int),
    "particle_diameter": ("rlnParticleDiameter", float),
    "maskedge": ("rlnWidthMaskEdge", float),
    "do_zero_mask": ("rlnDoZeroMask", bool),
    "flatten_solvent": ("rlnDoSolventFlattening", bool),
    "incr_size": ("rlnIncrementImageSize", int),
    "skip_rotate": ("rlnDoSkipRotate", bool),
    "norm": ("rlnDoCorrectNorm", bool),
    "scale": ("rlnDoCorrectScale", bool),
    "do_ctf_correction": ("rlnDoCorrectCtf", bool),
    "ctf_intact_first_peak": ("rlnDoIgnoreCtfUntilFirstPeak", bool),
    "ctf_phase_flipped": ("rlnCtfDataArePhaseFlipped", bool),
    "only_flip_phases": ("rlnDoOnlyFlipCtfPhases", bool),
    "fix_sigma_noise": ("rlnFixSigmaNoiseEstimates", bool),
    "fix_sigma_offset": ("rlnFixSigmaOffsetEstimates", bool),
    "highres_limit": ("rlnHighresLimitExpectation", float),
    "strict_lowres_exp": ("rlnLowresLimitExpectation", float),
}
"""Options that stand in the optimiser's table as they are: field -> label and type."""
_NONE = {float: -1.0, int: -1, str: "None"}
"""How RELION writes that there is none."""

_CENTRE = "rlnDoCenterClasses"

_OTHERS: dict[str, Any] = {
    "rlnDoSplitRandomHalves": 0,
    "rlnJoinHalvesUntilThisResolution": -1.0,
    "rlnDoSolventFscCorrection": 0,
    "rlnSolventMaskName": "None",
    "rlnSolventMask2Name": "None",
    "rlnBodyStarFile": "None",
    "rlnTauSpectrumName": "None",
    "rlnMaximumCoarseImageSize": -1,
    "rlnDoMapEstimation": 1,
    "rlnDoFastSubsetOptimisation": 0,
    "rlnDoExternalReconstruct": 0,
    "rlnDoStochasticGradientDescent": 0,
    "rlnDoStochasticEM": 0,
    "rlnSgdInitialIterations": 50,
    "rlnSgdFinalIterations": 50,
    "rlnSgdInBetweenIterations": 200,
    "rlnSgdInitialResolution": 35.0,
    "rlnSgdFinalResolution": 15.0,
    "rlnSgdInitialSubsetSize": 100,
    "rlnSgdFinalSubsetSize": 500,
    "rlnSgdMuFactor": 0.0,
    "rlnSgdSigma2FudgeInitial": 8.0,
    "rlnSgdSigma2FudgeHalflife": -1,
    "rlnSgdSkipAnneal": 0,
    "rlnSgdSubsetSize": -1,
    "rlnSgdWriteEverySubset": 1,
    "rlnSgdStepsize": 0.5,
    "rlnDoAutoRefine": 0,
    "rlnAutoLocalSearchesHealpixOrder": 4,
    "rlnNumberOfIterWithoutResolutionGain": 0,
    "rlnNumberOfIterWithoutChangingAssignments": 0,
    "rlnSmallestChangesOrientations": 999.0,
    "rlnSmallestChangesOffsets": 999.0,
    "rlnSmallestChangesClasses": 9999999,
    "rlnLocalSymmetryFile": "None",
    "rlnDoHelicalRefine": 0,
    "rlnIgnoreHelicalSymmetry": 0,
    "rlnFourierMask": "None",
    "rlnHelicalTwistInitial": 0.0,
    "rlnHelicalRiseInitial": 0.0,
    "rlnHelicalCentralProportion": 0.3,
    "rlnNrHelicalNStart": 1,
    "rlnHelicalMaskTubeInnerDiameter": -1.0,
    "rlnHelicalMaskTubeOuterDiameter": -1.0,
    "rlnHelicalSymmetryLocalRefinement": 0,
    "rlnHelicalSigmaDistance": -1.0,
    "rlnHelicalKeepTiltPriorFixed": 0,
    "rlnHasConverged": 0,
    "rlnHasHighFscAtResolLimit": 0,
    "rlnHasLargeSizeIncreaseIterationsAgo": 0,
    "rlnRefsAreCtfCorrected": 1,
    "rlnMaxNumberOfPooledParticles": 60,
}
"""What RELION expects in the table and 2D classification does not use."""


def optimiser_options(options: Refine, search: Search) -> dict[str, object]:
    """Return label -> value for the optimiser's table, and ``tau2_fudge`` and ``padding`` for the model's."""
    return shared_options(options, diameter=search.diameter)


def shared_options(options: Refine, *, diameter: float) -> dict[str, object]:
    """Return what :func:`optimiser_options` and its like in 3D do; ``diameter`` of the mask in Å."""
    values = {**_OTHERS, **written(options, _PLAIN)}
    values["rlnDoCorrectNorm"] = int(options.norm and not options.no_norm)
    values["rlnDoCorrectScale"] = int(options.scale and not options.no_scale)
    values["rlnParticleDiameter"] = diameter
    values["rlnWidthMaskEdge"] = int(options.maskedge)
    values["rlnDoSkipAlign"] = int(not options.dont_skip_align)
    if options.do_center:  # RELION 3.1 does not know the label; 4 and 5 do
        values[_CENTRE] = 1
    values["tau2_fudge"] = options.tau_fudge
    values["padding"] = options.pad
    return values


def written(options: Refine, fields: dict[str, tuple[str, type]]) -> dict[str, Any]:
    """Return label -> value of options that stand in a table as they are; ``fields`` as ``_PLAIN``."""
    values: dict[str, Any] = {}
    for name, (label, kind) in fields.items():
        value = getattr(options, name)
        empty = value is None or value == ""
        values[label] = int(value) if kind is bool else _NONE[kind] if empty else value
    return values


def read_back(table: Table, fields: dict[str, tuple[str, type]]) -> dict[str, Any]:
    """Return field -> value of options that stand in a table, where it has them."""
    found: dict[str, Any] = {}
    for name, (label, kind) in fields.items():
        if label not in table:
            continue
        value = kind(table.value(label))
        if kind is str:
            found[name] = "" if value == _NONE[str] else value
        else:
            optional = Refine.model_fields[name].default is None
            is_none = value < 0 or (kind is float and value == 0)
            found[name] = None if optional and is_none else value
    return found


def shared_saved(optimiser: Table) -> dict[str, Any]:
    """Return field -> value of the options that 2D and 3D have in common, as an optimiser's table has them."""
    found = read_back(optimiser, _PLAIN)
    if "rlnDoSkipAlign" in optimiser:
        found["dont_skip_align"] = not int(optimiser.value("rlnDoSkipAlign"))
    if _CENTRE in optimiser:
        found["do_center"] = bool(int(optimiser.value(_CENTRE)))
    return found


def sampling_options(options: Refine, pixel_size: float) -> dict[str, object]:
    """Return label -> value for the sampling's table; the steps are those before oversampling, offsets in Å."""
    steps = {
        "rlnPsiStep": options.psi_sampling * 2,
        "rlnOffsetRange": options.offset_range * pixel_size,
        "rlnOffsetStep": options.offset_step * 2 * pixel_size,
        "rlnHelicalOffsetStep": -1.0,
        "rlnSamplingPerturbInstance": 0.0,
        "rlnSamplingPerturbFactor": options.perturb,
        "rlnHealpixOrderOriginal": 2,
    }
    original = {f"{label}Original": steps[label] for label in ("rlnPsiStep", "rlnOffsetRange", "rlnOffsetStep")}
    return {**steps, **original}


def saved_options(options: Refine, saved: Saved) -> Refine:
    """Return the options of a continued run: what is given now, and for the rest what the files say."""
    table, sampling, pixel_size = saved.optimiser, saved.sampling, saved.model.pixel_size
    found = {**shared_saved(table), "nr_classes": saved.model.classes}
    found["psi_sampling"] = float(sampling.value("rlnPsiStep")) / 2
    found["offset_range"] = float(sampling.value("rlnOffsetRange")) / pixel_size
    found["offset_step"] = float(sampling.value("rlnOffsetStep")) / 2 / pixel_size
    if "rlnSamplingPerturbFactor" in sampling:
        found["perturb"] = float(sampling.value("rlnSamplingPerturbFactor"))
    found["tau_fudge"] = saved.tau2_fudge
    # what RELION began goes on by RELION's rules, also when it is continued again
    found["size_prior"] = bool(saved.relion_version) or "--size_prior" in saved.words
    # of other versions it was not measured
    found["local_offsets"] = saved.relion_version.startswith("3.1") or "--local_offsets" in saved.words
    found |= _saved_gradient(saved)
    given = {name: getattr(options, name) for name in options.model_fields_set if name != "nr_classes"}
    return Refine(**{**dict(options), **found, **given})


def _saved_gradient(saved: Saved) -> dict[str, Any]:
    """Return the options of a run by batches, as they were typed, or as RELION 4 and 5 write them; its own 3.1 has none in 2D."""
    if saved.words:
        before = Refine.from_flags(saved.words)
        found = {name: getattr(before, name) for name in (*GradientOptions.model_fields, "nr_iter")}
    else:
        found = read_back(saved.optimiser, STAGES | LATER)
    return found if any(found.get(name) for name in ("grad", "sgd", "stochastic_em")) else {}
