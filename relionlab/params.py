"""How a parameter is declared: once, with everything that any front end needs to know about it.

A declaration is a frozen pydantic model whose fields carry a :class:`Parameter`:

    ParticleDiameter = Annotated[float, Parameter(
        label="Mask diameter", help="Diameter of the circular mask …", tab="Optimisation", unit="Å",
        key="particle_diameter", flag="--particle_diameter", bounds=(0, None), suggested=(50, 500, 10))]

    class Class2D(Job):
        particle_diameter: ParticleDiameter = 200.0

Named aliases are shared: a program that has another default than the form writes ``particle_diameter:
ParticleDiameter = -1`` and inherits everything else. From the declaration follow the form, the command line,
``job.star``, JSON, the notebook cell, validation and the reference page.
"""

from __future__ import annotations

import operator
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from relionlab.errors import ParameterError

Dialect = Literal["3.1", "4", "5"]
"""The RELION release whose files are read or written; 3.1 is what new projects get."""

DIALECTS: tuple[Dialect, ...] = ("3.1", "4", "5")
TAB_ORDER = ("I/O", "General", "Reference", "CTF", "Optimisation", "Sampling", "Helix", "", "Compute", "Running")
"""RELION's order of the pages; pages of other names stand where the empty one does, in the order of the declaration."""

_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class When:
    """A condition on another parameter, as data, so that form and validation read the same rule."""

    field: str
    comparison: str = "=="
    value: Any = True

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Say whether the condition holds for these parameter values."""
        return bool(_COMPARE[self.comparison](values[self.field], self.value))

    def __str__(self) -> str:
        return f"{self.field} {self.comparison} {self.value!r}"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What is to be known about one parameter.

    label       what the form calls it
    help        what it means, what it changes, when to touch it
    tab         the form's page
    unit        "Å", "°", "px", …, or "unitless"
    level       who should see it: "basic", "advanced" or "developer"
    key         its name in job.star; a mapping dialect -> name where RELION releases differ (absent: not written)
    flag        its command-line flag; ``None``: the program does not know it
    other_flags flags of other RELION releases with the same meaning; understood, never written
    flag_factor the flag's value over the form's value (psi_step is twice psi_sampling, at oversampling 1)
    flag_if     for a truth value: the value at which the flag is given
    bounds      (lowest, highest) allowed value; ``None``: open; suggested: (lowest, highest, step) of the slider
    none_as     the text that stands for ``None`` on disk and on the command line, as "-1"
    required    an empty value is an error
    when        the parameter applies only if all these conditions hold; otherwise it is greyed out and not sent
    on_continue may be changed when a job is continued
    once        counts for one run: a finished job that is continued has forgotten it
    unused      understood for RELION's sake, and changes nothing here
    node        kind of file that is an input from another job, as "ParticleGroupMetadata.star"
    pattern     file name pattern for browsing, as "*_data.star"; names: lists what may be named instead, as detectors
    wizard      word for the picture beside which the value is found, see widgets/forms/wizards
    """

    label: str
    help: str
    tab: str
    unit: str = "unitless"
    level: Literal["basic", "advanced", "developer"] = "basic"
    key: str | Mapping[Dialect, str] | None = None
    flag: str | None = None
    other_flags: tuple[str, ...] = ()
    flag_factor: float = 1.0
    flag_if: bool = True
    bounds: tuple[float | None, float | None] = (None, None)
    suggested: tuple[float, float, float] | None = None
    none_as: str | None = None
    required: bool = False
    when: tuple[When, ...] = ()
    on_continue: bool = False
    once: bool = False
    unused: bool = False
    node: str | None = None
    pattern: str | None = None
    names: Callable[[], Iterable[str]] | None = None
    wizard: str | None = None

    def key_in(self, dialect: Dialect) -> str | None:
        """Return the name in a job.star of this dialect, ``None`` if it has none there."""
        if self.key is None or isinstance(self.key, str):
            return self.key
        return self.key.get(dialect)

    def on_flag(self, value: Any) -> Any:
        """Return the value that the flag has for a value of the form."""
        return value if value is None or self.flag is None or self.flag_factor == 1 else value * self.flag_factor


def flagged(label: str, flag: str, help: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    """Declare a parameter of a program by its label, flag and help; ``partial(flagged, tab=…)`` serves a whole page."""
    return Parameter(label=label, flag=flag, help=help, **more)


class Declared(BaseModel):
    """Base of jobs and programs: a frozen, comparable, printable set of parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    title: ClassVar[str] = ""
    typed_as_flags: ClassVar[bool] = False
    """Whether people type these values as flags: then messages name the flag and its value, not the form's."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ParameterError(_wording(type(self), error)) from None

    # --- the declaration -------------------------------------------------------------------------------------

    @classmethod
    @cache
    def parameters(cls) -> dict[str, Parameter]:
        """Return the declaration of every field, in form order."""
        found = {}
        for name, field in cls.model_fields.items():
            declared = [entry for entry in field.metadata if isinstance(entry, Parameter)]
            if declared:
                found[name] = declared[-1]
        return found

    @classmethod
    def tabs(cls) -> dict[str, list[str]]:
        """Return the form's pages, in RELION's order (:data:`TAB_ORDER`): tab -> field names."""
        pages: dict[str, list[str]] = {}
        for name, parameter in cls.parameters().items():
            pages.setdefault(parameter.tab, []).append(name)
        return {tab: pages[tab] for tab in sorted(pages, key=_tab_rank)}

    @classmethod
    def default(cls, name: str) -> Any:
        """Return the default value of a field."""
        return cls.model_fields[name].get_default(call_default_factory=True)

    @classmethod
    @cache
    def kind(cls, name: str) -> tuple[type, tuple[Any, ...]]:
        """Return the plain type of a field (bool, int, float or str) and its choices (empty: free)."""
        annotation = cls.model_fields[name].annotation
        choices: tuple[Any, ...] = ()
        if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
            annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
        if typing.get_origin(annotation) is Literal:
            choices = typing.get_args(annotation)
            annotation = type(choices[0])
        return typing.cast(type, annotation), choices

    @classmethod
    def called(cls, name: str) -> str:
        """Return what messages call a field: as it was typed, so that it is found again."""
        parameter = cls.parameters().get(name)
        if parameter is None:
            return name
        if cls.typed_as_flags and parameter.flag is not None:
            return f"{parameter.flag} ({parameter.label})"
        return f"{parameter.label} ({name})"

    # --- values ------------------------------------------------------------------------------------------------

    def applies(self, name: str) -> bool:
        """Say whether a parameter's conditions hold, so that its value counts.

        A program shares declarations with forms that have more fields; conditions on fields it lacks do not bind it.
        """
        values = dict(self)
        return all(condition.holds(values) for condition in self.parameters()[name].when if condition.field in values)

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words; empty if nothing is. Looks at no file."""
        found = []
        for name, parameter in self.parameters().items():
            value = getattr(self, name)
            if not self.applies(name):
                continue
            if parameter.required and value in (None, ""):
                found.append(f"{self.called(name)} is empty: give {_article(parameter)}.")
            if isinstance(value, int | float) and not isinstance(value, bool):
                low, high = parameter.bounds
                if (low is not None and value < low) or (high is not None and value > high):
                    found.append(f"{self.called(name)} is {self._typed(name, value)}; {self._allowed(name)}.")
        return found

    def check(self) -> None:
        """Raise a ParameterError that lists everything that is wrong with the values."""
        found = self.problems()
        if found:
            raise ParameterError(f"{self.spoken_name()}: " + " ".join(found))

    def changed(self, **changes: Any) -> Self:
        """Return a copy with other values, validated; what was not given before does not count as given now."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**{**given, **changes})

    def __repr__(self) -> str:
        """Return a line of Python that makes this value: only what differs from the defaults."""
        parts = [f"{name}={value!r}" for name, value in self if value != self.default(name)]
        return f"{type(self).__name__}({', '.join(parts)})"

    __str__ = __repr__

    # --- command line ------------------------------------------------------------------------------------------

    def flags(self, *, continued: bool = False) -> list[str]:
        """Return the arguments that express these values, ``continued``: that may then be changed; those that apply."""
        arguments: list[str] = []
        for name, parameter in self.parameters().items():
            value = getattr(self, name)
            if parameter.flag is None or not self.applies(name) or (continued and not parameter.on_continue):
                continue
            if isinstance(value, bool):
                if value is parameter.flag_if:
                    arguments.append(parameter.flag)
            elif value not in (None, ""):
                arguments += [parameter.flag, to_text(parameter.on_flag(value))]
        return arguments

    @classmethod
    def program_name(cls) -> str:
        """Return what the command line calls this: a program's ``name``, else the class in lower case."""
        return getattr(cls, "name", cls.__name__.lower())

    @classmethod
    def spoken_name(cls) -> str:
        """Return what messages call this: the program as it is typed, a job type as its folder is named."""
        return cls.program_name() if cls.typed_as_flags else cls.__name__

    @classmethod
    def from_flags(cls, arguments: Sequence[str]) -> Self:
        """Make the value from command-line arguments; raises ParameterError for an unknown or incomplete one."""
        by_flag = {flag: name for name, p in cls.parameters().items() if p.flag for flag in (p.flag, *p.other_flags)}
        values: dict[str, Any] = {}
        rest = list(arguments)
        while rest:
            flag, equals, attached = rest.pop(0).partition("=")
            if flag not in by_flag:
                raise ParameterError(f"{cls.program_name()}: unknown argument {flag!r}. {_nearest(flag, by_flag)}")
            name = by_flag[flag]
            parameter, (plain, _) = cls.parameters()[name], cls.kind(name)
            if plain is bool:
                values[name] = (cls.parse(name, attached) if equals else True) == parameter.flag_if
                continue
            if equals:
                text = attached
            elif rest and (rest[0] not in by_flag) and not rest[0].startswith("--"):
                text = rest.pop(0)
            elif flag == "--gpu":  # RELION accepts --gpu with and without a list of devices
                text = ""
            else:
                raise ParameterError(
                    f"{cls.program_name()}: {flag} needs a value ({parameter.label}{_in_unit(parameter)})."
                )
            value = cls.parse(name, text)
            values[name] = (
                value if value is None or parameter.flag_factor == 1 else plain(value / parameter.flag_factor)
            )
        return cls(**values)

    # --- job.star ----------------------------------------------------------------------------------------------

    def job_options(self, dialect: Dialect = "3.1") -> dict[str, str]:
        """Return job.star's variables and values as RELION of this dialect writes them, sorted by variable.

        For 3.1, what only later RELIONs know is written too where it is set: RELION 3.1 ignores it, a run of ours needs it.
        """
        options = {}
        for name, parameter in self.parameters().items():
            value, key = getattr(self, name), parameter.key_in(dialect)
            if key is None and dialect == "3.1" and value != self.default(name):
                key = parameter.key_in("4") or parameter.key_in("5")
            if key is not None:
                options[key] = to_text(value) if value is not None else (parameter.none_as or "")
        return dict(sorted(options.items()))

    @classmethod
    def fields_by_key(cls) -> dict[str, str]:
        """Return job.star variable -> field, over all dialects."""
        return {
            key: name
            for name, parameter in cls.parameters().items()
            for dialect in DIALECTS
            if (key := parameter.key_in(dialect)) is not None
        }

    @classmethod
    def parse(cls, name: str, text: str) -> Any:
        """Turn the text of a STAR file or a command line into the field's value."""
        parameter, (plain, _) = cls.parameters()[name], cls.kind(name)
        text = text.strip()
        if parameter.none_as is not None and text in (parameter.none_as, ""):
            return "" if cls.default(name) == "" else None
        try:
            if plain is bool:
                return {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}[text.lower()]
            if plain is int:
                number = float(text)
                if number != int(number):
                    raise ValueError
                return int(number)
            return plain(text)
        except (KeyError, ValueError):
            raise ParameterError(
                f"{cls.called(name)} is {text!r}; expected {_TYPE_WORDS[plain]}{_in_unit(parameter)}."
            ) from None

    # --- wording -----------------------------------------------------------------------------------------------

    @classmethod
    def _typed(cls, name: str, value: float) -> str:
        """Return a number with its unit, as it would be typed."""
        parameter = cls.parameters()[name]
        text = to_text(parameter.on_flag(value) if cls.typed_as_flags else value)
        return text if parameter.unit == "unitless" else f"{text} {parameter.unit}"

    @classmethod
    def _allowed(cls, name: str) -> str:
        low, high = (None if bound is None else cls._typed(name, bound) for bound in cls.parameters()[name].bounds)
        if low is not None and high is not None:
            return f"it must lie between {low} and {high}"
        return f"it must be at least {low}" if low is not None else f"it must be at most {high}"


def _tab_rank(tab: str) -> int:
    return TAB_ORDER.index(tab if tab in TAB_ORDER else "")


def _in_unit(parameter: Parameter) -> str:
    return "" if parameter.unit == "unitless" else f" in {parameter.unit}"


_TYPE_WORDS = {bool: "Yes or No", int: "a whole number", float: "a number", str: "text"}


def to_text(value: Any) -> str:
    """Write a value as RELION does: Yes/No, whole numbers without a point, numbers with up to nine digits."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        return f"{value:.9g}"
    return "" if value is None else str(value)


def _article(parameter: Parameter) -> str:
    return f"a file ({parameter.pattern})" if parameter.pattern else f"a value{_in_unit(parameter)}"


def _nearest(flag: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(flag, list(known), 1)
    return f"Did you mean {close[0]}?" if close else "Use --help for the list."


def _wording(declared: type[Declared], error: ValidationError) -> str:
    """Say pydantic's findings in the house's words."""
    lines = []
    for item in error.errors():
        name = str(item["loc"][0]) if item["loc"] else ""
        if item["type"] == "extra_forbidden":
            lines.append(f"there is no parameter {name!r}. {_nearest(name, declared.model_fields)}")
            continue
        plain, choices = declared.kind(name) if name in declared.model_fields else (str, ())
        expected = f"one of {', '.join(map(repr, choices))}" if choices else _TYPE_WORDS.get(plain, plain.__name__)
        lines.append(f"{declared.called(name)} is {item['input']!r}; expected {expected}.")
    return f"{declared.spoken_name()}: " + " ".join(lines)
