"""By what settings a corrected movie was made, so that a continued job keeps what is still wanted and no more."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from relionlab.io.motion import Motion
from relionlab.jobs.motion.task import MovieSettings, MovieTask

_MADE_WITH = "Made with: "
_NOT_DECISIVE = ("early_dose", "save_plain", "save_aligned")
"""Settings that change no file, or only whether there is one, which is seen."""
_SPECTRUM = ("frames_per_spectrum", "spectrum_size")


def recorded(task: MovieTask, wanted: MovieSettings) -> str:
    """Return a line for the log with all that decides what a movie's files hold."""
    known = {"pixel_size": f"{task.pixel_size:.6g}", "voltage": f"{task.voltage:.6g}", "metadata": task.metadata}
    return _MADE_WITH + json.dumps(known | asdict(wanted), sort_keys=True)


def record_in(log: Path) -> str | None:
    """Return that line of a movie's log; None if it has none, as RELION's."""
    if not log.is_file():
        return None
    lines = log.read_text(errors="replace").splitlines()
    return next((line for line in lines if line.startswith(_MADE_WITH)), None)


def gain_turns(log: Path) -> tuple[int, int] | None:
    """Return the gain's rotation and flip with which a movie was corrected; None if its log does not say."""
    record = record_in(log)
    return None if record is None else (_read(record)["gain_rotation"], _read(record)["gain_flip"])


def made_so(record: str, task: MovieTask, wanted: MovieSettings) -> bool:
    """Say whether a record is of what is wanted now; what was made beyond that does no harm."""
    there, now = _read(record), _read(recorded(task, wanted))
    ignored = _NOT_DECISIVE if wanted.frames_per_spectrum else (*_NOT_DECISIVE, *_SPECTRUM)
    return all(there.get(name) == now.get(name) for name in {*there, *now}.difference(ignored))


def agree(motion: Motion, task: MovieTask, wanted: MovieSettings) -> bool:
    """Say whether a motion STAR file, all that RELION leaves of its settings, contradicts none of these."""
    numbers = [
        (motion.binning, wanted.binning), (motion.first_frame, wanted.first), (motion.pixel_size, task.pixel_size),
    ]  # fmt: skip
    if wanted.dose_weighting:
        numbers += [
            (motion.dose_per_frame, wanted.dose_per_frame), (motion.pre_exposure, wanted.pre_exposure),
            (motion.voltage, task.voltage),
        ]  # fmt: skip
    if motion.eer_grouping is not None:
        numbers += [(motion.eer_grouping, wanted.eer_grouping), (motion.eer_upsampling or 1, wanted.eer_upsampling)]
    last = motion.size[0] if wanted.last <= 0 else wanted.last
    frames = int(motion.used.sum()) == last - wanted.first + 1
    files = (motion.gain, motion.defects) == (wanted.gain, wanted.defects)
    return frames and files and all(math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-6) for a, b in numbers)


def _read(record: str) -> dict[str, Any]:
    return dict(json.loads(record.removeprefix(_MADE_WITH)))
