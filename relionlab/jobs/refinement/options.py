"""The parameters that 2D and 3D classification and refinement share, page by page of RELION's form.

Each page is a class that job types and the program ``refine`` inherit. The names of the fields are RELION's job.star
variables.
"""

from __future__ import annotations

from typing import Annotated

from relionlab.params import Declared, Dialect, Parameter, When

_ALIGNED = (When("dont_skip_align"),)

InputImages = Annotated[
    str,
    Parameter(
        label="Input images STAR file",
        help="The particles: a STAR file with their images, micrographs and CTF parameters. A bare stack works too, but"
        " then there is no CTF correction and all images form one noise group.",
        tab="I/O",
        key="fn_img",
        flag="--i",
        node="ParticleGroupMetadata.star",
        pattern="*.star",
        when=(When("fn_cont", "==", ""),),
    ),
]
Continue = Annotated[
    str,
    Parameter(
        label="Continue from here",
        help="The run_itNNN_optimiser.star of the iteration to go on from, of RELION or of relionlab. Results then get"
        " names with _ctNNN, so that nothing is overwritten.",
        tab="I/O",
        key="fn_cont",
        flag="--continue",
        pattern="*_optimiser.star",
        on_continue=True,
    ),
]
UseCtf = Annotated[
    bool,
    Parameter(
        label="Do CTF-correction?",
        help="Model the contrast transfer of each particle, so that averages are corrected for it. Switch it off for"
        " negative stain, or where no CTF was estimated.",
        tab="CTF",
        key="do_ctf_correction",
        flag="--ctf",
    ),
]
IntactFirstPeak = Annotated[
    bool,
    Parameter(
        label="Ignore CTFs until first peak?",
        help="Take the CTF as 1 up to its first maximum. Helps where low frequencies are badly modelled, as when all"
        " classes come out as blobs; raising the amplitude contrast is the gentler cure.",
        tab="CTF",
        level="advanced",
        key="ctf_intact_first_peak",
        flag="--ctf_intact_first_peak",
        when=(When("do_ctf_correction"),),
    ),
]
Classes = Annotated[
    int,
    Parameter(
        label="Number of classes",
        help="How many averages to sort the particles into. About 100 particles per class is a good measure for"
        " cryo-EM, 20 to 50 for negative stain; junk needs classes too.",
        tab="Optimisation",
        key="nr_classes",
        flag="--K",
        bounds=(1, 1000),
        suggested=(1, 50, 1),
    ),
]
TauFudge = Annotated[
    float,
    Parameter(
        label="Regularisation parameter T",
        help="Weight of the data against the prior that keeps averages smooth. 2 suits 2D classes, 4 suits 3D; use 1 to"
        " 2 for negative stain. Raise it when averages stay blurred, lower it when they show noise.",
        tab="Optimisation",
        key="tau_fudge",
        flag="--tau2_fudge",
        bounds=(0.01, 1000),
        suggested=(0.1, 10, 0.1),
        on_continue=True,
    ),
]
MaskDiameter = Annotated[
    float | None,
    Parameter(
        label="Mask diameter",
        help="Diameter of the soft circle outside which images and averages are masked: a little more than the"
        " particle's longest side, and less than the distance to its neighbours.",
        tab="Optimisation",
        unit="Å",
        key="particle_diameter",
        flag="--particle_diameter",
        bounds=(1, None),
        suggested=(50, 500, 10),
        none_as="-1",
        on_continue=True,
        wizard="particle mask",
    ),
]
ZeroMask = Annotated[
    bool,
    Parameter(
        label="Mask particles with zeros?",
        help="Fill the outside of the mask with zeros, which removes noise and neighbours. Otherwise it is filled with"
        " random noise of the images' own spectrum, which is better for refinements to high resolution.",
        tab="Optimisation",
        key="do_zero_mask",
        flag="--zero_mask",
        on_continue=True,
    ),
]
ResolutionLimit = Annotated[
    float | None,
    Parameter(
        label="Limit resolution of the E-step to",
        help="Compare images and averages only up to this resolution. A value of 8 to 12 Å keeps the noise of small or"
        " featureless particles from being aligned; empty uses all that the averages justify.",
        tab="Optimisation",
        unit="Å",
        key="highres_limit",
        level="advanced",
        flag="--strict_highres_exp",
        none_as="-1",
        bounds=(0.5, None),
        suggested=(4, 20, 1),
        on_continue=True,
    ),
]
Align = Annotated[
    bool,
    Parameter(
        label="Perform image alignment?",
        help="Search angles and offsets. Otherwise those of the input are kept and only the class is found.",
        tab="Sampling",
        key="dont_skip_align",
        flag="--skip_align",
        flag_if=False,
    ),
]
OffsetRange = Annotated[
    float,
    Parameter(
        label="Offset search range",
        help="How far from its previous centre a particle is searched, in every iteration. 5 px serves well-centred"
        " picks; more for sloppy ones.",
        tab="Sampling",
        unit="px",
        key="offset_range",
        flag="--offset_range",
        bounds=(0, 100),
        suggested=(0, 30, 1),
        when=_ALIGNED,
        on_continue=True,
    ),
]
OffsetStep = Annotated[
    float,
    Parameter(
        label="Offset search step",
        help="Finest distance between the offsets that are tried. While the resolution is low, a coarser grid that"
        " misses nothing is used by itself.",
        tab="Sampling",
        unit="px",
        key="offset_step",
        flag="--offset_step",
        flag_factor=2,
        bounds=(0.05, 20),
        suggested=(0.25, 5, 0.25),
        when=_ALIGNED,
        on_continue=True,
    ),
]
PsiSampling = Annotated[
    float,
    Parameter(
        label="In-plane angular sampling",
        help="Distance between the in-plane angles that are tried. 5 to 6 degrees suit most particles; finer for large"
        " ones at high resolution.",
        tab="Sampling",
        unit="°",
        key="psi_sampling",
        flag="--psi_step",
        flag_factor=2,
        bounds=(0.1, 180),
        suggested=(0.5, 20, 0.5),
        when=_ALIGNED,
        on_continue=True,
    ),
]
CoarserSampling = Annotated[
    bool,
    Parameter(
        label="Allow coarser sampling?",
        help="Let early iterations sample more coarsely than asked, as their averages allow. relionlab does so for"
        " offsets anyway, without loss.",
        tab="Sampling",
        level="advanced",
        key="allow_coarser",
        flag="--allow_coarser_sampling",
        unused=True,
        when=_ALIGNED,
        on_continue=True,
    ),
]


def iterations(key: str | dict[Dialect, str], *, when: tuple[When, ...] = ()) -> Parameter:
    """Declare the number of iterations of a classification; its variable differs between job types."""
    return Parameter(
        label="Number of EM iterations",
        help="How often all particles are aligned and averaged. 25 usually suffice; look whether the classes still"
        " change. On continuing, this is the total, not what is added.",
        tab="Optimisation",
        key=key,
        flag="--iter",
        bounds=(1, 999),
        suggested=(1, 50, 1),
        when=when,
        on_continue=True,
    )


def fast_subsets(key: str | dict[Dialect, str]) -> Parameter:
    """Declare RELION's use of subsets; its variable differs between job types."""
    return Parameter(
        label="Use fast subsets?",
        help="RELION's use of random subsets in early iterations. relionlab is fast enough without; the value is kept for"
        " RELION.",
        tab="Optimisation",
        key=key,
        flag="--fast_subsets",
        unused=True,
        level="developer",
        on_continue=True,
    )


class InputOptions(Declared):
    """The I/O page."""

    fn_img: InputImages = ""
    fn_cont: Continue = ""


class CtfOptions(Declared):
    """The CTF page."""

    do_ctf_correction: UseCtf = True
    ctf_intact_first_peak: IntactFirstPeak = False


class SamplingOptions2D(Declared):
    """The Sampling page of a 2D classification."""

    dont_skip_align: Align = True
    psi_sampling: PsiSampling = 6.0
    offset_range: OffsetRange = 5.0
    offset_step: OffsetStep = 1.0
    allow_coarser: CoarserSampling = False
