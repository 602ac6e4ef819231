"""ManualPick: particles picked by hand; how the micrographs are shown, and what comes out of it."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.options.running import QueueOptions
from relionlab.params import Parameter, When

_COLOURED = (When("do_color"),)


def _shown(label: str, help: str, key: str, flag: str | None = None, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    more.setdefault("tab", "Display")
    return Parameter(label=label, help=help, key=key, flag=flag, on_continue=True, **more)


class ManualPick(Job, QueueOptions):
    """Pick particles by hand.

    Running the job makes what the picker needs and later jobs read: coords_suffix_manualpick.star and the list of chosen
    micrographs. Coordinates that are there already are kept.
    """

    type_label: ClassVar[str] = "relion.manualpick"
    type_number: ClassVar[int] = 3
    folder: ClassVar[str] = "ManualPick"
    title: ClassVar[str] = "Manual picking"

    fn_in: Annotated[
        str,
        Parameter(
            label="Input micrographs",
            help="The micrographs to pick from. Those of a wide range of defocus show best how the particle looks.",
            tab="I/O",
            key="fn_in",
            flag="--i",
            node="MicrographGroupMetadata.star.relion",
            pattern="*.star",
            required=True,
        ),
    ] = ""
    do_startend: Annotated[
        bool,
        Parameter(
            label="Pick start-end coordinates helices?",
            help="Pick both ends of each filament, one after the other: two clicks. RELION then cuts segments between them.",
            tab="I/O",
            level="advanced",
            key="do_startend",
            flag="--pick_start_end",
        ),
    ] = False
    diameter: Annotated[
        float,
        _shown("Particle diameter", "Diameter of the circles that are drawn.", "diameter", "--particle_diameter", unit="Å", wizard="manual view",
               bounds=(0, None), suggested=(0, 500, 10)),
    ] = 100.0  # fmt: skip
    micscale: Annotated[
        float,
        _shown("Scale for micrographs", "0.2 shows every fifth pixel; smaller fits larger micrographs on the screen.",
               "micscale", "--scale", bounds=(0.01, 4), suggested=(0.1, 1, 0.05)),
    ] = 0.2  # fmt: skip
    sigma_contrast: Annotated[
        float,
        _shown("Sigma contrast", "Grey values this many deviations from the mean become black and white; 0: the extremes.",
               "sigma_contrast", "--sigma_contrast", unit="σ", wizard="manual view", bounds=(0, None), suggested=(0, 10, 0.5)),
    ] = 3.0  # fmt: skip
    white_val: Annotated[
        float,
        _shown(
            "White value",
            "Grey value that becomes white; 0: by the deviation.",
            "white_val",
            "--white",
            level="advanced",
            suggested=(0, 512, 16),
        ),
    ] = 0.0
    black_val: Annotated[
        float,
        _shown(
            "Black value",
            "Grey value that becomes black; 0: by the deviation.",
            "black_val",
            "--black",
            level="advanced",
            suggested=(0, 512, 16),
        ),
    ] = 0.0
    lowpass: Annotated[
        float,
        _shown("Lowpass filter", "Finer detail is taken away for the eye only; -1: none.", "lowpass", "--lowpass", unit="Å",
               wizard="manual view", suggested=(10, 100, 5)),
    ] = 20.0  # fmt: skip
    highpass: Annotated[
        float,
        _shown("Highpass filter", "Coarser detail, as uneven ice, is taken away for the eye only; -1: none.", "highpass",
               "--highpass", unit="Å", wizard="manual view", suggested=(100, 1000, 100)),
    ] = -1.0  # fmt: skip
    angpix: Annotated[
        float,
        _shown("Pixel size", "For diameter and filters, where the list does not know it; -1: as the list says.", "angpix",
               "--angpix", unit="Å", suggested=(0.3, 5, 0.1)),
    ] = -1.0  # fmt: skip
    ctfscale: Annotated[
        float,
        _shown("Scale for CTF image", "Size of the power spectra beside the micrographs.", "ctfscale", "--ctf_scale",
               level="advanced", bounds=(0.01, 4), suggested=(0.1, 2, 0.1)),
    ] = 1.0  # fmt: skip
    do_color: Annotated[
        bool,
        _shown("Blue<>red color particles?", "Colour the circles by a value.", "do_color", tab="Colors"),
    ] = False
    color_label: Annotated[
        str,
        _shown(
            "Label for color", "Column with that value.", "color_label", "--color_label", tab="Colors", when=_COLOURED
        ),
    ] = "rlnParticleSelectZScore"
    fn_color: Annotated[
        str,
        _shown("STAR file with color label", "List of particles that has the column, if the coordinates do not.", "fn_color",
               "--color_star", tab="Colors", pattern="*.star", when=_COLOURED),
    ] = ""  # fmt: skip
    blue_value: Annotated[
        float,
        _shown(
            "Blue value",
            "Value that is drawn blue.",
            "blue_value",
            "--blue",
            tab="Colors",
            suggested=(0, 4, 0.1),
            when=_COLOURED,
        ),
    ] = 0.0
    red_value: Annotated[
        float,
        _shown(
            "Red value",
            "Value that is drawn red.",
            "red_value",
            "--red",
            tab="Colors",
            suggested=(0, 4, 0.1),
            when=_COLOURED,
        ),
    ] = 2.0

    def outputs(self, output: str) -> list[Node]:
        """Return the coordinates and the chosen micrographs."""
        return [
            Node(output + "coords_suffix_manualpick.star", "MicrographCoordsGroup.star.relion"),
            Node(output + "micrographs_selected.star", "MicrographGroupMetadata.star.relion"),
        ]

    def commands(self, output: str) -> list[Command]:
        """Return the call of ``manualpick``."""
        place = ("--odir", output, "--pickname", "manualpick", "--allow_save", "--fast_save")
        selection = ("--selection", output + "micrographs_selected.star")
        return [Command("manualpick", (*place, *selection, *self.flags(), *shlex.split(self.other_args)))]
