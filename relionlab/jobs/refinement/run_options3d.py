"""How the options of a 3D run stand in RELION's files, and come back from them.

What 3D shares with 2D is in ``run_options``. Options that RELION keeps in no file (it forgets them when a run is
continued) come back from the command line in the optimiser's head, if relionlab wrote it.
"""

from __future__ import annotations

from typing import Any

from relionlab.jobs.refinement.gradient_labels import LATER, STAGES
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.run_options import read_back, shared_options, shared_saved, written
from relionlab.jobs.refinement.sampling_file import SearchGrid
from relionlab.jobs.refinement.saved3d import Saved3D

_PLAIN: dict[str, tuple[str, type]] = {
    "split_random_halves": ("rlnDoSplitRandomHalves", bool),
    "low_resol_join_halves": ("rlnJoinHalvesUntilThisResolution", float),
    "do_solvent_fsc": ("rlnDoSolventFscCorrection", bool),
    "fn_mask": ("rlnSolventMaskName", str),
    "solvent_mask2": ("rlnSolventMask2Name", str),
    "auto_refine": ("rlnDoAutoRefine", bool),
    "auto_local_healpix_order": ("rlnAutoLocalSearchesHealpixOrder", int),
}
"""Options that stand in RELION 3.1's optimiser as they are: field -> label and type."""

_PLAN = {
    "initial": "sgd_ini_iter",
    "inbetween": "sgd_inbetween_iter",
    "final": "sgd_fin_iter",
    "initial_resolution": "grad_ini_resol",
    "final_resolution": "grad_fin_resol",
    "initial_batch": "grad_ini_subset",
    "final_batch": "grad_fin_subset",
    "step": "grad_stepsize",
    "write_every": "grad_write_iter",
    "momentum": "mu",
    "noise_factor": "sgd_sigma2fudge_initial",
    "noise_halflife": "sgd_sigma2fudge_halflife",
}
"""What of the plan, in whichever words it was typed, is written as which option."""

_IN_NO_FILE = (
    *("relax_sym", "auto_ignore_angles", "auto_resol_angles", "auto_iter_max", "no_init_blobs"),
    *("size_prior", "local_offsets"),
)
_CORRECTED = "rlnRefsAreCtfCorrected"


def optimiser_options3d(options: Refine, *, diameter: float) -> dict[str, object]:
    """Return label -> value for the optimiser's table, and ``tau2_fudge`` and ``padding`` for the model's.

    diameter  Å, of the mask
    """
    values = {**shared_options(options, diameter=diameter), **written(options, _PLAIN), **_stages(options)}
    values["rlnNumberOfIterations"] = options.auto_iter_max if options.auto_refine else options.iterations()
    values[_CORRECTED] = int(not options.ctf_uncorrected_ref)
    said = {name: place for name, place in LATER.items() if getattr(options, name) != options.default(name)}
    return {**values, **written(options, said)}


def _stages(options: Refine) -> dict[str, Any]:
    """Return label -> value of a gradient-driven run, whose plan RELION 3.1 understands; empty for other runs."""
    plan = options.gradient()
    if plan is None:
        return {}
    values = {option: getattr(plan, name) for name, option in _PLAN.items()}
    values |= {"sgd": 1, "sgd_skip_anneal": int(not plan.anneal)}
    return {STAGES[name][0]: value for name, value in values.items() if value is not None}


def saved_options3d(options: Refine, saved: Saved3D) -> Refine:
    """Return the options of a continued run: what is given now, and for the rest what the files say.

    Those of the sampling are of the iteration that was read; of an auto-refinement, of its first.
    """
    model, table = saved.models[0], saved.optimiser
    found = {**shared_saved(table), **read_back(table, _PLAIN), **read_back(table, STAGES), **read_back(table, LATER)}
    grid = saved.first_grid if saved.kind == "auto-refine" else saved.grid
    found |= _sampling(grid, model.pixel_size)
    if saved.sigmas is not None and saved.kind != "auto-refine":
        rot, tilt, psi = saved.sigmas
        found |= {"sigma_ang": rot} if rot == tilt == psi else {"sigma_rot": rot, "sigma_tilt": tilt, "sigma_psi": psi}
    if saved.kind == "auto-refine":
        found["auto_iter_max"] = found.pop("nr_iter")
    if _CORRECTED in table:
        found["ctf_uncorrected_ref"] = not int(table.value(_CORRECTED))
    found |= {"nr_classes": model.classes, "tau_fudge": saved.tau2_fudge, "pad": int(saved.padding)}
    found |= _remembered(saved)
    given = {name: getattr(options, name) for name in options.model_fields_set if name != "nr_classes"}
    return Refine(**{**found, **given})


def _remembered(saved: Saved3D) -> dict[str, Any]:
    """Return the options that no table tells as they were typed, from the command line that relionlab wrote."""
    if not saved.words:
        return {}
    before = Refine.from_flags(saved.words)
    return {name: getattr(before, name) for name in (*_IN_NO_FILE, *STAGES, *LATER, "nr_iter")}


def _sampling(grid: SearchGrid, pixel_size: float) -> dict[str, Any]:
    orientations = grid.orientations
    found: dict[str, Any] = {
        "sym": orientations.group.name,
        "healpix_order": orientations.order,
        "offset_range": grid.offset_range / pixel_size,
        "offset_step": grid.offset_step / 2 / pixel_size,  # the flag is of the coarse grid, the option of the fine one
        "perturb": grid.perturbation_factor,
        "limit_tilt": grid.tilt_limit,
    }
    if orientations.n_psi != round(360.0 / orientations.step):  # another than that of the directions
        found["psi_sampling"] = orientations.psi_step / 2
    return found
