"""One notebook per job type, made from its declaration: form, monitor, the job in words, in Python and in the shell.

``relionlab notebooks FOLDER`` lays them, and the course, into a project; the repository holds them in ``templates/jobs/``.
"""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from relionlab.errors import InputError
from relionlab.io.atomic import atomic_write
from relionlab.jobs.base import Job
from relionlab.jobs.reference import job_table
from relionlab.jobs.registry import job_types

if TYPE_CHECKING:
    import nbformat

_USAGE = """usage: relionlab notebooks [FOLDER]

Copies the course's notebooks, and one notebook per job type (in jobs/), into FOLDER (default: notebooks). Those that are
there stay as they are. Keep the folder in your project: the job notebooks work on the project around them."""


def main(arguments: Sequence[str]) -> int:
    """Lay the notebooks into a folder."""
    if arguments and arguments[0] in ("--help", "-h"):
        print(_USAGE)
        return 0
    folder = Path(arguments[0] if arguments else "notebooks")
    written = copy_course(folder) + write_job_notebooks(folder / "jobs")
    print(f"{len(written)} notebooks were written to {folder}.")
    return 0


def copy_course(folder: Path) -> list[Path]:
    """Copy the course's notebooks into a folder; return those that were not there."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in sorted(course_folder().glob("*.ipynb")):
        place = folder / source.name
        if not place.exists():
            shutil.copyfile(source, place)
            written.append(place)
    return written


def course_folder() -> Path:
    """Return where the course's notebooks lie: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    for folder in (package / "templates", package.parent / "templates"):
        if folder.is_dir():
            return folder
    raise InputError(f"The notebooks are missing beside {package}: install relionlab anew.")


def write_job_notebooks(folder: Path) -> list[Path]:
    """Write a notebook per job type into a folder; return those that were not there."""
    import nbformat

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, notebook in job_notebooks():
        place = folder / name
        if not place.exists():
            with atomic_write(place) as temporary:
                nbformat.write(notebook, temporary)
            written.append(place)
    return written


def job_notebooks() -> Iterator[tuple[str, nbformat.NotebookNode]]:
    """Yield file name and notebook of every job type, in the order of the workflow."""
    for job in job_types().values():
        yield f"{job.folder.lower()}.ipynb", job_notebook(job)


def job_notebook(job: type[Job]) -> nbformat.NotebookNode:
    """Return the notebook of a job type."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    name = job.__name__
    told = " ".join(inspect.cleandoc(job.__doc__ or "").split())
    table = "\n".join(job_table(job))
    cells = [
        new_markdown_cell(
            f"# {job.folder}\n\n{told}\n\nFill in the form, press **Run**, and watch below it what arrives. The job runs in "
            "a process of its own: close the page, and nothing is lost."
        ),
        new_code_cell('folder = "."  # a project, or a folder in one', metadata={"tags": ["parameters"]}),
        new_code_cell(
            f"from relionlab.jobs import {name}\nfrom relionlab.project import Project\n"
            "from relionlab.widgets import JobForm, JobMonitor\n\nproject = Project.around(folder)\nprint(project.directory)"
        ),
        new_code_cell(f"form = JobForm({name}, project=project)\nform"),
        new_code_cell("monitor = JobMonitor(form)\nmonitor"),
        new_markdown_cell(
            "## The same without a form\n\nIn Python, and in the shell. Both make the same job in the same project."
        ),
        new_code_cell('print(repr(form.job), *form.job.commands(f"{form.job.folder}/job000/"), sep="\\n\\n")'),
        new_markdown_cell(f"<details><summary><b>All parameters</b></summary>\n\n{table}\n\n</details>"),
    ]
    for index, cell in enumerate(cells):
        cell["id"] = f"{job.folder.lower()}-{index}"  # the same notebook each time it is made
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
