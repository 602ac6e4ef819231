"""How good motion correction and CTF estimation are where the truth is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.motion.model import shifts_at
from relionlab.errors import NodeError, StarError
from relionlab.io.motion import Motion, read_motion
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star


@dataclass(frozen=True)
class MotionTruth:
    """Errors of the movies' motion: root mean squares over frames, directions and places, in px of the movies.

    names       (N,) movies
    whole       (N,) of the global shifts, against the true mean over the field
    everywhere  (N,) of global and local shifts, at points spread over the field: what blurs the particles
    unmoved     (N,) the same without any correction
    pixel_size  Å
    """

    names: tuple[str, ...]
    whole: np.ndarray
    everywhere: np.ndarray
    unmoved: np.ndarray
    pixel_size: float


@dataclass(frozen=True)
class CtfTruth:
    """Errors of the CTFs: estimates minus truth, in Å and degrees.

    names        (N,) micrographs
    true         (N,) mean defocus of the particles, Å
    defocus      (N,) of the mean defocus
    astigmatism  (N,) of U - V
    angle        (N,) of the angle, 0 to 90; means little where the astigmatism is small
    """

    names: tuple[str, ...]
    true: np.ndarray
    defocus: np.ndarray
    astigmatism: np.ndarray
    angle: np.ndarray


def motion_truth(corrected: Path, truth: Path, *, project: Path) -> MotionTruth:
    """Compare the movies of a corrected_micrographs.star with truth/*_motion.star, matched by the movies' names."""
    rows = read_particles(corrected, kind="micrographs").particles
    known = {path.name.removesuffix("_motion.star"): path for path in truth.glob("*_motion.star")}
    names, errors, pixel_size = [], [], 1.0
    for name in rows["rlnMicrographMetadata"].tolist():
        stem = Path(name).stem
        if stem in known:
            motion = read_motion(project / name)
            names.append(stem)
            errors.append(motion_errors(motion, known[stem]))
            pixel_size = motion.pixel_size
    if not names:
        raise NodeError(f"None of the movies of {corrected} is in {truth}: expected *_motion.star of the same names.")
    whole, everywhere, unmoved = np.array(errors).T
    return MotionTruth(tuple(names), whole, everywhere, unmoved, pixel_size)


def motion_errors(motion: Motion, truth: Path) -> tuple[float, float, float]:
    """Return the errors of one movie in px: global, global and local, and of no correction.

    Both motions are taken relative to the first frame; a shift is two-dimensional, its error the length of the difference.
    """
    tables = read_star(truth)
    overall = _pairs(tables["global_shift"], "rlnMicrographShift")
    local, points = _pairs(tables["local_shift"], "rlnMicrographShift"), tables["local_shift"]
    frames = len(overall)
    if len(motion.shifts) != frames:
        raise StarError(f"{truth} tells of {frames} frames, the motion of {motion.movie} has {len(motion.shifts)}.")
    count = len(local) // frames
    places = _pairs(points, "rlnCoordinate")[:count] / np.array([motion.size[2], motion.size[1]]) - 0.5
    true = overall[:, None] + local.reshape(frames, count, 2)
    used = motion.used
    found = shifts_at(motion.shifts, motion.model, places)

    def rms(difference: np.ndarray) -> float:
        moved = difference[used] - difference[used][:1]
        return float(np.sqrt((moved**2).sum(axis=-1).mean()))

    mean = true.mean(axis=1)
    return rms(found.mean(axis=1) - mean), rms(found - true), rms(-true)


def ctf_truth(estimated: Path, truth: Path) -> CtfTruth:
    """Compare a micrographs_ctf.star with truth/micrographs.star, matched by the micrographs' names.

    The true defocus is the mean of the particles', which lie at any height in the ice.
    """
    found = read_particles(estimated, kind="micrographs").particles
    known = read_particles(truth / "micrographs.star", kind="micrographs").particles
    rows = {Path(name).stem: row for row, name in enumerate(known["rlnMicrographName"].tolist())}
    stems = [Path(name).stem for name in found["rlnMicrographName"].tolist()]
    pairs = [(row, rows[stem]) for row, stem in enumerate(stems) if stem in rows]
    if not pairs:
        raise NodeError(f"None of the micrographs of {estimated} is in {truth}/micrographs.star.")
    mine, theirs = np.array(pairs).T
    u, v, angle = (found.numbers(f"rlnDefocus{part}")[mine] for part in ("U", "V", "Angle"))
    tu, tv, tangle = (known.numbers(f"rlnDefocus{part}")[theirs] for part in ("U", "V", "Angle"))
    mean = known.numbers("relionlabMeanParticleDefocus")[theirs]
    return CtfTruth(
        tuple(stems[row] for row in mine),
        mean,
        (u + v) / 2 - mean,
        (u - v) - (tu - tv),
        np.abs((angle - tangle + 90) % 180 - 90),
    )


def stems(names: Iterable[str]) -> list[str]:
    """Return names without folder and ending, by which truth and results are matched."""
    return [Path(name).stem for name in names]


def _pairs(table: object, stem: str) -> np.ndarray:
    return np.stack([table[f"{stem}{axis}"] for axis in "XY"], axis=1).astype(np.float64)  # type: ignore[index]
