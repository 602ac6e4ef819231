"""Run RELION's own refinement program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

RELION = "--dont_combine_weights_via_disc --preread_images --pool 30 --j 1"


def relion_refine(directory: Path, root: str, flags: str, *, halves: bool, timeout: float) -> None:
    """Refine there; two half-sets by MPI, as RELION does it alone."""
    (directory / root).parent.mkdir(parents=True, exist_ok=True)
    program = "relion_refine"
    if halves:
        if shutil.which("mpirun") is None:
            pytest.skip("there is no mpirun: RELION refines half-sets by MPI alone")
        program = "mpirun --allow-run-as-root --oversubscribe -n 3 relion_refine_mpi"
    command = f"{program} --o {root} {flags} {RELION}"
    done = subprocess.run(command.split(), cwd=directory, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
