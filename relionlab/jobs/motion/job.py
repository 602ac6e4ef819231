"""Motion correction: align the frames of every movie and add them up."""

from __future__ import annotations

import shlex
from typing import Annotated, ClassVar, Literal

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.micrographs.options import RedoOptions
from relionlab.jobs.motion import options
from relionlab.jobs.options.running import RunningOptions
from relionlab.params import Dialect, Parameter, When

GainRotation = Literal["No rotation (0)", "90 degrees (1)", "180 degrees (2)", "270 degrees (3)"]
GainFlip = Literal["No flipping (0)", "Flip upside down (1)", "Flip left to right (2)"]


class MotionCorr(Job, RedoOptions, RunningOptions):
    """Align the frames of movies, globally and in patches, and add them up, weighted by dose.

    Defaults are those of RELION 3.1's form. The job takes RELION 4's and 5's job.star too; float16 output, their
    default, is written only when asked, as RELION 3.1 refuses it.
    """

    title: ClassVar[str] = "Motion correction"
    type_label: ClassVar[str] = "relion.motioncorr"
    type_number: ClassVar[int] = 1
    folder: ClassVar[str] = "MotionCorr"

    input_star_mics: options.InputMovies = ""
    first_frame_sum: options.FirstFrame = 1
    last_frame_sum: options.LastFrame = -1
    dose_per_frame: options.DosePerFrame = 1.0
    pre_exposure: options.PreExposure = 0.0
    eer_grouping: options.EerGrouping = 32
    do_float16: Annotated[
        bool,
        Parameter(
            label="Write output in float16?",
            help="Half the size on disk; RELION 4 and later read it, RELION 3.1 refuses it.",
            tab="I/O",
            key={"4": "do_float16", "5": "do_float16"},
            flag="--float16",
            level="advanced",
        ),
    ] = False
    do_dose_weighting: options.DoseWeight = True
    do_save_noDW: options.SaveNonWeighted = False  # noqa: N815 - RELION's key
    do_save_ps: Annotated[
        bool,
        Parameter(
            label="Save sum of power spectra?",
            help="Write the spectrum that CTF estimation sees best in: of sums over some 4 e/Å² each, without dose"
            " weighting.",
            tab="I/O",
            key="do_save_ps",
            when=(When("do_own_motioncor"),),
        ),
    ] = False
    group_for_ps: Annotated[
        float,
        Parameter(
            label="Sum power spectra every",
            help="Dose of the sums whose power spectra are added up; about 4 e/Å² shows Thon rings best.",
            tab="I/O",
            unit="e/Å²",
            key="group_for_ps",
            level="advanced",
            bounds=(0.01, None),
            suggested=(0.5, 10, 0.5),
            when=(When("do_own_motioncor"), When("do_save_ps")),
        ),
    ] = 4.0
    bfactor: options.BFactor = 150.0
    patch_x: options.PatchesX = 1
    patch_y: options.PatchesY = 1
    group_frames: options.GroupFrames = 1
    bin_factor: options.Binning = 1.0
    fn_gain_ref: options.GainReference = ""
    gain_rot: Annotated[
        GainRotation,
        Parameter(
            label="Gain rotation",
            help="Turn the gain reference clockwise, as relion_display shows it, before it is flipped.",
            tab="Motion",
            key="gain_rot",
        ),
    ] = "No rotation (0)"
    gain_flip: Annotated[
        GainFlip,
        Parameter(
            label="Gain flip",
            help="Mirror the gain reference after it was turned.",
            tab="Motion",
            key="gain_flip",
        ),
    ] = "No flipping (0)"
    find_gain: options.FindGain = False
    fn_defect: options.DefectFile = ""
    do_own_motioncor: options.UseOwn = True
    fn_motioncor2_exe: options.MotionCor2Program = ""
    gpu_ids: options.GpuIds = "0"
    other_motioncor2_args: options.MotionCor2Arguments = ""

    def job_options(self, dialect: Dialect = "3.1") -> dict[str, str]:
        """Return job.star's variables; what RELION does not know is written only where it is asked for."""
        written = super().job_options(dialect)
        if not self.find_gain:
            written.pop(options.FIND_GAIN_KEY, None)
        return written

    def label(self) -> str:
        """Return RELION 4's label, which tells the two implementations apart."""
        return f"{self.type_label}.{'own' if self.do_own_motioncor else 'motioncor2'}"

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.do_dose_weighting and self.dose_per_frame <= 0:
            found.append(
                f"Dose per frame (dose_per_frame) is {self.dose_per_frame:g} e/Å²: dose weighting needs it, so state it, "
                "or switch dose weighting off."
            )
        return found

    def commands(self, output: str) -> list[Command]:
        """Return the call of ``run_motioncorr``."""
        given = ["--o", output, *_without(self.flags(), "--j"), *self.side_by_side(), "--only_do_unfinished"]
        given += ["--gain_rot", _number(self.gain_rot), "--gain_flip", _number(self.gain_flip)]
        if not self.do_own_motioncor:
            given.append("--use_motioncor2")
        if self.do_own_motioncor and self.do_save_ps:
            frames = round(self.group_for_ps / self.dose_per_frame) if self.dose_per_frame > 0 else 1
            given += ["--grouping_for_ps", str(max(frames, 1))]
        return [Command("run_motioncorr", (*given, *shlex.split(self.other_args)))]

    def outputs(self, output: str) -> list[Node]:
        """Return the list of micrographs and the pictures."""
        return [
            Node(f"{output}corrected_micrographs.star", "MicrographGroupMetadata.star.relion.motioncorr"),
            Node(f"{output}logfile.pdf", "LogFile.pdf.relion.motioncorr"),
        ]


def _without(flags: list[str], flag: str) -> list[str]:
    """Return arguments without a flag and its value."""
    at = flags.index(flag)
    return flags[:at] + flags[at + 2 :]


def _number(choice: str) -> str:
    """Return the number in brackets of a menu's entry."""
    return choice.rpartition("(")[2].rstrip(")")
