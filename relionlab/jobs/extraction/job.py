"""Extract: cut the picked particles out of the micrographs, or those of a refinement once more."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.extraction.helix_options import ExtractHelixOptions
from relionlab.jobs.micrographs.options import RedoOptions
from relionlab.jobs.options.running import MpiOptions, QueueOptions
from relionlab.params import Parameter, When, to_text

_PICKED = (When("do_reextract", "!="),)
_AGAIN = (When("do_reextract"),)
_CENTRED = (*_AGAIN, When("do_recenter"))
_NORMALISED = (When("do_norm"),)
BACKGROUND = 0.75
"""Diameter of the circle inside of which the particle lies, over the box, if nothing is said."""


def _io(label: str, help: str, key: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    return Parameter(label=label, help=help, tab="I/O", key=key, **more)


def _image(label: str, help: str, key: str, **more: Any) -> Parameter:  # noqa: A002
    return Parameter(label=label, help=help, tab="Extract", key=key, **more)


class Extract(Job, RedoOptions, ExtractHelixOptions, QueueOptions, MpiOptions):
    """Cut particles out of micrographs into one stack per micrograph, and list them all.

    The coordinates are those of a picking job, or of the particles of a refinement: these may be recentred, or taken
    out at another binning.
    """

    type_label: ClassVar[str] = "relion.extract"
    type_number: ClassVar[int] = 5
    folder: ClassVar[str] = "Extract"
    title: ClassVar[str] = "Particle extraction"

    star_mics: Annotated[
        str,
        _io(
            "Micrograph STAR file",
            "The micrographs, with their CTF (of CtfFind) so that each particle gets it. Leave bad ones out by Select first.",
            "star_mics",
            flag="--i",
            node="MicrographGroupMetadata.star.relion",
            pattern="*.star",
            required=True,
        ),
    ] = ""
    coords_suffix: Annotated[
        str,
        _io(
            "Input coordinates",
            "Output of a picking job or of an import: coords_suffix_….star of RELION 3, a list (autopick.star) of 4 and 5.",
            "coords_suffix",
            node="MicrographCoordsGroup.star.relion",
            pattern="*.star",
            required=True,
            when=_PICKED,
        ),
    ] = ""
    do_reextract: Annotated[
        bool,
        _io(
            "Or re-extract refined particles?",
            "Take the coordinates of refined particles instead: at another binning, or centred better.",
            "do_reextract",
        ),
    ] = False
    fndata_reextract: Annotated[
        str,
        _io(
            "Refined particles STAR file",
            "A run_itNNN_data.star, or a selection of it.",
            "fndata_reextract",
            flag="--reextract_data_star",
            node="ParticleGroupMetadata.star.relion",
            pattern="*.star",
            required=True,
            when=_AGAIN,
        ),
    ] = ""
    do_reset_offsets: Annotated[
        bool,
        _io(
            "Reset the refined offsets to zero?",
            "Forget where the refinement found the particles, and start from the picks again.",
            "do_reset_offsets",
            level="advanced",
            flag="--reset_offsets",
            when=_AGAIN,
        ),
    ] = False
    do_recenter: Annotated[
        bool,
        _io(
            "Or: re-centre refined coordinates?",
            "Move the boxes to where the refinement found the particles. Do so before a smaller box or a finer binning.",
            "do_recenter",
            flag="--recenter",
            when=_AGAIN,
        ),
    ] = False
    recenter_x: Annotated[
        float,
        _io(
            "Re-centre on X-coordinate", "Point of the reference that becomes the centre, from its middle.", "recenter_x",
            flag="--recenter_x", unit="px", level="advanced", when=_CENTRED,
        ),
    ] = 0.0  # fmt: skip
    recenter_y: Annotated[
        float,
        _io(
            "Re-centre on Y-coordinate", "Point of the reference that becomes the centre, from its middle.", "recenter_y",
            flag="--recenter_y", unit="px", level="advanced", when=_CENTRED,
        ),
    ] = 0.0  # fmt: skip
    recenter_z: Annotated[
        float,
        _io(
            "Re-centre on Z-coordinate", "Point of the reference that becomes the centre, from its middle.", "recenter_z",
            flag="--recenter_z", unit="px", level="advanced", when=_CENTRED,
        ),
    ] = 0.0  # fmt: skip
    do_float16: Annotated[
        bool,
        _io(
            "Write output in float16?",
            "Halves the stacks on disk; RELION 3.1 cannot read them. RELION 4 and 5 have Yes as default, relionlab No.",
            {"4": "do_float16", "5": "do_float16"},
            level="advanced",
            flag="--float16",
        ),
    ] = False
    do_fom_threshold: Annotated[
        bool,
        _io(
            "Use autopick FOM threshold?",
            "Leave out picks below a figure of merit. Not in RELION 3.1.",
            {"4": "do_fom_threshold", "5": "do_fom_threshold"},
            when=_PICKED,
        ),
    ] = False
    minimum_pick_fom: Annotated[
        float,
        _io(
            "Minimum autopick FOM",
            "Picks of a lower figure of merit are left out.",
            {"4": "minimum_pick_fom", "5": "minimum_pick_fom"},
            flag="--minimum_pick_fom",
            suggested=(-5, 10, 0.1),
            when=(*_PICKED, When("do_fom_threshold")),
        ),
    ] = 0.0
    extract_size: Annotated[
        int,
        _image(
            "Particle box size",
            "Side of the box in the micrograph, even; one and a half to two times the particle's longest diameter.",
            "extract_size",
            flag="--extract_size",
            wizard="box",
            unit="px",
            bounds=(4, None),
            suggested=(64, 512, 8),
        ),
    ] = 128
    do_invert: Annotated[
        bool,
        _image(
            "Invert contrast?",
            "Makes the particles white on black, as refinement expects: Yes for cryo, No for negative stain.",
            "do_invert",
            flag="--invert_contrast",
        ),
    ] = True
    do_norm: Annotated[
        bool,
        _image(
            "Normalise particles?",
            "Bring each background to mean 0 and deviation 1, taking away a slope. Refinement needs it.",
            "do_norm",
            flag="--norm",
        ),
    ] = True
    bg_diameter: Annotated[
        int | None,
        _image(
            "Diameter background circle",
            "In the box before rescaling; what lies outside is background. -1: 75 % of the box.",
            "bg_diameter",
            unit="px",
            wizard="box",
            bounds=(2, None),
            suggested=(2, 600, 10),
            none_as="-1",
            when=_NORMALISED,
        ),
    ] = None
    white_dust: Annotated[
        float | None,
        _image(
            "Stddev for white dust removal",
            "Replace pixels brighter than this many deviations by noise; -1: leave them. 5 takes hot pixels only.",
            "white_dust",
            flag="--white_dust",
            unit="σ",
            bounds=(0.1, None),
            suggested=(0.1, 10, 0.1),
            none_as="-1",
            when=_NORMALISED,
        ),
    ] = None
    black_dust: Annotated[
        float | None,
        _image(
            "Stddev for black dust removal",
            "Replace pixels darker than this many deviations by noise; -1: leave them.",
            "black_dust",
            flag="--black_dust",
            unit="σ",
            bounds=(0.1, None),
            suggested=(0.1, 10, 0.1),
            none_as="-1",
            when=_NORMALISED,
        ),
    ] = None
    do_rescale: Annotated[
        bool,
        _image(
            "Rescale particles?",
            "Shrink the images by cropping their Fourier transforms: classification becomes many times faster, and nothing is"
            " lost above twice the new pixel size.",
            "do_rescale",
        ),
    ] = False
    rescale: Annotated[
        int,
        _image(
            "Re-scaled size",
            "New side of the images, even.",
            "rescale",
            flag="--scale",
            unit="px",
            bounds=(4, None),
            suggested=(32, 512, 8),
            when=(When("do_rescale"),),
        ),
    ] = 128

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.extract_size % 2:
            found.append(
                f"Particle box size (extract_size) is {self.extract_size} px, an odd number: give {self.extract_size + 1} px."
            )
        if self.do_rescale and self.rescale % 2:
            found.append(f"Re-scaled size (rescale) is {self.rescale} px, an odd number: give {self.rescale + 1} px.")
        if self.do_reextract and self.do_reset_offsets and self.do_recenter:
            found.append(
                "Resetting the offsets forgets what re-centring needs: choose one (do_reset_offsets, do_recenter)."
            )
        if self.do_extract_helix:
            found.append("relionlab cannot extract helical segments yet: run this job with RELION in the same project.")
        if self.do_norm and self.bg_diameter is not None and self.bg_diameter >= self.extract_size:
            found.append(
                f"Diameter background circle (bg_diameter) is {self.bg_diameter} px, the box {self.extract_size} px: there is no"
                f" background left. Give less, or -1 for {int(BACKGROUND * self.extract_size)} px."
            )
        return found

    def background_radius(self) -> int:
        """Return the radius in px of the written images beyond which pixels are background, as RELION rounds it."""
        diameter = BACKGROUND * self.extract_size if self.bg_diameter is None else self.bg_diameter
        zoom = self.rescale / self.extract_size if self.do_rescale else 1.0
        return max(int(diameter / 2 * zoom), 1)

    def outputs(self, output: str) -> list[Node]:
        """Return the list of particles, and of particles extracted again their coordinates too."""
        nodes = [Node(output + "particles.star", "ParticleGroupMetadata.star.relion")]
        if self.do_reextract:
            nodes.append(Node(output + "coords_suffix_extract.star", "MicrographCoordsGroup.star.relion"))
        return nodes

    def commands(self, output: str) -> list[Command]:
        """Return the call of ``preprocess``; micrographs that are done are kept when the job is continued."""
        arguments = [
            *self.flags(),
            *self._coordinates(),
            "--part_star",
            f"{output}particles.star",
            "--part_dir",
            output,
        ]
        arguments += ["--extract", "--only_do_unfinished", *self.side_by_side()]
        if self.do_norm:
            arguments += ["--bg_radius", to_text(self.background_radius())]
        return [Command("preprocess", (*arguments, *shlex.split(self.other_args)))]

    def _coordinates(self) -> list[str]:
        if self.do_reextract:
            return []
        name = PurePosixPath(self.coords_suffix)
        if name.name.startswith("coords_suffix"):
            return ["--coord_dir", f"{name.parent}/", "--coord_suffix", name.name.removeprefix("coords_suffix")]
        return ["--coord_list", self.coords_suffix]
