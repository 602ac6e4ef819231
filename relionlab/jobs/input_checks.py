"""What can be wrong with a job's inputs, told before it runs: what can be known in a moment, while somebody fills in a form.

First whether the files are there and of the kind that is wanted; then the job's program itself is asked to look at them
(:mod:`relionlab.jobs.looking`), so that it is said in the words that the run would use.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.input_facts import InputFacts, facts_or_none, input_facts
from relionlab.jobs.looking import look
from relionlab.params import Declared, Parameter

_WILD = "*?["
_BEGINNING = 80  # letters of a message within which a parameter's name says what it is about
_LOOSE = ("*", "ResMap*")
"""Patterns of what need not be a file of the project: a program, a list of defects or its absence."""
_WANTED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("MicrographMovieGroupMetadata", ("movies",), "a list of movies (of Import)"),
    ("MicrographGroupMetadata", ("micrographs",), "a list of micrographs (of Import, MotionCorr or CtfFind)"),
    ("MicrographCoordsGroup", ("coordinates", "other"), "coordinates (of a picking job)"),
    ("ParticleGroupMetadata", ("particles", "images"), "particles (of Extract, Select or a refinement)"),
    ("Image2DGroupMetadata", ("references", "images", "particles"), "class averages (of Class2D or Select)"),
    ("OptimiserData", ("optimiser", "references"), "an optimiser (run_itNNN_optimiser.star)"),
    ("DensityMap", ("map", "references"), "a map (*.mrc)"),
    ("Mask3D", ("map",), "a mask (of MaskCreate)"),
)
_CALLED = {"other": "a table of another kind", "map": "a map", "optimiser": "an optimiser", "references": "classes"}


@dataclass(frozen=True)
class InputFindings:
    """What a look at a job's inputs has found.

    problems  what keeps the job from running, in words that name the parameter
    doubts    what may be wrong, but does not keep it
    """

    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def input_findings(job: Declared, directory: Path, *, planned: Container[str] = ()) -> InputFindings:
    """Return what is wrong, or may be, with the files that a job names.

    directory  the project's, to which the names are relative
    planned    files that scheduled or running jobs will make: nothing is known of them yet

    Reads heads of images, lists, references and a few images.
    """
    named = list(named_files(job))
    looks = (_look(job, name, directory) for name, value in named if value not in planned)
    found = tuple(filter(None, looks))
    if found or not named or not isinstance(job, Job) or any(value in planned for _, value in named):
        return InputFindings(found)
    try:
        mistaken = job.wrong_inputs(directory)
    except RelionlabError as error:
        mistaken = str(error).replace(f"{directory}/", "")
    if mistaken:
        return InputFindings((_attributed(job, mistaken),))
    wrong = job.problems()
    if any(name and is_file(job.parameters()[name]) for name in (_about(job, text)[0] for text in wrong)):
        return InputFindings()  # an input is missing still
    try:
        commands = job.commands(f"{job.folder}/job000/")
    except (RelionlabError, ValueError, KeyError):  # a foreign job, or additional arguments that are half typed
        return InputFindings()
    problem, doubts = look(commands, directory, values=not wrong)
    problems = (_attributed(job, problem),) if problem else ()
    return InputFindings(problems, tuple(_attributed(job, text) for text in doubts))


def input_problems(job: Declared, directory: Path, *, planned: Container[str] = ()) -> list[str]:
    """Return what is wrong with the files that a job names, in words; empty if nothing is. See :func:`input_findings`."""
    return list(input_findings(job, directory, planned=planned).problems)


def input_words(job: Declared, directory: Path) -> dict[str, str]:
    """Return parameter -> what the file holds that it names ("1,742 particles, 3.54 Å/px"), where that is known."""
    told = {}
    for name, value in named_files(job):
        if any(sign in value for sign in _WILD):
            count = _matches(directory, value)
            told[name] = f"{count:,} {'file matches' if count == 1 else 'files match'}" if count else ""
        else:
            seen = facts_or_none(directory / value)
            told[name] = seen.words if seen is not None else ""
    return {name: words for name, words in told.items() if words}


def named_files(job: Declared) -> Iterator[tuple[str, str]]:
    """Yield parameter and value of every file that the job's present values name."""
    for name, parameter in job.parameters().items():
        value = getattr(job, name)
        if not is_file(parameter) or not isinstance(value, str) or not value or not job.applies(name):
            continue
        if parameter.pattern in _LOOSE or "@" in value:
            continue
        if parameter.names and {value, Path(value).stem} & set(_names(parameter)):  # comes from a library
            continue
        yield name, value


def is_file(parameter: Parameter) -> bool:
    """Say whether a parameter names a file."""
    return bool(parameter.node or parameter.pattern)


def _names(parameter: Parameter) -> tuple[str, ...]:
    try:
        return tuple(parameter.names()) if parameter.names else ()
    except RelionlabError:  # a setting that names nothing is said when the job is run
        return ()


def _matches(directory: Path, pattern: str) -> int:
    return len(glob.glob(pattern, root_dir=directory))  # noqa: PTH207 - the pattern may be absolute


def _look(job: Declared, name: str, directory: Path) -> str:
    """Return what is wrong with one file: it is not there, damaged, or of another kind."""
    value, called = getattr(job, name), job.called(name)
    if any(sign in value for sign in _WILD):
        nothing = f"{called}: no file matches {value}. Names are relative to the project folder."
        return "" if _matches(directory, value) else nothing
    path = directory / value
    if not path.exists():
        return f"{called}: {value} is not there. Choose another file, or the output of a scheduled job."
    if path.is_dir():
        return f"{called}: {value} is a folder; expected a file in it."
    try:
        return _kind_problem(job, name, input_facts(path))
    except RelionlabError as error:
        return f"{called}: {str(error).replace(f'{directory}/', '')}"


def kind_fits(parameter: Parameter, seen: InputFacts) -> bool:
    """Say whether a file holds what a parameter expects from another job."""
    return all(seen.kind in kinds for node, kinds, _ in _WANTED if (parameter.node or "").startswith(node))


def _kind_problem(job: Declared, name: str, seen: InputFacts) -> str:
    expected = job.expected(name) if isinstance(job, Job) else job.parameters()[name].node or ""
    for node, kinds, wanted in _WANTED:
        if expected.startswith(node) and seen.kind not in kinds:
            holds = _CALLED.get(seen.kind, seen.kind)
            return f"{job.called(name)}: {getattr(job, name)} holds {holds}; expected {wanted}."
    return ""


# --- what the program says ------------------------------------------------------------------------------------------


def _attributed(job: Declared, text: str) -> str:
    """Return a program's words with the form's names in place of its flags, and with the parameter that they are about."""
    fields = {parameter.flag: name for name, parameter in job.parameters().items() if parameter.flag}

    def named(found: re.Match[str]) -> str:
        name = fields.get(found["flag"])
        return found[0] if name is None else f"({name})" if found["open"] else job.called(name)

    told = re.sub(r"(?P<open>\((?:\w+, )?)?(?P<flag>--\w+)(?(open)\))", named, text)
    name, place = _about(job, told)
    if name and place < _BEGINNING:
        return told
    about = [name for name, value in named_files(job) if value in told] or [name for name, _ in named_files(job)][:1]
    return f"{job.called(about[0])}: {told}" if about else told


def _about(job: Declared, text: str) -> tuple[str, int]:
    """Return the parameter that a text names first, as "(fn_img)", and where; "" if it names none."""
    found = [(text.find(f"({name})"), name) for name in job.parameters() if f"({name})" in text]
    return (min(found)[1], min(found)[0]) if found else ("", 0)
