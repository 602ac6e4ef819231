"""Movies and micrographs: CPU time of relionlab and RELION on the same simulated images with the same arguments.

    python -m tests.benchmarks micrographs [--stages motion motion3x3 log template template3d extract] [--relion]
        [--project DIR] [--runs 1] [--j 2]

Simulates (once per project) 24 micrographs of 2048² px at 1.5 Å, and eight movies of 24 frames of that size. Every program
runs on two images and on all of them; what one image more costs, times all, is the work, and the rest is start-up. CPU time
is user + system of the whole process tree, pictures included. Ratios are RELION's figure over ours. Picks are scored by the
truth: F1, within a quarter of the diameter, at the best cut of their figures of merit.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.fourier import resize_map
from relionlab.engine.projection import project
from relionlab.engine.rotations import matrix_from_euler
from relionlab.io.coordinates import read_coordinates
from relionlab.io.images import read_map, write_map, write_stack
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.simulation.exposures import exposures
from relionlab.simulation.micrographs import simulate_micrographs
from relionlab.simulation.movies import simulate_movies
from relionlab.simulation.scores.picks import compare_picks
from tests.benchmarks._stages import ended, stage_parser
from tests.benchmarks.class2d import measure

FEW, PIXEL = 2, 1.5
REFERENCE_PIXEL = 3.0
SIGNAL = 0.3
"""Deviation of the references in units of the noise's, about as of class averages: RELION takes their scale at its word."""
VIEWS = 10
"""References of template picking: views of the true map from evenly spread directions."""

_MOTION = (
    "run_motioncorr --use_own --j {j} --bin_factor 1 --bfactor 150 --dose_per_frame {dose:.4f} --preexposure 0 --patch_x {p}"
    " --patch_y {p} --gainref Movies/gain.mrc --gain_rot 0 --gain_flip 0 --dose_weighting --grouping_for_ps 3"
    " --first_frame_sum 1 --last_frame_sum -1"
)
_PICK = "autopick --pickname autopick --shrink 0 --lowpass 20"
_BY_REFERENCE = (
    f"{_PICK} --invert --ctf --ang 5 --angpix_ref {REFERENCE_PIXEL:g} --particle_diameter {{diameter:g}}"
    " --threshold 0.05 --min_distance {apart:g} --max_stddev_noise -1"
)
_EXTRACT = (
    "preprocess --coord_dir Truth/ --coord_suffix _autopick.star --part_star {out}particles.star --extract"
    " --extract_size {box} --norm --bg_radius {radius} --white_dust -1 --black_dust -1 --invert_contrast"
)
STAGES = {
    "motion": ("Movies", "--o", _MOTION.replace("{p}", "1")),
    "motion3x3": ("Movies", "--o", _MOTION.replace("{p}", "3")),
    "log": ("Sim", "--odir", _PICK + " --LoG --LoG_diam_min {low:g} --LoG_diam_max {diameter:g} --LoG_adjust_threshold 0"
            " --LoG_upper_threshold 5"),
    "template": ("Sim", "--odir", _BY_REFERENCE + " --ref refs.mrcs"),
    "template3d": ("Sim", "--odir", _BY_REFERENCE + " --ref map.mrc --healpix_order 1 --sym D2"),
    "extract": ("Sim", "--part_dir", _EXTRACT),
}  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """CPU seconds: of the run on all images, and of its start-up; F1 of picks, NaN elsewhere."""

    total: float
    start: float
    f1: float

    @property
    def work(self) -> float:
        """What the images cost."""
        return self.total - self.start


def main() -> int:
    """Run the stages and print a line for each."""
    parser = stage_parser("micrographs", __doc__, STAGES)
    parser.add_argument("--runs", type=int, default=1, help="runs of each program, in turn; the median counts")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.project or Path(temporary)).resolve()
        words = prepared(folder, j=given.j)
        programs = ["relionlab", *(["relion"] if given.relion else [])]
        print(
            f"{'stage':<11} {'program':<10} {'CPU s':>7} {'start-up':>8} {'work':>7} {'F1':>6}   ratio of the work (of all)"
        )
        for stage in given.stages:
            runs = {name: [] for name in programs}
            for _ in range(given.runs):
                for name in programs:
                    runs[name].append(cost(folder, stage, name, words))
            report(
                stage, {name: sorted(found, key=lambda one: one.total)[len(found) // 2] for name, found in runs.items()}
            )
    return 0


def report(stage: str, costs: dict[str, Cost]) -> None:
    """Print the lines of a stage."""
    ours = costs["relionlab"]
    for name, one in costs.items():
        ratio = f"{one.work / ours.work:5.2f} ({one.total / ours.total:.2f})" if name != "relionlab" else ""
        f1 = f"{one.f1:6.3f}" if np.isfinite(one.f1) else " " * 6
        print(f"{stage:<11} {name:<10} {one.total:7.1f} {one.start:8.1f} {one.work:7.1f} {f1}   {ratio}", flush=True)


def cost(folder: Path, stage: str, name: str, words: dict[str, object]) -> Cost:
    """Run one program on few images and on all, and return what it cost."""
    source, flag, text = STAGES[stage]
    seconds = {}
    for count in ("few", "all"):
        out = f"Runs/{name}_{stage}_{count}/"
        shutil.rmtree(folder / out, ignore_errors=True)
        (folder / out).mkdir(parents=True)
        program, *flags = text.format(**words, out=out).split()
        start = [sys.executable, "-P", "-m", "relionlab", program] if name == "relionlab" else [f"relion_{program}"]
        with (folder / f"Runs/{name}_{stage}_{count}.log").open("wb") as log:
            command = [*start, "--i", f"{source}/{count}.star", flag, out, *flags]
            seconds[count] = measure(command, folder, log.fileno())[1]
    images = len(read_star(folder / source / "all.star")["movies" if source == "Movies" else "micrographs"])
    each = (seconds["all"] - seconds["few"]) / (images - FEW)
    picked = sorted((folder / f"Runs/{name}_{stage}_all").rglob("mic*_autopick.star"))
    f1 = scored(folder, picked) if picked else float("nan")
    return Cost(seconds["all"], seconds["all"] - each * images, f1)


def scored(folder: Path, files: list[Path]) -> float:
    """Return F1 of picks against the truth, at the cut of their figures of merit at which it is best."""
    tables = [read_coordinates(file) for file in files]
    names = np.repeat([f.name.replace("_autopick.star", ".mrc") for f in files], [len(table) for table in tables])
    tables = [table for table in tables if len(table)]
    xy = PIXEL * np.concatenate(
        [np.stack([t.numbers(f"rlnCoordinate{axis}") for axis in "XY"], axis=1) for t in tables]
    )
    merit = np.concatenate([table.numbers("rlnAutopickFigureOfMerit") for table in tables])
    truth = read_particles(folder / "Sim/truth/particles.star").particles
    cuts = np.quantile(merit, np.linspace(0, 0.95, 40))
    kept = [merit >= cut for cut in cuts]
    return max(
        compare_picks(names[some], xy[some], truth, pixel_size=PIXEL, diameter=_diameter(folder)).f1 for some in kept
    )


def prepared(folder: Path, *, j: int) -> dict[str, object]:
    """Simulate what is not there yet, and return the numbers that the flags need."""
    movies = exposures("micrographs", count=8, frames=24)
    if not (folder / "refs.mrcs").exists():
        made = simulate_micrographs(folder / "Sim", simulation=exposures("micrographs"), project=folder)
        simulate_movies(folder / "Movies", simulation=movies, project=folder)
        (folder / "diameter.txt").write_text(f"{made.diameter:g}\n")
        _write_lists(folder)
        _write_references(folder, made.maps[0])
    diameter = _diameter(folder)
    box = round(1.4 * diameter / PIXEL / 2) * 2
    return {"j": j, "dose": movies.dose / movies.frames, "diameter": diameter, "low": 0.75 * diameter,
            "apart": 0.7 * diameter, "box": box, "radius": round(0.375 * box)}  # fmt: skip


def _write_lists(folder: Path) -> None:
    """Write all.star and few.star of micrographs with their true CTFs, and of movies; the truth as picks."""
    micrographs = read_particles(folder / "Sim/truth/micrographs.star", kind="micrographs")
    for source, listed in (
        ("Sim", micrographs),
        ("Movies", read_particles(folder / "Movies/movies.star", kind="movies")),
    ):
        write_particles(folder / source / "all.star", listed)
        write_particles(folder / source / "few.star", listed.rows(np.arange(FEW)))
    truth = read_particles(folder / "Sim/truth/particles.star").particles
    names = np.array(truth["rlnMicrographName"].tolist())
    for name in dict.fromkeys(names.tolist()):
        rows = np.flatnonzero(names == name)
        path = folder / "Truth" / Path(name).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{truth['rlnCoordinateX'][n]:.2f} {truth['rlnCoordinateY'][n]:.2f}" for n in rows]
        head = "\ndata_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n"
        path.with_name(path.name + "_autopick.star").write_text(head + "\n".join(lines) + "\n")


def _write_references(folder: Path, path: Path) -> None:
    """Write map.mrc, the true map at REFERENCE_PIXEL, and refs.mrcs, its views; white on black."""
    map_, pixel_size = read_map(path)
    box = round(map_.shape[0] * pixel_size / REFERENCE_PIXEL / 2) * 2
    small = resize_map(map_.astype(np.float32), box)
    z = np.linspace(0, 1, VIEWS, endpoint=False)
    angles = matrix_from_euler(
        np.degrees(np.arange(VIEWS) * np.pi * (3 - np.sqrt(5))), np.degrees(np.arccos(z)), np.zeros(VIEWS)
    )
    views = project(small, angles)
    scale = SIGNAL / float(views.std())
    write_map(folder / "map.mrc", small * scale, pixel_size=REFERENCE_PIXEL)
    write_stack(folder / "refs.mrcs", views * scale, pixel_size=REFERENCE_PIXEL)


def _diameter(folder: Path) -> float:
    return float((folder / "diameter.txt").read_text())


if __name__ == "__main__":
    ended(main, needed="relion_autopick")
