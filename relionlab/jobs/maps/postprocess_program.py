"""The program ``postprocess``: the resolution of half-maps, their sharpened map, and with --locres the local resolution."""

from __future__ import annotations

from typing import Annotated, ClassVar

from relionlab.errors import ParameterError
from relionlab.io.detectors import read_mtf
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.maps import half_map_options as shared
from relionlab.jobs.maps.postprocess_options import AutoB, LowPass, PostProcessOptions
from relionlab.jobs.options.declaring import Verbosity
from relionlab.jobs.options.detector import provide_mtf
from relionlab.params import Parameter, When

_LOCAL = (When("locres"),)


def _expert(label: str, flag: str, words: str, **more: str) -> Parameter:
    return Parameter(label=label, help=words, tab="Expert", level="advanced", flag=flag, **more)  # type: ignore[arg-type]


def _removed(flag: str) -> Parameter:
    return Parameter(
        label=f"Removed: {flag.removeprefix('--')}", tab="Expert", flag=flag, level="developer",
        help="RELION 3.1 took automatic masks away; make a mask with mask_create.",
    )  # fmt: skip


def _local(label: str, flag: str, words: str) -> Parameter:
    return Parameter(label=label, help=words, tab="Local resolution", unit="Å", flag=flag, when=_LOCAL)


def _or_default(label: str, flag: str, words: str) -> Parameter:
    return Parameter(
        label=label,
        help=words,
        tab="Local resolution",
        unit="Å",
        flag=flag,
        when=_LOCAL,
        none_as="-1",
        bounds=(0, None),
    )


class Postprocess(Program, PostProcessOptions):
    """Find the resolution of half-maps within a mask, sharpen their map, or estimate the local resolution."""

    name: ClassVar[str] = "postprocess"
    title: ClassVar[str] = "Post-processing"

    # where the program's default is not the form's
    do_auto_bfac: AutoB = False
    low_pass: LowPass = 0.0
    adhoc_bfac: Annotated[float, shared.b_factor("Sharpen")] = 0.0
    mtf_angpix: shared.OriginalPixelSize = None

    i2: Annotated[
        str,
        Parameter(
            label="Second half-map", help="Where its name does not follow from the first's.", tab="I/O", flag="--i2"
        ),
    ] = ""
    o: Annotated[
        str, Parameter(label="Output root", help="Start of the names of the results.", tab="I/O", flag="--o")
    ] = "postprocess"
    half_maps: Annotated[
        bool,
        Parameter(
            label="Write half-maps",
            help="Write both half-maps too, sharpened and filtered as the map, to validate a model.",
            tab="I/O",
            flag="--half_maps",
        ),
    ] = False
    molweight: Annotated[
        float | None,
        Parameter(
            label="Molecular weight",
            help="Of what is ordered: adds the correlation that the particle alone would have (one column).",
            tab="I/O", unit="kDa", flag="--molweight", none_as="-1",
        ),
    ] = None  # fmt: skip
    force_mask: Annotated[
        bool,
        Parameter(
            label="Force the mask",
            help="Keep to the masked resolution even where the unmasked one is better, which means that the mask is bad.",
            tab="I/O",
            flag="--force_mask",
        ),
    ] = False
    autob_highres: Annotated[
        float,
        Parameter(
            label="Highest resolution for auto-B fit",
            help="Finer frequencies are left out of the line; 0 takes all that have signal.",
            tab="Sharpen", unit="Å", flag="--autob_highres", bounds=(0, None),
        ),
    ] = 0.0  # fmt: skip
    auto_mask: Annotated[bool, _removed("--auto_mask")] = False
    inimask_threshold: Annotated[float, _removed("--inimask_threshold")] = 0.02
    extend_inimask: Annotated[float, _removed("--extend_inimask")] = 3.0
    width_mask_edge: Annotated[float, _removed("--width_mask_edge")] = 6.0

    locres: Annotated[
        bool,
        Parameter(
            label="Local resolution",
            help="Estimate the resolution at every place instead of one for all.",
            tab="Local resolution",
            flag="--locres",
        ),
    ] = False
    locres_sampling: Annotated[float, _local("Sampling", "--locres_sampling", "Distance of the places.")] = 25.0
    locres_maskrad: Annotated[
        float | None, _or_default("Radius", "--locres_maskrad", "Of the ball; -1: half of the sampling.")
    ] = None
    locres_edgwidth: Annotated[
        float | None, _or_default("Edge", "--locres_edgwidth", "Soft edge of the ball; -1: the sampling.")
    ] = None
    locres_randomize_at: Annotated[
        float, _local("Randomise from", "--locres_randomize_at", "Phases are random beyond this resolution.")
    ] = 25.0
    locres_minres: Annotated[
        float, _local("Lowest resolution", "--locres_minres", "No place is said to be worse than this.")
    ] = 50.0

    ampl_corr: Annotated[
        bool, _expert("Amplitude correlation", "--ampl_corr", "Add amplitude correlations and phase residuals.")
    ] = False
    randomize_at_fsc: Annotated[
        float,
        _expert("Randomise below FSC", "--randomize_at_fsc", "Phases are random from where the unmasked FSC is below."),
    ] = 0.8
    randomize_at_A: Annotated[  # noqa: N815 - RELION's name
        float | None,
        _expert("Randomise from", "--randomize_at_A", "Phases are random beyond this.", unit="Å", none_as="-1"),
    ] = None
    filter_edge_width: Annotated[
        int,
        _expert("Filter edge", "--filter_edge_width", "Width of the low-pass filter's edge.", unit="px"),
    ] = 2
    verb: Verbosity = 1
    random_seed: Annotated[
        int, _expert("Random seed", "--random_seed", "For the phases; negative: another one each time.")
    ] = 0
    j: Annotated[
        int,
        Parameter(
            label="Workers", help="For the local resolution; 0: as the settings say.", tab="Running", flag="--j",
            bounds=(0, None),
        ),
    ] = 0  # fmt: skip

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.auto_mask:
            found.append("--auto_mask was removed from RELION: make a mask with mask_create and give it with --mask.")
        if self.do_auto_bfac and self.adhoc_bfac != 0:
            found.append("--auto_bfac and --adhoc_bfac exclude each other: the B-factor is estimated, or given.")
        if not 0 < self.randomize_at_fsc < 1:
            found.append(f"--randomize_at_fsc is {self.randomize_at_fsc:g}: give a correlation between 0 and 1.")
        return found

    def pictured(self) -> str:
        """Return the directory whose pictures are to be drawn when the program has run."""
        folder = self.o.rpartition("/")[0]
        return folder or "."

    def look(self, context: Context) -> None:
        """Look at both half-maps, the mask, and the detector's curve."""
        from relionlab.jobs.maps.half_maps import look_at_half_maps

        if self.fn_mtf and context.path(self.fn_mtf).is_file():
            read_mtf(context.path(self.fn_mtf), self.fn_mtf)
        if self.fn_in:
            masks = self.fn_mask.split(",") if self.fn_mask else []
            look_at_half_maps(
                context, self.fn_in, other=self.i2, pixel_size=self.angpix, masks=masks, soft=not self.locres
            )
        self._warn_of_blur(context)

    def _warn_of_blur(self, context: Context) -> None:
        if self.adhoc_bfac > 0 and not self.do_auto_bfac:
            context.warn(
                f"warning: --adhoc_bfac is {self.adhoc_bfac:g} Å², which blurs the map: negative numbers sharpen."
            )

    def run(self, context: Context) -> None:
        """Do the work."""
        self.check()
        self._warn_of_blur(context)
        if not self.fn_in:
            raise ParameterError("--i is empty: give one of the half-maps.")
        if self.fn_mtf:
            provide_mtf(context, self.fn_mtf)
        if self.locres:
            from relionlab.jobs.maps.local_resolution import estimate_local_resolution

            estimate_local_resolution(self, context)
        else:
            from relionlab.jobs.maps.postprocessing import postprocess

            postprocess(self, context)
