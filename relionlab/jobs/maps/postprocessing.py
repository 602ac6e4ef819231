"""Post-processing: correlate, fit, sharpen, write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from relionlab.engine.maps import fsc, guinier, sharpening
from relionlab.engine.maps.random_phases import PhaseGenerator
from relionlab.errors import ParameterError
from relionlab.io.images import write_map
from relionlab.jobs.context import Context, PlainContext
from relionlab.jobs.maps.curves import Curves, fraction_of_weight, masked_curves
from relionlab.jobs.maps.half_maps import read_half_maps, read_mask
from relionlab.jobs.maps.postprocess_files import shell_columns, write_fsc_xml, write_postprocess_star
from relionlab.jobs.maps.transfer_file import read_transfer
from relionlab.jobs.maps.verdict import doubts_of_fit, verdict

if TYPE_CHECKING:
    from relionlab.jobs.maps.postprocess_program import Postprocess


def postprocess(options: Postprocess, context: Context) -> None:
    """Find the resolution, sharpen the map and write all files."""
    Postprocessing(options, context).run()


class _Silent(PlainContext):
    def warn(self, text: str) -> None:
        """Say nothing: the job itself will."""


def doubts_of_sharpening(options: Postprocess, directory: Path) -> str:
    """Return why the B-factor that post-processing in this project will fit should not be believed, "" if there is no reason;
    nothing is said or written.
    """
    return Postprocessing(options, _Silent(directory, quiet=True)).doubts()


class Postprocessing:
    """Half-maps that are correlated, within a mask or several after each other, and sharpened.

    options  of the program
    context  from which files are read and to which is said what is done
    """

    def __init__(self, options: Postprocess, context: Context) -> None:
        self.options, self.context = options, context
        self.maps = read_half_maps(context, options.fn_in, other=options.i2, pixel_size=options.angpix)
        self.n, self.pixel_size = self.maps.box, self.maps.pixel_size
        self.spectra = (fsc.transform(self.maps.first), fsc.transform(self.maps.second))
        self.unmasked = fsc.fourier_shell_correlation(*self.spectra, self.n)
        self.mask: np.ndarray | None = None
        self.masked_spectra: tuple[Any, ...] = ()
        self._noise: tuple[int, tuple[Any, Any]] | None = None
        self.general: dict[str, object] = {}
        self.doubt = ""
        self.line: guinier.Line | None = None
        if options.fn_mask:
            self.within(read_mask(context, options.fn_mask, maps=self.maps))

    def within(self, mask: np.ndarray) -> None:
        """Take this mask (n, n, n) from now on."""
        self.mask = mask
        self.masked_spectra = tuple(fsc.transform(half * mask) for half in (self.maps.first, self.maps.second))

    def doubts(self) -> str:
        """Correlate and fit the B-factor only, and return why it should not be believed."""
        self.filters(self.mean(), self.curves())
        return self.doubt

    @property
    def frequency(self) -> np.ndarray:
        """The shells' frequencies, (shells,) 1/Å."""
        return np.arange(self.n // 2 + 1) / (self.n * self.pixel_size)

    def mean(self) -> Any:
        """Return the half transform of the mean of the halves."""
        return (self.spectra[0] + self.spectra[1]) / 2

    def run(self) -> None:
        """Correlate, sharpen, write."""
        curves = self.curves()
        columns = self._fsc_columns(curves)
        mean = self.mean()
        filters, b_factor, plot = self.filters(mean, curves)
        self._write_maps(mean, filters)
        resolution = self.n * self.pixel_size / max(curves.shell, 1)
        self._write_tables(curves, columns, plot, resolution=resolution, b_factor=b_factor)
        self.context.say(f"  + FINAL RESOLUTION:              {resolution:g}")
        self.context.say(verdict(curves, pixel_size=self.pixel_size, box=self.n))

    # --- correlating -------------------------------------------------------------------------------------------

    def curves(self) -> Curves:
        """Return the correlations."""
        options = self.options
        if self.mask is None:
            self.context.say("== Not performing any masking ...")
            return Curves(self.unmasked, self.unmasked)
        first = self._first_random()
        self.context.say(f"== Masking with {options.fn_mask} ...")
        found = masked_curves(
            self.unmasked,
            self.mask,
            pixel_size=self.pixel_size,
            first_random=first,
            noise=self._randomised(first),
            masked_spectra=(self.masked_spectra[0], self.masked_spectra[1]),
            keep_mask=options.force_mask,
        )
        self.context.say(f"  + molecular weight inside protein mask: {1000 * found.mask_weight:g}")
        self.context.say(f"  + randomize phases beyond:       {self.n * self.pixel_size / first:g} Angstroms")
        if found.fell_back:
            self.context.warn(
                f"warning: within the mask {options.fn_mask} the resolution is worse than without it, so the unmasked"
                " correlation is used. Look whether the mask fits the map; --force_mask keeps to it."
            )
        return found

    def _randomised(self, first: int) -> tuple[Any, Any]:
        """Return the half-maps with phases that are random from a shell on; made once."""
        if self._noise is None or self._noise[0] != first:
            phases = PhaseGenerator(self.options.random_seed)
            halves = [fsc.randomised(one, self.n, first_shell=first, phases=phases) for one in self.spectra]
            self._noise = first, (sharpening.back(halves[0], self.n), sharpening.back(halves[1], self.n))
        return self._noise[1]

    def _first_random(self) -> int:
        extent = self.n * self.pixel_size
        if self.options.randomize_at_A is not None:
            first = int(extent / self.options.randomize_at_A * (1 - 1e-9))
            flag = f"--randomize_at_A {self.options.randomize_at_A:g}"
        else:
            first = fsc.randomising_shell(self.unmasked, self.options.randomize_at_fsc)
            flag = f"--randomize_at_fsc {self.options.randomize_at_fsc:g}"
            if first == 0:
                self.context.warn(
                    f"warning: the unmasked correlation never falls below {self.options.randomize_at_fsc:g} ({flag}), so what the"
                    " mask adds to it is not known and not taken away. Give a resolution with --randomize_at_A."
                )
                return self.n // 2
        if not 0 < first <= self.n // 2:
            raise ParameterError(
                f"There is no shell from which phases could be made random ({flag}): the box reaches from {extent:.3g} to"
                f" {2 * self.pixel_size:.3g} Å. Give another resolution with --randomize_at_A."
            )
        return first

    def _fsc_columns(self, curves: Curves) -> dict[str, np.ndarray]:
        columns = shell_columns(self.n, self.pixel_size)
        weight = self.options.molweight
        of_weight = {}
        if weight is not None:
            fraction = fraction_of_weight(weight, box=self.n, pixel_size=self.pixel_size)
            self.general |= {"rlnMolecularWeight": weight, "rlnParticleBoxFractionMolecularWeight": fraction}
            of_weight = {"rlnFourierShellCorrelationParticleMolWeight": fsc.of_particle(curves.unmasked, fraction)}
        if curves.masked is None or curves.random is None:
            columns |= of_weight | {"rlnFourierShellCorrelationUnmaskedMaps": curves.unmasked}
        else:
            self.general |= {"rlnParticleBoxFractionSolventMask": curves.mask_fraction}
            of_mask = fsc.of_particle(curves.unmasked, curves.mask_fraction)
            columns |= {
                "rlnFourierShellCorrelationCorrected": curves.true,
                "rlnFourierShellCorrelationParticleMaskFraction": of_mask,
                **of_weight,
                "rlnFourierShellCorrelationUnmaskedMaps": curves.unmasked,
                "rlnFourierShellCorrelationMaskedMaps": curves.masked,
                "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps": curves.random,
            }
        if self.options.ampl_corr:
            columns |= self._amplitude_columns()
        return columns

    def _amplitude_columns(self) -> dict[str, np.ndarray]:
        kinds: dict[str, tuple[Any, ...]] = {"UnmaskedMaps": self.spectra}
        if self.masked_spectra:
            kinds["MaskedMaps"] = self.masked_spectra
        found = {
            f"rlnAmplitudeCorrelation{kind}": fsc.amplitude_correlation(pair[0], pair[1], self.n)
            for kind, pair in kinds.items()
        }
        return found | {
            f"rlnDifferentialPhaseResidual{kind}": fsc.phase_residual(pair[0], pair[1], self.n)
            for kind, pair in kinds.items()
        }

    # --- sharpening --------------------------------------------------------------------------------------------

    def filters(self, mean: Any, curves: Curves) -> tuple[list[np.ndarray], float, dict[str, Any]]:
        """Return all filters, the B-factor, and the columns of the Guinier plot."""
        n, options = self.n, self.options
        squared = (np.arange(n // 2 + 1) / (n * self.pixel_size)) ** 2
        filters: list[np.ndarray] = []
        plot: dict[str, Any] = {"rlnResolutionSquared": squared, "rlnLogAmplitudesOriginal": self._logs(mean)}
        if options.fn_mtf:
            filters.append(self._inverse_mtf())
            plot["rlnLogAmplitudesMTFCorrected"] = self._logs(mean, *filters)
        if not options.do_skip_fsc_weighting:
            self.context.say("== Applying sqrt(2*FSC/(FSC+1)) weighting (as in Rosenthal & Henderson, 2003) ...")
            filters.append(sharpening.shell_weights(n, sharpening.fsc_weights(curves.true)))
            plot["rlnLogAmplitudesWeighted"] = self._logs(mean, *filters)
        filters.append(sharpening.within_nyquist(n).astype(np.float32))
        b_factor, line = self._b_factor(plot, curves)
        self.line = line
        if b_factor:
            filters.append(sharpening.b_factor_weights(n, b_factor, pixel_size=self.pixel_size))
        plot["rlnLogAmplitudesSharpened"] = self._logs(mean, *filters)
        if options.low_pass:
            filters.append(self._cut_off(curves))
        if line is not None:
            plot["rlnLogAmplitudesIntercept"] = np.full(n // 2 + 1, line.intercept)
        return filters, b_factor, plot

    def _inverse_mtf(self) -> np.ndarray:
        detector = self.options.mtf_angpix
        if detector is None:
            detector = self.pixel_size
            self.context.warn(
                f"--mtf_angpix is not given: the pixels of the detector are taken to be those of the map, {detector:g} Å."
                " If the particles were rescaled, that is wrong."
            )
        transfer = read_transfer(self.context, self.options.fn_mtf)
        return sharpening.transfer_inverse(self.n, transfer, pixel_size=self.pixel_size, detector_pixel_size=detector)

    def _logs(self, spectrum: Any, *filters: np.ndarray) -> np.ndarray:
        amplitudes = np.abs(spectrum)
        for weights in filters:
            amplitudes *= weights
        return guinier.log_amplitudes(fsc.shell_average(amplitudes, self.n))

    def _b_factor(self, plot: dict[str, Any], curves: Curves) -> tuple[float, guinier.Line | None]:
        options = self.options
        if not options.do_auto_bfac:
            if options.adhoc_bfac:
                self.context.say(f"== Using a user-provided (ad-hoc) B-factor of {options.adhoc_bfac:g} ...")
            return options.adhoc_bfac, None
        last = next(label for label in ("Weighted", "MTFCorrected", "Original") if f"rlnLogAmplitudes{label}" in plot)
        line = guinier.fit_line(
            plot["rlnResolutionSquared"],
            plot[f"rlnLogAmplitudes{last}"],
            lowest=options.autob_lowres,
            highest=options.autob_highres,
        )
        resolution = self.n * self.pixel_size / max(curves.shell, 1)
        self.doubt = doubts_of_fit(line, lowest=options.autob_lowres, resolution=resolution)
        if self.doubt:
            self.context.warn(f"warning: {self.doubt}")
        if line is None:
            return 0.0, None
        self.context.say("== Fitting straight line through Guinier plot to find B-factor ...")
        self.context.say(f"  + slope of fit:                  {line.slope:g}")
        self.context.say(f"  + intercept of fit:              {line.intercept:g}")
        self.context.say(f"  + correlation of fit:            {line.correlation:g}")
        self.context.say(f"  + apply b-factor of:             {line.b_factor:g}")
        self.general |= {
            "rlnFittedSlopeGuinierPlot": line.slope,
            "rlnFittedInterceptGuinierPlot": line.intercept,
            "rlnCorrelationFitGuinierPlot": line.correlation,
        }
        return line.b_factor, line

    def _cut_off(self, curves: Curves) -> np.ndarray:
        wanted = self.options.low_pass
        resolution = wanted if wanted > 0 else self.n * self.pixel_size / max(curves.shell, 1)
        self.context.say(f"== Low-pass filtering final map at {resolution:g} Angstroms ...")
        return sharpening.cut_off(
            self.n, resolution, pixel_size=self.pixel_size, edge_shells=self.options.filter_edge_width
        )

    # --- writing -----------------------------------------------------------------------------------------------

    def _write_maps(self, mean: Any, filters: list[np.ndarray]) -> None:
        sources: dict[str, Any] = {"": mean}
        if self.options.half_maps:
            sources |= {"_half1": self.spectra[0], "_half2": self.spectra[1]}
        self.context.path(self.options.o).parent.mkdir(parents=True, exist_ok=True)
        for ending, spectrum in sources.items():
            volume = sharpening.back(sharpening.applied(spectrum, *filters), self.n)
            self._write_map(f"{self.options.o}{ending}.mrc", volume)
            if self.mask is not None:
                self._write_map(f"{self.options.o}{ending}_masked.mrc", volume * self.mask)

    def _write_map(self, name: str, volume: np.ndarray) -> None:
        write_map(self.context.path(name), volume, pixel_size=self.pixel_size)
        self.context.say(f"  + Written out: {name}")

    def _write_tables(
        self,
        curves: Curves,
        columns: dict[str, np.ndarray],
        plot: dict[str, Any],
        *,
        resolution: float,
        b_factor: float,
    ) -> None:
        options, path = self.options, self.context.path
        order = [
            "rlnMolecularWeight",
            "rlnParticleBoxFractionMolecularWeight",
            "rlnParticleBoxFractionSolventMask",
            "rlnMaskName",
            "rlnRandomiseFrom",
            "rlnFittedSlopeGuinierPlot",
            "rlnFittedInterceptGuinierPlot",
            "rlnCorrelationFitGuinierPlot",
        ]
        if self.mask is not None:
            self.general |= {
                "rlnMaskName": options.fn_mask,
                "rlnRandomiseFrom": self.n * self.pixel_size / curves.first_random,
            }
        general: dict[str, object] = {
            "rlnFinalResolution": resolution,
            "rlnBfactorUsedForSharpening": b_factor,
            "rlnUnfilteredMapHalf1": self.maps.names[0],
            "rlnUnfilteredMapHalf2": self.maps.names[1],
            **{label: self.general[label] for label in order if label in self.general},
        }
        write_postprocess_star(path(f"{options.o}.star"), general, curves=columns, guinier=plot)
        masked = self.mask is not None
        write_fsc_xml(
            path(f"{options.o}_fsc.xml"),
            columns["rlnResolution"],
            curves.true,
            title=f"RELION {'masked-corrected' if masked else 'unmasked'} FSC",
        )
