"""The flags of ``project``."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.options.declaring import ignored, refused
from relionlab.params import Declared, Parameter

_REFUSED = {
    "rotations_3d": "maps are turned by `relionlab align_symmetry`, subtomograms are not projected",
    "simulate": "realistic data are simulated by `relionlab simulate`",
    "nn": "nearest-neighbour interpolation is not offered; the linear one is better",
}


def _number(flag: str, label: str, help: str, unit: str, tab: str = "Poses") -> Parameter:  # noqa: A002
    return Parameter(label=label, help=help, tab=tab, unit=unit, flag=flag)


def _switch(flag: str, label: str, help: str, tab: str = "CTF") -> Parameter:  # noqa: A002
    return Parameter(label=label, help=help, tab=tab, flag=flag)


class ProjectOptions(Declared):
    """Which projections are made, and what is done to them."""

    angpix: Annotated[
        float | None,
        Parameter(
            label="Pixel size",
            help="Of the map; -1: as the list or the map's header says.",
            tab="I/O",
            unit="Å",
            flag="--angpix",
            none_as="-1",
            bounds=(0.01, 100),
        ),
    ] = None
    mask: Annotated[
        str,
        Parameter(label="Mask", help="The map is multiplied by it first.", tab="I/O", flag="--mask", pattern="*.mrc"),
    ] = ""
    ang: Annotated[
        str,
        Parameter(
            label="Poses",
            help="Particles at whose poses, and with whose CTF, projections are made.",
            tab="Poses",
            flag="--ang",
            none_as="None",
            pattern="*.star",
        ),
    ] = ""
    nr_uniform: Annotated[
        int | None,
        Parameter(
            label="Random projections",
            help="So many in random directions; -1: none.",
            tab="Poses",
            unit="images",
            flag="--nr_uniform",
            none_as="-1",
            bounds=(1, None),
        ),
    ] = None
    sigma_offset: Annotated[
        float, _number("--sigma_offset", "Random offsets", "Standard deviation of random origins in px.", "px")
    ] = 0.0
    rot: Annotated[float, _number("--rot", "Rot", "First angle of a single projection.", "°")] = 0.0
    tilt: Annotated[float, _number("--tilt", "Tilt", "Second angle of a single projection.", "°")] = 0.0
    psi: Annotated[float, _number("--psi", "Psi", "Third angle of a single projection.", "°")] = 0.0
    xoff: Annotated[float, _number("--xoff", "Origin in x", "Origin of a single projection.", "px")] = 0.0
    yoff: Annotated[float, _number("--yoff", "Origin in y", "Origin of a single projection.", "px")] = 0.0
    zoff: Annotated[float, ignored("--zoff", "Origin in z")] = 0.0
    ctf: Annotated[bool, _switch("--ctf", "Apply the CTF", "Multiply by each particle's CTF.")] = False
    ctf_phase_flip: Annotated[
        bool, _switch("--ctf_phase_flip", "Flipped phases", "Multiply by the CTF's absolute value.")
    ] = False
    ctf_intact_first_peak: Annotated[
        bool,
        _switch("--ctf_intact_first_peak", "Intact up to the first peak", "Take the CTF as 1 up to its first maximum."),
    ] = False
    ctf2: Annotated[bool, _switch("--ctf2", "Squared CTF", "Multiply by the CTF twice.")] = False
    add_noise: Annotated[
        bool, _switch("--add_noise", "Add noise", "White or coloured noise, as the next two say.", "Noise")
    ] = False
    white_noise: Annotated[
        float, _number("--white_noise", "White noise", "Its standard deviation.", "unitless", "Noise")
    ] = 0.0
    model_noise: Annotated[
        str,
        Parameter(
            label="Noise spectra",
            help="run_itNNN_model.star, whose mean noise spectrum is added.",
            tab="Noise",
            flag="--model_noise",
            pattern="*_model.star",
        ),
    ] = ""
    subtract_exp: Annotated[
        bool,
        _switch(
            "--subtract_exp", "Subtract from the images", "Write the listed images less their projections.", "Poses"
        ),
    ] = False
    ignore_particle_name: Annotated[bool, ignored("--ignore_particle_name", "Ignore particle names")] = False
    rotations_3d: Annotated[bool, refused("--3d_rot", "3D rotations")] = False
    simulate: Annotated[bool, refused("--simulate", "Simulate")] = False
    adjust_simulation_snr: Annotated[float, ignored("--adjust_simulation_SNR", "SNR of the simulation")] = 1.0
    ang_simulate: Annotated[str, ignored("--ang_simulate", "Poses of the simulation")] = ""
    maxres: Annotated[
        float | None,
        Parameter(
            label="Maximum resolution",
            help="Finer frequencies are left out; -1: all.",
            tab="I/O",
            unit="Å",
            flag="--maxres",
            none_as="-1",
            bounds=(0.1, None),
        ),
    ] = None
    pad: Annotated[
        int,
        Parameter(label="Padding", help="How finely Fourier space is sampled.", tab="I/O", flag="--pad", bounds=(1, 4)),
    ] = 2
    nn: Annotated[bool, refused("--NN", "Nearest neighbour")] = False

    def problems(self) -> list[str]:
        """Return what is wrong, RELION's flags among it that are not offered here."""
        found = super().problems()
        found += [
            f"{self.called(name)}: {why}; or run relion_project."
            for name, why in _REFUSED.items()
            if getattr(self, name)
        ]
        if self.add_noise and not (self.white_noise or self.model_noise):
            found.append("--add_noise needs --white_noise (its standard deviation) or --model_noise (a model.star).")
        if self.subtract_exp and not self.ang:
            found.append("--subtract_exp needs --ang, the list of the images.")
        return found
