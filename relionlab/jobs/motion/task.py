"""What is to be made of a movie, and how: plain values that travel to the workers."""

from __future__ import annotations

from dataclasses import dataclass

from relionlab.io.movies import EER_ENDINGS


@dataclass(frozen=True)
class MovieTask:
    """What is to be made of one movie.

    name          the movie's, relative to the project
    root          path of the results without ending, relative to the project
    pixel_size    Å, of the movie
    voltage       kV
    metadata      a motion STAR file, or a directory with MotionCor2's logs, whose shifts are to be taken as they are; "":
                  align
    """

    name: str
    root: str
    pixel_size: float
    voltage: float
    metadata: str = ""


@dataclass(frozen=True)
class MovieSettings:
    """How movies are corrected: the program's flags, each in the engine's words (see the program for their meaning)."""

    gain: str = ""
    gain_rotation: int = 0
    gain_flip: int = 0
    defects: str = ""
    find_hot_pixels: bool = True
    first: int = 1
    last: int = -1
    eer_grouping: int = 40
    eer_upsampling: int = 1
    b_factor: float | None = None
    downsampling: float = 0.0
    iterations: int = 5
    patches: tuple[int, int] = (1, 1)
    group: int = 1
    binning: float = 1.0
    early_binning: bool = True
    dose_weighting: bool = False
    dose_per_frame: float = 1.0
    pre_exposure: float = 0.0
    save_plain: bool = False
    save_aligned: bool = False
    frames_per_spectrum: int | None = None
    spectrum_size: int = 512
    half_precision: bool = False
    early_dose: float = 4.0


def binned_shape(shape: tuple[int, int], binning: float) -> tuple[int, int]:
    """Return the even (y, x) of an image after binning."""
    if abs(binning - 1) < 1e-6:
        return shape
    rows, columns = (int(n / binning) // 2 * 2 for n in shape)
    return rows, columns


def output_pixel_size(task: MovieTask, wanted: MovieSettings, shape: tuple[int, ...]) -> float:
    """Return the pixel size of the corrected micrograph in Å."""
    return task.pixel_size * shape[1] / binned_shape((shape[0], shape[1]), wanted.binning)[1]


def is_eer(name: str) -> bool:
    """Say whether a movie is EER, by its name's ending."""
    return name.lower().endswith(EER_ENDINGS)
