"""The tables beside simulated micrographs and movies: the input as Import writes it, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from relionlab.io.particles import Kind, Particles, write_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.simulation.camera import Camera
from relionlab.simulation.exposures import Exposures
from relionlab.simulation.motion import Motion
from relionlab.simulation.specimens import Specimen

_LOCAL_POINTS = 9
"""Along each axis, where the truth of the local motion is written down."""


def write_input(path: Path, names: Sequence[str], conditions: Exposures, *, kind: str) -> Path:
    """Write movies.star or micrographs.star as RELION's Import does, and return its path."""
    known: Kind = "movies" if kind == "movies" else "micrographs"
    label = "rlnMicrographMovieName" if known == "movies" else "rlnMicrographName"
    rows = Table({label: list(names), "rlnOpticsGroup": np.ones(len(names), np.int64)}, name=known)
    write_particles(path, Particles(_optics(conditions, known), rows, known))
    return path


def write_truth(
    directory: Path, names: Sequence[str], specimens: Sequence[Specimen], *, conditions: Exposures
) -> tuple[Path, Path]:
    """Write micrographs.star, particles.star and contamination.star, and return the paths of the first two.

    names  of the images; the truth calls a movie's micrograph by its name with the ending .mrc, as MotionCorr does
    """
    names = [PurePosixPath(name).with_suffix(".mrc").as_posix() for name in names]
    optics = _optics(conditions, "micrographs")
    group = np.ones(len(names), np.int64)
    u, v, angle = np.array([specimen.defocus for specimen in specimens]).T
    means = [float(specimen.heights.mean()) if len(specimen.heights) else 0.0 for specimen in specimens]
    micrographs = Table(
        {
            "rlnMicrographName": names,
            "rlnOpticsGroup": group,
            "rlnDefocusU": np.round(u, 2),
            "rlnDefocusV": np.round(v, 2),
            "rlnCtfAstigmatism": np.round(u - v, 2),
            "rlnDefocusAngle": np.round(angle, 3),
            "relionlabMeanParticleDefocus": np.round((u + v) / 2 + means, 2),
            "relionlabIceThickness": [round(specimen.thickness, 1) for specimen in specimens],
            "relionlabParticles": [len(specimen.places) for specimen in specimens],
        },
        name="micrographs",
    )
    paths = directory / "micrographs.star", directory / "particles.star"
    write_particles(paths[0], Particles(optics, micrographs, "micrographs"))
    write_particles(paths[1], Particles(_optics(conditions, "particles"), _particles(names, specimens)))
    lumps = [(name, lump) for name, specimen in zip(names, specimens, strict=True) for lump in specimen.lumps]
    contamination = Table(
        {
            "rlnMicrographName": [name for name, _ in lumps],
            "rlnCoordinateX": np.array([round(lump.x, 1) for _, lump in lumps], dtype=float),
            "rlnCoordinateY": np.array([round(lump.y, 1) for _, lump in lumps], dtype=float),
            "relionlabDiameterAngst": np.array(
                [round(2 * lump.radius * conditions.pixel_size, 1) for _, lump in lumps], dtype=float
            ),
        },
        name="contamination",
    )
    write_star(directory / "contamination.star", [contamination])
    return paths


def write_motion(path: Path, motion: Motion, specimen: Specimen, *, conditions: Exposures, movie: str) -> None:
    """Write a movie's motion: of the whole, of a grid of points, and of every particle.

    ``global_shift`` and ``local_shift`` have RELION's sign: what brings a frame onto the first one, minus the
    displacement, in px; the local one comes on top of the global one. ``tracks`` gives the particles' displacements
    in Å with the sign of RELION's polishing, plus the displacement; their numbers are those of their order in
    particles.star.
    """
    frames = np.arange(1, motion.frames + 1)
    points = _points(conditions.size)
    local = motion.local(points)
    tracks = motion.displacements(specimen.places) * conditions.pixel_size
    count = len(specimen.places)
    general = Table(
        {
            "rlnImageSizeX": conditions.size[0],
            "rlnImageSizeY": conditions.size[1],
            "rlnImageSizeZ": motion.frames,
            "rlnMicrographMovieName": movie,
            "rlnMicrographBinning": 1.0,
            "rlnMicrographOriginalPixelSize": conditions.pixel_size,
            "rlnMicrographDoseRate": conditions.dose_per_frame,
            "rlnMicrographPreExposure": 0.0,
            "rlnVoltage": conditions.voltage_kv,
        },
        name="general",
        loop=False,
    )
    overall = Table(
        {
            "rlnMicrographFrameNumber": frames,
            "rlnMicrographShiftX": np.round(-motion.overall[:, 0], 5),
            "rlnMicrographShiftY": np.round(-motion.overall[:, 1], 5),
        },
        name="global_shift",
    )
    parts = Table(
        {
            "rlnMicrographFrameNumber": np.repeat(frames, len(points)),
            "rlnCoordinateX": np.tile(points[:, 0], len(frames)),
            "rlnCoordinateY": np.tile(points[:, 1], len(frames)),
            "rlnMicrographShiftX": np.round(-local[..., 0].ravel(), 5),
            "rlnMicrographShiftY": np.round(-local[..., 1].ravel(), 5),
        },
        name="local_shift",
    )
    particles = Table(
        {
            "relionlabParticleNumber": np.tile(np.arange(1, count + 1), len(frames)),
            "rlnMicrographFrameNumber": np.repeat(frames, count),
            "rlnOriginXAngst": np.round(tracks[..., 0].ravel(), 4),
            "rlnOriginYAngst": np.round(tracks[..., 1].ravel(), 4),
        },
        name="tracks",
    )
    write_star(path, [general, overall, parts, particles])


def write_detector(path: Path, camera: Camera, *, conditions: Exposures) -> Path:
    """Write how the gain lies, and the dead rectangles and hot pixels in px of the movies; return the path."""
    general = Table(
        {"relionlabGainRotation": conditions.gain_rotation, "relionlabGainFlip": conditions.gain_flip},
        name="general",
        loop=False,
    )
    dead = Table(
        {
            name: camera.dead[:, column]
            for column, name in enumerate(("relionlabX", "relionlabY", "relionlabWidth", "relionlabHeight"))
        },
        name="dead_rectangles",
    )
    hot = Table({"rlnCoordinateX": camera.hot[:, 0], "rlnCoordinateY": camera.hot[:, 1]}, name="hot_pixels")
    write_star(path, [general, dead, hot])
    return path


def _optics(conditions: Exposures, kind: Kind) -> Table:
    columns: dict[str, object] = {
        "rlnOpticsGroupName": ["opticsGroup1"],
        "rlnOpticsGroup": [1],
        "rlnMicrographOriginalPixelSize": [conditions.pixel_size],
        "rlnVoltage": [conditions.voltage_kv],
        "rlnSphericalAberration": [conditions.spherical_aberration_mm],
        "rlnAmplitudeContrast": [conditions.amplitude_contrast],
    }
    if kind == "micrographs":
        columns["rlnMicrographPixelSize"] = [conditions.pixel_size]
    if kind == "particles":
        columns["rlnImagePixelSize"] = [conditions.pixel_size]
    return Table(columns, name="optics")


def _particles(names: Sequence[str], specimens: Sequence[Specimen]) -> Table:
    """Return one row per particle."""

    def joined(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.zeros(0)

    counts = [len(specimen.places) for specimen in specimens]
    places = joined([specimen.places for specimen in specimens]).reshape(-1, 2)
    angles = joined([specimen.angles for specimen in specimens]).reshape(-1, 3)
    u, v, azimuth = np.repeat(np.array([specimen.defocus for specimen in specimens]), counts, axis=0).T
    heights = joined([specimen.heights for specimen in specimens])
    return Table(
        {
            "rlnCoordinateX": np.round(places[:, 0], 3),
            "rlnCoordinateY": np.round(places[:, 1], 3),
            "rlnMicrographName": [name for name, count in zip(names, counts, strict=True) for _ in range(count)],
            "rlnOpticsGroup": np.ones(len(places), np.int64),
            "rlnDefocusU": np.round(u + heights, 2),
            "rlnDefocusV": np.round(v + heights, 2),
            "rlnDefocusAngle": np.round(azimuth, 3),
            "rlnAngleRot": np.round(angles[:, 0], 4),
            "rlnAngleTilt": np.round(angles[:, 1], 4),
            "rlnAnglePsi": np.round(angles[:, 2], 4),
            "rlnOriginXAngst": np.zeros(len(places)),
            "rlnOriginYAngst": np.zeros(len(places)),
            "rlnClassNumber": joined([specimen.kinds for specimen in specimens]).astype(np.int64),
        },
        name="particles",
    )


def _points(size: tuple[int, int]) -> np.ndarray:
    """Return points (N, 2), x and y in px, spread over the image."""
    x, y = (np.round(np.linspace(0.03, 0.97, _LOCAL_POINTS) * side) for side in size)
    return np.stack([array.ravel() for array in np.meshgrid(x, y)], axis=1)
