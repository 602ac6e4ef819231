"""What can be wrong with the flags of ``refine`` together, said in words; no file is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relionlab.jobs.refinement.form3d import symmetry_problems

if TYPE_CHECKING:
    from relionlab.jobs.refinement.program import Refine


def problems_in(options: Refine) -> list[str]:
    """Return every contradiction between the flags."""
    return [
        *_input(options),
        *_masks(options),
        *_symmetry(options),
        *_auto_refine(options),
        *_initial_model(options),
        *options.gradient_problems(),
        *options.refusals(),
    ]


def _input(options: Refine) -> list[str]:
    found = []
    if not options.fn_img and not options.fn_cont:
        found.append("--i is empty: give a STAR file of particles, or --continue with an optimiser file.")
    if options.do_helix:
        found.append(
            "--helix is not there yet: leave it out to treat segments as single particles, or run helical jobs with RELION."
        )
    if options.fn_cont:
        given = [flag for flag, there in (("--ref", options.ref), ("--denovo_3dref", options.denovo_3dref)) if there]
        found += [
            f"{flag} and --continue exclude each other: a continued run has its references; leave {flag} out."
            for flag in given
        ]
    return found


def _masks(options: Refine) -> list[str]:
    if options.fn_cont:  # what the run began with counts too
        return []
    found = []
    if options.fn_mask and not options.flatten_solvent:
        found.append(
            f"--solvent_mask is {options.fn_mask}, but references are masked with --flatten_solvent only: add it, or leave"
            " the mask out."
        )
    if options.solvent_mask2 and not options.fn_mask:
        found.append("--solvent_mask2 is given without --solvent_mask: give the mask of the whole particle as well.")
    if options.do_solvent_fsc and not options.fn_mask:
        found.append(
            "--solvent_correct_fsc compares the half-maps within --solvent_mask, which is empty: give the mask, or leave"
            " --solvent_correct_fsc out."
        )
    return found


def _symmetry(options: Refine) -> list[str]:
    found = symmetry_problems("--sym", options.sym)
    if not options.relax_sym:
        return found
    found += symmetry_problems("--relax_sym", options.relax_sym)
    local = options.local_sigmas() is not None or options.auto_refine or options.fn_cont
    if not local:
        found.append(
            f"--relax_sym is {options.relax_sym}, but equivalents are tried in local searches only: add --sigma_ang (as 1.7),"
            " or leave it out."
        )
    if options.sym.strip().upper() == options.relax_sym.strip().upper() != "C1":
        found.append(
            f"--sym and --relax_sym are both {options.sym}: a symmetry that is imposed cannot be relaxed. Give --sym C1."
        )
    return found


def _auto_refine(options: Refine) -> list[str]:
    found = []
    if options.split_random_halves and not options.auto_refine:
        found.append("--split_random_halves is for --auto_refine: add it, or leave the halves out to classify.")
    if not options.auto_refine:
        return found
    if not (options.ref or options.fn_cont or options.denovo_3dref):
        found.append(
            "--ref is empty: --auto_refine needs a map to begin with. Make one with --denovo_3dref --grad first."
        )
    if not options.split_random_halves:
        found.append(
            "--auto_refine without --split_random_halves would judge the resolution by maps that share their noise: add"
            " --split_random_halves."
        )
    if options.nr_classes > 1:
        found.append(
            f"--auto_refine refines one map, --K is {options.nr_classes}: classify first (without --auto_refine), then refine"
            " the particles of a class."
        )
    if not options.dont_skip_align:
        found.append("--skip_align keeps all poses, and --auto_refine is there to find them: leave one of the two out.")
    if options.skip_rotate:
        found.append(
            "--skip_rotate keeps all angles, and --auto_refine is there to find them: leave one of the two out."
        )
    if options.is_gradient():
        found.append("--auto_refine takes all particles in each iteration: leave --grad (or --sgd) out.")
    return found


def _initial_model(options: Refine) -> list[str]:
    if not options.denovo_3dref:
        return []
    found = []
    if options.ref:
        found.append(
            f"--denovo_3dref makes the first map itself, but --ref is {options.ref}: leave one of the two out."
        )
    if options.auto_refine:
        found.append("--denovo_3dref and --auto_refine exclude each other: make the model first, then refine it.")
    if not options.is_gradient():
        found.append("--denovo_3dref needs --grad (or RELION 3.1's --sgd): add --grad --auto_sampling.")
    if not options.dont_skip_align:
        found.append("--denovo_3dref finds the poses, --skip_align keeps them: leave --skip_align out.")
    return found
