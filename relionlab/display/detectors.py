"""The MTFs of detectors: the library's, the user's own, or files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from relionlab.display.picture import Picture
from relionlab.display.style import PALETTE, line, panel
from relionlab.errors import NodeError, ParameterError
from relionlab.io.detectors import detector, detectors, read_mtf

_USAGE = "usage: relionlab detectors [--o PICTURE]     list the detectors' MTFs that --mtf knows by name; draw them (.html, .pdf, .png)"
_DASHED_FROM = len(PALETTE)


def detector_mtfs(*names: str | Path) -> Picture:
    """Draw modulation transfer functions over frequency.

    names  names of the library or of the setting ``mtf_folder``, or MTF files; by default all that have a name

    Raises NodeError for a name that is neither.
    """
    import holoviews as hv

    dims = (("frequency", "Frequency (cycles per detector pixel; Nyquist: 0.5)"), ("mtf", "MTF"))
    lines = []
    for number, (label, path) in enumerate(_chosen(names).items()):
        frequency, value = read_mtf(path, label)
        dash = "dashed" if number // _DASHED_FROM % 2 else "solid"
        color = PALETTE[number % len(PALETTE)]
        lines.append(line(frequency, value, dims, color=color, label=label, dash=dash, hover=True))
    drawn = panel(hv.Overlay(lines), "", (640, 380), legend="bottom_left", ylim=(0, 1.05))
    return Picture(
        drawn,
        "Detector MTFs",
        "How much contrast the detector leaves at each frequency. As measured by others: `relionlab detectors` says by whom.",
    )


def main(arguments: Sequence[str]) -> int:
    """List the detectors, and draw their curves: ``relionlab detectors --o mtfs.pdf``."""
    if not arguments:
        print("\n".join(_listed()))
        return 0
    if arguments[0] in ("--help", "-h"):
        print(_USAGE)
        return 0
    if len(arguments) != 2 or arguments[0] != "--o":
        raise ParameterError(f"detectors: {' '.join(arguments)!r} is not understood. {_USAGE}")
    print(f"Written {detector_mtfs().save(arguments[1])}")
    return 0


def _listed() -> list[str]:
    found = []
    for name, known in detectors().items():
        found += [f"{name:<16} {known.description}", *([f"{'':<16} {known.source}"] if known.source else [])]
    return found


def _chosen(names: Sequence[str | Path]) -> dict[str, Path]:
    if not names:
        return {name: known.path for name, known in detectors().items()}
    chosen = {}
    for name in names:
        known = detector(str(name))
        path = known.path if known else Path(name)
        if not path.exists():
            raise NodeError(f"{name} is neither a file nor a detector of the library: {', '.join(detectors())}.")
        chosen[known.name if known else str(name)] = path
    return chosen
