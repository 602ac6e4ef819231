"""The re-bin ladder: extract refined particles again at finer and finer binning, their shifts applied, in one call.

Scipion's and RELION's advice is to clean up particles that are binned strongly, where alignment is fast, and to come
back to full resolution step by step (8 → 4 → 2 → 1). Each rung cuts the boxes at the places that the last refinement
found; what is left below a pixel stays in the origins. Which particle is which stays known by its place on the
micrograph (:mod:`relionlab.jobs.star.particle_sets`).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relionlab.errors import InputError, ParameterError, RunError
from relionlab.jobs.extraction.job import Extract
from relionlab.project import JobDirectory, Project

Refine = Callable[[str, int], str]
"""Refines one rung: takes its particles.star and its binning, returns the list with the new shifts, both relative to the
project (as a Class2D's or Refine3D's run_itNNN_data.star)."""


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    binning    1 is the micrographs' own pixel size
    job        the Extract job
    particles  its list, relative to the project
    refined    the list with the shifts that were found on it; the same where nothing was refined
    """

    binning: int
    job: JobDirectory
    particles: str
    refined: str


def rebin(
    project: Project,
    particles: str,
    micrographs: str,
    *,
    box: int,
    binnings: Sequence[int] = (8, 4, 2, 1),
    refine: Refine | None = None,
    template: Extract | None = None,
    say: Callable[[str], None] = print,
) -> list[Rung]:
    """Extract particles at each binning in turn, recentred on the shifts of the rung before; return the rungs.

    particles    a list with refined shifts (rlnOriginX/YAngst), or of picks extracted before (shifts 0)
    micrographs  the list to cut from
    box          side in px of the micrograph; box / binning must be even for each binning
    binnings     in falling order
    refine       called on each rung but the last for new shifts; ``None``: those of ``particles`` are applied at the first
                 rung, and the others only change the binning
    template     an Extract job with other wishes (contrast, background, dust); its inputs and sizes are set here
    Coordinates become the whole pixels at which boxes are cut, so that coordinate minus origin is where the particle is.

    Raises ParameterError for sizes that do not fit, RunError if a rung fails.
    """
    _check(box, binnings)
    base = template or Extract(star_mics=micrographs)
    rungs: list[Rung] = []
    current = particles
    for number, binning in enumerate(binnings):
        job = base.changed(
            star_mics=micrographs,
            coords_suffix="",
            do_reextract=True,
            fndata_reextract=current,
            do_recenter=True,
            do_reset_offsets=False,
            extract_size=box,
            do_rescale=binning > 1,
            rescale=box // binning,
            other_args=f"{base.other_args} --whole_coordinates".strip(),
        )
        job.check()
        directory = project.run(job, wait=True)
        if directory.state != "finished":
            raise RunError(
                f"binning {binning}: {directory.name} {directory.state}: {directory.message} See its run.err."
            )
        made = directory.outputs[0].path
        say(f"binning {binning}: {directory.name}, {box // binning} px boxes")
        last = number == len(binnings) - 1
        current = made if refine is None or last else refine(made, binning)
        rungs.append(Rung(binning, directory, made, current))
    return rungs


def main(arguments: Sequence[str]) -> int:
    """Go down the ladder in the project of this folder: ``relionlab rebin``."""
    parser = argparse.ArgumentParser(
        prog="relionlab rebin",
        description="Extract refined particles again, at finer and finer binning: one Extract job per binning, the boxes moved "
        "to where the shifts say. To refine in between, take one binning at a time.",
    )
    parser.add_argument(
        "--i", required=True, help="particles with refined shifts, as Class2D/job005/run_it025_data.star"
    )
    parser.add_argument("--micrographs", required=True, help="list to cut from, as CtfFind/job003/micrographs_ctf.star")
    parser.add_argument("--box", required=True, type=int, help="side of the box in px of the micrographs")
    parser.add_argument("--binnings", default="8,4,2,1", help="falling, with commas between them (%(default)s)")
    parser.add_argument("--bg_diameter", type=int, help="background circle in px of the micrographs (75%% of the box)")
    parser.add_argument("--no_invert", action="store_true", help="the particles are white already")
    given = parser.parse_args(list(arguments))
    template = Extract(star_mics=given.micrographs, bg_diameter=given.bg_diameter, do_invert=not given.no_invert)
    rungs = rebin(
        Project.open(), given.i, given.micrographs, box=given.box, binnings=_numbers(given.binnings), template=template
    )
    print(rungs[-1].particles)
    return 0


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise ParameterError(
            f"rebin: --binnings is {text!r}; expected whole numbers with commas between them, as 8,4,2,1."
        ) from None


def _check(box: int, binnings: Sequence[int]) -> None:
    if not binnings or any(step < 1 for step in binnings):
        raise InputError(f"the binnings are {list(binnings)}: expected whole numbers from 1, as 8, 4, 2, 1.")
    if list(binnings) != sorted(set(binnings), reverse=True):
        raise InputError(f"the binnings are {list(binnings)}: expected each once, in falling order, as 8, 4, 2, 1.")
    wrong = [step for step in binnings if box % (2 * step)]
    if wrong:
        fitting = 2 * max(binnings)
        raise ParameterError(
            f"a box of {box} px cannot be binned by {wrong[0]} to an even size: take a multiple of {fitting} px, as"
            f" {-(-box // fitting) * fitting}."
        )
