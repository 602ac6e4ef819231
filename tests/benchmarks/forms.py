"""How quick forms are: opened, typed into, judged against their inputs, and their lists of inputs filled.

python -m tests.benchmarks.forms PROJECT
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from relionlab.jobs.input_facts import facts_or_none
from relionlab.jobs.registry import job_classes
from relionlab.project import Project
from relionlab.project.input_choices import input_choices
from relionlab.widgets import JobForm


def milliseconds(work: Callable[[], object]) -> float:
    """What a piece of work takes."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def main(folder: str) -> None:
    """Print a line for each job type, and then what typing and reading take."""
    project = Project.open(folder)
    forms = {}
    for name, kind in job_classes().items():
        took = milliseconds(lambda name=name, kind=kind: forms.__setitem__(name, JobForm(kind, project=project)))
        print(f"{name:14} opened in {took:4.0f} ms")
    wanted = job_classes()["Class2D"].parameters()["fn_img"]
    choices = input_choices(wanted, project)
    print(f"{len(choices)} inputs listed in {milliseconds(lambda: input_choices(wanted, project)):.1f} ms")
    for choice in choices[:5]:
        path = project.directory / choice.path
        first, again = (milliseconds(lambda path=path: facts_or_none(path)) for _ in range(2))
        print(f"  {choice.path}: {choice.holds(project.directory)}: {first:.0f} ms, then {again:.2f} ms")
    form = forms["Class2D"]
    form.set(fn_img=choices[0].path if choices else "")
    keys, judged = [], []
    for number in range(20):
        keys.append(milliseconds(lambda n=number: form.fields["nr_classes"].entry.set_trait("value", str(n + 1))))
        judged.append(keys[-1] + milliseconds(form.input_problems))
    print(
        f"a key is answered in {statistics.median(keys):.0f} ms, the inputs are judged {statistics.median(judged):.0f} ms after it"
    )


if __name__ == "__main__":
    main(sys.argv[1])
