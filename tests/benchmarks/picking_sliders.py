"""How quick the automatic picker is: from a moved threshold to new picks, and to what the views are told to draw.

    python -m tests.benchmarks picking_sliders [--count 4] [--size 4096] [--particles 1000] [--steps 40]

Maps of simulated micrographs (noise and planted blobs) are searched once; then the threshold is moved again and again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from relionlab.io.images import write_image
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.project import Project
from relionlab.widgets.picking.auto_picker import AutoPicker

PIXEL, DIAMETER = 1.0, 120.0


def simulate(folder: Path, *, count: int, size: int, particles: int) -> None:
    """Write micrographs (px) with so many blobs each, on a jittered grid, and their list."""
    rng = np.random.default_rng(1)
    side = int(DIAMETER / PIXEL)
    y, x = np.mgrid[:side, :side] - side // 2
    blob = np.exp(-((np.hypot(x, y) / (0.4 * side)) ** 4)).astype(np.float32)
    across = int(np.ceil(np.sqrt(particles)))
    step = (size - 2 * side) / across
    names = [f"mic{number}.mrc" for number in range(count)]
    for name in names:
        image = rng.standard_normal((size, size), dtype=np.float32)
        for place in range(particles):
            row, column = (int(side + step * part + rng.integers(0, 8)) for part in divmod(place, across))
            image[row : row + side, column : column + side] -= rng.uniform(0.2, 0.5) * blob
        write_image(folder / name, image, pixel_size=PIXEL)
    optics = {"rlnOpticsGroup": [1], "rlnMicrographPixelSize": [PIXEL], "rlnMicrographOriginalPixelSize": [PIXEL]}
    optics |= {"rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1]}
    rows = Table({"rlnMicrographName": names, "rlnOpticsGroup": [1] * count}, name="micrographs")
    write_star(folder / "mics.star", [Table(optics, name="optics"), rows])


def main() -> None:
    """Simulate, search, and move the threshold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("count", 4), ("size", 4096), ("particles", 1000), ("steps", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        simulate(folder, count=given.count, size=given.size, particles=given.particles)
        form = AutoPick(
            fn_input_autopick="mics.star", fn_refs_autopick="gauss", particle_diameter=DIAMETER, do_ctf_autopick=False
        )
        start = time.perf_counter()
        picker = AutoPicker(form, project=Project.create(folder), micrographs=given.count)
        shown = time.perf_counter() - start
        picker.wait()
        print(f"micrographs shown after {shown:.1f} s, all maps there after {time.perf_counter() - start:.1f} s")
        print(f"kept in memory: {picker.tuning.maps.nbytes / 1e6:.1f} MB")
        for what, act in (("picks", lambda value: picker.tuning.picks(**{**picker.thresholds, picker.main: value})),
                          ("picks, histogram and views", lambda value: picker.set(**{picker.main: value}))):  # fmt: skip
            times, cpu = [], []
            for value in np.linspace(0.1, 0.4, given.steps):
                start, used = time.perf_counter(), time.thread_time()
                act(float(value))
                times.append(time.perf_counter() - start)
                cpu.append(time.thread_time() - used)
            counts = sum(map(len, picker.picks.values()))
            print(
                f"{what}: median {1e3 * np.median(times):.1f} ms, most {1e3 * max(times):.1f} ms, CPU {1e3 * np.median(cpu):.1f} ms"
                f" ({counts} picks at the end)"
            )


if __name__ == "__main__":
    main()
