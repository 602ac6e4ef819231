"""The flags of RELION's programs: each is done, said to have no effect, or refused in words; none is unknown."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from relionlab.errors import ParameterError
from relionlab.jobs.registry import OWN_PROGRAMS, program, programs

pytestmark = pytest.mark.relion

NAMES = [name for name in programs() if name not in OWN_PROGRAMS]
ABOVE = ("--version", "--pipeline_control")
"""Of every program alike: the command line takes them before a program sees its flags."""
_LATER = ("relion_display",)


@pytest.mark.parametrize("name", NAMES)
def test_every_flag_of_relions_help_is_known(name: str, relion: Path):
    executable = shutil.which(f"relion_{name}")
    if executable is None:
        pytest.skip(f"this RELION has no relion_{name}")
    told = subprocess.run([executable, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    flags = set(re.findall(r"^ *(--\S+) .*: ", told, re.MULTILINE))
    assert len(flags) > 5
    known = {flag for p in program(name).parameters().values() if p.flag for flag in (p.flag, *p.other_flags)}
    assert not flags - known - set(ABOVE)


def test_command_lines_of_relions_projects_are_read(shared_data: Path):
    """Of jobs that RELION 2.1, 3.1 and 5 ran."""
    read = 0
    for note in sorted(shared_data.rglob("note.txt")):
        for line in note.read_text(errors="replace").splitlines():
            found = re.search(r"`which (relion_\w+?)`(.*)", line)
            if found is None or found[1] in _LATER:
                continue
            words = shlex.split(found[2].split(" --pipeline_control")[0])
            try:
                program(found[1]).from_flags(words).check()
            except ParameterError as error:
                raise AssertionError(f"{note}: {error}") from None
            read += 1
    assert read >= 10
