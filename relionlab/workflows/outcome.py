"""What came out of a job: a few numbers, whether they are good and why, what to do, and which pictures show it.

    found = outcome(project.job("Refine3D/job019"))
    print(found)

Only the job's directory is read, so that RELION's own jobs are judged as ours are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from relionlab.errors import RelionlabError
from relionlab.project import JobDirectory

if TYPE_CHECKING:
    from relionlab.workflows.outcomes.place import Place

Grade = Literal["good", "doubtful", "bad"]


@dataclass(frozen=True)
class Number:
    """One number that a job came to.

    what   its name: "Resolution"
    value  nan where it is not known
    unit   "Å", "°", "%", "" for counts
    """

    what: str
    value: float
    unit: str = ""

    def __str__(self) -> str:
        if self.value != self.value:
            return "–"
        count = float(self.value).is_integer() and not self.unit
        text = f"{self.value:,.0f}" if count or abs(self.value) >= 1000 else f"{self.value:.3g}"
        return f"{text}{'' if self.unit in ('', '°') else ' '}{self.unit}"


@dataclass(frozen=True)
class Shown:
    """A picture that can be drawn: its title, and the function of :mod:`relionlab.display` that draws it when it is called."""

    title: str
    make: Callable[[], Any]


@dataclass(frozen=True)
class Outcome:
    """What came out of a job.

    headline  the one thing that matters, in a few words: "6.9 Å from 1,742 particles"
    numbers   a few numbers with their units
    grade     "good", "doubtful" or "bad"
    reason    why, in a sentence
    advice    what to do, "" where nothing needs doing
    pictures  what shows it, the most telling first; drawn when asked for
    """

    headline: str
    numbers: tuple[Number, ...]
    grade: Grade
    reason: str
    advice: str = ""
    pictures: tuple[Shown, ...] = ()

    def __str__(self) -> str:
        numbers = "; ".join(f"{number.what} {number}" for number in self.numbers)
        return "\n".join(filter(None, [self.headline, numbers, f"{self.grade}: {self.reason}", self.advice]))


_JUDGES = {
    "Import": "imports:imported",
    "MotionCorr": "micrographs:corrected",
    "CtfFind": "micrographs:ctf_estimated",
    "ManualPick": "picks:picked_by_hand",
    "AutoPick": "picks:picked",
    "Extract": "particles:extracted",
    "Polish": "particles:extracted",
    "CtfRefine": "particles:listed",
    "Subtract": "particles:extracted",
    "Sort": "particles:listed",
    "JoinStar": "particles:listed",
    "Select": "particles:selected",
    "Class2D": "classes:classified",
    "InitialModel": "maps3d:refined",
    "Class3D": "maps3d:refined",
    "Refine3D": "maps3d:refined",
    "MaskCreate": "masks:masked",
    "PostProcess": "masks:sharpened",
    "LocalRes": "masks:resolved_locally",
}
"""Folder of the job type -> module and function below ``relionlab.workflows.outcomes``."""


def outcome(job_directory: JobDirectory | str | Path) -> Outcome:
    """Return what came out of a job, or of what it has done so far.

    A job that failed is "bad" for that reason; of one that was stopped, what it has done counts. What cannot be read is
    said as "doubtful", never raised.
    """
    from relionlab.workflows.outcomes.place import Place

    place = Place.of(job_directory)
    if place.state == "failed":
        return Outcome(
            "Failed", (), "bad", place.message or "The job failed without saying why.", "Read the log's last lines."
        )
    if place.state == "scheduled":
        return Outcome("Not run yet", (), "doubtful", "The job is scheduled and has not run.", "Start it.")
    try:
        found = _judged(place)
    except (RelionlabError, OSError, KeyError, ValueError, IndexError) as error:
        why = str(error) or type(error).__name__
        if place.state == "aborted" and place.folder in _ENDINGS:
            return _part(place)
        found = Outcome("No result that can be read", (), "doubtful", why, "See the log for what the job did.")
    return found if place.state != "aborted" else _stopped(found)


def _judged(place: Place) -> Outcome:
    judge = _JUDGES.get(place.folder)
    if judge is None:
        return _files(place)
    module, _, name = judge.partition(":")
    return getattr(import_module(f"relionlab.workflows.outcomes.{module}"), name)(place)


def _files(place: Place) -> Outcome:
    made = [path for path in place.outputs() if (place.project / path).exists()]
    lost = len(place.outputs()) - len(made)
    told = ", ".join(Path(path).name for path in made[:4]) or "no file that the pipeline knows"
    if lost:
        return Outcome(
            f"{lost} output(s) missing", (), "doubtful", f"{lost} of its files are not there; there are: {told}."
        )
    return Outcome(f"{len(made)} file(s)", (Number("Files made", len(made)),), "good", f"It made {told}.")


_ENDINGS = {
    "MotionCorr": ".star",
    "CtfFind": "_ctffind4.log",
    "AutoPick": "_autopick.star",
    "ManualPick": "_manualpick.star",
    "Extract": ".mrcs",
}
"""Folder of a job that goes micrograph by micrograph -> ending of the file that is written last for each."""


def _part(place: Place) -> Outcome:
    """Return what a job has done that went micrograph by micrograph and was stopped before it wrote its list."""
    below = (path for path in place.path.rglob(f"*{_ENDINGS[place.folder]}") if path.parent != place.path)
    done = sum(1 for _ in below)
    return Outcome(
        f"{done:,} micrographs done",
        (Number("Micrographs done", done),),
        "doubtful",
        "The job was stopped before it wrote the list that other jobs take.",
        "Continue it: what is done is kept.",
    )


def _stopped(found: Outcome) -> Outcome:
    grade: Grade = "bad" if found.grade == "bad" else "doubtful"
    reason = f"The job was stopped before its end; so far: {found.reason}"
    return Outcome(
        found.headline,
        found.numbers,
        grade,
        reason,
        found.advice or "Continue it, or go on with what it has.",
        found.pictures,
    )
