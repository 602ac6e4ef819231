"""How fast a mask that is dragged is followed: ``python -m tests.benchmarks.mask_panel [side …]`` prints milliseconds per try."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.mask_trial import MaskTrial
from relionlab.jobs.maps.postprocess_program import Postprocess
from tests.jobs.half_map_files import HALF, MAP, write_half_maps

TRIES = 12


def main(sides: list[int]) -> None:
    """Print the median and the longest time of a mask and of all that is computed from it, for boxes of these sides."""
    for side in sides:
        with tempfile.TemporaryDirectory() as folder:
            write_half_maps(Path(folder), box=side)
            start = time.perf_counter()
            trial = MaskTrial(Postprocess(fn_in=HALF, do_auto_bfac=True, autob_lowres=10.0), folder=Path(folder))
            opened = time.perf_counter() - start
            masks, whole, cpu = [], [], []
            for k in range(TRIES):
                job = MaskCreate(fn_in=MAP, inimask_threshold=0.3 + 0.01 * k, width_mask_edge=4 + k % 5)
                start, used = time.perf_counter(), time.process_time()
                mask = trial.mask(job)
                masks.append(time.perf_counter() - start)
                trial.with_mask(mask, job)
                whole.append(time.perf_counter() - start)
                cpu.append(time.process_time() - used)
        worst = 1000 * max(whole[1:])  # the first one loads the compiled loops
        print(
            f"{side}³: opened in {opened:.2f} s; mask {1000 * np.median(masks):.0f} ms, with correlations, B-factor and verdict"
            f" {1000 * np.median(whole):.0f} ms (longest {worst:.0f} ms; CPU {1000 * np.median(cpu):.0f} ms)"
        )


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [96, 128, 256])
