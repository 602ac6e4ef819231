"""The sliders of the mask panel, and the lines of numbers and of the verdict beside them."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.mask_trial import TriedMask
from relionlab.widgets.parts.slider import Slider

_SIGNS = {"good": "✓", "doubtful": "!", "bad": "✗"}
_FIELDS = {
    "inimask_threshold": ("Threshold", "", "Density from which on a voxel of the filtered map belongs to the particle"),
    "lowpass_filter": ("Low-pass", "Å", "The map is smoothed to this resolution before it is cut at the threshold"),
    "extend_inimask": ("Extend by", "px", "The binary mask grows by so much; a negative number shrinks it"),
    "width_mask_edge": ("Soft edge", "px", "Width of the fall from 1 to 0 outside of that"),
}


class MaskControls(w.VBox):
    """Four sliders; ``changed`` is called with the parameters while one of them moves.

    top      highest density that the threshold may take
    pixels   largest extension and edge, in px
    start    values at the beginning
    """

    def __init__(self, start: MaskCreate, *, top: float, pixels: float, changed: Callable[[MaskCreate], None]) -> None:
        self.job, self._changed, self._quiet = start, changed, False
        ranges = {
            "inimask_threshold": (0.0, top, top / 250),
            "lowpass_filter": (0.0, 60.0, 1.0),
            "extend_inimask": (-min(10.0, pixels), pixels, 1.0),
            "width_mask_edge": (0.0, pixels, 1.0),
        }
        self.sliders = {name: self._slider(name, *ranges[name]) for name in _FIELDS}
        super().__init__([self._row(name, slider) for name, slider in self.sliders.items()])

    def set(self, job: MaskCreate) -> None:
        """Move the sliders to these parameters; ``changed`` is not called."""
        self._quiet = True
        try:
            for name, slider in self.sliders.items():
                value = float(getattr(job, name))
                slider.stretch(min(slider.min, value), max(slider.max, value))
                slider.value = value
        finally:
            self._quiet = False
        self.job = job

    def _slider(self, name: str, low: float, high: float, step: float) -> Slider:
        slider = Slider(
            float(getattr(self.job, name)), min=low, max=high, step=step, digits=4, layout=w.Layout(width="230px")
        )
        slider.tip = _FIELDS[name][2]
        slider.observe(lambda change, name=name: self._moved(name, change["new"]), "value")
        slider.add_class(f"rl-mask-{name}")
        return slider

    def _row(self, name: str, slider: Slider) -> w.HBox:
        label, unit, tip = _FIELDS[name]
        text = w.HTML(f'<span title="{html.escape(tip)}">{label}</span>', layout=w.Layout(width="70px"))
        return w.HBox([text, slider, w.HTML(f'<span class="rl-unit">{unit}</span>')])

    def _moved(self, name: str, value: float) -> None:
        if self._quiet:
            return
        self.job = self.job.model_copy(update={name: float(f"{value:.5g}")})  # as files keep it
        self._changed(self.job)


class SharpenControls(w.HBox):
    """How the B-factor is found: from the line beyond ``lowest`` Å, or ``own``; ``changed`` is called when that changes."""

    def __init__(self, *, lowest: float, finest: float, changed: Callable[[], None]) -> None:
        self._kind = w.Dropdown(options=("automatic", "my own"), layout=w.Layout(width="100px"))
        self._kind.tooltip = "B-factor from the slope of the Guinier plot, or your own"
        self._own = w.FloatText(value=-100.0, step=10, layout=w.Layout(width="70px"))
        self._own.tooltip = "B-factor in Å²; negative numbers sharpen"
        self._lowest = w.BoundedFloatText(
            value=lowest, min=finest, max=50, step=0.5, layout=w.Layout(width="70px"),
            tooltip="The line is fitted to shells finer than this; drag it in the Guinier plot",
        )  # fmt: skip
        super().__init__(
            [w.HTML("B-factor", layout=w.Layout(width="70px")), self._kind], layout=w.Layout(align_items="center")
        )
        self._changed = changed
        for part in (self._kind, self._own, self._lowest):
            part.observe(lambda _change: self._tell(), "value")
        self._arrange()

    @property
    def own(self) -> float | None:
        """The B-factor that was given (Å²); ``None``: the automatic one."""
        return float(self._own.value) if self._kind.value == "my own" else None

    @property
    def lowest(self) -> float:
        """Resolution (Å) from which on the line is fitted."""
        return float(self._lowest.value)

    def set(self, *, lowest: float | None = None, own: float | None = None) -> None:
        """Fit from ``lowest`` Å on, or take a B-factor of one's own (Å²)."""
        if lowest is not None:
            self._lowest.value = round(min(max(lowest, self._lowest.min), self._lowest.max), 2)
        if own is not None:
            self._own.value, self._kind.value = own, "my own"

    def _arrange(self) -> None:
        more = (w.HTML("from"), self._lowest, w.HTML("Å")) if self.own is None else (self._own, w.HTML("Å²"))
        self.children = (*self.children[:2], *more)

    def _tell(self) -> None:
        self._arrange()
        self._changed()


def verdict_line(tried: TriedMask) -> str:
    """Return the verdict as HTML, its remarks as a tip and below."""
    judged = tried.verdict
    rest = "".join(f'<div class="rl-mask-remark">{html.escape(remark)}</div>' for remark in judged.remarks)
    return (
        f'<div class="rl-mask-verdict rl-mask-{judged.grade}" role="status"><span class="rl-mask-sign" aria-hidden="true">'
        f"{_SIGNS[judged.grade]}</span><div><b>{html.escape(judged.words)}</b>{rest}</div></div>"
    )


def numbers_table(tried: TriedMask) -> str:
    """Return the numbers of a mask as an HTML table."""
    curves, line = tried.curves, tried.line
    error = f" ± {line.standard_error:.0f}" if line is not None and line.points > 2 else ""
    random = "–" if curves.random is None else f"{curves.random[curves.shell]:.3f}"
    first = curves.first_random
    beyond = f"{1 / tried.frequency[first]:.1f} Å" if first else "–"
    rows: list[tuple[str, Any]] = [
        ("Resolution at FSC 0.143", f"<b>{tried.resolution:.2f} Å</b>"),
        ("B-factor", f"<b>{tried.b_factor:.0f}</b>{error} Å²"),
        ("Mask, above one half", f"{_large(tried.volume)} Å³"),
        ("as protein", f"{tried.weight:,.0f} kDa"),
        ("Share of the box", f"{100 * tried.share:.1f} %"),
        ("Phases random beyond", beyond),
        ("their FSC at the resolution", random),
    ]
    body = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)
    return f'<table class="rl-mask-numbers">{body}</table>'


def _large(value: float) -> str:
    return f"{value / 1e6:.2f} million" if value >= 1e6 else f"{value:,.0f}"
