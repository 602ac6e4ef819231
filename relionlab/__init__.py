"""RELION's cryo-EM workflow as an interactive JupyterLab environment.

``import relionlab`` is light: the parts load when they are first used. Where to begin:

    relionlab.project.Project    a project's folder, RELION's or ours: add jobs, run them, see what they left
    relionlab.jobs               the job types, as ``from relionlab.jobs import Class2D``; their fields are the parameters
    relionlab.workflows          recipes over jobs, what came out of a job, and what usually follows
    relionlab.display            results as pictures, as ``show("Refine3D/job012")``
    relionlab.widgets            forms, monitors, pickers, galleries and maps for notebooks, and ``look("file.star")``
    relionlab.io                 STAR files and images to tables and arrays, and back
    relionlab.engine             the mathematics, from arrays to arrays, and its conventions

In the shell, ``relionlab`` opens the lab in the present folder, and ``relionlab --help`` lists the programs.
"""

from __future__ import annotations

__version__ = "0.1.0"
