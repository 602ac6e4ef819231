"""Thumbnails in the browser: any number of images, of which only those in view are read and sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import traitlets

from relionlab.display.image_set import ImageSet
from relionlab.display.image_views import ImageLook
from relionlab.display.row_choice import RowChoice
from relionlab.errors import RelionlabError
from relionlab.widgets.parts.row_grid import RowGrid, grid_script, grid_style

_BATCH = 60  # thumbnails sent together


class ImageGrid(RowGrid):
    """Shows the images of a set in the order of a row choice; clicks and keys choose among them.

    images   what is shown
    choice   order and choice, shared with tables and plots of the same rows
    caption  row -> the text below its image
    """

    _esm = grid_script(Path(__file__).with_suffix(".js"))
    _css = grid_style(Path(__file__).with_suffix(".css"))

    tile = traitlets.Int(104).tag(sync=True)
    """Width of an image in screen pixels."""
    columns = traitlets.Int(0).tag(sync=True)
    """Images beside each other, which then decide the width; 0: as many as there is room for."""
    ratio = traitlets.Float(1.0).tag(sync=True)
    """Height of an image over its width."""
    lines = traitlets.Int(1).tag(sync=True)
    """Lines of text below an image."""
    menu = traitlets.List().tag(sync=True)
    """Entries of the right button's menu: (name, words), no words: a line."""

    def __init__(self, images: ImageSet, choice: RowChoice, *, caption: Callable[[int], str], **traits: Any) -> None:
        self.images, self._caption = images, caption
        self.look = ImageLook()
        self._lock = threading.Lock()
        self._wanted: Mapping[str, Any] | None = None
        self._busy = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relionlab-thumbnails")
        rows, columns = images.shape
        super().__init__(choice, **{"ratio": rows / columns, "label": f"{len(images)} {images.noun} images", **traits})

    def show(self, look: ImageLook) -> None:
        """Show the images in another way."""
        self.look = look
        self.epoch += 1

    def _want(self, content: Mapping[str, Any]) -> None:
        """Remember the newest request; a thread reads the images, so that the kernel stays free."""
        with self._lock:
            self._wanted = content
            if self._busy:
                return
            self._busy = True
        self._thread.submit(self._serve)

    def _serve(self) -> None:
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, None
                if wanted is None:
                    self._busy = False
                    return
            try:
                self._answer(wanted)
            except Exception as error:  # noqa: BLE001 - said where the images would be; the thread must live on
                self._fail(wanted, int(wanted["from"]), int(wanted["to"]), error)
                self._done(wanted)

    def _answer(self, wanted: Mapping[str, Any]) -> None:
        """Send the images that are asked for, some at a time; a newer request ends it."""
        start, stop, pixels = int(wanted["from"]), min(int(wanted["to"]), len(self.choice.shown)), int(wanted["pixels"])
        batch = 1 if self.images.large else _BATCH
        shown = self.choice.shown
        for first in range(start, stop, batch):
            if self._wanted is not None or wanted["epoch"] != self.epoch:
                break
            rows = shown[first : min(first + batch, stop)]
            try:
                drawn = self.images.thumbnails(rows, self.look, pixels=pixels)
            except RelionlabError as error:
                self._fail(wanted, first, first + len(rows), error)
                continue
            captions = [self._caption(int(row)) for row in rows]
            about = {"kind": "tiles", "epoch": wanted["epoch"], "from": first, "lines": captions}
            about |= {"tips": [self.tip(int(row)) for row in rows], "height": drawn.shape[1], "width": drawn.shape[2]}
            self.send(about, [drawn.tobytes()])
        self._done(wanted)

    def _fail(self, wanted: Mapping[str, Any], first: int, stop: int, error: Exception) -> None:
        self.send({"kind": "failed", "epoch": wanted["epoch"], "from": first, "to": stop, "text": str(error)})

    def tip(self, row: int) -> str:
        """Return what is said of an image when the mouse rests on it."""
        return f"{self.images.noun} {self.images.row_in_file(row) + 1}: {self.images.names[row]}"
