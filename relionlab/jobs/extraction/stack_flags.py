"""The flags of ``preprocess`` that work on existing images."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.base import Program
from relionlab.params import Parameter, When

_IMAGES = (When("extract", "!="),)


class ImageFlags(Program):
    """What to do to the images of a stack or of a STAR file."""

    operate_on: Annotated[
        str,
        Parameter(
            label="Input images",
            help="A stack (MRC, SPIDER or IMAGIC) or a STAR file of particles. From a STAR file, a new one is written beside"
            " the new stack, with names, size and pixel size brought up to date.",
            tab="Images",
            flag="--operate_on",
            required=True,
            when=_IMAGES,
            pattern="*.{star,mrcs,mrc,stk,spi,hed,img}",
        ),
    ] = ""
    operate_out: Annotated[
        str,
        Parameter(
            label="Output stack",
            help="Name of the new stack, ending in .mrcs. The STAR file has the same name with .star.",
            tab="Images",
            flag="--operate_out",
            required=True,
            when=_IMAGES,
        ),
    ] = "preprocessed.mrcs"
    angpix: Annotated[
        float | None,
        Parameter(
            label="Pixel size",
            help="Pixel size of the input, if its header or STAR file does not say it, or says it wrongly.",
            tab="Images",
            unit="Å",
            flag="--angpix",
            bounds=(0.01, 100),
            none_as="-1",
        ),
    ] = None
    scale: Annotated[
        int | None,
        Parameter(
            label="Rescale to",
            help="New box size, by cropping the Fourier transform: pixels become larger, and nothing is interpolated."
            " Smaller boxes make early classification much faster; 3 to 4 Å pixels are enough for it. Odd sizes are"
            " rounded up.",
            tab="Images",
            unit="px",
            flag="--scale",
            bounds=(4, None),
            suggested=(32, 512, 2),
            none_as="-1",
        ),
    ] = None
    window: Annotated[
        int | None,
        Parameter(
            label="Window to",
            help="New box size at the same pixel size, cut about the image origin or padded with zeros; after rescaling."
            " It makes odd or oblong images even squares. Odd sizes are rounded up.",
            tab="Images",
            unit="px",
            flag="--window",
            bounds=(4, None),
            suggested=(32, 1024, 2),
            none_as="-1",
        ),
    ] = None
    norm: Annotated[
        bool,
        Parameter(
            label="Normalise",
            help="Bring each image's background to mean 0 and standard deviation 1, as refinement expects.",
            tab="Images",
            flag="--norm",
        ),
    ] = False
    no_ramp: Annotated[
        bool,
        Parameter(
            label="No ramp",
            help="Subtract the background's mean only, not a plane fitted to it. Uneven ice or stain needs the plane.",
            tab="Images",
            level="advanced",
            flag="--no_ramp",
        ),
    ] = False
    bg_radius: Annotated[
        float | None,
        Parameter(
            label="Background radius",
            help="Pixels farther from the centre are background. The particle must lie within; 37.5 % of the box is taken if"
            " nothing is given (RELION stops instead).",
            tab="Images",
            unit="px",
            flag="--bg_radius",
            bounds=(1, None),
            none_as="-1",
        ),
    ] = None
    white_dust: Annotated[
        float | None,
        Parameter(
            label="White dust",
            help="Replace pixels brighter than this many standard deviations by noise. 5 or more takes away hot pixels and"
            " leaves particles alone.",
            tab="Images",
            unit="unitless",
            level="advanced",
            flag="--white_dust",
            bounds=(0.1, None),
            none_as="-1",
        ),
    ] = None
    black_dust: Annotated[
        float | None,
        Parameter(
            label="Black dust",
            help="Replace pixels darker than this many standard deviations by noise.",
            tab="Images",
            level="advanced",
            flag="--black_dust",
            bounds=(0.1, None),
            none_as="-1",
        ),
    ] = None
    invert_contrast: Annotated[
        bool,
        Parameter(
            label="Invert contrast",
            help="Change the sign. Particles must be white on black; raw cryo micrographs are the other way round.",
            tab="Images",
            flag="--invert_contrast",
        ),
    ] = False
    negative_stain: Annotated[
        bool,
        Parameter(
            label="Negative stain",
            help="Preset for stained particles: flips the phases if the STAR file knows the CTF, removes dust, normalises"
            " with a ramp, and says how to classify without CTF correction. Not in RELION.",
            tab="Ours",
            flag="--negative_stain",
        ),
    ] = False
    phase_flipped: Annotated[
        bool,
        Parameter(
            label="Phases are flipped",
            help="Say that the input's phases were flipped already, so that they are neither flipped nor warned of. Not in"
            " RELION.",
            tab="Ours",
            flag="--phase_flipped",
        ),
    ] = False
    float16: Annotated[
        bool,
        Parameter(
            label="Write float16",
            help="Half the size on disk, at no visible loss; RELION 4 and later read it, RELION 3.1 refuses it.",
            tab="Ours",
            flag="--float16",
        ),
    ] = False
    random_seed: Annotated[
        int,
        Parameter(
            label="Random seed",
            help="Seed of the noise that replaces dust; the same seed gives the same images.",
            tab="Ours",
            level="developer",
            flag="--random_seed",
        ),
    ] = 0
