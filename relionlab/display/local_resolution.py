"""The pictures of a local resolution: its histogram, and slices of the map coloured by it.

Colours run from blue (good) over grey to vermilion (poor), which colour-blind readers tell apart, and are bright enough for
a dark map.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.maps import level_of
from relionlab.display.mosaic import Mosaic, captions, enlarge, grey, scale_bar, sheet
from relionlab.display.picture import Picture
from relionlab.display.style import bars, both, line, panel
from relionlab.errors import ImageError, InputError
from relionlab.io.images import read_map

_BARS = 40
_SHOWN = (1.0, 99.0)  # percentiles of the resolutions between which colours run


def local_resolution_pictures(directory: Path) -> list[Picture]:
    """Return the histogram and the coloured slices of a LocalRes job."""
    found = directory / "relion_locres.mrc"
    mask = local_resolution_mask(found)
    return [local_resolution_histogram(found, mask=mask), local_resolution_slices(found, mask=mask)]


def local_resolution_spread(directory: Path) -> tuple[float, float, float]:
    """Return the 5th, 50th and 95th percentile in Å of a LocalRes job's resolutions within its mask."""
    found = directory / "relion_locres.mrc"
    values, _ = _values(found, local_resolution_mask(found))
    low, median, high = np.percentile(values, (5, 50, 95))
    return float(low), float(median), float(high)


def local_resolution_histogram(source: str | Path, *, mask: str | Path | None = None) -> Picture:
    """Draw how many voxels have which local resolution.

    source  a local resolution map (Å)
    mask    a mask within which voxels count; by default they count where the filtered map is dense
    """
    values, where = _values(Path(source), mask)
    low, high = np.percentile(values, _SHOWN)
    counts, edges = np.histogram(values, bins=_BARS, range=_range(low, high))
    dims = (("resolution", "Local resolution (Å)"), ("voxels", "Voxels"))
    drawn = bars(edges, counts, dims, hover=True)
    median = float(np.median(values))
    height = np.array([0, max(int(counts.max()), 1)])
    mark = line(np.array([median, median]), height, dims, color="#000000", width=1, dash="dashed")
    told = f"{len(values):,} voxels {where}: median {median:.2f} Å (dashed), 5 to 95 %: {np.percentile(values, 5):.2f} to {np.percentile(values, 95):.2f} Å."
    return Picture(panel(drawn * mark, "", (640, 360)), "Local resolution", f"{told} Small numbers are good.")


def local_resolution_slices(source: str | Path, *, mask: str | Path | None = None) -> Picture:
    """Draw the central slices of a local resolution map, as the map's density coloured by the resolution.

    mask  within which there is colour; by default the job's own, or, if that is not found, the places where the map is dense
    """
    path = Path(source)
    mask = local_resolution_mask(path) if mask is None else mask
    resolution, size = read_map(path)
    values, where = _values(path, mask)
    low, high = _range(*np.percentile(values, _SHOWN))
    filtered = _beside(path)
    density = read_map(filtered)[0] if filtered.exists() else resolution
    inside = _inside(path, resolution, mask)
    z, y, x = (n // 2 for n in resolution.shape)
    cuts = ((z, slice(None), slice(None)), (slice(None), y, slice(None)), (slice(None), slice(None), x))
    plan = Mosaic(count=4, columns=4, pixels=214, lines=1)
    tiles = [_coloured(resolution[cut], density[cut], inside[cut], limits=(low, high), pixels=214) for cut in cuts]
    overlay = _canvas([*tiles, _ramp(214)], plan)
    texts = [f"slice z = {z}", f"slice y = {y}", f"slice x = {x}", f"{low:.1f} Å (blue) to {high:.1f} Å (orange)"]
    overlay = overlay * captions(texts, plan)
    if size:
        overlay = overlay * scale_bar(plan, width=size * max(resolution.shape))
    return Picture(
        sheet(overlay, plan),
        "Local resolution in the map",
        f"Central slices of the locally filtered map; colour is the local resolution {where} (scale on the right), grey is"
        " everything else.",
    )


def local_resolution_range(source: str | Path, *, mask: str | Path | None = None) -> tuple[float, float]:
    """Return the resolutions (Å) between which colours run: of 98 % of the voxels within the mask, or where the map is dense."""
    return _range(*np.percentile(_values(Path(source), mask)[0], _SHOWN))


def resolution_range_within(resolution: np.ndarray, inside: np.ndarray) -> tuple[float, float] | None:
    """Return the resolutions (Å) between which the colours of a surface run: of 98 % of what it encloses; ``None`` for nothing.

    resolution  (z, y, x) local resolutions in Å
    inside      (z, y, x) truth values
    """
    values = resolution[inside & (resolution > 0)]
    return _range(*np.percentile(values, _SHOWN)) if values.size else None


def _coloured(
    resolution: np.ndarray, density: np.ndarray, inside: np.ndarray, *, limits: tuple[float, float], pixels: int
) -> np.ndarray:
    """Return a slice (y, x, 4) as RGBA: density gives the brightness, resolution the colour within the mask."""
    light = 0.15 + 0.85 * enlarge(grey(density, diameter=1.5, clip=(0.5, 99.8)), pixels)[..., None] / 255
    within = enlarge((np.clip(inside, 0, 1) * 254).astype(np.uint8), pixels)[..., None] / 254
    place = np.clip((resolution - limits[0]) / (limits[1] - limits[0]), 0, 1)
    colour = _palette()[enlarge((place * 254).astype(np.uint8), pixels)]
    drawn = np.uint8(255 * light * (within * colour + (1 - within)))
    return np.dstack([drawn, np.full((pixels, pixels), 255, np.uint8)])


def _ramp(pixels: int) -> np.ndarray:
    """Return the scale of colours, a band on what is transparent."""
    tile = _paper(pixels, pixels)
    tile[pixels // 3 : 2 * pixels // 3, :, :3] = 255 * _palette()[np.linspace(0, 254, pixels).astype(int)]
    tile[pixels // 3 : 2 * pixels // 3, :, 3] = 255
    return tile


def _paper(height: int, width: int) -> np.ndarray:
    """Return white (y, x, 4) that is transparent: the page shines through, be it light or dark."""
    return np.dstack([np.full((height, width, 3), 255, np.uint8), np.zeros((height, width), np.uint8)])


def _palette() -> np.ndarray:
    """Return 256 colours (256, 3), 0 to 1: Okabe and Ito's sky blue, over light grey, to their vermilion."""
    ends = np.array([[0x56, 0xB4, 0xE9], [0xEE, 0xEE, 0xEE], [0xD5, 0x5E, 0x00]]) / 255
    place = np.linspace(0, 2, 256)
    return np.stack([np.interp(place, [0, 1, 2], channel) for channel in ends.T], axis=1)


def _canvas(tiles: list[np.ndarray], plan: Mosaic) -> Any:
    import holoviews as hv

    canvas = _paper(plan.height, plan.width)
    for index, tile in enumerate(tiles):
        x, y = plan.corner(index)
        canvas[y : y + plan.pixels, x : x + plan.pixels] = tile
    image = hv.RGB(canvas, bounds=(0, -plan.height, plan.width, 0), kdims=["x", "y"])
    return both(image, {"tools": []}, {"interpolation": "bilinear"})


def _values(path: Path, mask: str | Path | None) -> tuple[np.ndarray, str]:
    resolution = read_map(path)[0]
    inside = _inside(path, resolution, mask) > 0.5
    where = "within the mask" if mask is not None else "where the map is dense"
    values = resolution[inside & (resolution > 0)]
    if values.size == 0:
        raise ImageError(f"{path} has no voxel with a resolution {where}: expected a local resolution map in Å.")
    return values, where


def _inside(path: Path, resolution: np.ndarray, mask: str | Path | None) -> np.ndarray:
    if mask is not None:
        found = read_map(mask)[0]
        if found.shape != resolution.shape:
            raise ImageError(
                f"The mask {mask} has the shape {found.shape}, {path} {resolution.shape}: they must agree."
            )
        return found
    filtered = _beside(path)
    if not filtered.exists():
        return (resolution > 0).astype(np.float32)
    density = read_map(filtered)[0]
    return (density > density.mean() + level_of(density, 0.05) * density.std()).astype(np.float32)


def _beside(path: Path) -> Path:
    return path.with_name(path.name.replace("_locres.mrc", "_locres_filtered.mrc"))


def local_resolution_mask(path: Path) -> Path | None:
    """Return the mask that the job was given, if it still can be found from the project's folder."""
    note = path.with_name(path.name.replace("_locres.mrc", "_locres_mask.txt"))
    if not note.exists():
        return None
    name = note.read_text().strip()
    for start in (Path(), path.parent, *path.resolve().parents[:3]):
        try:
            if (start / name).exists():
                return start / name
        except (OSError, InputError):
            continue
    return None


def _range(low: float, high: float) -> tuple[float, float]:
    return (float(low), float(high)) if high - low > 1e-3 * high else (float(low) - 0.5, float(low) + 0.5)
