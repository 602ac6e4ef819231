"""From where the particles are seen, and how evenly that covers Fourier space."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.sphere import sphere_map
from relionlab.display.words import many
from relionlab.engine.orientations import Coverage, view_counts
from relionlab.engine.sampling import healpix, sampling
from relionlab.engine.symmetry import point_group
from relionlab.errors import StarError
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.refinement.direction_file import write_directions
from relionlab.jobs.refinement.outcome import coverage_of, particles_of, step_of, symmetry_of
from relionlab.jobs.refinement.rounds import Round, column, last_round

_PER_POINT = 3  # views on the average for each point of the map: fewer show noise
_FINEST = 4
_NEEDED = ("rlnAngleRot", "rlnAngleTilt", "rlnClassNumber")
_TOP = 99.8  # percentile that the brightest colour stands for


def angular_distribution(source: str | Path | Round, *, class_number: int | None = None) -> Picture:
    """Draw how many particles are seen from each direction, on an equal-area map, symmetry equivalents included.

    source        a job directory (its last iteration), a model.star, or a round
    class_number  the class whose particles count; by default all
    """
    one = source if isinstance(source, Round) else last_round(source)
    counts, order, number = _counted(one, class_number)
    group = point_group(symmetry_of(one))
    relative = counts / max(counts.mean(), 1e-9)
    top = max(2.0, float(np.percentile(relative, _TOP)))
    label = "times as many as if even"
    which = "" if class_number is None else f" of class {class_number}"
    outlined = (
        "" if group.order == 1 else f" Pink: one asymmetric unit of {group.name}; the rest is completed by symmetry."
    )
    return Picture(
        sphere_map(relative, label, limits=(0.0, top), group=group),
        f"Viewing directions {one.label()}",
        f"{many(number, 'particle')}{which}, counted in fields {healpix.spacing(order):.2g}° wide; equal areas of the"
        f" map are equal areas of the sphere.{outlined}",
    )


def write_directions_picture(source: str | Path | Round, path: str | Path, *, class_number: int | None = None) -> Path:
    """Write the viewing directions as cylinders about the map, for ChimeraX (.bild), in RELION's style; returns the path.

    source        a job directory (its last iteration), a model.star, or a round
    class_number  the class whose particles count; by default all
    """
    one = source if isinstance(source, Round) else last_round(source)
    counts, order, _ = _counted(one, class_number)
    general = read_star(one.models[0])["model_general"]
    extent = float(general.value("rlnOriginalImageSize")) * float(general.value("rlnPixelSize"))
    grid = sampling(order, group="C1")
    write_directions(Path(path), counts[grid.numbers] / max(counts.sum(), 1e-9), sampling=grid, extent=extent)
    return Path(path)


def _counted(one: Round, class_number: int | None) -> tuple[np.ndarray, int, int]:
    """Return how many views fall to each HEALPix point, the order of these, and the number of particles."""
    particles = _with_angles(particles_of(one, *_NEEDED), one)
    if class_number is not None:
        particles = particles.rows(np.asarray(particles["rlnClassNumber"]) == class_number)
    group = point_group(symmetry_of(one))
    order = _order(len(particles) * len(group.rotations), step_of(one))
    rot, tilt = (np.asarray(particles[name], np.float64) for name in ("rlnAngleRot", "rlnAngleTilt"))
    return view_counts(rot, tilt, symmetry=group.name, order=order), order, len(particles)


def orientation_completeness(source: str | Path | Round | Coverage, *, class_number: int | None = None) -> Picture:
    """Draw how often each direction of Fourier space is measured, and say what its unevenness costs.

    source        a job directory (its last iteration), a model.star, a round, or the coverage itself
    class_number  the class whose views count; by default the largest
    """
    coverage = source if isinstance(source, Coverage) else _coverage(source, class_number)
    top = max(2.0, float(np.percentile(coverage.sampling, _TOP)))
    return Picture(
        sphere_map(coverage.sampling, "times as often as on average", limits=(0.0, top)),
        "Completeness of the orientations",
        f"How often each direction of Fourier space is measured. {completeness_words(coverage)}",
    )


def completeness_words(coverage: Coverage) -> str:
    """Return the numbers of a coverage in words."""
    if coverage.empty > 0:
        return (
            f"{100 * coverage.empty:.0f} % of Fourier space is not measured at all, so the sampling compensation factor is 0"
            " (even views: 1; all views from the side: 0.81)."
        )
    return (
        f"Sampling compensation factor {coverage.scf:.2f} (even views: 1; all views from the side: 0.81): the signal-to-noise"
        f" ratio is that of {100 * coverage.scf:.0f} % as many evenly spread particles."
    )


def _coverage(source: str | Path | Round, class_number: int | None) -> Coverage:
    one = source if isinstance(source, Round) else last_round(source)
    if class_number is None:
        shares = column(read_star(one.models[0])["model_classes"], "rlnClassDistribution")
        class_number = int(np.nanargmax(shares)) + 1
    found = coverage_of(one, _with_angles(particles_of(one, *_NEEDED), one), class_number=class_number)
    if found is None:
        raise StarError(f"No particle has been given to class {class_number} {one.label()}: its views are not known.")
    return found


def _with_angles(particles: Table, one: Round) -> Table:
    if "rlnAngleRot" not in particles or not len(particles):
        raise StarError(
            f"The particles of {one.models[0].name} have no angles (rlnAngleRot): expected the data.star of a 3D run that has"
            " finished an iteration."
        )
    return particles


def _order(views: int, step: float) -> int:
    """Return how fine the map may be: not finer than the search, and enough views for each point."""
    fine = [order for order in range(1, _FINEST + 1) if views >= _PER_POINT * healpix.count(order)]
    searched = [order for order in range(1, _FINEST + 1) if healpix.spacing(order) >= 0.99 * step]
    return min(max(fine, default=1), max(searched, default=1))
