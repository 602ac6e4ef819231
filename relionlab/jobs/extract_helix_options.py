"""The Helix page of Extract. Not computed yet: such jobs can be written, read, and run by RELION."""

from __future__ import annotations

from typing import Annotated, Any

from relionlab.params import Declared, Parameter, When

_HELIX = (When("do_extract_helix"),)
_TUBES = (*_HELIX, When("do_extract_helical_tubes"))


def _helix(label: str, help: str, key: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    return Parameter(label=label, help=help, tab="Helix", level="advanced", key=key, **more)


class ExtractHelixOptions(Declared):
    """The Helix page of an extraction."""

    do_extract_helix: Annotated[
        bool,
        _helix(
            "Extract helical segments?",
            "Cut segments out of filaments. Not done yet: such a job can be written and read, and run by RELION.",
            "do_extract_helix",
            flag="--helix",
        ),
    ] = False
    helical_tube_outer_diameter: Annotated[
        float,
        _helix(
            "Tube diameter", "Outer diameter of the filaments.", "helical_tube_outer_diameter", unit="Å",
            flag="--helical_outer_diameter", suggested=(100, 1000, 10), when=_HELIX,
        ),
    ] = 200.0  # fmt: skip
    helical_bimodal_angular_priors: Annotated[
        bool,
        _helix(
            "Use bimodal angular priors?", "The polarity of the filaments is not known.", "helical_bimodal_angular_priors",
            flag="--helical_bimodal_angular_priors", when=_HELIX,
        ),
    ] = True  # fmt: skip
    do_extract_helical_tubes: Annotated[
        bool,
        _helix(
            "Coordinates are start-end only?", "The picks are the two ends of each filament.", "do_extract_helical_tubes",
            flag="--helical_tubes", when=_HELIX,
        ),
    ] = True  # fmt: skip
    do_cut_into_segments: Annotated[
        bool,
        _helix(
            "Cut helical tubes into segments?", "Otherwise each filament is one box.", "do_cut_into_segments",
            flag="--helical_cut_into_segments", when=_TUBES,
        ),
    ] = True  # fmt: skip
    helical_nr_asu: Annotated[
        int,
        _helix(
            "Number of unique asymmetrical units", "New units in each segment; with the rise it sets the distance of the segments.",
            "helical_nr_asu", flag="--helical_nr_asu", bounds=(1, None), suggested=(1, 100, 1), when=_TUBES,
        ),
    ] = 1  # fmt: skip
    helical_rise: Annotated[
        float,
        _helix(
            "Helical rise", "Distance between units along the filament.", "helical_rise", unit="Å", flag="--helical_rise",
            suggested=(0, 100, 0.01), when=_TUBES,
        ),
    ] = 1.0  # fmt: skip
