"""The flags of the program ``refine`` for 3D references that no form has."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from relionlab.jobs.refinement.options3d import CorrectedReference, ReferenceMask, ResizeReference
from relionlab.jobs.refinement.refine3d import SolventFsc
from relionlab.params import Declared, Parameter, flagged

_start, _poses, _auto = (partial(flagged, tab=tab) for tab in ("Initialisation", "Orientations", "Auto-refine"))
_mask = partial(flagged, tab="General")
_FINEST_ORDER = 9
_FREE = "; angles whose own width is not given are free, without --sigma_ang"


def _spread(flag: str, angle: str, more: str = "") -> Parameter:
    """Declare the width of local searches in an angle."""
    return _poses(
        f"Local searches in {angle}", flag, f"Search {angle} around the last pose alone: a standard deviation; three of them"
        f" are searched. -1: everywhere{more}.", unit="°", none_as="-1", bounds=(0, 180),
    )  # fmt: skip


class ProgramOptions3D(Declared):
    """The flags of a 3D classification or refinement, with the program's defaults."""

    fn_mask: ReferenceMask = ""
    solvent_mask2: Annotated[
        str,
        _mask(
            "Second mask",
            "--solvent_mask2",
            "Mask of a region that has a density of its own, as the inside of a virus: its average is kept.",
            none_as="None",
            pattern="*.mrc",
        ),
    ] = ""
    do_solvent_fsc: SolventFsc = False
    denovo_3dref: Annotated[
        bool,
        _start(
            "Initial model",
            "--denovo_3dref",
            "Make the first map from the particles themselves, in random orientations; with --grad or --sgd.",
        ),
    ] = False
    ctf_corrected_ref: CorrectedReference = False
    ctf_uncorrected_ref: Annotated[
        bool,
        _start(
            "Reference not CTF-corrected",
            "--ctf_uncorrected_ref",
            "The amplitudes of the reference are as images have them:"
            " the first iteration does not multiply it by the CTF.",
        ),
    ] = False
    trust_ref_size: ResizeReference = False
    ref_angpix: Annotated[
        float | None,
        _start(
            "Pixel size of the reference",
            "--ref_angpix",
            "Instead of what its header says; -1: the header's.",
            unit="Å",
            none_as="-1",
            bounds=(0.01, 100),
        ),
    ] = None
    sym: Annotated[
        str, _start("Symmetry", "--sym", "Point group of the particle, as C1, C4, D2, T, O or I1, in RELION's axes.")
    ] = "C1"
    print_symmetry_ops: Annotated[
        bool,
        _start("Print the operations", "--print_symmetry_ops", "Print the matrices of --sym, and do nothing else."),
    ] = False
    print_metadata_labels: Annotated[
        bool,
        _start(
            "Print the labels",
            "--print_metadata_labels",
            "Print what the columns of STAR files mean, and do nothing else.",
        ),
    ] = False
    healpix_order: Annotated[
        int,
        _poses(
            "HEALPix order",
            "--healpix_order",
            "Directions of the search before it is made finer: 1 for 30°, 2 for 15°, 3 for"
            " 7.5° and so on; in-plane angles the same, unless --psi_step is given.",
            bounds=(0, _FINEST_ORDER),
        ),
    ] = 2
    limit_tilt: Annotated[
        float | None,
        _poses(
            "Limited tilt",
            "--limit_tilt",
            "Positive: only side views, within this angle of the equator. Negative: only top"
            " views, within this angle of the poles. -91: all.",
            unit="°",
            none_as="-91",
            bounds=(-90, 90),
        ),
    ] = None
    relax_sym: Annotated[
        str,
        _poses(
            "Relaxed symmetry",
            "--relax_sym",
            "Point group that the particles nearly have: local searches try the equivalents of each pose too.",
        ),
    ] = ""
    sigma_ang: Annotated[float | None, _spread("--sigma_ang", "all three angles")] = None
    sigma_rot: Annotated[float | None, _spread("--sigma_rot", "rot", _FREE)] = None
    sigma_tilt: Annotated[float | None, _spread("--sigma_tilt", "tilt", _FREE)] = None
    sigma_psi: Annotated[float | None, _spread("--sigma_psi", "psi", _FREE)] = None
    auto_sampling: Annotated[
        bool,
        _poses(
            "Automatic sampling",
            "--auto_sampling",
            "RELION's finer sampling as the accuracies allow, in a gradient run; here each stage has its own anyway.",
        ),
    ] = False
    auto_refine: Annotated[
        bool,
        _auto(
            "Auto-refine",
            "--auto_refine",
            "Refine one map until nothing is gained; sampling and end are found on the way.",
        ),
    ] = False
    split_random_halves: Annotated[
        bool,
        _auto(
            "Two halves", "--split_random_halves", "Refine two halves of the particles apart, for an honest resolution."
        ),
    ] = False
    low_resol_join_halves: Annotated[
        float | None,
        _auto(
            "Join halves up to",
            "--low_resol_join_halves",
            "Average the half-maps up to this resolution in each iteration, so"
            " that they keep one orientation; -1: never.",
            unit="Å",
            none_as="-1",
            bounds=(1, None),
        ),
    ] = None
    auto_local_healpix_order: Annotated[
        int,
        _auto(
            "Local searches from order",
            "--auto_local_healpix_order",
            "From this HEALPix order on (before it is made finer)"
            " particles are searched around their last poses alone.",
            bounds=(0, _FINEST_ORDER),
        ),
    ] = 4
    auto_iter_max: Annotated[
        int,
        _auto(
            "Most iterations",
            "--auto_iter_max",
            "Stop at this iteration at the latest.",
            unit="iterations",
            bounds=(1, None),
        ),
    ] = 999
    auto_ignore_angles: Annotated[
        bool,
        _auto(
            "Do not wait for angles",
            "--auto_ignore_angles",
            "Make the sampling finer although the angles still change.",
        ),
    ] = False
    auto_resol_angles: Annotated[
        bool,
        _auto(
            "Sampling by resolution",
            "--auto_resol_angles",
            "Make the sampling as fine as the resolution asks for, whatever the accuracies.",
        ),
    ] = False
    maxsig: Annotated[
        int | None,
        _poses(
            "Most poses",
            "--maxsig",
            "RELION's bound on the poses of a particle that are searched finer; relionlab bounds them by the memory planned.",
            none_as="-1",
            unused=True,
            bounds=(1, None),
        ),
    ] = None
