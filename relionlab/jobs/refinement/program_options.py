"""The flags of the program ``refine`` that no form has, for 2D and 3D alike; ``program_options3d`` has those of 3D alone."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.options.declaring import Verbosity
from relionlab.params import Declared, Parameter

_GENERAL, _START, _POSES, _EXPERT = "General", "Initialisation", "Orientations", "Expert"

OutputRoot = Annotated[
    str,
    Parameter(
        label="Output root",
        help="How the names of all results begin, as Class2D/job001/run.",
        tab=_GENERAL,
        flag="--o",
        required=True,
    ),
]
Flatten = Annotated[
    bool,
    Parameter(
        label="Flatten solvent",
        help="Mask the references in each iteration: with --solvent_mask, or else with the particle's sphere. 2D class"
        " averages are made of masked images and always are masked.",
        tab=_GENERAL,
        flag="--flatten_solvent",
    ),
]
References = Annotated[
    str,
    Parameter(
        label="References",
        help="What to start from: in 3D a map, which all classes begin with, or a STAR file (rlnReferenceImage) of one for"
        " each class; in 2D a stack of class averages instead of random ones.",
        tab=_START,
        flag="--ref",
        none_as="None",
        pattern="*.{mrc,mrcs,star}",
    ),
]
OffsetSpread = Annotated[
    float,
    Parameter(
        label="Initial spread of offsets",
        help="Standard deviation of the particles' offsets that is assumed in the first iteration.",
        tab=_START,
        unit="Å",
        flag="--offset",
        bounds=(0.01, None),
    ),
]
FirstResolution = Annotated[
    float | None,
    Parameter(
        label="Initial low-pass filter",
        help="Resolution to which the first references are filtered.",
        tab=_START,
        unit="Å",
        flag="--ini_high",
        none_as="-1",
        bounds=(0, None),
    ),
]
FirstIterationCc = Annotated[
    bool,
    Parameter(
        label="First iteration by correlation",
        help="Compare by correlation in the first iteration, for references of unknown grey scale. Not done yet for 2D"
        " classes.",
        tab=_START,
        flag="--firstiter_cc",
    ),
]
Oversampling = Annotated[
    int,
    Parameter(
        label="Oversampling order",
        help="The steps given are searched first, then steps 2^order finer where that pays. In 2D relionlab searches the"
        " finer ones alone.",
        tab=_POSES,
        flag="--oversampling",
        bounds=(0, 5),
    ),
]
Perturbation = Annotated[
    float,
    Parameter(
        label="Perturbation",
        help="Largest random movement of the search grid in each iteration, as a fraction of a step.",
        tab=_POSES,
        flag="--perturb",
        bounds=(0, 1),
    ),
]
SkipRotate = Annotated[
    bool,
    Parameter(
        label="Keep angles",
        help="Search offsets and classes only: in 3D of particles that were refined before.",
        tab=_POSES,
        flag="--skip_rotate",
    ),
]
Norm = Annotated[
    bool,
    Parameter(
        label="Correct norms",
        help="Estimate one factor per image that brings its noise to the common level.",
        tab="Corrections",
        flag="--norm",
    ),
]
Scale = Annotated[
    bool,
    Parameter(
        label="Correct scales",
        help="Estimate one factor per group for the strength of its signal.",
        tab="Corrections",
        flag="--scale",
    ),
]
NoNorm = Annotated[
    bool,
    Parameter(
        label="Do not correct norms",
        help="Switch the correction off, also when a run is continued.",
        tab="Corrections",
        flag="--no_norm",
    ),
]
NoScale = Annotated[
    bool,
    Parameter(
        label="Do not correct scales",
        help="Switch the correction off, also when a run is continued.",
        tab="Corrections",
        flag="--no_scale",
    ),
]
PhaseFlipped = Annotated[
    bool,
    Parameter(
        label="Phase-flipped data",
        help="The phases of the images have been corrected before: model the modulus of the CTF.",
        tab="Corrections",
        flag="--ctf_phase_flipped",
    ),
]
OnlyFlip = Annotated[
    bool,
    Parameter(
        label="Only flip phases",
        help="Correct the sign of the CTF and not its amplitude.",
        tab="Corrections",
        flag="--only_flip_phases",
    ),
]
Seed = Annotated[
    int | None,
    Parameter(
        label="Random seed",
        help="Runs with the same seed and the same input give the same result; without one,"
        " a seed is drawn and written down.",
        tab=_EXPERT,
        flag="--random_seed",
        none_as="-1",
        bounds=(0, None),
    ),
]
Padding = Annotated[
    int,
    Parameter(
        label="Padding",
        help="RELION's oversampling of transforms of the references; relionlab interpolates"
        " exactly enough at any value.",
        tab=_EXPERT,
        flag="--pad",
        unused=True,
        bounds=(1, 4),
    ),
]
Fraction = Annotated[
    float,
    Parameter(
        label="Adaptive fraction",
        help="Share of a particle's probability that enters the averages; the rest is"
        " spread over too many unlikely poses to be worth its time.",
        tab=_EXPERT,
        flag="--adaptive_fraction",
        bounds=(0.5, 1),
    ),
]
MaskEdge = Annotated[
    float,
    Parameter(
        label="Mask edge",
        help="Width of the mask's soft edge.",
        tab=_EXPERT,
        unit="px",
        flag="--maskedge",
        bounds=(0, 100),
    ),
]
FixNoise = Annotated[
    bool,
    Parameter(
        label="Fix noise spectra", help="Keep the noise spectra as they are.", tab=_EXPERT, flag="--fix_sigma_noise"
    ),
]
FixOffsets = Annotated[
    bool,
    Parameter(
        label="Fix spread of offsets",
        help="Keep the spread of the offsets as it is.",
        tab=_EXPERT,
        flag="--fix_sigma_offset",
    ),
]
ShellsAhead = Annotated[
    int,
    Parameter(
        label="Shells ahead",
        help="Fourier shells beyond the current resolution that the next iteration uses.",
        tab=_EXPERT,
        flag="--incr_size",
        bounds=(1, 100),
    ),
]
LowestResolution = Annotated[
    float | None,
    Parameter(
        label="Lowest resolution",
        help="Leave out of the comparison what is coarser than this.",
        tab=_EXPERT,
        unit="Å",
        flag="--strict_lowres_exp",
        none_as="-1",
        bounds=(1, None),
    ),
]
DontCheck = Annotated[
    bool,
    Parameter(
        label="Do not check images",
        help="Begin although the images do not look normalised.",
        tab=_EXPERT,
        flag="--dont_check_norm",
    ),
]
SizePrior = Annotated[
    bool,
    Parameter(
        label="Favour large classes",
        help="Expect a particle in a class in proportion to the class's size, as RELION does. Then the class that first"
        " becomes sharp draws most particles to it. Without it (the default here) real data fill more classes.",
        tab=_EXPERT,
        level="developer",
        flag="--size_prior",
    ),
]
LocalOffsets = Annotated[
    bool,
    Parameter(
        label="Expect particles where they were",
        help="Expect each particle near where the last iteration put it, as RELION 3.1 does: the larger the pixels, the"
        " nearer. Without it (the default here) particles are expected near the middle of their images. For"
        " 2D classes.",
        tab=_EXPERT,
        level="developer",
        flag="--local_offsets",
    ),
]
OnTheFly = Annotated[
    bool,
    Parameter(
        label="Shifts on the fly",
        help="RELION's way to save memory; relionlab plans its memory by itself.",
        tab=_EXPERT,
        flag="--onthefly_shifts",
        unused=True,
    ),
]


class ProgramOptions(Declared):
    """The flags that no form has, with the program's defaults."""

    o: OutputRoot = ""
    flatten_solvent: Flatten = False
    ref: References = ""
    offset: OffsetSpread = 10.0
    ini_high: FirstResolution = None
    firstiter_cc: FirstIterationCc = False
    oversampling: Oversampling = 1
    perturb: Perturbation = 0.5
    skip_rotate: SkipRotate = False
    norm: Norm = False
    scale: Scale = False
    no_norm: NoNorm = False
    no_scale: NoScale = False
    ctf_phase_flipped: PhaseFlipped = False
    only_flip_phases: OnlyFlip = False
    random_seed: Seed = None
    pad: Padding = 2
    adaptive_fraction: Fraction = 0.999
    maskedge: MaskEdge = 5
    fix_sigma_noise: FixNoise = False
    fix_sigma_offset: FixOffsets = False
    incr_size: ShellsAhead = 10
    strict_lowres_exp: LowestResolution = None
    dont_check_norm: DontCheck = False
    size_prior: SizePrior = False
    local_offsets: LocalOffsets = False
    verb: Verbosity = 1
    onthefly_shifts: OnTheFly = False
