"""What must hold of particles and references before a 3D classification or refinement may begin."""

from __future__ import annotations

import numpy as np

from relionlab.engine.fourier import rfft3_centred
from relionlab.engine.maps.fsc import shell_average
from relionlab.errors import ImageError, ParameterError, StarError
from relionlab.io.particles import Particles
from relionlab.jobs.context import Context
from relionlab.jobs.refinement.program import Refine

_ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
_HALF = "rlnRandomSubset"
_FEWEST_IN_HALF = 2
_FILTERED = 1e-5  # of the power of the strongest shell: below, a shell was filtered away
_HARMLESS = 6  # a reference may show this part of the particle's size unfiltered: its outline, no fold


def check_search(table: Particles, options: Refine, *, source: str) -> None:
    """Raise an InputError if the particles lack what the search builds upon: poses for local ones, halves that are whole."""
    _check_angles(table, source)
    needed = why_poses(options)
    angles = needed_angles(options)
    known = [label for label in angles if label in table or f"{label}Prior" in table]
    missing = [label for label in angles if label not in known]
    if needed and missing:
        raise StarError(
            f"{source} has no column {', '.join(missing)}, but {needed}: give particles that were refined before (the"
            " run_data.star of a Class3D or Refine3D), or search all angles."
        )
    held = [name for label in known for name in (label, f"{label}Prior") if name in table]
    if needed and all(not np.any(table.column(name)) for name in held):
        raise StarError(
            f"{source}: all angles are 0, but {needed}: give particles that were refined before (the run_data.star of a"
            " Class3D or Refine3D), or search all angles."
        )
    if options.split_random_halves:
        _check_halves(table, source)


def judge_references(maps: np.ndarray, options: Refine, context: Context, *, pixel_size: float, source: str) -> None:
    """Say what the reference maps (class, n, n, n) promise badly; raise ImageError if they cannot be used.

    pixel_size  Å of the maps
    source      the file that they are from
    """
    for number, map_ in enumerate(maps, start=1):
        if not np.all(np.isfinite(map_)):
            raise ImageError(f"{source}: reference {number} holds NaN or infinite values. Make it again.")
        if np.ptp(map_) == 0:
            raise ImageError(
                f"{source}: reference {number} is empty: all its values are {map_.flat[0]:g}. Give another."
            )
    finest = finest_resolution(maps[0], pixel_size)
    limit = options.ini_high
    harmless = (options.particle_diameter or maps.shape[-1] * pixel_size) / _HARMLESS
    if not limit and finest < harmless:
        context.warn(
            f"{source} has detail up to {finest:.1f} Å and is used as it is: what it shows may come back as if the particles"
            " had shown it. Filter it (--ini_high, as 40 or 60), unless it was made of these very halves."
        )
    elif limit and limit < 2 * pixel_size:
        context.warn(
            f"--ini_high is {limit:g} Å, finer than the {2 * pixel_size:.2f} Å that pixels of {pixel_size:g} Å can hold: it"
            " filters nothing. Give a coarser one, as 40 or 60."
        )


def finest_resolution(map_: np.ndarray, pixel_size: float) -> float:
    """Return the resolution (Å) of the last Fourier shell of a map (n, n, n) that was not filtered away."""
    n = map_.shape[-1]
    power = shell_average(np.abs(rfft3_centred(map_.astype(np.float32))) ** 2, n)
    kept = np.flatnonzero(power[1:] > _FILTERED * power[1:].max()) + 1
    return float(n * pixel_size / kept[-1])


def why_poses(options: Refine) -> str:
    """Return why the particles must have angles already, which are kept or searched around; "" if they need none."""
    if not options.dont_skip_align:
        return "--skip_align keeps the angles that they have"
    if options.skip_rotate:
        return "--skip_rotate keeps the angles that they have"
    if options.auto_refine and options.healpix_order >= options.auto_local_healpix_order:
        return (
            f"searches are local from the beginning (--healpix_order {options.healpix_order} is not below"
            f" --auto_local_healpix_order {options.auto_local_healpix_order})"
        )
    if options.local_sigmas() is not None:
        return "local searches (--sigma_ang, or of single angles) look around the angles that they have"
    return ""


def needed_angles(options: Refine) -> tuple[str, ...]:
    """Return the columns of the angles that the particles must have, where they need any (:func:`why_poses`)."""
    widths = options.local_sigmas()
    kept = not options.dont_skip_align or options.skip_rotate
    local = options.auto_refine and options.healpix_order >= options.auto_local_healpix_order
    if widths is None or kept or local:
        return _ANGLES
    return tuple(label for label, width in zip(_ANGLES, widths, strict=True) if width)


def _check_angles(table: Particles, source: str) -> None:
    for label in _ANGLES:
        bad = ~np.isfinite(np.asarray(table.column(label), float)) if label in table else np.zeros(0, bool)
        if bad.any():
            first = table.particles["rlnImageName"][bad][0]
            raise StarError(
                f"{source}: {label} is not a number for {bad.sum()} of {len(table)} particles, as {first}. Leave them out"
                " (Select), or repair the column."
            )


def _check_halves(table: Particles, source: str) -> None:
    """Raise if half-sets that the file gives are not two that can be refined apart."""
    if _HALF not in table:
        if len(table) < 2 * _FEWEST_IN_HALF:
            raise ParameterError(
                f"{source} has {len(table)} particles: two halves need at least {2 * _FEWEST_IN_HALF}. Give more particles."
            )
        return
    halves = np.asarray(table.column(_HALF)).astype(np.int64)
    strange = np.setdiff1d(halves, (1, 2))
    if strange.size:
        raise StarError(
            f"{source}: {_HALF} is {strange[0]} for {np.sum(halves == strange[0])} particles; expected 1 or 2. Remove the"
            " column (relionlab star_handler --remove_column rlnRandomSubset) to have halves drawn."
        )
    counts = [int(np.sum(halves == half)) for half in (1, 2)]
    if min(counts) < _FEWEST_IN_HALF:
        raise StarError(
            f"{source}: its half-sets ({_HALF}) have {counts[0]} and {counts[1]} particles; each needs at least"
            f" {_FEWEST_IN_HALF}. Remove the column to have halves drawn anew."
        )
    _, image = np.unique(table.particles["rlnImageName"], return_inverse=True)
    apart = np.bincount(image[halves == 1], minlength=image.max() + 1) * np.bincount(
        image[halves == 2], minlength=image.max() + 1
    )
    if apart.any():
        first = table.particles["rlnImageName"][np.flatnonzero(apart[image])[0]]
        raise StarError(
            f"{source}: copies of {np.sum(apart > 0)} images, as {first}, are in both half-sets ({_HALF}), which then share their"
            " noise: the resolution would be judged by it. Expand particles that have half-sets (the run_data.star of a Refine3D),"
            " or remove the column to have halves drawn."
        )
