"""Finds the parameters of a job type by what people call them: label, name, RELION's key, flag, or a word of the help."""

from __future__ import annotations

from difflib import SequenceMatcher

from relionlab.params import Declared, Parameter

_ALIKE = 0.75  # of a word's letters in a row: what is mistyped is still found


def find_parameters(declared: type[Declared], text: str) -> list[str]:
    """Return the names of the parameters that a text may mean, the likeliest first; all words of it must be found.

    A word counts most at the beginning of the label, then within label, name, key or flag, least in the help.
    """
    words = text.lower().split()
    if not words:
        return []
    scores = {name: _score(words, name, parameter) for name, parameter in declared.parameters().items()}
    found = [name for name, score in scores.items() if score > 0]
    return sorted(found, key=lambda name: -scores[name])  # sorted keeps the form's order among equals


def _score(words: list[str], name: str, parameter: Parameter) -> float:
    """Return how well all words fit, 0 if one of them is nowhere."""
    label = parameter.label.lower()
    keys = (parameter.key,) if isinstance(parameter.key, str) else tuple((parameter.key or {}).values())
    codes = " ".join(filter(None, (name, *keys, parameter.flag, *parameter.other_flags))).lower()
    each = [_of_word(word, label, codes, parameter.help.lower()) for word in words]
    return sum(each) if all(each) else 0.0


def _of_word(word: str, label: str, codes: str, text: str) -> float:
    if word.lstrip("-") in codes.replace("--", "").split():
        return 12.0
    if label.startswith(word):
        return 10.0
    if f" {word}" in label:
        return 8.0
    if word in label:
        return 6.0
    if word in codes:
        return 5.0
    if word in text:
        return 2.0 if f" {word}" in text else 1.0
    return 0.5 if len(word) > 3 and any(_alike(word, other) for other in label.split()) else 0.0


def _alike(word: str, other: str) -> bool:
    return SequenceMatcher(None, word, other).ratio() > _ALIKE
