"""How long one look of the monitor takes: ``python -m tests.benchmarks monitor``, on files made for it.

A classification of 200 classes and 100,000 particles, and a MotionCorr directory of 1,000 movies; what counts is the longest
single step, for between two steps everything else has its turn. Seconds are the processor's, so that a busy machine tells the
same; the drawing libraries, which the first picture of a session loads, are loaded before and told apart.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from relionlab.display.live_course import course_figure
from relionlab.display.motion import motion_track
from relionlab.display.render import to_bokeh
from relionlab.display.results import class_counts, read_class_averages
from relionlab.io.images import write_stack
from relionlab.io.motion import Motion, write_motion
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.widgets.monitor.live_course import LiveCourse
from relionlab.widgets.monitor.live_micrographs import LiveMicrographs

CLASSES, BOX, PARTICLES, MOVIES = 200, 64, 100_000, 1000


def main() -> None:
    """Make the files, look at them, and print the times."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    began = time.thread_time()
    to_bokeh(motion_track(_motion(0)))
    course_figure(three=False, several=True)
    _print("loading what draws", time.thread_time() - began)
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "Class2D" / "job001"
        job.mkdir(parents=True)
        model = _iteration(job)
        _print("averages of 200 classes", _timed(lambda: read_class_averages(model, count=False)))
        _print("counting 100,000 particles", _timed(lambda: class_counts(model, CLASSES)))
        _print("one point of the course", _steps(LiveCourse(job)))
        movies = Path(folder) / "MotionCorr" / "job002"
        (movies / "Movies").mkdir(parents=True)
        _movies(movies)
        view = LiveMicrographs(movies)
        _print("1,000 movies, the longest step of the first looks", _steps(view))
        _print("1,000 movies, a look at which nothing is new", _steps(view))


def _timed(function) -> float:
    best = []
    for _ in range(3):
        began = time.thread_time()
        function()
        best.append(time.thread_time() - began)
    return min(best)


def _steps(view) -> float:
    longest, more = 0.0, True
    while more:
        began = time.thread_time()
        more = view.look()
        longest = max(longest, time.thread_time() - began)
    return longest


def _print(what: str, seconds: float) -> None:
    print(f"{what:<52} {1000 * seconds:7.0f} ms")


def _iteration(job: Path) -> Path:
    rng = np.random.default_rng(1)
    root = "run_it001"
    write_stack(job / f"{root}_classes.mrcs", rng.normal(size=(CLASSES, BOX, BOX)).astype(np.float32), pixel_size=4.0)
    classes = Table(
        {
            "rlnReferenceImage": [f"{k + 1:06d}@Class2D/job001/{root}_classes.mrcs" for k in range(CLASSES)],
            "rlnClassDistribution": np.full(CLASSES, 1 / CLASSES),
            "rlnAccuracyRotations": np.full(CLASSES, 2.0),
            "rlnEstimatedResolution": np.full(CLASSES, 12.0),
        },
        "model_classes",
    )
    general = {"rlnReferenceDimensionality": [2], "rlnPixelSize": [4.0], "rlnCurrentResolution": [12.0]}
    shells = np.arange(BOX // 2 + 1)
    spectra = [
        Table(
            {"rlnSpectralIndex": shells, "rlnResolution": shells / (4 * BOX), "rlnSsnrMap": 1000 / (1 + shells)},
            f"model_class_{k + 1}",
        )
        for k in range(CLASSES)
    ]
    write_star(job / f"{root}_model.star", [Table(general, "model_general", loop=False), classes, *spectra])
    write_star(
        job / f"{root}_optimiser.star", [Table({"rlnChangesOptimalClasses": [0.1]}, "optimiser_general", loop=False)]
    )
    columns = {"rlnImageName": [f"{k:06d}@Extract/job001/a.mrcs" for k in range(PARTICLES)]}
    columns |= {
        f"rln{name}": rng.normal(size=PARTICLES)
        for name in ("AngleRot", "AngleTilt", "AnglePsi", "OriginXAngst", "DefocusU")
    }
    write_star(
        job / f"{root}_data.star",
        [Table(columns | {"rlnClassNumber": rng.integers(1, CLASSES + 1, PARTICLES)}, "particles")],
    )
    return job / f"{root}_model.star"


def _movies(job: Path) -> None:
    for number in range(MOVIES):
        write_motion(job / "Movies" / f"m{number:04d}.star", _motion(number))


def _motion(number: int) -> Motion:
    shifts = np.cumsum(np.ones((20, 2)), axis=0)
    return Motion(f"Movies/m{number:04d}.tif", (20, 4096, 4096), shifts, 1.0)


if __name__ == "__main__":
    main()
