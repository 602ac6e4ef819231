"""The tutorial's particles: a D2 assembly, whole and with a subunit missing, and some images that are no particle."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from relionlab.errors import ProjectError
from relionlab.project import Project
from relionlab.workflows.stages import ANEW, Clock, Watcher
from relionlab.workflows.tutorial.folder import recorded
from relionlab.workflows.tutorial.particle_data import PLACE, ParticleData

if TYPE_CHECKING:
    from relionlab.simulation.conditions import Simulation
    from relionlab.workflows.tutorial.particle_plan import ParticlePlan

FRACTIONS = (0.6, 0.4)
"""Shares of the whole assembly and of the one that lacks a subunit."""
JUNK = 0.08
KINDS = ((1, "whole"), (2, "subunit missing"), (3, "no particle"))
"""Numbers in the truth, and what they stand for; the last is junk."""
RECORD = "simulation.json"
"""Written last: its presence says that the particles are complete."""


def simulation_for(plan: ParticlePlan) -> Simulation:
    """Return what is to be simulated."""
    from relionlab.simulation.conditions import Simulation

    return Simulation(
        count=plan.count,
        box=72,
        pixel_size=3.5,
        snr=plan.signal_to_noise,
        fractions=FRACTIONS,
        junk=JUNK,
        neighbours=0.05,
        seed=plan.seed,
    )


def simulated_particles(plan: ParticlePlan, project: Project, *, clock: Clock, watcher: Watcher) -> ParticleData:
    """Return the simulated particles of the project; made if they are not there.

    Raises ProjectError if there are others, made with other options.
    """
    from relionlab.simulation.assembly import d2_assembly
    from relionlab.simulation.particles import simulate_particles

    simulation = simulation_for(plan)
    directory = project.directory / PLACE
    wanted = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(simulation).items()}
    record = recorded(directory / RECORD)
    if record is None:
        watcher.begin("Particles")
        with clock.measure("Particles"):
            made = simulate_particles(
                directory,
                [d2_assembly("full"), d2_assembly("missing_subunit")],
                simulation,
                project=project.directory,
                progress=lambda done, total: watcher.progress(done, total, "particles"),
            )
        record = {"simulation": wanted, "diameter": made.diameter}
        (directory / RECORD).write_text(json.dumps(record, indent=2) + "\n")
        watcher.end(f"{plan.count:,} simulated")
    if record["simulation"] != wanted:
        raise ProjectError(f"{directory} holds particles simulated with other options (see {RECORD} there): {ANEW}")
    return ParticleData(
        particles=f"{PLACE}/particles.star",
        diameter=plan.diameter or float(str(record["diameter"])),
        has_ctf=True,
        source="a simulation",
        told=told(simulation),
        truth=f"{PLACE}/truth.star",
        symmetry="D2",
        kinds=KINDS,
        junk=KINDS[-1][0],
    )


def told(simulation: Simulation) -> str:
    """Return what was simulated, in a sentence or two."""
    from relionlab.simulation.assembly import kilodaltons

    return (
        f"{simulation.count:,} images of a {kilodaltons():.0f} kDa assembly of four subunits in random directions, "
        f"{100 * simulation.fractions[1]:.0f} % of them with one subunit missing; {100 * simulation.junk:.0f} % of the images "
        f"hold no particle. Signal-to-noise ratio {simulation.snr:g}, defocus "
        f"{simulation.defocus[0] / 1e4:g} to {simulation.defocus[1] / 1e4:g} µm."
    )
