"""The flags of ``project``."""

from __future__ import annotations

from typing import Annotated, Any

from relionlab.jobs.reconstruction.declaring import ignored, refused
from relionlab.params import Declared, Parameter

_REFUSED = {
    "rotations_3d": "maps are turned by `relionlab align_symmetry`, subtomograms are not projected",
    "simulate": "realistic data are simulated by `relionlab simulate`",
    "nn": "nearest-neighbour interpolation is not offered; the linear one is better",
}


def _number(flag: str, label: str, help: str, unit: str, tab: str = "Poses") -> Any:  # noqa: A002
    return Annotated[float, Parameter(label=label, help=help, tab=tab, unit=unit, flag=flag)]


def _switch(flag: str, label: str, help: str, tab: str = "CTF") -> Any:  # noqa: A002
    return Annotated[bool, Parameter(label=label, help=help, tab=tab, flag=flag)]


class ProjectOptions(Declared):
    """Which projections are made, and what is done to them."""

    angpix: Annotated[
        float | None,
        Parameter(
            label="Pixel size", help="Of the map; -1: as the list or the map's header says.", tab="I/O", unit="Å",
            flag="--angpix", none_as="-1", bounds=(0.01, 100),
        ),
    ] = None  # fmt: skip
    mask: Annotated[
        str, Parameter(label="Mask", help="The map is multiplied by it first.", tab="I/O", flag="--mask", pattern="*.mrc")
    ] = ""
    ang: Annotated[
        str,
        Parameter(
            label="Poses", help="Particles at whose poses, and with whose CTF, projections are made.", tab="Poses",
            flag="--ang", none_as="None", pattern="*.star",
        ),
    ] = ""  # fmt: skip
    nr_uniform: Annotated[
        int | None,
        Parameter(
            label="Random projections", help="So many in random directions; -1: none.", tab="Poses", unit="images",
            flag="--nr_uniform", none_as="-1", bounds=(1, None),
        ),
    ] = None  # fmt: skip
    sigma_offset: _number("--sigma_offset", "Random offsets", "Standard deviation of random origins in px.", "px") = 0.0
    rot: _number("--rot", "Rot", "First angle of a single projection.", "°") = 0.0
    tilt: _number("--tilt", "Tilt", "Second angle of a single projection.", "°") = 0.0
    psi: _number("--psi", "Psi", "Third angle of a single projection.", "°") = 0.0
    xoff: _number("--xoff", "Origin in x", "Origin of a single projection.", "px") = 0.0
    yoff: _number("--yoff", "Origin in y", "Origin of a single projection.", "px") = 0.0
    zoff: ignored(float, "--zoff", "Origin in z") = 0.0
    ctf: _switch("--ctf", "Apply the CTF", "Multiply by each particle's CTF.") = False
    ctf_phase_flip: _switch("--ctf_phase_flip", "Flipped phases", "Multiply by the CTF's absolute value.") = False
    ctf_intact_first_peak: _switch(
        "--ctf_intact_first_peak", "Intact up to the first peak", "Take the CTF as 1 up to its first maximum."
    ) = False
    ctf2: _switch("--ctf2", "Squared CTF", "Multiply by the CTF twice.") = False
    add_noise: _switch("--add_noise", "Add noise", "White or coloured noise, as the next two say.", "Noise") = False
    white_noise: _number("--white_noise", "White noise", "Its standard deviation.", "unitless", "Noise") = 0.0
    model_noise: Annotated[
        str,
        Parameter(
            label="Noise spectra", help="run_itNNN_model.star, whose mean noise spectrum is added.", tab="Noise",
            flag="--model_noise", pattern="*_model.star",
        ),
    ] = ""  # fmt: skip
    subtract_exp: _switch(
        "--subtract_exp", "Subtract from the images", "Write the listed images less their projections.", "Poses"
    ) = False
    ignore_particle_name: ignored(bool, "--ignore_particle_name", "Ignore particle names") = False
    rotations_3d: refused("--3d_rot", "3D rotations") = False
    simulate: refused("--simulate", "Simulate") = False
    adjust_simulation_snr: ignored(float, "--adjust_simulation_SNR", "SNR of the simulation") = 1.0
    ang_simulate: ignored(str, "--ang_simulate", "Poses of the simulation") = ""
    maxres: Annotated[
        float | None,
        Parameter(
            label="Maximum resolution", help="Finer frequencies are left out; -1: all.", tab="I/O", unit="Å",
            flag="--maxres", none_as="-1", bounds=(0.1, None),
        ),
    ] = None  # fmt: skip
    pad: Annotated[
        int, Parameter(label="Padding", help="How finely Fourier space is sampled.", tab="I/O", flag="--pad", bounds=(1, 4))
    ] = 2
    nn: refused("--NN", "Nearest neighbour") = False

    def problems(self) -> list[str]:
        """Return what is wrong, RELION's flags among it that are not offered here."""
        found = super().problems()
        found += [f"{self.called(name)}: {why}; or run relion_project." for name, why in _REFUSED.items() if getattr(self, name)]
        if self.add_noise and not (self.white_noise or self.model_noise):
            found.append("--add_noise needs --white_noise (its standard deviation) or --model_noise (a model.star).")
        if self.subtract_exp and not self.ang:
            found.append("--subtract_exp needs --ang, the list of the images.")
        return found
