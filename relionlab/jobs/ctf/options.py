"""The parameters of CTF estimation, which its form and its program share."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.micrographs.options import RedoOptions
from relionlab.params import Parameter, When

_PHASE = (When("do_phaseshift"),)
_FOUR = (When("use_ctffind4"),)
_GCTF = (When("use_gctf"),)


def _older(name: str) -> dict:
    """Return the job.star variable of a parameter that only RELION 3.1 has."""
    return {"3.1": name}


Micrographs = Annotated[
    str,
    Parameter(
        label="Input micrographs STAR file",
        help="The micrographs, as micrographs.star of Import or corrected_micrographs.star of motion correction. The"
        " program also takes a wildcard, with --HT, --CS, --AmpCnst and --angpix.",
        tab="I/O",
        key="input_star_mics",
        flag="--i",
        pattern="*.star",
        node="MicrographGroupMetadata.star.relion",
        required=True,
    ),
]
UseNoDW = Annotated[
    bool,
    Parameter(
        label="Use micrographs without dose weighting",
        help="Dose weighting takes high frequencies away, and with them rings. Take the unweighted averages"
        " (rlnMicrographNameNoDW) where motion correction kept them.",
        tab="I/O",
        key="use_noDW",
        flag="--use_noDW",
    ),
]
PhaseShift = Annotated[
    bool,
    Parameter(
        label="Estimate phase shifts",
        help="For data taken with a phase plate. Without one leave it off: phase shift and defocus explain each other.",
        tab="I/O",
        key="do_phaseshift",
        flag="--do_phaseshift",
    ),
]
PhaseMin = Annotated[
    float,
    Parameter(
        label="Phase shift, minimum",
        help="Where the search begins.",
        tab="I/O",
        unit="°",
        key="phase_min",
        flag="--phase_min",
        bounds=(-360, 360),
        suggested=(0, 180, 5),
        when=_PHASE,
    ),
]
PhaseMax = Annotated[
    float,
    Parameter(
        label="Phase shift, maximum",
        help="Where the search ends; 180° more is the same CTF with the other sign.",
        tab="I/O",
        unit="°",
        key="phase_max",
        flag="--phase_max",
        bounds=(-360, 360),
        suggested=(0, 180, 5),
        when=_PHASE,
    ),
]
PhaseStep = Annotated[
    float,
    Parameter(
        label="Phase shift, step",
        help="Step of the first search; the fine search that follows takes any value.",
        tab="I/O",
        unit="°",
        key="phase_step",
        flag="--phase_step",
        bounds=(0.1, 180),
        suggested=(1, 45, 1),
        when=_PHASE,
    ),
]
Astigmatism = Annotated[
    float,
    Parameter(
        label="Amount of astigmatism",
        help="Astigmatism that is to be expected. Five times as much is still held to be likely; more needs rings that"
        " say so. 0 believes everything.",
        tab="I/O",
        unit="Å",
        key="dast",
        flag="--dAst",
        suggested=(0, 2000, 100),
    ),
]
CtffindProgram = Annotated[
    str,
    Parameter(
        label="CTFFIND-4.1 executable",
        help="Empty: the fit is done here. An executable that exists is called instead, with CTFFIND-4.1 ticked; one"
        " that does not exist is not missed: the fit is done here and the log says so.",
        tab="CTFFIND",
        key="fn_ctffind_exe",
        flag="--ctffind_exe",
        level="advanced",
        pattern="*",
    ),
]
UseCtffind4 = Annotated[
    bool,
    Parameter(
        label="The executable is CTFFIND-4.1",
        help="CTFFIND 4.1 asks other questions than CTFFIND 3, which is not called any more.",
        tab="CTFFIND",
        key=_older("use_ctffind4"),
        flag="--is_ctffind4",
        level="advanced",
    ),
]
GivenSpectra = Annotated[
    bool,
    Parameter(
        label="Use power spectra from motion correction",
        help="Fit the sums of the frames' power spectra (rlnCtfPowerSpectrum) instead of the micrographs' own: rings do"
        " not fade by motion within the exposure, and nothing has to be read twice.",
        tab="CTFFIND",
        key="use_given_ps",
        flag="--use_given_ps",
    ),
]
SlowSearch = Annotated[
    bool,
    Parameter(
        label="Use exhaustive search",
        help="CTFFIND's slower search. The fit done here always searches everything; the value is for the executable.",
        tab="CTFFIND",
        key="slow_search",
        flag="--fast_search",
        flag_if=False,
        level="advanced",
        when=_FOUR,
    ),
]
Box = Annotated[
    int,
    Parameter(
        label="FFT box size",
        help="Pixels of the power spectrum along a side. Larger ones show the fine rings of a high defocus, smaller ones"
        " have less noise.",
        tab="CTFFIND",
        unit="px",
        key="box",
        flag="--Box",
        bounds=(32, 8192),
        suggested=(64, 1024, 8),
    ),
]
CoarsestResolution = Annotated[
    float,
    Parameter(
        label="Minimum resolution",
        help="Frequencies below it are left out: there, the specimen's shape rules.",
        tab="CTFFIND",
        unit="Å",
        key="resmin",
        wizard="rings",
        flag="--ResMin",
        bounds=(0.5, 5000),
        suggested=(10, 200, 10),
    ),
]
FinestResolution = Annotated[
    float,
    Parameter(
        label="Maximum resolution",
        help="Frequencies beyond it are left out. Further rings make defocus and astigmatism more precise, as far as"
        " there are any: the resolution of the fit tells how far they reach.",
        tab="CTFFIND",
        unit="Å",
        key="resmax",
        wizard="rings",
        flag="--ResMax",
        bounds=(0.2, 500),
        suggested=(1, 20, 1),
    ),
]
LowestDefocus = Annotated[
    float,
    Parameter(
        label="Minimum defocus value",
        help="Where the search begins; underfocus is positive.",
        tab="CTFFIND",
        unit="Å",
        key="dfmin",
        flag="--dFMin",
        suggested=(0, 25000, 1000),
    ),
]
HighestDefocus = Annotated[
    float,
    Parameter(
        label="Maximum defocus value",
        help="Where the search ends.",
        tab="CTFFIND",
        unit="Å",
        key="dfmax",
        flag="--dFMax",
        suggested=(20000, 100000, 1000),
    ),
]
DefocusStep = Annotated[
    float,
    Parameter(
        label="Defocus step size",
        help="Step of the first search; a finer one is taken where the rings at the maximum resolution need it.",
        tab="CTFFIND",
        unit="Å",
        key="dfstep",
        flag="--FStep",
        bounds=(1, None),
        suggested=(200, 2000, 100),
    ),
]
Window = Annotated[
    int,
    Parameter(
        label="Estimate CTF on window size",
        help="Use only a square of so many pixels in the middle of the micrograph; -1 for all of it.",
        tab="CTFFIND",
        unit="px",
        key="ctf_win",
        flag="--ctfWin",
        level="advanced",
        suggested=(-16, 4096, 16),
    ),
]
UseGctf = Annotated[
    bool,
    Parameter(
        label="Use Gctf instead",
        help="Kai Zhang's Gctf, which RELION 3.1 can call. It is not called from here: the fit is done here, with"
        " equi-phase averages too. Results that Gctf made elsewhere can be read.",
        tab="Gctf",
        key=_older("use_gctf"),
        flag="--use_gctf",
        level="advanced",
    ),
]
GctfProgram = Annotated[
    str,
    Parameter(
        label="Gctf executable",
        help="Kept for RELION.",
        tab="Gctf",
        key=_older("fn_gctf_exe"),
        flag="--gctf_exe",
        unused=True,
        level="developer",
        pattern="*",
        when=_GCTF,
    ),
]
IgnoreSearches = Annotated[
    bool,
    Parameter(
        label="Ignore the search ranges",
        help="RELION lets Gctf take its own ranges: 50 to 4 Å, 500 to 90000 Å of defocus, boxes of 1024 px. Kept for"
        " RELION.",
        tab="Gctf",
        key=_older("do_ignore_ctffind_params"),
        flag="--ignore_ctffind_params",
        unused=True,
        level="developer",
        when=_GCTF,
    ),
]
EquiPhase = Annotated[
    bool,
    Parameter(
        label="Perform equi-phase averaging",
        help="Gctf's option, kept for RELION; profiles made here are always averaged along curves of equal phase.",
        tab="Gctf",
        key=_older("do_EPA"),
        flag="--EPA",
        unused=True,
        level="developer",
        when=_GCTF,
    ),
]
GctfArguments = Annotated[
    str,
    Parameter(
        label="Other Gctf options",
        help="Kept for RELION.",
        tab="Gctf",
        key=_older("other_gctf_args"),
        flag="--extra_gctf_options",
        unused=True,
        level="developer",
        when=_GCTF,
    ),
]
GctfDevices = Annotated[
    str,
    Parameter(
        label="Which GPUs to use",
        help="Devices for Gctf, as 0:1:2. The fit done here needs none.",
        tab="Gctf",
        key=_older("gpu_ids"),
        flag="--gpu",
        level="developer",
        when=_GCTF,
    ),
]


class CtfOptions(RedoOptions):
    """What the form and the program share. Defaults are the form's; the program has some of its own."""

    input_star_mics: Micrographs = ""
    use_noDW: UseNoDW = False  # noqa: N815 - RELION's name
    do_phaseshift: PhaseShift = False
    phase_min: PhaseMin = 0.0
    phase_max: PhaseMax = 180.0
    phase_step: PhaseStep = 10.0
    dast: Astigmatism = 100.0
    fn_ctffind_exe: CtffindProgram = ""
    use_ctffind4: UseCtffind4 = False
    use_given_ps: GivenSpectra = False
    slow_search: SlowSearch = False
    ctf_win: Window = -1
    box: Box = 512
    resmin: CoarsestResolution = 30.0
    resmax: FinestResolution = 5.0
    dfmin: LowestDefocus = 5000.0
    dfmax: HighestDefocus = 50000.0
    dfstep: DefocusStep = 500.0
    use_gctf: UseGctf = False
    fn_gctf_exe: GctfProgram = ""
    do_ignore_ctffind_params: IgnoreSearches = True
    do_EPA: EquiPhase = False  # noqa: N815 - RELION's name
    other_gctf_args: GctfArguments = ""
    gpu_ids: GctfDevices = ""

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.resmin <= self.resmax:
            found.append(
                f"{self.called('resmin')} is {self.resmin:g} Å and {self.called('resmax')} {self.resmax:g} Å: the minimum is"
                " the coarser one and the larger number, as 30 and 5."
            )
        if self.dfmin >= self.dfmax:
            found.append(
                f"{self.called('dfmin')} is {self.dfmin:g} Å, not below {self.called('dfmax')}, {self.dfmax:g} Å: swap or widen"
                " them."
            )
        if self.dfmin <= 0:
            found.append(f"{self.called('dfmin')} is {self.dfmin:g} Å: it must be above 0.")
        if self.do_phaseshift and self.phase_min >= self.phase_max:
            found.append(
                f"{self.called('phase_min')} is {self.phase_min:g}° and {self.called('phase_max')} {self.phase_max:g}°: they"
                " leave nothing to search; the first must be the smaller one."
            )
        if self.box % 2:
            found.append(f"{self.called('box')} is {self.box} px: give an even number.")
        return found
