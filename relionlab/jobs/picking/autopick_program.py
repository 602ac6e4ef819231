"""The program ``autopick``: find particles in micrographs, and write their coordinates."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, ClassVar

from relionlab.engine.picking import BlobSearch
from relionlab.errors import ParameterError
from relionlab.io.job_names import as_folder
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.micrographs.options import MicrographOptions
from relionlab.jobs.options.declaring import Verbosity
from relionlab.jobs.picking import autopick_more_options as more
from relionlab.jobs.picking import autopick_options as options
from relionlab.jobs.picking.autopick_all import MOST_MAPS, pick
from relionlab.jobs.picking.picking import Picking
from relionlab.params import Parameter, flagged

_GENERAL, _REFERENCES, _BLOBS, _HELIX, _PEAKS, _EXPERT = (
    "General",
    "References",
    "Laplacian-of-Gaussian",
    "Helix",
    "Peak search",
    "Expert",
)


_flag = partial(flagged, tab=_EXPERT, level="advanced")


class Autopick(Program, MicrographOptions):
    """Pick particles: blobs of a given size, 2D references, or projections of a map.

    Corrections by hand live in MICROGRAPH_autopick_edits.star beside the coordinates: a table "added" and a table "removed",
    each of rlnCoordinateX and rlnCoordinateY in px. Every pick of the micrograph respects them, whatever the threshold: the
    added ones are among its coordinates, automatic ones within a quarter of the particle of a removed one are not.
    """

    name: ClassVar[str] = "autopick"
    title: ClassVar[str] = "Auto-picking"

    i: options.Micrographs = ""
    pickname: Annotated[
        str,
        Parameter(
            label="Root name of coordinate files",
            help="Coordinates go to MICROGRAPH_autopick.star.",
            tab=_GENERAL,
            flag="--pickname",
        ),
    ] = "autopick"
    odir: Annotated[
        str,
        Parameter(label="Output directory", help='As "AutoPick/job006/".', tab=_GENERAL, flag="--odir"),
    ] = "AutoPick/"
    angpix: options.PixelSize = None
    particle_diameter: options.ParticleDiameter = None
    shrink_particle_mask: Annotated[
        float,
        _flag(
            "Shrink the mask",
            "--shrink_particle_mask",
            "The radius of the references' mask is smaller than the particle's by so many pixels of the micrograph.",
            unit="px",
            bounds=(0, None),
        ),
    ] = 2.0
    outlier_removal_zscore: Annotated[
        float,
        _flag(
            "Remove outliers",
            "--outlier_removal_zscore",
            "Pixels so many standard deviations from the mean become the mean.",
            unit="σ",
            bounds=(0, None),
        ),
    ] = 8.0
    write_fom_maps: more.WriteMaps = False
    no_fom_limit: Annotated[
        bool,
        _flag("No limit of maps", "--no_fom_limit", f"Write maps of more than {MOST_MAPS} micrographs too."),
    ] = False
    read_fom_maps: more.ReadMaps = False
    skip_optimise_scale: Annotated[
        bool,
        _flag(
            "Exact scale",
            "--skip_optimise_scale",
            "Downscale to the very size asked for, not to the next one whose Fourier transform is quick.",
        ),
    ] = False
    do_continue: Annotated[
        bool,
        _flag("Continue", "--continue", "The same as --only_do_unfinished. Not in RELION.", tab=_GENERAL),
    ] = False
    gpu_ids: more.GpuIds = None
    ref: Annotated[
        str,
        Parameter(
            label="References",
            help="A stack of images, a STAR file of class averages, a map (.mrc with several sections), or 'gauss'.",
            tab=_REFERENCES,
            flag="--ref",
        ),
    ] = ""
    angpix_ref: options.ReferencePixelSize = None
    invert: options.Inverted = False
    ang: options.PsiStep = 10.0  # the form has 5
    lowpass: options.LowPass = None
    highpass: options.HighPass = None
    ctf: options.UseCtf = False
    ctf_intact_first_peak: options.IntactFirstPeak = False
    gauss_max: Annotated[
        float,
        _flag(
            "Peak of the Gaussian",
            "--gauss_max",
            "Without effect: the blob's grey scale does not matter here.",
            unused=True,
        ),
    ] = 0.1
    healpix_order: Annotated[
        int,
        Parameter(
            label="HEALPix order",
            help="How finely directions are spread: about 60° at 0, 30° at 1, 15° at 2.",
            tab=_REFERENCES,
            flag="--healpix_order",
            bounds=(0, 5),
        ),
    ] = 1
    sym: options.Symmetry = "C1"
    do_log: options.UseBlobs = False
    log_diam_min: Annotated[
        float | None,
        Parameter(
            label="Min. diameter",
            help="Smallest diameter of the particles.",
            tab=_BLOBS,
            unit="Å",
            flag="--LoG_diam_min",
            none_as="-1",
        ),
    ] = None
    log_diam_max: Annotated[
        float | None,
        Parameter(
            label="Max. diameter",
            help="Largest diameter of the particles.",
            tab=_BLOBS,
            unit="Å",
            flag="--LoG_diam_max",
            none_as="-1",
        ),
    ] = None
    log_neighbour: Annotated[
        float,
        _flag(
            "Distance of neighbours",
            "--LoG_neighbour",
            "Blobs are kept apart by this part of the mean of the detected and the smallest diameter; 75 % of it at the"
            " default of 100, as crowded particles touch.",
            unit="%",
            tab=_BLOBS,
            bounds=(0, None),
        ),
    ] = 100.0
    log_invert: options.AreWhite = False
    log_adjust_threshold: options.AdjustThreshold = 0.0
    log_upper_threshold: options.UpperThreshold = 99999.0
    log_use_ctf: Annotated[
        bool,
        _flag(
            "Use the CTF",
            "--LoG_use_ctf",
            "Multiply micrographs with their CTF, taken as 1 up to its first peak.",
            tab=_BLOBS,
        ),
    ] = False
    helix: more.Helix = False
    amyloid: more.Amyloid = False
    helical_tube_kappa_max: more.MaxCurvature = 0.25
    helical_tube_outer_diameter: more.TubeDiameter = -1.0
    helical_tube_length_min: more.MinLength = -1.0
    max_diam_local_avg: Annotated[
        float,
        _flag(
            "Diameter of local averages",
            "----max_diam_local_avg",
            "Of RELION's amyloid picker.",
            unit="Å",
            tab=_HELIX,
            unused=True,
        ),
    ] = -1.0
    threshold: options.Threshold = 0.25
    min_distance: options.MinDistance = None
    max_stddev_noise: options.MaxStddevNoise = None
    min_avg_noise: options.MinAverageNoise = None
    skip_side: Annotated[
        float,
        _flag(
            "Skip at the sides",
            "--skip_side",
            "Keep so many more pixels of the micrograph free at its edges, besides half a particle.",
            unit="px",
            tab=_PEAKS,
            bounds=(0, None),
        ),
    ] = 0.0
    verb: Verbosity = 1
    pad: Annotated[int, _flag("Padding", "--pad", "Padding of a map's transform; 2 is used.", unused=True)] = 2
    random_seed: Annotated[
        int, _flag("Random seed", "--random_seed", "Without effect: nothing is random here.", unused=True)
    ] = 1
    topaz: Annotated[
        str,
        _flag(
            "Topaz",
            "--fn_topaz_exe",
            "The executable that RELION 4 and 5 name in every command line; Topaz is not called here.",
            other_flags=("--topaz_exe",),
            unused=True,
        ),
    ] = ""
    shrink: more.Shrink = 1.0  # the form has 0
    log_max_search: Annotated[
        float,
        _flag(
            "Search beyond",
            "--Log_max_search",
            "RELION looks for blobs up to so many times larger than wanted, to leave them out. Here contamination shows"
            " by its height (--LoG_upper_threshold); the value is not used.",
            tab=_BLOBS,
            unused=True,
        ),
    ] = 5.0
    extra_pad: Annotated[
        int,
        _flag(
            "Extra padding", "--extra_pad", "Without effect: edges are left out of the search.", unit="px", unused=True
        ),
    ] = 0

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.helix or self.amyloid:
            found.append(
                "--helix and --amyloid are not there yet: leave them out, or run this job with relion_autopick."
            )
        if self.do_log:
            given = [value for value in (self.log_diam_min, self.log_diam_max) if value is not None]
            if len(given) < 2:
                found.append("--LoG needs --LoG_diam_min and --LoG_diam_max: the particles' diameters in Å.")
            elif not 0 < given[0] <= given[1]:
                found.append(
                    f"--LoG_diam_min is {given[0]:g} Å and --LoG_diam_max {given[1]:g} Å: give the smaller one first, above 0."
                )
        elif self.lowpass and self.highpass and self.highpass <= self.lowpass:
            found.append(
                f"--highpass is {self.highpass:g} Å and --lowpass {self.lowpass:g} Å: nothing is left between them. The high-pass"
                " filter is the larger number, as 400 and 20."
            )
        elif not self.ref and not self.read_fom_maps:
            found.append("There is nothing to pick with: give --ref (stack, STAR file, map or 'gauss') or --LoG.")
        return found

    def pictured(self) -> str:
        """Return the directory whose pictures are to be drawn when the program has run."""
        return self.odir

    def look(self, context: Context) -> None:
        """Look at the list, some of its micrographs, and the references."""
        from relionlab.jobs.picking.autopick_work import look_at_picking

        look_at_picking(context, self.picking())

    def run(self, context: Context) -> None:
        """Pick from every micrograph, past faulty ones, and write coordinates and summary."""
        self.check()
        if self.gpu_ids is not None:
            context.say(" --gpu: picking runs on the processor's cores here; it needs no GPU")
        pick(context, self.picking())

    def picking(self) -> Picking:
        """Return what is to be done, without the command line's words."""
        return Picking(
            micrographs=self.i,
            output=as_folder(self.odir),
            pickname=self.pickname,
            pixel_size=self.angpix,
            blobs=self._blobs(),
            ref=self.ref,
            angpix_ref=self.angpix_ref,
            particle_diameter=self.particle_diameter,
            healpix_order=self.healpix_order,
            symmetry=self.sym,
            psi_step=self.ang,
            shrink_mask=self.shrink_particle_mask,
            lowpass=self.lowpass,
            highpass=self.highpass,
            bright=self.log_invert if self.do_log else not self.invert,
            ctf=self.log_use_ctf if self.do_log else self.ctf,
            intact_first_peak=self.do_log or self.ctf_intact_first_peak,
            shrink=0.0 if self.do_log else self.shrink,
            exact_scale=self.skip_optimise_scale,
            outliers=self.outlier_removal_zscore,
            skip_side=self.skip_side,
            threshold=self.log_adjust_threshold if self.do_log else self.threshold,
            upper=self.log_upper_threshold if self.do_log and self.log_upper_threshold < 99999 else None,
            neighbour=0.75 * self.log_neighbour / 100,
            min_distance=self.min_distance,
            max_stddev=self.max_stddev_noise,
            min_average=self.min_avg_noise,
            write_maps=self.write_fom_maps,
            read_maps=self.read_fom_maps,
            unlimited_maps=self.no_fom_limit,
            choice=replace(self.choice(), only_unfinished=self.only_do_unfinished or self.do_continue),
            workers=self.j,
        )

    def _blobs(self) -> BlobSearch | None:
        if not self.do_log:
            return None
        if self.log_diam_min is None or self.log_diam_max is None:
            raise ParameterError("--LoG needs --LoG_diam_min and --LoG_diam_max: the particles' diameters in Å.")
        return BlobSearch(self.log_diam_min, self.log_diam_max)
