"""Particle picking: micrographs in, figure-of-merit maps out, and from these, in milliseconds, coordinates.

Two stages, so that thresholds can be tuned by hand without computing again:

1. :func:`template_scores` (references turned in the plane, with CTF) or :func:`blob_scores` (particles without a
   reference, by their diameter) give :class:`Scores`: maps of the best score, of its reference and angle, and of
   the mean and standard deviation of the background.
2. :func:`peaks_from` takes threshold, distance and background limits, and returns :class:`Picks`.

Edits by hand are a layer of their own (:class:`Edits`), laid over whatever the second stage gives.
"""

from __future__ import annotations

from relionlab.engine.picking.blobs import BlobSearch, blob_scores
from relionlab.engine.picking.candidates import Candidates
from relionlab.engine.picking.directions import directions, symmetry_matrices
from relionlab.engine.picking.edits import Edits
from relionlab.engine.picking.frame import Frame, frame_for, place
from relionlab.engine.picking.peaks import Scores, peaks_from
from relionlab.engine.picking.picks import Picks
from relionlab.engine.picking.templates import Templates, estimate_diameter, gaussian_blob
from relionlab.engine.picking.templates import matching as template_scores

__all__ = [
    "BlobSearch",
    "Candidates",
    "Edits",
    "Frame",
    "Picks",
    "Scores",
    "Templates",
    "blob_scores",
    "directions",
    "estimate_diameter",
    "frame_for",
    "gaussian_blob",
    "peaks_from",
    "place",
    "symmetry_matrices",
    "template_scores",
]
