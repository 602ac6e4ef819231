"""The STAR file of one movie's motion, as RELION 3.1 writes it beside every corrected micrograph.

general             size, binning, dose, gain … one value each
global_shift        one shift per frame of the movie; -9999 for frames that were not used
local_motion_model  36 coefficients: for x, then for y, the functions 1, u, u², v, v², uv, each with the powers 1, 2, 3 of
                    the time since the first frame that was used; u and v run from -1/2 to 1/2
hot_pixels          x and y, from 0
local_shift         what each patch said, beside the global shift

All shifts are corrections in px of the movie before binning. RELION writes the model in binned pixels if it binned
before alignment (``--early_binning``) and in the movie's otherwise, and does not say which; the patches' own shifts are
in the movie's pixels always, so that :func:`read_motion` can tell, and gives the movie's pixels. RELION's own reading of
such a file would not: therefore we always write the movie's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np

from relionlab.errors import StarError
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table

NOT_USED = -9999.0
"""What stands for the shift of a frame that was not used."""
COEFFICIENTS = (2, 6, 3)


@dataclass(frozen=True)
class Motion:
    """How one movie moved.

    movie         the movie's name, relative to the project
    size          (frames, y, x)
    shifts        (frames, 2) px, x and y; NaN for frames that were not used
    pixel_size    Å, of the movie
    model         (2, 6, 3) px, or None where there is no local motion
    gain, defects names of files, "" where there are none
    hot_pixels    (n, 2) x and y from 0
    patches       (n, 2) px, x and y of the patches' centres; None: no patches
    patch_frames  (m,) frames, from 1, that the patches' shifts belong to
    patch_shifts  (n, m, 2) px, beside the global shifts
    first_frame   first frame that was used, from 1
    binning, dose_per_frame (e/Å²), pre_exposure (e/Å²), voltage (kV)
    eer_grouping, eer_upsampling  of EER movies, None for others
    """

    movie: str
    size: tuple[int, int, int]
    shifts: np.ndarray
    pixel_size: float
    model: np.ndarray | None = None
    gain: str = ""
    defects: str = ""
    hot_pixels: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), int))
    patches: np.ndarray | None = None
    patch_frames: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    patch_shifts: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 2)))
    first_frame: int = 1
    binning: float = 1.0
    dose_per_frame: float = 1.0
    pre_exposure: float = 0.0
    voltage: float = 300.0
    eer_grouping: int | None = None
    eer_upsampling: int | None = None

    @property
    def used(self) -> np.ndarray:
        """(frames,) whether each frame was used."""
        return np.isfinite(self.shifts).all(axis=1)


def write_motion(path: str | os.PathLike[str], motion: Motion) -> None:
    """Write one movie's motion in RELION 3.1's form."""
    tables = [_general(motion), _global(motion)]
    if motion.model is not None:
        flat = motion.model.reshape(-1)
        tables.append(
            Table(
                {"rlnMotionModelCoeffsIdx": np.arange(len(flat)), "rlnMotionModelCoeff": flat},
                "local_motion_model",
            )
        )
    if len(motion.hot_pixels):
        x, y = np.asarray(motion.hot_pixels, float).T
        tables.append(Table({"rlnCoordinateX": x, "rlnCoordinateY": y}, "hot_pixels"))
    if motion.patches is not None and motion.patch_shifts.size:
        tables.append(_patches(motion))
    write_star(path, tables)


def read_motion(path: str | os.PathLike[str]) -> Motion:
    """Read one movie's motion, of RELION 3.0 to 5 or ours.

    Raises StarError if the file is not such a one, or says what contradicts itself.
    """
    tables = read_star(path)
    if "general" not in tables or "global_shift" not in tables:
        raise StarError(
            f"{path} has the tables {', '.join(map(repr, tables)) or 'none'}; expected 'general' and 'global_shift', as "
            "motion correction writes them for each movie (rlnMicrographMetadata)."
        )
    general = tables["general"]
    size = tuple(int(general.value(f"rlnImageSize{axis}")) for axis in "ZYX")
    shifts = _read_global(tables["global_shift"], size[0], path)
    binning = _value(general, "rlnMicrographBinning", 1.0)
    patches, frames, patch_shifts = _read_patches(tables.get("local_shift"))
    model = _read_model(tables.get("local_motion_model"), path)
    first = int(_value(general, "rlnMicrographStartFrame", 1))
    if model is not None and patches is not None and binning > 1:
        model = model * _scale_of_model(model, patches, frames - first, patch_shifts, (size[1], size[2]), binning)
    hot = tables.get("hot_pixels")
    return Motion(
        movie=str(general.value("rlnMicrographMovieName")) if "rlnMicrographMovieName" in general else "",
        size=(size[0], size[1], size[2]),
        shifts=shifts,
        pixel_size=float(_value(general, "rlnMicrographOriginalPixelSize", float("nan"))),
        model=model,
        gain=_text(general, "rlnMicrographGainName"),
        defects=_text(general, "rlnMicrographDefectFile"),
        hot_pixels=_pairs(hot, "rlnCoordinate").astype(int) if hot is not None else np.zeros((0, 2), int),
        patches=patches,
        patch_frames=frames,
        patch_shifts=patch_shifts,
        first_frame=first,
        binning=binning,
        dose_per_frame=_value(general, "rlnMicrographDoseRate", 1.0),
        pre_exposure=_value(general, "rlnMicrographPreExposure", 0.0),
        voltage=_value(general, "rlnVoltage", 300.0),
        eer_grouping=_whole(general, "rlnEERGrouping"),
        eer_upsampling=_whole(general, "rlnEERUpsampling"),
    )


def _general(motion: Motion) -> Table:
    frames, rows, columns = motion.size
    values: dict[str, object] = {
        "rlnImageSizeX": columns,
        "rlnImageSizeY": rows,
        "rlnImageSizeZ": frames,
        "rlnMicrographMovieName": motion.movie,
    }
    if motion.gain:
        values["rlnMicrographGainName"] = motion.gain
    if motion.defects:
        values["rlnMicrographDefectFile"] = motion.defects
    values |= {
        "rlnMicrographBinning": motion.binning,
        "rlnMicrographOriginalPixelSize": motion.pixel_size,
        "rlnMicrographDoseRate": motion.dose_per_frame,
        "rlnMicrographPreExposure": motion.pre_exposure,
        "rlnVoltage": motion.voltage,
        "rlnMicrographStartFrame": motion.first_frame,
    }
    if motion.eer_grouping is not None:
        values |= {"rlnEERUpsampling": motion.eer_upsampling or 1, "rlnEERGrouping": motion.eer_grouping}
    values["rlnMotionModelVersion"] = int(motion.model is not None)
    return Table(values, "general", loop=False)


def _global(motion: Motion) -> Table:
    shifts = np.where(np.isfinite(motion.shifts), motion.shifts, NOT_USED)
    numbers = np.arange(1, len(shifts) + 1)
    return Table(
        {
            "rlnMicrographFrameNumber": numbers,
            "rlnMicrographShiftX": shifts[:, 0],
            "rlnMicrographShiftY": shifts[:, 1],
        },
        "global_shift",
    )


def _patches(motion: Motion) -> Table:
    patches, frames = motion.patch_shifts.shape[:2]
    places = np.repeat(np.asarray(motion.patches, float), frames, axis=0)
    shifts = motion.patch_shifts.reshape(-1, 2)
    return Table(
        {
            "rlnMicrographFrameNumber": np.tile(motion.patch_frames, patches),
            "rlnCoordinateX": places[:, 0],
            "rlnCoordinateY": places[:, 1],
            "rlnMicrographShiftX": shifts[:, 0],
            "rlnMicrographShiftY": shifts[:, 1],
        },
        "local_shift",
    )


def _read_global(table: Table, frames: int, path: str | os.PathLike[str]) -> np.ndarray:
    numbers = table["rlnMicrographFrameNumber"]
    if len(numbers) and (numbers.min() < 1 or numbers.max() > frames):
        raise StarError(
            f"{path}: table 'global_shift' speaks of frame {int(numbers.max())}, but the movie has {frames} frames "
            "(rlnImageSizeZ). The file is damaged, or edited by hand: correct the movie's motion anew."
        )
    shifts = np.full((frames, 2), np.nan)
    shifts[numbers - 1] = _pairs(table, "rlnMicrographShift")
    shifts[(shifts == NOT_USED).any(axis=1)] = np.nan
    return shifts


def _read_model(table: Table | None, path: str | os.PathLike[str]) -> np.ndarray | None:
    if table is None:
        return None
    order, values = table["rlnMotionModelCoeffsIdx"], table["rlnMotionModelCoeff"]
    expected = int(np.prod(COEFFICIENTS))
    if sorted(order.tolist()) != list(range(expected)):
        raise StarError(
            f"{path}: table 'local_motion_model' has {len(order)} coefficients; expected {expected}, numbered from 0. "
            "Correct the movie's motion anew."
        )
    return values[np.argsort(order)].reshape(COEFFICIENTS)


def _read_patches(table: Table | None) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    if table is None or not len(table):
        return None, np.zeros(0, int), np.zeros((0, 0, 2))
    numbers = table["rlnMicrographFrameNumber"]
    frames = np.unique(numbers)
    if len(numbers) % len(frames) or not np.array_equal(numbers, np.tile(frames, len(numbers) // len(frames))):
        return None, np.zeros(0, int), np.zeros((0, 0, 2))  # edited: the model says all that is needed
    places, shifts = _pairs(table, "rlnCoordinate"), _pairs(table, "rlnMicrographShift")
    return places[:: len(frames)], frames, shifts.reshape(-1, len(frames), 2)


def _scale_of_model(
    model: np.ndarray,
    patches: np.ndarray,
    times: np.ndarray,
    measured: np.ndarray,
    shape: tuple[int, int],
    binning: float,
) -> float:
    """Return 1 or the binning: whichever brings the model closer to what the patches say."""
    u, v = patches[:, 0] / shape[1] - 0.5, patches[:, 1] / shape[0] - 0.5
    basis = np.stack([np.ones_like(u), u, u * u, v, v * v, u * v])
    powers = np.stack([times, times**2, times**3], axis=1)
    said = np.einsum("cbp,fp,bn->nfc", model, powers, basis)
    misfit = [float(((scale * said - measured) ** 2).sum()) for scale in (1.0, binning)]
    return 1.0 if misfit[0] <= misfit[1] else binning


def _pairs(table: Table, stem: str) -> np.ndarray:
    return np.stack([table[f"{stem}X"], table[f"{stem}Y"]], axis=1)


def _value(table: Table, label: str, default: float) -> float:
    return float(table.value(label)) if label in table else default


def _text(table: Table, label: str) -> str:
    return str(table.value(label)) if label in table else ""


def _whole(table: Table, label: str) -> int | None:
    return int(table.value(label)) if label in table else None
