"""The command ``relionlab simulate``: movies or micrographs of known truth, ready to be imported."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast, get_args

from relionlab.errors import InputError, ParameterError
from relionlab.io.particles import read_particles
from relionlab.simulation.exposures import SIZES, Exposures, exposures, meanings

_PAIRS = {"size": int, "defocus": float, "ice_thickness": float}


def main(arguments: Sequence[str]) -> int:
    """Simulate, saying how far it is, and what lies where."""
    parser = _parser()
    given = parser.parse_args(list(arguments))
    conditions = exposures(given.set, **_changes(given))
    target = Path(given.directory)
    if target.exists() and any(target.iterdir()) and not given.overwrite:
        raise InputError(f"{target} is not empty: give another folder, or --overwrite.")
    started = time.monotonic()
    made = _simulate(target, given, conditions)
    what = "micrographs" if given.set == "micrographs" else f"movies of {conditions.frames} frames"
    print(f"{conditions.count} {what} in {time.monotonic() - started:.0f} s: {made.star}")
    print(f"particles of {made.diameter:.0f} Å; the truth: {made.micrographs}, {made.particles}")
    counts = read_particles(made.micrographs, kind="micrographs").particles.numbers("relionlabParticles")
    if counts.min() < int(0.8 * conditions.particles):
        print(
            f"no room for {conditions.particles} particles on each: {counts.min():.0f} to {counts.max():.0f} are there."
        )
    return 0


def _simulate(target: Path, given: argparse.Namespace, conditions: Exposures) -> Any:
    from relionlab.simulation.micrographs import simulate_micrographs
    from relionlab.simulation.movies import simulate_movies

    make = simulate_micrographs if given.set == "micrographs" else simulate_movies

    def progress(done: int, total: int) -> None:
        print(f"\r {done} of {total}", end="\n" if done == total else "", flush=True)

    return make(
        target, _molecules(given, conditions), conditions, project=given.project, workers=given.j, progress=progress
    )


def _molecules(given: argparse.Namespace, conditions: Exposures) -> list[Any] | None:
    """Read molecules from files, or take the built-in ones named; maps are scaled so that the molecule's grey value is about 1."""
    if not given.molecule:
        return None
    from relionlab.simulation.assembly import Conformation, d2_assembly
    from relionlab.simulation.structures import read_atoms, read_molecule

    found: list[Any] = []
    for path in given.molecule:
        if path in get_args(Conformation):
            found.append(d2_assembly(cast("Conformation", path)))
        elif path.lower().removesuffix(".gz").endswith((".mrc", ".map", ".ccp4")):
            if not given.box:
                raise ParameterError(f"{path} is a map: say with --box how many pixels its box is to have.")
            map_ = read_molecule(path, given.box, conditions.pixel_size)
            found.append(map_ / map_[map_ > 0.15 * map_.max()].mean())
        else:
            found.append(read_atoms(path))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="relionlab simulate",
        description="Simulate movies or micrographs of known truth, in electrons and Å. What is not given is as in the set.",
    )
    add = parser.add_argument
    add("directory", help="folder to write into, best inside the project folder")
    add("--set", choices=tuple(SIZES), default="tiny", help="what to begin with (%(default)s)")
    add("--project", type=Path, help="names in the STAR files are relative to this folder (the folder itself)")
    add(
        "--molecule",
        action="append",
        help="PDB, mmCIF or map, or a built-in one: full, moved_subunit or missing_subunit; several times for"
        " conformations (full)",
    )
    add("--box", type=int, default=0, help="box in px for maps")
    add("--j", type=int, default=0, help="images at a time (one per core)")
    add("--overwrite", action="store_true", help="write into a folder that is not empty")
    told = meanings()
    for field in fields(Exposures):
        default, flag = field.default, f"--{field.name}"
        meaning = f"{told[field.name]} ({_usual(field.name)})".replace("%", "%%")
        if field.name in _PAIRS:
            names = ("LOW", "HIGH") if field.name != "size" else ("X", "Y")
            add(flag, type=_PAIRS[field.name], nargs=2, metavar=names, help=meaning)
        elif field.name == "fractions":
            add(flag, type=float, nargs="+", metavar="SHARE", help=meaning)
        elif isinstance(default, str):
            add(flag, metavar="NAME", help=meaning)
        else:
            add(flag, type=int if isinstance(default, int) else float, metavar="NUMBER", help=meaning)
    return parser


def _usual(name: str) -> str:
    """Return a field's value in the sets, once if it is the same in all."""
    values = {set_: _spoken(getattr(conditions, name)) for set_, conditions in SIZES.items()}
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    return ", ".join(f"{set_}: {value}" for set_, value in values.items())


def _spoken(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(f"{part:g}" for part in value) or "equal"
    return "from the molecules" if value is None else value if isinstance(value, str) else f"{value:g}"


def _changes(given: argparse.Namespace) -> dict[str, Any]:
    """Return what was asked for beyond the set."""
    values = {field.name: getattr(given, field.name) for field in fields(Exposures)}
    changes = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    known = {"form": ("tiff", "mrc"), "compression": ("lzw", "deflate", "zstd", "none")}
    for name, choices in known.items():
        if changes[name] is not None and changes[name] not in choices:
            raise ParameterError(f"--{name} {changes[name]}: expected one of {', '.join(choices)}.")
    return {name: value for name, value in changes.items() if value is not None}
