"""The Helix pages. Nothing on them is computed yet: such jobs can be written, read, and run by RELION."""

from __future__ import annotations

from typing import Annotated, Any

from relionlab.params import Declared, Parameter, When

_HELIX = (When("do_helix"),)


def helical(label: str, help: str, key: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    """Declare a parameter of a Helix page."""
    return Parameter(label=label, help=help, tab="Helix", level="advanced", key=key, **more)


def tube_diameter(flag: str, when: tuple[When, ...], *, more: str = "") -> Parameter:
    """Declare the filaments' diameter, which all Helix pages have; only the programs' flags differ."""
    return helical(
        "Tube diameter", f"Outer diameter of the filaments{more}.", "helical_tube_outer_diameter", unit="Å", flag=flag,
        suggested=(100, 1000, 10), when=when,
    )  # fmt: skip


Helix = Annotated[
    bool,
    helical(
        "Classify 2D helical segments?",
        "Treat the particles as segments of filaments, with prior in-plane angles. Not done yet: such a job can be"
        " written and read, and run by RELION.",
        "do_helix",
        flag="--helix",
    ),
]
TubeDiameter = Annotated[float, tube_diameter("--helical_outer_diameter", _HELIX, more="; what lies outside is masked")]
BimodalPsi = Annotated[
    bool,
    helical(
        "Do bimodal angular searches?",
        "Search around the prior angle and around its opposite, for filaments of unknown polarity.",
        "do_bimodal_psi",
        flag="--bimodal_psi",
        when=_HELIX,
    ),
]
PsiRange = Annotated[
    float,
    helical(
        "Angular search range - psi",
        "How far from its prior an in-plane angle is searched.",
        "range_psi",
        unit="°",
        suggested=(3, 30, 1),
        when=_HELIX,
    ),
]
RestrictOffsets = Annotated[
    bool,
    helical(
        "Restrict helical offsets to rise?",
        "Keep offsets along the filament within half a rise, so that segments do not slide onto each other.",
        "do_restrict_xoff",
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
