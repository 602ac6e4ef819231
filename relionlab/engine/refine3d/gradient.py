"""Initial models from small random batches: stochastic expectation maximisation.

Each iteration sees one batch. Its sums are blended into running averages of the sums (Cappé & Moulines 2009, J R Stat Soc B
71:593, equation 12: s ← s + step (s_batch − s)), and the map follows from these by the usual M-step. In terms of the map
that is a step along the gradient of the expected log-likelihood, with the inverse of the weights as its metric: the variable-
metric descent of Kimanius et al. 2021, Biochem J 478:4169, section 2.2, whose momentum is the memory of the averages.

Such a descent may end in a wrong fold, or stay long in none: about one in three falls into the right one early. So several
begin from different random starts and see the same batches; at points of the first stage those under which the particles
are least likely are given up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relionlab.engine.likelihood.estimates import worth
from relionlab.engine.refine3d.grids import sampling_of
from relionlab.engine.refine3d.maximisation import Update, flattened, signal_variance
from relionlab.engine.refine3d.start import low_passed
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import COLUMNS, Sums
from relionlab.engine.volume import FourierSums, Lattice, reconstruct

STARTS = 8
"""Descents that begin; half of them, then one, go on."""
_LIKELIHOOD = COLUMNS.index("log_likelihood")


@dataclass(frozen=True)
class Averages:
    """Running averages of the sums, per particle.

    lattice    of ``arrays``
    arrays     per class (z, y, x, 3), see FourierSums
    share      (class,)
    residual   (n / 2 + 1,) over all groups
    particles  how many particles they are worth: those of one batch, or of several that were blended
    """

    lattice: Lattice
    arrays: tuple[np.ndarray, ...]
    share: np.ndarray
    residual: np.ndarray
    particles: float


def blended(before: Averages | None, sums: Sums, lattice: Lattice, *, step: float) -> Averages:
    """Return the averages after a batch; the first batch makes them.

    lattice  to whose frequencies they go; the batch's may end before
    step     share of the batch
    """
    count = int(sums.members.sum())
    arrays = tuple(_on(each, lattice) / np.float32(count) for each in sums.maps)
    share, residual = sums.share / count, sums.residual.sum(axis=0) / count
    if before is None:
        return Averages(lattice, arrays, share, residual, count)
    kept = 1 - step
    return Averages(
        lattice,
        tuple(np.float32(kept) * old + np.float32(step) * new for old, new in zip(before.arrays, arrays, strict=True)),
        kept * before.share + step * share,
        kept * before.residual + step * residual,
        worth(before.particles, count, step),
    )


def stepped(model: Model, averages: Averages, *, search: Search, update: Update, shell: float, particles: int) -> Model:
    """Return the next model.

    shell      to which the maps are limited
    particles  in all: the averages are not worth more
    """
    group = sampling_of(search).group
    counted = min(averages.particles, particles)
    maps = np.empty_like(model.references)
    for c, array in enumerate(averages.arrays):
        if averages.share[c] <= 0:
            maps[c] = model.references[c]
            continue
        prior = 0.5 / np.maximum(update.tau2_fudge * model.tau2[c], 1e-30)
        known = model.tau2[c] > 0
        maps[c] = reconstruct(
            FourierSums(averages.lattice, array * np.float32(counted)),
            group=group,
            inverse_tau2=np.where(known, prior, 0.0) if known.any() else None,
        )
    references = flattened(low_passed(maps, shell), model, search=search, update=update)
    noise = averages.residual / 2
    noise = np.maximum(noise, 1e-4 * noise[1:].mean())
    return replace(
        model,
        references=references,
        tau2=signal_variance(references),
        sigma2=model.sigma2 if update.fix_noise else np.tile(noise, (len(model.sigma2), 1)),
        class_share=averages.share / averages.share.sum(),
        resolution_shell=max(round(shell), 1),
    )


def likelihood(sums: Sums) -> float:
    """Return the mean log-likelihood of the particles of these sums."""
    return float(sums.poses[0][:, _LIKELIHOOD].mean())


def _on(sums: FourierSums, lattice: Lattice) -> np.ndarray:
    """Return sums on a lattice that may reach farther, (z, y, x, 3) float32."""
    if sums.lattice.reach > lattice.reach:
        raise ValueError("The batch reaches beyond the averages.")
    out = np.zeros((*lattice.shape, 3), np.float32)
    start = [there - here for there, here in zip(lattice.origin, sums.lattice.origin, strict=True)]
    where = tuple(slice(s, s + size) for s, size in zip(start, sums.lattice.shape, strict=True))
    out[where] = sums.array
    return out
