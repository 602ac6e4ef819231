"""The flags of ``reconstruct``."""

from __future__ import annotations

from typing import Annotated, Any

from relionlab.engine.volume.solving import ROUNDS
from relionlab.jobs.options.declaring import Verbosity, ignored, refused
from relionlab.params import Declared, Parameter

_REFUSED = {
    "ewald": "Ewald-sphere curvature is not corrected",
    "skip_mask": "Ewald-sphere curvature is not corrected",
    "skip_weighting": "Ewald-sphere curvature is not corrected",
    "reverse_curvature": "Ewald-sphere curvature is not corrected",
    "nn": "nearest-neighbour interpolation is not offered; the linear one is better",
    "rotations_3d": "subtomograms are not reconstructed",
    "ctf2": "maps of CTFs are not reconstructed",
    "read_weights": "weights in files are not read",
    "write_debug_output": "RELION's debugging files are not written",
    "external_reconstruct": "RELION's files for external programs are not written by this program",
}


def _switch(flag: str, label: str, help: str, tab: str = "CTF") -> Parameter:  # noqa: A002
    return Parameter(label=label, help=help, tab=tab, flag=flag)


def _number(flag: str, label: str, help: str, *, tab: str = "Optimisation", **more: Any) -> Parameter:  # noqa: A002
    return Parameter(label=label, help=help, tab=tab, flag=flag, **more)


class ReconstructOptions(Declared):
    """How particles become a map."""

    sym: Annotated[
        str, Parameter(label="Symmetry", help="Point group, as C1, D2, O or I1.", tab="Optimisation", flag="--sym")
    ] = "C1"
    maxres: Annotated[
        float | None,
        _number(
            "--maxres",
            "Maximum resolution",
            "Finer frequencies are left out; -1: all up to Nyquist.",
            unit="Å",
            none_as="-1",
            bounds=(0.1, None),
        ),
    ] = None
    pad: Annotated[
        int,
        _number(
            "--pad", "Padding", "How much finer Fourier space is sampled than the box's own pixels.", bounds=(1, 4)
        ),
    ] = 2
    img: Annotated[
        str, Parameter(label="Image path prefix", help="Put before the images' file names.", tab="I/O", flag="--img")
    ] = ""
    subset: Annotated[
        int | None,
        _number(
            "--subset", "Half-set", "1 or 2: only particles of this rlnRandomSubset; else all.", tab="I/O", none_as="-1"
        ),
    ] = None
    class_: Annotated[
        int | None, _number("--class", "Class", "Only particles of this class; -1: all.", tab="I/O", none_as="-1")
    ] = None
    angpix: Annotated[
        float | None,
        _number(
            "--angpix",
            "Pixel size of the map",
            "-1: that of the first particle's optics group.",
            tab="I/O",
            unit="Å",
            none_as="-1",
            bounds=(0.01, 100),
        ),
    ] = None
    j: Annotated[
        int,
        _number(
            "--j",
            "Threads",
            "Workers side by side; 0: as the settings say. The map does not depend on it.",
            tab="Compute",
            unit="threads",
            bounds=(0, None),
        ),
    ] = 0

    ctf: Annotated[
        bool, _switch("--ctf", "CTF correction", "Multiply by the CTF and divide by the sum of its squares.")
    ] = False
    ctf_intact_first_peak: Annotated[
        bool,
        _switch("--ctf_intact_first_peak", "Intact up to the first peak", "Take the CTF as 1 up to its first maximum."),
    ] = False
    ctf_phase_flipped: Annotated[
        bool, _switch("--ctf_phase_flipped", "Phases were flipped", "The images' phases were flipped already.")
    ] = False
    only_flip_phases: Annotated[
        bool,
        _switch(
            "--only_flip_phases", "Only flip phases", "Correct the sign of the CTF and leave amplitudes as they are."
        ),
    ] = False

    subtract: Annotated[
        str,
        Parameter(
            label="Subtract this map",
            help="Its projections are subtracted from the images.",
            tab="Optimisation",
            flag="--subtract",
            pattern="*.mrc",
        ),
    ] = ""
    iter: Annotated[
        int,
        _number(
            "--iter",
            "Rounds of density compensation",
            "RELION's count. Three from the start used here come as far as its ten, so no more are made.",
            bounds=(0, None),
        ),
    ] = 10
    skip_gridding: Annotated[
        bool,
        _switch(
            "--skip_gridding", "Skip density compensation", "Divide by the smoothed weights alone.", "Optimisation"
        ),
    ] = False
    angular_error: Annotated[
        float,
        _number(
            "--angular_error",
            "Angular error",
            "Standard deviation of errors put into all angles.",
            unit="°",
            bounds=(0, None),
        ),
    ] = 0.0
    shift_error: Annotated[
        float,
        _number(
            "--shift_error",
            "Shift error",
            "Standard deviation of errors put into the origins.",
            unit="Å",
            bounds=(0, None),
        ),
    ] = 0.0
    fom_weighting: Annotated[
        bool,
        _switch(
            "--fom_weighting",
            "Weight by figure of merit",
            "Weight particles by rlnParticleFigureOfMerit.",
            "Optimisation",
        ),
    ] = False
    fsc: Annotated[
        str,
        Parameter(
            label="FSC curve",
            help="postprocess.star or model.star: its FSC gives the prior of a Wiener filter.",
            tab="Optimisation",
            flag="--fsc",
            pattern="*.star",
        ),
    ] = ""

    ewald: Annotated[bool, refused("--ewald", "Ewald-sphere correction")] = False
    reverse_curvature: Annotated[bool, refused("--reverse_curvature", "Reverse curvature")] = False
    skip_mask: Annotated[bool, refused("--skip_mask", "Skip mask")] = False
    skip_weighting: Annotated[bool, refused("--skip_weighting", "Skip weighting")] = False
    mask_diameter: Annotated[float, ignored("--mask_diameter", "Mask diameter of the Ewald correction")] = -1.0
    width_mask_edge: Annotated[float, ignored("--width_mask_edge", "Mask edge of the Ewald correction")] = 3.0
    newbox: Annotated[int, ignored("--newbox", "Box of the Ewald correction")] = -1
    sectors: Annotated[int, ignored("--sectors", "Sectors of the Ewald correction")] = 2
    nr_helical_asu: Annotated[int, refused("--nr_helical_asu", "Helical units")] = 1
    helical_rise: Annotated[float, ignored("--helical_rise", "Helical rise")] = 0.0
    helical_twist: Annotated[float, ignored("--helical_twist", "Helical twist")] = 0.0
    nn: Annotated[bool, refused("--NN", "Nearest neighbour")] = False
    blob_r: Annotated[float, ignored("--blob_r", "Blob radius")] = 1.9
    blob_m: Annotated[int, ignored("--blob_m", "Blob order")] = 0
    blob_a: Annotated[float, ignored("--blob_a", "Blob alpha")] = 15.0
    refdim: Annotated[int, refused("--refdim", "Dimension")] = 3
    rotations_3d: Annotated[bool, refused("--3d_rot", "3D rotations")] = False
    reconstruct_ctf: Annotated[int, refused("--reconstruct_ctf", "Reconstruct CTFs")] = -1
    ctf2: Annotated[bool, refused("--ctf2", "Reconstruct squared CTFs")] = False
    debug: Annotated[str, refused("--debug", "Debugging files")] = ""
    debug_ori_size: Annotated[int, ignored("--debug_ori_size", "Debugging size")] = 1
    debug_size: Annotated[int, ignored("--debug_size", "Debugging size in Fourier space")] = 1
    reconstruct_noise: Annotated[str, refused("--reconstruct_noise", "Reconstruct noise")] = ""
    read_weights: Annotated[bool, refused("--read_weights", "Read weights")] = False
    write_debug_output: Annotated[bool, refused("--write_debug_output", "Write debugging output")] = False
    external_reconstruct: Annotated[bool, refused("--external_reconstruct", "External reconstruction")] = False
    verb: Verbosity = 1

    def problems(self) -> list[str]:
        """Return what is wrong, RELION's flags among it that are not offered here."""
        found = super().problems()
        found += [
            f"{self.called(name)}: {why}; run relion_reconstruct."
            for name, why in _REFUSED.items()
            if getattr(self, name)
        ]
        changed = (
            ("nr_helical_asu", 1, "helices are not reconstructed"),
            ("refdim", 3, "only 3D maps are made"),
            ("reconstruct_ctf", -1, "maps of CTFs are not reconstructed"),
            ("reconstruct_noise", "", "noise is not reconstructed"),
            ("debug", "", "RELION's debugging files are not read"),
        )
        found += [
            f"{self.called(name)}: {why}; run relion_reconstruct."
            for name, plain, why in changed
            if getattr(self, name) != plain
        ]
        return found

    def rounds(self) -> int:
        """Return the rounds of density compensation."""
        return 0 if self.skip_gridding else min(self.iter, ROUNDS)
