"""The mark of a job's state, by colour and shape: ``<span class="rl-dot rl-dot-running">``."""

from __future__ import annotations

from pathlib import Path

DOTS = Path(__file__).with_name("state_dots.css").read_text(encoding="utf-8")
"""Style sheet of the marks: a disc finished, a triangle running, a ring scheduled, a cross failed, a square aborted."""


def dot(state: str) -> str:
    """Return the mark of a state as HTML; what it says stands beside it in words."""
    return f'<span class="rl-dot rl-dot-{state}" aria-hidden="true"></span>'
