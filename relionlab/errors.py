"""The exceptions of relionlab.

Every message says what was found, what was expected, where, and what to do.

RelionlabError
├── InputError            something that was handed in is wrong; raised before compute starts
│   ├── ParameterError    a parameter is missing, out of its bounds or contradicts another
│   ├── StarError         a STAR file cannot be read, or lacks a table or a column
│   ├── ImageError        an image file cannot be read, or does not fit what is asked of it
│   └── NodeError         an input of a job does not exist or is of the wrong kind
├── ProjectError          the project folder does not allow what is asked
│   ├── PipelineError     the pipeline file is damaged or contradicts the folder
│   ├── LockedError       another program holds the project's lock
│   └── JobStateError     the job is in a state in which this cannot be done
├── RunError              a job failed while it ran
│   ├── AbortedError      somebody asked the job to stop
│   └── ComputeError      the mathematics could not go on (no memory, nothing but zeros …)
└── LabError              JupyterLab could not be started
"""

from __future__ import annotations


class RelionlabError(Exception):
    """Base of all errors that relionlab raises on purpose."""


class InputError(RelionlabError):
    """Something that was handed in is wrong; raised before compute starts."""


class ParameterError(InputError):
    """A parameter is missing, out of its bounds or contradicts another."""


class StarError(InputError):
    """A STAR file cannot be read, or lacks a table or a column."""


class ImageError(InputError):
    """An image file cannot be read, or does not fit what is asked of it."""


class NodeError(InputError):
    """An input of a job does not exist or is of the wrong kind."""


class ProjectError(RelionlabError):
    """The project folder does not allow what is asked."""


class PipelineError(ProjectError):
    """The pipeline file is damaged or contradicts the folder."""


class LockedError(ProjectError):
    """Another program holds the project's lock."""


class JobStateError(ProjectError):
    """The job is in a state in which this cannot be done."""


class RunError(RelionlabError):
    """A job failed while it ran."""


class AbortedError(RunError):
    """Somebody asked the job to stop."""


class ComputeError(RunError):
    """The mathematics could not go on: no memory, or nothing but zeros."""


class LabError(RelionlabError):
    """JupyterLab could not be started."""
