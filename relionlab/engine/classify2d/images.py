"""A batch of particles as the products with the class averages want it: angular spectra, folded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from relionlab.engine.likelihood.images import Seen
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import angular_spectrum


@dataclass(frozen=True)
class Observed:
    """A batch of n particles on the polar grid, rings k = 1 … radius.

    signal   (row, 2 n, place) complex64 angular spectrum Z of s CTF X / (2 sigma2), folded (see Turns): first the n
             particles' Z, then the n particles' i Z, or -i Z where a harmonic looks like its conjugate. Seen as real
             numbers, one matrix product with it gives the real and imaginary parts of a complex one.
    weight   (q / 2, n, k) complex64 the same of s² CTF² / (2 sigma2), even q only (it has period pi)
    power    (n, box / 2 + 1) |X|² of the masked images, mean per shell: rings inside the grid, pixels beyond
    sigma2   (n, k) noise variance on the rings
    origin   (n,) complex: x + i y of the offset that was applied, whole px
    psi      (n,) degrees by which the images were turned beforehand (zero where angles are searched)
    """

    signal: np.ndarray
    weight: np.ndarray
    power: np.ndarray
    sigma2: np.ndarray
    origin: np.ndarray
    psi: np.ndarray


def observed(seen: Seen, turns: Turns, *, harmonics: int, psi: np.ndarray | None = None) -> Observed:
    """Return the spectra of a batch.

    psi  (n,) degrees by which the images are turned, so that their own angle becomes zero; ``None``: not at all, since
         angles are searched
    """
    signal = angular_spectrum(seen.signal, harmonics)
    weight = scipy.fft.rfft(seen.weight, axis=-1)[..., : harmonics // 2 + 1].astype(np.complex64)
    weight /= seen.weight.shape[-1]
    if psi is not None:
        turn = np.exp(-1j * np.radians(psi)[:, None] * np.arange(harmonics + 1)).astype(np.complex64)
        signal *= turn[:, None, :]
        weight *= turn[:, None, 0::2]
    folded = turns.folded(signal)
    return Observed(
        signal=np.concatenate([folded, (1j * turns.sign[:, None]) * folded], axis=1),
        weight=np.ascontiguousarray(weight.transpose(2, 0, 1)),
        power=seen.power,
        sigma2=seen.sigma2,
        origin=seen.origin,
        psi=np.zeros(len(signal)) if psi is None else psi,
    )
