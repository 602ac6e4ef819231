"""What all wizards have: they read the form's input in the background, show a picture, and write numbers back."""

from __future__ import annotations

import html
import threading
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as w

from relionlab.display.handles import Outline
from relionlab.errors import ParameterError, RelionlabError
from relionlab.widgets.forms.wizards.number import Number
from relionlab.widgets.parts.buttons import Message
from relionlab.widgets.parts.live_figure import FigureEvent, LiveFigure
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Opener

_CSS = Path(__file__).with_name("wizard.css")


class Wizard(w.VBox):
    """A picture beside numbers of a form.

    form    has ``job``, ``project`` and ``set(**values)``; where its ``fields`` can be watched, the picture follows them
    name    the parameter whose button was pressed
    opener  where links lead

    A subclass says what it reads (:meth:`read`, away from the screen) and what it shows of that (:meth:`build`,
    :meth:`redraw`). The numbers are ``numbers``, by name; ``outlines`` are those that can be dragged in the picture.
    """

    title: ClassVar[str] = ""
    sentence: ClassVar[str] = ""
    inputs: ClassVar[tuple[str, ...]] = ()
    """Fields whose file is looked at: when one changes, the picture is made again."""

    def __init__(self, form: Any, name: str, *, opener: Opener | None = None) -> None:
        self.form, self.name, self.opener = form, name, opener
        self.numbers: dict[str, Number] = {}
        self.outlines: dict[str, Outline] = {}
        self.live: LiveFigure | None = None
        self._grip: tuple[Any, str] | None = None
        self._turn, self._writing, self._done = 0, False, threading.Event()
        self._message = Message()
        self._place = w.Box(layout=w.Layout(min_height="40px"))
        text = f'<b class="rl-wizard-title">{html.escape(self.title)}</b> <span class="rl-muted">{html.escape(self.sentence)}</span>'
        css = w.HTML(f"<style>{_CSS.read_text()}</style>", layout=w.Layout(display="block", height="0", margin="0"))
        super().__init__([style_sheet(), css, w.HTML(text), self._message, self._place])
        self.add_class("rl-wizard")
        self._watch_form()
        self.look()

    # --- what a subclass says ------------------------------------------------------------------------------------

    def read(self, job: Any) -> Any:
        """Return what is shown, read from the job's inputs; runs in a thread of its own. Raises RelionlabError."""
        raise NotImplementedError

    def build(self, found: Any) -> list[w.Widget]:
        """Return the widgets that show it; sets ``live``, ``numbers`` and ``outlines``."""
        raise NotImplementedError

    def redraw(self, name: str) -> None:
        """Change the picture after a number has changed; by default its outline."""
        if self.live is not None and name in self.outlines:
            x, y = self.outlines[name].line(self.numbers[name].value)
            self.live.data(f"outline:{name}", x=x, y=y)

    # --- what anybody may call -----------------------------------------------------------------------------------

    def look(self) -> None:
        """Read the inputs that the form names now and show them."""
        self._turn += 1
        self._done.clear()
        self._message.say("Reading some of the input; in a large project that takes a few seconds …")
        threading.Thread(target=self._look, args=(self._turn,), name="relionlab-wizard", daemon=True).start()

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until the picture is there; says whether it is."""
        return self._done.wait(seconds) and self.live is not None

    def change(self, name: str, value: float, *, tell: bool = True) -> None:
        """Set a number: in the picture and, ``tell``, in the form."""
        number = self.numbers[name]
        number.show(value)
        self.redraw(name)
        if tell:
            self.tell(name)

    def tell(self, name: str) -> None:
        """Write a number into the form."""
        value = self.numbers[name].value
        plain = self.form.declared.kind(name)[0] if hasattr(self.form, "declared") else float
        self.write({name: plain(value)})

    def write(self, values: dict[str, Any]) -> None:
        """Write values into the form; what it will not take is said."""
        self._writing = True
        try:
            self.form.set(**values)
            self._message.say("")
        except ParameterError as error:
            self._message.say(str(error), wrong=True)
        finally:
            self._writing = False

    # --- for the subclasses --------------------------------------------------------------------------------------

    @property
    def directory(self) -> Path:
        """The folder to which the names of files are relative."""
        project = getattr(self.form, "project", None)
        return project.directory if project is not None else Path.cwd()

    def number(self, job: Any, name: str, *, value: float, span: tuple[float, float, float], color: str = "") -> Number:
        """Make the row of a number and keep it."""
        made = Number(name, type(job).parameters()[name], value=value, span=span, color=color, on_change=self._changed)
        self.numbers[name] = made
        return made

    def beside(self, *numbers: w.Widget, left: tuple[w.Widget, ...] = ()) -> w.Box:
        """Return the picture with the numbers to its right, and what stands to its left."""
        side = w.VBox(numbers)
        side.add_class("rl-wizard-side")
        row = w.Box([*left, self.live, side])
        row.add_class("rl-wizard-row")
        return row

    def draggable(self, figure: Any, *, description: str, handles: tuple[str, ...] = ("picture",)) -> LiveFigure:
        """Show a figure in which the outlines follow the pointer."""
        self.live = LiveFigure(figure, handles=handles, description=description)
        self.live.on("drag", self._dragged)
        self.live.on("drop", self._dropped)
        for name in self.outlines:
            self.redraw(name)
        return self.live

    def grabbed(self, x: float, y: float) -> str:
        """Return which number a pointer pressed at a point takes hold of: the one whose outline is nearest."""
        apart = {name: outline.apart(self.numbers[name].value, x, y) for name, outline in self.outlines.items()}
        return min(apart, key=apart.__getitem__) if apart else ""

    # --- what happens --------------------------------------------------------------------------------------------

    def _look(self, turn: int) -> None:
        try:
            job = self.form.job
            found = self.read(job)
            if turn != self._turn:
                return
            self.numbers, self.outlines, self.live = {}, {}, None
            self._place.children = tuple(self.build(found))
            self._message.say("")
        except (RelionlabError, OSError) as error:
            if turn == self._turn:
                self._place.children, self.live = (), None
                self._message.say(str(error), wrong=True)
        finally:
            if turn == self._turn:
                self._done.set()

    def _changed(self, name: str, value: float) -> None:
        self.change(name, value)

    def _dragged(self, event: FigureEvent) -> None:
        if event.start is None:
            return
        if self._grip is None or self._grip[0] != event.start:
            self._grip = (event.start, self.grabbed(*event.start))
        name = self._grip[1]
        if name:
            self.change(name, self.outlines[name].value_at(event.x, event.y), tell=False)

    def _dropped(self, event: FigureEvent) -> None:
        self._dragged(event)
        if self._grip is not None and self._grip[1]:
            self.tell(self._grip[1])
        self._grip = None

    def _watch_form(self) -> None:
        fields = getattr(self.form, "fields", {})
        for name in self.inputs:
            entry = getattr(fields.get(name), "entry", None)
            if entry is not None:
                entry.observe(lambda _change: None if self._writing else self.look(), "value")
