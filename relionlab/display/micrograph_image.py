"""Micrographs as greys for the screen: the whole one binned to about 1024 px, any part of it as fine as the screen shows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.engine.micrograph_views import band_passed, binned, greys, typical
from relionlab.errors import ImageError, RelionlabError
from relionlab.io.compression import is_compressed
from relionlab.io.images import open_image, read_image
from relionlab.io.movies import TIFF_ENDINGS, open_movie

SIDE = 1024
"""Pixels of the longer side of a whole micrograph on the screen, about."""
_KEPT_FILTERED = 2  # filtered images that a micrograph keeps


@dataclass(frozen=True)
class Look:
    """How a micrograph is shown.

    sigma      standard deviations from the middle grey value that become black and white; 0: the extremes
    black, white  grey values instead of that
    low_pass, high_pass  Å, for the eye only
    """

    sigma: float = 3.0
    black: float | None = None
    white: float | None = None
    low_pass: float | None = None
    high_pass: float | None = None

    @property
    def band(self) -> tuple[float | None, float | None]:
        """Low-pass and high-pass filter, on which the slow part of the work depends."""
        return self.low_pass, self.high_pass

    def ends(self, image: np.ndarray) -> tuple[float, float]:
        """Return the grey values that become black and white."""
        if self.sigma > 0:
            middle, deviation = typical(image)
            low, high = middle - self.sigma * deviation, middle + self.sigma * deviation
        else:
            finite = image[np.isfinite(image)]
            low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        return low if self.black is None else self.black, high if self.white is None else self.white


@dataclass(frozen=True)
class Part:
    """A part of a micrograph as the screen shows it.

    greys  (y, x) uint8
    x, y, width, height  where it lies, px of the micrograph
    """

    greys: np.ndarray
    x: float
    y: float
    width: float
    height: float


class MicrographImage:
    """One micrograph; what the screen needs of it is read and filtered when it is asked for, and kept.

    source      image file (.mrc as well as .tif), or (y, x) array
    pixel_size  Å; None: the file's own, else 1
    """

    def __init__(self, source: str | Path | np.ndarray, pixel_size: float | None = None) -> None:
        self.name = "" if isinstance(source, np.ndarray) else str(source)
        self._source = source
        self.shape, said = (source.shape, None) if isinstance(source, np.ndarray) else _described(Path(source))
        self.pixel_size = pixel_size or said or 1.0
        self.factor = max(round(max(self.shape) / SIDE), 1)
        self._lock = threading.Lock()
        self._levels: dict[int, np.ndarray] = {}
        self._filtered: OrderedDict[tuple, np.ndarray] = OrderedDict()

    def pixels(self) -> np.ndarray:
        """Return the grey values (y, x), mapped from the file where it allows that; hold them no longer than needed."""
        return self._source if isinstance(self._source, np.ndarray) else _mapped(Path(self._source))

    def whole(self, look: Look) -> Part:
        """Return the micrograph binned to about :data:`SIDE` px."""
        image = self.filtered(self.factor, look)
        rows, columns = image.shape
        return Part(greys(image, *look.ends(image)), 0, 0, columns * self.factor, rows * self.factor)

    def part(self, corner: tuple[float, float], size: tuple[float, float], *, screen: int, look: Look) -> Part:
        """Return a part as fine as the screen shows and the filter leaves it, without blocks.

        corner  (x, y) px of the micrograph
        size    width and height in px of the micrograph
        screen  pixels on the screen of the longer side
        """
        from PIL import Image

        factor = self._factor_for(max(size) / screen, look)
        image = self.filtered(factor, look)
        low, high = (
            ((at // factor) - 2 for at in corner),
            (-(-(a + s) // factor) + 2 for a, s in zip(corner, size, strict=True)),
        )
        x0, y0 = (int(max(at, 0)) for at in low)
        x1, y1 = (int(min(at, n)) for at, n in zip(high, image.shape[::-1], strict=True))
        crop = greys(image[y0:y1, x0:x1], *look.ends(image))
        scale = max(screen / max(size) * factor, 1.0)
        wanted = (max(round((x1 - x0) * scale), 1), max(round((y1 - y0) * scale), 1))
        drawn = np.asarray(Image.fromarray(crop).resize(wanted, Image.Resampling.BICUBIC)) if scale > 1 else crop
        return Part(drawn, x0 * factor, y0 * factor, (x1 - x0) * factor, (y1 - y0) * factor)

    def rest(self) -> None:
        """Forget what is as large as the micrograph itself; it is made again when it is asked for."""
        with self._lock:
            for key in [key for key in self._filtered if key[0] < self.factor]:
                del self._filtered[key]

    def filtered(self, factor: int, look: Look) -> np.ndarray:
        """Return the micrograph binned by ``factor`` and filtered: (y, x) float32."""
        key = (factor, look.band)
        with self._lock:
            if key not in self._filtered:
                level = self._level(factor)
                image = band_passed(level, factor * self.pixel_size, low_pass=look.low_pass, high_pass=look.high_pass)
                self._filtered[key] = image
                while len(self._filtered) > _KEPT_FILTERED:
                    self._filtered.popitem(last=False)
            self._filtered.move_to_end(key)
            return self._filtered[key]

    def _level(self, factor: int) -> np.ndarray:
        if factor not in self._levels:
            finite = binned(self.pixels(), factor)
            if not np.isfinite(finite).all():
                finite = np.where(np.isfinite(finite), finite, typical(finite)[0])
            if factor < self.factor:
                return finite  # large: only what is made of it is kept
            self._levels[factor] = finite
        return self._levels[factor]

    def _factor_for(self, pixel: float, look: Look) -> int:
        """Return by how much to bin where one pixel of the screen is ``pixel`` px: no finer than the filter leaves detail."""
        needed = max(pixel, (look.low_pass or 0.0) / (3 * self.pixel_size), 1.0)
        return min(1 << int(np.log2(needed)), self.factor) if needed < self.factor else self.factor


class MicrographImages:
    """The micrographs looked at last, and those that may be next: read and filtered ahead in a thread.

    most  micrographs that are kept; each takes a few MB
    """

    def __init__(self, *, most: int = 8) -> None:
        self.most = most
        self._kept: OrderedDict[tuple, MicrographImage] = OrderedDict()
        self._lock = threading.Lock()
        self._then: Callable[[], Any] | None = None
        self._ahead: list[tuple[str | Path, float | None, Look]] = []
        self._thread: threading.Thread | None = None

    def get(self, path: str | Path, pixel_size: float | None = None) -> MicrographImage:
        """Return a micrograph, from those that are kept if it is among them and its file has not changed."""
        key = (str(path), pixel_size, _changed(Path(path)))
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            found = MicrographImage(path, pixel_size)
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return found

    def prefetch(
        self, paths: Iterable[tuple[str | Path, float | None]], look: Look, *, then: Callable[[], Any] | None = None
    ) -> None:
        """Read and filter these ahead, (path, pixel size) each, in place of those asked for before; ``then`` follows."""
        with self._lock:
            self._ahead = [(path, size, look) for path, size in paths]
            self._then = then
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._fetch, name="relionlab-prefetch", daemon=True)
                self._thread.start()

    def _fetch(self) -> None:
        while True:
            with self._lock:
                task, then = (self._ahead.pop(0) if self._ahead else None), self._then
                if task is None:
                    self._then = None
                    if then is None:
                        self._thread = None
                        return
            try:
                if task is None:
                    assert then is not None
                    then()
                    continue
                path, size, look = task
                image = self.get(path, size)
                image.filtered(image.factor, look)
            except (RelionlabError, OSError):
                continue  # said when it is shown


def _described(path: Path) -> tuple[tuple[int, int], float | None]:
    """Return (y, x) in px and pixel size of an image file."""
    if path.suffix.lower() in TIFF_ENDINGS:
        with open_movie(path) as movie:
            if movie.frames == 1:
                return movie.shape, movie.pixel_size
            frames = movie.frames
    else:
        image = open_image(path)
        if image.frames == 1:
            return image.frame_shape, image.header.pixel_size
        frames = image.frames
    raise ImageError(
        f"{path} holds {frames} images; expected one. A movie's frames have to be aligned and averaged first (MotionCorr)."
    )


def _mapped(path: Path) -> np.ndarray:
    if path.suffix.lower() in TIFF_ENDINGS:
        with open_movie(path) as movie:
            return movie.read_stored(0)
    image = open_image(path)
    if image.packed or is_compressed(image.data_path):
        return read_image(path)
    return np.memmap(image.data_path, image.dtype, "r", image.offset, image.frame_shape)


def _changed(path: Path) -> int:
    """Return when a file was written last; 0 if there is none, which is said when it is read."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
