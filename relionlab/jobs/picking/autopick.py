"""AutoPick: find the particles in micrographs."""

from __future__ import annotations

import shlex
from typing import ClassVar, get_args

from relionlab.engine.picking import directions
from relionlab.errors import ParameterError
from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.micrographs.options import RedoOptions
from relionlab.jobs.options.running import MpiOptions, QueueOptions
from relionlab.jobs.picking import autopick_more_options as more
from relionlab.jobs.picking import autopick_options as options


class AutoPick(Job, RedoOptions, QueueOptions, MpiOptions):
    """Find particles by their size (Laplacian of Gaussian), by 2D references or by projections of a map.

    Defaults are those of RELION 3.1's form.
    """

    title: ClassVar[str] = "Auto-picking"
    type_label: ClassVar[str] = "relion.autopick"
    type_number: ClassVar[int] = 4
    folder: ClassVar[str] = "AutoPick"

    fn_input_autopick: options.Micrographs = ""
    angpix: options.PixelSize = None
    fn_refs_autopick: options.References = ""
    do_ref3d: options.UseMap = False
    fn_ref3d_autopick: options.Map = ""
    ref3d_symmetry: options.Symmetry = "C1"
    ref3d_sampling: options.Sampling = "30 degrees"
    do_log: options.UseBlobs = False
    log_diam_min: options.SmallestDiameter = 200.0
    log_diam_max: options.LargestDiameter = 250.0
    log_invert: options.AreWhite = False
    log_maxres: options.BlobResolution = 20.0
    log_adjust_thr: options.AdjustThreshold = 0.0
    log_upper_thr: options.UpperThreshold = 99999.0
    lowpass: options.LowPass = 20.0
    highpass: options.HighPass = None
    angpix_ref: options.ReferencePixelSize = None
    particle_diameter: options.ParticleDiameter = None
    psi_sampling_autopick: options.PsiStep = 5.0
    do_invert_refs: options.Inverted = True
    do_ctf_autopick: options.UseCtf = True
    do_ignore_first_ctfpeak_autopick: options.IntactFirstPeak = False
    threshold_autopick: options.Threshold = 0.05
    mindist_autopick: options.MinDistance = 100.0
    maxstddevnoise_autopick: options.MaxStddevNoise = 1.1
    minavgnoise_autopick: options.MinAverageNoise = None
    do_write_fom_maps: more.WriteMaps = False
    do_read_fom_maps: more.ReadMaps = False
    shrink: more.Shrink = 0.0
    use_gpu: more.UseGpu = False
    gpu_ids: more.GpuIds = ""
    do_pick_helical_segments: more.Helix = False
    do_amyloid: more.Amyloid = False
    helical_tube_outer_diameter: more.TubeDiameter = 200.0
    helical_nr_asu: more.HelicalUnits = 1
    helical_rise: more.HelicalRise = -1.0
    helical_tube_kappa_max: more.MaxCurvature = 0.1
    helical_tube_length_min: more.MinLength = -1.0

    def label(self) -> str:
        """Return RELION 4's label, which tells the method."""
        return f"{self.type_label}.{'log' if self.do_log else 'ref3d' if self.do_ref3d else 'ref2d'}"

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.do_log and self.log_diam_min > self.log_diam_max:
            found.append(
                f"Min. diameter (log_diam_min) is {self.log_diam_min:g} Å and max. diameter (log_diam_max)"
                f" {self.log_diam_max:g} Å: exchange them."
            )
        if not self.do_log and not (self.fn_ref3d_autopick if self.do_ref3d else self.fn_refs_autopick):
            field = "fn_ref3d_autopick" if self.do_ref3d else "fn_refs_autopick"
            found.append(
                f"There is no reference ({field}): give class averages or a map, or tick 'use Laplacian-of-Gaussian'."
            )
        if self.do_ref3d and not self.do_log:
            try:
                directions(0, self.ref3d_symmetry)
            except ParameterError as error:
                found.append(f"{self.called('ref3d_symmetry')}: {error}")
        if self.do_pick_helical_segments:
            found.append(
                "Helical segments (do_pick_helical_segments) are not picked yet: untick it, or run this job with RELION."
            )
        return found

    def commands(self, output: str) -> list[Command]:
        """Return the call of ``autopick``; micrographs that are done are left out, unless their picks are read from maps."""
        given = [*self.flags(), *self.side_by_side()]
        if self.do_log:
            given += ["--shrink", "0"]
        elif self.do_ref3d:
            given += ["--healpix_order", str(get_args(options.SamplingStep).index(self.ref3d_sampling))]
        if not self.do_read_fom_maps:
            given.append("--only_do_unfinished")
        place = ["--odir", output, "--pickname", "autopick"]
        return [Command("autopick", (*given, *place, *shlex.split(self.other_args)))]

    def outputs(self, output: str) -> list[Node]:
        """Return the suffix of the coordinate files, and the pictures."""
        return [
            Node(f"{output}coords_suffix_autopick.star", "MicrographCoordsGroup.star.relion.autopick"),
            Node(f"{output}logfile.pdf", "LogFile.pdf.relion.autopick"),
        ]
