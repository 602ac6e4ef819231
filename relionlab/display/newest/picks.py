"""A micrograph whose particles were picked: a circle around each, coloured by its figure of merit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.newest.kinds import MicrographResult
from relionlab.display.newest.thumbnails import circled, thumbnail
from relionlab.display.picks import BY_HAND, COLOURS
from relionlab.display.words import many
from relionlab.errors import RelionlabError
from relionlab.io.images import open_image
from relionlab.io.job_names import root_below_job
from relionlab.io.star_columns import read_columns
from relionlab.jobs.job_star import read_job_file
from relionlab.jobs.picking.pick_files import read_picks

_USUAL = 150.0  # Å, a circle where the job does not say how large its particle is


def values(path: Path) -> dict[str, np.ndarray]:
    """Return the number of picks, and their figures of merit."""
    found = read_picks(path)
    fom = found.fom[np.isfinite(found.fom)]
    mean = float(fom.mean()) if len(fom) else np.nan
    return {"count": np.array([len(found.x)]), "fom": fom, "mean": np.array([mean])}


def result(path: Path) -> MicrographResult:
    """Return the micrograph with its picks."""
    found = read_picks(path)
    job_folder, root = _job_of(path)
    named, diameter = _micrograph(job_folder, root)
    caption = f"{Path(root).name}: {many(len(found.x), 'pick')}"
    if named is None:
        return MicrographResult(f"{caption}; its micrograph was not found.")
    fom = found.fom[np.isfinite(found.fom)]
    if len(fom):
        caption += f", figures of merit {fom.min():.2g} to {fom.max():.2g} (yellow: highest)"
    image, scale = thumbnail(named)
    pixel = open_image(named).header.pixel_size or 1.0
    points = scale * np.stack([found.x, found.y], axis=1)
    drawn = circled(image, points, _colours(found.fom), radius=diameter / 2 / pixel * scale)
    return MicrographResult(
        f"{caption}; circles of {diameter:.0f} Å.", drawn, None, f"The micrograph {named.name} with its picks"
    )


def _job_of(path: Path) -> tuple[Path, str]:
    """Return the job's directory, and the micrograph's name below it without ending."""
    for above in path.parents:
        if above.name.startswith("job") and above.parent.name in ("AutoPick", "ManualPick"):
            root = path.relative_to(above).as_posix()
            return above, root.rpartition("_")[0]
    return path.parent, path.stem.rpartition("_")[0]


def _micrograph(job_folder: Path, root: str) -> tuple[Path | None, float]:
    """Return where the micrograph lies, ``None`` if it is not found, and the particle's diameter in Å."""
    diameter = _USUAL
    try:
        job = read_job_file(job_folder).job
        given = [getattr(job, name, None) for name in ("particle_diameter", "diameter")]
        given.insert(0, getattr(job, "log_diam_max", None) if getattr(job, "do_log", False) else None)
        diameter = next((float(value) for value in given if value), _USUAL)
        source = getattr(job, "fn_input_autopick", "") or getattr(job, "fn_in", "")
        project = job_folder.parent.parent
        names = read_columns(project / source, "rlnMicrographName")["rlnMicrographName"].tolist()
        fitting = (project / name for name in names if root_below_job(name) == root)
        return next((place for place in fitting if place.exists()), None), diameter
    except (RelionlabError, OSError):
        return None, diameter


def _colours(fom: np.ndarray) -> np.ndarray:
    """Return a colour (n, 3) for each pick: from low to high figures of merit; those by hand in pink."""
    ramp = np.array([[int(text[k : k + 2], 16) for k in (1, 3, 5)] for text in COLOURS], np.uint8)
    colours = np.tile(np.array([int(BY_HAND[k : k + 2], 16) for k in (1, 3, 5)], np.uint8), (len(fom), 1))
    known = np.isfinite(fom)
    if known.any():
        low, high = float(fom[known].min()), float(fom[known].max())
        place = (fom[known] - low) / max(high - low, 1e-9) * (len(ramp) - 1)
        colours[known] = ramp[place.round().astype(int)]
    return colours
