"""The slider's ends hold its value; that it never answers Python is seen in the browser, where a circle is dragged."""

from __future__ import annotations

from relionlab.widgets.parts.slider import Slider


def test_the_value_stays_between_the_ends_and_follows_them():
    slider = Slider(12, min=0, max=10, step=0.5)
    assert slider.value == 10
    slider.stretch(12, 20)
    assert (slider.min, slider.value, slider.max) == (12, 12, 20)


def test_the_value_is_not_rounded_to_steps():
    assert Slider(0.123456, min=0, max=1, step=0.01).value == 0.123456
