"""The program ``frealign``: particles from and to FREALIGN's and cisTEM's parameter files."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, ClassVar

from relionlab.io.particles import read_particles, write_particles
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.params import Parameter, When

_READING = (When("stack", "!=", ""),)


class Frealign(Program):
    """Turn a FREALIGN .par file into a particle list, or a particle list into a .par file, by the endings of the names."""

    name: ClassVar[str] = "frealign"
    title: ClassVar[str] = "FREALIGN files"

    i: Annotated[
        str,
        Parameter(
            label="Input",
            help="A .par file of FREALIGN or cisTEM, or particles (.star).",
            tab="I/O",
            flag="--i",
            required=True,
        ),
    ] = ""
    o: Annotated[
        str,
        Parameter(label="Output", help="The other kind of file: .star or .par.", tab="I/O", flag="--o", required=True),
    ] = ""
    stack: Annotated[
        str,
        Parameter(
            label="Stack",
            help="The image stack that the .par file describes, from its first image; only for reading .par.",
            tab="I/O",
            flag="--stack",
        ),
    ] = ""
    angpix: Annotated[
        float | None,
        Parameter(
            label="Pixel size",
            help="Pixel size of the stack's images.",
            tab="Optics",
            unit="Å",
            flag="--angpix",
            bounds=(0.01, 100),
            none_as="-1",
            required=True,
            when=_READING,
        ),
    ] = None
    kv: Annotated[
        float,
        Parameter(
            label="Voltage",
            help="Acceleration voltage, which a .par file does not tell.",
            tab="Optics",
            unit="kV",
            flag="--kV",
            bounds=(10, 3000),
            when=_READING,
        ),
    ] = 300.0
    cs: Annotated[
        float,
        Parameter(
            label="Spherical aberration",
            help="The objective lens's Cs.",
            tab="Optics",
            unit="mm",
            flag="--Cs",
            bounds=(-100, 100),
            when=_READING,
        ),
    ] = 2.7
    q0: Annotated[
        float,
        Parameter(
            label="Amplitude contrast",
            help="Fraction of the contrast that is amplitude contrast.",
            tab="Optics",
            flag="--Q0",
            bounds=(0, 1),
            when=_READING,
        ),
    ] = 0.1

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        kinds = [PurePosixPath(name).suffix.lower() for name in (self.i, self.o)]
        if self.i and self.o and kinds not in ([".par", ".star"], [".star", ".par"]):
            found.append(f"--i {self.i} and --o {self.o}: expected one .par and one .star file.")
        if kinds[0] == ".par" and not self.stack:
            found.append(f"{self.called('stack')} is missing: say which images {self.i} describes.")
        return found

    def run(self, context: Context) -> None:
        """Read the one, write the other."""
        from relionlab.exchange.frealign import read_par, write_par

        self.check()
        if self.i.lower().endswith(".par"):
            particles = read_par(
                context.path(self.i),
                stack=self.stack,
                voltage=self.kv,
                spherical_aberration=self.cs,
                amplitude_contrast=self.q0,
                pixel_size=self.angpix or 0.0,
            )
            write_particles(context.path(self.o), particles)
        else:
            particles = read_particles(context.path(self.i))
            write_par(context.path(self.o), particles)
        context.say(f" Written: {self.o} with {len(particles)} particles")
