"""What the tutorial works on: the user's particles, or simulated ones with their truth."""

from __future__ import annotations

from dataclasses import dataclass

PLACE = "Particles"


@dataclass(frozen=True)
class ParticleData:
    """Particles in the project's folder, and what is known of them.

    particles  STAR file, relative to the project
    diameter   of the mask, in Å
    has_ctf    whether the CTF of each particle is known
    source     where they come from, for people
    told       the same in a sentence, for the page
    place      their folder, relative to the project
    truth      table of the truth, relative to the project; ``None``: not known
    symmetry   of the simulated particle
    kinds      (number in the truth, name) of the kinds of particle
    junk       number of those that are no particle
    """

    particles: str
    diameter: float
    has_ctf: bool
    source: str
    told: str
    place: str = f"{PLACE}/"
    truth: str | None = None
    symmetry: str = "C1"
    kinds: tuple[tuple[int, str], ...] = ()
    junk: int | None = None
