"""Pictures and parameters to interaction, in a notebook: the form of a job, its monitor, the gallery of classes.

Nothing is computed here: each button calls one public method that a notebook user can call as well.
"""

from __future__ import annotations

from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.gallery.gallery import ClassGallery
from relionlab.widgets.monitor.monitor import JobMonitor
from relionlab.widgets.picking.auto_picker import AutoPicker
from relionlab.widgets.picking.manual_picker import ManualPicker

__all__ = ["AutoPicker", "ClassGallery", "JobForm", "JobMonitor", "ManualPicker"]
