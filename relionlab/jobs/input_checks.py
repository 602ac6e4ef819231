"""What can be wrong with a job's inputs, told before it runs from the heads of its files alone.

The programs check the same, and more, when they run (and say it in the same words where these are theirs); this is what
can be known in a moment, while somebody fills in a form.
"""

from __future__ import annotations

import glob
from collections.abc import Container, Iterator
from pathlib import Path

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.input_facts import InputFacts, facts_or_none, input_facts
from relionlab.jobs.maps.half_maps import partner
from relionlab.params import Declared, Parameter

_WILD = "*?["
_TOLERANCE = 0.01  # pixel sizes that differ by less are the same
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


def input_problems(job: Declared, directory: Path, *, planned: Container[str] = ()) -> list[str]:
    """Return what is wrong with the files that a job names, in words; empty if nothing is.

    directory  the project's, to which the names are relative
    planned    files that scheduled or running jobs will make: nothing is known of them yet

    Looks at heads of files only, a few milliseconds each.
    """
    facts: dict[str, InputFacts] = {}
    found: list[str] = []
    for name, value in named_files(job):
        if value in planned:
            continue
        problem, seen = _look(job, name, directory)
        if problem:
            found.append(problem)
        elif seen is not None:
            facts[name] = seen
    return found or [*_sizes_of_maps(job, facts), *_particles(job, facts), *_halves(job, facts, directory)]


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


def _look(job: Declared, name: str, directory: Path) -> tuple[str, InputFacts | None]:
    """Return what is wrong with one file, or what it holds."""
    value, called = getattr(job, name), job.called(name)
    if any(sign in value for sign in _WILD):
        nothing = f"{called}: no file matches {value}. Names are relative to the project folder."
        return "" if _matches(directory, value) else nothing, None
    path = directory / value
    if not path.exists():
        return f"{called}: {value} is not there. Choose another file, or the output of a scheduled job.", None
    if path.is_dir():
        return f"{called}: {value} is a folder; expected a file in it.", None
    try:
        seen = input_facts(path)
    except RelionlabError as error:
        return f"{called}: {error}", None
    return _kind_problem(job, name, seen), seen


def kind_fits(parameter: Parameter, seen: InputFacts) -> bool:
    """Say whether a file holds what a parameter expects from another job."""
    return all(seen.kind in kinds for node, kinds, _ in _WANTED if (parameter.node or "").startswith(node))


def _kind_problem(job: Declared, name: str, seen: InputFacts) -> str:
    expected = job.parameters()[name].node or ""
    for node, kinds, wanted in _WANTED:
        if expected.startswith(node) and seen.kind not in kinds:
            holds = _CALLED.get(seen.kind, seen.kind)
            return f"{job.called(name)}: {getattr(job, name)} holds {holds}; expected {wanted}."
    return ""


# --- what must fit together -----------------------------------------------------------------------------------------


def _sizes_of_maps(job: Declared, facts: dict[str, InputFacts]) -> Iterator[str]:
    """Reference and mask against particles and half-maps."""
    basis = facts.get("fn_img") or (facts.get("fn_in") if "fn_mask" in facts else None)
    if basis is None or not basis.box:
        return
    resized = bool(getattr(job, "trust_ref_size", False))
    for name in ("fn_ref", "fn_mask"):
        seen = facts.get(name)
        if seen is None or seen.kind != "map" or not seen.box or resized:
            continue
        other = "particles" if basis.kind == "particles" else "half-maps"
        scale = bool(
            seen.pixel_size and basis.pixel_size and abs(seen.pixel_size / basis.pixel_size - 1) > 5 * _TOLERANCE
        )
        if seen.box != basis.box or scale:
            sizes = f"{seen.box} px of {seen.pixel_size or 0:.4g} Å", f"{basis.box} px of {basis.pixel_size or 0:.4g} Å"
            cure = f", or tick {job.called('trust_ref_size')}" if "trust_ref_size" in job.parameters() else ""
            yield f"{job.called(name)} has {sizes[0]}, the {other} {sizes[1]}: give one of the same box and scale{cure}."


def _particles(job: Declared, facts: dict[str, InputFacts]) -> Iterator[str]:
    """Mask diameter, number of classes and CTF against the particles."""
    seen = facts.get("fn_img")
    if seen is None or seen.kind not in ("particles", "images"):
        return
    if seen.box and seen.pixel_size and getattr(job, "particle_diameter", None):
        yield from _mask_problem(job, seen.box, seen.pixel_size)
    classes = getattr(job, "nr_classes", 1)
    if seen.count is not None and classes > seen.count:
        yield f"{job.called('nr_classes')} is {classes}, but there are only {seen.count} particles: give fewer classes."
    if getattr(job, "do_ctf_correction", False) and seen.kind == "particles" and "rlnDefocusU" not in seen.columns:
        yield (
            f"{job.called('fn_img')}: the particles have no CTF (no column rlnDefocusU). Estimate it before extracting"
            f" them, or switch CTF correction off (do_ctf_correction)."
        )


def _mask_problem(job: Declared, box: int, pixel_size: float) -> Iterator[str]:
    """Ask the program itself whether the mask fits into the box."""
    from relionlab.jobs.refinement.checks import check_mask
    from relionlab.jobs.refinement.program import Refine

    assert isinstance(job, Job)
    try:
        [command] = [made for made in job.commands(f"{job.folder}/job001/") if made.program == "refine"]
        check_mask(Refine.from_flags(command.arguments), box=box, pixel_size=pixel_size)
    except RelionlabError as error:
        yield str(error)
    except ValueError:  # a job that is done by another program, or whose additional arguments are half typed
        return


def _halves(job: Declared, facts: dict[str, InputFacts], directory: Path) -> Iterator[str]:
    """Half-maps: is the other half there."""
    half = facts.get("fn_in")
    if half is not None and (job.parameters()["fn_in"].node or "").endswith("halfmap"):
        try:
            other = partner(str(job.fn_in))  # type: ignore[attr-defined]
        except RelionlabError as error:
            yield f"{job.called('fn_in')}: {error}"
        else:
            if not (directory / other).exists():
                yield f"{job.called('fn_in')} has no partner: expected {other} beside it."
