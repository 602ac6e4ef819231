"""The page: complete, self-contained, and true to what it is given."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from relionlab.display.report import Report, Stage, class_cards, duration, unbroken, write_report
from relionlab.display.results import ClassAverages, Course
from relionlab.simulation.scores.classes import score


def blobs(k: int, n: int = 32) -> np.ndarray:
    y, x = np.mgrid[:n, :n] - n // 2
    return np.stack([np.exp(-((x - i) ** 2 + (y / (1 + 0.2 * i)) ** 2) / 30) for i in range(k)]).astype(np.float32)


def made_report(k: int = 9, *, with_truth: bool = True) -> Report:
    rng = np.random.default_rng(3)
    classes = rng.integers(1, k, 1500)  # the last class stays empty
    counts = np.bincount(classes, minlength=k + 1)[1:]
    averages = ClassAverages.from_arrays(
        blobs(k), pixel_size=3.54, counts=counts, resolution=np.where(counts > 0, 15.0 + np.arange(k), np.inf)
    )
    steps = np.arange(1, 21)
    share = np.abs(1 / k + 0.02 * rng.normal(size=(20, k))) * np.linspace(0.5, 1.5, k)
    course = Course(
        iterations=steps,
        resolution=40 - 1.2 * steps + 0.0,
        share=share / share.sum(axis=1, keepdims=True),
        log_likelihood=-1e6 + 1e4 * np.sqrt(steps),
        max_probability=1 - np.exp(-steps / 10),
        changed_angles=np.r_[np.nan, 40 / steps[1:]],
        changed_offsets=np.r_[np.nan, 10 / steps[1:]],
        changed_classes=np.r_[np.nan, 1 / steps[1:]],
    )
    directions = rng.normal(size=(1500, 3))
    directions[:, 2] += 5 * (classes == 1)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    truth = score(
        classes, directions, rng.choice([0, 1, 2], p=[0.1, 0.5, 0.4], size=1500), symmetry="D2", count=k, junk=0
    )
    return Report(
        title="Class averages of <tutorial>",
        summary="1,500 simulated particles, sorted into 9 classes.",
        averages=averages,
        course=course,
        kept=frozenset({1, 2, 3}),
        stages=(
            Stage("Simulate", "1,500 particles", 9.94, "data/"),
            Stage("Class2D", "9 classes", 83.2, "Class2D/job002/", ("relionlab refine --i a.star --K 9",)),
        ),
        project=Path("tutorial"),
        facts=(("Particles", "1,500"), ("Pixel size", "3.54 Å")),
        examples=rng.normal(size=(6, 32, 32)).astype(np.float32),
        truth=truth if with_truth else None,
        footer=("relionlab 0.1.0",),
    )


class Balance(HTMLParser):
    """Collects addresses, and checks that every element is closed in order."""

    void = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(made_report(), tmp_path_factory.mktemp("page") / "index.html").read_text(encoding="utf-8")


def test_page_is_sound_and_needs_no_network(page: str):
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert parser.addresses
    assert all(address.startswith("data:") for address in parser.addresses)
    assert "@import" not in page
    assert len(page) < 4_000_000


def test_page_shows_every_class_with_its_figures(page: str):
    for card in class_cards(made_report()):
        assert f"Class {card['number']}<" in page
        assert f"{card['count']:,} particles" in page
    assert page.count('class="card kept"') == 3
    assert "&lt;tutorial&gt;" in page
    assert str(unbroken("relionlab refine --i a.star --K 9")) in page
    assert "1 min 33 s in all" in page


def test_cards_come_largest_first_and_say_what_was_kept():
    cards = class_cards(made_report())
    counts = [card["count"] for card in cards]
    assert counts == sorted(counts, reverse=True)
    assert {card["number"] for card in cards if card["kept"]} == {1, 2, 3}
    assert cards[-1]["empty"]
    assert cards[-1]["resolution"] is None


def test_page_compares_with_the_truth(page: str):
    truth = made_report().truth
    assert truth is not None
    assert f"{truth.mean_spread:.1f}°" in page
    assert f"{100 * truth.purity:.0f} %" in page
    assert "no particle" in page


def test_page_without_truth_says_nothing_of_it(tmp_path: Path):
    page = write_report(made_report(with_truth=False), tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Is it right?" not in page
    assert re.search(r"What was done", page)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59, "59 s"), (72.4, "1 min 12 s"), (3720, "1 h 02 min")]
)
def test_durations_read_well(seconds: float, text: str):
    assert duration(seconds) == text


def test_options_of_commands_are_not_broken_at_their_dashes():
    shown = str(unbroken("relionlab refine --tau2_fudge 2 --i 'a<b>-c.star' -j=2 --x=-1"))
    for option in ("--tau2_fudge", "--i", "-j", "--x"):
        assert f'<span style="white-space:nowrap">{option}</span>' in shown
    assert shown.count("<span") == 4
    assert "a&lt;b&gt;-c.star" in shown
