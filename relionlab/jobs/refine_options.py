"""The parameters that 2D and 3D classification and refinement share, page by page of RELION's form.

Each page is a class that job types and the program ``refine`` inherit. The names of the fields are RELION's job.star
variables.
"""

from __future__ import annotations

from typing import Annotated

from relionlab.params import Declared, Parameter, When

_ALIGNED = (When("dont_skip_align"),)
_HELIX = (When("do_helix"),)

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
        when=_ALIGNED,
        on_continue=True,
    ),
]
Helix = Annotated[
    bool,
    Parameter(
        label="Classify 2D helical segments?",
        help="Treat the particles as segments of filaments, with prior in-plane angles. Not done yet: such a job can be"
        " written and read, and run by RELION.",
        tab="Helix",
        level="advanced",
        key="do_helix",
        flag="--helix",
    ),
]
TubeDiameter = Annotated[
    float,
    Parameter(
        label="Tube diameter",
        help="Outer diameter of the filaments; what lies outside is masked.",
        tab="Helix",
        unit="Å",
        level="advanced",
        key="helical_tube_outer_diameter",
        flag="--helical_outer_diameter",
        suggested=(100, 1000, 10),
        when=_HELIX,
    ),
]
BimodalPsi = Annotated[
    bool,
    Parameter(
        label="Do bimodal angular searches?",
        help="Search around the prior angle and around its opposite, for filaments of unknown polarity.",
        tab="Helix",
        level="advanced",
        key="do_bimodal_psi",
        flag="--bimodal_psi",
        when=_HELIX,
    ),
]
PsiRange = Annotated[
    float,
    Parameter(
        label="Angular search range - psi",
        help="How far from its prior an in-plane angle is searched.",
        tab="Helix",
        unit="°",
        level="advanced",
        key="range_psi",
        suggested=(3, 30, 1),
        when=_HELIX,
    ),
]
RestrictOffsets = Annotated[
    bool,
    Parameter(
        label="Restrict helical offsets to rise?",
        help="Keep offsets along the filament within half a rise, so that segments do not slide onto each other.",
        tab="Helix",
        level="advanced",
        key="do_restrict_xoff",
        when=_HELIX,
    ),
]
HelicalRise = Annotated[
    float,
    Parameter(
        label="Helical rise",
        help="Distance between subunits along the filament.",
        tab="Helix",
        unit="Å",
        level="advanced",
        key="helical_rise",
        flag="--helical_rise_initial",
        suggested=(-1, 100, 1),
        when=(When("do_helix"), When("do_restrict_xoff")),
    ),
]
ParallelDisc = Annotated[
    bool,
    Parameter(
        label="Use parallel disc I/O?",
        help="Let all workers read images at once. Switch it off only if a network disc cannot bear it.",
        tab="Compute",
        level="advanced",
        key="do_parallel_discio",
        flag="--no_parallel_disc_io",
        flag_if=False,
        on_continue=True,
    ),
]
PooledParticles = Annotated[
    int,
    Parameter(
        label="Number of pooled particles",
        help="RELION's batch size per thread. relionlab cuts its own batches; the value is kept for RELION.",
        tab="Compute",
        level="developer",
        key="nr_pool",
        flag="--pool",
        bounds=(1, None),
        suggested=(1, 100, 1),
        on_continue=True,
    ),
]
PreRead = Annotated[
    bool,
    Parameter(
        label="Pre-read all particles into RAM?",
        help="Hold all images in memory: number x box² x 4 bytes. It pays on slow discs; on fast ones the system's own"
        " cache does the same.",
        tab="Compute",
        key="do_preread_images",
        flag="--preread_images",
        on_continue=True,
    ),
]
Scratch = Annotated[
    str,
    Parameter(
        label="Copy particles to scratch directory",
        help="Fast local directory to which the particle stacks are copied first. Empty: they are read where they are.",
        tab="Compute",
        level="advanced",
        key="scratch_dir",
        flag="--scratch_dir",
        on_continue=True,
    ),
]
CombineThroughDisc = Annotated[
    bool,
    Parameter(
        label="Combine iterations through disc?",
        help="RELION's way around slow networks. relionlab never needs it; the value is kept for RELION.",
        tab="Compute",
        level="developer",
        key="do_combine_thru_disc",
        flag="--dont_combine_weights_via_disc",
        flag_if=False,
        on_continue=True,
    ),
]
UseGpu = Annotated[
    bool,
    Parameter(
        label="Use GPU acceleration?",
        help="Compute on GPUs. The settings choose by themselves what this machine has; see also `relionlab doctor`.",
        tab="Compute",
        key="use_gpu",
        on_continue=True,
    ),
]
GpuIds = Annotated[
    str | None,
    Parameter(
        label="Which GPUs to use",
        help="Numbers of the devices, as 0:1 for two workers with a GPU each; empty uses all.",
        tab="Compute",
        level="advanced",
        key="gpu_ids",
        flag="--gpu",
        when=(When("use_gpu"),),
        on_continue=True,
    ),
]


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


class HelixOptions2D(Declared):
    """The Helix page of a 2D classification."""

    do_helix: Helix = False
    helical_tube_outer_diameter: TubeDiameter = 200.0
    do_bimodal_psi: BimodalPsi = True
    range_psi: PsiRange = 6.0
    do_restrict_xoff: RestrictOffsets = True
    helical_rise: HelicalRise = 4.75


class ComputeOptions(Declared):
    """The Compute page."""

    do_parallel_discio: ParallelDisc = True
    nr_pool: PooledParticles = 3
    do_preread_images: PreRead = False
    scratch_dir: Scratch = ""
    do_combine_thru_disc: CombineThroughDisc = False
    use_gpu: UseGpu = False
    gpu_ids: GpuIds = ""
