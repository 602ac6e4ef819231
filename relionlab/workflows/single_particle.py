"""The whole workflow on one's own data, stage by stage: which job comes, with which values, and what it still waits for.

    course = single_particle("apoferritin", images="Movies/*.tiff", pixel_size=0.885, dose=1.3, diameter=130, symmetry="O")
    course.job("motion")          # a MotionCorr with the imported movies and the dose; project.run(…) starts it
    course.waits_for("ctf")       # "micrographs: import them, or correct the movies, first"
    course.run("motion")          # the same, started and awaited

Nothing is kept beside the project: which stage a job belongs to follows from what it was made of, so that jobs made
elsewhere, also by RELION, count. templates/single_particle.ipynb shows it.
"""

from __future__ import annotations

import textwrap
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.errors import JobStateError, ParameterError, RelionlabError
from relionlab.io.movies import open_movie
from relionlab.jobs.base import Job
from relionlab.jobs.importing.job import Import
from relionlab.jobs.motion.job import MotionCorr
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.manualpick import ManualPick
from relionlab.jobs.refinement.initial_model import InitialModel
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory, Project
from relionlab.project.pipeline_file import PIPELINE_FILE
from relionlab.workflows.found_data import FoundData, Kind, found_data, import_job
from relionlab.workflows.single_particle_stages import STAGES, Stage
from relionlab.workflows.sizes import MASK, Sizes
from relionlab.workflows.sizes_used import newest_value
from relionlab.workflows.stages import Terminal, Watcher, watch
from relionlab.workflows.suggested import newest_done, usual, with_newest_inputs

_WIDTH = 90


@dataclass(frozen=True)
class SingleParticle:
    """A project, and what its user knows about the data; ``None`` leaves a value to the files and to the forms.

    images      movies, micrographs or particles, as the Import job takes them; "" if none were found yet
    kind        which of the three they are
    pixel_size  Å; voltage in kV; aberration in mm; dose in e/Å² per frame
    diameter    of the particle's longest side, Å
    symmetry    point group
    automatic   each stage starts by itself as soon as it can
    """

    project: Project
    images: str
    kind: Kind
    pixel_size: float | None = None
    voltage: float | None = None
    aberration: float | None = None
    dose: float | None = None
    diameter: float | None = None
    symmetry: str = "C1"
    automatic: bool = False

    def __repr__(self) -> str:
        begins = f"It begins with {self.kind}: {self.images}." if self.images else "No images were found in it yet."
        how = "Each stage starts by itself." if self.automatic else "Each stage waits for your Run."
        return f"Project: {self.project.directory}\n" + textwrap.fill(f"{begins} {how}", _WIDTH)

    def job(self, name: str) -> Job:
        """Return the job of a stage with all values filled in that are known; what is not stays as the form has it."""
        return self.outlook(name)[0]

    def waits_for(self, name: str) -> str:
        """Return what is missing before a stage can begin, in words; "" if it can."""
        return self.outlook(name)[1]

    def outlook(self, name: str) -> tuple[Job, str]:
        """Return :meth:`job` and :meth:`waits_for` of a stage, looking once."""
        stage = _stage(name)
        if stage.job is Import:
            return self._import(), "" if self.images else "images: name them in the form"
        found = usual(self.project, stage.job, by_templates=stage.by_templates, after=stage.follows)
        job = with_newest_inputs(self.project, stage.job) if found is None else found[1].job
        return job.changed(**self._own_values(job)), stage.waits if found is None else ""

    def done(self, name: str) -> JobDirectory | None:
        """Return the newest job of a stage that was started, ``None`` if there is none."""
        stage = _stage(name)
        after = stage.follows if stage.job is Select else ()  # of what was selected says which of the selections it is
        return newest_done(self.project, stage.job, by_templates=stage.by_templates, after=after)

    def finished(self, name: str) -> JobDirectory | None:
        """Return the newest job of a stage if it has finished, else ``None``."""
        found = self.done(name)
        return found if found is not None and found.state == "finished" else None

    def needs(self, name: str) -> bool:
        """Whether a project that begins with such images needs the stage."""
        return self.kind in _stage(name).begins_with

    def run(self, name: str, watcher: Watcher | None = None) -> JobDirectory:
        """Start a stage with the values of :meth:`job`, unless that was done, wait for its end and return it.

        Raises JobStateError if it waits for another one, RunError if it fails.
        """
        stage, done = _stage(name), self.done(name)
        missing = "" if done is not None else self.waits_for(name)
        if missing:
            raise JobStateError(f"{stage.title} waits for {missing}.")
        watcher = watcher or Terminal()
        watcher.begin(stage.title)
        directory = done or self.project.run(self.job(name))
        watch(directory, watcher)
        watcher.end(f"{directory.name} {directory.state}. {directory.message}".strip())
        return directory

    # --- inside -------------------------------------------------------------------------------------------------------

    def _import(self) -> Import:
        found = next((data for data in found_data(self.project.directory) if data.pattern == self.images), None)
        if found is not None:
            job = found.job()
        elif self.images:
            job = FoundData(self.kind, self.images, 0).job()
        else:
            job = import_job(self.kind, self.project.directory)
        optics = {"angpix": self.pixel_size, "kv": self.voltage, "cs": self.aberration}
        known = {name: value for name, value in optics.items() if value is not None}
        return job.changed(**known) if job.do_raw else job

    def _own_values(self, job: Job) -> dict[str, Any]:
        """Return what the user said at the beginning, where no job before has another value."""
        own: dict[str, Any] = {}
        if isinstance(job, MotionCorr) and self.dose is not None:
            own |= {"do_dose_weighting": True, "dose_per_frame": self.dose}
        if self.diameter is not None:
            own |= self._sizes(job, self.diameter)
        if isinstance(job, Refine3D | InitialModel) and job.sym_name == job.default("sym_name"):
            own["sym_name"] = self.symmetry
            if isinstance(job, InitialModel):
                own["do_run_c1"] = self.symmetry != "C1"
        return own

    def _sizes(self, job: Job, diameter: float) -> dict[str, Any]:
        if isinstance(job, ManualPick):
            return {"diameter": diameter}
        if isinstance(job, AutoPick) and job.do_log:
            smallest, largest = Sizes(diameter, 1.0).blobs
            return {"log_diam_min": smallest, "log_diam_max": largest}
        jobs = self.project.jobs()
        if "particle_diameter" in job.parameters() and not (jobs and newest_value(jobs[-1], "particle_diameter")):
            return {"particle_diameter": float(np.ceil(MASK * diameter))}
        return {}


def single_particle(
    folder: str | Path = "single_particle",
    *,
    images: str | None = None,
    pixel_size: float | None = None,
    voltage: float | None = None,
    aberration: float | None = None,
    dose: float | None = None,
    diameter: float | None = None,
    symmetry: str = "C1",
    automatic: bool = False,
) -> SingleParticle:
    """Open a project for the whole workflow, or make it, also around images that lie there; nothing is run.

    folder  of the project, new or old
    images  movies or micrographs ("Movies/*.tiff"), or particles ("particles.star"), as seen from that folder; ``None``:
            whatever lies in it most
    others  as in :class:`SingleParticle`
    """
    place = Path(folder)
    project = Project.open(place) if (place / PIPELINE_FILE).exists() else Project.create(place)
    chosen, kind = _look(project.directory, images)
    return SingleParticle(project, chosen, kind, pixel_size, voltage, aberration, dose, diameter, symmetry, automatic)


def _look(folder: Path, images: str | None) -> tuple[str, Kind]:
    """Return the images that the project begins with, and what they are."""
    if images is None:
        found = found_data(folder)
        return (found[0].pattern, found[0].kind) if found else ("", "movies")
    if images.endswith(".star"):
        return images, "particles"
    with suppress(RelionlabError, OSError, StopIteration, ValueError, NotImplementedError):
        with open_movie(next(folder.glob(images))) as movie:
            return images, "movies" if movie.frames > 1 else "micrographs"
    return images, "micrographs" if images.endswith(".mrc") else "movies"


def _stage(name: str) -> Stage:
    if name not in STAGES:
        raise ParameterError(f"There is no stage {name!r}; expected one of {', '.join(STAGES)}.")
    return STAGES[name]
