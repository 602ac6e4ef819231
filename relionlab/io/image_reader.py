"""Reading many images by their names, "000001@stack.mrcs"."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from relionlab.errors import ImageError
from relionlab.io.image_file import ImageFile, read_frames
from relionlab.io.image_names import format_image_name, parse_image_name
from relionlab.io.images import open_image


class ImageReader:
    """Reads images by their names, each stack opened as seldom as possible.

    names      image names, "000001@stack.mrcs" or single files; one per particle
    directory  folder to which they are relative: the project folder

    Headers are looked at when a file is first needed, and remembered. The reader can be sent to another process.
    """

    _KEPT = 4096  # headers remembered

    def __init__(self, names: Iterable[str], directory: str | os.PathLike[str] = ".") -> None:
        """See the class; raises ImageError for a name that is none."""
        self.directory = Path(directory)
        files: dict[str, int] = {}
        places = [parse_image_name(name) for name in names]
        self._index = np.array([index or 0 for index, _ in places], dtype=np.int64)
        self._file = np.array([files.setdefault(path, len(files)) for _, path in places], dtype=np.int64)
        self._unnumbered = {files[path] for index, path in places if index is None}
        self.files: tuple[str, ...] = tuple(files)
        self._open: dict[int, ImageFile] = {}
        self._shape: tuple[int, int] | None = None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._index)

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) of the images in px, from the header of the first one."""
        if self._shape is None:
            if not len(self):
                raise ImageError("There are no images: the list of image names is empty.")
            self._shape = self._image(int(self._file[0])).frame_shape
        return self._shape

    @property
    def pixel_size(self) -> float | None:
        """Å, from the header of the first file; None where it does not say."""
        return self._image(int(self._file[0])).header.pixel_size

    def read(self, indices: Sequence[int] | np.ndarray | slice | None = None) -> np.ndarray:
        """Return images as float32 (n, y, x).

        indices  places in the list of names, in any order; None for all
        Raises ImageError if a file is missing or damaged, or an image has another size than the first.
        """
        chosen = np.arange(len(self))[indices if indices is not None else slice(None)]
        out = np.empty((len(chosen), *self.shape), dtype=np.float32)
        order = np.lexsort((self._index[chosen], self._file[chosen]))
        files = self._file[chosen[order]]
        edges = np.flatnonzero(np.diff(files, prepend=-1))
        for places in np.split(order, edges[1:]) if len(order) else []:
            image = self._image(int(self._file[chosen[places[0]]]))
            if image.frame_shape != self.shape:
                raise ImageError(
                    f"{image.header.path} has images of {image.frame_shape} px (y, x), {self.files[int(self._file[0])]} of {self.shape}: "
                    "all particles must have the same size. Extract or rescale them alike."
                )
            out[places] = read_frames(image, self._index[chosen[places]])
        return out

    def _image(self, number: int) -> ImageFile:
        image = self._open.get(number)
        if image is None:
            image = open_image(self.directory / self.files[number])
            if number in self._unnumbered and image.frames > 1:
                raise ImageError(
                    f"{self.files[number]} holds {image.frames} images, and is named without the number of one; expected as"
                    f" {format_image_name(0, self.files[number])}."
                )
            self._open[number] = image
            if len(self._open) > self._KEPT:
                self._open.pop(next(iter(self._open)), None)
        return image
