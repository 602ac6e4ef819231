"""``relionlab`` or ``relionlab lab``: JupyterLab on a project folder, at its home page.

The home page is a notebook in the folder, ``home.ipynb``. Its kernel starts and draws while JupyterLab still loads in the
browser, which halves the wait. Closing the browser changes nothing; jobs run in processes of their own.
"""

from __future__ import annotations

import argparse
import os
import signal
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from relionlab.errors import ProjectError
from relionlab.lab.home_notebook import HOME, write_home_notebook
from relionlab.lab.process import LabProcess, running_server
from relionlab.lab.server import Server

WARM = "from relionlab.widgets import Home, JobForm, JobMonitor"
"""What the kernel of the home page runs before the browser asks it for the page: the half of the wait that can be had ahead."""


def main(arguments: Sequence[str]) -> int:
    """Open JupyterLab on a folder, and stay until it is closed."""
    asked = _parser().parse_args(list(arguments))
    folder = Path(asked.folder).absolute()
    _check(folder)
    write_home_notebook(folder)
    there = running_server(folder)
    if there is not None:
        print(f"JupyterLab runs in {folder} already:\n\n    {there.page}\n")
        _browse(there, wanted=asked.browser)
        return 0
    return _serve(folder, asked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="relionlab lab",
        description="Open JupyterLab on a project folder, of RELION or of relionlab, new or old. Ctrl-C ends it; jobs go on.",
    )
    parser.add_argument("folder", nargs="?", default=".", help="the project's folder (default: this one)")
    parser.add_argument("--port", type=int, default=8888, help="port, or the first that may be used (default: 8888)")
    parser.add_argument("--ip", default="localhost", help="address to listen on; 0.0.0.0 lets other machines in")
    parser.add_argument(
        "--no_browser", dest="browser", action="store_false", help="print the address only, as over SSH"
    )
    return parser


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise ProjectError(f"{folder} is no folder: make it first (mkdir), or name that of your project.")
    if not os.access(folder, os.W_OK):
        raise ProjectError(f"{folder} cannot be written: JupyterLab needs a folder of your own for its home page.")


def _serve(folder: Path, asked: argparse.Namespace) -> int:
    print(f"relionlab starts JupyterLab in {folder} (a few seconds) …", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us ends the server with us
    lab = LabProcess.start(folder, ip=asked.ip, port=asked.port)
    try:
        _open_home(lab.server, wanted=asked.browser)
        return lab.process.wait()
    except KeyboardInterrupt:
        print("\nJupyterLab is closed. Jobs that were running go on.")
        return 0
    finally:
        lab.stop()


def _open_home(server: Server, *, wanted: bool) -> None:
    """Open the home page, and have its kernel load what it needs while the browser loads JupyterLab."""
    server.show_page_alone(HOME)
    kernel = server.kernel_of(HOME)
    print(f"\n    {server.page}\n\nCtrl-C closes JupyterLab; jobs go on.", flush=True)
    _browse(server, wanted=wanted)
    server.warm(kernel, WARM)


def _browse(server: Server, *, wanted: bool) -> None:
    if wanted and not webbrowser.open(server.page):
        print("No browser could be started here: open the address above in yours.", flush=True)
