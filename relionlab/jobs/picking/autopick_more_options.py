"""AutoPick's parameters that RELION's form keeps beside the search: maps, downscaling, GPUs, filaments."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.options.compute import gpu_ids, use_gpu
from relionlab.jobs.options.helix import helical, tube_diameter
from relionlab.params import Parameter, When

_NO_BLOBS = (When("do_log", value=False),)
_HELIX = (When("do_pick_helical_segments"),)

WriteMaps = Annotated[
    bool,
    Parameter(
        label="Write FOM maps?",
        help="Keep the maps from which picks are taken, so that another threshold or distance takes no time. RELION's file names, and compressed ones.",
        tab="autopicking",
        key="do_write_fom_maps",
        flag="--write_fom_maps",
        on_continue=True,
    ),
]
ReadMaps = Annotated[
    bool,
    Parameter(
        label="Read FOM maps?",
        help="Take the maps that were written before, and pick again with another threshold or distance.",
        tab="autopicking",
        key="do_read_fom_maps",
        flag="--read_fom_maps",
        on_continue=True,
    ),
]
Shrink = Annotated[
    float,
    Parameter(
        label="Shrink factor",
        help="How far micrographs are downscaled: 0 as far as the low-pass filter allows, up to 1 by that factor, above 1 to that many pixels.",
        tab="autopicking",
        key="shrink",
        flag="--shrink",
        suggested=(0, 1, 0.1),
        bounds=(0, None),
        when=_NO_BLOBS,
    ),
]
UseGpu = Annotated[
    bool,
    use_gpu(
        "autopicking",
        "RELION's picker on GPUs. Here picking runs on the processor's cores; the value is kept for RELION.",
    ),
]
GpuIds = Annotated[str | None, gpu_ids("autopicking", "Numbers of the devices; kept for RELION.")]
Helix = Annotated[
    bool,
    helical(
        "Pick 2D helical segments?",
        "Trace filaments. Not done yet: such a job can be written and read, and run by RELION.",
        "do_pick_helical_segments",
        flag="--helix",
    ),
]
Amyloid = Annotated[
    bool,
    helical(
        "Pick amyloid segments?",
        "RELION's algorithm for amyloids. Not done yet.",
        "do_amyloid",
        flag="--amyloid",
        when=_HELIX,
    ),
]
TubeDiameter = Annotated[float, tube_diameter("--helical_tube_outer_diameter", _HELIX)]
HelicalUnits = Annotated[
    int,
    helical(
        "Number of unique asymmetrical units",
        "How many asymmetric units lie between two segments.",
        "helical_nr_asu",
        suggested=(1, 100, 1),
        when=_HELIX,
    ),
]
HelicalRise = Annotated[
    float,
    helical(
        "Helical rise",
        "Distance between subunits along the filament.",
        "helical_rise",
        unit="Å",
        suggested=(0, 100, 0.01),
        when=_HELIX,
    ),
]
MaxCurvature = Annotated[
    float,
    helical(
        "Maximum curvature",
        "Largest curvature of a filament, relative to that of a circle of its diameter.",
        "helical_tube_kappa_max",
        flag="--helical_tube_kappa_max",
        suggested=(0.05, 0.5, 0.01),
        when=_HELIX,
    ),
]
MinLength = Annotated[
    float,
    helical(
        "Minimum length",
        "Filaments shorter than this are left out.",
        "helical_tube_length_min",
        unit="Å",
        flag="--helical_tube_length_min",
        suggested=(100, 1000, 10),
        when=_HELIX,
    ),
]
