"""``relionlab doctor``: what this machine has, and what to do about what is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from relionlab import __version__
from relionlab.settings import settings

_COMPUTING = ("numpy", "scipy", "numba", "dask", "distributed", "pydantic")
_SCREEN = {  # package -> the version that is known to work, where only one is
    "jupyterlab": "",
    "ipywidgets": "",
    "anywidget": "",
    "bokeh": "",
    "holoviews": "",
    "jupyter_bokeh": "4.0.5",
    "nglview": "4.0",
    "k3d": "",
    "matplotlib": "",
}


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    topic  what was looked at
    found  what there is
    cure   what to do; empty if all is well
    """

    topic: str
    found: str
    cure: str = ""


def findings(directory: Path | None = None) -> Iterator[Finding]:
    """Yield what there is, topic by topic; ``directory`` is where projects are to lie."""
    yield Finding("relionlab", __version__)
    yield Finding("Python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield _packages("computing", dict.fromkeys(_COMPUTING, ""))
    yield _cores()
    yield _memory()
    yield _gpu()
    yield _relion()
    yield _folder(directory or Path.cwd())
    yield _packages("notebooks", _SCREEN)
    yield _lab()
    yield _browser()


def main(arguments: Sequence[str]) -> int:
    """Print the report; return 1 if something needs a cure."""
    if arguments and arguments[0] in ("--help", "-h"):
        print(
            "usage: relionlab doctor\n\nSays in one page what this machine and this installation offer: cores, memory, GPU, packages,"
        )
        print("disk, browser; and beside what will not work, marked with !, what to do.")
        return 0
    wrong = 0
    for finding in findings():
        print(_lines(f"{'!' if finding.cure else ' '} {finding.topic:<10} ", finding.found))
        if finding.cure:
            print(_lines(f"  {'':<10} -> ", finding.cure))
            wrong += 1
    print(f"\n{wrong} to mend, marked with !" if wrong else "\nAll is well. `relionlab` opens the lab in this folder.")
    return 1 if wrong else 0


def _lines(head: str, text: str) -> str:
    """Return the text behind its head, wrapped to a page's width."""
    return textwrap.fill(text, 110, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False)


def _packages(topic: str, wanted: dict[str, str]) -> Finding:
    there, missing, wrong = [], [], []
    for name, known in wanted.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        there.append(f"{name} {version}")
        if known and version != known:
            wrong.append(f"{name}=={known}")
    cures = []
    if missing:
        cures.append(f"missing: {', '.join(missing)}; install with pip install {' '.join(missing)}")
    if wrong:
        cures.append(f"other versions do not work in JupyterLab: pip install {' '.join(wrong)}")
    return Finding(topic, ", ".join(there) or "nothing", "; ".join(cures))


def _cores() -> Finding:
    usable, there = settings().cores(), os.cpu_count() or 1
    return Finding("cores", f"{usable} for this process, {there} in the machine")


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    free, total = memory.available / 2**30, memory.total / 2**30
    cure = "less than 4 GiB are free: close other programs, or expect small batches" if free < 4 else ""
    return Finding("memory", f"{free:.1f} GiB free of {total:.1f} GiB", cure)


def _gpu() -> Finding:
    cards = _output("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader").splitlines()
    if not cards:
        return Finding("GPU", "none (the CPU is used)")
    return Finding("GPU", f"{'; '.join(cards)} (not used: all jobs compute on the CPU in this release)")


def _relion() -> Finding:
    place = shutil.which("relion_refine")
    if place is None:
        return Finding("RELION", "not found (not needed; projects can be opened by it wherever it is)")
    version = _output(place, "--version").strip().splitlines()
    return Finding("RELION", f"{version[0] if version else 'found'}, {place}")


def _folder(directory: Path) -> Finding:
    free = shutil.disk_usage(directory).free / 2**30
    try:
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        return Finding("folder", f"{directory} cannot be written ({error.strerror})", "go to a folder of your own")
    return Finding("folder", f"{directory}, writable, {free:.0f} GiB free", "little space is left" if free < 2 else "")


def _lab() -> Finding:
    """Whether a JupyterLab that somebody else starts, as a JupyterHub, knows our extension; `relionlab` brings it itself."""
    from jupyter_core.paths import jupyter_path

    places = [Path(folder) / "relionlab" for folder in jupyter_path("labextensions")]
    there = next((place for place in places if (place / "package.json").exists()), None)
    if there is None:
        return Finding("extension", "only where `relionlab` starts JupyterLab (double click on STAR files, home page)")
    return Finding("extension", f"for every JupyterLab of this environment ({there})")


def _browser() -> Finding:
    names = ("chromium", "chromium-browser", "google-chrome", "firefox")
    found = next((place for name in names if (place := shutil.which(name))), None)
    return Finding("browser", found or "none on this machine (use the one on your desk: jupyter lab --no-browser)")


def _output(*command: str) -> str:
    """Return what a program prints; empty where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (subprocess.SubprocessError, OSError):
        return ""
