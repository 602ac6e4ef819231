"""One panel in which a mask is dragged into shape, and its outline, the correlations, the B-factor and a verdict follow.

panel = MaskPanel(project.job("Refine3D/job015"))
panel.set(threshold=0.015, edge=8)
panel.tried.resolution
panel.use()                              # writes and runs MaskCreate and PostProcess
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.display.map_sources import ShownMap
from relionlab.errors import JobStateError, ParameterError, RelionlabError
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.mask_trial import MaskTrial, TriedMask, half_map_of
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.maps.postprocess_program import Postprocess
from relionlab.project import JobDirectory, Project
from relionlab.widgets.maps.latest import Latest
from relionlab.widgets.maps.mask_controls import MaskControls, SharpenControls, numbers_table, verdict_line
from relionlab.widgets.maps.mask_figures import fsc_figure, guinier_figure, show_curves, show_guinier
from relionlab.widgets.maps.slice_canvas import SliceCanvas
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer, Opener
from relionlab.widgets.parts.watching import Watch

_STYLE = (Path(__file__).parent / "mask_panel.css").read_text(encoding="utf-8")
_SLOW = 160  # px along a side: beyond, correlations wait until the hand rests
_LOWEST = 10.0  # Å


class MaskPanel(w.VBox):
    """A mask made by four sliders, and what it makes of two half-maps; the numbers are those of MaskCreate and PostProcess.

    source   a Refine3D job (JobDirectory or folder, ours or RELION's), or one of two unfiltered half-maps
    second   the other half-map, where its name does not follow from the first's
    project  where jobs are written; known already if ``source`` is a JobDirectory
    map      of which masks are made; by default the refinement's own, beside the half-maps
    start    parameters at the beginning; by default the threshold is what noise does not reach
    opener   where the sharpened map is opened; by default below
    """

    def __init__(
        self,
        source: JobDirectory | str | Path,
        second: str | Path = "",
        *,
        project: Project | None = None,
        map: str | Path = "",  # noqa: A002 - the field's word
        start: MaskCreate | None = None,
        opener: Opener | None = None,
    ) -> None:
        self._drawer = Drawer()
        self._opener: Opener = opener or self._drawer
        if isinstance(source, JobDirectory):
            project, source = source.project, source.path
        self.project = project
        half = Path(source)
        half = half_map_of(half) if half.is_dir() else half
        names = [str(name) and self._named(name) for name in (half, second, map)]
        self._options = Postprocess(fn_in=names[0], i2=names[1], do_auto_bfac=True, autob_lowres=_LOWEST)
        folder = Path() if project is None else project.directory
        self.trial = MaskTrial(self._options, source=names[2], folder=folder)
        self.tried: TriedMask | None = None
        self.made: tuple[JobDirectory, JobDirectory] | None = None
        self._build(start or self._start())
        self._latest = Latest(self._work)
        self._message.say("Making the mask and correlating the half-maps …")
        self._latest.ask(self.mask_job)  # the panel is shown at once

    # --- what may be asked and set ----------------------------------------------------------------------------------

    @property
    def mask_job(self) -> MaskCreate:
        """The MaskCreate job of the present sliders."""
        return self.controls.job

    def postprocess_job(self, mask: str) -> PostProcess:
        """Return the PostProcess job with a mask of this name, and the present way to the B-factor."""
        own = self.sharpening.own
        return PostProcess(
            fn_in=self._options.fn_in, fn_mask=mask, do_auto_bfac=own is None, do_adhoc_bfac=own is not None,
            adhoc_bfac=-1000.0 if own is None else own, autob_lowres=self.sharpening.lowest,
        )  # fmt: skip

    def set(
        self,
        *,
        threshold: float | None = None,
        low_pass: float | None = None,
        extend: float | None = None,
        edge: float | None = None,
    ) -> TriedMask:
        """Move sliders, wait for what comes of it and return it.

        threshold    density; low_pass in Å; extend and edge in px; those not given stay
        """
        given = {"inimask_threshold": threshold, "lowpass_filter": low_pass, "extend_inimask": extend, "width_mask_edge": edge}  # fmt: skip
        job = MaskCreate(**{**self.mask_job.model_dump(), **{k: v for k, v in given.items() if v is not None}})
        self.controls.set(job)
        self._latest.ask(job)
        return self.settle()

    def settle(self) -> TriedMask:
        """Wait until what is shown belongs to the sliders, and return it; raises ParameterError for an empty mask."""
        self._latest.ask(self.mask_job)
        self._latest.wait()
        if self._wrong is not None:
            raise self._wrong
        assert self.tried is not None
        return self.tried

    def use(self) -> tuple[JobDirectory, JobDirectory]:
        """Write a MaskCreate and a PostProcess job with these parameters, run one after the other, and return both."""
        if self.project is None:
            raise JobStateError("There is no project to write jobs to: open the panel with project=… or a job of one.")
        mask = self.project.add(self.mask_job)
        after = self.project.add(self.postprocess_job(f"{mask.name}/mask.mrc"))
        self.made = mask, after
        mask.start()
        self._message.say(f"{mask.name} makes the mask, then {after.name} sharpens …")
        Watch(self._follow, period=0.3)
        return mask, after

    def open_result(self) -> w.Widget:
        """Open the slices of the sharpened map that :meth:`use` made; raises JobStateError if it is not there yet."""
        if self.made is None or self.made[1].state != "finished":
            raise JobStateError("There is no sharpened map yet: press 'Use this mask', and wait until it is finished.")
        from relionlab.widgets.maps.slice_view import SliceView

        after = self.made[1]
        return self._opener.open(f"Sharpened map, {after.name}", lambda: SliceView(after, opener=self._opener))

    # --- building -----------------------------------------------------------------------------------------------------

    def _build(self, start: MaskCreate) -> None:
        trial = self.trial
        self._wrong: RelionlabError | None = None
        self._message, self._verdict, self._numbers = Message(), w.HTML(), w.HTML()
        top = float(max(trial.map.max() * 0.8, start.inimask_threshold * 2))
        pixels = float(min(30, trial.post.n // 4))
        self.controls = MaskControls(start, top=top, pixels=pixels, changed=self._asked)
        self.canvas = SliceCanvas(pane=266, layout=w.Layout(flex="1 1 0", min_width="0"))
        self.canvas.show(ShownMap(trial.map, trial.pixel_size, Path(trial.source).name))
        self._smooth = w.Checkbox(value=False, description="filtered map", indent=False, layout=w.Layout(width="170px"))
        self._smooth.observe(lambda _change: self._show_map(), "value")
        frequency = trial.post.frequency
        self.curves, self.plot = fsc_figure(frequency), guinier_figure(frequency)
        for event in ("drag", "drop"):
            self.plot.on(event, lambda told: self._dragged(told.x))
        self.sharpening = SharpenControls(lowest=_LOWEST, finest=2 * trial.post.pixel_size, changed=self._sharpen)
        use = button("Use this mask", "Write and run MaskCreate and PostProcess", self.use, message=self._message, icon="check", style="primary", width="150px")  # fmt: skip
        use.layout.display = "" if self.project is not None else "none"
        left = w.VBox([self.controls, self.sharpening, self._numbers], layout=w.Layout(width="350px", flex="0 0 auto"))
        title = html.escape("/".join(Path(self._options.fn_in).absolute().parent.parts[-2:]))
        title = w.HTML(f'<span class="rl-title">Mask for {title}</span>', layout=w.Layout(margin="0 14px 0 2px"))
        self._message.layout.flex = "1 1 auto"
        self._result = button("Result", "Show the sharpened map", self.open_result, message=self._message, icon="eye")
        self._result.layout.display = "none"
        head = w.HBox([title, self._message, self._result, self._smooth, use])
        style = w.HTML(f"<style>{_STYLE}</style>", layout=w.Layout(height="0", margin="0"))
        rows = [w.HBox([left, self.canvas]), w.HBox([self.curves, self.plot], layout=w.Layout(flex_flow="row wrap"))]
        super().__init__([style_sheet(), style, head, self._verdict, *rows, self._drawer])
        self.add_class("rl-map")
        self.add_class("rl-mask-panel")

    def _start(self) -> MaskCreate:
        low_pass = max(15.0, 3 * self.trial.pixel_size)
        threshold = float(f"{self.trial.noise_level(low_pass):.3g}")
        return MaskCreate(
            fn_in=self.trial.source, lowpass_filter=low_pass, inimask_threshold=threshold, width_mask_edge=6.0
        )

    def _named(self, path: str | Path) -> str:
        return str(path) if self.project is None else self.project.relative(Path(path).absolute() if Path(path).exists() else path)  # fmt: skip

    # --- following ----------------------------------------------------------------------------------------------------

    def _work(self, job: MaskCreate, newer: Any) -> None:
        """Try a mask and show it (in a thread); ``newer()`` says whether the sliders have moved on."""
        try:
            mask = self.trial.mask(job)
            self.canvas.show_mask(mask)
            if self._smooth.value:
                self._show_map()
            if self.trial.post.n > _SLOW:
                self._message.say("Correlating the half-maps, a few seconds …")
                if newer():
                    return
            self.tried = self.trial.with_mask(mask, job)
        except RelionlabError as error:
            self._wrong = error
            self._message.say(str(error), wrong=True)
            return
        self._wrong = None
        show_curves(self.curves, self.tried)
        show_guinier(self.plot, self.tried, lowest=self.sharpening.lowest)
        self._verdict.value = verdict_line(self.tried)
        self._numbers.value = numbers_table(self.tried)
        if self.made is None:
            self._message.say("")

    def _asked(self, job: MaskCreate) -> None:
        self._latest.ask(job)

    def _show_map(self) -> None:
        """Show the map, or the filtered one that is cut at the threshold."""
        job, trial = self.mask_job, self.trial
        smooth = self._smooth.value
        array = trial.smoothed(job.lowpass_filter) if smooth else trial.map
        name = f"filtered to {job.lowpass_filter:g} Å" if smooth else Path(trial.source).name
        self.canvas.show(ShownMap(array, trial.pixel_size, name))

    def _dragged(self, squared: float) -> None:
        if squared > 0:
            self.sharpening.set(lowest=float(squared) ** -0.5)

    def _sharpen(self) -> None:
        own = self.sharpening.own
        changed = {"do_auto_bfac": own is None, "adhoc_bfac": 0.0 if own is None else own, "autob_lowres": self.sharpening.lowest}  # fmt: skip
        self.trial.post.options = self.trial.post.options.model_copy(update=changed)
        self._latest.ask(self.mask_job)

    def _follow(self) -> bool:
        """Start post-processing when the mask is made; returns whether there is more to come."""
        assert self.made is not None
        mask, after = self.made
        if mask.state in ("running", "scheduled"):
            return True
        try:
            if mask.state != "finished":
                self._message.say_end(mask)
                return False
            if after.state == "scheduled":
                after.start()
                return True
        except (RelionlabError, ParameterError) as error:
            self._message.say(str(error), wrong=True)
            return False
        if after.state == "running":
            return True
        self._message.say_end(after)
        self._result.layout.display = "" if after.state == "finished" else "none"
        return False
