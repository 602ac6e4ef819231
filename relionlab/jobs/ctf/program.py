"""The program ``run_ctffind``: the CTF of every micrograph of a list, and the list with the CTFs."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import PurePosixPath
from typing import Annotated, ClassVar

import numpy as np

from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit import Range
from relionlab.errors import InputError, ParameterError, RelionlabError, StarError
from relionlab.exchange.ctffind4 import Estimate
from relionlab.io.images import read_header
from relionlab.io.job_names import as_folder, output_root
from relionlab.io.particles import Particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.ctf import options
from relionlab.jobs.ctf.comparison import read_result
from relionlab.jobs.ctf.doubts import doubts
from relionlab.jobs.ctf.work import CtfWork, Micrograph, Settings, finest_possible
from relionlab.jobs.looking import spread, tell_of_faults
from relionlab.jobs.micrographs.each import for_each_micrograph
from relionlab.jobs.micrographs.listing import (
    PIXEL_SIZE,
    first_shape,
    look_at_images,
    names_of,
    read_micrographs,
    warn_of_pixel_sizes,
)
from relionlab.jobs.micrographs.options import MicrographOptions
from relionlab.jobs.particles.optics import check_microscope
from relionlab.params import Parameter

BYTES_PER_PIXEL = 24  # the micrograph, its copy and some tiles


def _given(label: str, flag: str, *, unit: str = "unitless", name: str) -> Parameter:
    return Parameter(
        label=label,
        help=f"Of the microscope, where --i is a wildcard; of a STAR file the optics table counts ({name}).",
        tab="Microscopy",
        unit=unit,
        flag=flag,
        none_as="-1",
    )


class RunCtffind(Program, MicrographOptions, options.CtfOptions):
    """Estimate defocus and astigmatism of micrographs from the rings in their power spectra."""

    name: ClassVar[str] = "run_ctffind"
    title: ClassVar[str] = "CTF estimation"

    # where the program's default is not the form's
    dast: options.Astigmatism = 0.0
    resmin: options.CoarsestResolution = 100.0
    resmax: options.FinestResolution = 7.0
    dfmin: options.LowestDefocus = 10000.0
    dfstep: options.DefocusStep = 250.0
    slow_search: options.SlowSearch = True
    do_ignore_ctffind_params: options.IgnoreSearches = False

    o: Annotated[
        str,
        Parameter(label="Output directory", help='As "CtfFind/job003/".', tab="I/O", flag="--o"),
    ] = "CtfEstimate/"
    only_make_star: Annotated[
        bool,
        Parameter(
            label="Only make the STAR file",
            help="Fit nothing; list the results that are there already, whoever made them.",
            tab="I/O",
            flag="--only_make_star",
        ),
    ] = False
    cs: Annotated[float | None, _given("Spherical aberration", "--CS", unit="mm", name="rlnSphericalAberration")] = None
    ht: Annotated[float | None, _given("Voltage", "--HT", unit="kV", name="rlnVoltage")] = None
    amplitude_contrast: Annotated[
        float | None, _given("Amplitude contrast", "--AmpCnst", name="rlnAmplitudeContrast")
    ] = None
    angpix: Annotated[float | None, _given("Pixel size", "--angpix", unit="Å", name="rlnMicrographPixelSize")] = None
    do_movie_thon_rings: Annotated[
        bool,
        Parameter(
            label="Thon rings from movies",
            help="Average the power spectra of groups of frames of the aligned movies beside the micrographs: rings that"
            " drift blurs in the sum stay sharp.",
            tab="CTFFIND",
            flag="--do_movie_thon_rings",
            level="advanced",
        ),
    ] = False
    avg_movie_frames: Annotated[
        int,
        Parameter(
            label="Movie frames to average",
            help="Frames in a group; take so many that they have about 4 electrons per Å².",
            tab="CTFFIND",
            unit="frames",
            flag="--avg_movie_frames",
            bounds=(1, None),
            level="advanced",
        ),
    ] = 1
    movie_rootname: Annotated[
        str,
        Parameter(
            label="Movies' ending",
            help="What stands in the aligned movie's name where the micrograph's has \".mrc\".",
            tab="CTFFIND",
            flag="--movie_rootname",
            level="advanced",
        ),
    ] = "_movie.mrcs"
    do_validation: Annotated[
        bool,
        Parameter(
            label="Gctf's validation",
            help="Kept for RELION; Gctf is not called.",
            tab="Gctf",
            flag="--do_validation",
            unused=True,
            level="developer",
        ),
    ] = False

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.use_given_ps and self.do_movie_thon_rings:
            found.append("--use_given_ps and --do_movie_thon_rings exclude each other: rings come from one of them.")
        return found

    def pictured(self) -> str:
        """Return the directory whose pictures are to be drawn when the program has run."""
        return self.o

    def look(self, context: Context) -> None:
        """Look at the list and some of its micrographs."""
        listed = self._listed(context)
        work = self._micrographs(listed)
        if self.only_make_star:
            return
        if self.use_given_ps:  # the micrographs themselves are not needed
            self._look_at_spectra(context, [micrograph.source for micrograph in work])
            return
        shape = look_at_images(context, listed)
        if shape is not None and self.box > min(shape):
            raise ParameterError(
                f"FFT box size (box, --Box) is {self.box} px, the micrographs have {shape[1]} × {shape[0]} px: give a smaller box."
            )

    def _look_at_spectra(self, context: Context, names: list[str]) -> None:
        faults, looked_at = [], spread(names)
        for name in looked_at:
            try:
                read_header(context.path(name))
            except RelionlabError as error:
                faults.append((name, error))
        tell_of_faults(context, faults, looked_at=len(looked_at), what="power spectra")

    def run(self, context: Context) -> None:
        """Fit every micrograph, then write micrographs_ctf.star."""
        self.check()
        listed = self._listed(context)
        work = CtfWork(context.directory, self._micrographs(listed), self._settings(context))
        context.path(self.o).mkdir(parents=True, exist_ok=True)
        self._tell_of_pixel_sizes(context, listed)
        results = self._collected(context, work) if self.only_make_star else self._fitted(context, work)
        if not results:
            raise StarError(f"There is no result in {self.o}: nothing to list. Fit first, without --only_make_star.")
        self._write(context, listed, work=work, results=results)

    # --- what is to be done ------------------------------------------------------------------------------------

    def _listed(self, context: Context) -> Particles:
        fields = {
            "rlnVoltage": "ht", "rlnSphericalAberration": "cs", "rlnAmplitudeContrast": "amplitude_contrast",
            PIXEL_SIZE: "angpix",
        }  # fmt: skip
        given = {label: getattr(self, field) for label, field in fields.items()}
        flags = {label: str(self.parameters()[field].flag) for label, field in fields.items()}
        return read_micrographs(context, self.input_star_mics, optics=given, needed=flags)

    def _micrographs(self, listed: Particles) -> tuple[Micrograph, ...]:
        check_microscope(listed, self.input_star_mics)
        names = names_of(listed)
        sources = self._sources(listed, names)
        columns = [
            listed.column(label).tolist() for label in ("rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast")
        ]
        return tuple(
            # as RELION, a power spectrum gives its results its own name
            Micrograph(
                name, source, output_root(self.o, source if self.use_given_ps else name), Optics(kv, cs, q0, size)
            )
            for name, source, size, kv, cs, q0 in zip(
                names, sources, listed.row_pixel_sizes.tolist(), *columns, strict=True
            )
        )

    def _sources(self, listed: Particles, names: list[str]) -> list[str]:
        label = "rlnCtfPowerSpectrum" if self.use_given_ps else "rlnMicrographNameNoDW" if self.use_noDW else ""
        if self.do_movie_thon_rings:
            return [str(PurePosixPath(name).with_suffix("")) + self.movie_rootname for name in names]
        if not label:
            return names
        if label not in listed:
            flag = "--use_given_ps" if self.use_given_ps else "--use_noDW"
            raise StarError(
                f"{flag} is given, but {self.input_star_mics} has no column {label}: run motion correction again and keep"
                f" them there, or leave {flag} away."
            )
        return list(listed.column(label).tolist())

    def _settings(self, context: Context) -> Settings:
        phases: tuple[float, ...] = (0.0,)
        if self.do_phaseshift:
            count = max(int(np.ceil((self.phase_max - self.phase_min) / self.phase_step - 1e-6)), 1)
            phases = tuple(np.linspace(self.phase_min, self.phase_max, count + 1).tolist())
        searched = Range(
            coarsest=self.resmin, finest=self.resmax, lowest=self.dfmin, highest=self.dfmax, step=self.dfstep,
            astigmatism=max(self.dast, 0.0), phases=phases,
        )  # fmt: skip
        kind = "spectrum" if self.use_given_ps else "movie" if self.do_movie_thon_rings else "micrograph"
        return Settings(
            searched, self.box, window=self.ctf_win if self.ctf_win > 0 else None, kind=kind, frames=self.avg_movie_frames,
            external=self._external(context), threads=max(self.j, 1), slow=self.slow_search,
        )  # fmt: skip

    def _external(self, context: Context) -> str:
        """Return CTFFIND 4.1's executable if it can be called, and say what fits otherwise."""
        if self.use_gctf:
            context.say(
                " Gctf is not called from here: the CTFs are fitted by relionlab (equi-phase averages as in Gctf)."
            )
            return ""
        wanted = self.fn_ctffind_exe or os.environ.get("RELION_CTFFIND_EXECUTABLE", "")
        if not wanted:
            return ""
        found = shutil.which(wanted if os.sep not in wanted else str(context.path(wanted)))
        if found and self.use_ctffind4 and self.ctf_win <= 0:
            context.say(f" Using CTFFIND 4.1 in: {found}")
            return found
        why = (
            "does not exist or cannot be executed" if not found
            else "is not said to be CTFFIND 4.1 (--is_ctffind4)" if not self.use_ctffind4
            else "cannot be given a window (--ctfWin)"
        )  # fmt: skip
        context.say(f" The executable {wanted} {why}: the CTFs are fitted by relionlab.")
        return ""

    def _tell_of_pixel_sizes(self, context: Context, listed: Particles) -> None:
        if self.use_given_ps or self.only_make_star:
            return
        warn_of_pixel_sizes(context, listed)
        coarse = max(listed.row_pixel_sizes.tolist())
        if finest_possible(coarse) > self.resmax:
            context.warn(
                f"The maximum resolution (--ResMax) is {self.resmax:g} Å, but with pixels of {coarse:g} Å there is nothing beyond"
                f" {2 * coarse:.3g} Å: {finest_possible(coarse):.3g} Å is taken for such micrographs."
            )

    # --- doing it ----------------------------------------------------------------------------------------------

    def _fitted(self, context: Context, work: CtfWork) -> dict[int, Estimate]:
        sources = [micrograph.source for micrograph in work.micrographs]
        shape = first_shape(context, sources, movies=self.do_movie_thon_rings) or (0, 0)
        done = for_each_micrograph(
            context,
            [micrograph.name for micrograph in work.micrographs],
            work,
            finished=work.finished,
            choice=self.choice(),
            bytes_each=math.prod(shape) * BYTES_PER_PIXEL,
            threads=self.j,
        )
        return done.results

    def _collected(self, context: Context, work: CtfWork) -> dict[int, Estimate]:
        """Return the results that are there, whatever settings made them."""
        found = {}
        for index, micrograph in enumerate(work.micrographs):
            try:
                found[index] = read_result(context.path(micrograph.root))
            except InputError as error:
                context.warn(f"{micrograph.name} was left out: {error}")
        return found

    def _write(self, context: Context, listed: Particles, *, work: CtfWork, results: dict[int, Estimate]) -> None:
        found = [results[index] for index in sorted(results)]
        rows = listed.particles.rows(np.array(sorted(results)))
        columns = {
            "rlnMicrographName": rows["rlnMicrographName"],
            "rlnOpticsGroup": rows["rlnOpticsGroup"],
            "rlnCtfImage": [f"{work.micrographs[index].root}.ctf:mrc" for index in sorted(results)],
            "rlnDefocusU": [one.defocus_u for one in found],
            "rlnDefocusV": [one.defocus_v for one in found],
            "rlnCtfAstigmatism": [one.defocus_u - one.defocus_v for one in found],
            "rlnDefocusAngle": [one.defocus_angle for one in found],
            "rlnCtfFigureOfMerit": [one.figure_of_merit for one in found],
            "rlnCtfMaxResolution": [min(one.max_resolution, 999.0) for one in found],
        }
        if self.do_phaseshift:
            columns["rlnPhaseShift"] = [one.phase_shift for one in found]
        table = Table(columns, name="micrographs")
        name = f"{as_folder(self.o)}micrographs_ctf.star"
        write_particles(context.path(name), Particles(listed.optics, table, "micrographs"))
        phases = bool(self.do_phaseshift)
        for said in doubts(table["rlnMicrographName"].tolist(), found, step=self.dfstep, phase_is_free=phases):
            context.warn(said)
        context.say(f" Done! Written out: {name} with {len(found)} of {len(work.micrographs)} micrographs")
