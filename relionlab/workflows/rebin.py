"""The re-bin ladder: extract refined particles again at finer and finer binning, their shifts applied, in one call.

Scipion's and RELION's advice is to clean up particles that are binned strongly, where alignment is fast, and to come
back to full resolution step by step (8 → 4 → 2 → 1). Each rung cuts the boxes at the places that the last refinement
found; what is left below a pixel stays in the origins. Which particle is which stays known by its place on the
micrograph (:mod:`relionlab.jobs.star.particle_sets`).
"""

from __future__ import annotations

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


def rebin_ladder(
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
