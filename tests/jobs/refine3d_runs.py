"""Tiny 3D classifications, refinements and initial models: runs of seconds on simulated particles of 32 px."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.io.images import read_map
from relionlab.io.particles import Particles, read_particles
from relionlab.io.star import read_star
from tests.jobs.class2d_runs import DIAMETER, STAR

TRUTH = "data/truth_class001.mrc"
USUAL = ("--ctf", "--zero_mask", "--flatten_solvent", "--norm", "--scale", "--particle_diameter", f"{DIAMETER:g}")
SAMPLING = ("--oversampling", "1", "--healpix_order", "0", "--offset_range", "3", "--offset_step", "2")
REFERENCE = ("--ref", TRUTH, "--ini_high", "40", "--firstiter_cc", "--sym", "D2")
KINDS = {
    "Class3D": (*REFERENCE, "--K", "2", "--tau2_fudge", "4", "--iter", "3"),
    "Refine3D": (*REFERENCE, "--auto_refine", "--split_random_halves", "--low_resol_join_halves", "50"),
    "InitialModel": (
        *("--sgd", "--denovo_3dref", "--K", "1", "--sym", "D2", "--sgd_ini_resol", "60", "--sgd_fin_resol", "30"),
        *("--sgd_ini_iter", "6", "--sgd_inbetween_iter", "6", "--sgd_fin_iter", "4", "--sgd_write_iter", "1"),
        *("--sgd_ini_subset", "50", "--sgd_fin_subset", "75"),
    ),
}
"""The flags of each kind of run, beside what all have; an auto-refinement ends by itself."""


def arguments(kind: str, *more: str, root: str = "", star: str = STAR, without: tuple[str, ...] = ()) -> list[str]:
    """Return the arguments of an ordinary small run of a kind; what is given later counts."""
    usual = [flag for flag in (*USUAL, *SAMPLING) if flag not in without]
    return ["--o", root or f"{kind}/a/run", "--i", star, *usual, *KINDS[kind], "--random_seed", "1", *more]


@dataclass(frozen=True)
class Result:
    """What an iteration left; of the last one of a refinement, the root is the stem."""

    stem: str

    @property
    def particles(self) -> Particles:
        """The particles with their poses."""
        return read_particles(f"{self.stem}_data.star")

    @property
    def maps(self) -> dict[str, np.ndarray]:
        """Every map of the iteration, by the end of its name."""
        return {end: read_map(f"{self.stem}{end}")[0] for end in self._ends(".mrc")}

    def differences(self, other: Result) -> list[str]:
        """Name what is not the same to the last bit: maps, columns of the particles, columns of the models."""
        mine, its = self.maps, other.maps
        assert mine.keys() == its.keys(), (mine.keys(), its.keys())
        assert mine
        found = [name for name, map_ in mine.items() if not np.array_equal(map_, its[name])]
        first, second = self.particles.particles, other.particles.particles
        found += [label for label in second.labels if not np.array_equal(first[label], second[label])]
        for end in self._ends("model.star"):
            tables, others = read_star(f"{self.stem}{end}"), read_star(f"{other.stem}{end}")
            for name in tables.keys() - {"model_classes"}:
                same = (np.array_equal(tables[name][label], others[name][label]) for label in tables[name].labels)
                found += [] if all(same) else [f"{end}: {name}"]
        return found

    def _ends(self, kind: str) -> list[str]:
        """What follows the stem in the names of the files of a kind; not those of other iterations."""
        stem = Path(self.stem)
        names = (path.name.removeprefix(stem.name) for path in stem.parent.glob(f"{stem.name}_*{kind}"))
        return sorted(name for name in names if not name.startswith("_it"))


def result(kind: str, iteration: int, folder: str = "a") -> Result:
    """Return what an iteration left."""
    return Result(f"{kind}/{folder}/run_it{iteration:03d}")
