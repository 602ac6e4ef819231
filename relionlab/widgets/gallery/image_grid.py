"""Thumbnails in the browser: any number of images, of which only those in view are read and sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from relionlab.display.image_set import ImageSet
from relionlab.display.image_views import ImageLook
from relionlab.display.row_choice import RowChoice
from relionlab.errors import RelionlabError

_BATCH = 60  # thumbnails sent together


class ImageGrid(anywidget.AnyWidget):
    """Shows the images of a set in the order of a row choice; clicks and keys choose among them.

    images   what is shown
    choice   order and choice, shared with tables and plots of the same rows
    caption  row -> the text below its image
    """

    _esm = Path(__file__).with_name("image_grid.js")
    _css = Path(__file__).with_name("image_grid.css")

    count = traitlets.Int(0).tag(sync=True)
    """Number of images that can be scrolled to."""
    epoch = traitlets.Int(0).tag(sync=True)
    """Grows when what is at a place changes: another order, another look."""
    arranged = traitlets.Int(0).tag(sync=True)
    """Grows when the order changes, which begins at the top again."""
    current = traitlets.Int(-1).tag(sync=True)
    """The place that is looked at; -1: none yet."""
    tile = traitlets.Int(104).tag(sync=True)
    """Width of an image in screen pixels."""
    columns = traitlets.Int(0).tag(sync=True)
    """Images beside each other, which then decide the width; 0: as many as there is room for."""
    ratio = traitlets.Float(1.0).tag(sync=True)
    """Height of an image over its width."""
    lines = traitlets.Int(1).tag(sync=True)
    """Lines of text below an image."""
    height = traitlets.Int(430).tag(sync=True)
    """Most of the screen that the grid takes, px."""
    label = traitlets.Unicode("").tag(sync=True)
    """What is shown, for those who cannot see it."""
    menu = traitlets.List().tag(sync=True)
    """Entries of the right button's menu: (name, words), no words: a line."""

    def __init__(self, images: ImageSet, choice: RowChoice, *, caption: Callable[[int], str], **traits: Any) -> None:
        self.images, self.choice, self._caption = images, choice, caption
        self.look = ImageLook()
        self.do: Callable[[str], None] = lambda _name: None
        rows, columns = images.shape
        traits.setdefault("ratio", rows / columns)
        super().__init__(count=len(choice.shown), label=f"{len(images)} {images.noun} images", **traits)
        self._lock = threading.Lock()
        self._wanted: Mapping[str, Any] | None = None
        self._busy = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relionlab-thumbnails")
        self._from_page = False
        self.on_msg(self._heard)
        choice.on_change(self._changed)

    def show(self, look: ImageLook) -> None:
        """Show the images in another way."""
        self.look = look
        self.epoch += 1

    def refresh(self) -> None:
        """Show images and captions anew."""
        self.epoch += 1

    # --- what changes -----------------------------------------------------------------------------------------------

    def _changed(self, change: str) -> None:
        if change == "shown":
            with self.hold_sync():
                self.count = len(self.choice.shown)
                self.current = self._place()
                self.epoch += 1
                self.arranged += 1
            self._send_chosen()
        elif change == "chosen" and not self._from_page:
            self._send_chosen()
        elif change == "current":
            self.current = self._place()

    def _place(self) -> int:
        return -1 if self.choice.current is None else self.choice.place(self.choice.current)

    def _send_chosen(self) -> None:
        bits = np.packbits(self.choice.chosen[self.choice.shown], bitorder="little")
        self.send({"kind": "chosen"}, [bits.tobytes()])

    # --- what the page says -----------------------------------------------------------------------------------------

    @traitlets.observe("current")
    def _looked(self, change: Mapping[str, Any]) -> None:
        if 0 <= change["new"] < len(self.choice.shown):
            self.choice.look_at(int(self.choice.shown[change["new"]]))

    def _heard(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        kind = content.get("kind")
        if kind == "want":
            self._want(content)
        elif kind == "ready":
            self._send_chosen()
        elif kind == "do":
            self.current = int(content.get("place", -1) if content.get("place") is not None else -1)
            self.do(str(content["name"]))
        elif kind == "choose":
            self._hear_choice(content)

    def _hear_choice(self, content: Mapping[str, Any]) -> None:
        if content["arranged"] != self.arranged:  # clicked in an order that is no more: show what is chosen now
            self._send_chosen()
            return
        places = np.arange(int(content["from"]), min(int(content["to"]) + 1, len(self.choice.shown)))
        self._from_page = True  # which has marked them already
        try:
            self.choice.set_places(places, on=bool(content["on"]))
        finally:
            self._from_page = False

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
                self._fail(wanted, int(wanted["from"]), error)

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
                self.send(
                    {"kind": "failed", "epoch": self.epoch, "from": first, "to": first + len(rows), "text": str(error)}
                )
                continue
            captions = [self._caption(int(row)) for row in rows]
            about = {"kind": "tiles", "epoch": wanted["epoch"], "from": first, "lines": captions}
            about |= {"tips": [self.tip(int(row)) for row in rows], "height": drawn.shape[1], "width": drawn.shape[2]}
            self.send(about, [drawn.tobytes()])
        self.send({"kind": "done", "id": wanted["id"], "epoch": wanted["epoch"]})

    def _fail(self, wanted: Mapping[str, Any], first: int, error: Exception) -> None:
        about = {"kind": "failed", "epoch": wanted["epoch"], "from": first, "to": int(wanted["to"]), "text": str(error)}
        self.send(about)
        self.send({"kind": "done", "id": wanted["id"], "epoch": wanted["epoch"]})

    def tip(self, row: int) -> str:
        """Return what is said of an image when the mouse rests on it."""
        return f"{self.images.noun} {self.images.row_in_file(row) + 1}: {self.images.names[row]}"
