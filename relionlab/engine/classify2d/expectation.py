"""One pass over the particles: the posterior of every pose, and the sums that the M-step needs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np
import scipy.fft

from relionlab.engine.classify2d.images import Observed, observed
from relionlab.engine.classify2d.references import References, references_on
from relionlab.engine.classify2d.state import Model, Search
from relionlab.engine.kernels.posterior import weigh
from relionlab.engine.likelihood.images import Observer, Seen
from relionlab.engine.likelihood.particles import Loader, OpticsGroup, Particles
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid, angular_samples, angular_spectrum, offset_phases

BATCH = 32
"""Particles whose poses are weighed at once: their table of log-likelihoods should stay in the cache."""
_WORTH_ALL = 0.75
"""Share of the columns from which taking them all is cheaper than picking them out."""


@dataclass
class Sums:
    """What a pass over some particles adds up.

    numerator    (class, k, angles / 2) complex128: sum of weight x signal, turned back
    denominator  (class, k, angles / 2) float64: sum of weight x CTF² / (2 sigma2)
    share        (class,) sum of weights
    residual     (group, box / 2 + 1) sum of the expected |X - s CTF A|² per shell
    members      (group,) number of particles
    cross, auto  (group, box / 2 + 1) sums of <X, s CTF A> and |s CTF A|² per shell, for the scale
    offset2      sum of the expected squared origins in px²
    indices, poses  per particle: its number, and rows of (class, psi, origin x, y in px, log-likelihood, weight of
                 the best pose, number of significant poses, chi² per Fourier pixel)
    """

    numerator: np.ndarray
    denominator: np.ndarray
    share: np.ndarray
    residual: np.ndarray
    members: np.ndarray
    cross: np.ndarray
    auto: np.ndarray
    offset2: float = 0.0
    indices: list[np.ndarray] = field(default_factory=list)
    poses: list[np.ndarray] = field(default_factory=list)


class Expectation:
    """The E-step of a 2D classification, as a Step (engine/steps.py)."""

    def __init__(
        self, model: Model, particles: Particles, groups: tuple[OpticsGroup, ...], *, search: Search, load: Loader
    ) -> None:
        self.model, self.particles, self.groups = model, particles, groups
        self.search, self.load = search, load
        self.grid = grid_for(model, search)
        self._lock = threading.Lock()
        self._references: References | None = None
        self._turn = search.perturbation * search.psi_step if search.n_psi > 1 else 0.0

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_lock": None, "_references": None, "_observers": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def prepare(self) -> None:
        """Bring the references to the polar grid; threads of one process share them."""
        with self._lock:
            if self._references is None:
                self._offsets = self.search.offsets()
                self._turns = Turns(self.grid, self.search.n_psi)
                self._observers = [
                    Observer(self.grid, group, self.model, self.search, whole=self.search.align)
                    for group in self.groups
                ]
                self._compared = compared_rings(self.grid, self.search)
                self._bands = self._turns.bands_within(self._compared)
                self._references = references_on(
                    self.grid, self.model, self._turns, offsets=self._offsets, turn=self._turn
                )

    def process(self, indices: np.ndarray) -> Sums:
        """Return the sums over these particles."""
        sums = self._zeros()
        classes, turns = self.model.classes, self._turns
        collected = (
            np.zeros((classes, turns.rows, len(self._offsets), turns.width), np.complex64),
            np.zeros((classes, self.grid.harmonics // 2 + 1, self.grid.radius), np.complex64),
        )
        # neighbours of the same class need the same few columns of the tables
        order = indices[
            np.lexsort((indices, self.particles.class_index[indices], self.particles.optics_group[indices]))
        ]
        for optics in np.unique(self.particles.optics_group[order]):
            members = order[self.particles.optics_group[order] == optics]
            for start in range(0, len(members), BATCH):
                self._batch(members[start : start + BATCH], self._observers[optics], sums, collected)
        self._undo_offsets(*collected, sums)
        return sums

    def merge(self, first: Sums, second: Sums) -> Sums:
        """Add the second sums to the first."""
        for item in fields(Sums):
            setattr(first, item.name, getattr(first, item.name) + getattr(second, item.name))
        return first

    def conclude(self, total: Sums) -> Sums:
        """Turn the averages back by the search's perturbation; sort the particles."""
        if self._turn:
            spectrum = angular_spectrum(total.numerator, self.grid.harmonics)
            spectrum *= np.exp(-1j * np.radians(self._turn) * np.arange(self.grid.harmonics + 1))
            total.numerator = angular_samples(spectrum, self.grid.n_angles)
            total.denominator = _turned_weight(total.denominator, -self._turn)
        order = np.argsort(np.concatenate(total.indices))
        total.indices = [np.concatenate(total.indices)[order]]
        total.poses = [np.concatenate(total.poses)[order]]
        return total

    def observed(self, seen: Seen, particles: Particles) -> Observed:
        """Return the angular spectra of images; turned by their own angles where none is searched."""
        psi = particles.psi if self.search.n_psi == 1 else None
        return observed(seen, self._turns, harmonics=self.grid.harmonics, psi=psi)

    # --- one batch ---------------------------------------------------------------------------------------------

    def _batch(self, indices: np.ndarray, observer: Observer, sums: Sums, collected: tuple[np.ndarray, ...]) -> None:
        particles = self.particles.rows(indices)
        seen = observer.look(particles, self.load(indices), identifiers=indices)
        spectra = self.observed(seen, particles)
        table = self._log_likelihoods(spectra, indices)
        best = np.zeros((len(indices), 3), np.int64)
        numbers = np.zeros((len(indices), 4))
        active = np.zeros((self.model.classes, len(indices), len(self._offsets)), bool)
        weigh(table, self.search.fraction, best, numbers, active)
        moments = self._collect(table, active, spectra, sums, collected)
        in_image = observer.group.aberrations.offset_of_image
        self._conclude_batch(indices, particles, spectra, (best, numbers), moments, sums, in_image)

    def _log_likelihoods(self, observed: Observed, indices: np.ndarray) -> np.ndarray:
        """Return the log of likelihood times prior of all poses, (class, psi, n, offset) float32."""
        references, count, slots = self._references, len(indices), len(self._offsets)
        assert references is not None
        turns, rings = self._turns, self._compared
        signal = observed.signal
        if rings != slice(0, self.grid.radius):
            signal = signal * ((turns.ring >= rings.start) & (turns.ring < rings.stop))[:, None]
        signal = signal.view(np.float32)
        weight = np.conj(observed.weight[:, :, rings])
        norms = np.matmul(weight, references.squared[:, :, rings].transpose(1, 2, 0))  # (q / 2, n, class)
        norms = -0.5 * turns.folded_even(norms)[: turns.even]
        table = np.empty((self.model.classes, self.search.n_psi, count, slots), np.float32)
        constant, first = self._offset_prior(observed)
        share = self.model.class_share if self.search.size_prior else np.ones(self.model.classes)
        priors = np.log(np.maximum(share, 1e-30)).astype(np.float32)
        spectrum = np.empty((turns.rows, 2, count, slots), np.float32)  # real, imaginary parts
        zeroth, harmonic = spectrum[turns.row[0]], spectrum[turns.row[1]]
        for c in range(self.model.classes):
            for low, high, places in self._bands:
                out = spectrum[low:high].reshape(high - low, 2 * count, slots)
                of_class = references.shifted[c, low:high, : 2 * places]
                np.matmul(signal[low:high, :, : 2 * places], of_class, out=out)
            spectrum[: turns.even] += norms[..., c, None]
            zeroth[0] += constant + priors[c]
            harmonic[0] += first.real
            harmonic[1] += first.imag
            turns.to_angles(spectrum.reshape(turns.rows, 2, -1), table[c].reshape(self.search.n_psi, -1))
        if self.search.fixed_class is not None:
            held = self.search.fixed_class[indices]
            for c in range(self.model.classes):
                table[c][:, held != c] = -1e30
        return table

    def _offset_prior(self, observed: Observed) -> tuple[np.ndarray, np.ndarray]:
        """Return the log prior of the origins, as its harmonics 0 (n, offset) and 1 (n, offset) in psi.

        The total origin is o - R(-psi) t for an image that was moved by o and an offset t of the reference; its
        squared length has only these two harmonics.
        """
        tau = self._offsets[:, 0] + 1j * self._offsets[:, 1]
        origin = _turned_origin(observed)
        if not self.search.align:
            return np.zeros((len(origin), 1), np.float32), np.zeros((len(origin), 1), np.complex64)
        if self.search.step_sigma is not None:  # about the last origin: the same in every direction
            constant = np.tile(-(np.abs(tau) ** 2) / (2 * self.search.step_sigma**2), (len(origin), 1))
            return constant.astype(np.float32), np.zeros(constant.shape, np.complex64)
        variance = (self.model.offset_sigma / self.model.pixel_size) ** 2
        constant = -(np.abs(origin[:, None]) ** 2 + np.abs(tau) ** 2) / (2 * variance)
        first = np.conj(np.conj(origin)[:, None] * tau) / (2 * variance)
        return constant.astype(np.float32), first.astype(np.complex64)

    def _collect(
        self, table: np.ndarray, active: np.ndarray, observed: Observed, sums: Sums, collected: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, ...]:
        """Add the weighted images to the collected averages; return the particles' own sums.

        Result: (n, k) <X, s CTF A> / 2 sigma2, (n, k) |s CTF A|² / 2 sigma2, (n,) sum of weight x |t|²,
        (n,) complex sum of weight x exp(-i psi) t.
        """
        references, turns = self._references, self._turns
        assert references is not None
        numerator, denominator = collected
        angles, count = table.shape[1], table.shape[2]
        both = observed.signal.view(np.float32).reshape(turns.rows, 2, count, -1)
        expected = np.zeros((turns.rows, count, turns.width), np.complex64)
        expected_square = np.zeros_like(observed.weight)
        tau = self._offsets[:, 0] + 1j * self._offsets[:, 1]
        length, moved = np.zeros(count), np.zeros(count, complex)
        turned = -1j * turns.sign[:, None]
        for c in np.flatnonzero(active.any(axis=(1, 2))):
            members, slots = _used(active[c].any(axis=1)), _used(active[c].any(axis=0))
            chosen = table[c][:, members][:, :, slots]
            some, few = chosen.shape[1:]
            spectrum = turns.from_angles(chosen.reshape(angles, -1)).reshape(turns.rows, 2, some, few)
            flat = spectrum.reshape(turns.rows, -1, few)
            signal = both[:, :, members].reshape(turns.rows, 2 * some, -1)
            shifted = references.shifted[c][:, :, slots]
            sums.share[c] += spectrum[0, 0].sum(dtype=np.float64)
            for low, high, places in turns.bands:
                used = slice(0, 2 * places)
                added = np.matmul(flat[low:high].transpose(0, 2, 1), signal[low:high, :, used])
                of_class = numerator[c, low:high]
                of_class[:, slots, :places] += added.view(np.complex64)
                parts = np.matmul(flat[low:high], shifted[low:high, used].transpose(0, 2, 1)).view(np.complex64)
                parts = parts.reshape(high - low, 2, some, places)
                expected[low:high, members, :places] += parts[:, 0] + turned[low:high, :, :places] * parts[:, 1]
            over_slots = spectrum.sum(axis=3)
            even = turns.even_harmonics(over_slots)  # (q / 2, n)
            denominator[c] += np.matmul(even[:, None, :], observed.weight[:, members])[:, 0]
            expected_square[:, members] += np.conj(even)[:, :, None] * references.squared[c][:, None, :]
            length[members] += spectrum[0, 0] @ (np.abs(tau[slots]) ** 2)
            moved[members] += turns.first_harmonic(spectrum) @ tau[slots]
        area = 2 * np.pi * self.grid.rings
        observed_real, observed_imaginary = observed.signal.real[:, :count], observed.signal.imag[:, :count]
        cross = turns.ring_sums(expected.real * observed_real + expected.imag * observed_imaginary) / area
        auto = _two_sided(expected_square, observed.weight) / area
        return cross, auto, length, moved

    def _conclude_batch(
        self,
        indices: np.ndarray,
        particles: Particles,
        observed: Observed,
        found: tuple[np.ndarray, np.ndarray],
        moments: tuple[np.ndarray, ...],
        sums: Sums,
        in_image: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        best, numbers = found
        cross, auto, length, moved = moments
        rings = slice(1, self.grid.radius + 1)
        cross, auto = cross * 2 * observed.sigma2, auto * 2 * observed.sigma2
        residual = observed.power.copy()
        residual[:, rings] += auto - 2 * cross
        np.add.at(sums.residual, particles.group, residual)
        np.add.at(sums.cross[:, rings], particles.group, cross)
        np.add.at(sums.auto[:, rings], particles.group, auto)
        np.add.at(sums.members, particles.group, 1)
        turned = _turned_origin(observed)
        sums.offset2 += float((np.abs(turned) ** 2 + length - 2 * (np.conj(turned) * moved).real).sum())
        psi = best[:, 1] * (360.0 / self.search.n_psi) + observed.psi
        tau = (self._offsets[:, 0] + 1j * self._offsets[:, 1])[best[:, 2]]
        origin = in_image(observed.origin - np.exp(-1j * np.radians(psi)) * tau)
        shells = np.arange(1, self.model.box // 2 + 1)
        sigma2 = self.model.sigma2[particles.group][:, 1:]
        chi2 = (residual[:, 1:] / (2 * sigma2)) @ shells / shells.sum()
        # what does not depend on the pose: |X|² and the Gaussians' own factors, per pixel of half the plane
        used = slice(self._compared.start + 1, self._compared.stop + 1)
        sigma2, area = self.model.sigma2[particles.group][:, used], np.pi * np.arange(used.start, used.stop)
        constant = (observed.power[:, used] / (2 * sigma2) + np.log(2 * np.pi * sigma2)) @ area
        likelihood = numbers[:, 0] + numbers[:, 1] - constant
        rows = (best[:, 0], psi + self._turn, origin.real, origin.imag, likelihood, *numbers[:, 2:].T, chi2)
        sums.indices.append(indices)
        sums.poses.append(np.stack(rows, axis=1))

    def _undo_offsets(self, numerator: np.ndarray, denominator: np.ndarray, sums: Sums) -> None:
        """Move what was collected for each offset back, and add it up."""
        phases = np.conj(offset_phases(self.grid, self._offsets)).astype(np.complex64)
        for c in range(self.model.classes):
            slots = np.flatnonzero(numerator[c].any(axis=(0, 2)))
            if not len(slots):
                continue
            samples = angular_samples(self._turns.unfolded(numerator[c][:, slots]), self.grid.n_angles)
            sums.numerator[c] += (samples * phases[slots]).sum(axis=0, dtype=np.complex128)
            half = self.grid.n_angles // 2
            padded = np.zeros((self.grid.radius, half // 2 + 1), np.complex64)
            keep = min(padded.shape[1], len(denominator[c]))
            padded[:, :keep] = denominator[c][:keep].T
            sums.denominator[c] += scipy.fft.irfft(padded, half, axis=-1, norm="forward")

    def _zeros(self) -> Sums:
        shape = (self.model.classes, self.grid.radius, self.grid.n_angles // 2)
        groups, shells = self.model.sigma2.shape
        return Sums(
            numerator=np.zeros(shape, np.complex128),
            denominator=np.zeros(shape),
            share=np.zeros(self.model.classes),
            residual=np.zeros((groups, shells)),
            members=np.zeros(groups, np.int64),
            cross=np.zeros((groups, shells)),
            auto=np.zeros((groups, shells)),
        )


def grid_for(model: Model, search: Search) -> PolarGrid:
    """Return the polar grid of an E-step."""
    extent = min(search.diameter / 2 / model.pixel_size + search.edge, model.box / 2)
    radius = min(model.radius, model.box // 2 - 1)
    return PolarGrid(model.box, radius, extent)


def compared_rings(grid: PolarGrid, search: Search) -> slice:
    """Return the rings on which poses are compared; the averages and the noise are made of all of them."""
    last = grid.radius if search.radius_limit is None else min(grid.radius, search.radius_limit)
    return slice(min(search.first_shell, last) - 1, last)


def _used(wanted: np.ndarray) -> np.ndarray | slice:
    """Return the indices that are wanted; all of them, which costs no copy, where that is most."""
    return slice(None) if wanted.mean() > _WORTH_ALL else np.flatnonzero(wanted)


def _turned_origin(observed: Observed) -> np.ndarray:
    """Return the origins in the frame of images that were turned beforehand."""
    return observed.origin * np.exp(1j * np.radians(observed.psi))


def _two_sided(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the sum over harmonics of both signs of Re(conj(first) second): (q, n, k) -> (n, k) float64."""
    product = first.real * second.real + first.imag * second.imag
    return 2 * product.sum(axis=0, dtype=np.float64) - product[0]


def _turned_weight(weight: np.ndarray, angle: float) -> np.ndarray:
    """Turn a real function of period pi, given on the half circle, by an angle in degrees."""
    half = weight.shape[-1]
    spectrum = scipy.fft.rfft(weight, axis=-1)
    spectrum *= np.exp(2j * np.radians(angle) * np.arange(spectrum.shape[-1]))
    return scipy.fft.irfft(spectrum, half, axis=-1)
