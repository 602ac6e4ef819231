"""Numbers in sentences: 1 particle, 2 particles."""

from __future__ import annotations


def many(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: "1 box", "1,234 boxes"; ``plural`` where it is more than the noun with an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def verb(count: int, one: str, more: str) -> str:
    """Return the form of a verb that goes with a count: ``one`` ("is") of a single thing, else ``more`` ("are")."""
    return one if count == 1 else more
