"""From selected particles to a map: InitialModel → Class3D → Select, if classes differ → Refine3D → MaskCreate → PostProcess →
LocalRes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.io.star import read_star
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory
from relionlab.workflows.map_choices import ClassChoice, choose_classes, noise_threshold
from relionlab.workflows.sizes import Sizes
from relionlab.workflows.tutorial import map_jobs as jobs
from relionlab.workflows.tutorial.movie_plan import MoviePlan

Done = Callable[[Job, str], JobDirectory]
"""Does a job, if it is not done yet, under an alias."""
ALIAS, SELECTION = "tutorial", "round3"


@dataclass(frozen=True)
class MapPart:
    """The jobs from particles to a map.

    symmetry  that was imposed
    choice    which 3D classes went on
    selected  their particles; ``None``: all classes went on, so that nothing was left out
    """

    symmetry: str
    initial: JobDirectory
    classified: JobDirectory
    choice: ClassChoice
    selected: JobDirectory | None
    refined: JobDirectory
    masked: JobDirectory
    sharpened: JobDirectory
    local: JobDirectory

    @property
    def jobs(self) -> tuple[JobDirectory, ...]:
        """All of it, in order."""
        kept = () if self.selected is None else (self.selected,)
        return self.initial, self.classified, *kept, self.refined, self.masked, self.sharpened, self.local


def make_maps(plan: MoviePlan, sizes: Sizes, particles: str, *, symmetry: str, done: Done) -> MapPart:
    """Do what is not done yet from a particle list (relative to the project) to the local resolution."""
    initial = done(jobs.initial_job(plan, sizes, particles, symmetry=symmetry), ALIAS)
    classified = done(jobs.class3d_job(plan, sizes, particles, initial=initial), ALIAS)
    choice, selected = choose_classes(classified.path, symmetry=symmetry), None
    if choice.tells:
        selected = done(jobs.keep_job(classified, choice.kept), SELECTION)
        particles = selected.output("particles")
    refined = done(jobs.refine_job(plan, sizes, particles, initial=initial, symmetry=symmetry), ALIAS)
    masked = done(jobs.mask_job(refined, threshold=threshold_of(refined, sizes)), ALIAS)
    sharpened = done(jobs.sharpen_job(refined, masked), ALIAS)
    local = done(jobs.local_job(refined, masked, b_factor=sharpening_of(sharpened)[1]), ALIAS)
    return MapPart(symmetry, initial, classified, choice, selected, refined, masked, sharpened, local)


def half_maps(refined: JobDirectory) -> tuple[Path, Path]:
    """Return the unfiltered half-maps of a Refine3D job."""
    first = refined.project.directory / jobs.half_map(refined)
    return first, first.with_name(first.name.replace("half1", "half2"))


def threshold_of(refined: JobDirectory, sizes: Sizes) -> float:
    """Return where the mask of a refined map begins, to four digits, which a job.star keeps."""
    resolution = float(jobs.mask_job(refined, threshold=0.0).lowpass_filter)
    first, second = half_maps(refined)
    return float(f"{noise_threshold(first, second, resolution=resolution, diameter=sizes.mask):.4g}")


def sharpening_of(sharpened: JobDirectory) -> tuple[float, float]:
    """Return the resolution within the mask (Å) and the B-factor (Å²) that a PostProcess job found."""
    general = read_star(sharpened.path / "postprocess.star")["general"]
    return float(general.value("rlnFinalResolution")), float(general.value("rlnBfactorUsedForSharpening"))


def half_map_curve(sharpened: JobDirectory) -> tuple[np.ndarray, np.ndarray]:
    """Return frequency (1/Å) and correlation of the half-maps of a PostProcess job within its mask, corrected for what that
    adds.
    """
    table = read_star(sharpened.path / "postprocess.star")["fsc"]
    return table.numbers("rlnResolution"), table.numbers("rlnFourierShellCorrelationCorrected")
