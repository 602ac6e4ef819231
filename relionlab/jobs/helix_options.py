"""The Helix page of 2D classification. Not computed yet: such jobs can be written, read, and run by RELION."""

from __future__ import annotations

from typing import Annotated

from relionlab.params import Declared, Parameter, When

_HELIX = (When("do_helix"),)

Helix = Annotated[
    bool,
    Parameter(
        label="Classify 2D helical segments?",
        help="Treat the particles as segments of filaments, with prior in-plane angles. Not done yet: such a job can be"
        " written and read, and run by RELION.",
        tab="Helix",
        level="advanced",
        key="do_helix",
        flag="--helix",
    ),
]
TubeDiameter = Annotated[
    float,
    Parameter(
        label="Tube diameter",
        help="Outer diameter of the filaments; what lies outside is masked.",
        tab="Helix",
        unit="Å",
        level="advanced",
        key="helical_tube_outer_diameter",
        flag="--helical_outer_diameter",
        suggested=(100, 1000, 10),
        when=_HELIX,
    ),
]
BimodalPsi = Annotated[
    bool,
    Parameter(
        label="Do bimodal angular searches?",
        help="Search around the prior angle and around its opposite, for filaments of unknown polarity.",
        tab="Helix",
        level="advanced",
        key="do_bimodal_psi",
        flag="--bimodal_psi",
        when=_HELIX,
    ),
]
PsiRange = Annotated[
    float,
    Parameter(
        label="Angular search range - psi",
        help="How far from its prior an in-plane angle is searched.",
        tab="Helix",
        unit="°",
        level="advanced",
        key="range_psi",
        suggested=(3, 30, 1),
        when=_HELIX,
    ),
]
RestrictOffsets = Annotated[
    bool,
    Parameter(
        label="Restrict helical offsets to rise?",
        help="Keep offsets along the filament within half a rise, so that segments do not slide onto each other.",
        tab="Helix",
        level="advanced",
        key="do_restrict_xoff",
        when=_HELIX,
    ),
]
HelicalRise = Annotated[
    float,
    Parameter(
        label="Helical rise",
        help="Distance between subunits along the filament.",
        tab="Helix",
        unit="Å",
        level="advanced",
        key="helical_rise",
        flag="--helical_rise_initial",
        suggested=(-1, 100, 1),
        when=(When("do_helix"), When("do_restrict_xoff")),
    ),
]


class HelixOptions2D(Declared):
    """The Helix page of a 2D classification."""

    do_helix: Helix = False
    helical_tube_outer_diameter: TubeDiameter = 200.0
    do_bimodal_psi: BimodalPsi = True
    range_psi: PsiRange = 6.0
    do_restrict_xoff: RestrictOffsets = True
    helical_rise: HelicalRise = 4.75
