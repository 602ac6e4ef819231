"""The flags of ``image_handler``, in the order of RELION 3.1's help."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from relionlab.params import Declared, Parameter


def _declared(tab: str, flag: str, words: str, **more: Any) -> Parameter:
    label = flag.removeprefix("--").replace("_", " ")
    return Parameter(label=label, help=words, tab=tab, flag=flag, **more)


def _constant(flag: str, words: str) -> Parameter:
    return _declared("Constants", flag, words)


def _image(flag: str, words: str) -> Parameter:
    return _declared("Images", flag, words, pattern="*.mrc")


def _per_image(flag: str, words: str, **more: Any) -> Parameter:
    return _declared("Each image", flag, words, **more)


def _movies(flag: str, words: str, **more: Any) -> Parameter:
    return _declared("Micrographs and movies", flag, words, **more)


def _png(flag: str, words: str) -> Parameter:
    return _declared("PNG", flag, words, level="advanced")


class ImageOptions(Declared):
    """What can be asked for; ``None`` is not asked."""

    i: Annotated[
        str,
        Parameter(
            label="Input", help="An image or map (.mrc), a stack (.mrcs) or a list of them (.star).", tab="General",
            flag="--i", required=True, pattern="*.{mrc,mrcs,star}",
        ),
    ] = ""  # fmt: skip
    o: Annotated[
        str,
        _declared("General", "--o", "Output file; for a list the word that goes into each image's name."),
    ] = ""

    multiply_constant: Annotated[float, _constant("--multiply_constant", "Multiply all values by this.")] = 1.0
    divide_constant: Annotated[float, _constant("--divide_constant", "Divide all values by this.")] = 1.0
    add_constant: Annotated[float, _constant("--add_constant", "Add this to all values.")] = 0.0
    subtract_constant: Annotated[float, _constant("--subtract_constant", "Subtract this from all values.")] = 0.0
    threshold_above: Annotated[float, _constant("--threshold_above", "Set higher values to this.")] = 999.0
    threshold_below: Annotated[float, _constant("--threshold_below", "Set lower values to this.")] = -999.0

    multiply: Annotated[str, _image("--multiply", "Multiply by this image.")] = ""
    divide: Annotated[str, _image("--divide", "Divide by this image; 0 where it is 0.")] = ""
    add: Annotated[str, _image("--add", "Add this image.")] = ""
    subtract: Annotated[str, _image("--subtract", "Subtract this image.")] = ""
    fsc: Annotated[str, _image("--fsc", "Print the Fourier shell correlation with this map.")] = ""
    power: Annotated[bool, _declared("Images", "--power", "Print the mean power spectrum.")] = False
    adjust_power: Annotated[
        str, _image("--adjust_power", "Give the input this image's amplitudes, shell by shell.")
    ] = ""
    fourier_filter: Annotated[str, _image("--fourier_filter", "Multiply the transform by this radial image.")] = ""

    optimise_scale_subtract: Annotated[
        bool, _declared("Subtraction", "--optimise_scale_subtract", "Scale the image so that least is left.")
    ] = False
    optimise_bfactor_subtract: Annotated[
        float,
        _declared(
            "Subtraction", "--optimise_bfactor_subtract", "Search relative B-factors within ± this too.", unit="Å²"
        ),
    ] = 0.0
    mask_optimise_subtract: Annotated[
        str, _declared("Subtraction", "--mask_optimise_subtract", "Look only within this mask.", pattern="*.mrc")
    ] = ""

    stats: Annotated[bool, _per_image("--stats", "Print size, mean, deviation and extremes.")] = False
    com: Annotated[bool, _per_image("--com", "Print the centre of mass of the positive values.")] = False
    bfactor: Annotated[float, _per_image("--bfactor", "Apply this B-factor; negative sharpens.", unit="Å²")] = 0.0
    lowpass: Annotated[float, _per_image("--lowpass", "Low-pass filter.", unit="Å")] = -1.0
    highpass: Annotated[float, _per_image("--highpass", "High-pass filter.", unit="Å")] = -1.0
    directional: Annotated[
        Literal["", "X", "Y", "Z", "x", "y", "z"], _per_image("--directional", "Filter along this axis only.")
    ] = ""
    log_diameter: Annotated[float, _per_image("--LoG", "Enhance blobs of this diameter.", unit="Å")] = -1.0
    angpix: Annotated[
        float | None, _per_image("--angpix", "Pixel size; else the header's.", unit="Å", none_as="-1")
    ] = None
    rescale_angpix: Annotated[float, _per_image("--rescale_angpix", "Scale to this pixel size.", unit="Å")] = -1.0
    force_header_angpix: Annotated[
        float, _per_image("--force_header_angpix", "Pixel size to be written.", unit="Å")
    ] = -1.0
    new_box: Annotated[int, _per_image("--new_box", "Cut or pad to this side.", unit="px")] = -1
    filter_edge_width: Annotated[
        int, _per_image("--filter_edge_width", "Width of the filters' edges, in Fourier pixels.", unit="px")
    ] = 2
    flip_x: Annotated[bool, _per_image("--flipX", "Mirror in x.")] = False
    flip_y: Annotated[bool, _per_image("--flipY", "Mirror in y.")] = False
    flip_z: Annotated[bool, _per_image("--flipZ", "Mirror in z.")] = False
    invert_hand: Annotated[bool, _per_image("--invert_hand", "Mirror in x about the origin: symmetry axes stay.")] = (
        False
    )
    shift_com: Annotated[bool, _per_image("--shift_com", "Move the centre of mass to the middle.")] = False
    shift_x: Annotated[float, _per_image("--shift_x", "Move this far to the right.", unit="px")] = 0.0
    shift_y: Annotated[float, _per_image("--shift_y", "Move this far down.", unit="px")] = 0.0
    shift_z: Annotated[float, _per_image("--shift_z", "Move this far along z.", unit="px")] = 0.0
    avg_ampl: Annotated[bool, _per_image("--avg_ampl", "Write the mean amplitudes of all images.")] = False
    avg_ampl2: Annotated[bool, _per_image("--avg_ampl2", "Write the mean amplitudes of all images.")] = False
    avg_ampl2_ali: Annotated[bool, _per_image("--avg_ampl2_ali", "The same of aligned images; not done here.")] = False
    average: Annotated[bool, _per_image("--average", "Write the mean of all images.")] = False
    correct_avg_ampl: Annotated[
        str, _per_image("--correct_avg_ampl", "Divide by these mean amplitudes.", pattern="*.mrc")
    ] = ""
    minr_ampl_corr: Annotated[
        int, _per_image("--minr_ampl_corr", "From this shell (Fourier pixel) on only.", unit="px")
    ] = 0
    remove_nan: Annotated[bool, _per_image("--remove_nan", "Replace values that are no numbers.")] = False
    replace_nan: Annotated[float, _per_image("--replace_nan", "The value that is put there instead.")] = 0.0
    phase_randomise: Annotated[
        float, _per_image("--phase_randomise", "Make phases random beyond this.", unit="Å")
    ] = -1.0
    sym: Annotated[str, _declared("Maps", "--sym", "Impose this point group on a map, as D2.")] = ""

    flip_xy: Annotated[bool, _movies("--flipXY", "Mirror at the diagonal: x becomes y.")] = False
    flip_mxy: Annotated[bool, _movies("--flipmXY", "Mirror at the other diagonal.")] = False
    add_edge: Annotated[bool, _movies("--add_edge", "Draw edge pixels outwards beyond the edges below.")] = False
    edge_x0: Annotated[int, _movies("--edge_x0", "Column of the left edge.", unit="px")] = 0
    edge_y0: Annotated[int, _movies("--edge_y0", "Row of the top edge.", unit="px")] = 0
    edge_xF: Annotated[int, _movies("--edge_xF", "Column of the right edge.", unit="px")] = 4095  # noqa: N815
    edge_yF: Annotated[int, _movies("--edge_yF", "Row of the bottom edge.", unit="px")] = 4095  # noqa: N815
    avg_bin: Annotated[int, _movies("--avg_bin", "Sum every so many frames.", unit="frames")] = -1
    avg_first: Annotated[int, _movies("--avg_first", "First frame of the average, from 1.", unit="frames")] = -1
    avg_last: Annotated[int, _movies("--avg_last", "Last frame of the average.", unit="frames")] = -1
    average_all_movie_frames: Annotated[
        bool, _movies("--average_all_movie_frames", "Write the mean of all frames of each movie of a list.")
    ] = False

    black: Annotated[float, _png("--black", "Value drawn black.")] = 0.0
    white: Annotated[float, _png("--white", "Value drawn white.")] = 0.0
    sigma_contrast: Annotated[float, _png("--sigma_contrast", "Black and white so many deviations from the mean.")] = (
        0.0
    )
    colour_fire: Annotated[bool, _png("--colour_fire", "Not done: PNG files are grey.")] = False
    colour_ice: Annotated[bool, _png("--colour_ice", "Not done: PNG files are grey.")] = False
    colour_fire_n_ice: Annotated[bool, _png("--colour_fire-n-ice", "Not done: PNG files are grey.")] = False
    colour_rainbow: Annotated[bool, _png("--colour_rainbow", "Not done: PNG files are grey.")] = False
    colour_difference: Annotated[bool, _png("--colour_difference", "Not done: PNG files are grey.")] = False
