"""Movies of known truth: gain, shot noise, drift, local motion, radiation damage, ice, contamination and CTF.

A frame is the contrast of the whole specimen, faded as far as the dose has got by the middle of the frame, displaced by
drift and local motion (cubic B-splines: right to 1 % at 5 px, to 8 % at 3 px), lit, seen by pixels of their own sensitivity, and counted: Poisson numbers.

    simulate_movies("Simulated", simulation=exposures("tiny", gain_rotation=1))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.fft

from relionlab.engine.damage import remaining_amplitude
from relionlab.io.atomic import atomic_write
from relionlab.io.images import StackWriter, write_image
from relionlab.io.tiff import TiffWriter
from relionlab.simulation.camera import HOT, Camera, draw_camera
from relionlab.simulation.counting import GRID, count_frame, spline_divisor
from relionlab.simulation.exposure_truth import write_detector, write_motion
from relionlab.simulation.exposures import Exposures, exposures
from relionlab.simulation.micrographs import Progress, Setting, SimulatedMicrographs, in_parallel
from relionlab.simulation.motion import Motion, draw_motion
from relionlab.simulation.specimens import Specimen, canvas, radial_filter
from relionlab.simulation.structures import Atoms


@dataclass(frozen=True)
class SimulatedMovies(SimulatedMicrographs):
    """What was written, beside what SimulatedMicrographs lists.

    gain      gain.mrc, to be turned as the simulation says (``gain_rotation``, ``gain_flip``)
    defects   defects.txt: rectangles of dead pixels, x y width height
    motions   truth/mov001_motion.star …: displacements of every frame, as a whole and locally
    detector  truth/detector.star: orientation of the gain, dead rectangles, hot pixels
    """

    gain: Path
    defects: Path
    motions: tuple[Path, ...]
    detector: Path


def simulate_movies(
    directory: str | Path,
    molecules: Sequence[Atoms | np.ndarray] | None = None,
    simulation: Exposures | None = None,
    *,
    project: str | Path | None = None,
    workers: int = 0,
    progress: Progress | None = None,
    resume: bool = False,
) -> SimulatedMovies:
    """Write movies of known truth into a directory: Movies/mov001.tiff …, gain.mrc, defects.txt, movies.star, truth/.

    The truth is told in the coordinates of the first frame, as motion correction gives them.

    simulation  ``None``: the set "course", 24 movies of 2048² px at 1.5 Å
    resume      keep the movies that are there: of the same simulation, interrupted (a movie appears when it is whole)
    Otherwise as :func:`relionlab.simulation.micrographs.simulate_micrographs`.
    """
    conditions = simulation or exposures("course")
    scene = Setting.of(directory, molecules, conditions, project=project, movies=True)
    camera = draw_camera(conditions)
    ending = {"tiff": ".tiff", "mrc": ".mrcs"}[conditions.form]
    paths = [scene.directory / "Movies" / f"mov{number + 1:03d}{ending}" for number in range(conditions.count)]
    motions = [scene.directory / "truth" / f"mov{number + 1:03d}_motion.star" for number in range(conditions.count)]

    def make(number: int) -> Specimen:
        specimen, motion = scene.draw(number), motion_of(conditions, number)
        if not (resume and paths[number].exists()):
            _write_movie(paths[number], scene, camera, specimen=specimen, motion=motion)
        write_motion(motions[number], motion, specimen, conditions=conditions, movie=scene.name(paths[number]))
        return specimen

    specimens = in_parallel(make, conditions.count, workers=workers, progress=progress)
    gain, defects = scene.directory / "gain.mrc", scene.directory / "defects.txt"
    turned = camera.as_written(rotation=conditions.gain_rotation, flip=conditions.gain_flip)
    write_image(gain, turned, pixel_size=conditions.pixel_size)
    with atomic_write(defects) as temporary:
        temporary.write_text("".join(f"{x} {y} {w} {h}\n" for x, y, w, h in camera.dead.tolist()))
    detector = write_detector(scene.directory / "truth" / "detector.star", camera, conditions=conditions)
    made = scene.written(paths, specimens, kind="movies")
    return SimulatedMovies(**vars(made), gain=gain, defects=defects, motions=tuple(motions), detector=detector)


def motion_of(conditions: Exposures, number: int) -> Motion:
    """Return the motion of a movie (from 0); it depends on this number and the seed alone."""
    return draw_motion(
        np.random.default_rng([conditions.seed, 5, number]),
        conditions.frames,
        shape=conditions.shape,
        pixel_size=conditions.pixel_size,
        dose_per_frame=conditions.dose_per_frame,
        drift=conditions.drift,
        local=conditions.local_motion,
    )


def _write_movie(path: Path, scene: Setting, camera: Camera, *, specimen: Specimen, motion: Motion) -> None:
    """Make and write frame after frame; only the specimen's transform and one frame are in memory."""
    conditions = scene.exposures
    margin = motion.reach() + 3
    shape = canvas(conditions.shape, margin)
    spectrum = scene.stage.contrast(specimen, margin)
    for divisor in spline_divisor(shape):
        spectrum /= divisor
    electrons = np.float32(conditions.dose_per_frame * conditions.pixel_size**2)
    light = scene.stage.light(specimen) * electrons * camera.sensitivity()
    light[camera.hot[:, 1], camera.hot[:, 0]] = HOT * electrons
    points = _grid(conditions.shape)
    if conditions.form == "tiff":
        writer: TiffWriter | StackWriter = TiffWriter(path, conditions.pixel_size, compression=conditions.compression)
    else:
        writer = StackWriter(path, conditions.frames, conditions.shape, conditions.pixel_size)
    with writer as movie:
        for frame in range(conditions.frames):
            dose = (frame + 0.5) * conditions.dose_per_frame
            faded = remaining_amplitude(scene.radii, dose, voltage_kv=conditions.voltage_kv)
            coefficients = scipy.fft.irfft2(
                spectrum * radial_filter(shape, conditions.pixel_size, faded), s=shape, overwrite_x=True
            )
            moves = motion.sources(frame, points.reshape(-1, 2)).reshape(points.shape).astype(np.float32)
            counts = np.zeros(conditions.shape, np.uint8)
            count_frame(coefficients, moves, light, seed=(specimen.seed + 7919 * (frame + 1)) % 2**63, out=counts)
            movie.append(counts)


def _grid(shape: tuple[int, int]) -> np.ndarray:
    """Return the points (gy, gx, 2), x and y in px, at which a frame's displacements are worked out."""
    y, x = (np.arange(side // GRID + 2) * float(GRID) for side in shape)
    return np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)
