"""What the tests of a newcomer's way share: counting decisions, and the home page of a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

RUN = re.compile(r"^\W*Run$")
CELL = """import os
os.environ["XDG_STATE_HOME"] = os.path.abspath("../state")
from relionlab.widgets.home import Home
home = Home(".")
home"""


@dataclass
class Decisions:
    """What somebody who clicks and types has had to decide; waiting and looking are no decisions."""

    page: Any
    made: list[str] = field(default_factory=list)

    def click(self, what: str, target: Any) -> None:
        """Click on a choice."""
        target.click()
        self.made.append(what)

    def type(self, what: str, target: Any, value: str) -> None:
        """Type a value."""
        target.fill(value)
        target.press("Tab")
        self.made.append(f"{what} = {value}")

    def offered(self, label: str, seconds: float = 120) -> None:
        """Take a job that the page of the one before offers, and run it with the values that its form has."""
        self.next_job(label, seconds)
        self.run()

    def next_job(self, label: str, seconds: float = 120) -> None:
        """Open the form of a job that the page of the one before offers."""
        button = self.page.get_by_role("button", name=label, exact=False).locator("visible=true")
        button.wait_for(timeout=1000 * seconds)
        self.click(label, button)

    def run(self) -> None:
        """Run the form in front, once it is ready."""
        button = self.page.get_by_role("button", name=RUN).locator("visible=true")
        button.wait_for(timeout=60_000)
        title = self.page.locator(".rl-form:visible .rl-title").first.inner_text()
        self.click(f"Run ({title})", button)  # Playwright waits until it is enabled

    def wait_for_averages(self, seconds: float = 240) -> None:
        """Wait until the class averages of an iteration are there, not only those that it begins with."""
        title = self.page.get_by_text(re.compile(r"Class averages after iteration [1-9]")).locator("visible=true")
        title.first.wait_for(timeout=1000 * seconds)
        self.page.locator(".rl-monitor:visible .rl-class").first.wait_for(timeout=30_000)

    def told(self, stage: str, relion: int) -> None:
        """Print them, with RELION's number for the same stage."""
        listed = "; ".join(f"{number}. {what}" for number, what in enumerate(self.made, 1))
        print(f"{stage}: {len(self.made)} decisions, RELION {relion}: {listed}")


def open_home(folder: Path, open_notebook: Any) -> Any:
    """Open the home page of a folder in the browser, as somebody sees it who has just come."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cell = nbformat.v4.new_code_cell(CELL, metadata={"jupyter": {"source_hidden": True}})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), folder / "newcomer.ipynb")
    opened = open_notebook(f"{folder.name}/newcomer.ipynb")
    opened.page.set_viewport_size({"width": 1366, "height": 768})
    opened.run_cell(0)
    opened.page.locator(".rl-choices button").first.wait_for(timeout=60_000)
    return opened


def nothing_wrong(notebook: Any) -> None:
    """Assert that no error stands in the page, and nothing asked for what is not on this machine."""
    assert notebook.cell_errors() == []
    assert notebook.page.get_by_text("Traceback").count() == 0
    assert notebook.outside == []
    assert notebook.wrong == []
