"""The small button beside a number that opens a picture in which the number can be found."""

from __future__ import annotations

from typing import Any

import ipywidgets as w

from relionlab.widgets.forms.wizards import wizard_for
from relionlab.widgets.parts.buttons import Message, button


def helper_button(form: Any, name: str, *, message: Message) -> w.Button | None:
    """Return the button that opens a parameter's wizard where the form's links open, ``None`` if it has no wizard."""
    make = wizard_for(form.declared, name)
    if make is None:
        return None
    label = form.declared.parameters()[name].label

    def open_wizard() -> None:
        form.opener.open(f"{label}: see it on a picture", lambda: make(form, form.opener))

    made = button("", f"{label}: find it on a picture", open_wizard, message=message, icon="eye", width="34px")
    made.add_class("rl-helper")
    return made
