"""The parameters that Class3D and Refine3D (and in part InitialModel) share, page by page of RELION's form.

The names of the fields are RELION's job.star variables; ``program_options3d`` has the flags that no form has.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from relionlab.jobs.options.sampling_steps import SamplingStep
from relionlab.params import Declared, Parameter, When

_FRESH = (When("fn_cont", "==", ""),)


def _declared(label: str, key: Any, help: str, *, tab: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    return Parameter(label=label, key=key, help=help, tab=tab, **more)


_reference, _compute = partial(_declared, tab="Reference"), partial(_declared, tab="Compute")

ReferenceMap = Annotated[
    str,
    _declared(
        "Reference map",
        "fn_ref",
        "The map to begin with, low-pass filtered below. A STAR file that lists several (rlnReferenceImage, as a"
        " run_itNNN_model.star does) gives each class one of its own.",
        tab="I/O",
        flag="--ref",
        node="DensityMap.mrc",
        pattern="*.{mrc,star}",
        when=_FRESH,
    ),
]
ReferenceMask = Annotated[
    str,
    _declared(
        "Reference mask",
        "fn_mask",
        "Map of values from 0 to 1 by which the references are multiplied in each iteration, as MaskCreate makes it: leave"
        " room around the particle and give it a soft edge. Without one, the particle's sphere is the mask.",
        tab="I/O",
        flag="--solvent_mask",
        node="Mask3D.mrc",
        pattern="*.mrc",
        on_continue=True,
    ),
]
GreyScale = Annotated[
    bool,
    _reference(
        "Ref. map is on absolute greyscale?",
        "ref_correct_greyscale",
        "Whether the map was reconstructed from these very particles, so that its density has their scale. If not (a map of"
        " another program or of a model), the first iteration compares by correlation, which does not mind the scale.",
        flag="--firstiter_cc",
        flag_if=False,
        when=_FRESH,
    ),
]
ResizeReference = Annotated[
    bool,
    _reference(
        "Resize reference if needed?",
        {"5": "trust_ref_size"},
        "Rescale and crop or pad reference and mask if their pixel or box size is not that of the particles. Otherwise such"
        " a reference is refused. RELION 5 has it, and ticks it by default.",
        flag="--trust_ref_size",
        when=_FRESH,
    ),
]
InitialLowpass = Annotated[
    float | None,
    _reference(
        "Initial low-pass filter",
        "ini_high",
        "Resolution to which the reference is filtered before the first iteration. Keep it coarse (40 to 60 Å), so that"
        " nothing fine in the reference can come back as if the particles had shown it. Empty: it is used as it is.",
        unit="Å",
        flag="--ini_high",
        wizard="map low-pass",
        none_as="-1",
        bounds=(0, None),
        suggested=(0, 200, 5),
        when=_FRESH,
    ),
]
Symmetry = Annotated[
    str,
    _reference(
        "Symmetry",
        "sym_name",
        "Point group of the particle: C1, C4, D2, T, O, I1 … The reference's axes must lie where RELION has them; bring them"
        " there with `relionlab align_symmetry`. In doubt, C1.",
        flag="--sym",
        when=_FRESH,
    ),
]
CorrectedReference = Annotated[
    bool,
    Parameter(
        label="Has reference been CTF-corrected?",
        help="RELION 3.1 asks whether the reference has amplitudes corrected for the CTF, as maps of RELION and of models"
        " have. relionlab, as RELION 4 and 5, takes it so in any case.",
        tab="CTF",
        level="developer",
        key={"3.1": "ctf_corrected_ref"},
        flag="--ctf_corrected_ref",
        when=(*_FRESH, When("do_ctf_correction")),
    ),
]
RelaxedSymmetry = partial(
    _declared,
    "Relax symmetry",
    "relax_sym",
    tab="Sampling",
    level="advanced",
    flag="--relax_sym",
    on_continue=True,
)
"""Declare the pseudo-symmetry; say what it means for the job in ``help``, and when it applies."""
AngularStep = Annotated[
    SamplingStep,
    _declared(
        "Angular sampling interval",
        "sampling",
        "About how far apart the directions and in-plane angles of the search are; the search itself starts from twice this"
        " and looks finer where it pays. 7.5 degrees suits most; large or icosahedral particles need finer.",
        tab="Sampling",
        when=(When("dont_skip_align"),),
        on_continue=True,
    ),
]
SkipPadding = Annotated[
    bool,
    _compute(
        "Skip padding?",
        "do_pad1",
        "Do not pad maps before their Fourier transform (--pad 1). It saves memory, and costs artefacts in the corners of"
        " the box.",
        level="advanced",
        on_continue=True,
    ),
]
SkipGridding = Annotated[
    bool,
    _compute(
        "Skip gridding?",
        {"3.1": "skip_gridding"},
        "RELION 3.1's way around the iterations of its reconstruction. relionlab has its own; the value is kept for RELION.",
        level="developer",
        flag="--skip_gridding",
        unused=True,
        on_continue=True,
    ),
]
Blush = Annotated[
    bool,
    _declared(
        "Use Blush regularisation?",
        {"5": "do_blush"},
        "RELION 5's regularisation by a neural network. Not done here: such a job can be written, read, and run by RELION 5.",
        tab="Optimisation",
        level="advanced",
        flag="--blush",
        on_continue=True,
    ),
]


class ReferenceOptions(Declared):
    """The reference of a 3D classification or refinement: part of the I/O page, and the Reference page."""

    fn_ref: ReferenceMap = ""
    fn_mask: ReferenceMask = ""
    ref_correct_greyscale: GreyScale = False
    trust_ref_size: ResizeReference = False
    ini_high: InitialLowpass = 60.0
    sym_name: Symmetry = "C1"
    ctf_corrected_ref: CorrectedReference = False


class PaddingOptions(Declared):
    """What the Compute pages of 3D jobs have besides those of Class2D."""

    do_pad1: SkipPadding = False
    skip_gridding: SkipGridding = True
