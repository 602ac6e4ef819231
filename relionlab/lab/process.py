"""The process of a server, JupyterLab's or that of the home page alone: started on a folder, found again, stopped."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import LabError
from relionlab.lab.app import AppServer, app_command
from relionlab.lab.server import Server

_OWN = Path(__file__).parent
_WAIT = 60.0  # seconds within which a server answers, also from a slow disk
_PORTS = 50


@dataclass(frozen=True)
class LabProcess:
    """A JupyterLab, or a Voilà, that this process has started.

    server   where it is asked
    process  its process
    log      what it prints
    """

    server: Server
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, folder: Path, *, ip: str = "localhost", port: int = 8888) -> LabProcess:
        """Start JupyterLab on a folder and wait until it answers.

        port  the first to be tried; the next ones where it is taken

        Raises LabError, with the end of its log, if it does not come up.
        """
        free, token = _free_port(port), _token()
        return cls._started(Server(f"http://localhost:{free}/", token), _command(folder, ip=ip, port=free), folder)

    @classmethod
    def start_app(cls, folder: Path, notebook: str, *, ip: str = "localhost", port: int = 8866) -> LabProcess:
        """Start Voilà on one notebook of a folder, and wait until it answers; the rest as for :meth:`start`."""
        free, token = _free_port(port), _token()
        server = AppServer(f"http://localhost:{free}/", token)
        return cls._started(server, app_command(folder / notebook, ip=ip, port=free), folder)

    @classmethod
    def _started(cls, server: Server, command: list[str], folder: Path) -> LabProcess:
        with tempfile.NamedTemporaryFile("w", prefix="relionlab-lab-", suffix=".log", delete=False) as out:
            process = subprocess.Popen(command, env=_environment(server.token), cwd=folder, stdout=out, stderr=out)
        made = cls(server, process, Path(out.name))
        made._wait_until_up()
        return made

    def stop(self) -> None:
        """End the server and its kernels; jobs go on."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.unlink(missing_ok=True)

    def _wait_until_up(self) -> None:
        until = time.monotonic() + _WAIT
        while not self.server.answers():
            ended = self.process.poll() is not None
            if ended or time.monotonic() > until:
                told = self.log.read_text(errors="replace")[-2000:]
                self.stop()
                what = "ended at once" if ended else f"did not answer within {_WAIT:.0f} s"
                raise LabError(f"The server {what}. `relionlab doctor` says what is missing. It said:\n{told}")
            time.sleep(0.05)


def running_server(folder: Path) -> Server | None:
    """Return the user's JupyterLab that already runs in this folder, if there is one."""
    from jupyter_core.paths import jupyter_runtime_dir  # jupyter_server's own list takes a second to load

    for record in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        with suppress(OSError, ValueError, KeyError):
            found = json.loads(record.read_text())
            server = Server(found["url"], found.get("token", ""))
            if Path(found["root_dir"]).resolve() == folder.resolve() and server.answers():
                return server
    return None


def _command(folder: Path, *, ip: str, port: int) -> list[str]:
    unused = ("panel.io.jupyter_server_extension", "voila.server_extension", "notebook")
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *(f"--ServerApp.root_dir={folder}", f"--ServerApp.ip={ip}", f"--ServerApp.port={port}"),
        "--ServerApp.port_retries=0",
        "--ZMQChannelsWebsocketConnection.iopub_data_rate_limit=1e10",  # pictures are large, and asked for
        # Panel's alone takes a second to load, and nothing here asks for it
        f"--ServerApp.jpserver_extensions={dict.fromkeys(unused, False)}",
    ]


def _environment(token: str) -> dict[str, str]:
    """Return the environment with our settings of JupyterLab and our extension before the user's own."""
    own = {"JUPYTER_CONFIG_PATH": _OWN / "config", "JUPYTER_PATH": _OWN}
    paths = {name: os.pathsep.join(filter(None, [str(path), os.environ.get(name)])) for name, path in own.items()}
    return {**os.environ, **paths, "JUPYTER_TOKEN": token}


def _token() -> str:
    return os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(16)


def _free_port(first: int) -> int:
    for port in range(first, first + _PORTS):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a lab started again moves to the next
            with suppress(OSError):
                tried.bind(("localhost", port))
                return port
    raise LabError(f"The ports {first} to {first + _PORTS - 1} are all in use: name another with --port.")
