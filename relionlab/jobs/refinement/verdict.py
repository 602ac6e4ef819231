"""A 3D refinement, classification or initial model in a few words: did it converge, what limits it, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from relionlab.engine.maps.fsc import GOLD_STANDARD, resolution_shell

Kind = Literal["initial model", "classification", "refinement"]

MOST_SENTENCES = 5
_SETTLED = 0.02  # of the particles change class: fewer are borderline cases that go to and fro
_COLLAPSED, _EMPTY = 0.9, 0.01  # share of the particles in a class
_SIDE_VIEWS = 0.8  # sampling compensation factor of views about one axis, which hardly harm (Baldwin & Lyumkis 2020)
_HOLE = 0.01  # share of Fourier space
_LEAKS = 0.05  # of the phase-randomised correlation at the estimate
_IDENTICAL = 0.95  # lowest correlation of half-maps that cannot be independent
_SIGNIFICANT = 3.0  # standard errors
_FEWEST_SHELLS = 4
_FLAT = 0.2  # of the mean slope before
_SIGNAL = (
    0.5  # correlation above which signal outweighs noise: a flat curve is the structure's, whose shells are not alike
)
_GAIN = 1.03  # in resolution by twice the particles, less is not worth the microscope
_UNSURE = 0.1  # probability of the best pose


@dataclass(frozen=True)
class Outcome:
    """What a run has come to; ``nan`` and ``None``: not known.

    kind                 of the run
    iterations           how many it has done
    resolution_angstrom  of the best class, or of the half-maps at FSC 0.143
    nyquist_angstrom     twice the pixel size
    converged            whether a refinement says so, ``None`` for one that does not say
    particles            how many
    fsc                  (shells,) of the half-maps, as far as it was measured
    within_mask          whether that is of the masked half-maps, corrected for the mask (--solvent_correct_fsc), or of whole boxes
    accuracy_rotations, accuracy_offsets  expected accuracy in degrees and Å, of the best class
    angular_step         degrees of the last fine pass
    local_searches       whether the search came down to the neighbourhood of each particle's last angles
    changed              mean change of angles (°) and offsets (Å) and share of changed classes in the last iteration
    completeness         sampling compensation factor of the views, 0 to 1, of the largest class
    empty                share of Fourier space that no view measures, of the largest class
    class_shares         share of the particles in each class
    best_weights         (N,) probability of each particle's best pose
    masked_fsc, randomised_fsc  (shells,) within a mask, of the maps and of such with random phases
    symmetry_order       operations of the point group: so many voxels of a shell tell the same
    occupied             share of the box's volume that the particle's mask takes
    chiral               whether the point group has no mirror
    """

    kind: Kind
    iterations: int
    resolution_angstrom: float
    nyquist_angstrom: float
    converged: bool | None = None
    particles: int = 0
    fsc: np.ndarray | None = None
    within_mask: bool = False
    accuracy_rotations: float = float("nan")
    accuracy_offsets: float = float("nan")
    angular_step: float = float("nan")
    local_searches: bool | None = None
    changed: tuple[float, float, float] = (float("nan"), float("nan"), float("nan"))
    completeness: float = float("nan")
    empty: float = float("nan")
    class_shares: tuple[float, ...] = (1.0,)
    best_weights: np.ndarray | None = field(default=None, repr=False)
    masked_fsc: np.ndarray | None = None
    randomised_fsc: np.ndarray | None = None
    symmetry_order: int = 1
    occupied: float = 1.0
    chiral: bool = True

    @property
    def angles_useless(self) -> bool:
        """Whether a refinement stopped while it still searched all angles, far from what the pixels would allow."""
        far = self.resolution_angstrom > 2 * self.nyquist_angstrom
        return bool(self.kind == "refinement" and self.converged and self.local_searches is False and far)


def verdict(outcome: Outcome, *, most: int = MOST_SENTENCES) -> tuple[str, ...]:
    """Return at most so many sentences: how the run ended, what limits it, what to do; the most important first."""
    if outcome.iterations < 1:
        return ("No iteration has finished yet.",)
    said = [_ending(outcome), *_limits(outcome)]
    last = _hand(outcome)
    return tuple([*said[: most - 1], last] if last else said[:most])


def _ending(run: Outcome) -> str:
    """Return whether the run has converged."""
    after = f"after {run.iterations} iteration{'' if run.iterations == 1 else 's'}"
    at = f"at {run.resolution_angstrom:.1f} Å"
    if run.kind == "initial model":
        return (
            f"The initial model came to {at[3:]} {after}; its signal-to-noise ratio says so, two halves were not compared: see"
            " whether its projections look like the class averages."
        )
    if run.kind == "classification":
        return _settling(run, after)
    if run.angles_useless:
        angles = "" if np.isnan(run.accuracy_rotations) else f": they are good to {run.accuracy_rotations:.1f}° only"
        return (
            f"The refinement stopped {after} {at}, before it could tell finer angles{angles}{_unsure(run)}. Many particles"
            " are probably junk, or the reference is wrong: sort them by Class2D or Class3D and refine the good classes alone."
        )
    if run.converged:
        masked = "within the mask, corrected for it" if run.within_mask else "no mask"
        return f"The refinement converged {after} {at} (FSC 0.143, {masked}): neither resolution nor angles improve any more."
    moved = _moved(run)
    return f"The refinement has not converged {after}, {at}{moved}: continue it."


def _settling(run: Outcome, after: str) -> str:
    share = run.changed[2]
    if len(run.class_shares) == 1:
        return f"The one class came to {run.resolution_angstrom:.1f} Å {after}{_moved(run)}."
    if np.isnan(share):
        return f"The classification came to {run.resolution_angstrom:.1f} Å {after}."
    if share <= _SETTLED:
        return f"The classes have settled {after}: in the last, {100 * share:.1f} % of the particles changed class."
    return (
        f"The classes have not settled {after}: in the last, {100 * share:.0f} % of the particles changed class; continue with"
        " more iterations."
    )


def _moved(run: Outcome) -> str:
    angles, offsets, _ = run.changed
    if np.isnan(angles) or np.isnan(offsets):
        return ""
    return f"; in the last, angles changed by {angles:.1f}° and offsets by {offsets:.1f} Å"


def _unsure(run: Outcome) -> str:
    if run.best_weights is None or not len(run.best_weights):
        return ""
    share = float(np.mean(run.best_weights < _UNSURE))
    return (
        f", and {100 * share:.0f} % of the particles have no pose of more than {100 * _UNSURE:.0f} % probability"
        if share > 0.2
        else ""
    )


def _limits(run: Outcome) -> Iterator[str]:
    """Yield what limits the run, the gravest first."""
    identical = run.fsc is not None and len(run.fsc) > 2 and float(np.min(run.fsc[1:])) > _IDENTICAL
    if identical and run.fsc is not None:
        yield (
            f"The half-maps are nearly the same (FSC nowhere below {np.min(run.fsc[1:]):.2f}), so their correlation says nothing:"
            " see whether particles are in both halves, or both halves are one file."
        )
    yield from _classes(run)
    if not run.angles_useless:
        yield from _views(run)
    yield from _mask(run)
    if not identical and run.fsc is not None and run.kind == "refinement":
        resting = _floor(run, run.fsc)
        yield from [resting] if resting else _reach(run, run.fsc)


def _classes(run: Outcome) -> Iterator[str]:
    shares = np.asarray(run.class_shares)
    if len(shares) < 2:
        return
    if shares.max() > _COLLAPSED:
        yield (
            f"Class {shares.argmax() + 1} took {100 * shares.max():.0f} % of the particles: either there is but one kind, or the"
            " others' references were too poor; start with fewer classes, or from other references."
        )
    elif (shares < _EMPTY).any():
        empty = int((shares < _EMPTY).sum())
        yield f"{empty} of {len(shares)} classes {'is' if empty == 1 else 'are'} empty: {len(shares) - empty} would do."


def _views(run: Outcome) -> Iterator[str]:
    advice = (
        "collect on a tilted grid or change its support, and do not trust features along the poorly measured direction."
    )
    if run.empty > _HOLE:
        yield f"Preferred views: no particle shows {100 * run.empty:.0f} % of Fourier space; {advice}"
    elif run.completeness < _SIDE_VIEWS:
        yield (
            f"Preferred views: coverage is {run.completeness:.2f} (1: even), which costs as much as losing"
            f" {100 * (1 - run.completeness):.0f} % of the particles; {advice}"
        )


def _mask(run: Outcome) -> Iterator[str]:
    if run.masked_fsc is None or run.randomised_fsc is None:
        return
    shell = resolution_shell(run.masked_fsc)
    leak = float(run.randomised_fsc[shell])
    if shell > 0 and leak > _LEAKS:
        yield (
            f"The mask is too tight or too sharp: maps with random phases correlate by {leak:.2f} within it at the estimated"
            " resolution; make it wider and softer."
        )


def _floor(run: Outcome, fsc: np.ndarray) -> str:
    """Return that the correlation does not fall to zero, "" unless its last quarter is clearly above it and hardly falls."""
    first = len(fsc) - max(_FEWEST_SHELLS, len(fsc) // 4)
    if not run.converged or first < _FEWEST_SHELLS:
        return ""
    tail = fsc[first:]
    half = len(tail) // 2
    error = float(_noise(run, np.arange(first, len(fsc))).mean() / np.sqrt(half))
    mean, before = float(tail.mean()), (1 - float(tail[:half].mean())) / first
    slope = float(tail[:half].mean() - tail[-half:].mean()) / (len(tail) - half)
    if not max(_LEAKS, _SIGNIFICANT * error) < mean < _SIGNAL or slope > _FLAT * before:
        return ""
    beyond = run.nyquist_angstrom * (len(fsc) - 1) / first
    return (
        f"The FSC does not fall to zero: it stays at {mean:.2f} beyond {beyond:.1f} Å, so the halves share noise; remove"
        " duplicate particles, and look for a mask or artefact that all images have."
    )


def _reach(run: Outcome, fsc: np.ndarray) -> Iterator[str]:
    """Yield whether pixels or particles limit the resolution."""
    last = len(fsc) - 1
    shell = resolution_shell(fsc)
    if shell == last:
        yield (
            f"The pixels limit the resolution: the FSC is still {fsc[last]:.2f} at {run.nyquist_angstrom:.2f} Å, the finest they can"
            f" show; re-extract with pixels of {run.nyquist_angstrom / 3:.2g} Å or less, and refine on."
        )
        return
    if not (run.converged and run.particles and shell > 0) or run.angles_useless:
        return
    more = resolution_shell(of_more_particles(fsc, 2.0))
    noise = float(_noise(run, np.array([max(more, 1)]))[0])
    threshold = GOLD_STANDARD / (2 - GOLD_STANDARD)  # of half as much signal over noise
    if _SIGNIFICANT * noise > threshold:
        return  # what lies below is not to be told from noise
    then = run.nyquist_angstrom * last / more
    now = run.nyquist_angstrom * last / shell
    if now / then >= _GAIN:
        yield (
            f"The number of particles limits the resolution: with {2 * run.particles:,} instead of {run.particles:,} the same"
            f" curve would reach {then:.1f} Å (now {now:.1f} Å)."
        )
    else:
        yield (
            f"More particles help little: twice {run.particles:,} would give {then:.1f} Å (now {now:.1f} Å); look for flexible"
            " parts, a mixture of conformations, or errors of the CTF."
        )


def of_more_particles(fsc: np.ndarray, times: float) -> np.ndarray:
    """Return the correlation with so many times the particles: FSC / (1 - FSC) is signal over noise and grows like their
    number (Rosenthal & Henderson 2003, J. Mol. Biol. 333, 721, section 4).
    """
    return times * fsc / (1 + (times - 1) * fsc)


def _noise(run: Outcome, shells: np.ndarray) -> np.ndarray:
    """Return the standard error of a correlation near zero: 1 / sqrt of how many voxels of a shell are independent."""
    independent = 2 * np.pi * shells.astype(np.float64) ** 2 * run.occupied / run.symmetry_order
    return 1 / np.sqrt(np.maximum(independent, 1))


def _hand(run: Outcome) -> str:
    if run.kind == "classification" or not run.chiral:
        return ""
    return "The hand cannot be known from projections: compare with a known structure or helices, and mirror it with flip_hand if wrong."
