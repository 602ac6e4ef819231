"""The program ``run_motioncorr``: correct every movie of a list for motion."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from relionlab.errors import ParameterError
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.micrographs.options import MicrographOptions
from relionlab.jobs.motion import options
from relionlab.params import Parameter

_I, _M, _D, _O = "General", "Motion", "Dose weighting", "Own motion correction"


def _switch(label: str, help: str, flag: str, tab: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    return Parameter(label=label, help=help, flag=flag, tab=tab, **more)


class RunMotionCorr(Program, MicrographOptions):
    """Align the frames of movies, globally and in patches, and add them up, weighted by dose.

    What RELION's program computes, with its flags, its motion model and its files; the alignment is another one (see
    engine/motion): shifts and model are those under which the movie is most likely, with weights measured from it.
    ``--bfactor`` only shapes the first search for each frame's place. Without it, it is 150 Å², as px² of this pixel
    size, between 10 and 500.
    """

    name: ClassVar[str] = "run_motioncorr"
    title: ClassVar[str] = "Motion correction"

    i: options.InputMovies = ""
    o: Annotated[
        str,
        Parameter(
            label="Output directory",
            help="Directory for the results, as MotionCorr/job002/.",
            tab=_I,
            flag="--o",
            required=True,
        ),
    ] = "MotionCorr"
    max_io_threads: Annotated[
        int | None,
        Parameter(
            label="Reading threads",
            help="RELION's limit for threads that read at the same time; every worker here reads its own movie. Kept for"
            " RELION's command lines.",
            tab=_I,
            level="developer",
            unit="threads",
            flag="--max_io_threads",
            unused=True,
            none_as="-1",
        ),
    ] = None
    grouping_for_ps: Annotated[
        int | None,
        Parameter(
            label="Frames per power spectrum",
            help="Add up this many frames before the power spectrum for CTF estimation is taken; without it none is"
            " written.",
            tab=_I,
            unit="frames",
            flag="--grouping_for_ps",
            bounds=(1, None),
            none_as="-1",
        ),
    ] = None
    ps_size: Annotated[
        int,
        Parameter(
            label="Size of the power spectrum",
            help="Side of the square power spectrum.",
            tab=_I,
            unit="px",
            flag="--ps_size",
            bounds=(16, 8192),
        ),
    ] = 512
    first_frame_sum: options.FirstFrame = 1
    last_frame_sum: options.LastFrame = -1
    eer_grouping: options.EerGrouping = 40
    eer_upsampling: Annotated[
        int,
        Parameter(
            label="EER upsampling",
            help="1 takes EER movies in the detector's pixels (4K), 2 in half of them (8K).",
            tab=_I,
            flag="--eer_upsampling",
            bounds=(1, 2),
        ),
    ] = 1
    use_motioncor2: Annotated[
        bool,
        _switch("Use MotionCor2", "Have MotionCor2 correct the movies; it must be installed.", "--use_motioncor2", _M),
    ] = False
    motioncor2_exe: options.MotionCor2Program = ""
    bin_factor: options.Binning = 1.0
    bfactor: Annotated[
        float | None,
        Parameter(
            label="B-factor",
            help="Damping exp(-B k²/2), k in cycles per px, of the products of transforms in the first search. By default"
            " 150 Å² in px² of the movie, between 10 and 500. The shifts do not depend on it once that search has come"
            " near.",
            tab=_M,
            unit="px",
            flag="--bfactor",
            bounds=(0, None),
            none_as="-1",
        ),
    ] = None
    gainref: options.GainReference = ""
    gain_rot: Annotated[
        int,
        Parameter(
            label="Gain rotation",
            help="Turn the gain reference clockwise by this many times 90°, before it is flipped.",
            tab=_M,
            flag="--gain_rot",
            bounds=(0, 3),
        ),
    ] = 0
    gain_flip: Annotated[
        int,
        Parameter(
            label="Gain flip",
            help="0: as it is, 1: upside down, 2: left to right.",
            tab=_M,
            flag="--gain_flip",
            bounds=(0, 2),
        ),
    ] = 0
    find_gain: options.FindGain = False
    patch_x: options.PatchesX = 1
    patch_y: options.PatchesY = 1
    group_frames: options.GroupFrames = 1
    defect_file: options.DefectFile = ""
    archive: Annotated[
        str,
        Parameter(
            label="Archive",
            help="Directory into which MotionCor2 copies movies. relionlab's own correction copies none.",
            tab=_M,
            level="developer",
            flag="--archive",
            unused=True,
        ),
    ] = ""
    other_motioncor2_args: options.MotionCor2Arguments = ""
    gpu: options.GpuIds = ""
    dose_weighting: options.DoseWeight = False
    angpix: Annotated[
        float | None,
        Parameter(
            label="Pixel size",
            help="Pixel size of the movies, if the list does not say it, or says it wrongly.",
            tab=_D,
            unit="Å",
            flag="--angpix",
            bounds=(0.01, 100),
            none_as="-1",
        ),
    ] = None
    voltage: Annotated[
        float | None,
        Parameter(
            label="Voltage",
            help="Acceleration voltage, if the list does not say it, or says it wrongly.",
            tab=_D,
            unit="kV",
            flag="--voltage",
            bounds=(10, 3000),
            none_as="-1",
        ),
    ] = None
    dose_per_frame: options.DosePerFrame = 1.0
    preexposure: options.PreExposure = 0.0
    use_own: options.UseOwn = False
    skip_defect: Annotated[
        bool,
        _switch(
            "Skip hot pixels", "Do not look for hot pixels; those in a defect file are mended.", "--skip_defect", _O
        ),
    ] = False
    save_nodw: options.SaveNonWeighted = False
    max_iter: Annotated[
        int,
        Parameter(
            label="Iterations",
            help="Rounds of the first search at most; the refinement that follows has its own end.",
            tab=_O,
            unit="iterations",
            flag="--max_iter",
            bounds=(1, None),
        ),
    ] = 5
    interpolate_shifts: Annotated[
        bool,
        _switch(
            "Interpolate shifts",
            "RELION's experiment of interpolating between grouped frames. Here frames are aligned one by one and the"
            " patches' motion is smooth in time, so nothing is left to interpolate.",
            "--interpolate_shifts",
            _O,
            level="developer",
            unused=True,
        ),
    ] = False
    ccf_downsample: Annotated[
        float,
        Parameter(
            label="Downsampling of the search",
            help="How much coarser than the movie the first search's maps are; 0 lets pixel size and B-factor decide.",
            tab=_O,
            level="developer",
            flag="--ccf_downsample",
            bounds=(0, 64),
        ),
    ] = 0.0
    early_binning: Annotated[
        bool,
        _switch(
            "Early binning",
            "Bin the frames before alignment instead of the sum after it: less memory and time for super-resolution"
            " movies. It is the default where there is binning.",
            "--early_binning",
            _O,
            level="advanced",
        ),
    ] = False
    no_early_binning: Annotated[
        bool,
        _switch("No early binning", "Bin the sum, after alignment.", "--no_early_binning", _O, level="advanced"),
    ] = False
    dose_motionstats_cutoff: Annotated[
        float,
        Parameter(
            label="Early dose",
            help="Motion up to this dose counts as early in the output's statistics.",
            tab=_O,
            unit="e/Å²",
            flag="--dose_motionstats_cutoff",
            bounds=(0, None),
        ),
    ] = 4.0
    float16: Annotated[
        bool,
        _switch(
            "Write float16", "Half the size on disk; RELION 4 and later read it, 3.1 does not.", "--float16", "Ours"
        ),
    ] = False
    apply_motion: Annotated[
        bool,
        _switch(
            "Apply known motion",
            "Align nothing: take every movie's shifts from the motion STAR file that the list names"
            " (rlnMicrographMetadata), of whichever program, and make the sums anew, with other binning or dose weights.",
            "--apply_motion",
            "Ours",
        ),
    ] = False
    motioncor2_logs: Annotated[
        str,
        Parameter(
            label="MotionCor2's logs",
            help="Directory with the logs of movies that MotionCor2 or 3 aligned (NAME-Full.log or NAME-Patch-Full.log, and"
            " NAME-Patch-Patch.log): align nothing, take these shifts, fit RELION's motion model to what the patches say, and make"
            " sums and motion STAR files, also of EER movies, from which polishing can go on.",
            tab="Ours",
            flag="--motioncor2_logs",
        ),
    ] = ""
    save_aligned: Annotated[
        bool,
        _switch(
            "Save aligned movies",
            "Write every movie's corrected frames too, as NAME_movie.mrcs, and their list,"
            " corrected_micrograph_movies.star, as RELION 2 did. They take much room, and polishing does not need them.",
            "--save_aligned",
            "Ours",
        ),
    ] = False

    def pictured(self) -> str:
        """Return the output directory: its logfile.pdf shows the motion."""
        return self.o

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.use_own and self.use_motioncor2:
            found.append("Give either --use_own or --use_motioncor2, not both.")
        if not self.use_own and not self.use_motioncor2:
            found.append("Say which program is to correct the movies: --use_own (this one) or --use_motioncor2.")
        if self.dose_weighting and self.dose_per_frame <= 0:
            found.append(
                f"--dose_per_frame is {self.dose_per_frame:g} e/Å²: --dose_weighting needs the dose of a frame; state it, "
                "or leave --dose_weighting out."
            )
        if self.apply_motion and self.motioncor2_logs:
            found.append("Give either --apply_motion or --motioncor2_logs: the shifts come from one of them.")
        if 0 < self.last_frame_sum < self.first_frame_sum:
            found.append(
                f"--first_frame_sum is {self.first_frame_sum}, beyond --last_frame_sum, {self.last_frame_sum}: "
                "swap them, or give -1 for all frames to the end."
            )
        return found

    def look(self, context: Context) -> None:
        """See the class above: the list, some of its movies, gain and defects."""
        from relionlab.jobs.motion.listing import look_at_movies

        look_at_movies(context, self)

    def run(self, context: Context) -> None:
        """Correct all movies that are to be corrected, then write their list."""
        self.check()
        if self.use_motioncor2:
            raise ParameterError(
                "--use_motioncor2: relionlab does not drive MotionCor2. Use --use_own, whose model and files are the same; or "
                "run MotionCor2 itself, and take its shifts with --use_own --motioncor2_logs DIRECTORY."
            )
        from relionlab.jobs.motion.listing import correct_all

        correct_all(context, self)
