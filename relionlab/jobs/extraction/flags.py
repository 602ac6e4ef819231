"""The flags of ``preprocess`` that cut particles out of micrographs."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from relionlab.errors import ParameterError
from relionlab.jobs.extraction.stack_flags import ImageFlags
from relionlab.jobs.micrographs.options import MicrographOptions
from relionlab.params import Parameter, When, flagged

_EXTRACT = (When("extract"),)
_REEXTRACT = (When("extract"), When("reextract_data_star", "!=", ""))


_flag = partial(flagged, tab="Extraction", when=_EXTRACT)


def _helix(label: str, flag: str, help: str, **more: Any) -> Parameter:  # noqa: A002
    return _flag(
        label, flag, f"{help} Helical segments cannot be extracted yet.", tab="Helix", level="advanced", when=(), **more
    )


class ExtractionFlags(ImageFlags, MicrographOptions):
    """The flags for cutting particles out of micrographs."""

    extract: Annotated[
        bool,
        _flag("Extract", "--extract", "Cut particles out of micrographs, instead of working on images.", when=()),
    ] = False
    i: Annotated[
        str,
        _flag(
            "Micrographs",
            "--i",
            "List of the micrographs, with their CTF if it is known.",
            pattern="*.star",
            required=True,
        ),
    ] = ""
    coord_suffix: Annotated[
        str,
        _flag(
            "Coordinate suffix",
            "--coord_suffix",
            'What the coordinate files have behind the micrograph\'s name, as "_autopick.star" or ".box".',
        ),
    ] = ""
    coord_dir: Annotated[
        str,
        _flag(
            "Coordinate directory",
            "--coord_dir",
            "Where the coordinate files are: a picking job's directory. ASINPUT: beside the micrographs.",
        ),
    ] = "ASINPUT"
    coord_list: Annotated[
        str,
        _flag(
            "Coordinate list",
            "--coord_list",
            "RELION 4 and 5's list of coordinate files, or a coords_suffix file, instead of directory and suffix.",
            pattern="*.star",
        ),
    ] = ""
    minimum_pick_fom: Annotated[
        float | None,
        _flag(
            "Smallest figure of merit",
            "--minimum_pick_fom",
            "Leave out picks whose rlnAutopickFigureOfMerit is below this. Since RELION 4.",
            none_as="none",
        ),
    ] = None
    coord_angpix: Annotated[
        float | None,
        _flag(
            "Pixel size of the coordinates",
            "--coord_angpix",
            "Pixel size in which the coordinates count, if they were picked (or the particles extracted) on micrographs"
            " of another binning than these. Not in RELION.",
            unit="Å",
            bounds=(0.01, 100),
            none_as="-1",
        ),
    ] = None
    part_dir: Annotated[
        str, _flag("Output directory", "--part_dir", "Where the stacks go, as Extract/job008/.", required=True)
    ] = "Particles/"
    part_star: Annotated[
        str,
        _flag("Output list", "--part_star", "List of all particles to write; empty: particles.star in that directory."),
    ] = ""
    reextract_data_star: Annotated[
        str,
        _flag(
            "Particles to extract again",
            "--reextract_data_star",
            "A list of refined particles, whose coordinates are taken instead of picks: for another binning, or recentred.",
            pattern="*.star",
        ),
    ] = ""
    keep_ctfs_micrographs: Annotated[
        bool,
        _flag(
            "Take the micrographs' CTFs",
            "--keep_ctfs_micrographs",
            "Use the defocus of the list of micrographs; otherwise each particle keeps its own, refined one.",
            when=_REEXTRACT,
        ),
    ] = False
    reset_offsets: Annotated[
        bool,
        _flag("Reset offsets", "--reset_offsets", "Forget the refined origins: set them to 0.", when=_REEXTRACT),
    ] = False
    recenter: Annotated[
        bool,
        _flag(
            "Recentre",
            "--recenter",
            "Move the boxes to the refined origins; what is left below a pixel stays in the origin.",
            when=_REEXTRACT,
        ),
    ] = False
    recenter_x: Annotated[
        float,
        _flag(
            "Recentre on X",
            "--recenter_x",
            "Point of the reference to centre on, from its middle.",
            unit="px",
            when=_REEXTRACT,
        ),
    ] = 0.0
    recenter_y: Annotated[
        float,
        _flag(
            "Recentre on Y",
            "--recenter_y",
            "Point of the reference to centre on, from its middle.",
            unit="px",
            when=_REEXTRACT,
        ),
    ] = 0.0
    recenter_z: Annotated[
        float,
        _flag(
            "Recentre on Z",
            "--recenter_z",
            "Point of the reference to centre on, from its middle.",
            unit="px",
            when=_REEXTRACT,
        ),
    ] = 0.0
    ref_angpix: Annotated[
        float | None,
        _flag(
            "Reference pixel size",
            "--ref_angpix",
            "Pixel size in which that point counts; -1: that of the particles.",
            unit="Å",
            bounds=(0.01, 100),
            none_as="-1",
            when=_REEXTRACT,
        ),
    ] = None
    extract_size: Annotated[
        int | None,
        _flag(
            "Box size",
            "--extract_size",
            "Side of the boxes in the micrograph, an even number. One and a half to two times the particle's diameter.",
            unit="px",
            bounds=(4, None),
            suggested=(64, 512, 8),
            none_as="-1",
            required=True,
        ),
    ] = None
    premultiply_ctf: Annotated[
        bool,
        _flag(
            "Multiply with the CTF",
            "--premultiply_ctf",
            "Multiply each box with its CTF, and note so in the list; refinement then knows.",
            level="advanced",
        ),
    ] = False
    premultiply_extract_size: Annotated[
        int | None,
        _flag(
            "Box before CTF",
            "--premultiply_extract_size",
            "Size of the box in which the CTF is multiplied; it is windowed to the box size afterwards. Larger keeps"
            " what the defocus has spread.",
            unit="px",
            bounds=(4, None),
            none_as="-1",
            level="advanced",
        ),
    ] = None
    ctf_intact_first_peak: Annotated[
        bool,
        _flag(
            "Intact until first peak",
            "--ctf_intact_first_peak",
            "Multiply with 1 up to the CTF's first maximum.",
            level="advanced",
        ),
    ] = False
    phase_flip: Annotated[
        bool,
        _flag("Flip phases", "--phase_flip", "Multiply each box with the sign of its CTF.", level="advanced"),
    ] = False
    extract_bias_x: Annotated[
        int, _flag("Bias in X", "--extract_bias_x", "Added to all picked coordinates.", unit="px", level="advanced")
    ] = 0
    extract_bias_y: Annotated[
        int, _flag("Bias in Y", "--extract_bias_y", "Added to all picked coordinates.", unit="px", level="advanced")
    ] = 0
    whole_coordinates: Annotated[
        bool,
        _flag(
            "Whole coordinates",
            "--whole_coordinates",
            "Write the whole pixels at which boxes are cut as coordinates, so that coordinate minus origin is exactly where the"
            " particle is. RELION keeps fractions that it does not use. Not in RELION.",
            level="advanced",
        ),
    ] = False
    project3d: Annotated[
        bool,
        _flag(
            "Project along z",
            "--project3d",
            "Project subtomograms to images. Not done: extracts from 2D only.",
            when=(),
        ),
    ] = False
    helix: Annotated[bool, _helix("Helical segments", "--helix", "Cut out segments of filaments.")] = False
    helical_outer_diameter: Annotated[
        float | None, _helix("Tube diameter", "--helical_outer_diameter", "Outer diameter.", unit="Å", none_as="-1")
    ] = None
    helical_tubes: Annotated[bool, _helix("Tubes", "--helical_tubes", "Picks are ends of tubes.")] = False
    helical_nr_asu: Annotated[int, _helix("Asymmetric units", "--helical_nr_asu", "Units per box.")] = 1
    helical_rise: Annotated[float, _helix("Rise", "--helical_rise", "Rise per unit.", unit="Å")] = 0.0
    helical_bimodal_angular_priors: Annotated[
        bool, _helix("Bimodal priors", "--helical_bimodal_angular_priors", "Polarity is open.")
    ] = False
    helical_cut_into_segments: Annotated[
        bool, _helix("Cut tubes", "--helical_cut_into_segments", "Cut tubes into segments.")
    ] = False

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        found += self._not_done()
        if not self.extract:
            given = [
                flag for name, flag in _extraction_only().items() if getattr(self, name) != type(self).default(name)
            ]
            if given:
                found.append(f"{', '.join(given)} cut particles out of micrographs: add --extract, or leave them out.")
            return found
        if self.operate_on:
            found.append("Give either --extract (from micrographs) or --operate_on (existing images), not both.")
        for name in ("extract_size", "premultiply_extract_size"):
            size = getattr(self, name)
            if size is not None and size % 2:
                found.append(f"--{name} is {size} px, an odd number: give {size + 1} px.")
        if not self.reextract_data_star and not (self.coord_suffix or self.coord_list):
            found.append(
                "Say where the coordinates are: --coord_suffix (with --coord_dir), --coord_list, or --reextract_data_star."
            )
        if self.reset_offsets and self.recenter:
            found.append("--reset_offsets forgets the refined origins and --recenter needs them: give one of them.")
        if self.premultiply_ctf and self.phase_flip:
            found.append("--premultiply_ctf flips phases too: leave out --phase_flip.")
        before, size = self.premultiply_extract_size, self.extract_size
        if before is not None and not (self.premultiply_ctf or self.phase_flip):
            found.append("--premultiply_extract_size needs --premultiply_ctf or --phase_flip.")
        if before is not None and size is not None and before < size:
            found.append(
                f"--premultiply_extract_size is {before} px, less than the box of {size} px: give more, or leave it out."
            )
        return found

    def _not_done(self) -> list[str]:
        helical = [flag for name, flag in _extraction_only().items() if name.startswith("heli")]
        given = [flag for flag in helical if getattr(self, flag.removeprefix("--")) != type(self).default(flag[2:])]
        found = []
        if given:
            found.append(
                f"{', '.join(given)}: relionlab cannot extract helical segments yet. Run relion_preprocess for it in the same project."
            )
        if self.project3d:
            found.append(
                "--project3d is for subtomograms: relionlab extracts from 2D micrographs only. Use RELION for it."
            )
        return found

    def check(self) -> None:
        """Raise a ParameterError that lists everything that is wrong with the values."""
        found = self.problems()
        if found:
            raise ParameterError("preprocess: " + " ".join(found))


def _extraction_only() -> dict[str, str]:
    """Return field -> flag of what only makes sense with --extract."""
    images = ImageFlags.parameters()
    fields = ExtractionFlags.parameters().items()
    return {name: str(parameter.flag) for name, parameter in fields if name not in images and name != "extract"}
