"""Pictures and parameters to interaction, in a notebook: the form of a job, its monitor, the gallery of classes.

Nothing is computed here: each button calls one public method that a notebook user can call as well.
"""

from __future__ import annotations

from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.gallery.gallery import ClassGallery
from relionlab.widgets.gallery.image_gallery import ImageGallery
from relionlab.widgets.gallery.image_tools import ImageTools
from relionlab.widgets.gallery.looking import look
from relionlab.widgets.gallery.star_view import StarView
from relionlab.widgets.home.home import Home
from relionlab.widgets.monitor.monitor import JobMonitor

__all__ = ["ClassGallery", "Home", "ImageGallery", "ImageTools", "JobForm", "JobMonitor", "StarView", "look"]
