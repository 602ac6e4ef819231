"""The flags of ``preprocess`` that cut particles out of micrographs: known by name, not yet able to run."""

from __future__ import annotations

from typing import Annotated, Any

from relionlab.errors import InputError
from relionlab.jobs.preprocess_flags import ImageFlags
from relionlab.params import Parameter


def _later(label: str, flag: str, meaning: str, **more: Any) -> Parameter:
    more.setdefault("tab", "Extraction")
    return Parameter(label=label, flag=flag, help=f"{meaning} Comes with the Extract stage.", level="advanced", **more)


class ExtractionFlags(ImageFlags):
    """The flags for cutting particles out of micrographs; giving one is refused with a clear message."""

    i: Annotated[str, _later("Micrographs", "--i", "List of the micrographs.", pattern="*.star")] = ""
    coord_suffix: Annotated[str, _later("Coordinate suffix", "--coord_suffix", 'Ending, as "_pick.star".')] = ""
    coord_dir: Annotated[str, _later("Coordinate directory", "--coord_dir", "Where the coordinates are.")] = "ASINPUT"
    part_dir: Annotated[str, _later("Output directory", "--part_dir", "Where stacks go.")] = "Particles/"
    part_star: Annotated[str, _later("Output list", "--part_star", "List of the extracted particles.")] = ""
    reextract_data_star: Annotated[
        str, _later("Particles to extract again", "--reextract_data_star", "List of particles of a refinement.")
    ] = ""
    keep_ctfs_micrographs: Annotated[
        bool, _later("Keep the micrographs' CTFs", "--keep_ctfs_micrographs", "Take the CTF from the micrograph list.")
    ] = False
    reset_offsets: Annotated[bool, _later("Reset offsets", "--reset_offsets", "Set refined origins to zero.")] = False
    recenter: Annotated[bool, _later("Recentre", "--recenter", "Move boxes to the refined origins.")] = False
    recenter_x: Annotated[float, _later("Recentre on X", "--recenter_x", "Point in the reference.", unit="px")] = 0.0
    recenter_y: Annotated[float, _later("Recentre on Y", "--recenter_y", "Point in the reference.", unit="px")] = 0.0
    recenter_z: Annotated[float, _later("Recentre on Z", "--recenter_z", "Point in the reference.", unit="px")] = 0.0
    ref_angpix: Annotated[
        float | None,
        _later("Reference pixel size", "--ref_angpix", "Unit of that point.", unit="Å", none_as="-1"),
    ] = None
    extract: Annotated[bool, _later("Extract", "--extract", "Cut particles out of micrographs.")] = False
    extract_size: Annotated[
        int | None, _later("Box size", "--extract_size", "Box to cut out.", unit="px", none_as="-1")
    ] = None
    premultiply_ctf: Annotated[
        bool, _later("Multiply with the CTF", "--premultiply_ctf", "Multiply micrographs with their CTF first.")
    ] = False
    premultiply_extract_size: Annotated[
        int | None,
        _later("Box before CTF", "--premultiply_extract_size", "Box in which to multiply.", unit="px", none_as="-1"),
    ] = None
    ctf_intact_first_peak: Annotated[
        bool, _later("Intact until first peak", "--ctf_intact_first_peak", "Leave low frequencies as they are.")
    ] = False
    phase_flip: Annotated[bool, _later("Flip phases", "--phase_flip", "Flip the micrographs' phases first.")] = False
    extract_bias_x: Annotated[int, _later("Bias in X", "--extract_bias_x", "Added to picks.", unit="px")] = 0
    extract_bias_y: Annotated[int, _later("Bias in Y", "--extract_bias_y", "Added to picks.", unit="px")] = 0
    only_do_unfinished: Annotated[
        bool, _later("Only unfinished", "--only_do_unfinished", "Leave out micrographs that are done.")
    ] = False
    project3d: Annotated[bool, _later("Project along z", "--project3d", "Project subtomograms to images.")] = False
    helix: Annotated[bool, _later("Helical segments", "--helix", "Cut out segments.", tab="Helix")] = False
    helical_outer_diameter: Annotated[
        float | None,
        _later("Tube diameter", "--helical_outer_diameter", "Outer diameter.", unit="Å", none_as="-1", tab="Helix"),
    ] = None
    helical_tubes: Annotated[bool, _later("Tubes", "--helical_tubes", "Picks are tube ends.", tab="Helix")] = False
    helical_nr_asu: Annotated[int, _later("Asymmetric units", "--helical_nr_asu", "Per box.", tab="Helix")] = 1
    helical_rise: Annotated[float, _later("Rise", "--helical_rise", "Per unit.", unit="Å", tab="Helix")] = 0.0
    helical_bimodal_angular_priors: Annotated[
        bool, _later("Bimodal priors", "--helical_bimodal_angular_priors", "Up or down is open.", tab="Helix")
    ] = False
    helical_cut_into_segments: Annotated[
        bool, _later("Cut tubes", "--helical_cut_into_segments", "Cut tubes into segments.", tab="Helix")
    ] = False

    def refuse_extraction(self) -> None:
        """Raise InputError if a flag of the extraction was given."""
        given = [
            str(parameter.flag)
            for name, parameter in ExtractionFlags.parameters().items()
            if name not in ImageFlags.parameters() and getattr(self, name) != ExtractionFlags.default(name)
        ]
        if given:
            raise InputError(
                f"preprocess was given {', '.join(given)}: cutting particles out of micrographs comes with the Extract stage and "
                "cannot run yet. It works on existing stacks: relionlab preprocess --operate_on particles.star … "
                "Extract with RELION (relion_preprocess) in the same project until then."
            )
