"""Values of a form kept under a name: the user's own, the project's, and those that RELION's interface has saved.

A preset holds what was set, not what it was set for: inputs and continued runs are left out. The user's presets lie in
the folder of the setting ``preset_folder`` (else the platform's folder for settings), the project's in
``.relionlab/presets/``, one JSON file each. RELION's "Save job settings" leaves ``.gui_class2djob.star`` in the project.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from relionlab.errors import ParameterError, RelionlabError
from relionlab.io.atomic import atomic_write
from relionlab.jobs.base import Job
from relionlab.jobs.job_json import from_json, to_json
from relionlab.jobs.job_star import read_job
from relionlab.params import Declared
from relionlab.project.continuing import CONTINUE_KEY
from relionlab.project.project import Project
from relionlab.settings import settings

Owner = Literal["user", "project", "RELION"]
PROJECT_FOLDER = ".relionlab/presets"
_NAME = re.compile(r"[\w][\w .,+=()-]{0,59}")
_RELIONS_WORDS = {
    "InitialModel": "inimodel",
    "Refine3D": "auto3d",
    "PostProcess": "post",
    "Polish": "bayespolish",
}
"""Folder of a job type -> the word in the name of RELION's file, where that is not the folder in lower case."""


@dataclass(frozen=True)
class Preset:
    """A set of values with a name.

    name   as the user called it; "last saved in RELION" for RELION's own
    owner  "user", "project" or "RELION"
    path   the file
    """

    name: str
    owner: Owner
    path: Path

    def job(self, present: Job) -> Job:
        """Return ``present`` with the preset's values; its inputs stay. Raises a RelionlabError for a damaged file."""
        saved = read_job(self.path) if self.owner == "RELION" else _read(self.path)
        if type(saved) is not type(present):
            raise ParameterError(f"{self.path} holds no values of {type(present).__name__}: save the preset again.")
        return present.changed(**{name: getattr(saved, name) for name in kept(type(present))})

    def delete(self) -> None:
        """Remove it. Raises ParameterError for RELION's own."""
        if self.owner == "RELION":
            raise ParameterError("These settings are RELION's own: save others there, or remove its file by hand.")
        self.path.unlink(missing_ok=True)


def kept(declared: type[Declared]) -> list[str]:
    """Return the parameters that a preset holds: all but input files and what a run continues from."""
    return [
        name
        for name, parameter in declared.parameters().items()
        if not parameter.node
        and not (parameter.pattern and parameter.required)
        and CONTINUE_KEY not in (parameter.key, parameter.key_in("3.1"))
    ]


def presets(declared: type[Job], project: Project | None = None) -> list[Preset]:
    """Return the presets of a job type: the user's, the project's, and RELION's last saved settings."""
    found = _listed(user_folder() / declared.folder, "user")
    if project is not None:
        found += _listed(project.directory / PROJECT_FOLDER / declared.folder, "project")
        path = project.directory / relion_file(declared)
        if path.exists():
            found.append(Preset("last saved in RELION", "RELION", path))
    return found


def save_preset(job: Job, name: str, *, project: Project | None = None) -> Preset:
    """Keep the values of a job under a name: for its user, or with ``project`` for that; one of that name is replaced.

    Raises ParameterError for a name that cannot be a file's, or where nothing can be written.
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise ParameterError(f"{name!r} cannot name a preset: use up to 60 letters, digits, blanks and .,+=()-_.")
    folder = user_folder() if project is None else project.directory / PROJECT_FOLDER
    path = folder / job.folder / f"{name}.json"
    values = {name: getattr(job, name) for name in kept(type(job))}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_text(to_json(type(job)(**values)), encoding="utf-8")
    except OSError as error:
        raise ParameterError(
            f"The preset cannot be written to {path.parent} ({error.strerror}): name another folder in the setting"
            " preset_folder (RELIONLAB_PRESET_FOLDER)."
        ) from error
    return Preset(name, "user" if project is None else "project", path)


def relion_file(declared: type[Job]) -> str:
    """Return the file in a project in which RELION's interface keeps the settings of a job type: ".gui_class2djob.star"."""
    return f".gui_{_RELIONS_WORDS.get(declared.folder, declared.folder.lower())}job.star"


def user_folder() -> Path:
    """Return the folder of the user's presets: the setting's, else one where the platform keeps settings."""
    named = settings().preset_folder
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA", "~/AppData/Roaming"))
    elif sys.platform == "darwin":
        base = Path("~/Library/Application Support")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    return base.expanduser() / "relionlab" / "presets"


def _listed(folder: Path, owner: Owner) -> list[Preset]:
    return [Preset(path.stem, owner, path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Job:
    try:
        saved = from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"The preset {path} cannot be read ({error}): save it again.") from None
    except RelionlabError as error:
        raise ParameterError(f"The preset {path} cannot be used: {error}") from None
    if not isinstance(saved, Job):
        raise ParameterError(f"The preset {path} holds a workflow; expected one job.")
    return saved
