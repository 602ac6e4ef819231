"""The folder on disk: the pipeline, its lock, job directories, running, watching, cleaning.

    project = Project.create("betagal")
    job = project.add(Class2D(fn_img="Select/job001/particles.star", nr_classes=20), alias="round1")
    job.start().wait()

A project here is a RELION project: either program can open, use and continue what the other made.
"""

from __future__ import annotations

from relionlab.project.job_directory import ENDED, JobDirectory
from relionlab.project.project import Project

__all__ = ["ENDED", "JobDirectory", "Project"]
