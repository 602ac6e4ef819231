"""Initial model, 3D refinement, 3D classification, local resolution: CPU time of relionlab and RELION on the same data.

    python -m tests.benchmarks refinement3d [--stages inimodel refine3d class3d known locres] [--relion] [--project DIR]
        [--seeds 1 2 3] [--j 2] [--iter N]

Simulates (once per project) 800 particles of 64 px (3.54 Å) at SNR 0.32 of one molecule, 800 and 5,000 (SNR 0.08) of two
conformations, 60/40, and two noisy half-maps of 128 px (1.77 Å). Both programs get the same arguments. CPU time of ours is
user + system of the whole process tree. Of RELION it is user time alone, and of its parallel program without the leader, which
computes nothing and waits at full speed; its system time is mostly waiting, too. Ratios are RELION's figure over ours.

inimodel and refine3d are scored by the median error of the poses and the resolution against the true map, once the map
lies on it, class3d and known (poses known, not aligned) by the adjusted Rand index of the classes and the share of the smallest,
locres by its median in the mask and the share of the mask's voxels within 0.5 Å of RELION's. With --iter all runs but locres
are cut short: to try out.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import psutil

from relionlab.engine.class_agreement import adjusted_rand_index
from relionlab.engine.maps.masks import extended, soft_edged
from relionlab.io.images import read_map, write_map
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.simulation.assembly import d2_assembly
from relionlab.simulation.conditions import Simulation
from relionlab.simulation.particles import simulate_particles
from relionlab.simulation.scores.maps import compare_map, compare_poses
from relionlab.simulation.structures import density
from tests.benchmarks._stages import ended, stage_parser
from tests.benchmarks.class2d import measure

RANKS = 3
"""Processes of RELION's parallel program: a leader, and one for each half-set."""
SETS = {
    "one": Simulation(count=800, snr=0.32),
    "two": Simulation(count=800, snr=0.32, fractions=(0.6, 0.4), seed=2),
    "known": Simulation(count=5000, snr=0.08, fractions=(0.6, 0.4), seed=3),
}
CLOSE = 0.5
"""Å within which two local resolutions are alike."""
HALF_OF_MASK = 0.5
"""Value of a mask from which on a voxel counts as inside."""
_NOISE = (0.3, 1.2)  # of a half-map in units of the molecule's deviation: along x from one side of the box to the other
_DENSE, _EXTEND, _EDGE = 0.15, 3.0, 6.0  # of the mask, see simulation/scores/maps.py

_COMMON = (
    " --ctf --particle_diameter {diameter:g} --flatten_solvent --zero_mask --oversampling 1 --offset_step 2"
    " --dont_combine_weights_via_disc --preread_images --j {j} --random_seed {seed}"
)
_REFERENCE = (
    " --ref {set}/truth_class001.mrc --firstiter_cc --ini_high 50 --norm --scale --pool 30 --pad 2 --offset_range 5"
)
_CLASSES = _REFERENCE + " --iter {iter} --tau2_fudge 4 --K 2 --sym C1"
STAGES = {
    "inimodel": (
        "one",
        "refine --i one/particles.star --sgd --denovo_3dref --sgd_ini_iter {ini} --sgd_inbetween_iter {between}"
        " --sgd_fin_iter {fin} --sgd_write_iter 10 --sgd_ini_resol 35 --sgd_fin_resol 15 --sgd_ini_subset 60"
        " --sgd_fin_subset 200 --K 1 --sym D2 --healpix_order 1 --offset_range 6 --pool 3 --pad 1" + _COMMON,
    ),
    "refine3d": (
        "one",
        "refine --i one/particles.star --auto_refine --split_random_halves --healpix_order 2 --auto_local_healpix_order 3"
        " --sym D2 --low_resol_join_halves 40 --auto_iter_max {most}" + _REFERENCE + _COMMON,
    ),
    "class3d": ("two", "refine --i two/particles.star --healpix_order 1" + _CLASSES + _COMMON),
    "known": ("known", "refine --i known/poses.star --skip_align --healpix_order 2" + _CLASSES + _COMMON),
    "locres": (
        "maps",
        (
            "postprocess --locres --i maps/run_half1_class001_unfil.mrc --angpix 1.77 --adhoc_bfac -50"
            " --mask maps/mask.mrc --locres_sampling 25"
        ),
    ),
}


@dataclass(frozen=True)
class Cost:
    """CPU and wall seconds, bytes at the peak, and how good the result is, in words."""

    cpu: float
    wall: float
    memory: int
    score: str


def main() -> int:
    """Run the stages and print their lines."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.project or Path(temporary)).resolve()
        print(f"{'stage':<9} {'program':<9} {'seed':>4} {'CPU s':>8} {'wall s':>8} {'peak MB':>8}  result")
        for stage in options.stages:
            prepare(folder, STAGES[stage][0])
            costs: dict[str, list[Cost]] = {}
            for name in ["relion", "relionlab"] if options.relion else ["relionlab"]:
                for seed in options.seeds if name == "relionlab" and stage != "locres" else options.seeds[:1]:
                    cost = run(folder, stage, name, seed=seed, options=options)
                    costs.setdefault(name, []).append(cost)
                    print(line(stage, name, seed, cost), flush=True)
            if options.relion:
                print(ratios(stage, costs["relion"][0], costs["relionlab"]), flush=True)
    return 0


def line(stage: str, name: str, seed: int, cost: Cost) -> str:
    """Return the line of one run."""
    memory = cost.memory / 2**20
    return f"{stage:<9} {name:<9} {seed:>4} {cost.cpu:8.1f} {cost.wall:8.1f} {memory:8.0f}  {cost.score}"


def ratios(stage: str, theirs: Cost, ours: list[Cost]) -> str:
    """Return RELION's figures over the medians of ours."""
    cpu, wall, memory = (
        getattr(theirs, what) / np.median([getattr(one, what) for one in ours]) for what in ("cpu", "wall", "memory")
    )
    return f"{stage:<9} RELION over relionlab: CPU {cpu:.1f}, wall {wall:.1f}, memory {memory:.2f}"


def run(folder: Path, stage: str, name: str, *, seed: int, options: argparse.Namespace) -> Cost:
    """Run one program once and score what it made."""
    out = f"Runs/{stage}_{name}_{seed}/"
    shutil.rmtree(folder / out, ignore_errors=True)
    (folder / out).mkdir(parents=True)
    words = numbers(folder, stage, iterations=options.iter, seed=seed, j=options.j)
    parallel = name == "relion" and stage == "refine3d"
    if parallel:
        words["j"] = 1  # a thread for each rank
    program, *flags = STAGES[stage][1].format(**words).split()
    command = [*_start(name, program, parallel=parallel), "--o", out + "run", *flags]
    with (folder / out / "run.log").open("wb") as log, Leader(parallel) as leader:
        before = _user_seconds()
        wall, cpu, memory = measure(command, folder, log.fileno())
        if name == "relion":
            cpu = _user_seconds() - before - leader.seconds
    return Cost(cpu, wall, memory, SCORES[stage](folder, folder / out, words))


def numbers(folder: Path, stage: str, *, iterations: int | None, seed: int, j: int) -> dict[str, object]:
    """Return what a stage's flags are filled with."""
    cut = iterations is not None
    diameter = folder / STAGES[stage][0] / "diameter.txt"
    return {
        "set": STAGES[stage][0],
        "diameter": float(diameter.read_text()) if diameter.exists() else 0.0,
        "seed": seed,
        "j": j,
        "iter": iterations if cut else 25,
        "most": iterations if cut else 999,
        **dict(zip(("ini", "between", "fin"), (iterations,) * 3 if cut else (30, 60, 20), strict=True)),
    }


class Leader:
    """Watches the user seconds of rank 0 of an MPI program while one runs, if it does."""

    def __init__(self, watched: bool) -> None:
        self.seconds = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch) if watched else None

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            for process in psutil.Process().children(recursive=True):
                try:
                    if process.environ().get("OMPI_COMM_WORLD_RANK") == "0":
                        self.seconds = max(self.seconds, process.cpu_times().user)
                except psutil.Error:
                    continue


def _start(name: str, program: str, *, parallel: bool) -> list[str]:
    if name == "relionlab":
        return [sys.executable, "-P", "-m", "relionlab", program]
    if parallel:
        return ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(RANKS), f"relion_{program}_mpi"]
    return [f"relion_{program}"]


def _user_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


# --- data ---------------------------------------------------------------------------------------------------------


def prepare(folder: Path, name: str) -> None:
    """Make a set of data, if it is not there yet."""
    made = folder / name
    if (made / "ready").exists():
        return
    if name == "maps":
        _make_maps(made)
    else:
        kinds = ("full", "missing_subunit") if SETS[name].fractions else ("full",)
        simulated = simulate_particles(made, [d2_assembly(kind) for kind in kinds], SETS[name], project=folder)
        (made / "diameter.txt").write_text(f"{simulated.diameter:g}\n")
        truth = read_particles(simulated.truth)
        hidden = [label for label in ("rlnClassNumber", "rlnRandomSubset") if label in truth.particles]
        write_particles(made / "poses.star", Particles(truth.optics, truth.particles.without(*hidden)))
    (made / "ready").touch()


def _make_maps(made: Path, *, box: int = 128, pixel_size: float = 1.77) -> None:
    """Write two half-maps, noisier to one side, and a mask."""
    made.mkdir(parents=True, exist_ok=True)
    map_ = density(d2_assembly(), box, pixel_size)
    mask = soft_edged(extended(map_ > _DENSE * map_.max(), _EXTEND), _EDGE)
    write_map(made / "mask.mrc", mask.astype(np.float32), pixel_size=pixel_size)
    width = np.linspace(*_NOISE, box) * map_[mask > HALF_OF_MASK].std()
    for half in (1, 2):
        noise = np.random.default_rng(half).standard_normal(map_.shape) * width
        noisy = (map_ + noise).astype(np.float32)
        write_map(made / f"run_half{half}_class001_unfil.mrc", noisy, pixel_size=pixel_size)


# --- scores -------------------------------------------------------------------------------------------------------


def poses_of(folder: Path, data: Path, map_: Path) -> str:
    """Return the error of poses and the resolution of their map, against the truth."""
    truth = folder / "one/truth_class001.mrc"
    found, known = _matched(data, folder / "one/truth.star")
    map_truth = compare_map(map_, truth)
    poses = compare_poses(found, known, map_truth.placed, symmetry="D2")
    return f"median pose error {poses.median:.2f}° (random {poses.random:.1f}°), FSC with the truth 0.5 at {map_truth.resolution:.2f} Å"


def classes_of(folder: Path, data: Path, name: str) -> str:
    """Return how well classes are the conformations."""
    found, known = (
        table.numbers("rlnClassNumber").astype(int) for table in _matched(data, folder / name / "truth.star")
    )
    smallest = np.bincount(found, minlength=3)[1:].min() / len(found)
    return f"adjusted Rand index {adjusted_rand_index(found, known):.3f}, smallest class {100 * smallest:.1f} %"


def local_of(folder: Path, out: Path) -> str:
    """Return the median local resolution in the mask, and how much of it is as RELION found it, if it has run."""
    inside = read_map(folder / "maps/mask.mrc")[0] > HALF_OF_MASK
    found = _local(out)[inside]
    text = f"median {np.median(found):.2f} Å in the mask"
    others = [
        path for path in sorted(folder.glob("Runs/locres_relion_*/")) if path != out and list(path.glob("*locres.mrc"))
    ]
    if others:
        alike = np.abs(found - _local(others[0])[inside]) < CLOSE
        text += f", {100 * alike.mean():.1f} % within {CLOSE:g} Å of RELION's"
    return text


def _local(out: Path) -> np.ndarray:
    return read_map(next(iter(sorted(out.glob("*locres.mrc")))))[0]


def _matched(data: Path, truth: Path) -> tuple[Table, Table]:
    """Return the rows of both files that are of the same images."""
    found, known = read_particles(data).particles, read_particles(truth).particles
    row = {name: number for number, name in enumerate(known["rlnImageName"])}
    return found, known.rows(np.array([row[name] for name in found["rlnImageName"]]))


def _initial(folder: Path, out: Path, words: dict[str, object]) -> str:
    last = sum(int(str(words[name])) for name in ("ini", "between", "fin"))
    return poses_of(folder, out / f"run_it{last:03d}_data.star", out / f"run_it{last:03d}_class001.mrc")


def _refined(folder: Path, out: Path, _: dict[str, object]) -> str:
    return poses_of(folder, out / "run_data.star", out / "run_class001.mrc")


def _classified(folder: Path, out: Path, words: dict[str, object]) -> str:
    return classes_of(folder, out / f"run_it{words['iter']:03d}_data.star", str(words["set"]))


SCORES: dict[str, Callable[[Path, Path, dict[str, object]], str]] = {
    "inimodel": _initial,
    "refine3d": _refined,
    "class3d": _classified,
    "known": _classified,
    "locres": lambda folder, out, _: local_of(folder, out),
}


def _parser() -> argparse.ArgumentParser:
    parser = stage_parser("refinement3d", __doc__, STAGES)
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[1], help="of our runs; RELION runs with the first only"
    )
    parser.add_argument("--iter", type=int, help="iterations, to try out: of each stage of the initial model")
    return parser


if __name__ == "__main__":
    ended(main, needed="relion_refine")
