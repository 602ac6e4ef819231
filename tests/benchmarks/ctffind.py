"""CTF estimation: errors against known truth, and CPU seconds per micrograph.

    python -m tests.benchmarks ctffind [--count 24] [--size 2048] [--pixel-size 1.5] [--finest 5] [--seed 1]
    python -m tests.benchmarks ctffind --truth truth.star --found micrographs_ctf.star

Without files it simulates micrographs (relionlab.simulation), the truth being the mean of their particles' CTFs, and runs
the program with the form's defaults.
With files it scores a CtfFind job: the truth is a list of micrographs or of particles (then the mean per micrograph).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from relionlab.jobs.ctf.program import RunCtffind
from relionlab.settings import settings
from relionlab.simulation.exposures import exposures
from relionlab.simulation.micrographs import simulate_micrographs

FORM = "--Box 512 --ResMin 30 --dFMin 5000 --dFMax 50000 --FStep 500 --dAst 100"


@dataclass(frozen=True)
class Score:
    """Errors, (N,) each: defocus and astigmatism in Å (signed), angle in degrees (0 to 90)."""

    defocus: np.ndarray
    astigmatism: np.ndarray
    angle: np.ndarray

    def __str__(self) -> str:
        return (
            f"{len(self.defocus)} micrographs: median |error| of the defocus {np.median(np.abs(self.defocus)):.0f} Å (largest"
            f" {np.abs(self.defocus).max():.0f}, mean {self.defocus.mean():+.0f}), of the astigmatism"
            f" {np.median(np.abs(self.astigmatism)):.0f} Å, of its angle {np.median(self.angle):.1f}°"
        )


def score(found: np.ndarray, truth: np.ndarray) -> Score:
    """Compare estimates with the truth: (N, 3) each, defocus U, V in Å and angle of U in degrees."""
    defocus = found[:, :2].mean(axis=1) - truth[:, :2].mean(axis=1)
    astigmatism = (found[:, 0] - found[:, 1]) - (truth[:, 0] - truth[:, 1])
    return Score(defocus, astigmatism, np.abs((found[:, 2] - truth[:, 2] + 90) % 180 - 90))


def score_files(found: Path, truth: Path) -> Score:
    """Score a micrographs_ctf.star against a truth, matched by the micrographs' names without folder and ending."""
    mine, theirs = _by_name(found), _by_name(truth)
    names = sorted(set(mine) & set(theirs))
    if not names:
        raise SystemExit(f"{found} and {truth} have no micrograph in common.")
    return score(np.array([mine[name] for name in names]), np.array([theirs[name] for name in names]))


def _by_name(path: Path) -> dict[str, tuple[float, float, float]]:
    table: Table = next(t for t in read_star(path).values() if "rlnDefocusU" in t and "rlnMicrographName" in t)
    rows: dict[str, list[tuple[float, float, float]]] = {}
    columns = [
        table[label].tolist() for label in ("rlnMicrographName", "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
    ]
    for name, u, v, angle in zip(*columns, strict=True):
        rows.setdefault(Path(name).stem, []).append((u, v, angle))
    return {name: _mean(np.array(values)) for name, values in rows.items()}


def _mean(rows: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of several CTFs: of the defocus, and of the astigmatism as a vector at twice the angle."""
    mean = rows[:, :2].mean()
    vector = ((rows[:, 0] - rows[:, 1]) * np.exp(2j * np.deg2rad(rows[:, 2]))).mean()
    return mean + abs(vector) / 2, mean - abs(vector) / 2, float(np.rad2deg(np.angle(vector)) / 2)


def simulated(directory: Path, *, finest: float = 5.0, **conditions: Any) -> tuple[Score, float]:
    """Estimate the CTFs of simulated micrographs by the program; returns the score and CPU seconds per micrograph.

    conditions  what differs from the simulator's set "micrographs": 24 of 2048² px at 1.5 Å
    """
    made = simulate_micrographs(directory, simulation=exposures("micrographs", **conditions))
    context = PlainContext(directory, settings(executor="inline"), quiet=True)
    flags = f"--i {made.star.name} --o CtfFind/job002/ {FORM} --ResMax {finest:g}"
    start = time.process_time()
    RunCtffind.from_flags(flags.split()).run(context)
    seconds = time.process_time() - start
    found = directory / "CtfFind/job002/micrographs_ctf.star"
    return score_files(found, made.particles), seconds / len(made.images)


def main() -> int:
    """Run the benchmark and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, kind, default in (("--count", int, 24), ("--size", int, 2048), ("--pixel-size", float, 1.5),
                                ("--seed", int, 1), ("--finest", float, 5.0)):  # fmt: skip
        parser.add_argument(flag, type=kind, default=default)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--found", type=Path)
    given = parser.parse_args()
    if given.truth and given.found:
        print(score_files(given.found, given.truth))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        reached, seconds = simulated(
            Path(folder),
            count=given.count,
            size=(given.size, given.size),
            pixel_size=given.pixel_size,
            seed=given.seed,
            finest=given.finest,
        )
    print(f"{reached}; {seconds:.2f} CPU s each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
