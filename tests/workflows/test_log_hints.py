"""How grave a line of a log is, and what is said about it."""

from __future__ import annotations

import pytest

from relionlab.workflows.log_hints import read_line


@pytest.mark.parametrize(
    ("text", "from_errors", "severity", "word"),
    [
        ("Iteration 3 of 25", False, "plain", ""),
        (" WARNING: There are only 5 particles in group 3", False, "warning", "Regroup"),
        ("ERROR: Could not find file a.mrc", True, "error", "missing"),
        ("OSError: No space left on device", True, "error", "disk is full"),
        ("slurmstepd: Detected 1 oom-kill event", True, "warning", "memory"),
        ("MPI_ABORT was invoked on rank 1", False, "error", ""),
        ("the B-factor of -20 is doubtful: few shells", True, "warning", "Guinier"),
    ],
)
def test_lines_are_judged(text, from_errors, severity, word):
    found = read_line(text, from_errors=from_errors)
    assert found.severity == severity
    assert word in found.hint


def test_errors_that_are_only_spoken_of_are_plain():
    assert read_line("The mean error of the defocus is 20 Å").severity == "plain"
