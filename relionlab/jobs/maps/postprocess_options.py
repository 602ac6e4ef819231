"""The parameters of post-processing, which its form and its program share."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.maps import half_map_options as shared
from relionlab.jobs.options.detector import FileOrName
from relionlab.params import Declared, Parameter, When

_AUTO, _SKIP = (When("do_auto_bfac"),), (When("do_skip_fsc_weighting"),)

AutoB = Annotated[
    bool,
    Parameter(
        label="Estimate B-factor automatically?",
        help="From the slope of the Guinier plot (Rosenthal & Henderson 2003). The map has to reach well beyond the lowest"
        " resolution of the fit.",
        tab="Sharpen", key="do_auto_bfac", flag="--auto_bfac",
    ),
]  # fmt: skip
LowestOfFit = Annotated[
    float,
    Parameter(
        label="Lowest resolution for auto-B fit",
        help="Coarser frequencies are left out of the line: there the molecule's shape rules, not the B-factor. About 10.",
        tab="Sharpen", unit="Å", key="autob_lowres", flag="--autob_lowres", bounds=(1, 100), suggested=(8, 15, 0.5),
        when=_AUTO,
    ),
]  # fmt: skip
SkipWeighting = Annotated[
    bool,
    Parameter(
        label="Skip FSC-weighting?",
        help="Do not weight frequencies by their signal. Then give a low-pass filter: for parts of the map that are better"
        " than the whole.",
        tab="Filter", key="do_skip_fsc_weighting", flag="--skip_fsc_weighting",
    ),
]  # fmt: skip
LowPass = Annotated[
    float,
    Parameter(
        label="Ad-hoc low-pass filter",
        help="Where the map ends. 0: nowhere; a negative number: at its resolution. Beyond the resolution it shows noise.",
        tab="Filter", unit="Å", key="low_pass", flag="--low_pass", wizard="map low-pass", suggested=(1, 40, 1), when=_SKIP,
    ),
]  # fmt: skip


class PostProcessOptions(Declared):
    """What form and program share. Defaults are the form's."""

    fn_in: shared.HalfMap = ""
    fn_mask: Annotated[
        str, shared.mask("The resolution is that of the particle within it; phase randomisation takes its share away.")
    ] = ""
    angpix: shared.CalibratedPixelSize = None
    do_auto_bfac: AutoB = True
    autob_lowres: LowestOfFit = 10.0
    adhoc_bfac: Annotated[float, shared.b_factor("Sharpen", (When("do_adhoc_bfac"),))] = -1000.0
    do_skip_fsc_weighting: SkipWeighting = False
    low_pass: LowPass = 5.0
    fn_mtf: Annotated[str, FileOrName, shared.transfer_file("Sharpen")] = ""
    mtf_angpix: shared.OriginalPixelSize = 1.0
