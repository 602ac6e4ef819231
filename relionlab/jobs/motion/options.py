"""Parameters of motion correction that the form and the program share."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.options.compute import gpu_ids
from relionlab.params import Parameter, When

_DOSE = (When("do_dose_weighting"),)

InputMovies = Annotated[
    str,
    Parameter(
        label="Input movies STAR file",
        help="List of movies, as Import makes it. The program also takes a wildcard in quotes, as 'Movies/*.tiff', and"
        " lists of RELION 2 and 3.",
        tab="I/O",
        key="input_star_mics",
        flag="--i",
        required=True,
        node="MicrographMovieGroupMetadata.star.relion",
        pattern="*.star",
    ),
]
FirstFrame = Annotated[
    int,
    Parameter(
        label="First frame for corrected sum",
        help="Frames before this one, counted from 1, are left out of alignment and sum. Dose weighting makes leaving"
        " out the first frames unnecessary; they hold the finest detail.",
        tab="I/O",
        unit="frames",
        key="first_frame_sum",
        level="advanced",
        flag="--first_frame_sum",
        bounds=(1, None),
        suggested=(1, 32, 1),
    ),
]
LastFrame = Annotated[
    int,
    Parameter(
        label="Last frame for corrected sum",
        help="Frames after this one are left out; 0 or below takes all.",
        tab="I/O",
        unit="frames",
        key="last_frame_sum",
        level="advanced",
        flag="--last_frame_sum",
        suggested=(-1, 32, 1),
    ),
]
DosePerFrame = Annotated[
    float,
    Parameter(
        label="Dose per frame",
        help="Electrons that the specimen receives during one frame (of EER: during one group of raw frames). Dose"
        " weighting, and polishing later, rest on it.",
        tab="I/O",
        unit="e/Å²",
        key="dose_per_frame",
        flag="--dose_per_frame",
        bounds=(0, None),
        suggested=(0, 5, 0.2),
    ),
]
PreExposure = Annotated[
    float,
    Parameter(
        label="Pre-exposure",
        help="Dose that the specimen had before the first frame: from focusing, or from frames that were cut away.",
        tab="I/O",
        unit="e/Å²",
        key="pre_exposure",
        level="advanced",
        flag="--preexposure",
        bounds=(0, None),
        suggested=(0, 5, 0.5),
    ),
]
EerGrouping = Annotated[
    int,
    Parameter(
        label="EER fractionation",
        help="Raw frames of an EER movie that are added up to one frame. Choose it such that a frame has 0.5 to 1.25 e/Å²,"
        " and give the dose of such a frame. Leave 'Group frames' at 1 with EER.",
        tab="I/O",
        unit="frames",
        key="eer_grouping",
        flag="--eer_grouping",
        bounds=(1, None),
        suggested=(1, 100, 1),
    ),
]
SaveNonWeighted = Annotated[
    bool,
    Parameter(
        label="Save non-dose weighted as well?",
        help="Write the plain sum too, as NAME_noDW.mrc. Some CTF programs prefer it; with the sum of power spectra it"
        " is not needed.",
        tab="I/O",
        key="do_save_noDW",
        flag="--save_noDW",
        when=_DOSE,
    ),
]
BFactor = Annotated[
    float,
    Parameter(
        label="B-factor",
        help="Damping of fine detail while frames are first searched for: exp(-B k²/2) on the product of two transforms."
        " It matters only for finding about the right place: the shifts are then refined with weights that are measured"
        " from the movie itself, so that neither 20 nor 500 costs precision. 150 suits 1 Å pixels.",
        tab="Motion",
        unit="px",
        key="bfactor",
        level="advanced",
        flag="--bfactor",
        bounds=(0, None),
        suggested=(0, 1500, 50),
    ),
]
PatchesX = Annotated[
    int,
    Parameter(
        label="Number of patches X",
        help="Patches along x whose motion is followed; with 1 × 1 there is one shift per frame. 5 × 5 suits most"
        " detectors; patches below some 400 Å hold too little to align by.",
        tab="Motion",
        key="patch_x",
        flag="--patch_x",
        bounds=(1, 64),
    ),
]
PatchesY = Annotated[
    int,
    Parameter(
        label="Number of patches Y",
        help="Patches along y; as along x.",
        tab="Motion",
        key="patch_y",
        flag="--patch_y",
        bounds=(1, 64),
    ),
]
GroupFrames = Annotated[
    int,
    Parameter(
        label="Group frames",
        help="Add up this many frames before the patches are aligned, for frames of less than about 1 e/Å². Whole frames"
        " are aligned one by one all the same.",
        tab="Motion",
        unit="frames",
        key="group_frames",
        level="advanced",
        flag="--group_frames",
        bounds=(1, None),
        suggested=(1, 5, 1),
    ),
]
Binning = Annotated[
    float,
    Parameter(
        label="Binning factor",
        help="Make the micrograph this many times smaller, by cropping its transform. 2 for super-resolution movies.",
        tab="Motion",
        key="bin_factor",
        flag="--bin_factor",
        bounds=(1, 16),
        suggested=(1, 2, 1),
    ),
]
GainReference = Annotated[
    str,
    Parameter(
        label="Gain-reference image",
        help="Image with which every frame is multiplied (of EER: see there). Leave it empty if the movies are"
        " gain-corrected already.",
        tab="Motion",
        key="fn_gain_ref",
        flag="--gainref",
        pattern="*.{mrc,tif,tiff,gain}",
    ),
]
FIND_GAIN_KEY = "do_find_gain"
FindGain = Annotated[
    bool,
    Parameter(
        label="Find how the gain lies",
        help="Compare the gain, turned and mirrored in all ways, with the fixed pattern of the first movies' electrons, and"
        " take the way that fits in place of the rotation and flip given, if one clearly does. Not in RELION.",
        tab="Motion",
        key=FIND_GAIN_KEY,
        flag="--find_gain",
    ),
]
DefectFile = Annotated[
    str,
    Parameter(
        label="Defect file",
        help="Defects of the detector: lines of x, y, width and height, or an image that is 1 where a pixel is bad. Hot"
        " pixels are found without it.",
        tab="Motion",
        key="fn_defect",
        level="advanced",
        flag="--defect_file",
        pattern="*",
    ),
]
UseOwn = Annotated[
    bool,
    Parameter(
        label="Use RELION's own implementation?",
        help="Yes: motion correction by relionlab itself, with RELION's motion model and files. No: by a MotionCor2 that"
        " is installed here.",
        tab="Motion",
        key="do_own_motioncor",
        level="advanced",
        flag="--use_own",
    ),
]
MotionCor2Program = Annotated[
    str,
    Parameter(
        label="MotionCor2 executable",
        help="Where MotionCor2 is installed; RELION_MOTIONCOR2_EXECUTABLE stands in.",
        tab="Motion",
        level="advanced",
        key="fn_motioncor2_exe",
        flag="--motioncor2_exe",
        when=(When("do_own_motioncor", value=False),),
    ),
]
MotionCor2Arguments = Annotated[
    str,
    Parameter(
        label="Other MotionCor2 arguments",
        help="Added as they are to MotionCor2's command line.",
        tab="Motion",
        level="advanced",
        key="other_motioncor2_args",
        flag="--other_motioncor2_args",
        when=(When("do_own_motioncor", value=False),),
    ),
]
GpuIds = Annotated[
    str,
    gpu_ids(
        "Motion",
        "Devices for MotionCor2, separated by colons. relionlab's own correction computes on the cores.",
        (When("do_own_motioncor", value=False),),
    ),
]
DoseWeight = Annotated[
    bool,
    Parameter(
        label="Do dose-weighting?",
        help="Weight every frame at every resolution by what radiation has left of the specimen there. Always, but for"
        " movies that are so already.",
        tab="I/O",
        key="do_dose_weighting",
        flag="--dose_weighting",
    ),
]
