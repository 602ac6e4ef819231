"""Wizards: a picture beside a number, in which the number is dragged, and from which it goes back into the form.

A parameter says in its declaration which one it wants (``Parameter.wizard``, a word); :func:`wizard_for` finds it:

    make = wizard_for(Class2D, "particle_diameter")     # None where there is none
    wizard = make(form, opener)                         # a widget; writes with form.set(particle_diameter=…)
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from relionlab.params import Declared
from relionlab.widgets.parts.opening import Opener

if TYPE_CHECKING:
    from relionlab.widgets.forms.wizards.wizard import Wizard

_PLACES = {
    "particle mask": "particle_mask:ParticleMask",
    "reference mask": "reference_mask:ReferenceMask",
    "manual view": "filters:ManualView",
    "picking filters": "filters:PickingFilters",
    "blob diameters": "blobs:BlobDiameters",
    "box": "box:BoxSize",
    "mask": "mask:MaskOutline",
    "map low-pass": "map_filter:MapLowPass",
    "detector": "detector:DetectorCurve",
    "values": "values:ValueRange",
    "groups": "groups:NoiseGroups",
    "rings": "rings:SpectrumRings",
}
"""Word -> module and class."""


def wizard_for(declared: type[Declared], name: str) -> Callable[..., Wizard] | None:
    """Return what makes the wizard of a parameter, called with the form and, if there is one, an opener; or ``None``."""
    word = declared.parameters()[name].wizard
    if word is None:
        return None
    module, _, attribute = _PLACES[word].partition(":")

    def make(form: Any, opener: Opener | None = None) -> Wizard:
        found = getattr(import_module(f"{__name__}.{module}"), attribute)
        return found(form, name, opener=opener)

    return make


def wizard_words() -> tuple[str, ...]:
    """Return the words that a declaration may use."""
    return tuple(_PLACES)
