"""The form of a job, made from its declaration: tabs, units, sliders, explanations, checks, and what to do with it.

    form = JobForm(Class2D(nr_classes=20), project=project)

Every button calls one public method: ``run``, ``schedule``, ``continue_job``, ``abort``, ``clone``. What the form holds
is ``form.job``.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets as w

from relionlab.errors import ParameterError
from relionlab.jobs.base import Job
from relionlab.params import Declared
from relionlab.project import JobDirectory, Project
from relionlab.project.continuing import fresh_copy
from relionlab.widgets.forms.background import Newest
from relionlab.widgets.forms.changes import Changes
from relionlab.widgets.forms.copies import Copies
from relionlab.widgets.forms.field import WIDE, Field
from relionlab.widgets.forms.files import file_box
from relionlab.widgets.forms.form_look import form_style
from relionlab.widgets.forms.head import Head
from relionlab.widgets.forms.helpers_beside import helper_button
from relionlab.widgets.forms.inputs_look import InputsLook, cost_of, look_at_inputs
from relionlab.widgets.forms.launch import Launch
from relionlab.widgets.forms.pages import LEVELS, Pages
from relionlab.widgets.forms.start_values import StartValues
from relionlab.widgets.forms.starting import Starting
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.opening import Drawer, Opener
from relionlab.workflows.cost import Cost
from relionlab.workflows.next_jobs import Suggestion


class JobForm(Starting, w.VBox):
    """The form of a job type, or of any declaration.

    job        a job with the values to begin with, or a job type (its defaults)
    project    where Run puts the job, and whose files the fields offer; without one the form only makes ``job``
    level      "basic", "advanced" or "developer": which parameters are shown
    directory  the job that the form is about, to continue, clone or start it; see also :meth:`of`
    opener     where links and wizards open; without one below the pages
    """

    def __init__(
        self,
        job: Declared | type[Declared],
        *,
        project: Project | None = None,
        level: str = "basic",
        directory: JobDirectory | None = None,
        opener: Opener | None = None,
    ) -> None:
        start = job() if isinstance(job, type) else job
        self.declared = type(start)
        self.project = project
        self._values: dict[str, Any] = dict(start)
        self._unreadable: dict[str, str] = {}
        self._look_found = InputsLook()
        self._touched: set[str] = set()
        self._asked = False  # to run or schedule: from then on nothing is left unsaid
        self._drawer = Drawer()
        self.opener: Opener = opener or self._drawer
        self._message = Message()
        self._cost = w.HTML()
        self._background = Newest(slow=lambda: self._say_cost("Reading the inputs …"))
        self._pricing = Newest()
        self.fields = {name: self._new_field(name) for name in self.declared.parameters()}
        self._build(level)
        super().__init__(self._parts)
        self.add_class("rl-form")
        self._begin(directory)
        self.fill(start)

    @classmethod
    def of(cls, directory: JobDirectory, **options: Any) -> JobForm:
        """Return the form of a job that is there, with its values, to look at, continue or clone it."""
        return cls(directory.job, project=directory.project, directory=directory, **options)

    # --- what it holds ------------------------------------------------------------------------------------------

    @property
    def job(self) -> Any:
        """The job with the values of the form; raises ParameterError if a value cannot be read."""
        if self._unreadable:
            raise ParameterError(f"{self.declared.__name__}: " + " ".join(self._unreadable.values()))
        return self.declared(**self._values)

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words; empty if nothing is. Looks at no file."""
        readable = self._last_readable()
        return [text for name, text in self._unreadable.items() if readable.applies(name)] + [
            text for text in readable.problems() if self._name_in(text) not in self._unreadable
        ]

    def input_problems(self) -> list[str]:
        """Return what is wrong with the files that the form names, in words; waits until they have been looked at."""
        self._background.wait()
        return list(self._look_found.problems)

    def fill(self, job: Declared) -> None:
        """Show the values of a job."""
        self._values, self._unreadable = dict(job), {}
        for name, field in self.fields.items():
            field.write(self._values[name])
        self._check()

    def fill_as_usual(self, find: Callable[[], tuple[JobDirectory, Suggestion] | None]) -> None:
        """Fill in what usually follows what was done, once it is found, and say after which job; not over what was typed.

        find  as :func:`relionlab.workflows.suggested.usual`; it is called in a thread, since it may take some seconds
        """
        before = self._last_readable()

        def take(found: tuple[JobDirectory, Suggestion] | None) -> None:
            if self.directory is not None:  # run meanwhile: the job's own name stands there now
                return
            told = ""
            if found is not None and not self._touched and self._last_readable() == before:
                self.fill(found[1].job)
                told = f"after {found[0].name}"
            self._head.name(self.declared.title or self.declared.__name__, told)

        late = Newest(slow=lambda: self._head.name(self.declared.title, "filling in …"))
        late.ask(find, take)

    def set(self, **values: Any) -> None:
        """Change some values, as if they had been typed."""
        self.fill(self._last_readable().changed(**values))

    def reset(self, *names: str) -> None:
        """Give these parameters their defaults again; without names all but the inputs."""
        chosen = names or [name for name, parameter in self.declared.parameters().items() if not parameter.node]
        self.set(**{name: self.declared.default(name) for name in chosen})

    def clone(self) -> JobForm:
        """Return a form of a new job with the values of this one."""
        copy = self._last_readable()
        new = fresh_copy(copy) if isinstance(copy, Job) else copy
        return type(self)(new, project=self.project, level=self._head.level.value, opener=self.opener)

    def open_clone(self) -> w.Widget:
        """Open a form of a new job with the values of this one."""
        name = self.directory.name if self.directory is not None else self.declared.__name__
        return self.opener.open(f"New job as {name}", self.clone)

    def show(self, name: str) -> None:
        """Bring a parameter into view, at whatever level it is."""
        wanted = self.declared.parameters()[name].level
        if LEVELS.index(wanted) > LEVELS.index(self._head.level.value):
            self._head.level.value = wanted
        self._pages.jump(name)

    def offer(self, label: str, tip: str, method: Callable[[], Any], *, icon: str = "") -> None:
        """Put one more button beside Run, for what the page around this form can do with a job of its values."""
        self._launch.offer(button(label, tip, method, message=self._message, icon=icon, width="auto"))

    # --- how it is made -------------------------------------------------------------------------------------------

    def _new_field(self, name: str) -> Field:
        return Field(
            self.declared,
            name,
            on_change=self._field_changed,
            pick=lambda name: file_box(self.declared.parameters()[name], self.project, width=WIDE),
            helper=lambda name: helper_button(self, name, message=self._message),
        )

    def _build(self, level: str) -> None:
        self._changes = Changes(lambda names: self.reset(*names), self.show)
        extras: list[w.Widget] = [self._changes.toggle]
        panels: list[w.Widget] = [self._changes]
        if issubclass(self.declared, Job):
            self._values_of = StartValues(
                self.declared, self.project, present=self._last_readable, take=self._take, message=self._message
            )
            extras.insert(0, self._values_of.toggle)
            panels.insert(0, self._values_of)
        self._head = Head(self.declared, extras, level=level, found=self.show, change=self._reveal)
        self._pages = Pages(self.declared, self.fields)
        self._launch = Launch(self, message=self._message)
        self._copies = Copies()
        foot = [self._launch] if self.project is not None else []
        body = [self._head, *panels, self._pages, self._drawer]
        self._parts = [form_style(), *body, self._message, self._cost, *foot, self._copies]
        self._reveal()

    def _reveal(self) -> None:
        self._pages.show(level=self._head.level.value, explain=self._head.explain.value)

    def _entitle(self) -> None:
        alias = self.directory.alias_name if isinstance(self.directory, JobDirectory) else None
        name = self.directory.name if self.directory is not None else ""
        shown = " · ".join(filter(None, (name, (alias or "").rpartition("/")[2])))
        self._head.name(self.declared.title or self.declared.__name__, shown)

    def _take(self, job: Job) -> None:
        self.fill(fresh_copy(job))

    # --- what happens ---------------------------------------------------------------------------------------------

    def _field_changed(self, name: str) -> None:
        self._touched.add(name)
        try:
            self._values[name] = self.fields[name].read()
            self._unreadable.pop(name, None)
        except ParameterError as error:
            self._unreadable[name] = str(error)
        self._check()

    def _check(self) -> None:
        """Grey out what does not apply, show the job as code, and have its inputs looked at."""
        readable = self._last_readable()
        for name, field in self.fields.items():
            field.enable(applies=readable.applies(name))
        changed = self._changes.follow(readable)
        for name, field in self.fields.items():
            field.mark_changed(changed=name in changed)
        self._copies.follow(readable)
        self._say_problems()
        work = partial(look_at_inputs, readable, self.project)
        self._background.ask(work, partial(self._take_look, readable))

    def _take_look(self, job: Declared, found: InputsLook) -> None:
        """Show what the look at the inputs of a job has found."""
        self._look_found = found
        for name, field in self.fields.items():
            field.show_words(found.words.get(name, ""))
        self._copies.shell.text = found.shell
        self._say_problems()
        clear = not (found.problems or found.waits or self.problems())
        self._pricing.ask(partial(cost_of, job, self.project) if clear else lambda: None, self._take_cost)

    def _take_cost(self, cost: Cost | None) -> None:
        self._say_cost(*((cost.words, cost.warnings) if cost is not None else ("",)))

    def _say_problems(self) -> None:
        """Show what is wrong beside each field, and in how many; of fields that nobody has filled yet quietly."""
        by_name = self._by_name([*self.problems(), *self._look_found.problems])
        needed = {name for name in by_name if self._is_only_needed(name)}
        doubts = self._by_name(self._look_found.doubts)
        for name, field in self.fields.items():
            field.show_problem("" if name in needed else by_name.get(name, ""))
            field.show_needed(needed=name in needed, found=bool(self._values[name]))
            field.show_doubt(doubts.get(name, ""))
        wrong = {name: text for name, text in by_name.items() if name not in needed}
        self._pages.mark([name for name in wrong if name], needed=[name for name in needed if name])
        tabs = [tab for tab, names in self.declared.tabs().items() if not wrong.keys().isdisjoint(names)]
        where = f" (tab {', '.join(tabs)})" if tabs else ""  # it may be one that is not in view
        count = len(wrong)
        if wrong:
            needs = (
                f"{count} {'value needs' if count == 1 else 'values need'} a correction before the job can run{where}."
            )
            self._message.say(f"{needs} {wrong.get('', '')}", wrong=True)
        else:
            labels = [self.declared.parameters()[name].label for name in by_name if name]
            self._message.say(f"Needed before the job can run: {', '.join(labels)}." if labels else by_name.get("", ""))
        self._buttons()

    def _by_name(self, texts: Sequence[str]) -> dict[str, str]:
        """Return the texts by the field that they are about, "" for those about none."""
        found: dict[str, str] = {}
        for text in texts:
            name = self._name_in(text)
            said = text.removeprefix(f"{self.declared.called(name)}: ") if name else text  # it stands beside its label
            found[name] = f"{found[name]} {said}" if name in found else said
        return found

    def _is_only_needed(self, name: str) -> bool:
        """Say whether a field (or, "", the form as a whole) is incomplete only because nobody has come to it yet."""
        if self._asked or name in self._unreadable:
            return False
        if not name:
            return not self._touched
        return name not in self._touched and self._values[name] in (None, "", self.declared.default(name))

    def _say_cost(self, text: str, warnings: Sequence[str] = ()) -> None:
        lines = [f'<div class="rl-cost">{html.escape(text)}</div>'] if text else []
        lines += [f'<div class="rl-problem">{html.escape(warning)}</div>' for warning in warnings]
        self._cost.value = "".join(lines)
        self._cost.layout.display = "" if text else "none"

    def _last_readable(self) -> Any:
        return self.declared(**self._values)

    def _name_in(self, problem: str) -> str:
        """Return which field a problem is about: the first whose name stands in it in brackets."""
        found = [(problem.find(f"({name})"), name) for name in self.fields if f"({name})" in problem]
        return min(found)[1] if found else ""
