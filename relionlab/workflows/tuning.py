"""First tuning of an AutoPick job: look at a few micrographs at other thresholds, correct by hand, then pick from all.

    job = project.add(AutoPick(fn_input_autopick="CtfFind/job003/micrographs_ctf.star", …))
    tuning = tune(job, chosen=3)                              # computes the maps of three micrographs
    picks = tuning.picks(threshold_autopick=0.3)              # name -> Picks (x, y, fom …), in milliseconds
    tuning.edit(name, Edits().add(812, 455).remove(90, 310, radius=20))
    tuning.pick_all(threshold_autopick=0.3).wait()

Parameters are named as in the form. Hand edits lie in the job's directory, as MICROGRAPH_autopick_edits.star, and are laid
over every later pick there, whatever the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from relionlab.engine.picking import Edits, Picks
from relionlab.errors import JobStateError, ParameterError
from relionlab.jobs.context import Context, PlainContext
from relionlab.jobs.job_star import write_job
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.autopick_program import Autopick
from relionlab.jobs.picking.autopick_tuning import TUNED, Tuning
from relionlab.project import JobDirectory


@dataclass(frozen=True)
class JobTuning:
    """A tuning of a project's job; see the module's example.

    directory  the AutoPick job
    maps       of the chosen micrographs
    """

    directory: JobDirectory
    maps: Tuning = field(repr=False)

    @property
    def micrographs(self) -> list[str]:
        """The chosen micrographs."""
        return list(self.maps.searched)

    def picks(self, **thresholds: Any) -> dict[str, Picks]:
        """Return the picks of each chosen micrograph at these thresholds, with the hand edits laid over them.

        thresholds  by their names in the form: threshold_autopick, mindist_autopick, log_adjust_thr …; those not given are
                    the job's

        Raises ParameterError for another parameter: that needs new maps, so a new :func:`tune`.
        """
        self._form().changed(**self._checked(thresholds)).check()
        return self.maps.picks(**{self._checked_names()[name]: value for name, value in thresholds.items()})

    def edits(self, micrograph: str) -> Edits:
        """Return the hand edits of a micrograph."""
        return self.maps.edits(micrograph)

    def edit(self, micrograph: str, edits: Edits) -> None:
        """Keep the hand edits of a micrograph, in place of the earlier ones."""
        self.maps.edit(micrograph, edits)

    def job(self, **thresholds: Any) -> AutoPick:
        """Return the job's parameters with these thresholds, for a new job."""
        return self._form().changed(**self._checked(thresholds))

    def pick_all(self, **thresholds: Any) -> JobDirectory:
        """Start the job on all micrographs with these thresholds; one that has ended picks again from all of them.

        Raises JobStateError if it runs.
        """
        state, tuned = self.directory.state, self.job(**thresholds)
        tuned.check()
        if state == "running":
            raise JobStateError(f"{self.directory.name} is running: wait for it, or abort it, then pick again.")
        if state == "scheduled":
            write_job(self.directory.path / "job.star", tuned, dialect=self.directory.project.pipeline.dialect)
            return self.directory.start()
        # Without maps on the disk, finished micrographs would keep their picks.
        again = "" if tuned.do_write_fom_maps else "*"
        return self.directory.continue_with(redo_micrographs=again, **thresholds)

    def _form(self) -> AutoPick:
        return _autopick(self.directory)

    def _checked(self, thresholds: dict[str, Any]) -> dict[str, Any]:
        known = self._checked_names()
        wrong = [name for name in thresholds if name not in known]
        if wrong:
            raise ParameterError(f"{', '.join(wrong)} cannot be tuned without new maps; what can: {', '.join(known)}.")
        return thresholds

    def _checked_names(self) -> dict[str, str]:
        """Return the form's name of each threshold -> the program's: they share a flag."""
        program = {Autopick.parameters()[name].flag: name for name in TUNED}
        return {
            name: program[parameter.flag]
            for name, parameter in AutoPick.parameters().items()
            if parameter.flag in program
        }


def tune(job: JobDirectory, *, chosen: int | Sequence[str] = 3, context: Context | None = None) -> JobTuning:
    """Compute the maps of a few micrographs of an AutoPick job, scheduled or done, so that thresholds can be tried.

    chosen   how many, spread over the defocus range, or which, by their names in the list
    context  is told how far the work is; ``None``: nobody is

    Raises ParameterError if the job is no AutoPick job or its values are wrong, InputError if an input is missing.
    """
    form = _autopick(job)
    form.check()
    (command,) = form.commands(f"{job.name}/")
    program = Autopick.from_flags(command.arguments)
    quiet = PlainContext(job.project.directory, quiet=True)
    return JobTuning(job, Tuning.of(program, context or quiet, chosen=chosen))


def _autopick(job: JobDirectory) -> AutoPick:
    form = job.job
    if not isinstance(form, AutoPick):
        raise ParameterError(f"{job.name} is no AutoPick job: tune one of these, as AutoPick/job004.")
    return form
