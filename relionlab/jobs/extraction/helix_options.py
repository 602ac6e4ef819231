"""The Helix page of Extract. Not computed yet: such jobs can be written, read, and run by RELION."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.options.helix import helical, tube_diameter
from relionlab.params import Declared, When

_HELIX = (When("do_extract_helix"),)
_TUBES = (*_HELIX, When("do_extract_helical_tubes"))


class ExtractHelixOptions(Declared):
    """The Helix page of an extraction."""

    do_extract_helix: Annotated[
        bool,
        helical(
            "Extract helical segments?",
            "Cut segments out of filaments. Not done yet: such a job can be written and read, and run by RELION.",
            "do_extract_helix",
            flag="--helix",
        ),
    ] = False
    helical_tube_outer_diameter: Annotated[
        float,
        tube_diameter("--helical_outer_diameter", _HELIX),
    ] = 200.0
    helical_bimodal_angular_priors: Annotated[
        bool,
        helical(
            "Use bimodal angular priors?", "The polarity of the filaments is not known.", "helical_bimodal_angular_priors",
            flag="--helical_bimodal_angular_priors", when=_HELIX,
        ),
    ] = True  # fmt: skip
    do_extract_helical_tubes: Annotated[
        bool,
        helical(
            "Coordinates are start-end only?", "The picks are the two ends of each filament.", "do_extract_helical_tubes",
            flag="--helical_tubes", when=_HELIX,
        ),
    ] = True  # fmt: skip
    do_cut_into_segments: Annotated[
        bool,
        helical(
            "Cut helical tubes into segments?", "Otherwise each filament is one box.", "do_cut_into_segments",
            flag="--helical_cut_into_segments", when=_TUBES,
        ),
    ] = True  # fmt: skip
    helical_nr_asu: Annotated[
        int,
        helical(
            "Number of unique asymmetrical units", "New units in each segment; with the rise it sets the distance of the segments.",
            "helical_nr_asu", flag="--helical_nr_asu", bounds=(1, None), suggested=(1, 100, 1), when=_TUBES,
        ),
    ] = 1  # fmt: skip
    helical_rise: Annotated[
        float,
        helical(
            "Helical rise", "Distance between units along the filament.", "helical_rise", unit="Å", flag="--helical_rise",
            suggested=(0, 100, 0.01), when=_TUBES,
        ),
    ] = 1.0  # fmt: skip
