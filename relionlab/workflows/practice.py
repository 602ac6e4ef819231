"""Practice data of known truth, simulated into a project by a process of its own.

    practice = start_practice(project, "particles")
    practice.wait()
    project.run(practice.job())

``python -m relionlab.workflows.practice KIND`` in the project's folder is that process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relionlab.errors import ParameterError, RelionlabError, RunError
from relionlab.jobs.importing.job import Import
from relionlab.project import Project
from relionlab.project.process_record import ProcessRecord
from relionlab.project.progress import PROCESS_FILE, Progress
from relionlab.workflows.found_data import PARTICLES

FOLDER = "Practice"
RECORD = "practice.json"
"""Written last: what was simulated; its presence says that all is there."""
KINDS: dict[str, str] = {
    "particles": "2,000 particles of 72 px: class averages within a few minutes",
    "micrographs": "8 micrographs of 1,024 px: picking, CTF and class averages",
    "movies": "8 movies of 16 frames: the whole course from the beginning",
}
"""What can be simulated, and what it is good for."""
_PARTICLES = 2000
_SIZE, _PIXEL_SIZE, _COUNT = (1024, 1024), 2.0, 8


@dataclass(frozen=True)
class Practice:
    """Practice data in the making, or made.

    directory  where they are written, in the project's folder
    kind       one of KINDS
    """

    project: Project
    kind: str

    @property
    def directory(self) -> Path:
        """Where the data are written."""
        return self.project.directory / FOLDER / self.kind

    @property
    def done(self) -> bool:
        """Whether all data are there."""
        return (self.directory / RECORD).exists()

    @property
    def failed(self) -> str:
        """Why there will be no data, in words; "" as long as nothing is wrong."""
        told = Progress.read(self.directory)
        if self.done:
            return ""
        if told is not None and told.message:
            return told.message
        record = ProcessRecord.read(self.directory / PROCESS_FILE)
        if record is not None and record.alive() is False:
            return f"The simulation ended without a word; see {self.directory / 'run.err'}."
        return ""

    def progress(self) -> Progress | None:
        """Return how far the simulation is, ``None`` if it has told nothing yet."""
        return Progress.read(self.directory)

    def wait(self, timeout: float = 600.0) -> None:
        """Wait until all is there; raises RunError if it failed, or was not done within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while not self.done:
            if self.failed or time.monotonic() > deadline:
                raise RunError(self.failed or f"The simulation was not done within {timeout:g} s.")
            time.sleep(0.1)

    def job(self) -> Import:
        """Return the Import job that takes the data, with all values filled in."""
        place = f"{FOLDER}/{self.kind}"
        if self.kind == "particles":
            return Import(do_raw=False, do_other=True, fn_in_other=f"{place}/particles.star", node_type=PARTICLES)
        record: dict[str, Any] = json.loads((self.directory / RECORD).read_text())
        movies = self.kind == "movies"
        pattern = f"{place}/Movies/*.tiff" if movies else f"{place}/Micrographs/*.mrc"
        return Import(fn_in_raw=pattern, is_multiframe=movies, **record["optics"])


def start_practice(project: Project, kind: str) -> Practice:
    """Start the simulation in a process of its own, unless it runs or the data are there."""
    if kind not in KINDS:
        raise ParameterError(f"There are no practice {kind!r}; expected one of {', '.join(KINDS)}.")
    practice = Practice(project, kind)
    record = ProcessRecord.read(practice.directory / PROCESS_FILE)
    if practice.done or (record is not None and record.alive()):
        return practice
    practice.directory.mkdir(parents=True, exist_ok=True)
    Progress().write(practice.directory)
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    with (practice.directory / "run.err").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "relionlab.workflows.practice", kind],
            cwd=project.directory,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))},
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
    _children.append(process)
    ProcessRecord.of(process.pid).write(practice.directory / PROCESS_FILE)
    return practice


_children: list[subprocess.Popen[bytes]] = []  # kept so that they are reaped


def make_practice(practice: Practice) -> None:
    """Simulate the data here and now; the record is written last."""

    def tell(done: int, total: int) -> None:
        Progress(done, total, practice.kind, time.time()).write(practice.directory)

    optics = _particles(practice, tell) if practice.kind == "particles" else _exposures(practice, tell)
    (practice.directory / RECORD).write_text(json.dumps({"optics": optics}, indent=2) + "\n")


def _particles(practice: Practice, tell: Any) -> dict[str, float]:
    from relionlab.simulation.assembly import d2_assembly
    from relionlab.simulation.conditions import Simulation
    from relionlab.simulation.particles import simulate_particles

    conditions = Simulation(count=_PARTICLES, box=72, pixel_size=3.5, snr=0.1, fractions=(0.6, 0.4), junk=0.08)
    molecules = [d2_assembly("full"), d2_assembly("missing_subunit")]
    simulate_particles(practice.directory, molecules, conditions, project=practice.project.directory, progress=tell)
    return {}


def _exposures(practice: Practice, tell: Any) -> dict[str, float]:
    from relionlab.simulation.assembly import d2_assembly
    from relionlab.simulation.exposures import exposures
    from relionlab.simulation.micrographs import simulate_micrographs
    from relionlab.simulation.movies import simulate_movies

    movies = practice.kind == "movies"
    sizes = {"count": _COUNT, "size": _SIZE, "pixel_size": _PIXEL_SIZE, "particles": 45}
    conditions = (
        exposures("course", **sizes, frames=16, gain_deviation=0.0, defects=0)
        if movies
        else exposures("micrographs", **sizes)
    )
    make = simulate_movies if movies else simulate_micrographs
    make(practice.directory, [d2_assembly("full")], conditions, project=practice.project.directory, progress=tell)
    return {
        "angpix": conditions.pixel_size,
        "kv": conditions.voltage_kv,
        "cs": conditions.spherical_aberration_mm,
        "q0": conditions.amplitude_contrast,
    }


def main(kind: str) -> int:
    """Simulate in the project of this folder; what goes wrong is told in the progress."""
    practice = Practice(Project.open(Path.cwd()), kind)
    try:
        make_practice(practice)
    except (RelionlabError, OSError) as error:
        Progress(message=str(error)).write(practice.directory)
        return 1
    finally:
        (practice.directory / PROCESS_FILE).unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
