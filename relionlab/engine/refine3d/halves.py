"""The M-step of two half-sets that are refined apart and share only their resolution (the gold standard)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.maps.fsc import (
    GOLD_STANDARD,
    corrected,
    fourier_shell_correlation,
    randomised,
    randomising_shell,
    resolution_shell,
    transform,
)
from relionlab.engine.maps.random_phases import PhaseGenerator
from relionlab.engine.maps.sharpening import back
from relionlab.engine.refine3d.grids import sampling_of
from relionlab.engine.refine3d.maximisation import Update, flattened, joined_below, maximise, signal_variance
from relionlab.engine.refine3d.state import Model, Search, Spectra
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.symmetry import PointGroup
from relionlab.engine.volume import FourierSums, reconstruct

Hook = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Takes the half-maps of an iteration, regularised by the usual prior and not masked, (n, n, n) each, and their FSC
(n / 2 + 1,); returns those that go on in their place. The place for other regularisers."""

_RANDOM_BELOW = 0.8  # unmasked FSC from which on phases are made random, as RELION's default


@dataclass(frozen=True)
class Halves:
    """What the M-step of two half-sets leaves.

    models, particles, spectra  of half-sets 1 and 2
    unfiltered                  (2, n, n, n) float32: without prior and mask
    fsc                         (n / 2 + 1,) between them, of the masked maps and corrected for the mask where one is used
    """

    models: tuple[Model, Model]
    particles: tuple[Particles, Particles]
    spectra: tuple[Spectra, Spectra]
    unfiltered: np.ndarray
    fsc: np.ndarray


def maximise_halves(
    models: tuple[Model, Model],
    particles: tuple[Particles, Particles],
    sums: tuple[Sums, Sums],
    *,
    search: Search,
    update: Update,
    join_shell: int,
    radius: int,
    corrected_by_mask: bool = False,
    hook: Hook | None = None,
) -> Halves:
    """Return the next models of the half-sets.

    join_shell  below this shell both get the average of their sums, so that their maps keep the same orientation; 0: never
    radius      outermost shell of these sums
    corrected_by_mask  measure the FSC inside the solvent mask, and correct it for the mask (Chen et al. 2013)
    """
    group = sampling_of(search).group
    if join_shell > 0:
        joined_below(sums[0].maps[0], sums[1].maps[0], join_shell - 1)
    unfiltered = np.stack([reconstruct(each.maps[0], group=group) for each in sums])
    mask = update.mask if corrected_by_mask else None
    fsc = half_map_correlation(unfiltered, mask)
    fsc[:join_shell] = 1.0
    fsc[radius + 1 :] = 0.0
    shell = resolution_shell(fsc, GOLD_STANDARD)
    # the prior follows from the maps that leave the hook
    apart = replace(update, flatten=False, fix_prior=True)
    found = [
        maximise(model, some, each, search=search, update=apart, fsc=fsc)
        for model, some, each in zip(models, particles, sums, strict=True)
    ]
    maps = [model.references[0] for model, _, _ in found]
    if hook is not None:
        maps = list(hook(maps[0], maps[1], fsc))
    after = []
    for (model, _, _), map_ in zip(found, maps, strict=True):
        references = flattened(np.asarray(map_, np.float32)[None], model, search=search, update=update)
        model = replace(model, references=references, tau2=signal_variance(references))
        after.append(model.resolved_to(shell, ahead=update.shells_ahead))
    return Halves((after[0], after[1]), (found[0][1], found[1][1]), (found[0][2], found[1][2]), unfiltered, fsc)


def half_map_correlation(maps: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Return the FSC of two maps (2, n, n, n); inside a mask it is corrected for what the mask adds."""
    n = maps.shape[-1]
    plain = fourier_shell_correlation(transform(maps[0]), transform(maps[1]), n)
    if mask is None:
        return plain
    masked = fourier_shell_correlation(transform(maps[0] * mask), transform(maps[1] * mask), n)
    first = randomising_shell(plain, _RANDOM_BELOW)
    if first == 0:
        return masked
    phases = PhaseGenerator(1)
    noise = [randomised(transform(each), n, first_shell=first, phases=phases) for each in maps]
    turned = [back(each, n) * mask for each in noise]
    random = fourier_shell_correlation(transform(turned[0]), transform(turned[1]), n)
    return np.clip(corrected(masked, random, first_shell=first), -1, 1)


def correlation_of_sums(first: Sums, second: Sums, group: PointGroup) -> np.ndarray:
    """Return the FSC (n / 2 + 1,) of what two sets of particles sum up to, all classes together."""
    total = []
    for sums in (first, second):
        lattice = sums.maps[0].lattice
        array = np.sum([each.array for each in sums.maps], axis=0)
        total.append(reconstruct(FourierSums(lattice, array), group=group))
    found = half_map_correlation(np.stack(total), None)
    found[lattice.radius + 1 :] = 0.0
    return found


def joint_correlation(fsc: np.ndarray) -> np.ndarray:
    """Return the correlation of the map of both half-sets with the truth: sqrt(2 FSC / (1 + FSC)) (Rosenthal & Henderson
    2003, J Mol Biol 333:721).
    """
    bounded = np.clip(fsc, 0.0, 1.0)
    return np.sqrt(2 * bounded / (1 + bounded))


def joined(halves: Halves, sums: tuple[Sums, Sums], *, search: Search, update: Update) -> tuple[Model, Spectra]:
    """Return the model and spectra of all particles: the sums of both half-sets, and the prior of their joint FSC."""
    first, second = halves.models
    total = sums[0]
    for mine, other in zip(total.maps, sums[1].maps, strict=True):
        mine.array = mine.array.astype(np.float64) + other.array
    share = np.array([len(some) for some in halves.particles], float)
    share /= share.sum()
    of_both = {
        name: share[0] * getattr(first, name) + share[1] * getattr(second, name)
        for name in ("sigma2", "scale", "offset_sigma", "mean_norm", "direction_share")
    }
    merged = replace(total, share=total.share + sums[1].share)
    fixed = replace(update, flatten=False, fix_noise=True, fix_offsets=True, scale=False, norm=False)
    model = replace(first, **of_both)
    model, _, spectra = maximise(
        model, halves.particles[0], merged, search=search, update=fixed, fsc=joint_correlation(halves.fsc)
    )
    model = replace(
        model,
        direction_share=of_both["direction_share"],
        mean_norm=of_both["mean_norm"],
        resolution_shell=first.resolution_shell,
        radius=first.radius,
    )
    return model, replace(spectra, fsc=halves.fsc)
