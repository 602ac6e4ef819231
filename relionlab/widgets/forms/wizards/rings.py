"""The range of resolutions in which the CTF is fitted, as rings on a micrograph's power spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.handles import Ring, add_outline, image_figure
from relionlab.engine.ctffit.spectrum import Spectrum, power_spectrum
from relionlab.widgets.forms.wizards.wizard import Wizard
from relionlab.workflows.samples import Micrograph, read_micrograph

_SHOWN = 460
_ENOUGH = 2048  # px of the micrograph's middle: rings are as good as of all of it, and there at once
_COLORS = {"resmin": "#56B4E9", "resmax": "#E69F00"}


@dataclass(frozen=True)
class _Found:
    job: Any
    micrograph: Micrograph
    spectrum: Spectrum


class SpectrumRings(Wizard):
    """Inside the inner ring and outside the outer one nothing is fitted."""

    title = "Resolutions of the fit"
    sentence = (
        "Drag the rings: the fit sees what lies between them. The outer one belongs where the rings of the CTF fade."
    )
    inputs = ("input_star_mics",)

    def __init__(self, form: Any, name: str, **more: Any) -> None:
        self._index = 0
        super().__init__(form, name, **more)

    def read(self, job: Any) -> _Found:
        """Make the power spectrum of a micrograph's middle."""
        made = read_micrograph(self.directory, job.input_star_mics, index=self._index)
        middle = tuple(slice(max(side - _ENOUGH, 0) // 2, (side + _ENOUGH) // 2) for side in made.image.shape)
        return _Found(job, made, power_spectrum(made.image[middle], made.pixel_size, size=512))

    def build(self, found: Any) -> list[w.Widget]:
        """Show the spectrum and the rings."""
        spectrum, job = found.spectrum, found.job
        n = spectrum.size
        finest = 2 * spectrum.pixel_size
        figure = image_figure(_greys(spectrum), width=_SHOWN, height=_SHOWN, bounds=(n, n))
        rows = []
        for name, color in _COLORS.items():
            self.outlines[name] = Ring(np.array([[n / 2, n / 2]]), 2 * n * spectrum.pixel_size)
            add_outline(figure, name, color)
            high = 100.0 if name == "resmin" else 20.0
            rows.append(self.number(job, name, value=getattr(job, name), span=(finest, high, 0.1), color=color))
        self.draggable(figure, description="Power spectrum of a micrograph with the rings of both resolutions")
        hint = w.HTML(
            f'<div class="rl-muted rl-hint">{found.micrograph.name.rpartition("/")[2]}, {found.micrograph.index + 1} of'
            f" {found.micrograph.of}. The edge of the spectrum is {finest:.3g} Å.</div>"
        )
        another = w.Button(description="Another micrograph", icon="random", layout=w.Layout(width="170px"))
        another.on_click(lambda _button: self.show(found.micrograph.index + max(found.micrograph.of // 5, 1)))
        return [self.beside(*rows, hint, another)]

    def show(self, index: int) -> None:
        """Show the spectrum of another micrograph of the list."""
        self._index = index
        self.look()


def _greys(spectrum: Spectrum) -> np.ndarray:
    """Return the spectrum with its fall-off taken away, as uint8."""
    n = spectrum.size // 2
    binned = spectrum.power[: 2 * n, : 2 * n].reshape(n, 2, n, 2).mean(axis=(1, 3))
    values = np.log(np.maximum(binned, 1e-30))
    y, x = np.ogrid[:n, :n]
    shells = np.hypot(x - n // 2, y - n // 2).astype(int)
    count = np.bincount(shells.ravel())
    mean = np.bincount(shells.ravel(), values.ravel()) / np.maximum(count, 1)
    wide = np.convolve(np.pad(mean, 10, mode="edge"), np.full(21, 1 / 21), "valid")
    level = values - wide[shells]
    low, high = np.percentile(level, (5, 99.5))
    return (np.clip((level - low) / max(high - low, 1e-9), 0, 1) * 255).astype(np.uint8)
