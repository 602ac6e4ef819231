"""Our CTF images against relion_ctf_toolbox."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from relionlab.engine.ctf import Optics, ctf

pytestmark = pytest.mark.relion

BOX, PIXEL_SIZE = 96, 1.25  # a pixel size that single precision holds exactly: RELION reads it as a float

CASES = {
    "plain": (300, 2.7, 0.1, 20000, 20000, 0, 0, []),
    "astigmatic": (200, 1.4, 0.07, 13000, 11500, 35, 0, []),
    "phase plate": (300, 0.01, 0.1, 8000, 7700, 120, 75, []),
    "near focus": (300, 2.7, 0.1, 900, 400, 20, 0, []),
    "intact first peak": (300, 2.7, 0.1, 9000, 9500, 70, 0, ["--ctf_intact_first_peak"]),
}


@pytest.mark.parametrize("name", CASES)
def test_ctf_equals_relions(name: str, relion: Path, tmp_path: Path) -> None:
    """Largest difference measured: below 2e-6 (float64)."""
    voltage, aberration, contrast, u, v, angle, phase_shift, options = CASES[name]
    arguments = {"angpix": PIXEL_SIZE, "box": BOX, "kV": voltage, "Cs": aberration, "Q0": contrast}
    arguments |= {"defU": u, "defV": v, "defAng": angle, "phase_shift": phase_shift}
    command = [relion / "relion_ctf_toolbox", "--simulate", tmp_path / "ctf.mrc", *options]
    command += [text for key, value in arguments.items() for text in (f"--{key}", str(value))]
    subprocess.run(command, check=True, capture_output=True)
    expected = mrcfile.read(tmp_path / "ctf.mrc")

    line = (np.arange(BOX) - BOX // 2) / (BOX * PIXEL_SIZE)
    ours = ctf(
        line[None],
        line[:, None],
        optics=Optics(voltage, aberration, contrast, PIXEL_SIZE),
        defocus_u=float(u),
        defocus_v=float(v),
        defocus_angle=angle,
        phase_shift=phase_shift,
        intact_first_peak=bool(options),
    )
    # RELION fills column and row 0 from the other end of the half plane; they hold -Nyquist here.
    np.testing.assert_allclose(ours[1:, 1:], expected[1:, 1:], atol=2e-6)
