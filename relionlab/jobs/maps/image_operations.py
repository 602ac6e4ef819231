"""What ``image_handler`` does to one image or map."""

from __future__ import annotations

import numpy as np

from relionlab.engine.fourier import (
    crop_rfft2,
    crop_rfft3,
    irfft2_centred,
    irfft3_centred,
    rfft2_centred,
    rfft3_centred,
)
from relionlab.engine.maps import alterations, filters
from relionlab.engine.maps.fsc import randomised, transform
from relionlab.engine.maps.random_phases import PhaseGenerator
from relionlab.engine.maps.sharpening import back
from relionlab.engine.symmetry import point_group
from relionlab.errors import ImageError, ParameterError
from relionlab.io.images import nonfinite
from relionlab.jobs.maps.image_options import ImageOptions

_AXES = {"x": -1, "y": -2, "z": -3}


class Operations:
    """All operations that the options ask for, in RELION's order.

    options     the flags
    pixel_size  Å, of the input; None if nobody says
    others      the images that flags name, by flag
    """

    def __init__(self, options: ImageOptions, pixel_size: float | None, others: dict[str, np.ndarray]) -> None:
        self.options, self._pixel_size, self.others = options, pixel_size, others
        self.said: list[str] = []

    @property
    def pixel_size(self) -> float:
        """The input's pixel size in Å; raises ParameterError if it is not known."""
        if not self._pixel_size:
            raise ParameterError("The pixel size is not known from the header: give it with --angpix.")
        return self._pixel_size

    def final_pixel_size(self, side: int) -> float:
        """Return the pixel size of the results, in Å, for an input of this side."""
        if self.options.force_header_angpix > 0:
            return self.options.force_header_angpix
        if self.options.rescale_angpix > 0:
            return self.pixel_size * side / self.rescaled_side(side)
        return self._pixel_size or 1.0

    def rescaled_side(self, side: int) -> int:
        """Return the even side that comes nearest to the wanted pixel size."""
        return filters.round_half_up(side * self.pixel_size / self.options.rescale_angpix) // 2 * 2

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return the altered image or map."""
        if self.options.remove_nan:
            image = np.where(np.isfinite(image), image, np.float32(self.options.replace_nan))
        elif nonfinite(image.reshape(1, *image.shape)).size:
            raise ImageError(f"{self.options.i} holds NaN or infinite values: replace them with --remove_nan first.")
        for step in (self._with_constant, self._with_image, self._filtered, self._placed, self._sized, self._spectrum):
            image = step(image)
        return image.astype(np.float32, copy=False)

    def _with_constant(self, image: np.ndarray) -> np.ndarray:
        options = self.options
        image = image * np.float32(options.multiply_constant / options.divide_constant)
        image = image + np.float32(options.add_constant - options.subtract_constant)
        if options.threshold_above < 999 or options.threshold_below > -999:
            low = options.threshold_below if options.threshold_below > -999 else -np.inf
            high = options.threshold_above if options.threshold_above < 999 else np.inf
            image = np.clip(image, low, high)
        return image

    def _with_image(self, image: np.ndarray) -> np.ndarray:
        for flag, other in self.others.items():
            if flag in ("fourier_filter", "correct_avg_ampl", "mask_optimise_subtract"):
                continue
            if other.shape != image.shape:
                raise ImageError(
                    f"--{flag}: its image has the shape {other.shape}, the input {image.shape}: they must agree."
                )
            if flag == "multiply":
                image = image * other
            elif flag == "divide":
                image = np.divide(image, other, out=np.zeros_like(image), where=np.abs(other) > 1e-10)
            elif flag == "add":
                image = image + other
            elif flag == "subtract":
                image = image - self._fitted(image, other)
            elif flag == "adjust_power":
                image = alterations.with_amplitudes_of(image, other)
        return image

    def _fitted(self, image: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return what is to be subtracted: the other image with the scale and B-factor that leave least."""
        options, mask = self.options, self.others.get("mask_optimise_subtract")
        if not options.optimise_scale_subtract:
            return other
        tried: list[tuple[float, float, float, np.ndarray]] = []
        most = options.optimise_bfactor_subtract
        for b in np.linspace(-most, most, 21) if most > 0 else (0.0,):
            response = filters.temperature(float(b), pixel_size=self.pixel_size) if b else None
            blurred = filters.filtered(other, filters.radial(other.shape, response)) if response else other
            scale = alterations.best_scale(image, blurred, mask)
            left = (image - scale * blurred) ** 2
            tried.append((float((left if mask is None else left * mask).sum()), scale, float(b), blurred))
        _, scale, b, blurred = min(tried, key=lambda one: one[0])
        self.said.append(f" Optimised scale = {scale:g}" + (f", relative B-factor = {b:g}" if most > 0 else ""))
        return np.float32(scale) * blurred

    def _filtered(self, image: np.ndarray) -> np.ndarray:
        options, side = self.options, image.shape[-1]
        if "fourier_filter" in self.others:
            weights = self.others["fourier_filter"]
            half = alterations.shell_of(image.shape)
            if weights.shape != half.shape:
                raise ImageError(
                    f"--fourier_filter has the shape {weights.shape}; expected the half transform's, {half.shape}."
                )
            image = filters.filtered(image, weights)
        if options.bfactor:
            response = filters.temperature(options.bfactor, pixel_size=self.pixel_size)
            image = filters.filtered(alterations.within_nyquist(image), filters.radial(image.shape, response))
        edge = options.filter_edge_width
        if options.lowpass > 0 and options.directional:
            axis = _AXES[options.directional.lower()]
            if -axis > image.ndim:
                raise ParameterError("--directional Z is for maps: the input is a 2D image.")
            shell = filters.round_half_up(image.shape[axis] * self.pixel_size / options.lowpass)
            image = alterations.directional_low_pass(image, shell=shell, half_edge=edge // 2, axis=axis % image.ndim)
        elif options.lowpass > 0:
            keep = filters.low_pass(options.lowpass, side=side, pixel_size=self.pixel_size, edge_shells=edge)
            image = filters.filtered(image, filters.radial(image.shape, keep))
        if options.highpass > 0:
            keep = filters.high_pass(options.highpass, side=side, pixel_size=self.pixel_size, edge_shells=edge)
            image = filters.filtered(image, filters.radial(image.shape, keep))
        if options.log_diameter > 0:
            image = alterations.laplacian_of_gaussian(image, options.log_diameter / self.pixel_size)
        return image

    def _placed(self, image: np.ndarray) -> np.ndarray:
        options = self.options
        for wanted, axis in ((options.flip_x, -1), (options.flip_y, -2), (options.flip_z, -3)):
            if wanted:
                if -axis > image.ndim:
                    raise ParameterError("--flipZ is for maps: the input is a 2D image.")
                image = np.flip(image, axis)
        if options.flip_xy:
            image = np.swapaxes(image, -1, -2)
        if options.flip_mxy:
            image = np.swapaxes(image, -1, -2)[..., ::-1, ::-1]
        if options.invert_hand:
            image = alterations.inverted_hand(image)
        if options.shift_com:
            centre = alterations.centre_of_mass(image)
            self.said.append(
                " Center of mass: " + " ".join(f"{a}= {c:g}" for a, c in zip("xyz", centre[::-1], strict=False))
            )
            image = alterations.shifted(image, tuple(-centre))
        shift = (options.shift_z, options.shift_y, options.shift_x)[-image.ndim :]
        if any(shift):
            image = alterations.shifted(image, shift)
        if options.sym:
            if image.ndim != 3:
                raise ParameterError("--sym is for maps: the input is a 2D image.")
            image = alterations.symmetrised(image, point_group(options.sym).operations)
        return image

    def _sized(self, image: np.ndarray) -> np.ndarray:
        options = self.options
        if options.rescale_angpix > 0:
            if len(set(image.shape)) != 1:
                raise ImageError(
                    f"--rescale_angpix needs equal sides; the input has {image.shape}: cut it with --new_box."
                )
            side = self.rescaled_side(image.shape[-1])
            if side < 2:
                raise ParameterError(f"--rescale_angpix {options.rescale_angpix:g} Å would leave {side} px.")
            if image.ndim == 3:
                image = irfft3_centred(crop_rfft3(rfft3_centred(image), side), side)
            else:
                image = irfft2_centred(crop_rfft2(rfft2_centred(image), side), side)
        return alterations.new_box(image, options.new_box) if options.new_box > 0 else image

    def _spectrum(self, image: np.ndarray) -> np.ndarray:
        options = self.options
        if options.phase_randomise > 0:
            if image.ndim != 3 or len(set(image.shape)) != 1:
                raise ParameterError("--phase_randomise is for cubic maps.")
            n = len(image)
            shell = filters.round_half_up(n * self.pixel_size / options.phase_randomise)
            image = back(randomised(transform(image), n, first_shell=shell, phases=PhaseGenerator(0)), n)
        if "correct_avg_ampl" in self.others:
            shells = alterations.shell_of(image.shape)
            mean = self.others["correct_avg_ampl"]
            if mean.shape != shells.shape:
                raise ImageError(
                    f"--correct_avg_ampl has the shape {mean.shape}; expected {shells.shape}: make it with --avg_ampl."
                )
            weights = np.where((shells >= options.minr_ampl_corr) & (mean > 0), 1 / np.where(mean > 0, mean, 1), 1.0)
            image = filters.filtered(image, weights.astype(np.float32))
        if options.add_edge:
            image = self._with_edge(image)
        return image

    def _with_edge(self, image: np.ndarray) -> np.ndarray:
        rows, columns = (np.arange(n) for n in image.shape[-2:])
        rows = np.clip(rows, self.options.edge_y0, min(self.options.edge_yF, rows[-1]))
        columns = np.clip(columns, self.options.edge_x0, min(self.options.edge_xF, columns[-1]))
        return image[..., rows[:, None], columns]
