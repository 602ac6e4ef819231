"""What a JupyterLab server is asked over its REST interface, and its kernels over their sockets."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKSPACE = "relionlab"
_FLUSH = 0.3  # seconds


@dataclass(frozen=True)
class Server:
    """A server that runs, ours or one found.

    url    its address, with a slash at the end
    token  what it wants to be told
    """

    url: str
    token: str

    @property
    def page(self) -> str:
        """The address at which a browser finds the page of :meth:`show_page_alone`."""
        return f"{self.url}lab/workspaces/{WORKSPACE}" + (f"?token={self.token}" if self.token else "")

    def answers(self) -> bool:
        """Whether it can be asked."""
        try:
            self.ask("GET", "api/status")
        except (OSError, ValueError):
            return False
        return True

    def ask(self, method: str, what: str, body: Any = None) -> Any:
        """Return the server's answer to a request of its REST interface; raises OSError where there is none."""
        request = urllib.request.Request(
            self.url + what,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def show_page_alone(self, notebook: str) -> None:
        """Have JupyterLab begin with this notebook and folded side bars, so that the page has the screen's width."""
        widget = f"notebook:{notebook}"
        main = {"type": "tab-area", "currentIndex": 0, "widgets": [widget]}
        layout = {
            "main": {"dock": main, "current": widget},
            "down": {"size": 0, "widgets": []},
            "left": {"collapsed": True, "visible": True, "current": None, "widgets": ["filebrowser"]},
            "right": {"collapsed": True, "visible": True, "current": None, "widgets": []},
            "relativeSizes": [0, 1, 0],
        }
        data = {"layout-restorer:data": layout, widget: {"data": {"path": notebook, "factory": "Notebook"}}}
        self.ask("PUT", f"lab/api/workspaces/{WORKSPACE}", {"data": data, "metadata": {"id": WORKSPACE}})

    def kernel_of(self, notebook: str) -> str:
        """Start a kernel for this notebook, as opening it in the browser would, and return its identity."""
        name = Path(notebook).name
        body = {"path": notebook, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        return str(self.ask("POST", "api/sessions", body)["kernel"]["id"])

    def warm(self, kernel: str, source: str) -> None:
        """Have a kernel run this before anybody asks it to show something, unseen; returns at once."""
        from jupyter_client import BlockingKernelClient, find_connection_file

        client = BlockingKernelClient(connection_file=find_connection_file(f"kernel-{kernel}.json"))
        client.load_connection_file()
        client.start_channels(shell=True, iopub=False, stdin=False, hb=False, control=False)
        client.execute(source, silent=True, store_history=False, allow_stdin=False)
        time.sleep(_FLUSH)  # a socket that is closed at once takes what it has not sent with it
        client.stop_channels()
