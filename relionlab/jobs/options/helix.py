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


def _range(angle: str, of: str, *, more: str = "") -> Parameter:
    """Declare how far around its prior an angle of a filament is searched."""
    return helical(
        f"Angular search range - {angle}", f"How far from its prior {of} is searched{more}.", f"range_{angle}", unit="°",
        suggested=(3, 30, 1), when=_HELIX,
    )  # fmt: skip


PsiRange = Annotated[float, _range("psi", "an in-plane angle")]
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


# --- in three dimensions ----------------------------------------------------------------------------------------------

_IMPOSED = (*_HELIX, When("do_apply_helical_symmetry"))
_SEARCHED = (*_IMPOSED, When("do_local_search_helical_symmetry"))

Helix3D = Annotated[
    bool,
    helical(
        "Do helical reconstruction?",
        "Treat the particles as segments of a helix, whose symmetry is imposed. Not done yet: such a job can be written and"
        " read, and run by RELION.",
        "do_helix",
        flag="--helix",
    ),
]
InnerTube = Annotated[
    float,
    helical(
        "Tube diameter - inner",
        "Inner diameter of hollow filaments, -1 for solid ones.",
        "helical_tube_inner_diameter",
        unit="Å",
        flag="--helical_inner_diameter",
        suggested=(-1, 1000, 10),
        when=_HELIX,
    ),
]
RotRange = Annotated[float, _range("rot", "the angle about the helix", more="; -1: everywhere")]
TiltRange = Annotated[float, _range("tilt", "the angle out of the plane")]
DistanceRange = Annotated[
    float,
    helical(
        "Range factor of local averaging",
        "Over how many segments, as a factor of their distance, priors are averaged along a filament; -1 for none.",
        "helical_range_distance",
        flag="--helical_sigma_distance",
        flag_factor=1 / 3,
        suggested=(-1, 5, 0.1),
        when=_HELIX,
    ),
]
FixedTilt = Annotated[
    bool,
    helical(
        "Keep tilt-prior fixed",
        "Expect all filaments to lie flat, throughout the refinement.",
        "keep_tilt_prior_fixed",
        flag="--helical_keep_tilt_prior_fixed",
        when=_HELIX,
    ),
]
ImposeHelix = Annotated[
    bool,
    helical(
        "Apply helical symmetry?",
        "Average the subunits of the map by twist and rise.",
        "do_apply_helical_symmetry",
        flag="--ignore_helical_symmetry",
        flag_if=False,
        when=_HELIX,
    ),
]
Subunits = Annotated[
    int,
    helical(
        "Number of unique asymmetrical units",
        "Subunits that a segment has new, compared with the one before: the extraction's.",
        "helical_nr_asu",
        flag="--helical_nr_asu",
        suggested=(1, 100, 1),
        when=_IMPOSED,
    ),
]


def _helical_number(label: str, key: str, unit: str, help: str, when: tuple[When, ...] = _SEARCHED) -> Parameter:  # noqa: A002
    return helical(label, help, key, unit=unit, flag=f"--{key}", when=when)


Twist = Annotated[
    float,
    _helical_number(
        "Initial helical twist",
        "helical_twist_initial",
        "°",
        "Turn from one subunit to the next; positive for right-handed.",
        _IMPOSED,
    ),
]
Rise = Annotated[
    float,
    _helical_number(
        "Initial helical rise",
        "helical_rise_initial",
        "Å",
        "Distance along the axis from one subunit to the next.",
        _IMPOSED,
    ),
]
CentralLength = Annotated[
    float,
    helical(
        "Central Z length",
        "Part of the box's height, about its middle, from which symmetry is taken.",
        "helical_z_percentage",
        unit="%",
        flag="--helical_z_percentage",
        flag_factor=0.01,
        bounds=(1, 100),
        suggested=(5, 80, 1),
        when=_HELIX,
    ),
]
SearchSymmetry = Annotated[
    bool,
    helical(
        "Do local searches of symmetry?",
        "Refine twist and rise in each iteration.",
        "do_local_search_helical_symmetry",
        flag="--helical_symmetry_search",
        when=_IMPOSED,
    ),
]
_TWIST_SEARCH, _RISE_SEARCH = "Helical twist search", "Helical rise search"
LeastTwist = Annotated[float, _helical_number(f"{_TWIST_SEARCH} - Min", "helical_twist_min", "°", "Least twist tried.")]
MostTwist = Annotated[
    float, _helical_number(f"{_TWIST_SEARCH} - Max", "helical_twist_max", "°", "Largest twist tried.")
]
TwistStep = Annotated[
    float,
    _helical_number(f"{_TWIST_SEARCH} - Step", "helical_twist_inistep", "°", "First step of the search; 0: its own."),
]
LeastRise = Annotated[float, _helical_number(f"{_RISE_SEARCH} - Min", "helical_rise_min", "Å", "Least rise tried.")]
MostRise = Annotated[float, _helical_number(f"{_RISE_SEARCH} - Max", "helical_rise_max", "Å", "Largest rise tried.")]
RiseStep = Annotated[
    float,
    _helical_number(f"{_RISE_SEARCH} - Step", "helical_rise_inistep", "Å", "First step of the search; 0: its own."),
]


class HelixSymmetryOptions(Declared):
    """What the Helix page of a 3D job has and that of a 2D classification has not."""

    helical_tube_inner_diameter: InnerTube = -1.0
    range_rot: RotRange = -1.0
    range_tilt: TiltRange = 15.0
    helical_range_distance: DistanceRange = -1.0
    keep_tilt_prior_fixed: FixedTilt = True
    do_apply_helical_symmetry: ImposeHelix = True
    helical_nr_asu: Subunits = 1
    helical_twist_initial: Twist = 0.0
    helical_z_percentage: CentralLength = 30.0
    do_local_search_helical_symmetry: SearchSymmetry = False
    helical_twist_min: LeastTwist = 0.0
    helical_twist_max: MostTwist = 0.0
    helical_twist_inistep: TwistStep = 0.0
    helical_rise_min: LeastRise = 0.0
    helical_rise_max: MostRise = 0.0
    helical_rise_inistep: RiseStep = 0.0


class HelixSwitch3D(Declared):
    """What stands first on the Helix page of a 3D job; the last base's fields come first."""

    do_helix: Helix3D = False
    helical_tube_outer_diameter: TubeDiameter = -1.0
    range_psi: PsiRange = 10.0
    helical_rise_initial: Rise = 0.0


class HelixOptions3D(HelixSymmetryOptions, HelixSwitch3D):
    """The Helix page of a 3D classification or refinement."""

    def helix_problems(self) -> list[str]:
        """Return what is wrong: helices are not refined here."""
        if not self.do_helix:
            return []
        message = (
            "Helical reconstruction (do_helix) is not done yet: untick it to treat segments as single particles, or run this"
            " job with RELION in the same project."
        )
        return [message]
