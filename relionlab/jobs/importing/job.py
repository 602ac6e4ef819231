"""Import: bring movies, micrographs, particles, references, masks, half-maps and coordinates into the project."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Literal

from relionlab.io.detectors import detectors
from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.options.detector import WORDS, FileOrName, put_mtf
from relionlab.jobs.options.running import QueueOptions
from relionlab.params import Parameter, When

_RAW = (When("do_raw"),)
_OTHER = (When("do_other"),)

OpticsGroupName = Annotated[
    str,
    Parameter(
        label="Optics group name",
        help="Images taken under the same optical conditions share a group: one session, one beam-tilt setting. Later"
        " aberrations are refined per group. Give each session a name of its own, without blanks.",
        tab="Movies/mics",
        key="optics_group_name",
        level="advanced",
        flag="--optics_group_name",
        required=True,
        when=_RAW,
    ),
]
MtfFile = Annotated[
    str,
    FileOrName,
    Parameter(
        label="MTF of the detector",
        help=f"{WORDS} Without it the detector's falloff ends up in the estimated B-factor, which is harmless unless data"
        " of several detectors are joined.",
        tab="Movies/mics",
        key="fn_mtf",
        wizard="detector",
        flag="--optics_group_mtf",
        pattern="*.star",
        names=detectors,
        when=_RAW,
    ),
]
PixelSize = Annotated[
    float,
    Parameter(
        label="Pixel size",
        help="Pixel size of the imported images at the specimen. A wrong value makes every later size, defocus and"
        " resolution wrong by the same factor: take the calibrated value of your microscope.",
        tab="Movies/mics",
        unit="Å",
        key="angpix",
        flag="--angpix",
        bounds=(0.01, 100),
        suggested=(0.5, 3, 0.1),
        when=_RAW,
    ),
]
Voltage = Annotated[
    float,
    Parameter(
        label="Voltage",
        help="Acceleration voltage of the microscope; it sets the wavelength in the CTF.",
        tab="Movies/mics",
        unit="kV",
        key="kV",
        flag="--kV",
        bounds=(10, 3000),
        suggested=(50, 500, 10),
        when=_RAW,
    ),
]
SphericalAberration = Annotated[
    float,
    Parameter(
        label="Spherical aberration",
        help="The objective lens's Cs: 2.7 for most Titans and CRYO ARMs, 2.0 for a Polara, 1.4 for some JEOLs, 0.01"
        " behind a corrector.",
        tab="Movies/mics",
        unit="mm",
        key="Cs",
        flag="--Cs",
        bounds=(-100, 100),
        suggested=(0, 8, 0.1),
        when=_RAW,
    ),
]
AmplitudeContrast = Annotated[
    float,
    Parameter(
        label="Amplitude contrast",
        help="Fraction of the contrast that is amplitude contrast: about 0.1 works well in ice, 0.1 to 0.3 in stain.",
        tab="Movies/mics",
        key="Q0",
        flag="--Q0",
        bounds=(0, 1),
        suggested=(0, 0.3, 0.01),
        when=_RAW,
    ),
]
BeamTiltX = Annotated[
    float,
    Parameter(
        label="Beam tilt in X",
        help="Known beam tilt; leave it at 0 if unknown, CTF refinement will estimate it.",
        tab="Movies/mics",
        unit="mrad",
        level="advanced",
        key="beamtilt_x",
        flag="--beamtilt_x",
        suggested=(-1, 1, 0.1),
        when=_RAW,
    ),
]
BeamTiltY = Annotated[
    float,
    Parameter(
        label="Beam tilt in Y",
        help="Known beam tilt; leave it at 0 if unknown, CTF refinement will estimate it.",
        tab="Movies/mics",
        unit="mrad",
        level="advanced",
        key="beamtilt_y",
        flag="--beamtilt_y",
        suggested=(-1, 1, 0.1),
        when=_RAW,
    ),
]
ParticlesOpticsGroup = Annotated[
    str,
    Parameter(
        label="Rename optics group for particles",
        help="New name for the one optics group of an imported particle file; empty keeps its name. Rename it before"
        " joining with other data, so that two sessions do not become one group.",
        tab="Others",
        key="optics_group_particles",
        flag="--particles_optics_group_name",
        when=(When("do_other"), When("node_type", "==", "Particles STAR file (.star)")),
    ),
]

NodeType = Literal[
    "Particle coordinates (*.box, *_pick.star)",
    "Particles STAR file (.star)",
    "Movie-particles STAR file (.star)",
    "2D references (.star or .mrcs)",
    "Multiple (2D or 3D) references (.star or .mrcs)",
    "Micrographs STAR file (.star)",
    "3D reference (.mrc)",
    "3D mask (.mrc)",
    "Unfiltered half-map (unfil.mrc)",
]
"""What RELION 3.1, 4 and 5 call the kinds of files (the movie-particles are of RELION 2, the multiple references of 4)."""

_KINDS: dict[str, tuple[str, str]] = {
    "Particle coordinates (*.box, *_pick.star)": ("--do_coordinates", "MicrographCoordsGroup.star.relion"),
    "Particles STAR file (.star)": ("--do_particles", "ParticleGroupMetadata.star.relion"),
    "Movie-particles STAR file (.star)": ("--do_other", "ParticleGroupMetadata.star.relion.movieparticles"),
    "2D references (.star or .mrcs)": ("--do_other", "Image2DGroupMetadata.star.relion"),
    "Multiple (2D or 3D) references (.star or .mrcs)": ("--do_other", "Image2DGroupMetadata.star.relion"),
    "Micrographs STAR file (.star)": ("--do_other", "MicrographGroupMetadata.star.relion"),
    "3D reference (.mrc)": ("--do_other", "DensityMap.mrc"),
    "3D mask (.mrc)": ("--do_other", "Mask3D.mrc"),
    "Unfiltered half-map (unfil.mrc)": ("--do_halfmaps", "DensityMap.mrc.halfmap"),
}
"""Node type -> the program's flag, and RELION 4's node label."""


class Import(Job, QueueOptions):
    """Bring raw movies or micrographs, or any other file that a later job needs, into the project.

    Raw images stay where they are and are listed with their optics; other files are copied.
    """

    type_label: ClassVar[str] = "relion.import"
    type_number: ClassVar[int] = 0
    folder: ClassVar[str] = "Import"
    title: ClassVar[str] = "Import"

    do_raw: Annotated[
        bool,
        Parameter(
            label="Import raw movies/micrographs",
            help="The usual start of a project. Switch off to import something else.",
            tab="Movies/mics",
            key="do_raw",
        ),
    ] = True
    fn_in_raw: Annotated[
        str,
        Parameter(
            label="Raw input files",
            help="Wildcard that matches all movies or micrographs, relative to the project folder, as Movies/*.tiff.",
            tab="Movies/mics",
            key="fn_in_raw",
            flag="--i",
            pattern="*/*.{tif,tiff,eer,mrc,mrcs}",
            required=True,
            when=_RAW,
        ),
    ] = "Micrographs/*.tif"
    is_multiframe: Annotated[
        bool,
        Parameter(
            label="Multi-frame movies",
            help="Yes for movies that still need motion correction, No for single-frame micrographs.",
            tab="Movies/mics",
            key="is_multiframe",
            when=_RAW,
        ),
    ] = True
    optics_group_name: OpticsGroupName = "opticsGroup1"
    fn_mtf: MtfFile = ""
    angpix: PixelSize = 1.4
    kv: Voltage = 300
    cs: SphericalAberration = 2.7
    q0: AmplitudeContrast = 0.1
    beamtilt_x: BeamTiltX = 0
    beamtilt_y: BeamTiltY = 0
    do_other: Annotated[
        bool,
        Parameter(
            label="Import other node types",
            help="Import particles, references, masks, half-maps or coordinates instead of raw images.",
            tab="Others",
            key="do_other",
        ),
    ] = False
    fn_in_other: Annotated[
        str,
        Parameter(
            label="Input file",
            help="The file to import. Coordinates take a wildcard in which * stands for the micrographs' names, as"
            " Micrographs/*_pick.star. Of a pair of half-maps give one; the other is found by its name.",
            tab="Others",
            key="fn_in_other",
            flag="--i",
            pattern="*.*",
            required=True,
            when=_OTHER,
        ),
    ] = "ref.mrc"
    node_type: Annotated[
        NodeType,
        Parameter(label="Node type", help="What the file is.", tab="Others", key="node_type", when=_OTHER),
    ] = "Particle coordinates (*.box, *_pick.star)"
    optics_group_particles: ParticlesOpticsGroup = ""

    def label(self) -> str:
        """Return RELION 4's label, which tells raw images from other files."""
        return f"{self.type_label}.{'other' if self.do_other else 'movies'}"

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.do_raw == self.do_other:
            found.append(
                "Import either raw images (do_raw) or another file (do_other): both are "
                f"{'on, switch one off' if self.do_raw else 'off, switch one on'}."
            )
        if self.do_raw and any(blank in self.optics_group_name for blank in " \t"):
            found.append(f"Optics group name (optics_group_name) is {self.optics_group_name!r}: leave out the blanks.")
        return found

    def expected(self, name: str) -> str:
        """Return the label of the node that the file becomes, where one is imported as it is."""
        whole = name == "fn_in_other" and not self.node_type.startswith("Multiple")  # references of 2D or 3D
        return _KINDS[self.node_type][1] if whole else super().expected(name)

    def prepare(self, directory: Path) -> None:
        """Put the curve of a detector that is named into the project."""
        put_mtf(directory, self.fn_mtf)

    def outputs(self, output: str) -> list[Node]:
        """Return the one file that the job makes, or both half-maps."""
        if self.do_raw:
            kind = "MicrographMovieGroupMetadata" if self.is_multiframe else "MicrographGroupMetadata"
            return [Node(output + self._file_name(), f"{kind}.star.relion")]
        kind, name = _KINDS[self.node_type][1], self._file_name()
        names = [name, other_half(name)] if kind == "DensityMap.mrc.halfmap" else [name]
        return [Node(output + name, kind) for name in names if name]

    def commands(self, output: str) -> list[Command]:
        """Return the call of ``import``."""
        if self.do_raw:
            mode = "--do_movies" if self.is_multiframe else "--do_micrographs"
        else:
            mode = _KINDS[self.node_type][0]
        place = ["--odir", output, "--ofile", self._file_name()]
        return [Command("import", (mode, *self.flags(), *place, *shlex.split(self.other_args)))]

    def _file_name(self) -> str:
        if self.do_raw:
            return "movies.star" if self.is_multiframe else "micrographs.star"
        name = PurePosixPath(self.fn_in_other).name
        if _KINDS[self.node_type][0] == "--do_coordinates":
            return "coords_suffix" + name.rpartition("*")[2]
        return name


def other_half(name: str) -> str:
    """Return the name of a half-map's partner ("half1" and "half2" swapped); empty where the name has neither."""
    for mine, other in (("half1", "half2"), ("half2", "half1")):
        before, found, after = name.rpartition(mine)
        if found:
            return before + other + after
    return ""
