"""What the tests of a newcomer's way share: counting decisions, and the home page of a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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

    def import_particles(self) -> None:
        """Begin with the particles that lie in the folder."""
        self.click("I have particles", self.page.locator('.rl-choices [data-key="particles"]'))
        self.page.locator(".rl-form:visible .rl-title").wait_for(timeout=60_000)
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

    def save_selection(self, count: int, seconds: float = 400) -> int:
        """Save the chosen ones of ``count`` particles, wait until Select/job003 is there, and return how many it must hold."""
        save = self.page.get_by_role("button", name="Save selection")  # "Stop here and select" while it runs
        save.wait_for(timeout=1000 * seconds)
        words = self.page.locator(".rl-monitor:visible").first.inner_text()
        told = re.search(r"([\d,]+) of ([\d,]+) particles", words)
        assert told is not None, words
        chosen, every = (int(number.replace(",", "")) for number in told.groups())
        assert every == count
        self.click("Save selection", save)
        self.page.locator('.rl-job-line[data-name="Select/job003"]').wait_for(timeout=60_000)
        return chosen

    def told(self, stage: str, relion: int) -> None:
        """Print them, with RELION's number for the same stage."""
        listed = "; ".join(f"{number}. {what}" for number, what in enumerate(self.made, 1))
        print(f"{stage}: {len(self.made)} decisions, RELION {relion}: {listed}")


def open_home(folder: Path, open_cells: Any) -> Any:
    """Open the home page of a folder in the browser, as somebody sees it who has just come."""
    opened = open_cells(f"{folder.name}/home", CELL, hidden=True, small=True)
    opened.page.locator(".rl-choices button").first.wait_for(timeout=60_000)
    return opened
