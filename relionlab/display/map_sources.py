"""The maps of a job, and a map as it is shown: from a file, a job directory of ours or RELION's, or an array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.results import model_files
from relionlab.errors import ImageError, NodeError
from relionlab.io.images import read_header, read_map
from relionlab.jobs.refinement.rounds import last_round

_RESULTS = (
    "relion_locres_filtered.mrc", "postprocess.mrc", "postprocess_masked.mrc", "mask.mrc", "initial_model.mrc",
)  # fmt: skip
_SAMPLE = 2_000_000  # voxels from which the range of densities is read


@dataclass(frozen=True, eq=False)
class ShownMap:
    """A map that is to be looked at.

    array       (z, y, x) float32
    pixel_size  Å; 0: unknown
    name        in words: file name, class
    path        of the file, ``None`` for an array
    """

    array: np.ndarray
    pixel_size: float
    name: str
    path: Path | None = None

    @property
    def statistics(self) -> tuple[float, float]:
        """Mean and standard deviation of the density."""
        return float(self.array.mean(dtype=np.float64)), float(self.array.std(dtype=np.float64))

    @property
    def levels(self) -> tuple[float, float]:
        """Densities between which the map is shown: nearly all; of a mask 0 and 1."""
        sample = self.array.ravel()[:: max(1, self.array.size // _SAMPLE)]
        low, high = (float(value) for value in np.quantile(sample, (0.0002, 0.9999)))
        low, high = (float(sample.min()), float(sample.max())) if high <= low else (low, high)
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    def contrast(self) -> tuple[float, float]:
        """Return the densities that suit as black and white: of the central slices, without the hottest voxels."""
        middle = tuple(n // 2 for n in self.array.shape)
        parts = [self.array[middle[0]], self.array[:, middle[1]], self.array[:, :, middle[2]]]
        low, high = np.percentile(np.concatenate([part.ravel() for part in parts]), (0.5, 99.8))
        return (float(low), float(high)) if high > low else self.levels

    def words(self) -> str:
        """Return box and pixel size in words: "96³ voxels at 3.375 Å"."""
        shape = self.array.shape
        box = f"{shape[0]}³" if len(set(shape)) == 1 else " × ".join(map(str, shape[::-1]))
        return f"{box} voxels" + (f" at {self.pixel_size:.4g} Å" if self.pixel_size else "")


def open_map(source: Any, *, pixel_size: float | None = None) -> ShownMap:
    """Return the map of a file, of a job (its main result), or of an array; raises ImageError if it is no map.

    source      a path, a job directory (path or JobDirectory), an array (z, y, x), or a shown map
    pixel_size  Å, of an array, or instead of what the file says
    """
    if isinstance(source, ShownMap):
        return source
    if isinstance(source, np.ndarray):
        return _checked(ShownMap(source, pixel_size or 0.0, "Map"))
    path = Path(getattr(source, "path", source))
    if path.is_dir():
        return open_maps(path)[0]
    array, size = read_map(path)
    return _checked(ShownMap(array, pixel_size or size or 0.0, path.name, path))


def open_maps(source: Any, *, most: int = 8) -> list[ShownMap]:
    """Return the maps of a job directory, the main one first, no more than ``most``; or the one of any other source."""
    path = Path(getattr(source, "path", source)) if not isinstance(source, np.ndarray | ShownMap) else None
    if path is None or not path.is_dir():
        return [open_map(source)]
    found = []
    for name, file in map_files(path)[:most]:
        array, size = read_map(file)
        found.append(ShownMap(array, size or 0.0, name, file))
    return found


def map_files(directory: Path) -> list[tuple[str, Path]]:
    """Return name and file of each map that is a result of a job, the main one first; raises NodeError if there is none."""
    found = [(name, directory / name) for name in _RESULTS if (directory / name).exists()]
    if not found and model_files(directory):
        found = _of_refinement(directory)
    if not found:
        files = sorted(directory.glob("*.mrc"), key=lambda file: (-file.stat().st_mtime, file.name))
        found = [(file.name, file) for file in files if _is_map(file)]
    if not found:
        raise NodeError(f"{directory} holds no map (*.mrc): expected a job that makes one, as Refine3D or PostProcess.")
    return found


def local_resolution_of(directory: Path) -> Path | None:
    """Return the local resolution map of a LocalRes job, if it is one."""
    path = directory / "relion_locres.mrc"
    return path if path.exists() else None


def binned(array: np.ndarray, most: int) -> tuple[np.ndarray, int]:
    """Return a map of at most ``most`` voxels along a side, means of b³ voxels, and b; what is left over at the end is cut off."""
    b = -(-max(array.shape) // most)
    if b == 1:
        return array, 1
    z, y, x = (n // b for n in array.shape)
    cut = array[: z * b, : y * b, : x * b].reshape(z, b, y, b, x, b)
    return cut.mean(axis=(1, 3, 5), dtype=np.float32), b


def greys(array: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Return densities as uint8: 0 and 255 are the levels, and what lies beyond."""
    low, high = levels
    scaled = (np.asarray(array, np.float32) - np.float32(low)) * np.float32(255 / (high - low))
    return np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled).astype(np.uint8)


def _of_refinement(directory: Path) -> list[tuple[str, Path]]:
    from relionlab.display.reference_maps import maps_of_round

    try:
        named = maps_of_round(last_round(directory))
        return [(file.name if name == "map" else f"{name}: {file.name}", file) for name, file in named]
    except NodeError:
        return []


def _is_map(file: Path) -> bool:
    shape = read_header(file).shape
    return len(shape) == 3 and shape[0] > 1


def _checked(shown: ShownMap) -> ShownMap:
    if shown.array.ndim != 3 or min(shown.array.shape) < 2:
        raise ImageError(
            f"{shown.name} has the shape {shown.array.shape}: expected a map with three axes (z, y, x)."
            " Images are shown by display.show."
        )
    return shown
