"""All pictures of a 3D run, the most telling first; ready after each iteration."""

from __future__ import annotations

from pathlib import Path

from relionlab.display.convergence3d import convergence3d
from relionlab.display.distributions import distributions
from relionlab.display.fsc_course import fsc_course
from relionlab.display.orientations import angular_distribution, orientation_completeness
from relionlab.display.picture import Picture
from relionlab.display.reference_maps import reference_maps
from relionlab.display.spectra import class_spectra
from relionlab.display.verdict import verdict_picture
from relionlab.io.star import read_star
from relionlab.jobs.refinement.outcome import particles_of
from relionlab.jobs.refinement.rounds import last_round


def refinement_pictures(directory: Path) -> list[Picture]:
    """Return verdict, maps, correlation per iteration, views, their completeness, convergence and distributions of an
    InitialModel, Class3D or Refine3D job, as far as it has come.
    """
    last = last_round(directory)
    drawn = [reference_maps(last)]
    if last.number < 1:
        return drawn
    particles = particles_of(last)
    drawn = [verdict_picture(directory), *drawn, fsc_course(directory)]
    if len(read_star(last.models[0])["model_classes"]) > 1:
        drawn.append(class_spectra(last.models[0]))
    if "rlnAngleRot" in particles and len(particles):
        drawn += [angular_distribution(last), orientation_completeness(last)]
    drawn.append(convergence3d(directory))
    return [*drawn, distributions(particles)] if len(particles) else drawn
