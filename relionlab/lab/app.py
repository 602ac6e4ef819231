"""The home page alone, without JupyterLab around it: shown by Voilà, each visitor with a kernel of his own.

``relionlab lab --app``; ``python -m relionlab.lab.app NOTEBOOK --port=8866`` is the server's process. Its page is ours
(voila/templates/relionlab), because Voilà's own asks a network for its icons.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from relionlab.errors import LabError
from relionlab.lab.server import Server

TEMPLATE = "relionlab"
_NOT_HERE = ("@pyviz/jupyterlab_pyviz", "@jupyter-notebook/lab-extension", "relionlab")
"""Extensions that want parts of JupyterLab which Voilà has not; none of our pages wants them."""


@dataclass(frozen=True)
class AppServer(Server):
    """A Voilà that shows one notebook."""

    @property
    def page(self) -> str:
        """The address at which a browser finds the notebook."""
        return self.url + (f"?token={self.token}" if self.token else "")

    def answers(self) -> bool:
        """Whether it listens; asking it for its page would start a kernel."""
        place = urlsplit(self.url)
        with suppress(OSError), socket.create_connection((place.hostname, place.port or 80), 1):
            return True
        return False


def app_command(notebook: Path, *, ip: str, port: int) -> list[str]:
    """Return the command line of the server's process; raises LabError if Voilà is not installed."""
    if importlib.util.find_spec("voila") is None:
        raise LabError("Voilà, which shows the page alone, is not installed here: pip install 'relionlab[app]'.")
    place = (f"--Voila.ip={ip}", f"--port={port}", "--Voila.port_retries=0")
    return [sys.executable, "-P", "-m", "relionlab.lab.app", str(notebook), *place]


def main(arguments: Sequence[str]) -> None:
    """Be that server; the token comes from JUPYTER_TOKEN, where no list of processes shows it."""
    from voila.app import Voila

    denied = [f"--VoilaConfiguration.extension_denylist={name}" for name in _NOT_HERE]
    own = [f"--template={TEMPLATE}", "--no-browser", *denied]
    Voila.launch_instance([*arguments, *own], token=os.environ.get("JUPYTER_TOKEN", ""))


if __name__ == "__main__":
    main(sys.argv[1:])
