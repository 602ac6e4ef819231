"""The mask's diameter on particles: their average, some of them, and class averages, each with the circle."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.handles import Outline, add_captions, add_outline, image_figure
from relionlab.display.mosaic import enlarge, grey
from relionlab.widgets.forms.wizards.eye import EyeFilter
from relionlab.widgets.forms.wizards.wizard import Wizard
from relionlab.workflows.samples import ImageSample, class_sample, low_passed, particle_sample

_TILE, _COLUMNS, _TILES = 186, 3, 6
_COLOR = "#E69F00"


@dataclass(frozen=True)
class Shown:
    """What is shown: tiles (image, pixel size in Å, whether the filter for the eye leaves it as it is), and words of each.

    sentence  on all of them
    """

    job: Any
    tiles: list[tuple[np.ndarray, float, bool]]
    texts: list[str]
    sentence: str


class ParticleMask(Wizard):
    """The circle of ``particle_diameter`` on the particles of the form's input."""

    title = "Mask diameter"
    sentence = "Drag the circle: it should clear the particle all round, and shut out its neighbours."
    inputs = ("fn_img",)

    def read(self, job: Any) -> Shown:
        """Read some particles, and class averages where the particles come from a classification."""
        particles = particle_sample(self.directory, job.fn_img)
        tiles, texts = _tiles(particles, class_sample(self.directory, job.fn_img, count=3))
        words = (
            f"{particles.of:,} particles of {particles.box} px, {particles.pixel_size:.4g} Å/px: the box is"
            f" {particles.box * particles.pixel_size:.0f} Å. The mask has to stay inside it, with room for the particles' shifts."
        )
        return Shown(job, tiles, texts, words)

    def build(self, found: Any) -> list[w.Widget]:
        """Show them as tiles of one picture."""
        self._tiles = images = found.tiles
        image, pixel_size, _ = images[0]
        self._box = box = image.shape[-1] * pixel_size
        centres = np.array([[(i % _COLUMNS + 0.5) * box, (i // _COLUMNS + 0.5) * box] for i in range(len(images))])
        self.outlines[self.name] = Outline(centres, 1.0)
        value = getattr(found.job, self.name) or round(0.9 * box)
        number = self.number(found.job, self.name, value=value, span=_steps(box), color=_COLOR)
        self._eye = EyeFilter(start=_start(pixel_size), on_change=self._see)
        figure = self._figure(found.texts)
        self.draggable(figure, description="Particles and class averages with the mask's circle, which can be dragged")
        hint = w.HTML(f'<div class="rl-muted rl-hint">{html.escape(found.sentence)}</div>')
        filtered = any(not plain for _, _, plain in images)
        return [self.beside(number, *([self._eye] if filtered else []), hint)]

    def _figure(self, texts: list[str]) -> Any:
        rows, box = -(-len(self._tiles) // _COLUMNS), self._box
        figure = image_figure(
            self._canvas(), width=_COLUMNS * _TILE, height=rows * _TILE, bounds=(_COLUMNS * box, rows * box)
        )
        add_outline(figure, self.name, _COLOR)
        places = range(len(texts))
        left = [(place % _COLUMNS + 0.03) * box for place in places]
        low = [(place // _COLUMNS + 0.97) * box for place in places]
        add_captions(figure, texts, x=left, y=low)
        return figure

    def _canvas(self) -> np.ndarray:
        """Return the tiles as one image, seen through the filter for the eye."""
        rows = -(-len(self._tiles) // _COLUMNS)
        canvas = np.zeros((rows * _TILE, _COLUMNS * _TILE), np.uint8)
        for place, (image, pixel_size, plain) in enumerate(self._tiles):
            seen = image if plain else low_passed(image[None], self._eye.value, pixel_size)[0]
            y, x = place // _COLUMNS * _TILE, place % _COLUMNS * _TILE
            canvas[y : y + _TILE, x : x + _TILE] = enlarge(grey(seen), _TILE)
        return canvas

    def _see(self, _value: float) -> None:
        if self.live is not None:
            self.live.data("image", image=self._canvas())


def _tiles(sample: ImageSample, classes: ImageSample | None) -> tuple[list[tuple[np.ndarray, float, bool]], list[str]]:
    """Return the tiles, and the words below each."""
    tiles = [(sample.images.mean(axis=0), sample.pixel_size, False)]
    texts = [f"average of {len(sample.images)}"]
    if classes is not None:
        side = sample.box * sample.pixel_size
        alike = [image for image in classes.images if abs(classes.box * classes.pixel_size / side - 1) < 0.02]
        tiles += [(image, classes.pixel_size, True) for image in alike]
        texts += ["class average"] * len(alike)
    for number in range(min(_TILES - len(tiles), len(sample.images))):
        tiles.append((sample.images[number * len(sample.images) // _TILES], sample.pixel_size, False))
        texts.append("particle")
    return tiles, texts


def _steps(box: float) -> tuple[float, float, float]:
    step = 1.0 if box < 1000 else 5.0
    return step, float(np.floor(box / step) * step), step


def _start(pixel_size: float) -> float:
    return float(np.clip(round(6 * pixel_size), 10, 40))
