"""Picking by hand: one micrograph at a time, the list of all, and everything saved as it is done, in RELION's files.

    ManualPicker(project.job("CtfFind/job003"))                        # its micrographs; makes a ManualPick job
    ManualPicker(project.job("AutoPick/job006"))                       # corrects picks, in a ManualPick job
    ManualPicker("folder/with/micrographs", pixel_size=0.885)          # no project needed

Click: pick. Drag: move a pick, or the picture. Middle button: sweep picks away. Keys: see ``KEYS``.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.micrograph_image import MicrographImages
from relionlab.display.words import many
from relionlab.errors import RelionlabError
from relionlab.project import JobDirectory, Project
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.picking.colour_controls import ColourControls
from relionlab.widgets.picking.ctf_panel import CtfPanel
from relionlab.widgets.picking.micrograph_list import MicrographList
from relionlab.widgets.picking.micrograph_view import MicrographView
from relionlab.widgets.picking.pick_layers import Edit
from relionlab.widgets.picking.picture_controls import Picture, PictureControls
from relionlab.workflows.hand_picking import HandPicking
from relionlab.workflows.hand_picking_sources import open_hand_picking

KEYS = (
    "← → micrographs · Ctrl Z undo · Ctrl Shift Z redo · Delete the pick under the mouse · Space keep or drop · C CTF · I invert · "
    "+ − 0 zoom · K pick by keyboard"
)
_COLUMNS = (
    ("defocus", "µm", "Mean defocus", 2, ("rlnDefocusU", "rlnDefocusV"), 1e-4),
    ("CTF", "Å", "Resolution to which the CTF fits", 1, ("rlnCtfMaxResolution",), 1.0),
    ("merit", "", "Figure of merit of the CTF", 2, ("rlnCtfFigureOfMerit",), 1.0),
    ("motion", "Å", "Motion of all frames", 1, ("rlnAccumMotionTotal",), 1.0),
)

_LEADS = {
    "fit": ("CTF fit", "Thon rings and fit of this micrograph, with all numbers"),
    "particles": ("Particles", "The particles that were cut out of this micrograph"),
}


class ManualPicker(w.VBox):
    """Pick particles by hand.

    source      a ManualPick job; a job that made micrographs, or picks to correct; a list (.star); a folder or a wildcard of
                .mrc or .tif files; or a :class:`HandPicking`
    project     where a ManualPick job is made for a list; without one RELION's files are written below "ManualPick/"
    start_with  picks to begin with: a job that made some, or its coords_suffix_….star
    pixel_size  Å, where neither the list nor the images say it
    pixels      longer side of the picture on the screen
    on_ctf, on_particles  called with a micrograph's name by the buttons that lead to its CTF and to its particles; without
                them there are no such buttons
    """

    def __init__(
        self,
        source: HandPicking | JobDirectory | str | Path,
        *,
        project: Project | None = None,
        start_with: JobDirectory | str | Path | None = None,
        pixel_size: float | None = None,
        pixels: int = 490,
        on_ctf: Callable[[str], Any] | None = None,
        on_particles: Callable[[str], Any] | None = None,
    ) -> None:
        opened = isinstance(source, HandPicking)
        self.picking: HandPicking = (
            source
            if opened
            else open_hand_picking(source, project=project, start_with=start_with, pixel_size=pixel_size)
        )
        self.view = MicrographView(pixels=pixels)
        self.list = MicrographList(height=max(pixels - 190, 150))
        self.ctf = CtfPanel(pixels=max(pixels - 190, 200))
        self.picture = PictureControls([self.view], self._start())
        self.colours = ColourControls(self._coloured, directory=self.picking.directory)
        self.name = ""
        self._leads = {"fit": on_ctf, "particles": on_particles}
        self._images = MicrographImages()
        self._message = Message()
        self._told, self._total = w.HTML(layout=w.Layout(flex="1 1 auto")), w.HTML()
        self._build()
        self._fill_list()
        self.view.on_edit(self._edited)
        self.view.on_command(self._commanded)
        self.list.on("show", lambda index: self.show(self.picking.names[index]))
        self.list.on("keep", lambda indices: self._ticked(self.picking.keep, indices))
        self.list.on("drop", lambda indices: self._ticked(self.picking.drop, indices))
        self.picture.on_change(lambda picture: self.picking.remember(picture.as_dict))
        self.picking.on_saved(self._tell_total)
        self.picking.count_all(self._tell_counts)
        self.show(self.picking.names[0])
        self._colour_as_the_job()

    # --- what can be done -----------------------------------------------------------------------------------------

    def show(self, name: str) -> None:
        """Show a micrograph with its picks."""
        self.name = name
        self.list.shown = self.picking.names.index(name)
        self._message.say("")
        with self.view.hold_sync():
            try:
                image = self._images.get(self.picking.path(name), self.picking.pixel_size(name))
                self.view.show(image, name=name)
                self._show_picks()
            except (RelionlabError, OSError) as error:
                self.view.blank()
                self._message.say(f"{name} cannot be shown: {error}", wrong=True)
        self._tell()
        beside = [self.picking.names[self.list.beside(step)] for step in (1, -1, 2)]
        self._images.prefetch(
            [(self.picking.path(n), self.picking.pixel_size(n)) for n in beside],
            self.view.look,
            then=lambda: [self.picking.picks(n) for n in beside],
        )
        if self.ctf.is_open:
            self.show_ctf()

    def step(self, lines: int) -> None:
        """Show the micrograph so many lines further down the list; up, if negative."""
        index = self.list.beside(lines)
        if self.picking.names[index] != self.name:
            self.show(self.picking.names[index])

    def next(self) -> None:
        """Show the next micrograph of the list."""
        self.step(1)

    def previous(self) -> None:
        """Show the micrograph before."""
        self.step(-1)

    def go_to(self, name: str, x: float, y: float) -> None:
        """Show a micrograph, and in it the place (x, y) in px, with the pick there marked."""
        self.show(name)
        size = self.picking.pixel_size(name) or 1.0
        self.view.go_to(x, y, width=6 * self.view.diameter / size)

    def undo(self) -> None:
        """Take back the last step on this micrograph."""
        self.picking.undo(self.name)
        self._show_picks()
        self._tell()

    def redo(self) -> None:
        """Do again what was taken back."""
        self.picking.redo(self.name)
        self._show_picks()
        self._tell()

    def clear(self) -> None:
        """Remove all picks of this micrograph; undo brings them back."""
        self.picking.clear(self.name)
        self._show_picks()
        self._tell()

    def keep(self, name: str, *, kept: bool = True) -> None:
        """Keep a micrograph for later jobs, or drop it."""
        (self.picking.keep if kept else self.picking.drop)(name)
        index = self.picking.names.index(name)
        self.list.kept = [*self.list.kept[:index], kept, *self.list.kept[index + 1 :]]
        self._tell()

    def save(self) -> None:
        """Write what is not on the disk yet; it happens by itself a moment after each step."""
        self.picking.save()
        self._tell_total()

    def show_ctf(self) -> None:
        """Show the micrograph's power spectrum in place of the list."""
        row = self.picking.names.index(self.name)
        self.ctf.show(
            self.picking.path(self.name), self.picking.pixel_size(self.name), self.picking.micrographs, row=row
        )
        self._side.children = (self.ctf,)
        self._ctf_button.value = True

    def show_list(self) -> None:
        """Show the list again."""
        self.ctf.close_view()
        self._side.children = (self.list,)
        self._ctf_button.value = False

    def follow(self, key: str) -> Any:
        """Open what belongs to the micrograph that is shown: "fit", its CTF, or "particles"."""
        lead = self._leads[key]
        return lead(self.name) if lead is not None else None

    # --- what is shown --------------------------------------------------------------------------------------------

    def _start(self) -> Picture:
        """Return how micrographs were shown last; else as the job's form says."""
        job = self.picking.job.job if self.picking.job is not None else None
        start = Picture()
        if job is not None and hasattr(job, "sigma_contrast"):
            start = Picture(
                diameter=float(job.diameter), sigma=float(job.sigma_contrast), low_pass=max(float(job.lowpass), 0.0),
                high_pass=max(float(job.highpass), 0.0), black=float(job.black_val), white=float(job.white_val),
            )  # fmt: skip
        known = {name: value for name, value in self.picking.remembered().items() if name in start.as_dict}
        return Picture(**{**start.as_dict, **known})

    def _colour_as_the_job(self) -> None:
        job = self.picking.job.job if self.picking.job is not None else None
        if not getattr(job, "do_color", False):
            return
        if job.fn_color:
            self.colours.star.value = job.fn_color
        self.colours.choose(job.color_label, low=job.blue_value, high=job.red_value)

    def _build(self) -> None:
        def made(label: str, tip: str, method: Any, **more: Any) -> w.Button:
            return button(label, tip, method, message=self._message, **{"width": "auto", **more})

        self._ctf_button = w.ToggleButton(
            description="CTF", tooltip="Power spectrum beside the CTF (key C)", layout=w.Layout(width="60px")
        )
        self._ctf_button.observe(lambda change: self.show_ctf() if change["new"] else self.show_list(), "value")
        steps = [
            made("", "Previous micrograph (←)", self.previous, icon="chevron-left", width="36px"),
            made("", "Next micrograph (→)", self.next, icon="chevron-right", width="36px"),
        ]
        edits = [
            made("Undo", "Take back the last step (Ctrl Z)", self.undo, icon="undo"),
            made("Redo", "Do it again (Ctrl Shift Z)", self.redo, icon="repeat"),
            made("Clear", "Remove all picks of this micrograph; undo brings them back", self.clear, icon="eraser"),
            self._ctf_button,
            *(made(label, tip, partial(self.follow, key)) for key, (label, tip) in _LEADS.items() if self._leads[key]),
        ]
        head = w.HBox(
            [*steps, self._told, *edits], layout=w.Layout(align_items="center", width="100%", overflow="hidden")
        )
        self._side = w.VBox([self.list], layout=w.Layout(width="100%"))
        keys = w.HTML(f'<div class="rl-muted" style="font-size:11px;line-height:1.4">{html.escape(KEYS)}</div>')
        side = w.VBox(
            [self.picture, self.colours, self._side, self._total, keys],
            layout=w.Layout(flex="1 1 340px", min_width="340px", overflow="hidden"),
        )
        body = w.HBox(
            [self.view, side], layout=w.Layout(grid_gap="12px", flex_flow="row wrap", width="100%", overflow="hidden")
        )
        super().__init__([style_sheet(), head, self._message, body])
        self.add_class("rl-picker")
        self.view.layer("picks", style="ring", colour="#E69F00")
        self.view.menu = [
            ["undo", "Undo", "Ctrl Z"], ["redo", "Redo", "Ctrl Shift Z"], ["next", "Next micrograph", "→"],
            ["previous", "Previous micrograph", "←"], ["keep", "Keep or drop the micrograph", "Space"], ["ctf", "CTF", "C"],
            *([key, tip, ""] for key, (_, tip) in _LEADS.items() if self._leads[key]),
        ]  # fmt: skip

    def _fill_list(self) -> None:
        picking = self.picking
        shown = [column for column in _COLUMNS if all(label in picking.micrographs for label in column[4])]
        short = {name: Path(name).name for name in picking.names}
        unique = len(set(short.values())) == len(short)
        columns = [
            np.mean([np.asarray(picking.micrographs.column(label), dtype=float) for label in labels], axis=0) * scale
            for *_, labels, scale in shown
        ]
        rows = [
            [short[name] if unique else name, *(float(c[row]) if np.isfinite(c[row]) else None for c in columns)]
            for row, name in enumerate(picking.names)
        ]
        headings = [
            ("micrograph", "", "File name", -1),
            *((title, unit, tip, digits) for title, unit, tip, digits, *_ in shown),
        ]
        with self.list.hold_sync():
            self.list.fill(headings, rows)
            self.list.kept = [picking.is_kept(name) for name in picking.names]
            self.list.counts = [picking.count(name) for name in picking.names]

    def _show_picks(self) -> None:
        picks = self.picking.picks(self.name)
        self.colours.offer(picks, self.name)
        self.view.picks(picks.x, picks.y, self.colours.values(picks, self.name))

    def _coloured(self) -> None:
        scale = self.colours.scale
        if scale is not None:
            self.view.colour_scale(scale.low, scale.high, title=scale.title, palette=scale.palette, bar=True)
        else:
            self.view.colour_scale(0, 1)
        if self.name:
            self._show_picks()

    # --- what the page says ---------------------------------------------------------------------------------------

    def _edited(self, edit: Edit) -> None:
        name = edit.micrograph
        try:
            if edit.kind == "add":
                self.picking.add(name, edit.x, edit.y, stroke=edit.stroke)
            elif edit.kind == "remove":
                self.picking.remove(name, edit.x, edit.y, stroke=edit.stroke)
            else:
                self.picking.move(name, (edit.x, edit.y), (edit.to_x, edit.to_y), stroke=edit.stroke)
        except RelionlabError as error:
            self._message.say(str(error), wrong=True)
        self._tell()

    def _commanded(self, name: str, _content: dict[str, Any]) -> None:
        acts = {"undo": self.undo, "redo": self.redo, "next": self.next, "previous": self.previous, "save": self.save}
        try:
            if name in acts:
                acts[name]()
            elif name in _LEADS:
                self.follow(name)
            elif name == "keep":
                self.keep(self.name, kept=not self.picking.is_kept(self.name))
            elif name == "invert":
                self.picture.set(inverted=not self.picture.value.inverted)
            elif name == "ctf":
                self._ctf_button.value = not self._ctf_button.value
        except RelionlabError as error:
            self._message.say(str(error), wrong=True)

    def _ticked(self, act: Callable[..., None], indices: list[int]) -> None:
        act(*(self.picking.names[index] for index in indices))
        self._tell()

    # --- what is said ---------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        picking, name = self.picking, self.name
        place, count = picking.names.index(name), picking.count(name) or 0
        facts = [f"{place + 1} of {len(picking.names)}", f"<b>{many(count, 'pick')}</b>"]
        defocus = 0.5 * (picking.number(name, "rlnDefocusU") + picking.number(name, "rlnDefocusV"))
        limit = picking.number(name, "rlnCtfMaxResolution")
        facts += [f"{defocus / 1e4:.2f} µm"] if np.isfinite(defocus) else []
        facts += [f"CTF to {limit:.1f} Å"] if np.isfinite(limit) else []
        facts += [] if picking.is_kept(name) else ["dropped"]
        self._told.value = (
            f'<div style="padding-left:8px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis" title="{html.escape(name)}">'
            f'<b>{html.escape(Path(name).name)}</b> <span class="rl-muted">{" · ".join(facts)}</span></div>'
        )
        counts = self.list.counts
        if not counts or counts[place] != count:
            self.list.counts = [*counts[:place], count, *counts[place + 1 :]]
        self._tell_total()

    def _tell_counts(self) -> None:
        self.list.counts = [self.picking.count(name) for name in self.picking.names]
        self._tell_total()

    def _tell_total(self) -> None:
        picking = self.picking
        picked = sum(bool(picking.count(name)) for name in picking.kept)
        if picking.problem:
            state = f'<span class="rl-problem">{html.escape(picking.problem)}</span>'
        else:
            where = html.escape(picking.folder.rstrip("/"))
            state = f"saving in {where} …" if picking.unsaved else f"saved in {where}"
        left = len(picking.names) - len(picking.kept)
        dropped = f", {left} dropped" if left else ""
        self._total.value = (
            f"<b>{many(picking.total, 'pick')}</b> on {picked} of {many(len(picking.kept), 'micrograph')}{dropped}"
            f' <span class="rl-muted">· {state}</span>'
        )
