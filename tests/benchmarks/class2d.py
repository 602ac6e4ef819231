"""2D classification: CPU time, wall time and memory of relionlab and RELION, with the same arguments on the same particles.

    python -m tests.benchmarks.class2d particles.star --project DIR [--relion relion_refine] [--seeds 1 2 3]
        [--truth truth.star] [--K 10] [--iter 25] [--diameter 190] [--j 2]

CPU time is user + system of the whole process tree, memory is the resident memory of all its processes, summed, at its
peak (looked at twenty times a second). With a truth.star (poses of the particles), the views are scored: the median
angle of a class's particles to the view that is most central among them, averaged over the classes by size; a mirror
image counts as the same view. Ratios are RELION's figure over ours; the build of RELION stands beside them.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from relionlab.engine.rotations import matrix_from_euler
from relionlab.io.particles import read_particles

REPOSITORY = Path(__file__).resolve().parents[2]
LOOK_SECONDS = 0.05
LEAST_MEMBERS = 20
"""Particles that a class must have to be scored."""
CENTRES = 150
"""Particles of a class that are tried as its central view."""
SYMMETRIES = {
    "C1": np.eye(3)[None],
    "D2": np.array([np.diag(signs) for signs in ((1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, -1))], dtype=float),
}


@dataclass(frozen=True)
class Measured:
    """What one run took: seconds, bytes, and how well it sorted the views (degrees; NaN if the truth is not known)."""

    name: str
    seed: int
    wall: float
    cpu: float
    memory: int
    spread: float = float("nan")


def main() -> int:
    """Run the benchmark and print its table."""
    options = _parser().parse_args()
    programs = {"relionlab": [sys.executable, "-P", "-m", "relionlab", "refine"]}
    if options.relion:
        found = shutil.which(options.relion)
        if found is None:
            print(f"{options.relion} is not on the PATH: only relionlab is measured.", file=sys.stderr)
        else:
            programs[build_of(found)] = [found]
    measured = [
        run(name, command, options, seed)
        for name, command in programs.items()
        for seed in (options.seeds if name == "relionlab" else options.seeds[:1])
    ]
    print(table(measured, options))
    return 0


def run(name: str, command: list[str], options: argparse.Namespace, seed: int) -> Measured:
    """Run one program once and return what it took."""
    label = "relionlab" if name == "relionlab" else "relion"
    root = f"Benchmark/{label}_seed{seed}/run"
    folder = options.project / Path(root).parent
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / "run.log").open("wb") as log:
        wall, cpu, memory = measure([*command, "--o", root, *arguments(options, seed)], options.project, log.fileno())
    spread = float("nan")
    if options.truth is not None:
        data = options.project / f"{root}_it{options.iter:03d}_data.star"
        spread = mean_spread(data, options.truth, symmetry=options.symmetry)
    return Measured(name, seed, wall, cpu, memory, spread)


def arguments(options: argparse.Namespace, seed: int) -> list[str]:
    """Return the arguments that both programs get: those of an ordinary Class2D job."""
    text = (
        f"--i {options.particles} --ctf --iter {options.iter} --tau2_fudge 2 --particle_diameter {options.diameter:g}"
        f" --K {options.K} --flatten_solvent --zero_mask --oversampling 1 --psi_step 12 --offset_range 5 --offset_step 2"
        f" --norm --scale --dont_combine_weights_via_disc --preread_images --pool 30 --pad 2 --j {options.j}"
        f" --random_seed {seed}"
    )
    return text.split()


def measure(command: list[str], directory: Path, log: int) -> tuple[float, float, int]:
    """Return wall and CPU seconds of a process and all its descendants, and the peak of their summed memory in bytes.

    Raises subprocess.CalledProcessError if the program fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    child = subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log)
    peak, watched = 0, psutil.Process(child.pid)
    while child.poll() is None:
        peak = max(peak, _resident(watched))
        time.sleep(LOOK_SECONDS)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, peak


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for member in family:
        try:
            total += member.memory_info().rss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def mean_spread(data: Path, truth: Path, *, symmetry: str = "D2") -> float:
    """Return the mean spread of the views within classes, in degrees; 0 would be one view per class.

    data   of the classification; truth has the same particles with rlnAngleRot, rlnAngleTilt
    """
    classified, known = read_particles(data).particles, read_particles(truth).particles
    row = {name: number for number, name in enumerate(known["rlnImageName"])}
    rows = np.array([row[name] for name in classified["rlnImageName"]])
    angles = [known[f"rlnAngle{name}"][rows] for name in ("Rot", "Tilt", "Psi")]
    views = matrix_from_euler(*angles)[:, 2]
    number = classified["rlnClassNumber"]
    large = [c for c in np.unique(number) if (number == c).sum() >= LEAST_MEMBERS]
    if not large:
        return float("nan")
    spreads = [class_spread(views[number == c], SYMMETRIES[symmetry]) for c in large]
    return float(np.average(spreads, weights=[(number == c).sum() for c in large]))


def class_spread(views: np.ndarray, symmetry: np.ndarray) -> float:
    """Return the smallest median angle, in degrees, of views (n, 3) to one of the first of them, mirrors included."""
    cosine = np.abs(np.einsum("ni,kij,mj->nkm", views[:CENTRES], symmetry, views)).max(axis=1)
    return float(np.median(np.degrees(np.arccos(np.clip(cosine, 0, 1))), axis=1).min())


def build_of(program: str) -> str:
    """Return a program's name with its version: ratios mean nothing without the build."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    words = " ".join((told.stdout + told.stderr).split())
    return f"{Path(program).name}, {words[:60]}" if words else Path(program).name


def table(measured: list[Measured], options: argparse.Namespace) -> str:
    """Return the figures, and RELION's over the median of ours."""
    lines = [
        f"{options.particles}: K={options.K}, {options.iter} iterations, {options.j} threads",
        f"{'program':<60} {'seed':>4} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'spread °':>8}",
    ]
    lines += [
        f"{one.name[:60]:<60} {one.seed:>4} {one.wall:8.1f} {one.cpu:8.1f} {one.memory / 2**20:8.0f} {one.spread:8.1f}"
        for one in measured
    ]
    ours = [one for one in measured if one.name == "relionlab"]
    for other in (one for one in measured if one.name != "relionlab"):
        wall, cpu, memory = (
            getattr(other, what) / np.median([getattr(one, what) for one in ours]) for what in ("wall", "cpu", "memory")
        )
        lines.append(f"{other.name} over relionlab: wall {wall:.1f}, CPU {cpu:.1f}, memory {memory:.2f}")
    if options.truth is not None and len(ours) > 1:
        lines.append(f"median spread of relionlab's seeds: {np.median([one.spread for one in ours]):.1f}°")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.class2d", description=__doc__.splitlines()[0])
    parser.add_argument("particles", help="particle STAR, relative to the project")
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="folder to which image names are relative")
    parser.add_argument("--relion", default="", help="RELION's program, as relion_refine; empty: do not run it")
    parser.add_argument("--truth", type=Path, help="truth.star with the particles' poses")
    parser.add_argument("--symmetry", choices=sorted(SYMMETRIES), default="D2", help="of the molecule, for the views")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[1], help="of our runs; RELION runs with the first only"
    )
    parser.add_argument("--K", type=int, default=10, help="classes")
    parser.add_argument("--iter", type=int, default=25, help="iterations")
    parser.add_argument("--diameter", type=float, default=190.0, help="of the mask in Å")
    parser.add_argument("--j", type=int, default=2, help="threads")
    return parser


if __name__ == "__main__":
    sys.exit(main())
