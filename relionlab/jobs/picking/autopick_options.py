"""The parameters of AutoPick, which its form and its program share."""

from __future__ import annotations

from typing import Annotated, Literal

from relionlab.jobs.options import sampling_steps
from relionlab.params import Parameter, When

_BLOBS, _NO_BLOBS = (When("do_log"),), (When("do_log", value=False),)
_MAP = (When("do_log", value=False), When("do_ref3d"))
_TEMPLATES = (When("do_log", value=False), When("do_ref3d", value=False))
SamplingStep = Literal["60 degrees", sampling_steps.SamplingStep]
"""Steps of RELION's form; 60 degrees is ours."""

Micrographs = Annotated[
    str,
    Parameter(
        label="Input micrographs",
        help="STAR file of the micrographs to pick from, with their CTF if references are to be multiplied with it; also a single image or a wildcard.",
        tab="I/O",
        key="fn_input_autopick",
        flag="--i",
        required=True,
        node="MicrographGroupMetadata.star.relion",
        pattern="*.star",
    ),
]
PixelSize = Annotated[
    float | None,
    Parameter(
        label="Pixel size in micrographs",
        help="Pixel size of the micrographs. A STAR file with optics groups says it itself, and then this is not used.",
        tab="I/O",
        unit="Å",
        key="angpix",
        flag="--angpix",
        bounds=(0.01, 100),
        none_as="-1",
    ),
]
References = Annotated[
    str,
    Parameter(
        label="2D references",
        help="Stack of reference images, or a STAR file of class averages (Select's class_averages.star). Their grey scale and offset do not matter. 'gauss' picks with a Gaussian blob.",
        tab="I/O",
        key="fn_refs_autopick",
        flag="--ref",
        node="Image2DGroupMetadata.star.relion",
        pattern="*.{star,mrcs}",
        names=lambda: ("gauss",),
        when=_TEMPLATES,
    ),
]
UseMap = Annotated[
    bool,
    Parameter(
        label="OR: provide a 3D reference?",
        help="Take projections of a map as references, seen from evenly spread directions.",
        tab="I/O",
        key="do_ref3d",
        when=_NO_BLOBS,
    ),
]
Map = Annotated[
    str,
    Parameter(
        label="3D reference",
        help="The map to project. Its absolute grey scale does not matter.",
        tab="I/O",
        key="fn_ref3d_autopick",
        flag="--ref",
        node="DensityMap.mrc",
        pattern="*.mrc",
        when=_MAP,
    ),
]
Symmetry = Annotated[
    str,
    Parameter(
        label="Symmetry",
        help="Point group of the map (C1, D2, O, I …): directions that symmetry repeats are left out.",
        tab="I/O",
        key="ref3d_symmetry",
        flag="--sym",
        when=_MAP,
    ),
]
Sampling = Annotated[
    SamplingStep,
    Parameter(
        label="3D angular sampling",
        help="About how far apart the directions are. 30 degrees is mostly fine enough; each step finer takes four times as long.",
        tab="I/O",
        key="ref3d_sampling",
        when=_MAP,
    ),
]
UseBlobs = Annotated[
    bool,
    Parameter(
        label="OR: use Laplacian-of-Gaussian?",
        help="Find particles by their size alone, as blobs. The quickest start for a new data set, before there are references.",
        tab="I/O",
        key="do_log",
        flag="--LoG",
    ),
]
SmallestDiameter = Annotated[
    float,
    Parameter(
        label="Min. diameter for LoG filter",
        help="Smallest diameter of the particles.",
        tab="Laplacian",
        unit="Å",
        key="log_diam_min",
        flag="--LoG_diam_min",
        wizard="blob diameters",
        suggested=(50, 500, 10),
        bounds=(1, None),
        when=_BLOBS,
        on_continue=True,
    ),
]
LargestDiameter = Annotated[
    float,
    Parameter(
        label="Max. diameter for LoG filter",
        help="Largest diameter of the particles.",
        tab="Laplacian",
        unit="Å",
        key="log_diam_max",
        flag="--LoG_diam_max",
        wizard="blob diameters",
        suggested=(50, 500, 10),
        bounds=(1, None),
        when=_BLOBS,
        on_continue=True,
    ),
]
AreWhite = Annotated[
    bool,
    Parameter(
        label="Are the particles white?",
        help="Yes if particles are brighter than the ice, as after inverting the contrast or in negative stain.",
        tab="Laplacian",
        key="log_invert",
        flag="--Log_invert",
        when=_BLOBS,
    ),
]
BlobResolution = Annotated[
    float,
    Parameter(
        label="Maximum resolution to consider",
        help="Low-pass filter of the micrographs for finding blobs; it also sets how far they are downscaled.",
        tab="Laplacian",
        unit="Å",
        key="log_maxres",
        flag="--lowpass",
        suggested=(10, 100, 5),
        bounds=(1, None),
        when=_BLOBS,
    ),
]
AdjustThreshold = Annotated[
    float,
    Parameter(
        label="Adjust default threshold",
        help="Robust standard deviations of the score map by which the threshold is moved: positive picks fewer particles, negative more. RELION moves it by its own standard deviation, which is of similar size.",
        tab="Laplacian",
        unit="σ",
        key="log_adjust_thr",
        flag="--LoG_adjust_threshold",
        suggested=(-1, 1, 0.05),
        when=_BLOBS,
        on_continue=True,
    ),
]
UpperThreshold = Annotated[
    float,
    Parameter(
        label="Upper threshold",
        help="Blobs so many standard deviations (of the picks' own scores) above their median are contamination and left out. 5 suits most data.",
        tab="Laplacian",
        unit="σ",
        key="log_upper_thr",
        flag="--LoG_upper_threshold",
        suggested=(0, 10, 0.5),
        when=_BLOBS,
        on_continue=True,
    ),
]
LowPass = Annotated[
    float | None,
    Parameter(
        label="Lowpass filter references",
        help="Low-pass filter of the references. Without a strong one, noise is picked that looks like them.",
        tab="References",
        unit="Å",
        key="lowpass",
        wizard="picking filters",
        flag="--lowpass",
        suggested=(10, 100, 5),
        bounds=(0.1, None),
        none_as="-1",
        when=_NO_BLOBS,
    ),
]
HighPass = Annotated[
    float | None,
    Parameter(
        label="Highpass filter",
        help="High-pass filter of the micrographs, against uneven ice; 200 to 400 Å where it is needed at all.",
        tab="References",
        unit="Å",
        key="highpass",
        wizard="picking filters",
        flag="--highpass",
        suggested=(100, 1000, 100),
        bounds=(1, None),
        none_as="-1",
        when=_NO_BLOBS,
    ),
]
ReferencePixelSize = Annotated[
    float | None,
    Parameter(
        label="Pixel size in references",
        help="Pixel size of the references; -1: as their file says (RELION takes that of the micrographs).",
        tab="References",
        unit="Å",
        key="angpix_ref",
        flag="--angpix_ref",
        bounds=(0.01, 100),
        none_as="-1",
        when=_NO_BLOBS,
    ),
]
ParticleDiameter = Annotated[
    float | None,
    Parameter(
        label="Mask diameter",
        help="Diameter of the circular mask around the references, and of the ring in which the background is looked at. Empty: as large as what is in the references.",
        tab="References",
        unit="Å",
        key={"3.1": "particle_diameter"},
        wizard="reference mask",
        flag="--particle_diameter",
        suggested=(10, 1000, 10),
        bounds=(1, None),
        none_as="-1",
        when=_NO_BLOBS,
    ),
]
PsiStep = Annotated[
    float,
    Parameter(
        label="In-plane angular sampling",
        help="Step in which references are turned; 5 degrees is fine for most. 360 for no turning.",
        tab="References",
        unit="°",
        key="psi_sampling_autopick",
        flag="--ang",
        suggested=(1, 30, 1),
        bounds=(0.5, 360),
        when=_NO_BLOBS,
    ),
]
Inverted = Annotated[
    bool,
    Parameter(
        label="References have inverted contrast?",
        help="Yes if particles are dark in the micrographs and bright in the references, as RELION's averages are.",
        tab="References",
        key="do_invert_refs",
        flag="--invert",
        when=_NO_BLOBS,
    ),
]
UseCtf = Annotated[
    bool,
    Parameter(
        label="Are References CTF corrected?",
        help="Multiply the references with each micrograph's CTF. Yes for averages and maps that were made with CTF correction.",
        tab="References",
        key="do_ctf_autopick",
        flag="--ctf",
        when=_NO_BLOBS,
    ),
]
IntactFirstPeak = Annotated[
    bool,
    Parameter(
        label="Ignore CTFs until first peak?",
        help="Take the CTF as 1 up to its first maximum, if the references were made so.",
        tab="References",
        key="do_ignore_first_ctfpeak_autopick",
        flag="--ctf_intact_first_peak",
        level="advanced",
        when=(When("do_log", value=False), When("do_ctf_autopick")),
    ),
]
Threshold = Annotated[
    float,
    Parameter(
        label="Picking threshold",
        help="Least figure of merit of a pick: 0 is three robust standard deviations of the noise in the map of best scores, 1 is six (a Gaussian blob: 2 and 4.5); where particles crowd, 0.25 is the valley between noise and particles. Lower picks more, and more that are none.",
        tab="autopicking",
        key="threshold_autopick",
        flag="--threshold",
        suggested=(0, 1, 0.01),
        when=_NO_BLOBS,
        on_continue=True,
    ),
]
MinDistance = Annotated[
    float | None,
    Parameter(
        label="Minimum inter-particle distance",
        help="Two picks are at least so far apart; about 0.7 particle diameters. Empty: half the references' box.",
        tab="autopicking",
        unit="Å",
        key="mindist_autopick",
        wizard="blob diameters",
        flag="--min_distance",
        suggested=(0, 1000, 20),
        bounds=(0, None),
        none_as="-1",
        when=_NO_BLOBS,
        on_continue=True,
    ),
]
MaxStddevNoise = Annotated[
    float | None,
    Parameter(
        label="Maximum stddev noise",
        help="Leave out picks around which the background varies more than this (the micrograph's own standard deviation is 1): carbon, ice crystals. 1.0 to 1.2 are useful; empty for no limit.",
        tab="autopicking",
        unit="σ",
        key="maxstddevnoise_autopick",
        flag="--max_stddev_noise",
        suggested=(0.9, 1.5, 0.02),
        bounds=(0, None),
        none_as="-1",
        when=_NO_BLOBS,
        on_continue=True,
    ),
]
MinAverageNoise = Annotated[
    float | None,
    Parameter(
        label="Minimum avg noise",
        help="Leave out picks around which the mean is lower than this, in standard deviations: -0.5 to 0 leave out carbon. Empty for no limit.",
        tab="autopicking",
        unit="σ",
        key="minavgnoise_autopick",
        flag="--min_avg_noise",
        suggested=(-2, 0.5, 0.05),
        none_as="-999",
        when=_NO_BLOBS,
        on_continue=True,
    ),
]
