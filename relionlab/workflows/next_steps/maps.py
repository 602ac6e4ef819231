"""What follows maps: sorting, refinement, masks, sharpening, local resolution."""

from __future__ import annotations

import numpy as np

from relionlab.errors import RelionlabError
from relionlab.io.images import read_map
from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.jobs.refinement.outcome import outcome_of
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory
from relionlab.settings import usable_cores
from relionlab.workflows.map_choices import choose_classes, noise_threshold
from relionlab.workflows.next_jobs import Suggestion
from relionlab.workflows.next_steps import files
from relionlab.workflows.next_steps.particles import finer_extraction
from relionlab.workflows.sizes import MASK
from relionlab.workflows.sizes_used import last_value, made_from, mask_used, symmetry_used

COARSE = 5.0
"""Particle's diameter over the resolution to which references are filtered at first, so that they give shape and no detail."""
EDGE = 6.0
"""px of a mask's soft edge: RELION's tutorials give 6."""
_LARGE = 128  # px of a map beyond which looking for its axes takes more than seconds


def after_initial_model(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows an initial model."""
    particles = last_value(directory, "fn_img") or ""
    reference = _largest(files.made(directory, files.MAP), directory)
    if not particles or not reference:
        return []
    return [
        class_sort(directory, particles, reference=reference),
        refinement(directory, particles, reference=reference),
    ]


def after_class3d(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows a 3D classification: keeping its good classes."""
    choice = choose_classes(directory.path, symmetry=_affordable(directory))
    best = choice.kept
    keep = Select(fn_model=_model(directory), classes=",".join(map(str, best)), do_recenter=False)
    share = 100 * float(sum(choice.shares[number - 1] for number in best))
    told = f"Keep class {', '.join(map(str, best))} ({share:.0f} % of the particles): as fine and as symmetric as the best. Look at the maps first."
    found = [Suggestion(keep, "Keep good classes", told)]
    particles = last_value(directory, "fn_img") or ""
    largest = int(np.argmax(choice.shares)) + 1
    reference = next((node.path for node in directory.outputs if node.path.endswith(f"class{largest:03d}.mrc")), "")
    if particles and reference:
        found.append(refinement(directory, particles, reference=reference))
    return found if choice.tells else found[::-1]


def _affordable(directory: JobDirectory) -> str:
    """Return the point group that classes are looked at for: that used before, unless their maps are so large that it takes long."""
    from relionlab.io.images import open_image

    first = files.made(directory, files.MAP)
    side = open_image(files.place_of(directory, first)).header.shape[-1] if first else _LARGE + 1
    return symmetry_used(directory) if side <= _LARGE else "C1"


def after_refinement(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows a refinement: a mask, then sharpening; finer pixels where these limit it."""
    density = next((n.path for n in directory.outputs if n.kind.startswith(files.MAP) and "half" not in n.path), "")
    found = []
    if density:
        mask = MaskCreate(fn_in=density, inimask_threshold=_threshold(directory, density), width_mask_edge=EDGE)
        why = "Take the solvent away: the threshold is where noise ends. Check it in the picture."
        found.append(Suggestion(mask, "Make a mask", why))
    known, half = files.newest(directory, files.MASK), files.made(directory, files.HALF_MAP)
    if known and half and _fits(directory, known, half):
        found.append(_sharpen(half, known))
    finer = _finer(directory)
    return [*found, *finer]


def after_mask(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows a mask: sharpening the refinement that it was made from, or refining within it."""
    mask = files.made(directory, files.MASK)
    refined = next((place for place, job in made_from(directory) if isinstance(job, Refine3D)), None)
    if refined is None or not mask:
        return []
    half = files.made(refined, files.HALF_MAP)
    found = [_sharpen(half, mask)] if half else []
    job = refined.job
    assert isinstance(job, Refine3D)
    density = next(
        (n.path for n in refined.outputs if n.kind.startswith(files.MAP) and "half" not in n.path), job.fn_ref
    )
    again = job.changed(fn_mask=mask, do_solvent_fsc=True, fn_ref=density, ini_high=_coarse(directory), fn_cont="")
    why = "Once more, with the solvent masked away in each iteration: often finer."
    return [*found, Suggestion(again, "Refine within the mask", why)]


def after_sharpening(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows post-processing."""
    half, mask = last_value(directory, "fn_in"), last_value(directory, "fn_mask")
    found = []
    if half and mask:
        local = LocalRes(
            fn_in=half, fn_mask=mask, angpix=None, adhoc_bfac=_b_factor(directory), nr_threads=usable_cores()
        )
        found.append(Suggestion(local, "Local resolution", "See where the map is fine and where it is not."))
    refined = next((place for place, job in made_from(directory) if isinstance(job, Refine3D)), None)
    return [*found, *(_finer(refined) if refined is not None else [])]


def after_local_resolution(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows local resolution: looking for conformations without moving the particles."""
    refined = next((place for place, job in made_from(directory) if isinstance(job, Refine3D)), None)
    mask = last_value(directory, "fn_mask")
    if refined is None:
        return []
    density = next((n.path for n in refined.outputs if n.kind.startswith(files.MAP) and "half" not in n.path), "")
    sort = Class3D(
        fn_img=files.last_data(refined),
        fn_ref=density,
        fn_mask=mask or "",
        nr_classes=4,
        ini_high=_coarse(directory),
        dont_skip_align=False,
        particle_diameter=mask_used(directory),
        nr_threads=usable_cores(),
    )
    return [
        Suggestion(
            sort,
            "Look for conformations",
            "Sort the refined particles without moving them: coarse parts may be several states.",
        )
    ]


def refinement(directory: JobDirectory, particles: str, *, reference: str) -> Suggestion:
    """Return the refinement of particles, with symmetry and mask as used before."""
    job = Refine3D(
        fn_img=particles,
        fn_ref=reference,
        ref_correct_greyscale=True,
        ini_high=_coarse(directory),
        sym_name=symmetry_used(directory),
        particle_diameter=mask_used(directory),
        nr_threads=usable_cores(),
    )
    return Suggestion(job, "Refine", f"Refine the map in two independent halves, with symmetry {job.sym_name}.")


def class_sort(directory: JobDirectory, particles: str, *, reference: str) -> Suggestion:
    """Return the sorting of particles into maps, without symmetry, so that they may differ in it."""
    job = Class3D(
        fn_img=particles,
        fn_ref=reference,
        ref_correct_greyscale=True,
        ini_high=_coarse(directory),
        nr_classes=4,
        particle_diameter=mask_used(directory),
        nr_threads=usable_cores(),
    )
    return Suggestion(
        job, "3D classification", "Sort the particles into 4 maps: poor ones and other states part from the rest."
    )


def _sharpen(half: str, mask: str) -> Suggestion:
    job = PostProcess(fn_in=half, fn_mask=mask)
    return Suggestion(job, "Sharpen", "Find the resolution within the mask, and sharpen the map.")


def _coarse(directory: JobDirectory) -> float:
    return float(round(mask_used(directory) / MASK / COARSE))


def _model(directory: JobDirectory) -> str:
    from relionlab.jobs.refinement.rounds import last_round

    return directory.project.relative(last_round(directory.path).models[0])


def _largest(first: str, directory: JobDirectory) -> str:
    """Return the finished map of an InitialModel job: the aligned one of the largest class where there is one."""
    names = [node.path for node in directory.outputs if node.kind.startswith(files.MAP)]
    return next((name for name in names if name.endswith("initial_model.mrc")), first)


def _threshold(directory: JobDirectory, density: str) -> float:
    """Return the density where noise ends, by the half-maps; without them that which a twentieth of the box exceeds."""
    half = files.made(directory, files.HALF_MAP)
    first = files.place_of(directory, half)
    second = first.with_name(first.name.replace("half1", "half2"))
    if half and second.exists():
        return float(f"{noise_threshold(first, second, resolution=15.0, diameter=mask_used(directory)):.3g}")
    volume, _ = read_map(files.place_of(directory, density))
    return float(f"{np.percentile(volume, 95):.3g}")


def _fits(directory: JobDirectory, mask: str, half: str) -> bool:
    from relionlab.io.images import open_image

    sides = [open_image(files.place_of(directory, name)).header.shape for name in (mask, half)]
    return tuple(sides[0]) == tuple(sides[1])


def _finer(directory: JobDirectory) -> list[Suggestion]:
    """Return extraction without shrinking, where the pixels limit the resolution."""
    try:
        run = outcome_of(directory.path)
    except (RelionlabError, OSError):
        return []
    if run.resolution_angstrom > 1.1 * run.nyquist_angstrom:
        return []
    found = finer_extraction(directory, files.last_data(directory))
    return [found] if found is not None else []


def _b_factor(directory: JobDirectory) -> float:
    from relionlab.io.star import read_star

    table = read_star(directory.path / "postprocess.star")["general"]
    label = "rlnBfactorUsedForSharpening"
    return round(float(table.value(label)), 1) if label in table else 0.0
