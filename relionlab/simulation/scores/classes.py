"""How good classes are where the truth is known: one view per class, one kind of particle per class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.rotations import matrix_from_euler
from relionlab.errors import ParameterError, StarError
from relionlab.io.particles import read_particles
from relionlab.io.table import Table

FEWEST = 20
"""Classes with fewer particles are not scored: their spread says nothing."""
MOST = 150
"""So many particles of a class are looked at; the number of pairs grows with its square."""


@dataclass(frozen=True)
class ClassTruth:
    """What the classes hold, according to the truth.

    numbers        (K,)    class numbers, from 1
    kinds          (J,)    the kinds of particle that there are: "conformation 1", "no particle" …
    contents       (K, J)  particles of each kind in each class
    spread         (K,)    ° between the true viewing directions and the class's most central one, median; nan where
                           there are fewer than 20 particles with a direction
    random_spread  °, the same for particles taken at random: what classes without meaning would have
    junk           the kind that is no particle; ``None`` if there is none
    """

    numbers: np.ndarray
    kinds: tuple[str, ...]
    contents: np.ndarray
    spread: np.ndarray
    random_spread: float
    junk: str | None = None

    @property
    def purity(self) -> float:
        """Share of the particles that are of their class's most frequent kind, 0 to 1."""
        return float(self.contents.max(axis=1).sum() / max(self.contents.sum(), 1))

    @property
    def majority(self) -> float:
        """The purity that a single class would have: the share of the most frequent kind."""
        return float(self.contents.sum(axis=0).max() / max(self.contents.sum(), 1))

    @property
    def junk_apart(self) -> float:
        """Share of the junk that is in classes of mostly junk, 0 to 1; nan if there is no junk."""
        if self.junk is None or self.junk not in self.kinds:
            return float("nan")
        junk = self.contents[:, self.kinds.index(self.junk)]
        return float(junk[2 * junk > self.contents.sum(axis=1)].sum() / max(junk.sum(), 1))

    @property
    def mean_spread(self) -> float:
        """Mean spread in °, weighted by the particles of each class; nan if no class could be scored."""
        known = np.isfinite(self.spread)
        weights = self.contents.sum(axis=1)[known]
        return float(np.average(self.spread[known], weights=weights)) if weights.sum() else float("nan")


def compare_with_truth(
    data: str | Path,
    truth: str | Path,
    *,
    symmetry: str = "C1",
    names: Mapping[int, str] | None = None,
    junk: int | None = None,
) -> ClassTruth:
    """Compare the classes in a run_itNNN_data.star with the table of the truth; rows are matched by image name.

    symmetry  of the particle, as RELION writes it: "C1", "C4", "D2"
    names     rlnClassNumber of the truth -> kind, as people call it
    junk      number of those that are no particle, and have no view
    """
    found, known = read_particles(data).particles, read_particles(truth).particles
    rows, true_rows = matched_rows(found, known, truth)
    classes = np.asarray(found["rlnClassNumber"], dtype=np.int64)[rows]
    return score(
        classes,
        true_directions(known)[true_rows],
        _kinds(known)[true_rows],
        symmetry=symmetry,
        names=names,
        junk=junk,
        count=int(np.asarray(found["rlnClassNumber"]).max(initial=1)),
    )


def score(
    classes: np.ndarray,
    directions: np.ndarray,
    kinds: np.ndarray,
    *,
    symmetry: str = "C1",
    names: Mapping[int, str] | None = None,
    junk: int | None = None,
    count: int | None = None,
) -> ClassTruth:
    """Score an assignment.

    classes     (n,)    class numbers, from 1
    directions  (n, 3)  true viewing directions, unit vectors in the frame of the particle
    kinds       (n,)    true kinds as numbers
    count       number of classes, if some of the last are empty
    """
    operators = symmetry_matrices(symmetry)
    numbers = np.arange(1, (count or int(classes.max(initial=1))) + 1)
    every = np.unique(kinds)
    labels = {int(kind): "no particle" if kind == junk else f"conformation {kind}" for kind in every}
    labels |= names or {}
    particle = kinds != (np.nan if junk is None else junk)
    rng = np.random.default_rng(0)
    random = [
        spread(rng.permutation(directions[particle])[:MOST], operators) for _ in range(5) if particle.sum() >= FEWEST
    ]
    return ClassTruth(
        numbers=numbers,
        kinds=tuple(labels[int(kind)] for kind in every),
        contents=np.array([[np.sum((classes == number) & (kinds == kind)) for kind in every] for number in numbers]),
        spread=np.array([spread(directions[(classes == number) & particle], operators) for number in numbers]),
        random_spread=float(np.mean(random)) if random else float("nan"),
        junk=None if junk is None else labels.get(junk),
    )


def spread(directions: np.ndarray, operators: np.ndarray) -> float:
    """Return the median angle in ° between viewing directions (n, 3) and the one of them most central.

    Symmetry mates are the same view, and so are opposite directions: their images are mirrored, which 2D classes
    cannot tell from another view. nan for fewer than 20 directions.
    """
    if len(directions) < FEWEST:
        return float("nan")
    some = directions[:: max(1, len(directions) // MOST)][:MOST]
    cosine = np.abs(np.einsum("ni,kij,mj->nkm", some, operators, directions)).max(axis=1)
    return float(np.degrees(np.median(np.arccos(np.clip(cosine, 0, 1)), axis=1).min()))


def true_directions(truth: Table) -> np.ndarray:
    """Return the viewing directions (n, 3) of a particle table: the last rows of the rotation matrices."""
    missing = [label for label in ("rlnAngleRot", "rlnAngleTilt") if label not in truth]
    if missing:
        raise StarError(
            f"The table of the truth lacks {', '.join(missing)}; expected the true angles of each particle."
        )
    return matrix_from_euler(truth["rlnAngleRot"], truth["rlnAngleTilt"], 0.0)[:, 2]


def symmetry_matrices(symmetry: str) -> np.ndarray:
    """Return the rotations (n, 3, 3) of a cyclic or dihedral group: axis along z, twofold axis along x."""
    letter, order = symmetry[:1].upper(), symmetry[1:]
    if letter not in ("C", "D") or not order.isdigit() or int(order) < 1:
        raise ParameterError(f"Symmetry {symmetry!r} is not known here: expected C1, C2 … or D1, D2 …")
    around = matrix_from_euler(360.0 / int(order) * np.arange(int(order)), 0.0, 0.0)
    return around if letter == "C" else np.concatenate([around, around @ np.diag([1.0, -1.0, -1.0])])


def _kinds(truth: Table) -> np.ndarray:
    if "rlnClassNumber" not in truth:
        return np.ones(len(truth), dtype=np.int64)
    return np.asarray(truth["rlnClassNumber"], dtype=np.int64)


def matched_rows(found: Table, known: Table, where: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of both tables that name the same image."""
    places = {name: row for row, name in enumerate(known["rlnImageName"])}
    pairs = [(row, places[name]) for row, name in enumerate(found["rlnImageName"]) if name in places]
    if not pairs:
        raise StarError(
            f"No image of the result is named in {where}: expected the same rlnImageName, as in "
            f"{known['rlnImageName'][0] if len(known) else '(an empty table)'}."
        )
    rows, true_rows = np.array(pairs, dtype=np.int64).T
    return rows, true_rows
